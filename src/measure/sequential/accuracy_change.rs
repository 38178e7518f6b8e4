//! Has the accuracy changed against a reference period, whose own accuracy is only known from labels?

use super::{
    Direction,
    accuracy::{BETS, LabelCell, STAKES, combine, gain_of_fall, payable},
    bank::{Bank, log_add},
    start::Starts,
};
use crate::measure::bisection::bisect;

/// Evidence beyond this is not told apart: the log e-value stays at it.
pub const MOST: f64 = 25.0;

/// Stake on the reference alone: what lets nulls far below the reference be left out of the search.
const ASIDE: f64 = 0.01;

/// Stake on the reference being as the null says, the rest is on its being better.
const AS_IT_IS: f64 = 0.15;

/// Bets on the reference being better than the null, as parts of `1/heaviest`.
const REFERENCE_BETS: [f64; 6] = [0.32, 0.16, 0.08, 0.04, 0.02, 0.01];

/// Width of a cell of nulls in standard errors of all rows, next to the estimates; it grows with the distance from them.
const CELL: f64 = 0.1;

/// Standard errors above the estimates up to which nulls are told apart.
const TOP: f64 = 3.0;

/// `ln E` after each period, against "one accuracy, unknown, in the reference period and ever since".
///
/// For every accuracy `a` that the null may mean, a mixture of fixed bets that the rows up to a start (reference
/// included) are better than `a` and those from it on worse: `Π_{before} (1 + λ₁ w (y − a)) · Π_{from then on}
/// (1 + λ₂ w (a − y))`, over 7 `λ₁`, 8 `λ₂` and all starts. `E = min over a of E_a`, so it holds whatever the accuracy
/// of the reference is. Rows before the start count as reference. The minimum is taken over narrow cells of `a`, each with
/// the worst of its ends for either factor, which is valid as it stands. `Risen` is the same with right and wrong
/// exchanged, `Either` the mean of both.
///
/// *Assumes* as [`super::accuracy::floor`], and a reference that is closed: a label that is still added to it begins a new
/// e-process. Of one route alone [`super::share::errors_risen`] says the same sooner. *Edge cases*: as there; a reference without labels can only be learned from
/// the periods before a start; `E` stays below [`MOST`].
///
/// Wasserman, Ramdas and Balakrishnan (2020), PNAS 117; Waudby-Smith and Ramdas (2024), JRSS B 86.
///
/// ```
/// use vigie::measure::sequential::{Direction, accuracy::LabelCell, accuracy_change::accuracy_changed, threshold};
/// let cell = |right, wrong| vec![LabelCell { weight: 1.0, right, wrong }];
/// let days = [cell(46, 4), cell(45, 5), cell(44, 6), cell(36, 14), cell(33, 17), cell(38, 12), cell(34, 16)];
/// let log_e = accuracy_changed(&cell(1_800, 200), &days, 1.0, 120.0, Direction::Fallen).unwrap();
/// assert_eq!(log_e.iter().position(|&e| e >= threshold(0.05)), Some(4));
/// ```
pub fn accuracy_changed<P: AsRef<[LabelCell]>>(
    reference: &[LabelCell],
    periods: &[P],
    heaviest: f64,
    horizon: f64,
    direction: Direction,
) -> Option<Vec<f64>> {
    accuracy_changed_by_look(reference, periods, heaviest, Starts::each(horizon), direction)
}

/// [`accuracy_changed`] where several looks are taken at one period: `looks` are the labels of rows that came since the
/// last look.
pub fn accuracy_changed_by_look<P: AsRef<[LabelCell]>>(
    reference: &[LabelCell],
    looks: &[P],
    heaviest: f64,
    starts: Starts,
    direction: Direction,
) -> Option<Vec<f64>> {
    if !(payable(&[reference], heaviest) && payable(looks, heaviest)) {
        return None;
    }
    let [rise, fall] = direction.stakes();
    let turned = |turn: fn(LabelCell) -> LabelCell| {
        let turn_all = |cells: &[LabelCell]| cells.iter().copied().map(turn).collect::<Vec<_>>();
        let looks: Vec<_> = looks.iter().map(|p| turn_all(p.as_ref())).collect();
        fallen(&turn_all(reference), &looks, heaviest, starts)
    };
    let falls = (fall > 0.0).then(|| turned(|cell| cell));
    let rises = (rise > 0.0).then(|| turned(LabelCell::swapped));
    Some(combine(falls, fall, rises, rise))
}

fn fallen(reference: &[LabelCell], periods: &[Vec<LabelCell>], heaviest: f64, starts: Starts) -> Vec<f64> {
    let mut lowest = vec![MOST; periods.len()];
    let first = Rough::of(reference.iter());
    // bets on the periods may follow from the reference, which is over: its own bets may not
    let margin = (1.0 - first.estimate + 2.0 * first.error).min(1.0);
    for null in nulls(reference, periods, heaviest, margin) {
        null.follow(reference, periods, heaviest, starts, &mut lowest);
    }
    lowest
}

/// Estimate and standard error, only to choose bets and how finely to search.
struct Rough {
    estimate: f64,
    error: f64,
}

impl Rough {
    fn of<'a>(cells: impl Iterator<Item = &'a LabelCell>) -> Self {
        let (mut right, mut total, mut squares) = (0.0, 0.0, 0.0);
        for cell in cells {
            let rows = (cell.right + cell.wrong) as f64;
            right += cell.weight * cell.right as f64;
            total += cell.weight * rows;
            squares += cell.weight * cell.weight * rows;
        }
        let estimate = (right + 1.0) / (total + 2.0);
        let error = if total > 0.0 { (estimate * (1.0 - estimate) * squares).sqrt() / total } else { 0.5 };
        Self { estimate, error: error.clamp(1e-6, 0.5) }
    }
}

