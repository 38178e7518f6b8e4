//! Statistics against independent sources and by simulation; see docs/statistics.md.

mod accuracy;
mod calibration;
mod classification;
mod drift;
mod multiple_testing;
mod oracle;
mod proportion;
mod simulation;
mod sketch;
