//! A mean of shares of several parts, from the interval of each.

use super::proportion::Estimate;

/// `Σ W_h p_h` of independent parts `(W_h, interval of p_h)`, with the interval that theirs make.
///
/// MOVER, the "method of variance estimates recovery", as in [`super::comparison::difference`]: a bound's distance from its
/// estimate stands for `z` standard errors on that side. `lower = p − √(Σ W_h² (p_h − l_h)² + d²)`, and `upper` alike with
/// `u_h − p_h`. So a part that is nearly always right moves the mean far down and hardly up. `doubt` is `d` below and above:
/// what else is uncertain.
///
/// *Edge cases*: no part, or one without an estimate, gives nothing; one without a bound none on that side.
///
/// Zou, Huang and Zhang (2009), Computational Statistics and Data Analysis 53, on linear functions of proportions; Zou and
/// Donner (2008), Statistics in Medicine 27.
///
/// ```
/// use vigie::measure::{mixture::mixture, proportion::wilson};
/// let found = mixture(&[(0.5, wilson(0.7, 100.0, 0.95)), (0.5, wilson(0.8, 100.0, 0.95))], [0.0; 2]);
/// // Newcombe's interval for .8 − (1 − .7), from .3693 to .6049, as a half of it and one half more
/// assert!((found.lower.unwrap() - 0.6846594).abs() < 1e-7 && (found.upper.unwrap() - 0.8024625).abs() < 1e-7);
/// ```
pub fn mixture(parts: &[(f64, Estimate)], doubt: [f64; 2]) -> Estimate {
    let estimates: Option<Vec<f64>> = parts.iter().map(|(_, part)| part.estimate).collect();
    let Some(estimates) = estimates.filter(|found| !found.is_empty()) else { return Estimate::default() };
    let mean: f64 = parts.iter().zip(&estimates).map(|((share, _), p)| share * p).sum();
    let margin = |bound: fn(&Estimate) -> Option<f64>, doubt: f64| {
        let moved = parts.iter().zip(&estimates).map(|((share, part), p)| Some((share * (bound(part)? - p)).powi(2)));
        Some(moved.sum::<Option<f64>>()?.sqrt().hypot(doubt))
    };
    Estimate {
        estimate: Some(mean),
        lower: margin(|part| part.lower, doubt[0]).map(|margin| (mean - margin).max(0.0)),
        upper: margin(|part| part.upper, doubt[1]).map(|margin| (mean + margin).min(1.0)),
    }
}
