//! Accuracy of the predictions of a period, from the labels that its review design gave.

pub mod routes;

use serde::{Deserialize, Serialize};

use super::{
    proportion::Estimate,
    ratio::{Ratio, Side},
    weight::WeightSums,
};

/// Design-based accuracy of a set of predictions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Labelled rows used.
    pub n: u64,
    /// How many equally likely rows would say as much; `None` without labels, and when every row was reviewed
    /// (nothing is left to chance, so no number of rows would do).
    pub n_eff: Option<f64>,
    /// Unweighted share of right rows: what a naive dashboard shows.
    pub naive: Option<f64>,
}

/// Hájek estimate of accuracy with an interval that respects the review design.
///
/// `p = Σ_right w / Σ w` over the labelled rows, `w = 1/π`. The interval is Wilson's at the effective sample size
/// `n_eff = p(1−p)/V`, `V` the linearised Poisson-sampling variance ([`variance`]), steadied where one of the two
/// sums rests on few rows: see `docs/statistics.md` for the formula and for the coverage that chose it.
///
/// *Target*: the accuracy of the predictions of the period themselves (a finite population). So a review of every
/// row (`π = 1`) leaves no sampling error and the interval is the point. Where the weights of 1 mean "unknown", or
/// to speak of the model rather than of these rows, pass [`WeightSums::with_replacement`] sums.
///
/// *Assumes* that rows are reviewed independently with the stated probabilities, and that labels are right.
///
/// *Edge cases*: no labels gives all `None`; weights that are negative or not finite count as 0.
///
/// Hájek (1971); Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, sections 5.5-5.8; Franco et
/// al. (2019), Journal of Survey Statistics and Methodology 7, on Wilson at the effective n.
///
/// ```
/// use vigie::measure::{accuracy::accuracy, weight::WeightSums};
/// // 95 of 100 sampled at 5 %, 100 of 300 sampled at 60 %
/// let right = WeightSums { n: 195, w: 95.0 * 20.0 + 100.0 / 0.6, w2: 95.0 * 400.0 + 100.0 / 0.36 };
/// let wrong = WeightSums { n: 205, w: 5.0 * 20.0 + 200.0 / 0.6, w2: 5.0 * 400.0 + 200.0 / 0.36 };
/// let accuracy = accuracy(right, wrong, 0.95);
/// assert_eq!(accuracy.naive, Some(0.4875));
/// assert!((accuracy.estimate.estimate.unwrap() - 0.8266666666666667).abs() < 1e-12);
/// assert!(accuracy.estimate.lower.unwrap() > 0.77 && accuracy.estimate.upper.unwrap() < 0.88);
/// ```
pub fn accuracy(right: WeightSums, wrong: WeightSums, confidence_level: f64) -> Accuracy {
    accuracy_of_part([right, wrong], None, confidence_level)
}

/// [`accuracy`] of few rows, which are part of a `whole` (right and wrong, seen as these are).
pub(super) fn accuracy_of_part(
    [right, wrong]: [WeightSums; 2],
    whole: Option<[WeightSums; 2]>,
    confidence_level: f64,
) -> Accuracy {
    let n = right.n.saturating_add(wrong.n);
    let (estimate, n_eff) = ratio_of_part(&right, &wrong, whole).interval(confidence_level);
    Accuracy { estimate, n, n_eff, naive: (n > 0).then(|| right.n as f64 / n as f64) }
}

/// Linearised Poisson-sampling variance of the Hájek estimate.
///
/// `V = [ (1−p)² Σ_right (w² − w) + p² Σ_wrong (w² − w) ] / (Σ w)²`, as `(1−π)/π² = w² − w`. 0 for a census, and 0
/// too when every labelled row is right (or wrong): an interval must not rest on it alone. `None` without labels.
///
/// ```
/// use vigie::measure::{accuracy::variance, weight::WeightSums};
/// let one_in_two = WeightSums { n: 50, w: 100.0, w2: 200.0 };
/// // half of the binomial .25/100: every second row is known
/// assert_eq!(variance(one_in_two, one_in_two), Some(0.00125));
/// ```
pub fn variance(right: WeightSums, wrong: WeightSums) -> Option<f64> {
    ratio(&right, &wrong).variance()
}

pub(super) fn ratio(right: &WeightSums, wrong: &WeightSums) -> Ratio {
    ratio_of_part(right, wrong, None)
}

pub(super) fn ratio_of_part(right: &WeightSums, wrong: &WeightSums, whole: Option<[WeightSums; 2]>) -> Ratio {
    let side = |rows: &WeightSums| Side::new(rows, 1.0);
    Ratio { success: side(right), failure: side(wrong), whole: whole.map(|sides| [side(&sides[0]), side(&sides[1])]) }
}
