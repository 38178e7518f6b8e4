//! What stands out: short sentences that simple rules pick from the numbers. No rule computes a statistic.

use super::{
    drift::judged,
    emerging::merged,
    strip::{self, deepest, level_name, overall},
    texts::Texts,
};
use crate::{
    assess::assessment::{Assessment, Judged},
    measure::{comparison::Verdict, drift::verdict::Change},
};

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
    const RULES: [Rule; 11] =
        [naive, drift, mover, attribute, emerging, version, weak_code, confusion, weak_week, slow_day, errors];
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
    let (level, drift, verdict) = judged(t, a)?;
    let p = verdict.p_value(drift.chi2.p_value)?;
    let (key, tone) = match (verdict.change, verdict.judged_by) {
        (Change::Real, _) => ("drift", "bad"),
        (Change::RealButSmall, _) => ("drift_small", ""),
        (Change::None, Judged::Days) => ("no_drift_days", "good"),
        (Change::None, Judged::Rows) => ("no_drift", "good"),
    };
    let values = [
        ("level", level),
        ("p", t.p_phrase("p", p)),
        ("excess", t.pct_interval(&verdict.excess)),
        ("measured", t.dec(drift.distances.total_variation, 3)),
        ("expected", t.dec(drift.null.total_variation, 3)),
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

/// A new form, or another channel, shows in the attributes first.
fn attribute(t: &Texts, a: &Assessment) -> Option<Finding> {
    let moved: Vec<_> = a.drift.attributes.iter().filter(|one| one.q_value <= DISCOVERY).collect();
    let first = moved.first()?;
    let value = first.values.first()?;
    let name = match &value.value {
        Some(value) => format!("{} = {value}", first.attribute),
        None => format!("{} {}", first.attribute, t.s("drift.no_value")),
    };
    let values = [
        ("name", name),
        ("before", t.share(value.drift.share_reference)),
        ("after", t.share(value.drift.share_current)),
        ("points", t.points(value.drift.difference, 2)),
        ("q", t.p_phrase("q", first.q_value)),
    ];
    let mut found = finding(t, "attribute", "bad", &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    if moved.len() > 1 {
        found.text.push(' ');
        found.text.push_str(&t.f("find.attributes", &[("n", &t.int(moved.len() as u64))]));
    }
    Some(found)
}

/// Terms named in a sentence.
const NAMED_TERMS: usize = 5;

fn emerging(t: &Texts, a: &Assessment) -> Option<Finding> {
    let terms = merged(&a.emerging);
    let named = terms.iter().take(NAMED_TERMS).filter_map(|kinds| kinds.first());
    let quoted: Vec<String> = named.map(|one| t.f("find.emerging_quote", &[("term", &one.term)])).collect();
    (!quoted.is_empty()).then(|| Finding {
        lead: t.s("find.emerging_lead").to_owned(),
        text: t.count("find.emerging", terms.len() as u64, &[("terms", &quoted.join(", "))]),
        tone: "bad",
    })
}

/// On one mix of codes where that can be said.
fn version(t: &Texts, a: &Assessment) -> Option<Finding> {
    let v = a.versions.as_ref()?;
    let one_mix = &v.standardised.difference;
    let (difference, how) = match one_mix.estimate {
        Some(_) => (one_mix, "versions.how_one_mix"),
        None => (&v.plain, "versions.how_plain"),
    };
    let (estimate, lower, upper) = (difference.estimate?, difference.lower?, difference.upper?);
    let (key, tone) = match difference.verdict() {
        Some(Verdict::Helped) => ("found_better", "good"),
        Some(Verdict::Hurt) => ("found_worse", "bad"),
        None => ("found_same", ""),
    };
    let values = [
        ("before", v.before.clone()),
        ("after", v.after.clone()),
        ("points", t.points(estimate, 1)),
        ("low", t.points(lower, 1)),
        ("high", t.points(upper, 1)),
        ("how", t.s(how).to_owned()),
    ];
    let text = t.f(&format!("versions.{key}"), &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    Some(Finding { lead: t.s(&format!("versions.{key}_lead")).to_owned(), text, tone })
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
