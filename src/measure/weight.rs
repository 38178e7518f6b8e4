//! Additive sums of design weights.

use std::{
    iter::Sum,
    ops::{Add, AddAssign, Sub, SubAssign},
};

use serde::{Deserialize, Serialize};

/// Labelled rows and the sums of their design weights: all that the estimators need, and it adds up.
///
/// A row reviewed with probability `π` stands for `w = 1/π` rows. Facts subtract when a label is revised, so the
/// readers below treat `n = 0` as empty whatever rounding left behind.
///
/// ```
/// use vigie::measure::weight::WeightSums;
/// let sums: WeightSums = [0.05, 0.5].into_iter().filter_map(WeightSums::of).sum();
/// assert_eq!((sums.n, sums.w, sums.w2), (2, 22.0, 404.0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct WeightSums {
    /// Labelled rows.
    pub n: u64,
    /// `Σ w`
    pub w: f64,
    /// `Σ w²`
    pub w2: f64,
}

impl WeightSums {
    /// One row with this inclusion probability; `None` outside (0, 1].
    pub fn of(inclusion_probability: f64) -> Option<Self> {
        let w = 1.0 / inclusion_probability;
        (w >= 1.0 && (w * w).is_finite()).then_some(Self { n: 1, w, w2: w * w })
    }

    /// `n` rows that all count as `w = 1`: reviewed with certainty.
    pub fn certain(n: u64) -> Self {
        let w = n as f64;
        Self { n, w, w2: w }
    }

    /// `n` rows that stand for `weight` each.
    pub fn weighted(n: u64, weight: f64) -> Self {
        Self { n, w: n as f64 * weight, w2: n as f64 * weight * weight }
    }

    /// The same rows seen as draws from the process rather than as a part of a finite population.
    ///
    /// Adds `Σ w` to `Σ w²`, which turns the Poisson-sampling variance `Σ (w² − w)(y − p)²` into the with-replacement
    /// ("sandwich") variance `Σ w² (y − p)²`. Use it where inclusion probabilities are unknown (rows of weight 1 are
    /// then a plain binomial sample, not a census), or to judge the model rather than this period's rows.
    pub fn with_replacement(self) -> Self {
        Self { w2: self.w2 + self.w, ..self }
    }

    /// `Σ w`, 0 when empty.
    pub fn total(&self) -> f64 {
        if self.n == 0 || !self.w.is_finite() { 0.0 } else { self.w.max(0.0) }
    }

    /// `Σ w²`, 0 when empty.
    pub fn squares(&self) -> f64 {
        if self.n == 0 || !self.w2.is_finite() { 0.0 } else { self.w2.max(0.0) }
    }

    /// Kish's effective rows, `(Σw)²/Σw²`: as many of equal weight are as good; 0 when empty.
    pub fn effective(&self) -> f64 {
        let n = self.total() * self.total() / self.squares();
        if n.is_finite() { n } else { 0.0 }
    }

    /// `Σ (1 − π)/π² = Σ (w² − w)`: what Poisson sampling leaves uncertain; 0 for a census.
    pub fn sampling(&self) -> f64 {
        (self.squares() - self.total()).max(0.0)
    }
}

impl AddAssign for WeightSums {
    fn add_assign(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        self.w += other.w;
        self.w2 += other.w2;
    }
}

impl SubAssign for WeightSums {
    fn sub_assign(&mut self, other: Self) {
        self.n = self.n.saturating_sub(other.n);
        self.w -= other.w;
        self.w2 -= other.w2;
    }
}

impl Add for WeightSums {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for WeightSums {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl Sum for WeightSums {
    fn sum<I: Iterator<Item = Self>>(rows: I) -> Self {
        rows.fold(Self::default(), Add::add)
    }
}
