use std::collections::{BTreeMap, HashMap};

use super::{Alarm, AlarmKind, Counted, Family, Span, Watched, evidence};
use crate::{
    assess::{Plan, attributes::MOST_VALUES, specimens::pairs},
    decide::rings,
};

/// The share of every value of the attributes that have few.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Family {
    let none = || Counted::new(span);
    let mut all = none();
    let mut objects: HashMap<&str, Counted> = HashMap::new();
    for one in watched.specimens {
        let Some(place) = span.place(one.day, one.version) else { continue };
        all.add(&place, one.n);
        if let Some(text) = one.attributes {
            objects.entry(text).or_insert_with(none).add(&place, one.n);
        }
    }
    let mut values: BTreeMap<(String, String), Counted> = BTreeMap::new();
    for (text, counts) in objects {
        for pair in pairs(text) {
            values.entry(pair).or_insert_with(none).join(&counts);
        }
    }
    let mut of: BTreeMap<String, usize> = BTreeMap::new();
    values.keys().for_each(|(name, _)| *of.entry(name.clone()).or_default() += 1);
    values.retain(|(name, _), _| of.get(name).is_some_and(|n| *n <= MOST_VALUES));
    let series: Vec<Vec<f64>> = values.values().map(|value| value.log_e(&all, plan.request.alarm_rate)).collect();
    let mut raised = Vec::new();
    for (((name, text), value), ring) in values.iter().zip(rings(&series, plan.request.alarm_rate)) {
        let Some(ring) = ring else { continue };
        let (alarm, run) = value.alarm(&all, AlarmKind::AttributeShare, name, &ring, span, plan);
        let pair = format!("{}:{}", quoted(name), quoted(text));
        let condition = format!("attributes LIKE '%{}%'", pair.replace('\'', "''"));
        let rows = evidence::of_rows(plan, span, watched, run, |one| one.attributes.is_some_and(|a| a.contains(&pair)));
        let mut found = Alarm { value: Some(text.clone()), evidence: rows, ..alarm };
        // its own value is all that its rows have
        found.evidence.attributes.clear();
        found.evidence.query = evidence::query(span, run, &condition);
        raised.push(found);
    }
    Family { watched: values.len() as u64, explained: 0, raised }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
