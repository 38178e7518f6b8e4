//! Agreement of two annotators who label the same items.

use serde::{Deserialize, Serialize};

use super::{beyond_chance, moves, of_enough};
use crate::measure::proportion::{Estimate, wilson};

/// Agreement of two fixed annotators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cohen {
    pub items: u64,
    /// Share of items on which they agree.
    pub observed: Estimate,
    /// Agreement beyond that of two people who use their own shares of codes at random; may be below 0.
    pub kappa: Estimate,
    /// Of kappa, large-sample.
    pub standard_error: Option<f64>,
}

/// Cohen's kappa of `table[a][b]`: items that the first annotator coded `a` and the second `b`.
///
/// `κ = (P_o − P_e)/(1 − P_e)`, `P_e = Σ_c p_c· p_·c`. The standard error is that of Fleiss, Cohen and Everitt. The
/// interval is not normal, as it would pass 1, but Wilson's for `P_o` at the number of items that gives that error; none of
/// fewer than [`super::LEAST_ITEMS`].
///
/// *Assumes* independent items. *Edge cases*: `None` without items; no kappa where both use one code only.
///
/// Cohen (1960), Educational and Psychological Measurement 20; Fleiss, Cohen and Everitt (1969), Psychological Bulletin
/// 72.
///
/// ```
/// use vigie::measure::agreement::cohen::cohen;
/// let found = cohen(&[vec![40, 9], vec![6, 45]], 0.95).unwrap();
/// assert_eq!(found.observed.estimate, Some(0.85));
/// assert!((found.kappa.estimate.unwrap() - (0.85 - 0.5008) / (1.0 - 0.5008)).abs() < 1e-12);
/// assert!(found.kappa.upper.unwrap() < 1.0);
/// ```
pub fn cohen(table: &[Vec<u64>], confidence_level: f64) -> Option<Cohen> {
    let items = table.iter().flatten().fold(0_u64, |n, cell| n.saturating_add(*cell));
    let n = items as f64;
    if items == 0 {
        return None;
    }
    let width = table.iter().map(Vec::len).max().unwrap_or(0).max(table.len());
    let cell = |a: usize, b: usize| table.get(a).and_then(|row| row.get(b)).map_or(0.0, |n| *n as f64);
    let first: Vec<f64> = (0..width).map(|a| (0..width).map(|b| cell(a, b)).sum::<f64>() / n).collect();
    let second: Vec<f64> = (0..width).map(|b| (0..width).map(|a| cell(a, b)).sum::<f64>() / n).collect();
    let observed = (0..width).map(|at| cell(at, at)).sum::<f64>() / n;
    let chance: f64 = first.iter().zip(&second).map(|(p, q)| p * q).sum();
    let mut variance = 0.0;
    for (a, q) in second.iter().enumerate() {
        for (b, p) in first.iter().enumerate() {
            // an item (a, b) raises the first's share of a and the second's of b
            let margins = q + p - 2.0 * chance;
            let equal = if a == b { 1.0 } else { 0.0 };
            variance += cell(a, b) / n * moves(equal, observed, chance, margins).powi(2) / n;
        }
    }
    Some(Cohen {
        items,
        observed: of_enough(wilson(observed, n, confidence_level), n),
        kappa: of_enough(beyond_chance(observed, chance, variance, n, confidence_level), n),
        standard_error: Some(variance.sqrt()).filter(|error| error.is_finite()),
    })
}
