//! Has the accuracy fallen below a floor? From labels whose review probability is known.

use serde::{Deserialize, Serialize};

use super::{
    Direction,
    bank::{Bank, log_add},
    start::{start_weight, weight_after},
};
use crate::measure::{bisection::bisect, proportion::Estimate};

/// Labelled rows of one period that were reviewed with the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelCell {
    /// `w = 1/π`
    pub weight: f64,
    pub right: u64,
    pub wrong: u64,
}

impl LabelCell {
    /// The same rows with right and wrong exchanged: a rise of the one share is a fall of the other.
    pub(super) fn swapped(self) -> Self {
        Self { right: self.wrong, wrong: self.right, ..self }
    }
}

/// Bets, as parts of the largest that can always be paid, `0.5 / 1.8^k`, and the stake on each: most on those that suit
/// a fall by a few points.
pub(super) const BETS: [f64; 8] = [0.5, 0.2778, 0.1543, 0.0857, 0.0476, 0.0265, 0.0147, 0.0082];
pub(super) const STAKES: [f64; 8] = [0.05, 0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.05];

/// Margin above the floor below which the largest bet grows no more.
const LEAST_MARGIN: f64 = 1e-3;

/// `ln E` after each period, against "the accuracy is at the floor or better" (`Fallen`), "at most the floor" (`Risen`), or
/// exactly it (`Either`).
///
/// A row with review probability `π` is worth `Z = (y − a₀)/π` if it was reviewed, else 0, so `Z` has the mean
/// `accuracy − a₀` whatever was reviewed. A bet `λ < 0` on a fall turns a stake of 1 into `Π (1 + λ Z)`, which under the
/// null is at most 1 on average. `E` is the mean over 8 fixed bets of all, and over the period in which the fall began
/// ([`start_weight`]). Rows that are not reviewed change nothing, so cells of labelled rows are all it needs.
///
/// *Assumes* that every row of a period is right with a chance of at least `a₀`, given the past, over what may be reviewed
/// and what not: a mix of routes may change from row to row, their mean may not. `heaviest` is `1/π` of the least likely
/// review that the design allows. Fix it beforehand: it sets the bets. A needlessly large one costs little.
///
/// *Edge cases*: `None` for a floor outside (0, 1), for a `heaviest` below 1, and for a cell heavier than it or lighter
/// than 1. A period without labels changes nothing but uses up its start.
///
/// Waudby-Smith and Ramdas (2024), JRSS B 86; Horvitz and Thompson (1952), JASA 47; Shin, Ramdas and Rinaldo (2024),
/// New England Journal of Statistics in Data Science 2, for the mixture over starts.
///
/// ```
/// use vigie::measure::sequential::{Direction, accuracy::{LabelCell, floor}, threshold};
/// let day = |right| vec![LabelCell { weight: 1.0, right, wrong: 50 - right }];
/// let days: Vec<_> = [46, 45, 44, 46, 40, 36, 37, 38].map(day).to_vec();
/// let log_e = floor(&days, 0.9, 1.0, 120.0, Direction::Fallen).unwrap();
/// assert_eq!(log_e.iter().position(|&e| e >= threshold(0.05)), Some(6));
/// ```
pub fn floor<P: AsRef<[LabelCell]>>(
    periods: &[P],
    floor: f64,
    heaviest: f64,
    horizon: f64,
    direction: Direction,
) -> Option<Vec<f64>> {
    let sound = floor > 0.0 && floor < 1.0 && payable(periods, heaviest);
    if !sound {
        return None;
    }
    let [rise, fall] = direction.stakes();
    let falls = (fall > 0.0).then(|| fallen(periods, floor, heaviest, horizon, |cell| cell));
    let rises = (rise > 0.0).then(|| fallen(periods, 1.0 - floor, heaviest, horizon, LabelCell::swapped));
    Some(combine(falls, fall, rises, rise))
}

fn fallen<P: AsRef<[LabelCell]>>(
    periods: &[P],
    floor: f64,
    heaviest: f64,
    horizon: f64,
    turn: impl Fn(LabelCell) -> LabelCell,
) -> Vec<f64> {
    let bets = bets(floor, heaviest);
    let mut bank = Bank::new(&[0.0], STAKES.to_vec());
    let mut gains = [0.0; BETS.len()];
    let step = |(at, period): (usize, &P)| {
        for (gain, bet) in gains.iter_mut().zip(bets) {
            *gain = period.as_ref().iter().map(|&cell| gain_of_fall(turn(cell), floor, bet)).sum();
        }
        bank.step(start_weight(at, horizon), &[0.0], &gains);
        bank.log(weight_after(at + 1, horizon))
    };
    periods.iter().enumerate().map(step).collect()
}

