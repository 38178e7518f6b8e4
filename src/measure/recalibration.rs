//! Confidences turned into probabilities: which map does it best, told from labels it has not seen.

pub mod fit;
pub mod logistic;
pub mod quality;

use serde::{Deserialize, Serialize};

use super::{
    assisted::{ScoreBin, Stratum},
    proportion::normal_quantile,
};
use fit::{Fit, Method, fit, merged};
use quality::{Graded, Quality, quality, row_loss};

/// The loss by which maps are compared; both are proper, so the true probability has the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `−log p` of what happened. Hard on a confidence that is sure and wrong.
    #[default]
    Log,
    /// `(p − y)²`, y = 1 when right.
    Brier,
}

/// One map and what it does to labels it was not fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub method: Method,
    pub quality: Quality,
}

/// The best map with what it gains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalibration {
    /// The map, fitted on all labels.
    pub fit: Fit,
    /// The confidence as it is.
    pub before: Quality,
    /// The map, on labels it was not fitted on.
    pub after: Quality,
    /// Loss before less loss after, of a label in the mean; `None` where it is no number. It has no interval: the map is the one
    /// of five that looked best, and what it will gain is no fixed figure.
    pub gain: Option<f64>,
    /// Whether the labels show that the map is better than the confidence as it is.
    pub helps: bool,
    /// All maps that could be fitted, the simplest first.
    pub candidates: Vec<Candidate>,
}

/// The map from confidence to probability that has the least cross-fitted, design-weighted loss.
///
/// `scores[bin]` is the mean confidence of a bin, the same for all strata and folds; labels of a bin count by their
/// design weight. Each map ([`fit()`]) is fitted once for each fold, on the labels of the other folds, and judged on that
/// fold. The one with the least loss over all folds is fitted again on all labels; of equals the simplest.
///
/// `gain` is the mean paired difference of the losses, `D = Σ w d / Σ w`. It `helps` where `D` is more than `z` of its
/// linearised standard errors `√(Σ w² (d − D)²) / Σ w`. Both speak of the process, not of these predictions alone.
///
/// *Assumes* independent rows, and folds that do not look at labels. *Edge cases*: a method that cannot be fitted
/// without some fold is no candidate; with labels in fewer than two folds only the confidence as it is remains, and its
/// `gain` is 0. `None` without labels. The best of five has a slightly favourable `after`; it costs `helps` little, see
/// `docs/statistics.md`.
///
/// Stone (1974), JRSS B 36, on cross-validation; Gneiting and Raftery (2007), JASA 102, on proper scores.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, Stratum}, recalibration::{Loss, recalibrated}, weight::WeightSums};
/// let bin = |right, wrong| ScoreBin {
///     right: WeightSums::certain(right),
///     wrong: WeightSums::certain(wrong),
///     ..ScoreBin::default()
/// };
/// // says 0.9 and 0.99, is right 7 and 9 times in 10
/// let fold = vec![bin(140, 60), bin(180, 20)];
/// let found = recalibrated(&[0.9, 0.99], &[Stratum::new(vec![fold; 4])], Loss::Log, 0.95).unwrap();
/// assert!(found.helps);
/// assert!((found.before.ece.unwrap() - 0.145).abs() < 1e-9);
/// assert!(found.after.ece.unwrap() < 0.01);
/// ```
pub fn recalibrated(scores: &[f64], strata: &[Stratum], by: Loss, confidence_level: f64) -> Option<Recalibration> {
    let folds = folds(strata);
    let all = merged(&folds);
    let before = graded(&folds, |_| Some(scores.to_vec()))?;
    let before_quality = quality(&before)?;
    let judged: Vec<(Candidate, Vec<Graded>)> = Method::ALL
        .into_iter()
        .filter_map(|method| {
            let promised = |left_out: usize| {
                let others = folds.iter().enumerate().filter(|(k, _)| *k != left_out).map(|(_, bins)| bins.clone());
                let fitted = fit(method, scores, &merged(&others.collect::<Vec<_>>()))?;
                Some(scores.iter().map(|score| fitted.map.probability(*score)).collect())
            };
            let rows = if method == Method::AsIs { before.clone() } else { graded(&folds, promised)? };
            Some((Candidate { method, quality: quality(&rows)? }, rows))
        })
        .collect();
    // the first of equals: methods are in the order of their simplicity
    let (best, rows) = judged.iter().min_by(|a, b| a.0.quality.loss(by).total_cmp(&b.0.quality.loss(by)))?;
    let (gain, error) = gain(&before, rows, by).unzip();
    let least = error.zip(normal_quantile(confidence_level)).map(|(error, z)| z * error);
    Some(Recalibration {
        fit: fit(best.method, scores, &all)?,
        before: before_quality,
        after: best.quality,
        gain,
        helps: best.method != Method::AsIs && gain.zip(least).is_some_and(|(gain, least)| gain > least),
        candidates: judged.iter().map(|(candidate, _)| *candidate).collect(),
    })
}

/// Bins by fold, over all strata.
fn folds(strata: &[Stratum]) -> Vec<Vec<ScoreBin>> {
    let count = strata.iter().map(|s| s.folds.len()).max().unwrap_or(0);
    let of = |fold: usize| strata.iter().filter_map(|s| s.folds.get(fold).cloned()).collect::<Vec<_>>();
    (0..count).map(|fold| merged(&of(fold))).collect()
}

/// The labelled bins of every fold, with what is promised of them; `None` where some labelled fold has no promise.
fn graded(folds: &[Vec<ScoreBin>], promised: impl Fn(usize) -> Option<Vec<f64>>) -> Option<Vec<Graded>> {
    let mut rows = Vec::new();
    for (fold, bins) in folds.iter().enumerate() {
        if bins.iter().all(|bin| bin.labelled() == 0) {
            continue;
        }
        let labelled = bins.iter().zip(promised(fold)?).enumerate().filter(|(_, (bin, _))| bin.labelled() > 0);
        rows.extend(labelled.map(|(at, (bin, p))| Graded { bin: at, p, right: bin.right, wrong: bin.wrong }));
    }
    Some(rows)
}

/// The mean paired difference of the losses, and its standard error.
fn gain(before: &[Graded], after: &[Graded], by: Loss) -> Option<(f64, f64)> {
    let differences: Vec<(f64, f64, f64)> = before
        .iter()
        .zip(after)
        .flat_map(|(b, a)| {
            [(b.right, true), (b.wrong, false)].map(|(sums, right)| {
                (sums.total(), sums.squares(), row_loss(b.p, right, by) - row_loss(a.p, right, by))
            })
        })
        .collect();
    let total: f64 = differences.iter().map(|(w, _, _)| w).sum();
    let mean = differences.iter().map(|(w, _, d)| w * d).sum::<f64>() / total;
    let error = differences.iter().map(|(_, w2, d)| w2 * (d - mean).powi(2)).sum::<f64>().sqrt() / total;
    (mean.is_finite() && error.is_finite()).then_some((mean, error))
}
