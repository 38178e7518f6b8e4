//! Accuracy before labels come: what the confidence promises, once an earlier period has taught what it is worth.
//!
//! It rests on one assumption that predictions alone can never show: that a confidence of 0.8 is right as often as it
//! was in the reference period. Then it follows any change in how sure the model is. When the world changes under a
//! model that does not notice (concept shift), it is wrong by the whole change, and no interval of this kind says so:
//! NannyML's CBPE, which assumes the same, was 6.8 to 7.6 points too high on the data that NannyML ships. So the figure
//! is an estimate under an assumption, and [`checked`] is to be asked as soon as there are a few labels.

mod lesson;

use serde::{Deserialize, Serialize};

use super::{
    assisted::{MOST_BLIND, ScoreBin, Stratum},
    proportion::{Estimate, normal_quantile, student_widening, wilson},
    recalibration::fit::merged,
    weight::WeightSums,
};
use lesson::Lesson;

/// Accuracy of predictions that have no labels yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Predictions it speaks of.
    pub predictions: u64,
    /// Labelled rows of the reference, and how many rows of equal weight would say as much.
    pub labels: u64,
    pub n_eff: f64,
    /// Standard error that the labels of the reference leave.
    pub calibration_error: f64,
    /// Share of the predictions at confidences of which the reference knows too little ([`LEAST_LABELS`] within
    /// [`NEAR`]).
    pub uncovered: f64,
    /// `uncovered` is more than a hundredth. Bounds are then as wide as ignorance there makes them.
    pub extrapolates: bool,
}

/// How far labels of the current period are from what was estimated of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Accuracy found less accuracy promised, on the same rows; from −1 to 1. Below 0 the estimate was too high.
    pub difference: Estimate,
    /// Labelled rows of the current period.
    pub labels: u64,
}

impl Check {
    /// The labels contradict the estimate.
    pub fn contradicts(&self) -> bool {
        self.difference.upper.is_some_and(|upper| upper < 0.0) || self.difference.lower.is_some_and(|lower| lower > 0.0)
    }
}

/// Effective labels near a confidence below which the reference does not cover it.
pub const LEAST_LABELS: f64 = 10.0;

/// How near, in confidence.
pub const NEAR: f64 = 0.05;

/// Fewer labels of the current period do not check anything: the interval would not cover.
pub const LEAST_CHECK: u64 = 30;

