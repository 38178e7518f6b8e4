//! A ratio of weighted totals in which every row either succeeds or fails: accuracy, precision, recall, F1.
//!
//! `p = S / (S + F)` with `S`, `F` the totals of the successes and failures. Linearised under Poisson sampling,
//! `V = [ (1−p)² A_S + p² A_F ] / (S + F)²` with `A = Σ (w² − w)` in each class, which is exact from sums because the
//! residual is constant within a class (Särndal, Swensson and Wretman 1992, section 5.5 and 5.7).

use std::ops::Add;

use super::{
    proportion::{Estimate, normal_quantile, wilson},
    weight::WeightSums,
};

/// The rows on one side of the ratio; `count` says how often a row counts (2 for the true positives of F1).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Side {
    total: f64,
    squares: f64,
    sampling: f64,
}

impl Side {
    pub(super) fn new(sums: &WeightSums, count: f64) -> Self {
        Self {
            total: count * sums.total(),
            squares: count * count * sums.squares(),
            sampling: count * count * sums.sampling(),
        }
    }
}

impl Add for Side {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            squares: self.squares + other.squares,
            sampling: self.sampling + other.sampling,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ratio {
    pub success: Side,
    pub failure: Side,
    /// Rows that say how heavy rows are where these are few, and how many pseudo-rows on each side are like them.
    pub others: Side,
    pub borrowed: f64,
}

impl Ratio {
    fn total(&self) -> f64 {
        self.success.total + self.failure.total
    }

    pub(super) fn estimate(&self) -> Option<f64> {
        let p = self.success.total / self.total();
        (0.0..=1.0).contains(&p).then_some(p)
    }

    /// Linearised Poisson-sampling variance.
    pub(super) fn variance(&self) -> Option<f64> {
        let p = self.estimate()?;
        let v = ((1.0 - p).powi(2) * self.success.sampling + p * p * self.failure.sampling) / self.total().powi(2);
        v.is_finite().then_some(v)
    }

    /// `p(1−p)/V`, steadied by `pseudo` typical rows on each side; infinite for a census.
    ///
    /// `1/n = [ (1−p) a_S + p a_F ] / (S+F)` where `a = A/total` of a side. A side with few rows says little about
    /// its `a`: the plug-in variance misses the heavy errors that this sample happened not to draw, and is 0 when a
    /// side is empty. So each `a` is pooled with `pseudo` rows of typical size `Σw²/Σw` whose `a` is the overall one.
    /// `borrowed` of these are like the `others`: a few rows may all be light by chance. With both sides large this is
    /// `p(1−p)/V`; with one empty and nothing borrowed it is Kish's `(Σw)²/Σw²` (finite-population form).
    pub(super) fn effective_n(&self, pseudo: f64) -> Option<f64> {
        let p = self.estimate()?;
        let total = self.total();
        let own = self.success + self.failure;
        // pseudo-rows of these rows and of those around them
        let like = |rows: &Side, n: f64| match n * rows.squares / rows.total {
            size if size.is_finite() => (size, size * rows.sampling / rows.total),
            _ => (0.0, 0.0),
        };
        let from_others = if self.others.total > 0.0 { self.borrowed.min(pseudo) } else { 0.0 };
        let (mine, theirs) = (like(&own, pseudo - from_others), like(&self.others, from_others));
        let (size, sampling) = (mine.0 + theirs.0, mine.1 + theirs.1);
        let steady = |side: &Side| (side.sampling + sampling) / (side.total + size);
        let inverse = ((1.0 - p) * steady(&self.success) + p * steady(&self.failure)) / total;
        let n = 1.0 / inverse;
        (n > 0.0).then_some(n)
    }

    /// Wilson's interval at the effective n.
    pub(super) fn interval(&self, confidence_level: f64) -> (Estimate, Option<f64>) {
        let Some(p) = self.estimate() else {
            return (Estimate::default(), None);
        };
        // Agresti and Coull's z²/2 on each side
        let pseudo = normal_quantile(confidence_level).unwrap_or(1.96).powi(2) / 2.0;
        match self.effective_n(pseudo) {
            Some(n) => (wilson(p, n, confidence_level), n.is_finite().then_some(n)),
            None => (Estimate::point(p), None),
        }
    }
}
