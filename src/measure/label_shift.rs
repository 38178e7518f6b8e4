//! How common each code is now, from what the model predicts now and from how it confused codes before.
//!
//! Counting predictions counts the model's mistakes, too. If only the mix of the true codes has changed, and each code
//! looks as it did ("label shift": `p(text | code)` stays), then `p(predicted | true)` stays, and the mix can be read
//! backwards from the predictions. Where texts of a code change, or a code appears that the reference does not know,
//! this fails, and predictions alone cannot show it.

pub mod em;
mod groups;
mod inverse;

use serde::{Deserialize, Serialize};

use super::{
    proportion::{Estimate, normal_quantile},
    weight::WeightSums,
};
use em::{Cell, em};
use groups::Groups;
use inverse::inverse;

/// One code, or the rare ones together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prevalence {
    /// Numbers of the codes; more than one where rare codes are taken together.
    pub codes: Vec<usize>,
    /// Share of true codes in the reference.
    pub before: f64,
    /// Share of true codes among the current predictions.
    pub now: Estimate,
    /// Share of the current predictions: what counting says.
    pub predicted: f64,
    /// Importance weight `now / before`: how much a reference row of this code counts today.
    pub weight: f64,
    /// Effective labels of this code in the reference.
    pub labels: f64,
}

/// The true mix of now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelShift {
    pub codes: Vec<Prevalence>,
    /// How much the largest error of the confusion, or of the counts, may be magnified (1-norm condition number); 1 for
    /// a model without errors.
    pub condition: f64,
    /// Whether some mix of codes explains the predicted counts. Where not (a share would be below 0 beyond chance),
    /// more than the mix has changed, and none of this holds.
    pub plausible: bool,
}

/// Why the mix cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Refusal {
    /// No labels, no predictions, a single code, or tables that do not fit each other.
    Empty,
    /// So large a share of the reference is of codes with too few labels: take a coarser level.
    Sparse { share: f64 },
    /// The model confuses codes so much that the mix cannot be read backwards.
    IllPosed { condition: Option<f64> },
    /// It confuses them less, but for so few labels too much: the way back is not settled.
    Unsettled { condition: f64 },
}

/// Effective labels below which a code is taken together with other rare ones.
pub const LEAST_LABELS: f64 = 30.0;

/// Share of the reference that rare codes may have.
pub const MOST_RARE: f64 = 0.2;

/// The largest condition number at which intervals are known to cover.
pub const WORST_CONDITION: f64 = 20.0;

/// The largest error that the labels may leave in a share that is 1, root mean square: with more, the delta method takes
/// noise in the inverse for what it is not, and intervals hardly miss (`docs/statistics.md`).
const MOST_UNSETTLED: f64 = 0.22;

