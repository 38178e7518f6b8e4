//! The one small truth that everything measured comes from: additive cells.
//!
//! A [`Cell`] names a fact ("predictions of code 5610A by version 1.4.0 in hour 493,000, automatic"), a number says
//! how many. Cells of replicas, partitions, hours and days simply add up, and a revised label subtracts what it said
//! before and adds what it says now. All numbers are integers (weights and probabilities in fixed point), so that any
//! order of addition gives the same result to the bit.

mod cell;
mod contribute;
mod facts;
mod grade;
mod ledger;
mod merge;
mod opinions;
mod specimen;

pub use cell::{CONFIDENCE_BINS, Cell, CellKey, PROBABILITY_BINS, PageKey, ScoreKind, Table, Tally};
pub use contribute::{Contribution, LevelTable};
pub use facts::{CountPage, Facts, MomentPage, Moments, Wide};
pub use grade::{GRADE_STARTS, GRADES, grade};
pub use ledger::{IntakeRow, Ledger};
pub use merge::{MergeError, Union, merge};
pub use opinions::{Opinion, OpinionPage, Opinions};
pub use specimen::{Specimen, SpecimenPage, Tier, Verdict, lots_of};
