//! The headline figures, each with its interval and one line on what it means.

use super::{drift::judged, number::DASH, texts::Texts};
use crate::{
    assess::assessment::{Assessment, OverallAccuracy},
    measure::{assisted::Assisted, drift::verdict::Change},
};

/// How far the naive share must be from the estimate to be worth saying.
pub(crate) const NAIVE_GAP: f64 = 0.02;

/// One figure of the strip.
pub(crate) struct Headline {
    pub label: String,
    pub value: String,
    /// The interval or the expectation beside the value; empty for none.
    pub interval: String,
    pub bar: String,
    pub meaning: String,
    /// What a naive reader would have believed, or what chance would give; empty for none.
    pub aside: String,
    /// The aside asks for attention.
    pub alert: bool,
}

/// Accuracy of a route at a level, right at the first candidate.
pub(crate) fn overall<'a>(a: &'a Assessment, level: u32, route: &str) -> Option<&'a OverallAccuracy> {
    a.accuracy.overall.iter().find(|row| row.level == level && row.route == route && row.k == 1)
}

/// Model-assisted accuracy of a route; `None` where it says nothing but what the labels alone do. Of labels at the finest
/// level it is the accuracy there.
fn assisted<'a>(a: &'a Assessment, route: &str) -> Option<&'a Assisted> {
    let rows = a.accuracy.assisted.iter().filter(|row| row.version.is_none() && row.route == route && row.level == 0);
    rows.filter(|row| row.says_more()).map(|row| &row.assisted).find(|found| found.estimate.estimate.is_some())
}

/// The finest level that has an accuracy.
pub(crate) fn deepest(a: &Assessment) -> u32 {
    let named = u32::try_from(a.scope.nomenclature.levels.len()).unwrap_or(1).max(1);
    a.accuracy.overall.iter().map(|row| row.level).max().unwrap_or(named)
}

/// A level as sentences name it, by its rank.
pub(crate) fn level_name(t: &Texts, a: &Assessment, level: u32) -> String {
    let name = (level as usize).checked_sub(1).and_then(|i| a.scope.nomenclature.levels.get(i));
    t.level_phrase(name.map_or(format!("level_{level}").as_str(), String::as_str))
}

/// A level as tables name it, by its rank.
pub(crate) fn level_name_of(t: &Texts, a: &Assessment, level: u32) -> String {
    let name = (level as usize).checked_sub(1).and_then(|i| a.scope.nomenclature.levels.get(i));
    t.level(name.map_or(format!("level_{level}").as_str(), String::as_str))
}

pub(crate) fn headlines(t: &Texts, a: &Assessment) -> Vec<Headline> {
    let level = deepest(a);
    vec![
        predictions(t, a),
        automation(t, a),
        accuracy(t, a, level, "all"),
        accuracy(t, a, level, "auto"),
        drift(t, a),
        latency(t, a),
    ]
}

fn headline(t: &Texts, key: &str, value: String, meaning: String) -> Headline {
    Headline {
        label: t.s(key).to_owned(),
        value,
        interval: String::new(),
        bar: String::new(),
        meaning,
        aside: String::new(),
        alert: false,
    }
}

fn predictions(t: &Texts, a: &Assessment) -> Headline {
    let meaning = match a.traffic.error_rate {
        Some(rate) => {
            t.f("strip.predictions_meaning", &[("n", &t.int(a.traffic.errors)), ("rate", &t.pct(Some(rate)))])
        }
        None => t.s("strip.predictions_none").to_owned(),
    };
    headline(t, "strip.predictions", t.int(a.traffic.predictions), meaning)
}

/// Whether no prediction has a route.
pub(super) fn unrouted(a: &Assessment) -> bool {
    a.traffic.automation_rate.is_none() && a.traffic.predictions > a.traffic.errors
}

fn automation(t: &Texts, a: &Assessment) -> Headline {
    let traffic = &a.traffic;
    let meaning = match traffic.automation_rate {
        Some(_) => {
            t.f("strip.automation_meaning", &[("auto", &t.int(traffic.auto)), ("manual", &t.int(traffic.manual))])
        }
        None if unrouted(a) => t.s("strip.automation_unrouted").to_owned(),
        None => t.s("strip.automation_none").to_owned(),
    };
    headline(t, "strip.automation", t.pct(traffic.automation_rate), meaning)
}

fn accuracy(t: &Texts, a: &Assessment, level: u32, route: &str) -> Headline {
    let level_name = level_name(t, a, level);
    let row = overall(a, level, route).map(|row| row.accuracy).unwrap_or_default();
    let Some(point) = row.estimate.estimate else {
        let key = format!("strip.accuracy_{route}");
        let why = if row.n > 0 { "strip.accuracy_blind" } else { "strip.accuracy_none" };
        return headline(t, &key, DASH.to_owned(), t.s(why).to_owned());
    };
    let labels = t.int(row.n);
    let mut meaning = t.f(&format!("strip.accuracy_{route}_meaning"), &[("level", &level_name), ("labels", &labels)]);
    let helped = assisted(a, route).filter(|found| found.n == row.n);
    if helped.is_some() {
        let alone = [("point", t.pct(Some(point))), ("interval", t.interval(&row.estimate))];
        let alone = t.f("strip.assisted", &alone.each_ref().map(|(name, text)| (*name, text.as_str())));
        meaning = format!("{meaning}, {alone}");
    }
    let shown = helped.map_or(row.estimate, |found| found.estimate);
    let mut figure = headline(t, &format!("strip.accuracy_{route}"), t.pct(shown.estimate), meaning);
    figure.interval = t.interval(&shown);
    figure.bar = super::view::bar(&shown);
    if let Some(naive) = row.naive.filter(|naive| (naive - point).abs() > NAIVE_GAP) {
        figure.aside = t.f("strip.naive", &[("naive", &t.pct(Some(naive)))]);
        figure.alert = true;
    }
    figure
}

fn drift(t: &Texts, a: &Assessment) -> Headline {
    let Some((level, drift, verdict)) = judged(t, a) else {
        return headline(t, "strip.drift", DASH.to_owned(), t.s("strip.drift_none").to_owned());
    };
    let p = verdict.p_value(drift.chi2.p_value).map(|p| t.p_phrase("p", p)).unwrap_or_default();
    let key = match verdict.change {
        _ if p.is_empty() => "strip.drift_unknown",
        Change::None => "strip.drift_no",
        Change::RealButSmall => "strip.drift_small",
        Change::Real => "strip.drift_yes",
    };
    let meaning = t.f(key, &[("level", &level), ("p", &p)]);
    let mut figure = headline(t, "strip.drift", t.pct(verdict.excess.estimate), meaning);
    figure.interval = t.interval(&verdict.excess);
    let measured = t.dec(drift.distances.total_variation, 3);
    let expected = t.dec(drift.null.total_variation, 3);
    figure.alert = verdict.change == Change::Real;
    figure.aside = t.f("strip.drift_expected", &[("measured", &measured), ("expected", &expected)]);
    figure
}

fn latency(t: &Texts, a: &Assessment) -> Headline {
    let quantiles = &a.latency.quantiles;
    if quantiles.p95.is_none() {
        return headline(t, "strip.latency", DASH.to_owned(), t.s("strip.latency_none").to_owned());
    }
    let error = t.pct(Some(a.latency.relative_error));
    let meaning = t.f("strip.latency_meaning", &[("p50", &t.ms(quantiles.p50)), ("p99", &t.ms(quantiles.p99))]);
    let mut figure = headline(t, "strip.latency", t.ms(quantiles.p95), meaning);
    figure.interval = format!("±\u{a0}{error}");
    figure
}
