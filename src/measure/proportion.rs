//! Confidence intervals for a proportion, with a real-valued sample size.
//!
//! Under an unequal-probability design the sample size is an *effective* one (see [`super::accuracy`]), so both
//! intervals take the estimated proportion and a real `n > 0`, which may be infinite (no sampling error).

use serde::{Deserialize, Serialize};
use statrs::{
    distribution::{ContinuousCDF, Gamma, Normal, StudentsT},
    function::beta::{beta_reg, ln_beta},
};

/// A point estimate with its interval; `None` where the data says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub estimate: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Estimate {
    /// An estimate without a usable interval.
    pub fn point(estimate: f64) -> Self {
        Self { estimate: Some(estimate), ..Self::default() }
    }

    /// The estimate alone, where it rests on too little for an interval.
    pub fn without_bounds(self) -> Self {
        Self { lower: None, upper: None, ..self }
    }

    fn interval(estimate: f64, lower: f64, upper: f64) -> Self {
        Self {
            estimate: Some(estimate),
            lower: Some(lower.clamp(0.0, estimate)),
            upper: Some(upper.clamp(estimate, 1.0)),
        }
    }
}

/// Two-sided standard normal quantile, the `z` of a confidence level: 1.96 for 0.95.
///
/// `z = Φ⁻¹((1 + level) / 2)`. `None` unless `0 < level < 1`.
///
/// ```
/// use vigie::measure::proportion::normal_quantile;
/// assert!((normal_quantile(0.95).unwrap() - 1.959963984540054).abs() < 1e-12);
/// assert_eq!(normal_quantile(1.0), None);
/// ```
pub fn normal_quantile(confidence_level: f64) -> Option<f64> {
    if !(confidence_level > 0.0 && confidence_level < 1.0) {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.5 + confidence_level / 2.0);
    z.is_finite().then_some(z)
}

/// The same of Student's law with so many degrees of freedom, for a variance that is itself an estimate. `None` as
/// there, and where `freedom` is not above 0.
///
/// ```
/// use vigie::measure::proportion::student_quantile;
/// assert!((student_quantile(0.95, 4.0).unwrap() - 2.776445105).abs() < 1e-6);
/// assert_eq!(student_quantile(0.95, 0.0), None);
/// ```
pub fn student_quantile(confidence_level: f64, freedom: f64) -> Option<f64> {
    let normal = normal_quantile(confidence_level)?;
    // the two are equal to six digits by then, and statrs' search may not end
    if freedom >= 1e6 {
        return Some(normal);
    }
    let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(law.inverse_cdf(0.5 + confidence_level / 2.0))
}

/// How much larger a variance must be taken that is an estimate with so many degrees of freedom: `(t/z)²`; 1 where there is
/// no quantile.
pub(super) fn student_widening(confidence_level: f64, freedom: f64) -> f64 {
    match (student_quantile(confidence_level, freedom), normal_quantile(confidence_level)) {
        (Some(t), Some(z)) => (t / z).powi(2),
        _ => 1.0,
    }
}

/// Wilson score interval.
///
/// The `p₀` for which `(p − p₀)² ≤ z² p₀(1 − p₀)/n`:
/// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
///
/// Assumes `n` independent rows, or an effective `n` that matches the design's variance. Behaves at 0, at 1 and for
/// small `n`. An infinite `n` gives the point itself. Nothing for `p` outside [0, 1] or `n` not above 0; no bounds for
/// a `confidence_level` outside (0, 1).
///
/// Wilson (1927), JASA 22; Brown, Cai and DasGupta (2001), Statistical Science 16.
///
/// ```
/// use vigie::measure::proportion::wilson;
/// let all_right = wilson(1.0, 5.0, 0.95);
/// assert!((all_right.lower.unwrap() - 0.5655175).abs() < 1e-7);
/// assert_eq!(all_right.upper, Some(1.0));
/// assert_eq!(wilson(0.5, 0.0, 0.95).estimate, None);
/// ```
pub fn wilson(p: f64, n: f64, confidence_level: f64) -> Estimate {
    if !is_proportion(p, n) {
        return Estimate::default();
    }
    let Some(z) = normal_quantile(confidence_level) else {
        return Estimate::point(p);
    };
    let shrink = z * z / n;
    let center = p + shrink / 2.0;
    let half = z * (p * (1.0 - p) / n + shrink / n / 4.0).sqrt();
    // a vanishing n makes infinity / infinity: it says nothing
    let bound = |x: f64, none: f64| {
        if x.is_nan() { none } else { x }
    };
    let lower = bound((center - half) / (1.0 + shrink), 0.0);
    let upper = bound((center + half) / (1.0 + shrink), 1.0);
    // rounding must not cut off the bound that is exact by definition
    let lower = if p == 0.0 { 0.0 } else { lower };
    let upper = if p == 1.0 { 1.0 } else { upper };
    Estimate::interval(p, lower, upper)
}

