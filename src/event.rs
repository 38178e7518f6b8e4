//! The contract: what a prediction and a correction are, on the wire and inside.
//!
//! [`Prediction`] and [`Correction`] borrow from the line or row they were read from and mirror `docs/contracts/`.
//! [`PredictionEntry`] and [`CorrectionEntry`] are their compact, owned forms: strings became [`Symbol`]s, ids became
//! [`JoinKey`]s, probabilities fixed-point numbers. Everything after `ingest` sees only those.

mod candidates;
mod correction;
mod entry;
mod prediction;
mod reject;
mod scalar;
mod symbol;
mod time;
mod wording;

pub use candidates::Candidates;
pub use correction::Correction;
pub use entry::{CorrectionEntry, Entry, Fixed, Intake, JoinKey, Kind, MAX_RANK, NO_LATENCY, PredictionEntry, Weight};
pub use prediction::{Candidate, Prediction, Route, Status};
pub use reject::{Reason, Reject};
pub use scalar::{Attributes, Scalar, Text};
pub use symbol::{Series, SeriesId, Symbol, Symbols};
pub use time::{EventTime, HOUR_MS};
pub use wording::Wording;
