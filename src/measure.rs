//! Estimates, intervals and tests on plain slices and sums.
//!
//! Everything here is pure: no IO, no clock, no engine, no randomness without a seed. Nothing panics on finite input
//! and nothing returns NaN: a number that the data cannot support is `None`. What each measure means, assumes and was
//! checked against is in `docs/statistics.md`.

pub mod accuracy;
pub mod agreement;
pub mod assisted;
pub mod calibration;
pub mod classification;
pub mod comparison;
pub mod detector;
pub mod drift;
pub mod estimated;
pub mod isotonic;
pub mod label_shift;
pub mod mcnemar;
pub mod mixture;
pub mod multiple_testing;
pub mod post_stratification;
pub mod proportion;
pub mod recalibration;
pub mod review_design;
pub mod sequential;
pub mod shrinkage;
pub mod sketch;
pub mod terms;
pub mod threshold;
pub mod weight;
pub mod whole;

mod bisection;
mod factorial;
mod hypergeometric;
mod ratio;