/// Wilson's interval, longer where a side has next to no rows: its bound there is at least as far out as the one-sided Poisson
/// bound of all that may go wrong, `Γ(α; x)/n` with `x = n p` rows on that side.
///
/// Wilson's holds a share of a fifth of a row among `n` only as long as that row is not drawn: in 83 % of samples. Edge cases as
/// in [`wilson`].
///
/// Brown, Cai and DasGupta (2001), Statistical Science 16, section 4.1.1, who take it for one to three rows.
///
/// ```
/// use vigie::measure::proportion::{modified_wilson, wilson};
/// // half of SciPy's chi2.ppf(.05, 2), over 20
/// assert!((modified_wilson(0.05, 20.0, 0.95).lower.unwrap() - 0.0025647).abs() < 1e-7);
/// assert_eq!(modified_wilson(0.5, 20.0, 0.95), wilson(0.5, 20.0, 0.95));
/// ```
pub fn modified_wilson(p: f64, n: f64, confidence_level: f64) -> Estimate {
    let found = wilson(p, n, confidence_level);
    if !n.is_finite() {
        return found;
    }
    // none at all has its bound at 0
    let least = |rows: f64| match Gamma::new(rows, 1.0) {
        Ok(law) if rows < FEW_ROWS => law.inverse_cdf(1.0 - confidence_level) / n,
        _ => f64::INFINITY,
    };
    Estimate {
        estimate: found.estimate,
        lower: found.lower.map(|bound| bound.min(least(n * p))),
        upper: found.upper.map(|bound| bound.max(1.0 - least(n * (1.0 - p)))),
    }
}

/// Rows from which Wilson's bound is further out than the Poisson bound at 95 %.
const FEW_ROWS: f64 = 10.0;

/// Clopper-Pearson ("exact") interval; with an effective `n` it is Korn and Graubard's.
///
/// With `x = n p`: lower = Beta quantile `B(α/2; x, n − x + 1)`, upper = `B(1 − α/2; x + 1, n − x)`.
///
/// Covers at least the nominal level for a binomial count, usually more. Edge cases as in [`wilson`].
///
/// Clopper and Pearson (1934), Biometrika 26; Korn and Graubard (1998), Survey Methodology 24.
///
/// ```
/// use vigie::measure::proportion::clopper_pearson;
/// let none_of_ten = clopper_pearson(0.0, 10.0, 0.95);
/// assert_eq!(none_of_ten.lower, Some(0.0));
/// assert!((none_of_ten.upper.unwrap() - 0.3084971).abs() < 1e-7);
/// ```
pub fn clopper_pearson(p: f64, n: f64, confidence_level: f64) -> Estimate {
    let (x, y) = (n * p, n * (1.0 - p));
    exact(p, n, confidence_level, |tail| {
        let lower = if x > 0.0 { beta_quantile(tail, x, y + 1.0) } else { 0.0 };
        // by symmetry, so that both tails keep their precision
        let upper = if y > 0.0 { 1.0 - beta_quantile(tail, y, x + 1.0) } else { 1.0 };
        [lower, upper]
    })
}

