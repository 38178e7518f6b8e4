//! Is a term more frequent in the current sample than chance allows? Exact, one-sided, and in strata.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::measure::{factorial::ln_factorial, hypergeometric::series};

/// Rows with the term in each sample, and rows in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stratum {
    pub current: u64,
    pub n_current: u64,
    pub reference: u64,
    pub n_reference: u64,
}

/// A one-sided p-value, and the smallest that these margins allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpperTail {
    pub p_value: f64,
    /// The p-value if every row with the term were current, as far as the strata allow.
    pub least: f64,
}

/// Tests whose rows with the term, in both samples together, are the same in every stratum: they have one law.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Margins {
    pub tests: u64,
    /// The p-values that the law allows, rising, up to some bar; `None` where any may come.
    pub p_values: Option<Vec<f64>>,
}

/// Steps of a convolution above which the normal law replaces the exact one.
const COSTLY: u64 = 1 << 22;

/// One-sided exact p-value that the term is as frequent in the current sample as in the reference, in every stratum.
///
/// With one stratum this is Fisher's exact test, upper tail: `P(X ≥ a)` for hypergeometric `X`, both margins fixed. With
/// several it is the exact conditional test of a common odds ratio of 1: `P(ΣX_s ≥ Σa_s)`, the law of the sum being the
/// convolution of the strata's. Strata are classes of the design weight here: rows drawn for review at different rates
/// are never mixed, so a change of the rates alone moves nothing. Keeps its level however rare the term.
///
/// *Assumes* independent rows. Two or more strata whose convolution would take over four million steps use the normal
/// law with continuity correction (Mantel and Haenszel 1959): their counts are in the thousands.
///
/// *Edge cases*: 1 when a sample is empty or the term is nowhere or everywhere; counts above their `n` count as `n`. A
/// p-value below 1e-300 is 1e-300.
///
/// Fisher (1934); Gart (1970), Biometrika 57; Agresti (1992), Statistical Science 7.
///
/// ```
/// use vigie::measure::terms::{Stratum, upper_tail};
/// // scipy.stats.fisher_exact([[8, 2], [5, 5]], alternative="greater")
/// let tail = upper_tail(&[Stratum { current: 8, n_current: 10, reference: 5, n_reference: 10 }]);
/// assert!((tail.p_value - 0.17492260061919505).abs() < 1e-12);
/// ```
pub fn upper_tail(strata: &[Stratum]) -> UpperTail {
    let laws: Vec<Law> = strata.iter().filter_map(Law::new).collect();
    let least: f64 = laws.iter().map(|law| law.ln_probability(law.high)).sum();
    let p_value = match laws.as_slice() {
        [] => 1.0,
        [law] => law.at_least(law.observed),
        several if steps(several) > COSTLY => normal(several),
        several => convolved(several),
    };
    let inside = |p: f64| p.clamp(1e-300, 1.0);
    UpperTail { p_value: inside(p_value), least: inside(least.exp()) }
}

/// The p-values up to `most` that [`upper_tail`] may give with these margins, rising; `None` where the normal law speaks.
///
/// Of a test in few rows these are few: a term in three rows, of which a tenth of all are current, has p = 0.001, and
/// then nothing below 0.028.
///
/// *Edge cases*: none below 1e-300; none at all where only one table is possible.
pub fn attainable(strata: &[Stratum], most: f64) -> Option<Vec<f64>> {
    let laws: Vec<Law> = strata.iter().filter_map(Law::new).collect();
    match laws.as_slice() {
        [] => Some(Vec::new()),
        [law] => Some(law.tails(most)),
        several if steps(several) > COSTLY => None,
        several => Some(tails(sum_of(several).into_iter().rev(), most)),
    }
}

/// Sums of these probabilities, up to `most`; what underflows is left out.
fn tails(from_above: impl Iterator<Item = f64>, most: f64) -> Vec<f64> {
    let sums = from_above.scan(0.0, |sum, p| {
        *sum += p;
        Some(*sum)
    });
    sums.skip_while(|p| *p < 1e-300).take_while(|p| *p <= most).collect()
}