/// Accuracies of `low` to `high` that the null may mean, with the margin that bets are made for.
struct Null {
    low: f64,
    high: f64,
    margin: f64,
}

/// Cells from where the reference alone is enough evidence up to 1.
fn nulls(reference: &[LabelCell], periods: &[Vec<LabelCell>], heaviest: f64, margin: f64) -> Vec<Null> {
    let enough = |a: f64| {
        let gains = REFERENCE_BETS.map(|part| gain_of_rise(reference, a, part / heaviest));
        let sum = gains.into_iter().reduce(log_add).unwrap_or(0.0);
        sum - (REFERENCE_BETS.len() as f64).ln() + ASIDE.ln() >= MOST
    };
    // the upper end of the bracket is not enough: the bound itself must be searched
    let least = if enough(0.0) { (bisect((0.0, 1.0), 1e-9, enough) - 2e-9).max(0.0) } else { 0.0 };
    let first = Rough::of(reference.iter());
    let all = Rough::of(reference.iter().chain(periods.iter().flatten()));
    let (from, to) = (first.estimate.min(all.estimate) - all.error, first.estimate.max(all.estimate) + all.error);
    let mut found = Vec::new();
    let mut low = least;
    while low < 1.0 {
        let away = (from - low).max(low - to).max(0.0);
        let mut margin = margin;
        while 1.0 - low > margin {
            margin *= 2.0;
        }
        // no cell lies across a change of the bets, which is where the margin halves
        let cut = if 1.0 - margin / 2.0 > low { 1.0 - margin / 2.0 } else { 1.0 };
        // nulls above all estimates are told apart by the periods alone: one cell will do
        let high = if low > to + TOP * all.error { cut } else { (low + CELL * all.error.max(away)).min(cut) };
        found.push(Null { low, high, margin });
        low = high;
    }
    found
}

impl Null {
    /// Lowers `lowest` to what these nulls give after each period.
    fn follow(
        &self,
        reference: &[LabelCell],
        periods: &[Vec<LabelCell>],
        heaviest: f64,
        starts: Starts,
        lowest: &mut [f64],
    ) {
        let bets = BETS.map(|part| part / (heaviest * self.margin));
        let better = REFERENCE_BETS.map(|part| part / heaviest);
        let each = ((1.0 - AS_IT_IS - ASIDE) / REFERENCE_BETS.len() as f64).ln();
        let mut before: Vec<f64> =
            better.iter().map(|&bet| each + gain_of_rise(reference, self.high, bet)).chain([AS_IT_IS.ln()]).collect();
        let mut bank = Bank::new(&before, STAKES.to_vec());
        let mut after = [0.0; BETS.len()];
        for (at, (period, lowest)) in periods.iter().zip(lowest).enumerate() {
            for (gain, bet) in after.iter_mut().zip(bets) {
                *gain = period.iter().map(|&cell| gain_of_fall(cell, self.low, bet)).sum();
            }
            let gains = better.iter().map(|&bet| gain_of_rise(period, self.high, bet)).chain([0.0]);
            before.iter_mut().zip(gains).for_each(|(before, gain)| *before = gain);
            bank.step(starts.weight(at), &before, &after);
            *lowest = lowest.min(bank.log(starts.left(at)));
        }
    }
}

/// `ln Π (1 + λ w (y − a))`
fn gain_of_rise(cells: &[LabelCell], a: f64, bet: f64) -> f64 {
    cells.iter().map(|cell| gain_of_fall(cell.swapped(), 1.0 - a, bet)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one cell, over every outcome of a reference and two periods: at most 1 on average under either end.
    #[test]
    fn every_null_of_a_cell_gives_at_most_one_on_average() {
        let m = 3_u64;
        let chance = |n: u64, right: u64, p: f64| {
            let ways: f64 = (0..right).map(|i| (n - i) as f64 / (right - i) as f64).product();
            ways * p.powf(right as f64) * (1.0 - p).powf((n - right) as f64)
        };
        let cell = |n, right| vec![LabelCell { weight: 1.0, right, wrong: n - right }];
        // without a reference only the periods count, with one both do
        let cases = [(0.7, 0.7), (0.6, 0.8), (0.85, 0.95)].into_iter().flat_map(|at| [(at, 0), (at, 6)]);
        for ((low, high), n) in cases {
            let null = Null { low, high, margin: 0.5 };
            let mean = |p: f64| {
                let mut sum = 0.0;
                for (a, b, c) in (0..=n).flat_map(|a| (0..=m).flat_map(move |b| (0..=m).map(move |c| (a, b, c)))) {
                    let mut found = [f64::INFINITY; 2];
                    null.follow(&cell(n, a), &[cell(m, b), cell(m, c)], 1.0, Starts::each(3.0), &mut found);
                    sum += chance(n, a, p) * chance(m, b, p) * chance(m, c, p) * found[1].exp();
                }
                sum
            };
            // a hundredth is staked on the reference alone, which is not counted here
            assert!(mean(low) <= 1.0 - ASIDE + 1e-9 && mean(high) <= 1.0 - ASIDE + 1e-9, "{low} {high}");
            assert!(low < high || mean(low) > 1.0 - ASIDE - 1e-9, "{}", mean(low));
        }
    }
}
