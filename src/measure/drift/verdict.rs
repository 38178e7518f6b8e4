//! Is a change real, and does it matter?

use serde::{Deserialize, Serialize};

use crate::measure::proportion::Estimate;

/// What may be said of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Nothing that chance would not do.
    #[default]
    None,
    /// Not chance, but not shown to be as large as the minimum either.
    RealButSmall,
    /// Not chance, and larger than the minimum.
    Real,
}

/// Two questions with two answers: is it more than chance (`p ≤ alpha`), and is it more than `minimum` (the whole interval
/// of the effect is)?
///
/// With many rows every change is more than chance, with few rows any effect looks large: neither alone should wake
/// someone. The effect is a size, at least 0 (a distance, or the absolute value of a difference); `minimum` is in its
/// unit. Alarms without any change happen at most as often as `p ≤ alpha` does.
///
/// *Edge cases*: a p-value that is missing or NaN says `None`; an effect without a lower bound is not shown to matter.
///
/// ```
/// use vigie::measure::{drift::verdict::{Change, change}, proportion::Estimate};
/// let effect = |lower| Estimate { estimate: Some(0.03), lower: Some(lower), upper: Some(0.05) };
/// assert_eq!(change(Some(0.2), 0.05, effect(0.02), 0.01), Change::None);
/// assert_eq!(change(Some(0.001), 0.05, effect(0.005), 0.01), Change::RealButSmall);
/// assert_eq!(change(Some(0.001), 0.05, effect(0.02), 0.01), Change::Real);
/// ```
pub fn change(p_value: Option<f64>, alpha: f64, effect: Estimate, minimum: f64) -> Change {
    match p_value {
        Some(p) if p <= alpha => {
            let matters = effect.lower.is_some_and(|lower| lower > minimum);
            if matters { Change::Real } else { Change::RealButSmall }
        }
        _ => Change::None,
    }
}

/// The size of a signed difference: its absolute value, with a lower bound of 0 where the interval holds both signs.
///
/// ```
/// use vigie::measure::{drift::verdict::size, proportion::Estimate};
/// let fell = Estimate { estimate: Some(-0.03), lower: Some(-0.05), upper: Some(-0.01) };
/// assert_eq!(size(fell), Estimate { estimate: Some(0.03), lower: Some(0.01), upper: Some(0.05) });
/// assert_eq!(size(Estimate { upper: Some(0.01), ..fell }).lower, Some(0.0));
/// ```
pub fn size(difference: Estimate) -> Estimate {
    let bounds = difference.lower.zip(difference.upper);
    Estimate {
        estimate: difference.estimate.map(f64::abs),
        lower: bounds.map(|(lower, upper)| lower.max(-upper).max(0.0)),
        upper: bounds.map(|(lower, upper)| upper.max(-lower)),
    }
}