/// Accuracy of current predictions from their confidences, by what an earlier, labelled period taught.
///
/// `p = Σ_b (n_b/N) q_b`: `n_b` of the `N` current predictions are in bin `b`, `q_b` is the accuracy learnt for it.
/// 1. An isotonic regression `f_b` on the bins of the reference, weighted by design.
/// 2. Bins are joined into ranges of 30 effective labels. In each range `g` the labels say what `f` is off by,
///    `r_g = Σ w (y − f) / Σ w`, and `q_b = f_b + r_g`. That takes away the bias that an isotonic regression has at its
///    ends, and leaves to `f` only how accuracy varies within a range.
///
/// *Interval*: Wilson's at `n = p(1−p)/V`. `V` is what the reference's labels leave uncertain,
/// `Σ_g S_g² Σ_g w² (y − q)² / (Σ_g w)²` with `S_g` the share of current predictions in the range, and the chance of
/// these `N` rows, `Σ n_b q_b (1−q_b)/N²`. Then it is widened by what predictions at confidences without labels could
/// be: right at least as often as the best covered bin below, at most as often as the worst above, 0 or 1 where there
/// is none. That widening is no sampling error: it is all that a curve which does not fall allows.
///
/// *Target*: the accuracy of these predictions. *Assumes* that the probability of being right given the confidence is
/// that of the reference (no concept shift), that it does not fall where it was not seen, and independent labels with
/// known weights. `scores[bin]` is the mean confidence of a bin, rising, and says only what is near what.
///
/// *Edge cases*: `None` without labels in the reference and without predictions.
///
/// Guillory et al. (2021), ICCV, and Garg et al. (2022), ICLR, on estimates from confidences and where they must fail;
/// Manski (2003), Partial Identification of Probability Distributions, on the widening.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, Stratum}, estimated::estimated, weight::WeightSums};
/// let bin = |right, wrong| ScoreBin {
///     right: WeightSums::certain(right),
///     wrong: WeightSums::certain(wrong),
///     ..ScoreBin::default()
/// };
/// let reference = [Stratum::new(vec![vec![bin(500, 500), bin(900, 100)]])];
/// // the model was sure of half its predictions, now it is of one in ten
/// let found = estimated(&[0.6, 0.95], &reference, &[9_000, 1_000], 0.95).unwrap();
/// assert!((found.estimate.estimate.unwrap() - 0.54).abs() < 1e-9);
/// assert!(!found.extrapolates);
/// ```
pub fn estimated(scores: &[f64], reference: &[Stratum], current: &[u64], confidence_level: f64) -> Option<Estimated> {
    let bins = together(reference, scores.len());
    let lesson = Lesson::of(&bins)?;
    let predictions: u64 = current.iter().take(scores.len()).sum();
    let size = predictions as f64;
    let shares: Vec<f64> = (0..scores.len()).map(|at| current.get(at).map_or(0.0, |n| *n as f64) / size).collect();
    let promised = lesson.promised();
    let p: f64 = shares.iter().zip(promised).map(|(share, q)| share * q).sum();
    let of_rows: f64 = shares.iter().zip(promised).map(|(share, q)| share * q * (1.0 - q)).sum::<f64>() / size;
    let [of_labels, doubt] = lesson.variance(&shares);
    if !p.is_finite() || !of_rows.is_finite() || !of_labels.is_finite() {
        return None;
    }
    let covered = covered(scores, &bins);
    let [down, up] = unknown(promised, &shares, &covered);
    let n_eff = lesson.sums.effective();
    let variance = of_labels + of_rows;
    let rows = spread(p, n_eff) / (variance * wider(variance, doubt, confidence_level));
    let sampled = wilson(p.clamp(0.0, 1.0), rows, confidence_level);
    let uncovered =
        shares.iter().zip(&covered).filter(|(_, covered)| !**covered).fold(0.0, |sum, (share, _)| sum + share);
    Some(Estimated {
        estimate: Estimate {
            estimate: Some(p.clamp(0.0, 1.0)),
            lower: sampled.lower.map(|lower| (lower - down).max(0.0)),
            upper: sampled.upper.map(|upper| (upper + up).min(1.0)),
        },
        predictions,
        labels: lesson.sums.n,
        n_eff,
        calibration_error: of_labels.sqrt(),
        uncovered,
        extrapolates: uncovered > MOST_BLIND,
    })
}

