//! Statistics against independent sources and by simulation; see docs/statistics.md.

mod accuracy;
mod agreement;
mod assisted;
mod calibration;
mod classification;
mod comparison;
mod drift;
mod estimated;
mod label_shift;
mod mcnemar;
mod multiple_testing;
pub mod naf2025;
mod oracle;
mod proportion;
mod recalibration;
mod sequential;
mod shrinkage;
mod simulation;
mod sketch;
mod terms;
mod unnamed;
