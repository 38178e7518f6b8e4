//! A test of two proportions that keeps its level at small counts and takes effective ones.

use crate::measure::accuracy::Accuracy;

/// Right rows out of `n`, which need not be whole numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    pub right: f64,
    pub wrong: f64,
}

impl Counts {
    /// Effective ones, `None` without labels or where nothing is left to chance.
    pub(super) fn effective(of: &Accuracy) -> Option<Self> {
        let (p, n) = (of.estimate.estimate?, of.n_eff?);
        Some(Self { right: p * n, wrong: (1.0 - p) * n })
    }
}

/// Two-sided p-value that two independent proportions are equal, by melding.
///
/// The upper Clopper-Pearson limit of one, taken at a random level, is `U ~ Beta(x + 1, n − x)`, the lower one of the
/// other `L ~ Beta(x', n' − x' + 1)`. The one-sided p-value is `P(U ≥ L)`, and twice the smaller of both sides is given.
/// For whole numbers it is twice the one-sided p-value of Fisher's exact test, so it keeps its level however small the
/// counts are, and is conservative. Unlike Fisher's it takes effective counts, those of a weighted sample.
///
/// *Edge cases*: 1 where one side has no row, where both are all right or all wrong, or for what is negative or not
/// finite. p-values below about 1e-20 are less precise, and may be 0.
///
/// Fay, Proschan and Brittain (2015), Biometrics 71.
///
/// ```
/// use vigie::measure::comparison::melded::{Counts, melded};
/// // scipy.stats.fisher_exact([[1, 9], [8, 2]], "less") = 0.0027387
/// let p = melded(Counts { right: 1.0, wrong: 9.0 }, Counts { right: 8.0, wrong: 2.0 });
/// assert!((p - 2.0 * 0.0027387).abs() < 1e-7, "{p}");
/// ```
pub fn melded(a: Counts, b: Counts) -> f64 {
    if ![a, b].iter().all(|c| c.right >= 0.0 && c.wrong >= 0.0 && (c.right + c.wrong).is_finite()) {
        return 1.0;
    }
    (2.0 * reached(a, b).min(reached(b, a))).clamp(0.0, 1.0)
}

/// Below this a count is none.
const NONE: f64 = 1e-3;

/// `P(U_low ≥ L_high)`: the p-value for "high is better than low".
fn reached(low: Counts, high: Counts) -> f64 {
    // no upper limit below 1, or no lower one above 0
    if low.wrong < NONE || high.right < NONE {
        return 1.0;
    }
    let u = Law { a: low.right + 1.0, b: low.wrong };
    let l = Law { a: high.right, b: high.wrong + 1.0 };
    // the one that ends far apart needs a step of its own: the finer serves both
    let (from, to) = (u.end(-1.0).min(l.end(-1.0)), u.end(1.0).max(l.end(1.0)));
    let step = (u.spread().min(l.spread()) / 16.0).max((to - from) / STEPS);
    let (mut below, mut total, mut both) = (0.0, 0.0, 0.0);
    let (tops, ends) = ((u.kernel(u.mode()).0, l.kernel(l.mode()).0), ((to - from) / step).ceil() as u32);
    for i in 0..=ends {
        let s = from + step * f64::from(i);
        let ((ln_u, _), (ln_l, slope)) = (u.kernel(s), l.kernel(s));
        let (at_u, at_l) = ((ln_u - tops.0).exp(), (ln_l - tops.1).exp());
        // the share of L below s: trapezoids, and the first correction of Euler and Maclaurin
        let share = below + at_l / 2.0 - step * at_l * slope / 12.0;
        both += at_u * share;
        below += at_l;
        total += at_u;
    }
    both / (total * below)
}

/// At most so many steps of the integral.
const STEPS: f64 = 20_000.0;

/// A Beta distribution on the log-odds `s`, where its density `t^a (1−t)^b` with `t = 1/(1 + e^−s)` is smooth and falls
/// off on both sides: the trapezoid rule is then exact but for rounding.
#[derive(Debug, Clone, Copy)]
struct Law {
    a: f64,
    b: f64,
}

impl Law {
    fn mode(&self) -> f64 {
        (self.a / self.b).ln()
    }

    fn spread(&self) -> f64 {
        (1.0 / self.a + 1.0 / self.b).sqrt()
    }

    /// Logarithm of the density up to a constant, and its slope.
    fn kernel(&self, s: f64) -> (f64, f64) {
        // ln t and ln(1 − t), without loss where t is next to 0 or 1
        let shared = (-s.abs()).exp().ln_1p();
        let ln = |s: f64| s.min(0.0) - shared;
        (self.a * ln(s) + self.b * ln(-s), self.a - (self.a + self.b) * ln(s).exp())
    }

    /// Where the density is e^-50 of its top, on the side of `sign`.
    fn end(&self, sign: f64) -> f64 {
        let top = self.kernel(self.mode()).0;
        let mut away = self.spread();
        while self.kernel(self.mode() + sign * away).0 > top - 50.0 && away < 1e6 {
            away *= 1.25;
        }
        self.mode() + sign * away
    }
}
