//! Which categories moved: one test each, corrected for their number.

use serde::{Deserialize, Serialize};

use super::{count, fisher::fisher_exact};
use crate::measure::multiple_testing::benjamini_hochberg;

/// Drift of one category's share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CategoryDrift {
    pub share_reference: f64,
    pub share_current: f64,
    /// share_current - share_reference
    pub difference: f64,
    /// Part of the total variation that this category carries, in [0, 1].
    pub contribution: f64,
    pub p_value: f64,
    /// Benjamini-Hochberg adjusted.
    pub q_value: f64,
}

/// Drift of each category, in input order.
///
/// p-values are [`fisher_exact`]'s for this category against all others; q-values are [`benjamini_hochberg`]'s over
/// the categories seen in either sample (one without any count was not tested: p = q = 1). `contribution` is
/// `|q − p| / Σ |q − p|`, 0 where nothing differs.
///
/// *Edge cases*: all zeros and p = 1 if either sample is empty.
///
/// ```
/// use vigie::measure::drift::category_drift;
/// let codes = category_drift(&[500, 480, 20, 0], &[500, 440, 60, 0]);
/// assert_eq!(codes.len(), 4);
/// assert!(codes[2].q_value < 1e-4 && codes[0].q_value == 1.0);
/// assert!((codes[2].contribution - 0.5).abs() < 1e-12);
/// ```
pub fn category_drift(reference: &[u64], current: &[u64]) -> Vec<CategoryDrift> {
    let k = reference.len().max(current.len());
    let at = |counts: &[u64], i: usize| count(counts, i, k);
    let sum = |counts: &[u64]| (0..k).map(|i| at(counts, i)).sum::<u64>();
    let (n, m) = (sum(reference), sum(current));
    let share = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let mut drifts: Vec<CategoryDrift> = (0..k)
        .map(|i| {
            let (a, b) = (at(reference, i), at(current, i));
            let (p, q) = (share(a, n), share(b, m));
            CategoryDrift {
                share_reference: p,
                share_current: q,
                difference: q - p,
                p_value: fisher_exact(a, n, b, m),
                q_value: 1.0,
                ..CategoryDrift::default()
            }
        })
        .collect();
    let tested: Vec<usize> = (0..k).filter(|&i| at(reference, i) > 0 || at(current, i) > 0).collect();
    let p_values: Vec<f64> = tested.iter().map(|&i| drifts[i].p_value).collect();
    for (&i, q) in tested.iter().zip(benjamini_hochberg(&p_values)) {
        drifts[i].q_value = q;
    }
    let moved: f64 = drifts.iter().map(|drift| drift.difference.abs()).sum();
    if moved > 0.0 {
        for drift in &mut drifts {
            drift.contribution = drift.difference.abs() / moved;
        }
    }
    drifts
}
