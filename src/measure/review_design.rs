//! What a review of so many predictions tells, and which ones it had better draw.
//!
//! Under the difference estimator ([`super::assisted`]) only what the confidence leaves open is uncertain: in a stratum of
//! `N` predictions, right with probability `f` and reviewed with probability `π`, `N (1/π − 1) f (1−f)` of the variance of the
//! total. Neyman's allocation spends labels where `√(f(1−f))` is large (Neyman 1934; Särndal, Swensson and Wretman 1992,
//! section 12.2).

use super::{bisection::bisect, proportion::normal_quantile};

/// Predictions that a review treats alike: a route, a range of the confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReviewStratum {
    pub predictions: u64,
    /// Of these, labelled.
    pub labelled: u64,
    /// Share of right ones, as far as labels tell.
    pub right: f64,
}

impl ReviewStratum {
    /// `f (1−f)`, never 0: with `n` labels `f` is taken as `(f n + 1) / (n + 2)`.
    fn spread(&self) -> f64 {
        let n = self.labelled as f64;
        let f = (self.right.clamp(0.0, 1.0) * n + 1.0) / (n + 2.0);
        f * (1.0 - f)
    }
}

/// Least rate that is proposed: below it a stratum would change unseen.
pub const LEAST_RATE: f64 = 0.002;

/// Half-width of the interval of accuracy when each stratum is reviewed at its rate; `None` where a stratum with predictions
/// has none, or without predictions.
///
/// ```
/// use vigie::measure::review_design::{ReviewStratum, half_width};
/// let half = ReviewStratum { predictions: 10_000, labelled: 998, right: 0.5 };
/// // the textbook 1.96 √(.25/1000), less the tenth that is known
/// assert!((half_width(&[half], &[0.1], 0.95).unwrap() - 0.0294).abs() < 1e-4);
/// ```
pub fn half_width(strata: &[ReviewStratum], rates: &[f64], confidence_level: f64) -> Option<f64> {
    let z = normal_quantile(confidence_level)?;
    let all: f64 = strata.iter().map(|s| s.predictions as f64).sum();
    let variance: f64 = strata
        .iter()
        .zip(rates)
        .filter(|(s, _)| s.predictions > 0)
        .map(|(s, rate)| s.predictions as f64 * (1.0 / rate - 1.0) * s.spread())
        .sum();
    let half = z * variance.sqrt() / all;
    half.is_finite().then_some(half)
}

/// Rates of Neyman's allocation with so many labels in expectation: proportional to `√(f(1−f))`, at least
/// [`LEAST_RATE`], at most 1.
pub fn neyman(strata: &[ReviewStratum], labels: f64) -> Vec<f64> {
    let rate = |scale: f64, s: &ReviewStratum| (scale * s.spread().sqrt()).clamp(LEAST_RATE, 1.0);
    let drawn = |scale: f64| strata.iter().map(|s| s.predictions as f64 * rate(scale, s)).sum::<f64>();
    let scale = bisect((0.0, MOST_SCALE), 0.0, |scale| drawn(scale) < labels);
    strata.iter().map(|s| rate(scale, s)).collect()
}

/// The present rates, all multiplied so that there are so many labels in expectation; at most 1.
pub fn scaled(strata: &[ReviewStratum], rates: &[f64], labels: f64) -> Vec<f64> {
    let drawn = |scale: f64| {
        strata.iter().zip(rates).map(|(s, rate)| s.predictions as f64 * (scale * rate).min(1.0)).sum::<f64>()
    };
    let scale = bisect((0.0, MOST_SCALE), 0.0, |scale| drawn(scale) < labels);
    rates.iter().map(|rate| (scale * rate).min(1.0)).collect()
}

/// Labels that a half-width takes when they are drawn as `rates` says; `None` where not even all predictions would do.
pub fn labels_for(
    strata: &[ReviewStratum],
    goal: f64,
    confidence_level: f64,
    rates: impl Fn(f64) -> Vec<f64>,
) -> Option<f64> {
    let all: f64 = strata.iter().map(|s| s.predictions as f64).sum();
    let wide = |labels: f64| half_width(strata, &rates(labels), confidence_level).is_none_or(|half| half > goal);
    if wide(all) {
        return None;
    }
    Some(bisect((0.0, all), 0.5, wide))
}

/// More than any rate has to be multiplied by.
const MOST_SCALE: f64 = 1e9;
