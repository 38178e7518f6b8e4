//! Fisher's exact test of two proportions.

use super::homogeneity::chi_squared_sf;
use crate::measure::{factorial::ln_factorial, hypergeometric::series};

/// Expected counts from which the chi-squared (score) test replaces the exact one; they then agree to about 0.2 % of p.
const LARGE: f64 = 1e6;

/// Rows from which `ln n!` loses the digits that matter.
const COARSE: u64 = 1 << 40;

/// Two-sided p-value of Fisher's exact test that `a` of `n` and `b` of `m` come from one proportion.
///
/// The sum of the hypergeometric probabilities, both margins fixed, of all tables no more probable than the observed
/// one (up to a relative 1e-7, as R and SciPy do). Keeps its level however small the counts, and is conservative when
/// they are. When all four expected counts reach a million it is Pearson's chi-squared test without correction.
///
/// *Edge cases*: 1 when either sample is empty, when no row or every row is in the category. `a`, `b` above `n`, `m`
/// count as `n`, `m`.
///
/// Fisher (1934), Statistical Methods for Research Workers; Agresti (1992), Statistical Science 7.
///
/// ```
/// use vigie::measure::drift::fisher::fisher_exact;
/// // scipy.stats.fisher_exact([[8, 2], [5, 5]])
/// assert!((fisher_exact(8, 10, 5, 10) - 0.3498452012383901).abs() < 1e-12);
/// ```
pub fn fisher_exact(a: u64, n: u64, b: u64, m: u64) -> f64 {
    // two totals must fit into one
    let (n, m) = (n.min(u64::MAX / 4), m.min(u64::MAX / 4));
    // the test does not tell the samples apart: count in the smaller one
    let (a, n, b, m) = if n <= m { (a.min(n), n, b.min(m), m) } else { (b.min(m), m, a.min(n), n) };
    let (marked, rows) = (a + b, n + m);
    if n == 0 || marked == 0 || marked >= rows {
        return 1.0;
    }
    let share = marked as f64 / rows as f64;
    if share.min(1.0 - share) * n as f64 >= LARGE {
        let scale = (share * (1.0 - share) * (1.0 / n as f64 + 1.0 / m as f64)).sqrt();
        let z = (a as f64 / n as f64 - b as f64 / m as f64) / scale;
        return chi_squared_sf(z * z, 1);
    }
    // likewise for the category and its complement
    let (a, marked) = if marked <= rows / 2 { (a, marked) } else { (n - a, rows - marked) };
    Hypergeometric::new(rows, marked, n).as_improbable_as(a)
}

/// How many of `marked` rows fall into a sample of `sample` out of `rows`.
struct Hypergeometric {
    rows: u64,
    marked: u64,
    sample: u64,
    /// In neither.
    others: u64,
    /// Greatest possible value; the smallest is 0.
    high: u64,
}

impl Hypergeometric {
    /// Both `marked` and `sample` at most half of the rows (so that the support starts at 0).
    fn new(rows: u64, marked: u64, sample: u64) -> Self {
        Self { rows, marked, sample, others: rows - marked - sample, high: marked.min(sample) }
    }

    /// Total probability of the values no more probable than `x`.
    fn as_improbable_as(&self, x: u64) -> f64 {
        let bar = self.ln_kernel(x) + 1e-7;
        let mode = ((self.marked as f64 + 1.0) * ((self.sample as f64 + 1.0) / (self.rows as f64 + 2.0))) as u64;
        let mode = mode.min(self.high);
        let improbable = |x: u64| self.ln_kernel(x) <= bar;
        let (down, up) = if x <= mode {
            (Some(x), boundary(mode, self.high, improbable))
        } else {
            // mirrored: the last improbable value at or below the mode
            (boundary(0, mode, |y| improbable(mode - y)).map(|y| mode - y), Some(x))
        };
        let tails = down.map_or(0.0, |x| self.lower_tail(x)) + up.map_or(0.0, |x| self.upper_tail(x));
        tails.clamp(0.0, 1.0)
    }

    /// ln of the probability up to a constant; equal to the last bit for the mirror values of two equal samples.
    fn ln_kernel(&self, x: u64) -> f64 {
        -((ln_factorial(x) + ln_factorial(self.marked - x))
            + (ln_factorial(self.sample - x) + ln_factorial(self.others + x)))
    }

    fn ln_probability(&self, x: u64) -> f64 {
        let choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        if self.rows > COARSE {
            // ln n! is too coarse, and the binomial limit is exact enough: one of the two is tiny
            let (few, many) = (self.high, self.marked.max(self.sample));
            let p = many as f64 / self.rows as f64;
            return choose(few, x) + x as f64 * p.ln() + (few - x) as f64 * (-p).ln_1p();
        }
        choose(self.marked, x) + choose(self.rows - self.marked, self.sample - x) - choose(self.rows, self.sample)
    }

    /// `P(X = x + 1) / P(X = x)`
    fn step(&self, x: u64) -> f64 {
        ((self.marked - x) as f64 / (x + 1) as f64) * ((self.sample - x) as f64 / (self.others + x + 1) as f64)
    }

    fn upper_tail(&self, x: u64) -> f64 {
        let ratios = (x..self.high).map(|y| self.step(y));
        self.ln_probability(x).exp() * series(ratios)
    }

    fn lower_tail(&self, x: u64) -> f64 {
        let ratios = (0..x).rev().map(|y| 1.0 / self.step(y));
        self.ln_probability(x).exp() * series(ratios)
    }
}

/// The first value in `[low, high]` for which `holds`, which once true stays true.
fn boundary(mut low: u64, high: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if !holds(high) {
        return None;
    }
    let mut end = high;
    while low < end {
        let middle = low + (end - low) / 2;
        if holds(middle) {
            end = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(end)
}
