use serde::{Deserialize, Serialize};

use super::{Plan, traffic::share};
use crate::measure::{
    assisted::Stratum,
    proportion::Estimate,
    threshold::{curve, lowest_safe},
};

/// What each threshold of the confidence would accept automatically, and how right that is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ThresholdCurve {
    /// Least accuracy of automatic coding that is asked for.
    pub quality: f64,
    /// Lowest threshold that keeps it, with `scope.confidence_level`; `null` where labels show it of none.
    pub lowest_safe: Option<f64>,
    /// Share of predictions that it would accept.
    pub automation_rate: Option<f64>,
    /// From 0, which accepts all; empty without predictions.
    pub points: Vec<ThresholdPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    pub threshold: f64,
    pub automation_rate: Option<f64>,
    /// Predictions that would be accepted.
    pub auto: u64,
    /// Those that would go to people.
    pub manual: u64,
    /// Labelled ones among the accepted.
    pub labels: u64,
    /// Model-assisted accuracy of the accepted ones.
    pub quality: Estimate,
    /// Model's accuracy of the others.
    pub manual_accuracy: Option<f64>,
}

/// What every threshold would accept, and the lowest that keeps the quality that is asked for.
pub fn threshold(plan: &Plan, strata: &[Stratum]) -> ThresholdCurve {
    let level = plan.request.confidence_level;
    let points = curve(strata, level);
    let bins = points.len().max(1) as f64;
    let safe = lowest_safe(strata, plan.request.auto_quality, level);
    let points: Vec<ThresholdPoint> = points
        .into_iter()
        .map(|p| ThresholdPoint {
            threshold: p.bin as f64 / bins,
            automation_rate: share(p.accepted, p.accepted + p.rest),
            auto: p.accepted,
            manual: p.rest,
            labels: p.labels,
            quality: p.quality,
            manual_accuracy: p.rest_accuracy,
        })
        .collect();
    ThresholdCurve {
        quality: plan.request.auto_quality,
        lowest_safe: safe.map(|bin| bin as f64 / bins),
        automation_rate: safe.and_then(|bin| points.get(bin)?.automation_rate),
        points: if points.iter().any(|p| p.auto > 0) { points } else { Vec::new() },
    }
}
