//! A ratio of weighted totals in which every row either succeeds or fails: accuracy, precision, recall, F1.
//!
//! `p = S / (S + F)` with `S`, `F` the totals of the successes and failures. Linearised under Poisson sampling,
//! `V = [ (1−p)² A_S + p² A_F ] / (S + F)²` with `A = Σ (w² − w)` in each class, which is exact from sums because the
//! residual is constant within a class (Särndal, Swensson and Wretman 1992, section 5.5 and 5.7).

use std::ops::Add;

use super::{
    proportion::{Estimate, modified_wilson, normal_quantile, wilson},
    weight::WeightSums,
};

/// Rows of the whole that a side of a part leans on (`docs/statistics.md`, "Few labels").
pub(super) const LIKE_WHOLE: f64 = 30.0;

/// Labels of a part from which its own rows, and not the whole's, say how heavy they are. A side that is next to nothing may then
/// be one heavy row, drawn or not, among hundreds of light ones.
const MANY_LABELS: f64 = 50.0;

/// The rows on one side of the ratio; `count` says how often a row counts (2 for the true positives of F1).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Side {
    rows: f64,
    total: f64,
    squares: f64,
    sampling: f64,
}

impl Side {
    pub(super) fn new(sums: &WeightSums, count: f64) -> Self {
        Self {
            rows: sums.n as f64,
            total: count * sums.total(),
            squares: count * count * sums.squares(),
            sampling: count * count * sums.sampling(),
        }
    }

    /// `n` rows like these: of size `Σw²/Σw`, the size of the row that a unit of weight lies in on average.
    fn typical(&self, n: f64) -> Self {
        let size = self.squares / self.total;
        if !size.is_finite() {
            return Self::default();
        }
        let share = n * size / self.total;
        Self { rows: n, total: share * self.total, squares: share * self.squares, sampling: share * self.sampling }
    }
}

impl Add for Side {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
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
    /// Successes and failures of a larger whole, which say how heavy those of few rows may be.
    pub whole: Option<[Side; 2]>,
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
    /// With both sides large this is `p(1−p)/V`; with one empty it is Kish's `(Σw)²/Σw²` (finite-population form).
    ///
    /// Few rows may all be light by chance. Where they are part of a `whole`, each side is pooled with [`LIKE_WHOLE`] rows
    /// of that side of the whole instead, which is steadied by its own typical rows.
    pub(super) fn effective_n(&self, pseudo: f64) -> Option<f64> {
        let p = self.estimate()?;
        let [success, failure] = match self.whole {
            Some([success, failure]) if success.total + failure.total > 0.0 => {
                let typical = (success + failure).typical(pseudo);
                [success, failure].map(|side| (side + typical).typical(LIKE_WHOLE))
            }
            _ => [(self.success + self.failure).typical(pseudo); 2],
        };
        let heaviness = |side: Side| side.sampling / side.total;
        let inverse =
            ((1.0 - p) * heaviness(self.success + success) + p * heaviness(self.failure + failure)) / self.total();
        let n = 1.0 / inverse;
        (n > 0.0).then_some(n)
    }

    /// Wilson's interval at the effective n; of a part with many labels the modified one.
    pub(super) fn interval(&self, confidence_level: f64) -> (Estimate, Option<f64>) {
        let Some(p) = self.estimate() else {
            return (Estimate::default(), None);
        };
        // Agresti and Coull's z²/2 on each side
        let pseudo = normal_quantile(confidence_level).unwrap_or(1.96).powi(2) / 2.0;
        match self.effective_n(pseudo) {
            Some(n) => {
                let of_many = self.whole.is_some() && self.success.rows + self.failure.rows >= MANY_LABELS;
                let interval = if of_many { modified_wilson } else { wilson };
                (interval(p, n, confidence_level), n.is_finite().then_some(n))
            }
            None => (Estimate::point(p), None),
        }
    }
}
