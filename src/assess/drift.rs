use super::{
    Plan,
    accuracy::levels,
    assessment::{CodeDrift, Drift, LevelDrift},
};
use crate::{
    measure::drift::{categorical_drift, category_drift},
    query::Answer,
};

/// Tables drawn under "nothing has changed" for null expectations and sparse p-values.
pub const REPLICATES: u32 = 499;
/// Fixed, so that the same facts give the same report.
const SEED: u64 = 0x5649_4749_4531;

/// Label drift at every level, and its codes at the plan's level. Empty without a reference or without rows in it.
pub fn drift(plan: &Plan, volume: &Answer) -> Drift {
    let mut drift = Drift::default();
    if plan.reference.is_none() {
        return drift;
    }
    for (level, level_name) in levels(plan) {
        let rows: Vec<usize> = (0..volume.rows()).filter(|r| volume.int(*r, "level") == i64::from(level)).collect();
        let counts = |name: &str| rows.iter().map(|r| volume.count(*r, name)).collect::<Vec<u64>>();
        let (reference, current) = (counts("reference"), counts("current"));
        let Some(measured) = categorical_drift(&reference, &current, REPLICATES, SEED ^ u64::from(level)) else {
            continue;
        };
        drift.label.push(LevelDrift {
            level: u32::from(level),
            level_name,
            n_reference: reference.iter().sum(),
            n_current: current.iter().sum(),
            drift: measured,
        });
        if level == plan.level {
            let codes = category_drift(&reference, &current);
            drift.codes = rows
                .iter()
                .zip(codes)
                .map(|(row, measured)| CodeDrift {
                    code: volume.text(*row, "code").unwrap_or_default().to_owned(),
                    label: volume.text(*row, "label").unwrap_or_default().to_owned(),
                    level: u32::from(level),
                    n_reference: volume.count(*row, "reference"),
                    n_current: volume.count(*row, "current"),
                    drift: measured,
                })
                .filter(|c| c.n_reference + c.n_current > 0)
                .collect();
        }
    }
    drift.codes.sort_by(|a, b| b.drift.contribution.total_cmp(&a.drift.contribution).then_with(|| a.code.cmp(&b.code)));
    drift
}
