use std::collections::BTreeMap;

use super::{Alarm, AlarmKind, Counted, Evidence, Family, HORIZON, Span, Watched, evidence};
use crate::{
    assess::Plan,
    decide::rings_staked,
    measure::sequential::{Direction, e_bh::code_stakes, share::share_changed_to, threshold},
};

/// Labels of one code in one route, and the wrong ones among them.
struct Errors {
    wrong: Counted,
    all: Counted,
}

/// More errors among the labels of a code, in each route by itself: one code in a hundred may get worse without the
/// accuracy showing it. Codes with many labels in the reference have more of what is staked.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Family {
    let answer = watched.labels;
    let mut codes: BTreeMap<(&str, &str), Errors> = BTreeMap::new();
    for row in 0..answer.rows() {
        let (Some(place), Some(route)) = (span.place_of(answer, row), answer.text(row, "route")) else { continue };
        let (predicted, n) = (answer.text(row, "predicted").unwrap_or_default(), answer.count(row, "n"));
        let none = || Errors { wrong: Counted::new(span), all: Counted::new(span) };
        let of = codes.entry((predicted, route)).or_insert_with(none);
        of.all.add(&place, n);
        if answer.text(row, "actual") != Some(predicted) {
            of.wrong.add(&place, n);
        }
    }
    // without labels before or since nothing can be said
    codes.retain(|_, of| of.all.reference > 0 && of.all.looks.iter().any(|n| *n > 0));
    let labels: Vec<u64> = codes.values().map(|of| of.all.reference).collect();
    let stakes = code_stakes(&labels).split_off(1);
    let alpha = plan.request.alarm_rate;
    let staked: f64 = stakes.iter().sum();
    let series = codes.values().zip(&stakes).map(|(of, stake)| {
        let (reference, looks) = of.wrong.among(&of.all);
        // where all others ring, so much is enough
        let least = threshold(alpha) - (stake * labels.len() as f64 / staked).ln().max(0.0);
        share_changed_to(least, reference, &looks, HORIZON, Direction::Risen)
    });
    let series: Vec<Vec<f64>> = series.collect();
    let mut raised = Vec::new();
    for (((code, route), of), ring) in codes.iter().zip(rings_staked(&series, &stakes, alpha)) {
        let Some(ring) = ring else { continue };
        let (found, run) = of.wrong.alarm(&of.all, AlarmKind::CodeErrors, code, &ring, span, plan);
        let rows = evidence::of_rows(plan, span, watched, run, |one| {
            one.predicted == Some(*code)
                && one.route == Some(*route)
                && one.actual.is_some()
                && one.actual != Some(*code)
        });
        let query = format!(
            "predicted = '{}' AND route = '{route}' AND actual IS NOT NULL AND actual <> predicted",
            code.replace('\'', "''")
        );
        raised.push(Alarm {
            label: plan.nomenclature.label(code).to_owned(),
            level: plan.nomenclature.level_of(code).map(u32::from),
            value: Some((*route).to_owned()),
            evidence: Evidence {
                terms: evidence::terms(watched, |given| given == *code),
                query: evidence::query(span, run, &query),
                ..rows
            },
            ..found
        });
    }
    Family { watched: codes.len() as u64, explained: 0, raised }
}
