//! Total variation beyond what sampling alone makes.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{CategoricalDrift, Table};
use crate::measure::{
    bisection::bisect,
    hypergeometric,
    proportion::{Estimate, normal_quantile},
};

/// Total variation between the two laws, corrected for sampling, with an interval that holds for any kind of shift.
///
/// Estimate `max(0, TV − null)`; interval `max(0, TV − null − c s₀)` to `TV + c s`. `TV` is the observed distance, `null`
/// and `s₀` its mean and standard deviation when nothing has changed, over tables drawn from the shares of both periods
/// together. `s² = ¼ [ (1 − (Σ eᵢpᵢ)²)/n + (1 − (Σ eᵢqᵢ)²)/m ]`, `eᵢ` the sign of `qᵢ − pᵢ`, is its variance where all signs
/// are sure, and no less elsewhere. `c` solves `Φ(−c) + Φ(−(null + c s₀)/s) = 1 − level`: 1.645 where `null` is several
/// `s`, as the truth is then near one end only and can be missed there alone, up to 1.96 where two codes are all.
///
/// The bounds are not symmetric, since sampling adds between nothing and `null`, and the counts cannot tell how much: by
/// Jensen's inequality the mean of `TV` is at least the true distance, by the triangle inequality it exceeds it by `null`
/// at most. A shift between few codes is near the estimate. One that is spread thinly is up to `null` above it, and so is the
/// half of it that one growing code takes from all others: the estimate is too low then, never the upper bound.
/// With few rows the upper bound is therefore far away, and that is what is known. The lower one is nearest to the truth
/// where most codes stand still, so `s₀` is its measure: a code that moves adds to the deviation, and takes more from the
/// mean.
///
/// `factor` is the variance inflation between days ([`super::dispersion::dispersion`]; 1 for independent rows): `null` and
/// both deviations grow by its square root. `drift` must be that of the same counts.
///
/// *Assumes* rows drawn independently within each period, up to `factor`. *Edge cases*: nothing if either sample is empty;
/// no bounds without replicates or for a `confidence_level` outside (0, 1). Beyond 2^40 rows sampling counts as no error.
///
/// Imbens and Manski (2004), Econometrica 72, on intervals for what is identified within bounds.
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
    let still = spread * deviation(&resample(&table, replicates, seed));
    let sure = spread * deviation_of_sure_signs(&table);
    let law = Normal::standard();
    let missed = |c: f64| law.cdf(-c) + law.sf((null + c * still) / sure) > 1.0 - confidence_level;
    let c = if sure > 0.0 { bisect((0.0, 2.0 * z), 1e-9, missed) } else { z };
    Estimate {
        estimate: Some(estimate),
        lower: Some((observed - null - c * still).max(0.0)),
        upper: Some((observed + c * sure).min(1.0)),
    }
}

/// Standard deviation of the total variation where it is certain which shares grow.
fn deviation_of_sure_signs(table: &Table) -> f64 {
    let (n, m) = (table.n_reference as f64, table.n_current as f64);
    let shares = || table.cells.iter().map(|&(a, b)| (a as f64 / n, b as f64 / m));
    let sum = |of: fn((f64, f64)) -> f64| shares().map(|(p, q)| (q - p).signum() * of((p, q))).sum::<f64>();
    let [before, now] = [sum(|(p, _)| p), sum(|(_, q)| q)];
    ((1.0 - before * before).max(0.0) / n + (1.0 - now * now).max(0.0) / m).sqrt() / 2.0
}

/// Copies of each row in the urn: many enough that drawing without replacement is drawing with it.
const COPIES: u64 = 256;

/// Total variations of tables of this size drawn from the shares of both periods together, all replicates through a
/// category together.
fn resample(table: &Table, replicates: u32, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (n, m) = (table.n_reference, table.n_current);
    let all = n.saturating_add(m);
    let copies = ((1 << 40) / all).clamp(1, COPIES);
    let mut rows = all.saturating_mul(copies);
    let mut left = vec![(n, m); replicates as usize];
    let mut sums = vec![0.0; replicates as usize];
    for &(a, b) in &table.cells {
        let marked = a.saturating_add(b).saturating_mul(copies);
        for (left, sum) in left.iter_mut().zip(&mut sums) {
            let x = hypergeometric::draw(&mut rng, rows, marked, left.0);
            let y = hypergeometric::draw(&mut rng, rows, marked, left.1);
            *left = (left.0.saturating_sub(x), left.1.saturating_sub(y));
            *sum += (x as f64 / n as f64 - y as f64 / m as f64).abs() / 2.0;
        }
        rows = rows.saturating_sub(marked);
    }
    sums
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}
