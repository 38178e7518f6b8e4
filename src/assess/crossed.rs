use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    FactSource, Plan, PlanError,
    days::{Codes, within},
    drift::{SEED, Verdict, judge},
    plan::{Found, Side},
};
use crate::{
    event::SeriesId,
    measure::drift::{
        CategoricalDrift, CategoryDrift, category_drift,
        effect::{Effect, effect},
    },
    nomenclature::crosswalk::{Crosswalk, Group},
    query::Answer,
};

/// A crosswalk, and the names of the older and the newer nomenclature where they are said.
#[derive(Debug, Clone)]
pub struct NamedCrosswalk {
    pub names: Option<(String, String)>,
    pub walk: Arc<Crosswalk>,
}

/// The series of a model's older nomenclature, which only drift looks at, through a crosswalk.
#[derive(Debug, Clone)]
pub struct Crossed {
    pub series: Vec<SeriesId>,
    pub from: String,
    pub to: String,
    pub walk: Arc<Crosswalk>,
}

/// Drift of predicted codes from a reference in one nomenclature to a period in the next, over the smallest sets of codes
/// that only map to each other: inside such a set nothing is known without weights, so nothing is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrosswalkDrift {
    /// The older nomenclature, of the reference.
    pub from: String,
    /// The newer one, of the period.
    pub to: String,
    /// Predictions that are compared.
    pub n_reference: u64,
    pub n_current: u64,
    /// Predictions whose code the crosswalk does not list: left out.
    pub unknown_reference: u64,
    pub unknown_current: u64,
    #[serde(flatten)]
    pub drift: CategoricalDrift,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Sets with predictions, greatest contribution first.
    pub groups: Vec<CrossedGroup>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossedGroup {
    /// Codes of the older nomenclature; empty for codes without a forerunner.
    pub old: Vec<String>,
    /// Codes of the newer one; empty for codes that ended.
    pub new: Vec<String>,
    /// Of the new code where it is the only one; empty otherwise.
    pub label: String,
    pub n_reference: u64,
    pub n_current: u64,
    #[serde(flatten)]
    pub drift: CategoryDrift,
    pub effect: Effect,
}

/// Keeps the series of one nomenclature: the newest where a crosswalk joins the one before to it.
///
/// # Errors
/// When there are several and no crosswalk joins exactly these.
pub(super) fn one_nomenclature(
    source: &dyn FactSource,
    crosswalks: &[NamedCrosswalk],
    found: &mut Vec<Found>,
) -> Result<Option<Crossed>, PlanError> {
    let of = |one: &Found| source.nomenclature(one.0).name().to_owned();
    let newest = found.iter().max_by_key(|(.., (first, last))| (*last, *first)).map(of).unwrap_or_default();
    let mut older: Vec<String> = found.iter().map(of).filter(|name| *name != newest).collect();
    older.sort_unstable();
    older.dedup();
    let joins = |walk: &&NamedCrosswalk| match (&walk.names, older.as_slice()) {
        (Some((from, to)), [only]) => from == only && *to == newest,
        (None, [_]) => true,
        _ => false,
    };
    let named = || older.iter().chain([&newest]).cloned().collect();
    if older.is_empty() {
        return Ok(None);
    }
    let walk = crosswalks.iter().find(joins).ok_or_else(|| PlanError::SeveralNomenclatures(named()))?;
    let series = found.iter().filter(|one| of(one) != newest).map(|(id, ..)| *id).collect();
    found.retain(|one| of(one) == newest);
    let from = older.pop().unwrap_or_default();
    Ok(Some(Crossed { series, from, to: newest, walk: walk.walk.clone() }))
}

/// `older` and `newer` answer `volume_daily.sql` over the facts of either nomenclature. `None` where a period has no row
/// that can be compared.
pub fn crossed(plan: &Plan, crossed: &Crossed, older: &Answer, newer: &Answer) -> Option<CrosswalkDrift> {
    let (before, now) = (within(older, plan, Side::Reference), within(newer, plan, Side::Current));
    let found = crossed.walk.groups(&sum(&before), &sum(&now));
    let place = |of: fn(&Group) -> &Vec<String>| {
        let places = found.groups.iter().enumerate().flat_map(|(i, group)| of(group).iter().map(move |code| (code, i)));
        places.map(|(code, i)| (code.as_str(), i)).collect::<BTreeMap<&str, usize>>()
    };
    let counts = |days: &[Codes<'_>], places: &BTreeMap<&str, usize>| -> Vec<Vec<u64>> {
        let of = |day: &Codes<'_>| {
            let mut counts = vec![0; found.groups.len()];
            for (code, n) in day {
                if let Some(count) = places.get(code).and_then(|i| counts.get_mut(*i)) {
                    *count += n;
                }
            }
            counts
        };
        days.iter().map(of).collect()
    };
    let (before, now) = (counts(&before, &place(|group| &group.old)), counts(&now, &place(|group| &group.new)));
    let reference: Vec<u64> = found.groups.iter().map(|group| group.reference).collect();
    let current: Vec<u64> = found.groups.iter().map(|group| group.current).collect();
    let (n, m) = (reference.iter().sum(), current.iter().sum());
    let (drift, verdict) = judge(&plan.request, (&reference, &current), (&before, &now), SEED)?;
    let of = |(group, drift): (Group, CategoryDrift)| CrossedGroup {
        effect: effect(group.reference, n, group.current, m, plan.request.confidence_level),
        label: if let [only] = group.new.as_slice() { plan.nomenclature.label(only).to_owned() } else { String::new() },
        old: group.old,
        new: group.new,
        n_reference: group.reference,
        n_current: group.current,
        drift,
    };
    let measured = found.groups.into_iter().zip(category_drift(&reference, &current));
    let mut groups: Vec<CrossedGroup> = measured.filter(|(g, _)| g.reference + g.current > 0).map(of).collect();
    let order = |group: &CrossedGroup| (group.old.clone(), group.new.clone());
    groups.sort_by(|a, b| b.drift.contribution.total_cmp(&a.drift.contribution).then_with(|| order(a).cmp(&order(b))));
    Some(CrosswalkDrift {
        from: crossed.from.clone(),
        to: crossed.to.clone(),
        n_reference: n,
        n_current: m,
        unknown_reference: found.unknown_reference,
        unknown_current: found.unknown_current,
        drift,
        verdict,
        groups,
    })
}

fn sum(days: &[Codes<'_>]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (code, n) in days.iter().flatten() {
        *sums.entry((*code).to_owned()).or_default() += n;
    }
    sums
}
