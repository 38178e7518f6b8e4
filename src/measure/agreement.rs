//! How far people agree on labels, and what that leaves of a measured accuracy.

pub mod cohen;
pub mod noise;

use serde::{Deserialize, Serialize};

use super::{
    proportion::{Estimate, wilson},
    ratio::{Ratio, Side},
    weight::WeightSums,
};

/// Agreement of two or more annotators who may be different people on each item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Items with at least two labels.
    pub items: u64,
    /// Labels on them.
    pub labels: f64,
    /// Share of pairs of labels on one item that are equal.
    pub observed: Estimate,
    /// Fleiss' kappa: agreement beyond that of labels dealt at random, 1 when all agree; may be below 0.
    pub kappa: Estimate,
    /// Krippendorff's alpha for names: the same with a correction for few labels.
    pub alpha: Estimate,
    /// For each code: of the other labels on items that somebody gave it, the share that have it, too.
    pub codes: Vec<Estimate>,
}

/// Agreement from the table of pairs of labels.
///
/// `pairs[a][b]` counts ordered pairs of labels on one item; an item with `m` labels adds `1/(m−1)` for each of its
/// `m(m−1)` pairs (Krippendorff's coincidence table, symmetric). With `V` its sum, `v_c` its row sums and
/// `P_e = Σ (v_c/V)²`:
/// - observed `P_o = Σ pairs[c][c] / V`,
/// - Fleiss' `κ = (P_o − P_e)/(1 − P_e)`; with as many labels on every item it is his formula,
/// - Krippendorff's `α = 1 − (1 − 1/V)(1 − κ)`,
/// - of a code, `pairs[c][c] / v_c` (specific agreement).
///
/// *Intervals* are Wilson's at an effective number of items. That of `κ` follows from its linearised variance: a pair
/// `(a, b)` moves it by `[1{a=b} − P_o]/(1−P_e) − (1−P_o)(p_a + p_b − 2P_e)/(1−P_e)²`. Sums do not say how pairs of one
/// item go together, so each item counts as one pair: with two labels on each item intervals have their level, with
/// more they are too wide (see `docs/statistics.md`).
///
/// *Assumes* items independent of each other and drawn alike. *Edge cases*: `None` without pairs; one code only leaves
/// `κ` and `α` without a value, as chance would agree, too.
///
/// Fleiss (1971), Psychological Bulletin 76; Krippendorff (2004), Content Analysis, chapter 11; Cicchetti and Feinstein
/// (1990), Journal of Clinical Epidemiology 43, for single codes; Gwet (2008), British Journal of Mathematical and
/// Statistical Psychology 61, for variances by linearisation.
///
/// ```
/// use vigie::measure::agreement::agreement;
/// // two labels on each of 100 items: 45 twice the first code, 35 twice the second, 20 differ
/// let found = agreement(&[vec![90.0, 20.0], vec![20.0, 70.0]], 100, 0.95).unwrap();
/// assert_eq!(found.observed.estimate, Some(0.8));
/// assert!((found.kappa.estimate.unwrap() - (0.8 - 0.505) / 0.495).abs() < 1e-12);
/// assert!((found.codes[0].estimate.unwrap() - 90.0 / 110.0).abs() < 1e-12);
/// ```
pub fn agreement(pairs: &[Vec<f64>], items: u64, confidence_level: f64) -> Option<Agreement> {
    let total: f64 = pairs.iter().flatten().sum();
    let n = items as f64;
    if !(total > 0.0 && total.is_finite() && items > 0 && pairs.iter().flatten().all(|x| *x >= 0.0)) {
        return None;
    }
    let diagonal = |code: usize| pairs.get(code).and_then(|row| row.get(code)).copied().unwrap_or(0.0);
    let rows: Vec<f64> = pairs.iter().map(|row| row.iter().sum()).collect();
    let share: Vec<f64> = rows.iter().map(|row| row / total).collect();
    let observed = ((0..pairs.len()).map(diagonal).sum::<f64>() / total).clamp(0.0, 1.0);
    let chance: f64 = share.iter().map(|p| p * p).sum();
    let mut squares = 0.0;
    for (a, row) in pairs.iter().enumerate() {
        for (b, pair) in row.iter().enumerate() {
            let margins = share.get(a).unwrap_or(&0.0) + share.get(b).unwrap_or(&0.0) - 2.0 * chance;
            let equal = if a == b { 1.0 } else { 0.0 };
            squares += pair / total * moves(equal, observed, chance, margins).powi(2);
        }
    }
    let kappa = beyond_chance(observed, chance, squares / n, n, confidence_level);
    let fewer = |kappa: f64| 1.0 - (1.0 - 1.0 / total) * (1.0 - kappa);
    let code = |at: usize, row: &f64| {
        // as so many items with two labels
        let items = |pairs: f64| WeightSums { n: 1, w: pairs * n / total, w2: 2.0 * pairs * n / total };
        let both = Side::new(&items(diagonal(at)), 2.0);
        let one = Side::new(&items(2.0 * (row - diagonal(at)).max(0.0)), 1.0);
        Ratio { success: both, failure: one }.interval(confidence_level).0
    };
    Some(Agreement {
        items,
        labels: total,
        observed: wilson(observed, n, confidence_level),
        kappa,
        alpha: Estimate {
            estimate: kappa.estimate.map(fewer),
            lower: kappa.lower.map(fewer),
            upper: kappa.upper.map(fewer),
        },
        codes: rows.iter().enumerate().map(|(at, row)| code(at, row)).collect(),
    })
}

/// How much a pair moves kappa, given how much it moves agreement (`equal`) and chance (`margins`).
fn moves(equal: f64, observed: f64, chance: f64, margins: f64) -> f64 {
    (equal - observed) / (1.0 - chance) - (1.0 - observed) * margins / (1.0 - chance).powi(2)
}

/// Kappa with Wilson's interval for the observed agreement, at the number of items that gives kappa's own variance.
fn beyond_chance(observed: f64, chance: f64, variance: f64, items: f64, confidence_level: f64) -> Estimate {
    if chance >= 1.0 - 1e-12 {
        return Estimate::default();
    }
    let scale = |agreed: f64| (agreed - chance) / (1.0 - chance);
    let n = observed * (1.0 - observed) / (variance * (1.0 - chance).powi(2));
    // all agree, or none: no variance is seen, every item counts
    let found = wilson(observed, if n.is_finite() && n > 0.0 { n } else { items }, confidence_level);
    Estimate { estimate: found.estimate.map(scale), lower: found.lower.map(scale), upper: found.upper.map(scale) }
}
