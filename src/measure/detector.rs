//! The classical detectors, row by row, with the defaults of their papers or of common libraries.
//!
//! None of them promises a rate of false alarms over a period; they also depend on the order of rows, so they are for
//! streams that come in order once. They are here to compare with, and for those who know their settings.

pub mod adwin;
pub mod cusum;
pub mod ddm;
pub mod page_hinkley;

use serde::{Deserialize, Serialize};

pub use self::{adwin::Adwin, cusum::Cusum, ddm::Ddm, page_hinkley::PageHinkley};

/// What a detector says after a row. After `Drift` the next row starts afresh, except with ADWIN, which keeps what is
/// recent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Steady,
    Warning,
    Drift,
}