/// The estimate against labels of the current period: on their rows, accuracy found less accuracy promised.
///
/// `D = Σ_L w (y − q) / Σ_L w`. Variance: `Σ_L w² (y − q − D)² / (Σ_L w)²`, and what the labels of the reference leave
/// of the promise on these rows, as in [`estimated`]. Being paired, it is not blurred by how the confidence varies. `D`
/// is what to add to the estimate once the labels are there: the model-assisted estimate with a promise from earlier.
///
/// *Assumes* that reference and current labels are independent of each other. `None` with fewer than [`LEAST_CHECK`]
/// current labels. It is a check of the mean: changes that cancel over the confidence stay hidden, and so do those
/// smaller than its interval, which is as wide as few labels make it.
///
/// Särndal, Swensson and Wretman (1992), section 6.3.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, Stratum}, estimated::checked, weight::WeightSums};
/// let period = |right, wrong| {
///     let (right, wrong) = (WeightSums::certain(right), WeightSums::certain(wrong));
///     [Stratum::new(vec![vec![ScoreBin { right, wrong, ..ScoreBin::default() }]])]
/// };
/// let found = checked(&[0.8], &period(800, 200), &period(120, 80), 0.95).unwrap();
/// assert!((found.difference.estimate.unwrap() + 0.2).abs() < 1e-9);
/// assert!(found.contradicts());
/// ```
pub fn checked(scores: &[f64], reference: &[Stratum], current: &[Stratum], confidence_level: f64) -> Option<Check> {
    let (before, now) = (together(reference, scores.len()), together(current, scores.len()));
    let lesson = Lesson::of(&before)?;
    let weight = |bin: &ScoreBin| bin.right.total() + bin.wrong.total();
    let rows = || lesson.promised().iter().zip(&now);
    let total: f64 = now.iter().map(weight).sum();
    let labels = now.iter().map(ScoreBin::labelled).sum();
    if labels < LEAST_CHECK || total <= 0.0 {
        return None;
    }
    let difference = rows().map(|(q, bin)| bin.right.total() * (1.0 - q) - bin.wrong.total() * q).sum::<f64>() / total;
    let square = |sums: WeightSums, residual: f64| sums.squares() * (residual - difference).powi(2);
    let of_now = rows().map(|(q, bin)| square(bin.right, 1.0 - q) + square(bin.wrong, -q)).sum::<f64>() / total.powi(2);
    let shares: Vec<f64> = now.iter().map(|bin| weight(bin) / total).collect();
    let error = (of_now + lesson.variance(&shares)[0]).sqrt();
    let reach = normal_quantile(confidence_level).map(|z| z * error).filter(|reach| reach.is_finite());
    Some(Check {
        difference: Estimate {
            estimate: Some(difference),
            lower: reach.map(|reach| (difference - reach).max(-1.0)),
            upper: reach.map(|reach| (difference + reach).min(1.0)),
        },
        labels,
    })
}

/// [`student_widening`] with Satterthwaite's degrees of freedom `V²/Σ(v²/ν)`.
fn wider(variance: f64, doubt: f64, confidence_level: f64) -> f64 {
    student_widening(confidence_level, (variance * variance / doubt).max(1.0))
}

/// Bins over all strata and folds, as many as there are scores.
fn together(strata: &[Stratum], width: usize) -> Vec<ScoreBin> {
    let mut bins = merged(&strata.iter().flat_map(|s| s.folds.iter().cloned()).collect::<Vec<_>>());
    bins.resize(width, ScoreBin::default());
    bins
}

/// `p(1−p)`; where labels were all right, or all wrong, that of `(x + 2)/(n + 4)`, as they leave doubt.
fn spread(p: f64, n: f64) -> f64 {
    let steady = (p * n + 2.0) / (n + 4.0);
    if p > 0.0 && p < 1.0 { p * (1.0 - p) } else { steady * (1.0 - steady) }
}

/// Whether labels lie near each confidence.
fn covered(scores: &[f64], bins: &[ScoreBin]) -> Vec<bool> {
    let near = |score: &f64| {
        let close = scores.iter().zip(bins).filter(|(other, _)| (*other - score).abs() <= NEAR + 1e-9);
        close.map(|(_, bin)| bin.right + bin.wrong).sum::<WeightSums>().effective() >= LEAST_LABELS
    };
    scores.iter().map(near).collect()
}

/// How much lower and higher the mean could be for predictions at confidences without labels.
fn unknown(promised: &[f64], shares: &[f64], covered: &[bool]) -> [f64; 2] {
    let known = || promised.iter().zip(covered);
    let mut reach = [0.0, 0.0];
    for (at, ((q, share), _)) in promised.iter().zip(shares).zip(covered).enumerate().filter(|(_, (_, seen))| !**seen) {
        let lowest = known().take(at).filter(|(_, seen)| **seen).map(|(q, _)| *q).fold(0.0, f64::max);
        let highest = known().skip(at).filter(|(_, seen)| **seen).map(|(q, _)| *q).fold(1.0, f64::min);
        reach = [reach[0] + share * (q - lowest).max(0.0), reach[1] + share * (highest - q).max(0.0)];
    }
    reach
}
