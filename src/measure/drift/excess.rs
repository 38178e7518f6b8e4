//! Total variation beyond what sampling alone makes.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{CategoricalDrift, Table};
use crate::measure::{
    hypergeometric,
    proportion::{Estimate, normal_quantile},
};

/// Total variation between the two laws, corrected for sampling, with an interval that holds for any kind of shift.
///
/// Estimate `max(0, TV − null)`; interval `max(0, TV − null − z s)` to `TV + z s`. `TV` is the observed distance, `null`
/// its mean when nothing has changed, `s` its standard deviation over a multinomial bootstrap of both periods.
///
/// The bounds are not symmetric, since sampling adds between nothing and `null`, and the counts cannot tell how much: by
/// Jensen's inequality the mean of `TV` is at least the true distance, by the triangle inequality it exceeds it by `null`
/// at most. A shift between few codes is near the estimate. One that is spread thinly is up to `null` above it, and so is the
/// half of it that one growing code takes from all others: the estimate is too low then, never the upper bound.
/// With few rows the upper bound is therefore far away, and that is what is known.
///
/// `factor` is the variance inflation between days ([`super::dispersion::dispersion`]; 1 for independent rows): `null` and
/// `s` grow by its square root. `drift` must be that of the same counts.
///
/// *Assumes* rows drawn independently within each period, up to `factor`. *Edge cases*: nothing if either sample is empty;
/// no bounds without replicates or for a `confidence_level` outside (0, 1). Beyond 2^40 rows sampling counts as no error.
///
/// Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, on `s`.
///
/// ```
/// use vigie::measure::drift::{categorical_drift, excess::excess_variation};
/// let (before, now) = ([500, 300, 200], [400, 300, 300]);
/// let drift = categorical_drift(&before, &now, 199, 1).unwrap();
/// let found = excess_variation(&before, &now, &drift, 1.0, 199, 1, 0.95);
/// assert!(found.lower.unwrap() > 0.03 && found.upper.unwrap() > 0.1);
/// assert!(found.estimate.unwrap() < drift.distances.total_variation);
/// ```
pub fn excess_variation(
    reference: &[u64],
    current: &[u64],
    drift: &CategoricalDrift,
    factor: f64,
    replicates: u32,
    seed: u64,
    confidence_level: f64,
) -> Estimate {
    let Some(table) = Table::new(reference, current) else {
        return Estimate::default();
    };
    let spread = factor.max(1.0).sqrt();
    let (observed, null) = (drift.distances.total_variation, drift.null.total_variation * spread);
    let estimate = (observed - null).max(0.0);
    let (Some(z), true) = (normal_quantile(confidence_level), replicates > 1) else {
        return Estimate::point(estimate);
    };
    let reach = z * spread * deviation(&resample(&table, replicates, seed));
    Estimate {
        estimate: Some(estimate),
        lower: Some((observed - null - reach).max(0.0)),
        upper: Some((observed + reach).min(1.0)),
    }
}

/// Copies of each row in the urn of the bootstrap: many enough that drawing without replacement is drawing with it.
const COPIES: u64 = 256;

/// Total variations of tables drawn from the observed shares of each period, all replicates through a category together.
fn resample(table: &Table, replicates: u32, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let copies = |n: u64| ((1 << 40) / n.max(1)).clamp(1, COPIES);
    let (n, m) = (table.n_reference, table.n_current);
    let (of_reference, of_current) = (copies(n), copies(m));
    let mut rows = (n.saturating_mul(of_reference), m.saturating_mul(of_current));
    let mut left = vec![(n, m); replicates as usize];
    let mut sums = vec![0.0; replicates as usize];
    for &(a, b) in &table.cells {
        let marked = (a.saturating_mul(of_reference), b.saturating_mul(of_current));
        for (left, sum) in left.iter_mut().zip(&mut sums) {
            let x = hypergeometric::draw(&mut rng, rows.0, marked.0, left.0);
            let y = hypergeometric::draw(&mut rng, rows.1, marked.1, left.1);
            *left = (left.0.saturating_sub(x), left.1.saturating_sub(y));
            *sum += (x as f64 / n as f64 - y as f64 / m as f64).abs() / 2.0;
        }
        rows = (rows.0.saturating_sub(marked.0), rows.1.saturating_sub(marked.1));
    }
    sums
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}
