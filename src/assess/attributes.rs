use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Plan,
    drift::REPLICATES,
    plan::Side,
    specimens::{Specimen, pairs},
};
use crate::measure::{
    drift::{CategoricalDrift, CategoryDrift, categorical_drift, category_drift},
    multiple_testing::benjamini_hochberg,
};

/// Whether the values of an attribute are spread as they were in the reference: a new form shows here first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeDrift {
    pub attribute: String,
    pub n_reference: u64,
    pub n_current: u64,
    /// Of the chi-squared test, over all attributes (Benjamini-Hochberg).
    pub q_value: f64,
    #[serde(flatten)]
    pub drift: CategoricalDrift,
    /// Greatest contribution first; a dozen at most.
    pub values: Vec<ValueDrift>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueDrift {
    /// `null` = the event did not have the attribute.
    pub value: Option<String>,
    pub n_reference: u64,
    pub n_current: u64,
    #[serde(flatten)]
    pub drift: CategoryDrift,
}

/// An attribute with more values is no category: a number, a name, an identifier.
pub const MOST_VALUES: usize = 50;
/// Values listed of an attribute.
const VALUES: usize = 12;
const SEED: u64 = 0x41_7472;

type Counts<'a> = BTreeMap<Option<&'a str>, (u64, u64)>;

/// Every attribute with few enough values, those that moved most certainly first; empty without a reference.
pub fn attributes(plan: &Plan, specimens: &[Specimen<'_>]) -> Vec<AttributeDrift> {
    if plan.reference.is_none() {
        return Vec::new();
    }
    let mut known: HashMap<&str, BTreeMap<String, String>> = HashMap::new();
    for text in specimens.iter().filter_map(|s| s.attributes) {
        known.entry(text).or_insert_with(|| pairs(text));
    }
    let mut all: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
    let mut rows = (0, 0);
    for one in specimens {
        let Some(side) = plan.side(one.day, one.version) else { continue };
        let (a, b) = if side == Side::Reference { (one.n, 0) } else { (0, one.n) };
        rows = (rows.0 + a, rows.1 + b);
        for (name, value) in one.attributes.and_then(|text| known.get(text)).into_iter().flatten() {
            let counts = all.entry(name.as_str()).or_default();
            if counts.len() > MOST_VALUES {
                continue;
            }
            let count = counts.entry(Some(value.as_str())).or_default();
            *count = (count.0 + a, count.1 + b);
        }
    }
    let mut found: Vec<AttributeDrift> = all
        .into_iter()
        .filter(|(_, counts)| counts.len() <= MOST_VALUES)
        .filter_map(|(name, counts)| one(name, counts, rows))
        .collect();
    let q = benjamini_hochberg(&found.iter().map(|f| f.drift.chi2.p_value).collect::<Vec<_>>());
    found.iter_mut().zip(q).for_each(|(f, q)| f.q_value = q);
    found.sort_by(|a, b| (a.q_value.total_cmp(&b.q_value)).then_with(|| a.attribute.cmp(&b.attribute)));
    found
}

fn one(name: &str, mut counts: Counts<'_>, rows: (u64, u64)) -> Option<AttributeDrift> {
    let said = counts.values().fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
    let missing = (rows.0 - said.0, rows.1 - said.1);
    if missing != (0, 0) {
        counts.insert(None, missing);
    }
    let (reference, current): (Vec<u64>, Vec<u64>) = counts.values().copied().unzip();
    let drift = categorical_drift(&reference, &current, REPLICATES, SEED)?;
    let of = |((value, n), drift): ((&Option<&str>, &(u64, u64)), CategoryDrift)| ValueDrift {
        value: value.map(str::to_owned),
        n_reference: n.0,
        n_current: n.1,
        drift,
    };
    let mut values: Vec<ValueDrift> = counts.iter().zip(category_drift(&reference, &current)).map(of).collect();
    values.sort_by(|a, b| b.drift.contribution.total_cmp(&a.drift.contribution).then_with(|| a.value.cmp(&b.value)));
    values.truncate(VALUES);
    Some(AttributeDrift {
        attribute: name.to_owned(),
        n_reference: rows.0,
        n_current: rows.1,
        q_value: 1.0,
        drift,
        values,
    })
}
