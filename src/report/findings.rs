//! What stands out: short sentences that simple rules pick from the numbers. No rule computes a statistic.

use super::{
    strip::{self, deepest, level_name, overall, overlap},
    texts::Texts,
};
use crate::assess::assessment::Assessment;

/// Labels below which a code is not singled out.
const ENOUGH_LABELS: u64 = 30;
/// False discovery rate at which a code is said to have moved.
pub(crate) const DISCOVERY: f64 = 0.05;
/// How much slower than the period's p95 a day must be to be named.
const SLOW: f64 = 1.5;

/// One sentence, its subject first.
pub(crate) struct Finding {
    pub lead: String,
    pub text: String,
    /// `bad`, `good` or empty: colours the mark before it, the words say it too.
    pub tone: &'static str,
}

type Rule = fn(&Texts, &Assessment) -> Option<Finding>;

/// The sentences that hold, the most useful first.
pub(crate) fn findings(t: &Texts, a: &Assessment) -> Vec<Finding> {
    const RULES: [Rule; 9] = [naive, drift, mover, version, weak_code, confusion, weak_week, slow_day, errors];
    RULES.iter().filter_map(|rule| rule(t, a)).collect()
}

fn finding(t: &Texts, key: &str, tone: &'static str, values: &[(&str, &str)]) -> Finding {
    Finding { lead: t.s(&format!("find.{key}_lead")).to_owned(), text: t.f(&format!("find.{key}"), values), tone }
}

fn named(code: &str, label: &str) -> String {
    if label.is_empty() { code.to_owned() } else { format!("{code} ({label})") }
}

fn naive(t: &Texts, a: &Assessment) -> Option<Finding> {
    let row = &overall(a, deepest(a), "all")?.accuracy;
    let (point, naive) = (row.estimate.estimate?, row.naive?);
    if (naive - point).abs() <= strip::NAIVE_GAP {
        return None;
    }
    let key = if naive < point { "naive_low" } else { "naive_high" };
    Some(finding(t, key, "", &[("naive", &t.pct(Some(naive))), ("point", &t.pct(Some(point)))]))
}

fn drift(t: &Texts, a: &Assessment) -> Option<Finding> {
    let row = a.drift.label.iter().max_by_key(|row| row.level)?;
    let p = row.drift.chi2.p_value;
    if p.is_nan() {
        return None;
    }
    let (key, tone) = if p < 0.05 { ("drift", "bad") } else { ("no_drift", "good") };
    let values = [
        ("level", t.level_phrase(&row.level_name)),
        ("p", t.p_phrase("p", p)),
        ("measured", t.dec(row.drift.distances.total_variation, 3)),
        ("expected", t.dec(row.drift.null.total_variation, 3)),
    ];
    Some(finding(t, key, tone, &values.each_ref().map(|(k, v)| (*k, v.as_str()))))
}

