//! Has the share of one category changed against a reference sample?

use std::f64::consts::FRAC_PI_2;

use super::{
    Direction,
    lattice::{Lattice, log_ratio, share_at},
    start::Starts,
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
/// 2020): its price grows with the logarithm of the reference, here it does not. They are fixed by numbers of rows, in
/// standard errors of `asin √p`, and which shift of the share before a start goes with which move of the share since
/// follows from the rows before it. The weights `w_j` over starts are those of [`super::start::start_weight`]: periods before the start
/// add to the reference. What is staked on later starts counts for nothing yet, so `E` begins at about a tenth.
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
    share_changed_by_look(reference, periods, Starts::each(horizon), direction)
}

/// [`share_changed`] where several looks are taken at one period: `looks` are the rows that came since the last look.
///
/// ```
/// use vigie::measure::sequential::{Direction, share::{Count, share_changed, share_changed_by_look}, start::Starts};
/// let (reference, horizon) = (Count::new(20, 2_000), 120.0);
/// let halves = [(1, 50), (0, 50), (4, 50), (5, 50)].map(|(of, rows)| Count::new(of, rows));
/// let by_half = share_changed_by_look(reference, &halves, Starts { horizon, looks: 2 }, Direction::Either);
/// let days = share_changed(reference, &[Count::new(1, 100), Count::new(9, 100)], horizon, Direction::Either);
/// assert!((by_half[1] - days[0]).abs() < 1e-9 && (by_half[3] - days[1]).abs() < 1e-9);
/// ```
pub fn share_changed_by_look(reference: Count, looks: &[Count], starts: Starts, direction: Direction) -> Vec<f64> {
    let reference = Count::new(reference.of, reference.rows);
    if reference.rows == 0 {
        return vec![0.0; looks.len()];
    }
    follow(Lattice::new(reference, plausible(reference), direction), looks, starts)
}

/// [`share_changed`] where only evidence of at least `least` matters: a series that never comes so far may be said to be
/// nearer to it than it is. One null bounds the minimum over all of them from above, and where nothing has changed that of
/// the pooled share nearly always settles it, which saves most of the time where few of many series move.
///
/// ```
/// use vigie::measure::sequential::{Direction, share::{Count, share_changed, share_changed_to}, threshold};
/// let (reference, least) = (Count::new(20, 2_000), threshold(0.05));
/// let days = |of: [u64; 4]| of.map(|of| Count::new(of, 100));
/// let (calm, moved) = (days([1, 0, 2, 1]), days([1, 8, 9, 7]));
/// assert!(share_changed_to(least, reference, &calm, 120.0, Direction::Either).iter().all(|&e| e < least));
/// assert_eq!(
///     share_changed_to(least, reference, &moved, 120.0, Direction::Either),
///     share_changed(reference, &moved, 120.0, Direction::Either)
/// );
/// ```
pub fn share_changed_to(
    least: f64,
    reference: Count,
    periods: &[Count],
    horizon: f64,
    direction: Direction,
) -> Vec<f64> {
    let reference = Count::new(reference.of, reference.rows);
    let sum = |of: fn(&Count) -> u64| periods.iter().map(of).fold(of(&reference), u64::saturating_add);
    let (of, rows) = (sum(|c| c.of.min(c.rows)), sum(|c| c.rows));
    if reference.rows > 0 && rows > 0 {
        let (from, to) = plausible(reference);
        let pooled = (of as f64 / rows as f64).sqrt().asin().clamp(from, (to * (1.0 - 1e-12)).max(from));
        let bound = follow(Lattice::new(reference, (pooled, pooled), direction), periods, Starts::each(horizon));
        if bound.iter().all(|e| *e < least) {
            return bound;
        }
    }
    share_changed(reference, periods, horizon, direction)
}

fn follow(mut lattice: Lattice, looks: &[Count], starts: Starts) -> Vec<f64> {
    let step = |(at, look): (usize, &Count)| {
        let look = Count::new(look.of, look.rows);
        (lattice.step(look, starts.weight(at)) + (1.0 - ASIDE).ln()).min(MOST)
    };
    looks.iter().enumerate().map(step).collect()
}

/// `ln E` after each period, against "one share of errors, unknown, in the reference and ever since", for labelled rows
/// that count alike: those of one route, or of one code as predicted by one route. `of` counts the wrong ones. Alarms are
/// for more errors.
///
/// Beside [`super::accuracy_change`] no weights are needed, which is why less is lost: rows of one route are reviewed alike,
/// so each of them says the same of the route. A rate of review that changes from day to day does no harm. *Assumes* that
/// rows are chosen for review without regard to whether they are right; where codes are reviewed at different rates, also
/// the same mix of codes among the reviewed.
///
/// Cost: 732 codes over 90 days with 200 labels a day in 0.06 s.
///
/// ```
/// use vigie::measure::sequential::{share::{Count, errors_risen}, threshold};
/// let days: Vec<Count> = [5, 4, 6, 14, 17, 12, 16].map(|wrong| Count::new(wrong, 50)).to_vec();
/// let log_e = errors_risen(Count::new(200, 2_000), &days, 120.0);
/// assert_eq!(log_e.iter().position(|&e| e >= threshold(0.05)), Some(4));
/// ```
pub fn errors_risen(reference: Count, periods: &[Count], horizon: f64) -> Vec<f64> {
    share_changed(reference, periods, horizon, Direction::Risen)
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
