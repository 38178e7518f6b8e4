//! Do intervals cover and tests keep their level? Modest runs here; `cargo test --release measure::simulation --
//! --ignored --nocapture` prints the tables of docs/statistics.md.

mod coverage;
mod false_alarm;
