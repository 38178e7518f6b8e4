//! Precision, recall and F1 of one code.

use serde::{Deserialize, Serialize};

use super::{
    accuracy,
    proportion::Estimate,
    ratio::{Ratio, Side},
    weight::WeightSums,
};

/// Labels from which a share of a code has an interval of its own. Fewer hold less than one heavy row, which an interval must
/// allow for when none is drawn and holds when one is: by simulation they covered 94 to 99 %, and what the other codes
/// of its parents say is nearer ([`shrinkage`](super::shrinkage)).
pub const LEAST_LABELS: u64 = 10;

/// How well one code is predicted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Of the predictions of the code, the share that are right.
    pub precision: Estimate,
    /// Of the rows that truly have the code, the share that were given it.
    pub recall: Estimate,
    /// Harmonic mean of the two.
    pub f1: Estimate,
}

/// Design-weighted precision, recall and F1 of one code.
///
/// With `TP`, `FP`, `FN` the weighted totals of labelled rows: precision `TP/(TP+FP)`, recall `TP/(TP+FN)`,
/// `F1 = 2TP/(2TP+FP+FN)`. Precision and recall are Hájek domain means like [`accuracy::accuracy`]. F1 is a ratio of
/// totals whose residuals are `2−2F` for a true positive and `−F` for the others, so
/// `V = [ (2−2F)² A_TP + F² (A_FP + A_FN) ] / (2TP+FP+FN)²` with `A = Σ (w² − w)`; its interval is Wilson's at
/// `n_eff = F(1−F)/V`, so it stays within [0, 1].
///
/// `wholes` are the right and the wrong labels of all codes in the code's own mix of routes
/// ([`Whole`](super::whole::Whole)), for precision and for recall, with replacement where the others are. Few labels of a code may
/// all be light by chance: with a twentieth of the automatic rows reviewed and three fifths of the others, the first five
/// hold no automatic row in four cases of ten, and say nothing of most of its predictions. So its right rows are taken to be
/// as heavy as right rows are elsewhere, and its wrong ones as wrong ones are, until they are many (`ratio.rs`). Without them
/// its own labels say it, and intervals of a code with 10 to 29 labels cover 82 to 95 % at 95 %.
///
/// *Edge cases*: a measure whose denominator has no labelled row is `None`, one with fewer than [`LEAST_LABELS`] has no
/// interval; a code that is predicted but never right
/// has F1 = 0 (scikit-learn's `zero_division=0`).
///
/// Särndal, Swensson and Wretman (1992), section 5.6; Takahashi et al. (2022), Applied Intelligence 52, for F1.
///
/// ```
/// use vigie::measure::{classification::classification, weight::WeightSums};
/// let [tp, fp, fn_] = [8, 2, 4].map(|n| WeightSums::certain(n).with_replacement());
/// let code = classification(tp, fp, fn_, [[WeightSums::default(); 2]; 2], 0.95);
/// assert_eq!(code.precision.estimate, Some(0.8));
/// assert_eq!(code.recall.estimate, Some(8.0 / 12.0));
/// assert_eq!(code.f1.estimate, Some(16.0 / 22.0));
/// ```
pub fn classification(
    true_positives: WeightSums,
    false_positives: WeightSums,
    false_negatives: WeightSums,
    wholes: [[WeightSums; 2]; 2],
    confidence_level: f64,
) -> Classification {
    let [of_precision, of_recall] = wholes;
    let f1 = Ratio {
        success: Side::new(&true_positives, 2.0),
        failure: Side::new(&(false_positives + false_negatives), 1.0),
        // right rows of both are twice as many
        whole: Some([0, 1].map(|side| Side::new(&(of_precision[side] + of_recall[side]), [2.0, 1.0][side]))),
    };
    let told = |found: Ratio, labels: u64| {
        let (found, _) = found.interval(confidence_level);
        if labels < LEAST_LABELS { found.without_bounds() } else { found }
    };
    let share = |missed: &WeightSums, whole| {
        told(accuracy::ratio_of_part(&true_positives, missed, Some(whole)), true_positives.n + missed.n)
    };
    Classification {
        precision: share(&false_positives, of_precision),
        recall: share(&false_negatives, of_recall),
        f1: told(f1, true_positives.n + false_positives.n + false_negatives.n),
    }
}
