use serde::{Deserialize, Serialize};

use super::{
    Plan, Request,
    accuracy::levels,
    attributes::AttributeDrift,
    crossed::CrosswalkDrift,
    days::DailyVolume,
    tree::{TreeFindings, tree},
};
use crate::{
    measure::{
        drift::{
            CategoricalDrift, CategoryDrift, categorical_drift, category_drift,
            day_permutation::day_test,
            dispersion::dispersion,
            effect::{Effect, effect},
            excess::excess_variation,
            verdict::{Change, change},
        },
        proportion::Estimate,
    },
    query::Answer,
};

/// Tables drawn under "nothing has changed" for null expectations and sparse p-values.
pub const REPLICATES: u32 = 499;
/// Days dealt anew for a p-value, and tables drawn for an interval.
pub const DAY_REPLICATES: u32 = 199;
/// Fixed, so that the same facts give the same report.
pub(super) const SEED: u64 = 0x5649_4749_4531;
/// p-value, and false discovery rate in the tree, up to which a change is more than chance.
pub(super) const ALPHA: f64 = 0.05;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// One row a level; empty without a reference.
    pub label: Vec<LevelDrift>,
    /// Codes at [`super::assessment::Scope::level`], greatest contribution first.
    pub codes: Vec<CodeDrift>,
    /// Attributes of the events (form type, channel...) with few values; those that moved most certainly first.
    pub attributes: Vec<AttributeDrift>,
    /// Where in the classification, all levels at once; `null` without a reference or with one level only.
    pub tree: Option<TreeFindings>,
    /// Against a reference in the nomenclature before, through a crosswalk; `null` without one.
    pub crosswalk: Option<CrosswalkDrift>,
    /// p-value up to which a change is said to be more than chance.
    pub alpha: f64,
    /// Total variation, beyond chance, from which a change is said to matter.
    pub least: f64,
}

/// Distance of the predicted-code distribution from the reference, at one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelDrift {
    pub level: u32,
    pub level_name: String,
    pub n_reference: u64,
    pub n_current: u64,
    #[serde(flatten)]
    pub drift: CategoricalDrift,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How large a drift is and what may be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Total variation beyond what sampling alone makes.
    pub excess: Estimate,
    /// How many times as much the days of the reference vary as independent rows would, at least 1; `null` with one day only.
    pub dispersion: Option<f64>,
    /// p-value of the same question where days, not rows, are taken for independent; `null` where a period has no day.
    pub p_value_days: Option<f64>,
    /// What the verdict rests on: `days` where those of the reference vary more than chance allows.
    pub judged_by: Judged,
    pub change: Change,
}

/// What is taken for independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    Rows,
    Days,
}

impl Verdict {
    /// The p-value that [`Self::change`] rests on; `rows` is that of independent rows.
    pub fn p_value(&self, rows: f64) -> Option<f64> {
        match self.judged_by {
            Judged::Rows => Some(rows).filter(|p| !p.is_nan()),
            Judged::Days => self.p_value_days,
        }
    }
}

impl LevelDrift {
    /// The p-value that the verdict rests on.
    pub fn p_value(&self) -> Option<f64> {
        self.verdict.p_value(self.drift.chi2.p_value)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeDrift {
    pub code: String,
    pub label: String,
    pub level: u32,
    pub n_reference: u64,
    pub n_current: u64,
    #[serde(flatten)]
    pub drift: CategoryDrift,
    /// The change of the share with intervals: difference, and ratio.
    pub effect: Effect,
}

/// Label drift at every level, and its codes at the plan's level. Empty without a reference or without rows in it.
/// `volume` answers `volume_by_code.sql`, `daily` `volume_daily.sql`.
pub fn drift(plan: &Plan, volume: &Answer, daily: &Answer) -> Drift {
    let mut drift = Drift { alpha: ALPHA, least: plan.request.least_drift, ..Drift::default() };
    if plan.reference.is_none() {
        return drift;
    }
    let days = DailyVolume::new(daily, plan);
    for (level, level_name) in levels(plan) {
        let rows: Vec<usize> = (0..volume.rows()).filter(|r| volume.int(*r, "level") == i64::from(level)).collect();
        let counts = |name: &str| rows.iter().map(|r| volume.count(*r, name)).collect::<Vec<u64>>();
        let (reference, current) = (counts("reference"), counts("current"));
        let seed = SEED ^ u64::from(level);
        let (before, now) = days.level(&plan.nomenclature, level);
        let Some((measured, verdict)) = judge(&plan.request, (&reference, &current), (&before, &now), seed) else {
            continue;
        };
        drift.label.push(LevelDrift {
            level: u32::from(level),
            level_name,
            n_reference: reference.iter().sum(),
            n_current: current.iter().sum(),
            drift: measured,
            verdict,
        });
        if level == plan.level {
            drift.codes = codes(plan, volume, &rows, (&reference, &current));
        }
    }
    if !drift.label.is_empty() && plan.nomenclature.depth() > 1 {
        drift.tree = Some(tree(&plan.nomenclature, &days));
    }
    drift
}

/// Drift of counts, and its verdict with the help of the counts of each day; `None` where a period has no row.
pub(super) fn judge(
    request: &Request,
    (reference, current): (&[u64], &[u64]),
    (before, now): (&[Vec<u64>], &[Vec<u64>]),
    seed: u64,
) -> Option<(CategoricalDrift, Verdict)> {
    let measured = categorical_drift(reference, current, REPLICATES, seed)?;
    let between = dispersion(before);
    let factor = between.map_or(1.0, |b| b.factor);
    let confidence = request.confidence_level;
    let mut verdict = Verdict {
        excess: excess_variation(reference, current, &measured, factor, DAY_REPLICATES, seed, confidence),
        dispersion: between.map(|b| b.factor),
        p_value_days: day_test(before, now, DAY_REPLICATES, seed),
        judged_by: if between.is_some_and(|b| b.p_value() <= ALPHA) { Judged::Days } else { Judged::Rows },
        change: Change::None,
    };
    let p = verdict.p_value(measured.chi2.p_value);
    verdict.change = change(p, ALPHA, verdict.excess, request.least_drift);
    Some((measured, verdict))
}

/// Every code seen, at the plan's level, greatest contribution first.
fn codes(plan: &Plan, volume: &Answer, rows: &[usize], (reference, current): (&[u64], &[u64])) -> Vec<CodeDrift> {
    let (n, m) = (reference.iter().sum(), current.iter().sum());
    let of = |((row, measured), (a, b)): ((&usize, CategoryDrift), (&u64, &u64))| CodeDrift {
        code: volume.text(*row, "code").unwrap_or_default().to_owned(),
        label: volume.text(*row, "label").unwrap_or_default().to_owned(),
        level: u32::from(plan.level),
        n_reference: *a,
        n_current: *b,
        drift: measured,
        effect: effect(*a, n, *b, m, plan.request.confidence_level),
    };
    let measured = rows.iter().zip(category_drift(reference, current)).zip(reference.iter().zip(current));
    let mut codes: Vec<CodeDrift> = measured.filter(|(_, (a, b))| **a + **b > 0).map(of).collect();
    codes.sort_by(|a, b| b.drift.contribution.total_cmp(&a.drift.contribution).then_with(|| a.code.cmp(&b.code)));
    codes
}