/// Hypergeometric: how many of `marked` rows are among the `current` ones of `rows`.
struct Law {
    rows: u64,
    marked: u64,
    current: u64,
    low: u64,
    high: u64,
    observed: u64,
}

impl Law {
    /// `None` if only one value is possible.
    fn new(stratum: &Stratum) -> Option<Self> {
        let (n, m) = (stratum.n_current.min(u64::MAX / 4), stratum.n_reference.min(u64::MAX / 4));
        let (observed, elsewhere) = (stratum.current.min(n), stratum.reference.min(m));
        let (rows, marked) = (n + m, observed + elsewhere);
        let (low, high) = (marked.saturating_sub(m), marked.min(n));
        (low < high).then_some(Self { rows, marked, current: n, low, high, observed })
    }

    fn ln_probability(&self, x: u64) -> f64 {
        let choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        choose(self.marked, x) + choose(self.rows - self.marked, self.current - x) - choose(self.rows, self.current)
    }

    /// `P(X = x + 1) / P(X = x)`
    fn step(&self, x: u64) -> f64 {
        let others = (self.rows + x + 1 - self.marked - self.current) as f64;
        (self.marked - x) as f64 / (x + 1) as f64 * ((self.current - x) as f64 / others)
    }

    fn mean(&self) -> f64 {
        self.current as f64 * (self.marked as f64 / self.rows as f64)
    }

    fn variance(&self) -> f64 {
        let rows = self.rows as f64;
        let others = (rows - self.current as f64) / (rows - 1.0).max(1.0);
        self.mean() * (1.0 - self.marked as f64 / rows) * others
    }

    /// `P(X ≥ x)`, summed from `x` away from the mean.
    fn at_least(&self, x: u64) -> f64 {
        if x <= self.low {
            return 1.0;
        }
        if x as f64 > self.mean() {
            return self.ln_probability(x).exp() * series((x..self.high).map(|y| self.step(y)));
        }
        let below = (self.low..x - 1).rev().map(|y| 1.0 / self.step(y));
        1.0 - self.ln_probability(x - 1).exp() * series(below)
    }

    /// Tail probabilities from the smallest above 1e-300 up to `most`, which is below one half.
    fn tails(&self, most: f64) -> Vec<f64> {
        // above the mean the probabilities fall, so that those too small to be told from 0 are found by halving
        let (mut told, mut lost) = ((self.mean().ceil() as u64).clamp(self.low, self.high), self.high + 1);
        while lost - told > 1 {
            let middle = told + (lost - told) / 2;
            *(if self.ln_probability(middle) > -690.0 { &mut told } else { &mut lost }) = middle;
        }
        let first = self.ln_probability(told).exp();
        let others = (self.low..told).rev().scan(first, |p, x| {
            *p /= self.step(x);
            Some(*p)
        });
        tails(std::iter::once(first).chain(others), most)
    }

    /// Probabilities of every value, from `low` to `high`.
    fn probabilities(&self) -> Vec<f64> {
        (self.low..=self.high).map(|x| self.ln_probability(x).exp()).collect()
    }
}

fn steps(laws: &[Law]) -> u64 {
    let mut width = 1_u64;
    let mut steps = 0_u64;
    for law in laws {
        let values = law.high - law.low + 1;
        steps = steps.saturating_add(width.saturating_mul(values));
        width = width.saturating_add(values);
    }
    steps
}

/// The upper tail of the sum, smallest terms first.
fn convolved(laws: &[Law]) -> f64 {
    let above: u64 = laws.iter().map(|law| law.observed - law.low).sum();
    sum_of(laws).iter().skip(above as usize).rev().sum()
}

/// Probabilities of every value of the sum.
fn sum_of(laws: &[Law]) -> Vec<f64> {
    laws.iter().fold(vec![1.0], |sum, law| convolve(&sum, &law.probabilities()))
}

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (cell, y) in sum.iter_mut().skip(i).zip(b) {
            *cell += x * y;
        }
    }
    sum
}

fn normal(laws: &[Law]) -> f64 {
    let excess: f64 = laws.iter().map(|law| law.observed as f64 - law.mean()).sum();
    let variance: f64 = laws.iter().map(Law::variance).sum();
    Normal::standard().sf((excess - 0.5) / variance.sqrt())
}