/// Jeffreys interval: the middle of what is believed of a share after its rows, where nothing was known before.
///
/// With `x = n p`: Beta quantiles `B(α/2; x + ½, n − x + ½)` and `B(1 − α/2; …)`; 0 and 1 where no row is right, and none
/// wrong. Covers the nominal level on average over shares, and misses about as often on each side, which an interval that
/// is joined to others ([`super::mixture`]) must. Edge cases as in [`wilson`].
///
/// Brown, Cai and DasGupta (2001), Statistical Science 16.
///
/// ```
/// use vigie::measure::proportion::jeffreys;
/// let none_of_ten = jeffreys(0.0, 10.0, 0.95);
/// assert_eq!(none_of_ten.lower, Some(0.0));
/// assert!((none_of_ten.upper.unwrap() - 0.2171963).abs() < 1e-7);
/// ```
pub fn jeffreys(p: f64, n: f64, confidence_level: f64) -> Estimate {
    let (x, y) = (n * p, n * (1.0 - p));
    exact(p, n, confidence_level, |tail| {
        let lower = if x > 0.0 { beta_quantile(tail, x + 0.5, y + 0.5) } else { 0.0 };
        let upper = if y > 0.0 { 1.0 - beta_quantile(tail, y + 0.5, x + 0.5) } else { 1.0 };
        [lower, upper]
    })
}

/// `[lower, upper]` for the probability of each tail, where there is something to say.
fn exact(p: f64, n: f64, confidence_level: f64, bounds: impl Fn(f64) -> [f64; 2]) -> Estimate {
    if !is_proportion(p, n) {
        return Estimate::default();
    }
    if !(confidence_level > 0.0 && confidence_level < 1.0) {
        return Estimate::point(p);
    }
    if n.is_infinite() {
        return Estimate::interval(p, p, p);
    }
    let [lower, upper] = bounds((1.0 - confidence_level) / 2.0);
    Estimate::interval(p, lower, upper)
}

/// The rows of equal weight whose [`wilson`] interval is as wide as this one, 0 where its bounds are 0 and 1; `None` without
/// bounds, and where they are one point (no number would do).
///
/// With `s = z²/n` the width `w` is `2 z √(p(1−p)/n + z²/4n²)/(1 + s)`: `(1 − w²) s² + (4 p(1−p) − 2 w²) s − w² = 0`.
///
/// ```
/// use vigie::measure::proportion::{Estimate, wilson, wilson_rows};
/// assert!((wilson_rows(&wilson(0.8, 60.0, 0.95), 0.95).unwrap() - 60.0).abs() < 1e-9);
/// assert_eq!(wilson_rows(&wilson(0.8, f64::INFINITY, 0.95), 0.95), None);
/// let nothing = Estimate { estimate: Some(0.5), lower: Some(0.0), upper: Some(1.0) };
/// assert_eq!(wilson_rows(&nothing, 0.95), Some(0.0));
/// ```
pub fn wilson_rows(of: &Estimate, confidence_level: f64) -> Option<f64> {
    let z = normal_quantile(confidence_level)?;
    let (p, square) = (of.estimate?, (of.upper? - of.lower?).powi(2));
    let half = 2.0 * p * (1.0 - p) - square;
    let root = (half * half + (1.0 - square) * square).sqrt();
    // the same number twice, each without cancellation on its side
    let shrink = if half > 0.0 { square / (root + half) } else { (root - half) / (1.0 - square) };
    let n = z * z / shrink;
    n.is_finite().then_some(n)
}

fn is_proportion(p: f64, n: f64) -> bool {
    (0.0..=1.0).contains(&p) && n > 0.0
}

/// Newton's method on the regularised incomplete beta function, within a bracket that is halved wherever a step would leave
/// it: statrs' own inverse may stop early.
pub(super) fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high, mut x) = (0.0_f64, 1.0_f64, a / (a + b));
    let whole = ln_beta(a, b);
    // bisection alone ends after so many: next to 0 the grain of numbers has no end
    for _ in 0..200 {
        let off = beta_reg(a, b, x) - probability;
        if off < 0.0 {
            low = x
        } else {
            high = x
        }
        let slope = ((a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - whole).exp();
        let step = x - off / slope;
        let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
        if (next - x).abs() <= 1e-15 * next || high - low <= 1e-15 * high {
            return next;
        }
        x = next;
    }
    x
}
