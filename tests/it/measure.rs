//! Statistics against independent sources and by simulation; see docs/statistics.md.

mod accuracy;
mod assisted;
mod calibration;
mod classification;
mod drift;
mod multiple_testing;
mod oracle;
mod proportion;
mod shrinkage;
mod simulation;
mod sketch;
