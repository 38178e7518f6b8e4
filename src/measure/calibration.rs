//! Does a probability of 0.8 mean right 8 times in 10?

use serde::{Deserialize, Serialize};

use super::{accuracy::routes::accuracy_of_routes, proportion::Estimate, weight::WeightSums};

/// The rows whose predicted probability falls in one bin: additive sums over the labelled ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CalibrationBin {
    /// Predictions in the bin, labelled or not.
    pub n: u64,
    /// Right and wrong labelled rows, of each route and class of weights: a bin may hold automatic predictions and others.
    pub draws: Vec<[WeightSums; 2]>,
    /// `Σ w p` over the labelled rows, `p` the predicted probability.
    pub wp: f64,
    /// `Σ w (p − y)²` over the labelled rows, `y` 1 when right and 0 when not.
    pub wse: f64,
}

impl CalibrationBin {
    /// All labelled rows.
    pub fn labels(&self) -> WeightSums {
        self.draws.iter().flatten().copied().sum()
    }
}

/// What one bin says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BinCalibration {
    pub mean_probability: Option<f64>,
    pub accuracy: Estimate,
}

/// Calibration over all bins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error.
    pub ece: Option<f64>,
    /// Mean squared error of the probability.
    pub brier: Option<f64>,
    /// Labelled rows.
    pub n: u64,
    /// One for each bin given, in order.
    pub bins: Vec<BinCalibration>,
}

/// Expected calibration error, Brier score and reliability of each bin, weighted by the review design.
///
/// With `W_b = Σ w` over the labelled rows of bin `b` and `W = Σ W_b`:
/// `ECE = Σ_b (W_b / W) |right_b / W_b − wp_b / W_b|` and `Brier = Σ_b wse_b / W`.
///
/// Bins count by their design weight rather than by their known size `n`, so that accuracies and shares add up to
/// the overall Hájek accuracy and a bin without labels needs no guess. Brier here is that of the first candidate
/// (right or not), in [0, 1].
///
/// A bin's accuracy is [`accuracy_of_routes`]. *Assumes* as there. ECE depends on the bins and is biased upwards when bins hold few labels: look
/// at the intervals. *Edge cases*: without labels everything is `None`; an empty bin has no weight.
///
/// Naeini, Cooper and Hauskrecht (2015), AAAI; Guo et al. (2017), ICML; Brier (1950), Monthly Weather Review 78.
///
/// ```
/// use vigie::measure::{calibration::{CalibrationBin, calibration}, weight::WeightSums};
/// // ten rows at probability 0.9, eight of them right
/// let bin = CalibrationBin {
///     n: 10,
///     draws: vec![[WeightSums::certain(8), WeightSums::certain(2)]],
///     wp: 9.0,
///     wse: 8.0 * 0.01 + 2.0 * 0.81,
/// };
/// let found = calibration(&[bin], 0.95);
/// assert!((found.ece.unwrap() - 0.1).abs() < 1e-12);
/// assert!((found.brier.unwrap() - 0.17).abs() < 1e-12);
/// ```
pub fn calibration(bins: &[CalibrationBin], confidence_level: f64) -> Calibration {
    let total: f64 = bins.iter().map(|bin| bin.labels().total()).sum();
    let measured: Vec<BinCalibration> = bins.iter().map(|bin| reliability(bin, confidence_level)).collect();
    let gap: f64 = bins
        .iter()
        .zip(&measured)
        .filter_map(|(bin, found)| {
            let gap = found.accuracy.estimate? - found.mean_probability?;
            Some(bin.labels().total() * gap.abs())
        })
        .sum();
    let error: f64 = bins.iter().filter(|bin| bin.labels().n > 0).map(|bin| bin.wse).sum();
    Calibration {
        ece: share(gap, total),
        brier: share(error, total),
        n: bins.iter().fold(0, |n, bin| n.saturating_add(bin.labels().n)),
        bins: measured,
    }
}

fn reliability(bin: &CalibrationBin, confidence_level: f64) -> BinCalibration {
    BinCalibration {
        mean_probability: share(bin.wp, bin.labels().total()),
        accuracy: accuracy_of_routes(&bin.draws, confidence_level).estimate,
    }
}

/// Clipped to [0, 1]: sums that facts have subtracted from carry rounding.
fn share(part: f64, total: f64) -> Option<f64> {
    let share = part / total;
    share.is_finite().then(|| share.clamp(0.0, 1.0))
}
