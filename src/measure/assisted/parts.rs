//! Of the parts of a whole: the precision of every code with the help of the confidence.

use super::{Assisted, ScoreBin, Stratum, assisted_of_part};
use crate::measure::{weight::WeightSums, whole::Whole};

/// Labels of a part from which the confidence of its other predictions is asked for help.
pub const LEAST_LABELS: u64 = 30;

/// Model-assisted accuracy of every part, `[part][route][bin]`: the predictions of one code, say, whose share of right ones
/// is its precision. All bins are of the same ranges of the confidence, and all parts have the same routes in the same order,
/// those without predictions empty.
///
/// As [`super::assisted`], with what the confidence promises learnt from the labels of the other parts together, so that no
/// label is its own judge; that a part is unlike the others costs precision, not truth. How heavy its labels may be, and how
/// much those of a route differ, is steadied by the labels of all parts (`docs/statistics.md`, "Few labels").
///
/// *Edge cases*: `None` with fewer than [`LEAST_LABELS`] labels, and where the confidence does not help, as where a route has
/// predictions and no label.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, parts::assisted_parts}, weight::WeightSums};
/// let labels = |n: f64| WeightSums { n: n as u64, w: 10.0 * n, w2: 100.0 * n };
/// let bin = |n, right, wrong| ScoreBin { n, right: labels(right), wrong: labels(wrong), unknown: 0 };
/// let sure_of_one_half = || vec![vec![bin(400, 4.0, 36.0), bin(600, 38.0, 2.0)]];
/// let found = assisted_parts(&[sure_of_one_half(), sure_of_one_half()], 0.95);
/// // the labels alone say 42 of 80, though 6 of 10 predictions are sure
/// let one = found[0].unwrap();
/// assert!((one.estimate.estimate.unwrap() - 0.61).abs() < 0.01 && one.worth.unwrap() > 150);
/// ```
pub fn assisted_parts(parts: &[Vec<Vec<ScoreBin>>], confidence_level: f64) -> Vec<Option<Assisted>> {
    let width = parts.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let none = || vec![ScoreBin::default(); width];
    let mut all = none();
    let mut routes = vec![[WeightSums::default(); 2]; parts.iter().map(Vec::len).max().unwrap_or(0)];
    for (route, bins) in parts.iter().flat_map(|own| own.iter().enumerate()) {
        for (at, own) in bins.iter().enumerate() {
            all[at].right += own.right;
            all[at].wrong += own.wrong;
            routes[route][0] += own.right;
            routes[route][1] += own.wrong;
        }
    }
    let whole = Whole::new(routes);
    let one = |routes: &Vec<Vec<ScoreBin>>| {
        if routes.iter().flatten().map(ScoreBin::labelled).sum::<u64>() < LEAST_LABELS {
            return None;
        }
        let mut others = all.clone();
        for (at, own) in routes.iter().flat_map(|bins| bins.iter().enumerate()) {
            others[at].right -= own.right;
            others[at].wrong -= own.wrong;
        }
        // the first fold is the part's own, which nothing is learnt from
        let learnt_from = [Stratum::new(vec![none(), others])];
        let strata: Vec<Stratum> = routes.iter().map(|bins| Stratum::new(vec![bins.clone()])).collect();
        Some(assisted_of_part(&strata, &learnt_from, Some(&whole), confidence_level))
            .filter(|found| found.worth.is_some_and(|worth| worth > found.n))
    };
    parts.iter().map(one).collect()
}
