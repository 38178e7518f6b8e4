//! When did it begin? Weights over the periods that a change may begin with.

/// Part of the stake on a change that was there from the first period on.
const FROM_THE_FIRST: f64 = 0.1;

/// Days within which half of the stake on later starts is placed; multiply by 24 for periods of an hour.
pub const HORIZON_DAYS: f64 = 120.0;

/// The stake on a change that begins with period `period` (0 for the first), of all that is staked.
///
/// `w_j = 0.9 H / ((j + H − 1)(j + H))` for the `j`-th period, and 0.1 more for the first. The weights of all `j ≥ 1` sum
/// to 1, so the mixture over starts is an e-process without an end: after `J` periods `0.9 H / (J + H)` is still to be
/// placed. The price is `ln(1/w)` at most, 5.9 for a start after 90 days with `H = 120`, less what neighbouring starts
/// win. A tenth is on the first period, since a reference is often out of date from the beginning.
///
/// *Units*: `horizon` in periods, 1 at least.
///
/// ```
/// use vigie::measure::sequential::start::{start_weight, weight_after};
/// let placed: f64 = (0..500).map(|period| start_weight(period, 120.0)).sum();
/// assert!((placed + weight_after(500, 120.0) - 1.0).abs() < 1e-12);
/// ```
pub fn start_weight(period: usize, horizon: f64) -> f64 {
    let horizon = at_least_one(horizon);
    let to = period as f64 + 1.0 + horizon;
    let later = (1.0 - FROM_THE_FIRST) * horizon / ((to - 1.0) * to);
    if period == 0 { later + FROM_THE_FIRST } else { later }
}

/// The stake on changes that begin after `periods` periods.
pub fn weight_after(periods: usize, horizon: f64) -> f64 {
    if periods == 0 {
        return 1.0;
    }
    let horizon = at_least_one(horizon);
    (1.0 - FROM_THE_FIRST) * horizon / (periods as f64 + horizon)
}

/// Starts that come once in several looks.
///
/// One who looks every hour at the counts of days sees the full days and a part of today. The stake on a start today is
/// placed as the day begins, so the bets of a day are the same at each of its hours: the e-process of days, looked at
/// between. `looks` is 24 then, `horizon` in days.
///
/// ```
/// use vigie::measure::sequential::start::{Starts, start_weight};
/// let starts = Starts { horizon: 120.0, looks: 24 };
/// assert_eq!([0, 1, 24].map(|look| starts.weight(look)), [start_weight(0, 120.0), 0.0, start_weight(1, 120.0)]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Starts {
    /// In periods, as for [`start_weight`].
    pub horizon: f64,
    /// Looks of one period; 0 is taken for 1.
    pub looks: usize,
}

impl Starts {
    /// A start at every look.
    pub fn each(horizon: f64) -> Self {
        Self { horizon, looks: 1 }
    }

    /// The stake on a change that begins with this look.
    pub fn weight(&self, look: usize) -> f64 {
        let looks = self.looks.max(1);
        if look.is_multiple_of(looks) { start_weight(look / looks, self.horizon) } else { 0.0 }
    }

    /// The stake on changes that begin after the period of this look.
    pub fn left(&self, look: usize) -> f64 {
        weight_after(look / self.looks.max(1) + 1, self.horizon)
    }
}

fn at_least_one(horizon: f64) -> f64 {
    if horizon.is_finite() { horizon.max(1.0) } else { HORIZON_DAYS }
}
