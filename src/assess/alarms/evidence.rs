use std::collections::{BTreeMap, HashMap};

use super::{Carrier, Evidence, Place, Run, Span, Watched};
use crate::assess::{
    Plan,
    specimens::{Specimen, pairs},
};

const MOST_EXAMPLES: usize = 3;
const MOST_TERMS: usize = 6;
const MOST_CARRIERS: usize = 3;
/// Attribute values of fewer rows are not named.
const LEAST_ROWS: u64 = 5;

/// Texts, terms, attributes and labels of the predictions whose code is `wanted`, in a run of looks.
pub fn of_codes(
    plan: &Plan,
    span: &Span<'_>,
    watched: &Watched<'_>,
    run: Run,
    wanted: impl Fn(&str) -> bool,
) -> Evidence {
    let mut evidence = of_rows(plan, span, watched, run, |one| one.predicted.is_some_and(&wanted));
    evidence.terms = terms(watched, &wanted);
    evidence
}

/// Rising terms whose texts get a code that is wanted.
pub fn terms(watched: &Watched<'_>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let of = watched.terms.iter().filter(|(_, codes)| codes.iter().any(|code| wanted(code)));
    of.map(|(term, _)| term.clone()).take(MOST_TERMS).collect()
}

/// What the model gives texts that people give this code.
pub fn predicted(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>, run: Run, code: &str) -> Vec<Carrier> {
    let answer = watched.labels;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in (0..answer.rows()).filter(|row| answer.text(*row, "actual") == Some(code)) {
        if let Some(Place::Look(look)) = span.place_of(answer, row)
            && run.holds(look)
        {
            *counts.entry(answer.text(row, "predicted").unwrap_or_default()).or_default() += answer.count(row, "n");
        }
    }
    let all: u64 = counts.values().sum();
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let carrier = |(name, n): (&str, u64)| Carrier {
        name: name.to_owned(),
        label: plan.nomenclature.label(name).to_owned(),
        n,
        share_reference: None,
        share_current: (all > 0).then(|| n as f64 / all as f64),
    };
    counts.into_iter().take(MOST_CARRIERS).map(carrier).collect()
}

/// The same of any rows, without terms.
pub fn of_rows(
    plan: &Plan,
    span: &Span<'_>,
    watched: &Watched<'_>,
    run: Run,
    wanted: impl Fn(&Specimen<'_>) -> bool,
) -> Evidence {
    let mut texts: HashMap<&str, u64> = HashMap::new();
    let mut humans: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    let mut attributes: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut rows = (0, 0);
    for one in watched.specimens.iter().filter(|one| wanted(one)) {
        match span.place(one.day, one.version) {
            Some(Place::Reference) => {
                rows.0 += one.n;
                one.attributes.iter().for_each(|text| attributes.entry(text).or_default().0 += one.n);
            }
            Some(Place::Look(look)) if run.holds(look) => {
                rows.1 += one.n;
                *texts.entry(one.text).or_default() += one.n;
                one.attributes.iter().for_each(|text| attributes.entry(text).or_default().1 += one.n);
                if let Some(actual) = one.actual {
                    let human = humans.entry(actual).or_default();
                    *human = (human.0 + one.n, human.1 + one.n as f64 * one.weight.unwrap_or(1.0));
                }
            }
            _ => {}
        }
    }
    let mut texts: Vec<(&str, u64)> = texts.into_iter().filter(|(text, _)| !text.is_empty()).collect();
    texts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let weights: f64 = humans.values().map(|(_, w)| w).sum();
    let mut humans: Vec<(&str, (u64, f64))> = humans.into_iter().collect();
    humans.sort_by(|a, b| b.1.1.total_cmp(&a.1.1).then_with(|| a.0.cmp(b.0)));
    let said = |(code, (n, w)): (&str, (u64, f64))| Carrier {
        name: code.to_owned(),
        label: plan.nomenclature.label(code).to_owned(),
        n,
        share_reference: None,
        share_current: Some(w / weights),
    };
    Evidence {
        attributes: values(attributes, rows),
        examples: texts.into_iter().take(MOST_EXAMPLES).map(|(text, _)| text.to_owned()).collect(),
        humans_say: humans.into_iter().take(MOST_CARRIERS).map(said).collect(),
        ..Evidence::default()
    }
}

/// Values whose share among the rows moved most.
fn values(objects: BTreeMap<&str, (u64, u64)>, rows: (u64, u64)) -> Vec<Carrier> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (text, n) in objects {
        for (name, value) in pairs(text) {
            let count = counts.entry(format!("{name}={value}")).or_default();
            *count = (count.0 + n.0, count.1 + n.1);
        }
    }
    let share = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
    let carrier = |(name, n): (String, (u64, u64))| Carrier {
        name,
        label: String::new(),
        n: n.1,
        share_reference: share(n.0, rows.0),
        share_current: share(n.1, rows.1),
    };
    let named = counts.into_iter().map(carrier).filter(|c| c.n >= LEAST_ROWS);
    // an attribute that always is the same says nothing
    let moved = named.filter(|c| change(c).abs() > 0.1 && c.share_reference.is_some());
    most_moved(moved.collect(), MOST_CARRIERS)
}

fn change(carrier: &Carrier) -> f64 {
    carrier.share_current.unwrap_or(0.0) - carrier.share_reference.unwrap_or(0.0)
}

/// Those whose share changed most.
pub fn most_moved(mut carriers: Vec<Carrier>, most: usize) -> Vec<Carrier> {
    carriers.retain(|c| change(c) != 0.0);
    carriers.sort_by(|a, b| change(b).abs().total_cmp(&change(a).abs()).then_with(|| a.name.cmp(&b.name)));
    carriers.truncate(most);
    carriers
}

/// The rows of an alarm, for `vigie query`.
pub fn query(span: &Span<'_>, run: Run, condition: &str) -> String {
    let (from, to) = (span.day(run.since), span.day(run.until));
    let other = span.plan.reference_version.as_ref();
    let others = other.map_or(String::new(), |v| format!(" AND version <> '{}'", v.replace('\'', "''")));
    format!(
        "SELECT day, version, text, predicted, confidence, actual, n FROM specimen WHERE day BETWEEN DATE '{from}' AND DATE '{to}'{others} AND {condition} ORDER BY day"
    )
}