/// Confidence sequence for the accuracy: at this level it holds the accuracy at all times at once, so it may be read at
/// every look. `cells` are all labels so far.
///
/// The `a₀` that neither a bet on a fall nor one on a rise rejects at half the error each, found by bisection: both are
/// monotone in `a₀`. The estimate is Hájek's, as in [`crate::measure::accuracy`].
///
/// *Assumes* one accuracy from the beginning on. *Edge cases*: as for [`floor()`]; without labels the interval is
/// [0, 1] and there is no estimate.
///
/// Waudby-Smith and Ramdas (2024), JRSS B 86; Howard, Ramdas, McAuliffe and Sekhon (2021), Annals of Statistics 49.
///
/// ```
/// use vigie::measure::sequential::accuracy::{LabelCell, confidence_sequence};
/// let cells = [LabelCell { weight: 20.0, right: 190, wrong: 10 }, LabelCell { weight: 1.0, right: 40, wrong: 60 }];
/// let found = confidence_sequence(&cells, 20.0, 0.95).unwrap();
/// assert!((found.estimate.unwrap() - 3840.0 / 4100.0).abs() < 1e-12);
/// assert!(found.lower.unwrap() > 0.8 && found.upper.unwrap() < 1.0);
/// ```
pub fn confidence_sequence(cells: &[LabelCell], heaviest: f64, confidence_level: f64) -> Option<Estimate> {
    let sound = payable(&[cells], heaviest) && confidence_level > 0.0 && confidence_level < 1.0;
    if !sound {
        return None;
    }
    let limit = (2.0 / (1.0 - confidence_level)).ln();
    let kept = |floor: f64, turn: fn(LabelCell) -> LabelCell| {
        let all = |bet| cells.iter().map(|&cell| gain_of_fall(turn(cell), floor, bet)).sum::<f64>();
        let each = bets(floor, heaviest).into_iter().zip(STAKES).map(|(bet, stake)| all(bet) + stake.ln());
        each.fold(f64::NEG_INFINITY, log_add) < limit
    };
    let highest = |turn| bisect((0.0, 1.0), 1e-9, |floor| kept(floor, turn));
    let upper = highest(|cell| cell);
    let lower = 1.0 - highest(LabelCell::swapped);
    let sum = |of: fn(&LabelCell) -> u64| cells.iter().map(|cell| cell.weight * of(cell) as f64).sum::<f64>();
    let (right, wrong) = (sum(|cell| cell.right), sum(|cell| cell.wrong));
    let estimate = (right + wrong > 0.0).then(|| right / (right + wrong));
    Some(Estimate { estimate, lower: Some(lower.clamp(0.0, upper)), upper: Some(upper) })
}

/// The bets on a fall below `floor`: none can lose more than half of what is staked on one row.
fn bets(floor: f64, heaviest: f64) -> [f64; BETS.len()] {
    BETS.map(|part| part / (heaviest * (1.0 - floor).max(LEAST_MARGIN)))
}

/// `ln Π (1 + λ w (a₀ − y))`
pub(super) fn gain_of_fall(cell: LabelCell, floor: f64, bet: f64) -> f64 {
    let right = if cell.right == 0 { 0.0 } else { cell.right as f64 * (-bet * cell.weight * (1.0 - floor)).ln_1p() };
    let wrong = if cell.wrong == 0 { 0.0 } else { cell.wrong as f64 * (bet * cell.weight * floor).ln_1p() };
    right + wrong
}

/// No cell is lighter than a certain review or heavier than the bets allow for.
pub(super) fn payable<P: AsRef<[LabelCell]>>(periods: &[P], heaviest: f64) -> bool {
    // sums of weights are kept in full: 1/π may round
    let most = heaviest * (1.0 + 1e-9);
    let fits = |cell: &LabelCell| cell.weight >= 1.0 - 1e-9 && cell.weight <= most;
    (1.0..f64::INFINITY).contains(&heaviest) && periods.iter().flat_map(|p| p.as_ref()).all(fits)
}

/// `ln` of the stakes on a fall and on a rise together.
pub(super) fn combine(falls: Option<Vec<f64>>, fall: f64, rises: Option<Vec<f64>>, rise: f64) -> Vec<f64> {
    match (falls, rises) {
        (Some(falls), Some(rises)) => {
            falls.iter().zip(&rises).map(|(f, r)| log_add(f + fall.ln(), r + rise.ln())).collect()
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => Vec::new(),
    }
}
