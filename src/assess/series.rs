use std::collections::BTreeMap;

use super::{
    Day, Plan,
    accuracy::identified,
    assessment::{Daily, Series, WeeklyAccuracy},
    assisted::Weeks,
    design::Design,
    draws::Draw,
    latency::{quantiles, sketches},
    traffic::TrafficTable,
};
use crate::{
    measure::{
        accuracy::{Accuracy, routes::accuracy_of_routes},
        assisted::Assisted,
        weight::WeightSums,
    },
    query::Answer,
};

/// Right and wrong labels of each draw.
type Outcome = BTreeMap<Draw, [WeightSums; 2]>;

fn add(outcome: &mut Outcome, answer: &Answer, row: usize, design: &Design) {
    let side = usize::from(answer.int(row, "is_right") != 1);
    outcome.entry(design.draw(answer, row)).or_default()[side] += design.sums(answer, row);
}

fn accuracy(of: &Outcome, confidence_level: f64) -> Accuracy {
    accuracy_of_routes(&of.values().copied().collect::<Vec<_>>(), confidence_level)
}

/// Everything over time: a row for every day of the period, and accuracy by week.
pub fn series(
    plan: &Plan,
    traffic: &TrafficTable,
    (daily, design): (&Answer, &Design),
    (weekly, assistance): (&Answer, &Weeks),
    latency: &Answer,
) -> Series {
    let confidence_level = plan.request.confidence_level;
    let mut outcomes: BTreeMap<i32, Outcome> = BTreeMap::new();
    for row in 0..daily.rows() {
        add(outcomes.entry(daily.int(row, "day") as i32).or_default(), daily, row, design);
    }
    let sketches = sketches(latency, |row| latency.int(row, "day") as i32);
    let days = (plan.from.0..=plan.to.0).map(|day| {
        let found = outcomes.get(&day).map(|of| accuracy(of, confidence_level)).unwrap_or_default();
        let q = sketches.get(&day).map(|bins| quantiles(bins)).unwrap_or_default();
        Daily {
            labelled: found.n,
            accuracy: found.estimate,
            p50: q.p50,
            p95: q.p95,
            p99: q.p99,
            ..traffic.daily(Day(day))
        }
    });
    let daily = if traffic.total.predictions == 0 { Vec::new() } else { days.collect() };
    let mut weeks: BTreeMap<(i32, u8, String), Outcome> = BTreeMap::new();
    let mut designs: BTreeMap<i32, Design> = BTreeMap::new();
    for row in 0..weekly.rows() {
        let (week, level) = (weekly.int(row, "week") as i32, weekly.int(row, "level") as u8);
        let design = designs.entry(week).or_insert_with(|| assistance.design(week));
        for route in ["all"].into_iter().chain(weekly.text(row, "route")) {
            add(weeks.entry((week, level, route.to_owned())).or_default(), weekly, row, design);
        }
    }
    let finest = plan.nomenclature.depth();
    let accuracy_weekly = weeks.into_iter().map(|((week, level, route), o)| {
        let tells = route != "all" || !assistance.blind(week);
        let assisted =
            if level == finest { assistance.assisted(week, &route, confidence_level) } else { Assisted::default() };
        WeeklyAccuracy {
            week: Day(week).to_string(),
            level: u32::from(level),
            route,
            accuracy: identified(accuracy(&o, confidence_level), tells),
            assisted: assisted.estimate,
        }
    });
    Series { daily, accuracy_weekly: accuracy_weekly.collect() }
}
