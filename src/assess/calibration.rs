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
    let probability = bins(ScoreKind::Probability, score, reliability);
    let inputs: Vec<CalibrationBin> = probability.iter().map(|b| b.input.clone()).collect();
    let measured = measure(&inputs, level);
    let width = |i: usize, of: usize| (i as f64 / of as f64, (i + 1) as f64 / of as f64);
    let reliability_bins = probability.iter().zip(&measured.bins).enumerate().map(|(i, (bin, measured))| {
        let (lower, upper) = width(i, probability.len());
        ReliabilityBin {
            lower,
            upper,
            n_predicted: bin.input.n,
            n_labelled: bin.input.labels().n,
            mean_probability: measured.mean_probability,
            accuracy: measured.accuracy,
        }
    });
    let confidence = bins(ScoreKind::Confidence, score, reliability);
    let confidence_bins = confidence.iter().enumerate().map(|(i, bin)| {
        let (lower, upper) = width(i, confidence.len());
        ConfidenceBin {
            lower,
            upper,
            n: bin.input.n,
            auto: bin.auto,
            accuracy: accuracy_of_routes(&bin.input.draws, level).estimate.estimate,
            n_labelled: bin.input.labels().n,
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

#[derive(Debug, Default, Clone)]
struct Bin {
    input: CalibrationBin,
    /// Right and wrong labels.
    draws: BTreeMap<Draw, [WeightSums; 2]>,
    auto: u64,
}

fn bins(kind: ScoreKind, score: &Answer, (reliability, design): (&Answer, &Design)) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); kind.bins() as usize];
    let index = |answer: &Answer, row: usize| {
        let of_kind = answer.text(row, "kind") == Some(kind.as_str());
        of_kind.then(|| (answer.int(row, "bin").max(0) as usize).min(kind.bins() as usize - 1))
    };
    for row in 0..score.rows() {
        if let Some(i) = index(score, row) {
            bins[i].input.n += score.count(row, "n");
            bins[i].auto += score.count(row, "auto");
        }
    }
    for row in 0..reliability.rows() {
        let Some(i) = index(reliability, row) else { continue };
        let (sums, draw, grown) = design.binned(reliability, row);
        let (wx, wxx) = (grown * reliability.number(row, "wx"), grown * reliability.number(row, "wxx"));
        let bin = &mut bins[i];
        let side = usize::from(reliability.int(row, "is_right") != 1);
        bin.draws.entry(draw).or_default()[side] += sums;
        bin.input.wp += wx;
        // sum of w (p - y)^2 = sum w p^2 - 2 y sum w p + y sum w
        if reliability.int(row, "is_right") == 1 {
            bin.input.wse += (wxx - 2.0 * wx + sums.w).max(0.0);
        } else {
            bin.input.wse += wxx;
        }
    }
    for bin in &mut bins {
        bin.input.draws = std::mem::take(&mut bin.draws).into_values().collect();
    }
    bins
}
