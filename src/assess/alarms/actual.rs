use std::collections::BTreeMap;

use super::{Alarm, AlarmKind, Counted, Family, Span, Watched, evidence};
use crate::{assess::Plan, decide::rings};

/// The codes that people give, among the labels of the route that has most: an activity that the model does not know shows
/// here while it still gets all sorts of codes. Labels are counted as they are; a review that draws a route's rows without
/// looking at their code leaves the shares alone.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Family {
    let answer = watched.labels;
    let mut routes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for row in 0..answer.rows() {
        *routes.entry(answer.text(row, "route")).or_default() += answer.count(row, "n");
    }
    let Some((route, _)) = routes.into_iter().max_by_key(|(_, n)| *n) else { return Family::default() };
    let (mut codes, mut all): (BTreeMap<&str, Counted>, Counted) = (BTreeMap::new(), Counted::new(span));
    for row in (0..answer.rows()).filter(|row| answer.text(*row, "route") == route) {
        let Some(place) = span.place_of(answer, row) else { continue };
        let (code, n) = (answer.text(row, "actual").unwrap_or_default(), answer.count(row, "n"));
        codes.entry(code).or_insert_with(|| Counted::new(span)).add(&place, n);
        all.add(&place, n);
    }
    let series: Vec<Vec<f64>> = codes.values().map(|of| of.log_e(&all, plan.request.alarm_rate)).collect();
    let mut raised = Vec::new();
    for ((code, of), ring) in codes.iter().zip(rings(&series, plan.request.alarm_rate)) {
        let Some(ring) = ring else { continue };
        let (alarm, run) = of.alarm(&all, AlarmKind::ActualShare, code, &ring, span, plan);
        let mut found = Alarm {
            label: plan.nomenclature.label(code).to_owned(),
            level: Some(u32::from(plan.nomenclature.depth())),
            evidence: evidence::of_rows(plan, span, watched, run, |one| one.actual == Some(*code)),
            ..alarm
        };
        // people say nothing but this code of its rows: what the model says of them is the news
        found.evidence.humans_say.clear();
        found.evidence.codes = evidence::predicted(plan, span, watched, run, code);
        found.evidence.terms = evidence::terms(watched, |given| given == *code);
        found.evidence.query = evidence::query(span, run, &format!("actual = '{}'", code.replace('\'', "''")));
        raised.push(found);
    }
    Family { watched: codes.len() as u64, explained: 0, raised }
}
