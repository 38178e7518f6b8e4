//! How large a change of one code's share is: difference and ratio, each with an interval.

use serde::{Deserialize, Serialize};

use crate::measure::{
    bisection::bisect,
    comparison,
    proportion::{Estimate, jeffreys, normal_quantile},
};

/// The change of one share, `p` in the reference and `q` in the current period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// `q − p`, in [-1, 1]: 0.01 is a point more.
    pub difference: Estimate,
    /// `q / p`, at least 0: 2 is twice the share.
    pub ratio: Estimate,
}

/// Rows of both periods together from which a change has an interval, and how many of these each period would have if nothing had
/// changed. Of fewer hardly anything can come out that is far from the truth, so that intervals cover too much
/// (`docs/statistics.md`, "How large, and does it matter").
const LEAST_ROWS: (f64, f64) = (10.0, 2.0);

/// Whether `a` of `n` and `b` of `m` rows are enough for an interval of what changed. It looks at both together, which says next to
/// nothing of the change.
pub fn enough((a, n): (f64, f64), (b, m): (f64, f64)) -> bool {
    let rows = a + b;
    rows >= LEAST_ROWS.0 && rows * n.min(m) / (n + m) >= LEAST_ROWS.1
}

/// Both effects of `a` rows of `n` in the reference against `b` of `m` in the current period; without bounds where rows are not
/// [`enough`].
///
/// ```
/// use vigie::measure::drift::effect::effect;
/// let found = effect(700, 1000, 800, 1000, 0.95);
/// assert!((found.difference.estimate.unwrap() - 0.1).abs() < 1e-12);
/// assert!(found.ratio.lower.unwrap() > 1.0);
/// ```
pub fn effect(a: u64, n: u64, b: u64, m: u64, confidence_level: f64) -> Effect {
    let (then, now) = ((a as f64, n as f64), (b as f64, m as f64));
    let told = |found: Estimate| if enough(then, now) { found } else { found.without_bounds() };
    Effect {
        difference: told(difference(a, n, b, m, confidence_level)),
        ratio: told(ratio(then, now, confidence_level)),
    }
}

/// Difference of shares `q − p`: [`comparison::difference`] of their Jeffreys intervals, as both sides of these miss alike. Of
/// shares near 0 it is nearer to its level than Newcombe's and Miettinen and Nurminen's (`docs/statistics.md`, "How large,
/// and does it matter").
///
/// *Assumes* independent rows in each period. *Edge cases*: nothing if either period is empty; no bounds for a
/// `confidence_level` outside (0, 1); `a`, `b` above `n`, `m` count as `n`, `m`.
///
/// Zou and Donner (2008), Statistics in Medicine 27; Laud (2017), Pharmaceutical Statistics 16.
///
/// ```
/// use vigie::measure::drift::effect::difference;
/// // from SciPy's beta quantiles
/// let found = difference(70, 100, 80, 100, 0.95);
/// assert!((found.lower.unwrap() + 0.0198311840942).abs() < 1e-9);
/// assert!((found.upper.unwrap() - 0.2171708518105).abs() < 1e-9);
/// assert_eq!(difference(0, 0, 1, 5, 0.95).estimate, None);
/// ```
pub fn difference(a: u64, n: u64, b: u64, m: u64, confidence_level: f64) -> Estimate {
    let of = |x: u64, n: u64| jeffreys(x.min(n) as f64 / n as f64, n as f64, confidence_level);
    let found = comparison::difference(of(a, n), of(b, m));
    Estimate { estimate: found.estimate, lower: found.lower, upper: found.upper }
}

/// Ratio of shares `q / p`, `q` of the second pair, with Koopman's score interval. Each pair is rows of something and all
/// rows; effective ones of a weighted sample will do.
///
/// The `r` for which the score test of `q = r p` does not reject: `(q − r p)² ≤ z² [ q̃(1 − q̃)/m + r² p̃(1 − p̃)/n ]`
/// with `p̃`, `q̃ = r p̃` the likeliest shares under that `r`.
///
/// *Assumes* independent rows in each period. *Edge cases*: a code new in the current period has no ratio and no upper
/// bound, but a lower one; a code that is gone has ratio and lower bound 0. Nothing if either period is empty or
/// neither has the code.
///
/// Koopman (1984), Biometrics 40.
///
/// ```
/// use vigie::measure::drift::effect::ratio;
/// let found = ratio((16.0, 80.0), (36.0, 40.0), 0.95);
/// assert!((found.estimate.unwrap() - 4.5).abs() < 1e-12);
/// assert!((found.lower.unwrap() - 2.939).abs() < 1e-3 && (found.upper.unwrap() - 7.152).abs() < 1e-3);
/// assert_eq!(ratio((0.0, 80.0), (3.0, 40.0), 0.95).upper, None);
/// ```
pub fn ratio((a, n): (f64, f64), (b, m): (f64, f64), confidence_level: f64) -> Estimate {
    let (Some(p), Some(q)) = (share(a, n), share(b, m)) else {
        return Estimate::default();
    };
    if p + q == 0.0 {
        return Estimate::default();
    }
    let estimate = (p > 0.0).then_some(q / p);
    let Some(z) = normal_quantile(confidence_level) else {
        return Estimate { estimate, ..Estimate::default() };
    };
    let score = Score { p, q, n, m };
    // ln r from where every score rejects to the estimate, and from there on; a missing estimate is infinite
    let middle = estimate.map_or(FAR, |r| r.max((-FAR).exp()).ln());
    let lower = if q > 0.0 { Some(bisect((-FAR, middle), 1e-12, |x| score.z(x.exp()) > z).exp()) } else { Some(0.0) };
    let upper = (p > 0.0).then(|| bisect((middle, FAR), 1e-12, |x| score.z(x.exp()) > -z).exp());
    Estimate { estimate, lower, upper }
}

/// Beyond `e^±50` no two counts of 64 bits have a ratio.
const FAR: f64 = 50.0;

/// The score test of a ratio.
struct Score {
    p: f64,
    q: f64,
    n: f64,
    m: f64,
}

impl Score {
    /// Signed, falls as `r` rises.
    fn z(&self, r: f64) -> f64 {
        let (a, b) = (self.p * self.n, self.q * self.m);
        // the likeliest p under q = r p, in the form that does not cancel
        let (square, line) = ((self.n + self.m) * r, self.m * r + b + self.n + a * r);
        let root = (line * line - 4.0 * square * (a + b)).max(0.0).sqrt();
        let p = (2.0 * (a + b) / (line + root)).clamp(0.0, 1.0);
        let q = (r * p).min(1.0);
        let variance = q * (1.0 - q) / self.m + r * r * p * (1.0 - p) / self.n;
        let distance = self.q - r * self.p;
        if distance == 0.0 { 0.0 } else { distance / variance.sqrt() }
    }
}

fn share(count: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| (count / of).clamp(0.0, 1.0))
}