/// The true mix of codes of the current predictions, with intervals.
///
/// `confusion[predicted][actual]` holds the labelled rows of the reference, `predicted` the counts of now, of the same
/// codes: those of a coarse level (sections, divisions). `L_ij = p(predicted i | true j)` comes from the columns; the
/// mix `p` solves `L p = μ`, `μ` the predicted shares of now (black box shift estimation, hard). A solution within
/// 0 and 1 is also the maximum likelihood of the counts; otherwise that is found by [`em()`], and is the estimate.
///
/// *Interval*: normal, by the delta method with `A = L⁻¹`,
/// `V_k = Σ_j p_j² Σ_i q_ij (A_ki − 1{k=j})² / W_j² + Σ_j p_j Σ_i L_ij (A_ki − 1{k=j})² / N`, `q_ij = Σ w²` of a cell
/// and `W_j = Σ w` of a column. The first term is the reference's labels, the second the chance of `N` current rows;
/// the target is the mix of these rows.
///
/// *Assumes* label shift, and labels that are right. 732 codes at a few labels each cannot be told: codes with fewer
/// than 30 effective labels are taken together, which assumes that the mix among them has not changed, and more than a
/// fifth of the reference among them is refused ([`Refusal::Sparse`]), as is a condition number above 20
/// ([`Refusal::IllPosed`]), and a confusion whose labels leave more than .22 of a share that is 1 open
/// ([`Refusal::Unsettled`]): `√(Σ_k Σ_j Σ_i q_ij (A_ki − 1{k=j})² / W_j² / K)`, whatever was predicted now.
///
/// Lipton, Wang and Smola (2018), ICML; Saerens, Latinne and Decaestecker (2002), Neural Computation 14; Buck and Gart
/// (1966), American Journal of Epidemiology 83, for the same correction in epidemiology.
///
/// ```
/// use vigie::measure::{label_shift::label_shift, weight::WeightSums};
/// let w = WeightSums::certain;
/// // right 9 times in 10 on either code
/// let confusion = [vec![w(450), w(50)], vec![w(50), w(450)]];
/// let found = label_shift(&confusion, &[740, 260], 0.95).unwrap();
/// assert!((found.codes[0].now.estimate.unwrap() - 0.8).abs() < 1e-9);
/// assert!((found.codes[0].weight - 1.6).abs() < 1e-9);
/// assert!((found.condition - 1.25).abs() < 1e-9);
/// ```
pub fn label_shift(
    confusion: &[Vec<WeightSums>],
    predicted: &[u64],
    confidence_level: f64,
) -> Result<LabelShift, Refusal> {
    let groups = Groups::of(confusion, predicted, LEAST_LABELS).ok_or(Refusal::Empty)?;
    if groups.rare > MOST_RARE {
        return Err(Refusal::Sparse { share: groups.rare });
    }
    if groups.codes.len() < 2 {
        return Err(Refusal::Empty);
    }
    let likelihood = groups.likelihood();
    let size: f64 = groups.counts.iter().sum();
    let shares: Vec<f64> = groups.counts.iter().map(|n| n / size).collect();
    let back = inverse(&likelihood).ok_or(Refusal::IllPosed { condition: None })?;
    let condition = largest_column(&likelihood) * largest_column(&back);
    if condition.is_nan() || condition > WORST_CONDITION {
        return Err(Refusal::IllPosed { condition: Some(condition).filter(|c| c.is_finite()) });
    }
    if groups.unsettled(&back) > MOST_UNSETTLED {
        return Err(Refusal::Unsettled { condition });
    }
    let solved = product(&back, &shares);
    let mut mix = if solved.iter().all(|p| *p >= 0.0) {
        solved.clone()
    } else {
        likeliest(&likelihood, &shares).ok_or(Refusal::IllPosed { condition: Some(condition) })?
    };
    // rounding may leave a share a grain above 1
    mix.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0));
    let errors: Vec<f64> =
        back.iter().enumerate().map(|(k, row)| groups.variance(k, row, &likelihood, &mix, size).sqrt()).collect();
    let z = normal_quantile(confidence_level);
    // one code in so many may be below 0 by chance
    let z_all = normal_quantile(1.0 - (1.0 - confidence_level) / errors.len() as f64).unwrap_or(0.0);
    let plausible = solved.iter().zip(&errors).all(|(p, error)| p + z_all * error >= -1e-9);
    let rows = groups.codes.iter().zip(groups.before()).zip(&shares).zip(&groups.labels);
    let codes = rows
        .zip(solved.iter().zip(&errors).zip(&mix))
        .map(|((((codes, before), predicted), labels), ((solved, error), mix))| Prevalence {
            codes: codes.clone(),
            before,
            now: Estimate {
                estimate: Some(*mix),
                lower: z.map(|z| (solved - z * error).clamp(0.0, *mix)),
                upper: z.map(|z| (solved + z * error).clamp(*mix, 1.0)),
            },
            predicted: *predicted,
            weight: mix / before,
            labels: *labels,
        })
        .collect();
    Ok(LabelShift { codes, condition, plausible })
}

/// Importance weights by a plain solve: `w` with `C w = μ`, `C[predicted][actual]` the joint shares of the reference.
///
/// Black box shift estimation as published; weights may be negative. `None` where `C` is singular or sizes differ.
///
/// ```
/// use vigie::measure::label_shift::importance_weights;
/// let w = importance_weights(&[vec![0.45, 0.05], vec![0.05, 0.45]], &[0.74, 0.26]).unwrap();
/// assert!((w[0] - 1.6).abs() < 1e-12 && (w[1] - 0.4).abs() < 1e-12);
/// ```
pub fn importance_weights(joint: &[Vec<f64>], predicted: &[f64]) -> Option<Vec<f64>> {
    let fits = joint.len() == predicted.len();
    fits.then(|| inverse(joint)).flatten().map(|back| product(&back, predicted))
}

/// The mix that makes the predicted shares most likely.
fn likeliest(likelihood: &[Vec<f64>], shares: &[f64]) -> Option<Vec<f64>> {
    let even = vec![1.0 / shares.len() as f64; shares.len()];
    let cells: Vec<Cell> = likelihood
        .iter()
        .zip(shares)
        .map(|(row, share)| Cell { weight: *share, posterior: row.clone() })
        .filter(|cell| cell.posterior.iter().any(|p| *p > 0.0))
        .collect();
    em(&even, &cells)
}

fn product(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

/// The 1-norm.
fn largest_column(matrix: &[Vec<f64>]) -> f64 {
    let mut sums = vec![0.0; matrix.len()];
    matrix.iter().for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.abs()));
    sums.into_iter().fold(0.0, f64::max)
}
