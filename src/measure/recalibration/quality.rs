//! How good probabilities are: proper scores and the calibration error, from bins.

use serde::{Deserialize, Serialize};

use super::Loss;
use crate::measure::weight::WeightSums;

/// Labelled rows of one bin and fold that share a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Graded {
    /// Number of the bin by which the calibration error is told.
    pub bin: usize,
    pub p: f64,
    pub right: WeightSums,
    pub wrong: WeightSums,
}

/// Design-weighted quality of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Mean `−log p` of what happened, in nats.
    pub log_loss: f64,
    /// Mean `(p − y)²`.
    pub brier: f64,
    /// Expected calibration error, over the bins of the confidence.
    pub ece: Option<f64>,
    /// What `ece` would be in the mean were every probability right: the labels' own noise.
    pub ece_noise: Option<f64>,
}

impl Quality {
    pub fn loss(&self, by: Loss) -> f64 {
        match by {
            Loss::Log => self.log_loss,
            Loss::Brier => self.brier,
        }
    }
}

/// A probability nearer to 0 or 1 counts as this near: one row that is sure and wrong must not cost infinity.
const SUREST: f64 = 1e-4;

/// The loss of one row with probability `p` of being right.
pub fn row_loss(p: f64, right: bool, by: Loss) -> f64 {
    let of_truth = if right { p } else { 1.0 - p };
    match by {
        Loss::Log => -of_truth.clamp(SUREST, 1.0 - SUREST).ln(),
        Loss::Brier => (1.0 - of_truth).powi(2),
    }
}

/// Log loss, Brier score and expected calibration error; `None` without labels.
///
/// `ECE = Σ_b (W_b/W) |right_b/W_b − p̄_b|`, `p̄_b` the weighted mean probability of bin `b` over its folds. Noise:
/// with `v_b` the variance of `right_b/W_b` if `p̄_b` is true, `Σ_b (W_b/W) √(2 v_b/π)`, the mean of `|N(0, v_b)|`. An
/// `ece` near its noise is no sign of miscalibration. Rows of a bin share one probability, so the spread of the
/// confidence within a bin is not in the Brier score.
///
/// Naeini, Cooper and Hauskrecht (2015), AAAI; Bröcker and Smith (2007), Weather and Forecasting 22, on what noise
/// alone does.
///
/// ```
/// use vigie::measure::{recalibration::quality::{Graded, quality}, weight::WeightSums};
/// let rows = [Graded { bin: 0, p: 0.9, right: WeightSums::certain(80), wrong: WeightSums::certain(20) }];
/// let found = quality(&rows).unwrap();
/// assert!((found.ece.unwrap() - 0.1).abs() < 1e-12);
/// assert!((found.brier - (0.8 * 0.01 + 0.2 * 0.81)).abs() < 1e-12);
/// ```
pub fn quality(rows: &[Graded]) -> Option<Quality> {
    let weight = |row: &Graded| row.right.total() + row.wrong.total();
    let total: f64 = rows.iter().map(weight).sum();
    let mean = |by: Loss| {
        let loss = |r: &Graded| r.right.total() * row_loss(r.p, true, by) + r.wrong.total() * row_loss(r.p, false, by);
        rows.iter().map(loss).sum::<f64>() / total
    };
    let (log_loss, brier) = (mean(Loss::Log), mean(Loss::Brier));
    if !log_loss.is_finite() || !brier.is_finite() {
        return None;
    }
    let bins = rows.iter().map(|row| row.bin + 1).max().unwrap_or(0);
    let mut sums = vec![Sums::default(); bins];
    for row in rows {
        let Some(sum) = sums.get_mut(row.bin) else { continue };
        sum.weight += weight(row);
        sum.right += row.right.total();
        sum.promised += row.p * weight(row);
        sum.squares += row.right.squares() + row.wrong.squares();
    }
    let share = |of: f64| Some(of / total).filter(|share| share.is_finite());
    let ece = share(sums.iter().map(|sum| (sum.right - sum.promised).abs()).sum());
    let ece_noise = share(sums.iter().map(Sums::noise).sum());
    Some(Quality { log_loss, brier, ece, ece_noise })
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    weight: f64,
    right: f64,
    promised: f64,
    squares: f64,
}

impl Sums {
    /// Mean distance of the weight of right rows from what is promised, were the promise true.
    fn noise(&self) -> f64 {
        if self.weight <= 0.0 {
            return 0.0;
        }
        let p = (self.promised / self.weight).clamp(0.0, 1.0);
        (2.0 / std::f64::consts::PI * self.squares * p * (1.0 - p)).sqrt()
    }
}
