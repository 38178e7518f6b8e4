use std::collections::BTreeMap;

use super::{
    Plan,
    assessment::{Calibration, ConfidenceBin, ReliabilityBin},
    design::Design,
    draws::Draw,
};
use crate::{
    fact::ScoreKind,
    measure::{
        accuracy::routes::accuracy_of_routes,
        calibration::{CalibrationBin, calibration as measure},
        weight::WeightSums,
    },
    query::Answer,
};

/// Calibration of the first probability, and the distribution of the confidence index.
pub fn calibration(plan: &Plan, score: &Answer, reliability: (&Answer, &Design)) -> Calibration {
    let level = plan.request.confidence_level;
    let (probability, _) = bins(ScoreKind::Probability, score, reliability);
    let measured = measure(&probability, level);
    let width = |i: usize, of: usize| (i as f64 / of as f64, (i + 1) as f64 / of as f64);
    let reliability_bins = probability.iter().zip(&measured.bins).enumerate().map(|(i, (bin, measured))| {
        let (lower, upper) = width(i, probability.len());
        ReliabilityBin {
            lower,
            upper,
            n_predicted: bin.n,
            n_labelled: bin.labels().n,
            mean_probability: measured.mean_probability,
            accuracy: measured.accuracy,
        }
    });
    let (confidence, automatic) = bins(ScoreKind::Confidence, score, reliability);
    let confidence_bins = confidence.iter().zip(automatic).enumerate().map(|(i, (bin, auto))| {
        let (lower, upper) = width(i, confidence.len());
        ConfidenceBin {
            lower,
            upper,
            n: bin.n,
            auto,
            accuracy: accuracy_of_routes(&bin.draws, level).estimate.estimate,
            n_labelled: bin.labels().n,
        }
    });
    Calibration {
        ece: measured.ece,
        brier: measured.brier,
        n: measured.n,
        bins: reliability_bins.collect(),
        confidence: confidence_bins.collect(),
    }
}

/// The bins of a score, and how many of their predictions are automatic.
fn bins(kind: ScoreKind, score: &Answer, (reliability, design): (&Answer, &Design)) -> (Vec<CalibrationBin>, Vec<u64>) {
    let count = kind.bins() as usize;
    let (mut bins, mut auto) = (vec![CalibrationBin::default(); count], vec![0; count]);
    // right and wrong labels
    let mut draws: Vec<BTreeMap<Draw, [WeightSums; 2]>> = vec![BTreeMap::new(); count];
    let index = |answer: &Answer, row: usize| {
        let of_kind = answer.text(row, "kind") == Some(kind.as_str());
        of_kind.then(|| (answer.int(row, "bin").max(0) as usize).min(count - 1))
    };
    for row in 0..score.rows() {
        if let Some(i) = index(score, row) {
            bins[i].n += score.count(row, "n");
            auto[i] += score.count(row, "auto");
        }
    }
    for row in 0..reliability.rows() {
        let Some(i) = index(reliability, row) else { continue };
        let (sums, draw, grown) = design.binned(reliability, row);
        let (wx, wxx) = (grown * reliability.number(row, "wx"), grown * reliability.number(row, "wxx"));
        let right = reliability.int(row, "is_right") == 1;
        draws[i].entry(draw).or_default()[usize::from(!right)] += sums;
        bins[i].wp += wx;
        // sum of w (p - y)^2 = sum w p^2 - 2 y sum w p + y sum w
        bins[i].wse += if right { (wxx - 2.0 * wx + sums.w).max(0.0) } else { wxx };
    }
    bins.iter_mut().zip(draws).for_each(|(bin, draws)| bin.draws = draws.into_values().collect());
    (bins, auto)
}
