//! Looking again and again: evidence that stays valid at every look.
//!
//! A p-value is valid for one look that was planned; looked at every hour, it falls below any level sooner or later. An
//! e-process `E` is at most 1 on average at whatever time one stops, when nothing has happened. So the chance that it ever
//! reaches `1/α` is at most `α` (Ville 1939), however often it is looked at. All functions here give `ln E`, so that
//! "alarm at `α`" is `ln E ≥ ln(1/α)`, see [`threshold`].
//!
//! Every e-process here is a mixture of bets fixed beforehand, so it is a function of counts per period, whatever the
//! order in which rows came. A row that comes late adds to the count of its own period, and the whole is computed anew:
//! this is the same as if the bets had been placed row by row in the order of arrival. What must not depend on the
//! codes or labels is which rows come and when.
//!
//! * [`share`]: the share of one code against a reference sample; [`mod@e_bh`] over many codes.
//! * [`distribution`]: all codes at once.
//! * [`accuracy`]: against a floor, with a confidence sequence; [`accuracy_change`]: against a reference period.
//! * [`super::detector`]: the classical detectors, to compare with.
//!
//! Ramdas, Grünwald, Vovk and Shafer (2023), Statistical Science 38; Ville (1939), "Étude critique de la notion de
//! collectif".

pub mod accuracy;
pub mod accuracy_change;
pub mod distribution;
pub mod e_bh;
pub mod share;
pub mod start;

mod bank;
mod lattice;

use serde::{Deserialize, Serialize};

pub use self::e_bh::{e_bh, mean};

/// Which change is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A rise or a fall: half of the stake on each.
    #[default]
    Either,
    Risen,
    Fallen,
}

impl Direction {
    /// The stake on a rise and on a fall.
    fn stakes(self) -> [f64; 2] {
        match self {
            Self::Either => [0.5, 0.5],
            Self::Risen => [1.0, 0.0],
            Self::Fallen => [0.0, 1.0],
        }
    }
}

/// `ln(1/α)`: the log e-value at which to alarm. Infinite for `α` not above 0.
///
/// ```
/// use vigie::measure::sequential::threshold;
/// assert!((threshold(0.05) - 20_f64.ln()).abs() < 1e-12);
/// ```
pub fn threshold(alpha: f64) -> f64 {
    if alpha > 0.0 { -alpha.min(1.0).ln() } else { f64::INFINITY }
}
