//! The score interval of a difference of two proportions.

use super::{Difference, melded::Counts};
use crate::measure::{bisection::bisect, proportion::normal_quantile};

/// Precision of the bounds.
const TOLERANCE: f64 = 1e-13;

/// Difference of two independent proportions, B's less A's, by Miettinen and Nurminen's score interval.
///
/// It holds every `δ` with `(p_B − p_A − δ)² ≤ z² V(δ)`, `V(δ) = [ p̃_A(1−p̃_A)/n_A + p̃_B(1−p̃_B)/n_B ] n/(n−1)`, where `p̃` are
/// the likeliest proportions that are `δ` apart and `n = n_A + n_B`. Near 0 and 1 it covers better than [`super::difference`],
/// which needs intervals alone (`docs/statistics.md`, "Versions"). Counts need not be whole: effective ones of a weighted
/// sample will do where all rows weigh about the same.
///
/// *Edge cases*: no difference where a side has no row, or with counts below 0 or not finite; without a level no bounds.
///
/// Miettinen and Nurminen (1985), Statistics in Medicine 4; Farrington and Manning (1990), Statistics in Medicine 9.
///
/// ```
/// use vigie::measure::comparison::{melded::Counts, score::score_difference};
/// // its statistic at 0 is statsmodels' test_proportions_2indep(80, 100, 70, 100, method="score")
/// let of = |right, wrong| Counts { right, wrong };
/// let found = score_difference(of(70.0, 30.0), of(80.0, 20.0), 0.95);
/// assert!((found.lower.unwrap() + 0.0205513).abs() < 1e-7);
/// assert!((found.upper.unwrap() - 0.2190405).abs() < 1e-7);
/// ```
pub fn score_difference(a: Counts, b: Counts, confidence_level: f64) -> Difference {
    let valid = |of: &Counts| of.right >= 0.0 && of.wrong >= 0.0 && (of.right + of.wrong).is_finite();
    let (n_a, n_b) = (a.right + a.wrong, b.right + b.wrong);
    if !(valid(&a) && valid(&b) && n_a > 0.0 && n_b > 0.0) {
        return Difference::default();
    }
    let found = b.right / n_b - a.right / n_a;
    let Some(z) = normal_quantile(confidence_level) else {
        return Difference { estimate: Some(found), ..Difference::default() };
    };
    // of few effective rows, one at least
    let small = (n_a + n_b) / (n_a + n_b - 1.0).max(1.0);
    let holds = |apart: f64| {
        let p = likeliest(a, b, apart);
        let q = (p + apart).clamp(0.0, 1.0);
        let variance = (p * (1.0 - p) / n_a + q * (1.0 - q) / n_b) * small;
        (found - apart).powi(2) <= z * z * variance
    };
    // the last difference held between the estimate and the end of what can be, -1 or 1
    let bound = |end: f64| found + end * bisect((0.0, (end - found).abs()), TOLERANCE, |off| holds(found + end * off));
    Difference { estimate: Some(found), lower: Some(bound(-1.0).max(-1.0)), upper: Some(bound(1.0).min(1.0)) }
}

/// The likeliest proportion of A where B's is so far above it: the root of the likelihood's slope, which falls.
fn likeliest(a: Counts, b: Counts, apart: f64) -> f64 {
    let (low, high) = ((-apart).max(0.0), (1.0 - apart).min(1.0));
    // what a count of none adds at the very end is nothing
    let term = |count: f64, share: f64| if count > 0.0 { count / share } else { 0.0 };
    bisect((low, high), TOLERANCE, |p| {
        let q = p + apart;
        term(a.right, p) + term(b.right, q) > term(a.wrong, 1.0 - p) + term(b.wrong, 1.0 - q)
    })
}
