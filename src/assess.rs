//! One model, one period: asks the queries, applies the measures, and gives the numbers as plain data.
//!
//! [`plan`] decides what is looked at (which model, which days, against which reference), [`assess`] does it. The
//! result, [`Assessment`](assessment::Assessment), is all that reports, pages and the API ever see.

mod accuracy;
pub mod assessment;
mod assisted;
mod build;
mod calibration;
mod codes;
mod day;
mod drift;
mod latency;
mod parts;
mod plan;
mod review;
mod series;
mod source;
mod stored;
mod threshold;
mod traffic;

pub use build::{AssessError, assess};
pub use day::{Day, DayError};
pub use drift::REPLICATES;
pub use parts::{Holder, HolderError, Views};
pub use plan::{FactSource, LevelChoice, Plan, PlanError, Request, plan};
pub use source::{FileFacts, Naming};
pub use stored::{SourceError, StoreFacts};
