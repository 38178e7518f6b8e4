//! Has the share of one category changed against a reference sample?

use std::f64::consts::FRAC_PI_2;

use super::{
    Direction,
    lattice::{Lattice, log_ratio, share_at},
    start::{start_weight, weight_after},
};
use crate::measure::bisection::bisect;

/// How often a category was counted among how many rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub of: u64,
    pub rows: u64,
}

impl Count {
    pub fn new(of: u64, rows: u64) -> Self {
        Self { of: of.min(rows), rows }
    }
}

/// Evidence beyond this is not told apart: the log e-value stays at it.
pub const MOST: f64 = 25.0;

/// Stake on the reference alone: what lets nulls far from the reference be left out of the search.
const ASIDE: f64 = 0.01;

/// `ln E` after each period, against "one share, unknown, in the reference and ever since".
///
/// For every share `p` that the null may mean, a likelihood ratio with mean 1 under `p`:
///
/// `E_p = Σ_j w_j Σ_{s,k} c_s c_k  L_{p_s}(reference and periods before j) · L_{p_k}(periods from j on) / L_p(all)`
///
/// and `E = min over p of E_p`, so `E` is an e-process whatever the true `p` is. The bets `p_s`, `p_k` are placed around
/// `p`, which is why less is lost than by universal inference with one prior for all (Wasserman, Ramdas and Balakrishnan
/// 2020): its price grows with the logarithm of the reference, here it does not. They are fixed by the rows of the
/// reference, in standard errors of `asin √p`. The weights `w_j` over starts are those of [`start_weight`]: periods before
/// the start add to the reference.
///
/// The minimum is over cells of `p` that share their bets; the largest `L_p` in a cell is known exactly. Shares that the
/// reference itself excludes with error `e^-29` (Chernoff) are not searched: a hundredth of the stake is on that, which is
/// why `E` stays below [`MOST`].
///
/// *Assumes* rows independent, with one share within the reference, and a reference that is closed: more rows in it begin
/// a new e-process. `Risen` and `Fallen` bet on one side only; the null is the same. *Units*: `horizon` in periods.
///
/// *Edge cases*: a reference without rows gives no evidence, 0; a count above its rows is cut.
///
/// Wasserman, Ramdas and Balakrishnan (2020), PNAS 117; Turner, Ly and Grünwald (2024), Journal of Statistical Planning
/// and Inference, for two samples that grow together; Shiryaev (1963), Theory of Probability 8, for the recursion.
///
/// ```
/// use vigie::measure::sequential::{Direction, share::{Count, share_changed}, threshold};
/// let day = |of| Count::new(of, 1_000);
/// let days: Vec<Count> = [1, 0, 2, 1, 5, 6, 4, 7].map(day).to_vec();
/// let log_e = share_changed(Count::new(20, 20_000), &days, 120.0, Direction::Either);
/// let alarm = log_e.iter().position(|&e| e >= threshold(0.05));
/// assert_eq!(alarm, Some(7));
/// ```
pub fn share_changed(reference: Count, periods: &[Count], horizon: f64, direction: Direction) -> Vec<f64> {
    let reference = Count::new(reference.of, reference.rows);
    if reference.rows == 0 {
        return vec![0.0; periods.len()];
    }
    let mut lattice = Lattice::new(reference, plausible(reference), direction);
    let step = |(at, period): (usize, &Count)| {
        let period = Count::new(period.of, period.rows);
        let lowest = lattice.step(period, start_weight(at, horizon), weight_after(at + 1, horizon));
        (lowest + (1.0 - ASIDE).ln()).min(MOST)
    };
    periods.iter().enumerate().map(step).collect()
}

/// The angles of all `p` with `n kl(a/n, p) ≤ ln(2/δ)`, where `ASIDE / δ = e^MOST`.
fn plausible(reference: Count) -> (f64, f64) {
    let (of, rows) = (reference.of as f64, reference.rows as f64);
    let limit = (2.0 / ASIDE).ln() + MOST;
    let middle = (of / rows).sqrt().asin();
    let beyond = |phi: f64| log_ratio(reference, share_at(middle), share_at(phi)) > limit;
    let from = if of == 0.0 { 0.0 } else { middle - bisect((0.0, middle), 1e-12, |d| !beyond(middle - d)) };
    let room = FRAC_PI_2 - middle;
    let to = if of == rows { FRAC_PI_2 } else { middle + bisect((0.0, room), 1e-12, |d| !beyond(middle + d)) };
    (from.max(0.0), to.min(FRAC_PI_2))
}
