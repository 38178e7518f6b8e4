//! Tests that two samples share one categorical distribution.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Table, distance::Sums};

/// A test statistic with its p-value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Test {
    pub statistic: f64,
    /// Categories with any count, less one.
    pub df: u32,
    pub p_value: f64,
}

/// Pearson's `χ² = Σ (O−E)²/E` and `G = 2 Σ O ln(O/E)` over both rows of the table, without continuity correction.
///
/// Pearson (1900), Philosophical Magazine 50; Sokal and Rohlf (1995), Biometry, on G.
pub(super) fn homogeneity(table: &Table, observed: &Sums) -> (Test, Test) {
    let df = u32::try_from(table.cells.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let test = |statistic: f64| Test { statistic: statistic.max(0.0), df, p_value: chi_squared_sf(statistic, df) };
    (test(observed.chi2), test(observed.g))
}

/// Upper tail `P(χ²_df ≥ x)`; 1 without a degree of freedom.
pub(super) fn chi_squared_sf(x: f64, df: u32) -> f64 {
    match ChiSquared::new(f64::from(df)) {
        Ok(_) if x == f64::INFINITY => 0.0,
        Ok(law) if x > 0.0 => law.sf(x).clamp(0.0, 1.0),
        _ => 1.0,
    }
}