fn mover(t: &Texts, a: &Assessment) -> Option<Finding> {
    let moved = a.drift.codes.iter().filter(|code| code.drift.q_value <= DISCOVERY);
    let n = moved.clone().count();
    let first = moved.max_by(|x, y| x.drift.contribution.total_cmp(&y.drift.contribution))?;
    let values = [
        ("code", named(&first.code, &first.label)),
        ("before", t.share(first.drift.share_reference)),
        ("after", t.share(first.drift.share_current)),
        ("points", t.points(first.drift.difference, 2)),
        ("q", t.p_phrase("q", first.drift.q_value)),
    ];
    let mut found = finding(t, "mover", "bad", &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    if n > 1 {
        found.text.push(' ');
        found.text.push_str(&t.f("find.movers", &[("n", &t.int(n as u64))]));
    }
    Some(found)
}

fn version(t: &Texts, a: &Assessment) -> Option<Finding> {
    let level = deepest(a);
    let [.., before, after] = a.scope.versions.as_slice() else { return None };
    let of = |version: &str| {
        let row = a.accuracy.by_version.iter().find(|row| row.level == level && row.version == version)?;
        Some((row.accuracy.estimate, row.accuracy.estimate.estimate?))
    };
    let ((old, p_old), (new, p_new)) = (of(before)?, of(after)?);
    let (key, tone) = match (overlap(&old, &new), p_new > p_old) {
        (true, _) => ("version_same", ""),
        (false, true) => ("version_better", "good"),
        (false, false) => ("version_worse", "bad"),
    };
    let values = [
        ("before", before.clone()),
        ("after", after.clone()),
        ("old", t.pct_interval(&old)),
        ("new", t.pct_interval(&new)),
        ("points", t.points(p_new - p_old, 1)),
    ];
    Some(finding(t, key, tone, &values.each_ref().map(|(k, v)| (*k, v.as_str()))))
}

fn weak_code(t: &Texts, a: &Assessment) -> Option<Finding> {
    let enough = a.accuracy.by_code.iter().filter(|code| code.n_labelled >= ENOUGH_LABELS);
    let worst = enough
        .filter_map(|code| Some((code, code.precision.upper?)))
        .min_by(|x, y| x.1.total_cmp(&y.1))
        .map(|(code, _)| code)?;
    let values = [
        ("code", named(&worst.code, &worst.label)),
        ("precision", t.pct_interval(&worst.precision)),
        ("labels", t.int(worst.n_labelled)),
        ("n", t.int(worst.n_predicted)),
    ];
    Some(finding(t, "weak_code", "bad", &values.each_ref().map(|(k, v)| (*k, v.as_str()))))
}

fn confusion(t: &Texts, a: &Assessment) -> Option<Finding> {
    let first = a.accuracy.confusions.iter().max_by(|x, y| x.weighted.total_cmp(&y.weighted))?;
    if first.n < 5 {
        return None;
    }
    let values = [
        ("predicted", named(&first.predicted, &first.predicted_label)),
        ("actual", named(&first.actual, &first.actual_label)),
        ("n", t.dec(first.weighted, 0)),
        ("share", t.pct(Some(first.share_of_predicted))),
    ];
    Some(finding(t, "confusion", "", &values.each_ref().map(|(k, v)| (*k, v.as_str()))))
}

fn weak_week(t: &Texts, a: &Assessment) -> Option<Finding> {
    let level = deepest(a);
    let whole = overall(a, level, "all")?.accuracy.estimate;
    let week = a
        .series
        .accuracy_weekly
        .iter()
        .filter(|week| week.level == level && week.route == "all" && week.accuracy.estimate.upper.is_some())
        .min_by(|x, y| x.accuracy.estimate.upper.unwrap_or(1.0).total_cmp(&y.accuracy.estimate.upper.unwrap_or(1.0)))?;
    let estimate = &week.accuracy.estimate;
    (estimate.upper? < whole.lower?).then(|| {
        let values = [
            ("week", t.day(&week.week)),
            ("accuracy", t.pct_interval(estimate)),
            ("whole", t.pct_interval(&whole)),
            ("level", level_name(t, a, level)),
        ];
        finding(t, "weak_week", "bad", &values.each_ref().map(|(k, v)| (*k, v.as_str())))
    })
}

fn slow_day(t: &Texts, a: &Assessment) -> Option<Finding> {
    let usual = a.latency.quantiles.p95?;
    let days = a.series.daily.iter().filter(|day| day.predictions >= 100);
    let (day, p95) = days.filter_map(|day| Some((day, day.p95?))).max_by(|x, y| x.1.total_cmp(&y.1))?;
    (p95 >= usual * SLOW).then(|| {
        let values = [("day", t.day(&day.day)), ("p95", t.ms(Some(p95))), ("usual", t.ms(Some(usual)))];
        finding(t, "slow_day", "bad", &values.each_ref().map(|(k, v)| (*k, v.as_str())))
    })
}

fn errors(t: &Texts, a: &Assessment) -> Option<Finding> {
    let rate = a.traffic.error_rate.filter(|rate| *rate >= 0.01 && a.traffic.errors >= 5)?;
    let (errors, rate) = (t.int(a.traffic.errors), t.pct(Some(rate)));
    Some(finding(t, "errors", "bad", &[("errors", &errors), ("rate", &rate)]))
}
