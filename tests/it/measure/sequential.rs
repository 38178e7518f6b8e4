//! Evidence that may be looked at every hour: against other programs, by its promise, and by how soon it alarms.
//!
//! `VIGIE_SIMULATE=1 cargo test --release measure::sequential -- --nocapture` prints the tables of docs/statistics.md.

mod by_code;
mod delay;
mod detector;
mod exact;
mod false_alarm;
mod family;
mod routes;
mod stream;
