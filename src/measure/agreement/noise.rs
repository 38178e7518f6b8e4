//! Labels are wrong at times: how often, and how right the model can then be.

use serde::{Deserialize, Serialize};

use crate::measure::proportion::Estimate;

/// How often one annotator is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelNoise {
    /// When both err independently and equally often: the value when wrong labels never coincide, bounds from that to
    /// when they always do.
    pub error: Estimate,
    /// Half the disagreement: whatever the two have in common, at least one of them is wrong that often in the mean.
    pub at_least: f64,
}

/// The error rate of labels from how often two of them differ.
///
/// Two annotators are each wrong with probability `e`, independently; two wrong labels coincide with probability `c`.
/// They differ with probability `d = 1 − (1−e)² − c e²`, so `e = (1 − √(1 − (1+c) d))/(1 + c)`. With many codes `c` is
/// near 0 and `e = 1 − √(1−d)`, the estimate; with two it is 1, `d = 2e(1−e)`. The bounds take the lower bound of `d`
/// with `c = 0` and the upper one with `c = 1`.
///
/// *Assumes* independent errors. Texts that mislead everybody are errors in common; no disagreement shows them, and `e`
/// is then larger than said. What holds always is `e ≥ d/2`, as `P(a ≠ b) ≤ P(a wrong) + P(b wrong)`.
///
/// *Edge cases*: a disagreement above a half has no `e` with `c = 1`; the upper bound is then at least a half. `None`
/// without a disagreement.
///
/// Hui and Walter (1980), Biometrics 36, and Dawid and Skene (1979), Applied Statistics 28, on error rates without a
/// gold standard.
///
/// ```
/// use vigie::measure::{agreement::noise::label_noise, proportion::wilson};
/// let found = label_noise(wilson(0.0975, 2_000.0, 0.95)).unwrap();
/// assert!((found.error.estimate.unwrap() - 0.05).abs() < 1e-12);
/// assert_eq!(found.at_least, 0.04875);
/// ```
pub fn label_noise(disagreement: Estimate) -> Option<LabelNoise> {
    let rate = |d: f64, c: f64| (1.0 - (1.0 - (1.0 + c) * d).max(0.0).sqrt()) / (1.0 + c);
    let d = disagreement.estimate.filter(|d| (0.0..=1.0).contains(d))?;
    let error = Estimate {
        estimate: Some(rate(d, 0.0)),
        lower: disagreement.lower.map(|d| rate(d, 0.0)),
        upper: disagreement.upper.map(|d| rate(d, 1.0).max(rate(d, 0.0))),
    };
    Some(LabelNoise { error, at_least: d / 2.0 })
}

/// The two ends between which a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    pub lower: f64,
    pub upper: f64,
}

/// The accuracy against the truth, from that against labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrueAccuracy {
    /// When labels err as often where the model is right as where it is wrong. `None` where labels may be wrong half
    /// the time: then nothing is known.
    pub independent: Option<Bounds>,
    /// Whatever the errors have to do with the model.
    pub worst: Bounds,
}

/// Bounds on the model's true accuracy when labels are wrong with probability `e`.
///
/// With `a` the accuracy against labels and `t` the one against the truth:
/// - *errors independent of whether the model is right*: `a = t (1−e) + (1−t) e c`, `c` the probability that a wrong
///   label is the model's wrong code. `t = (a − e c)/(1 − e − e c)` falls with `c`, so `(a − e)/(1 − 2e) ≤ t ≤ a/(1 −
///   e)`. With many codes `c` is small and `t` near the upper end: noise hides right answers.
/// - *worst case*: `a` and `t` differ at most on rows whose label is wrong, so `|t − a| ≤ e`. It is needed where labels
///   and model err together: people who see the model's code before they decide, or a model trained on the same
///   annotators.
///
/// Bounds run over the whole intervals of `a` and `e`. If both have level `1 − α/2`, the result holds with at least `1
/// − α` (Bonferroni): ask for 97.5 % intervals to have 95 %. `None` where one of them lacks bounds.
///
/// Lam and Stork (2003), IJCAI, on evaluation with noisy labels; Northcutt, Athalye and Mueller (2021), NeurIPS
/// Datasets and Benchmarks, on how much there is in common test sets.
///
/// ```
/// use vigie::measure::{agreement::noise::true_accuracy, proportion::Estimate};
/// let known = |x| Estimate { estimate: Some(x), lower: Some(x), upper: Some(x) };
/// let found = true_accuracy(known(0.81), known(0.1)).unwrap();
/// let independent = found.independent.unwrap();
/// assert!((independent.lower - 0.8875).abs() < 1e-12 && (independent.upper - 0.9).abs() < 1e-12);
/// assert!((found.worst.lower - 0.71).abs() < 1e-12 && (found.worst.upper - 0.91).abs() < 1e-12);
/// ```
pub fn true_accuracy(measured: Estimate, error: Estimate) -> Option<TrueAccuracy> {
    let (low, high) = measured.lower.zip(measured.upper)?;
    let (least, most) = error.lower.zip(error.upper)?;
    // monotone in the error rate, so an end has the least
    let lower = |e: f64| ((low - e) / (1.0 - 2.0 * e)).clamp(0.0, 1.0);
    let independent = (most < 0.5)
        .then(|| Bounds { lower: lower(least).min(lower(most)), upper: (high / (1.0 - most)).clamp(0.0, 1.0) });
    let worst = Bounds { lower: (low - most).max(0.0), upper: (high + most).min(1.0) };
    Some(TrueAccuracy { independent, worst })
}
