//! What rang day by day, each alarm with the evidence for it.

use super::{number::DASH, texts::Texts};
use crate::{
    assess::assessment::{Alarm, AlarmKind, Assessment, Carrier, Classical, Evidence},
    measure::sequential::share::MOST,
};

/// Alarms shown; the JSON twin has them all.
const SHOWN: usize = 40;
/// Days of a classical detector that are named.
const DAYS: usize = 6;

/// Section 1.
pub(crate) struct Alarms {
    pub lead: String,
    /// Those that are heard on the last day, then the others.
    pub groups: Vec<Group>,
    pub classical: Vec<String>,
    pub more: String,
}

/// Alarms under one heading.
pub(crate) struct Group {
    pub title: String,
    /// What the reader must know of them; may be empty.
    pub note: &'static str,
    pub rows: Vec<Row>,
}

/// One alarm.
pub(crate) struct Row {
    pub first_day: String,
    pub subject: String,
    /// Level or attribute, where the subject does not say it.
    pub aside: String,
    pub shares: String,
    pub since: String,
    pub change: String,
    pub interval: String,
    /// Term and its lines.
    pub details: Vec<(&'static str, Vec<String>)>,
    pub examples: Vec<String>,
    pub query: String,
    pub tone: &'static str,
    pub open: bool,
}

impl Alarms {
    pub fn new(t: &'static Texts, a: &Assessment) -> Self {
        let found = &a.alarms;
        // the newest first
        let mut order: Vec<&Alarm> = found.raised.iter().collect();
        order.sort_by(|x, y| y.first_day.cmp(&x.first_day));
        let (heard, past): (Vec<&Alarm>, Vec<&Alarm>) = order.into_iter().partition(|alarm| alarm.stands);
        let shown = [
            ("alarms.heard", "", &heard, SHOWN),
            ("alarms.past", t.s("alarms.past_note"), &past, SHOWN.saturating_sub(heard.len())),
        ];
        let groups = shown.into_iter().filter(|(_, _, alarms, room)| !alarms.is_empty() && *room > 0);
        let groups = groups.map(|(title, note, alarms, room)| Group {
            title: t.count(title, alarms.len() as u64, &[]),
            note,
            rows: alarms.iter().take(room).map(|alarm| row(t, a, alarm)).collect(),
        });
        let mut groups: Vec<Group> = groups.collect();
        // one open row shows that the others open, too
        if let Some(first) = groups.first_mut().and_then(|group| group.rows.first_mut()) {
            first.open = true;
        }
        let hidden = found.raised.len().saturating_sub(SHOWN) as u64;
        Alarms {
            lead: lead(t, a),
            groups,
            classical: found.classical.iter().map(|c| classical(t, c)).collect(),
            more: if hidden > 0 { t.f("alarms.more", &[("n", &t.int(hidden))]) } else { String::new() },
        }
    }
}

fn lead(t: &Texts, a: &Assessment) -> String {
    let found = &a.alarms;
    let raised = found.raised.len() as u64;
    let values = [("watched", t.int(found.watched)), ("looks", t.int(found.looks)), ("rate", t.pct0(found.alpha))];
    let values = values.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mut lead = match (found.looks, raised) {
        (0, _) => t.s("alarms.no_reference").to_owned(),
        (_, 0) => t.f("alarms.none", &values),
        _ => t.count("alarms.lead", raised, &values),
    };
    if found.explained > 0 {
        lead.push(' ');
        lead.push_str(&t.count("alarms.explained", found.explained, &[]));
    }
    lead
}

fn classical(t: &Texts, found: &Classical) -> String {
    let days: Vec<String> = found.days.iter().take(DAYS).map(|day| brief(t, day)).collect();
    let more = found.days.len().saturating_sub(DAYS) as u64;
    let mut days = if days.is_empty() { t.s("alarms.classical_silent").to_owned() } else { days.join(", ") };
    if more > 0 {
        days.push_str(&t.count("alarms.classical_more", more, &[]));
    }
    let name = t.word("detector", found.detector.as_str());
    t.f("alarms.classical_row", &[("name", &name), ("route", &t.route(&found.route)), ("days", &days)])
}

fn row(t: &'static Texts, a: &Assessment, alarm: &Alarm) -> Row {
    let (subject, aside) = match (alarm.kind, &alarm.value) {
        (AlarmKind::Accuracy, _) => (t.s("alarms.accuracy").to_owned(), t.route(&alarm.subject)),
        (AlarmKind::AttributeShare, value) => (
            format!("{} = {}", alarm.subject, value.as_deref().unwrap_or_default()),
            t.s("alarms.attribute").to_owned(),
        ),
        (AlarmKind::ActualShare, _) => (named(&alarm.subject, &alarm.label), t.s("alarms.actual").to_owned()),
        (AlarmKind::CodeErrors, route) => {
            let route = route.as_deref().unwrap_or_default();
            (named(&alarm.subject, &alarm.label), t.f("alarms.errors", &[("route", &t.route(route))]))
        }
        (AlarmKind::CodeShare, _) => (named(&alarm.subject, &alarm.label), coarse(t, a, alarm.level)),
    };
    let number = |x: Option<f64>| match alarm.kind {
        AlarmKind::Accuracy | AlarmKind::CodeErrors => t.pct(x),
        _ => x.map_or_else(|| DASH.to_owned(), |x| t.share(x)),
    };
    Row {
        first_day: brief(t, &alarm.first_day),
        subject,
        aside,
        shares: format!("{} → {}", number(alarm.reference.estimate), number(alarm.current.estimate)),
        since: t.f("alarms.since", &[("since", &brief(t, &alarm.since))]),
        change: alarm.difference.estimate.map_or_else(|| DASH.to_owned(), |x| t.points(x, 2)),
        interval: t.points_bracket(&alarm.difference, 2),
        details: details(t, alarm),
        examples: alarm.evidence.examples.clone(),
        query: alarm.evidence.query.clone(),
        tone: if matches!(alarm.kind, AlarmKind::Accuracy | AlarmKind::CodeErrors) && alarm.stands {
            "bad"
        } else {
            ""
        },
        open: false,
    }
}

/// The name of a level that is not the finest.
fn coarse(t: &Texts, a: &Assessment, level: Option<u32>) -> String {
    let names = &a.scope.nomenclature.levels;
    let rank = level.map_or(0, |level| level as usize);
    let name = rank.checked_sub(1).and_then(|at| names.get(at)).filter(|_| rank < names.len());
    name.map_or_else(String::new, |name| t.level(name))
}

fn brief(t: &Texts, day: &str) -> String {
    day.parse().map_or_else(|_| day.to_owned(), |date| t.day_brief(date))
}

fn details(t: &'static Texts, alarm: &Alarm) -> Vec<(&'static str, Vec<String>)> {
    let Evidence { codes, versions, attributes, terms, humans_say, .. } = &alarm.evidence;
    let days = t.f("alarms.days", &[("since", &t.day(&alarm.since)), ("first", &t.day(&alarm.first_day))]);
    let rows = t.f("alarms.rows", &[("reference", &t.int(alarm.n_reference)), ("current", &t.int(alarm.n_current))]);
    let each = |carriers: &[Carrier]| carriers.iter().map(|c| carrier(t, c)).collect::<Vec<_>>();
    let human = |c: &Carrier| {
        let n = t.int(c.n);
        t.f("alarms.human", &[("share", &t.pct(c.share_current)), ("name", &named(&c.name, &c.label)), ("n", &n)])
    };
    let given = alarm.kind == AlarmKind::ActualShare;
    let codes_say = if given { codes.iter().map(human).collect() } else { each(codes) };
    [
        (if given { "alarms.detail_predicted" } else { "alarms.detail_codes" }, codes_say),
        ("alarms.detail_humans", humans_say.iter().map(human).collect()),
        ("alarms.detail_versions", if versions.len() > 1 { each(versions) } else { Vec::new() }),
        ("alarms.detail_attributes", each(attributes)),
        ("alarms.detail_terms", if terms.is_empty() { Vec::new() } else { vec![terms.join(", ")] }),
        ("alarms.detail_days", vec![days]),
        ("alarms.detail_evidence", vec![strength(t, alarm.e_value), rows]),
    ]
    .into_iter()
    .filter(|(_, lines)| !lines.is_empty())
    .filter_map(|(key, lines)| Some((t.find(key)?, lines)))
    .collect()
}

fn strength(t: &Texts, e: f64) -> String {
    // where the figure stops
    if e >= MOST.exp() * 0.99 {
        return t.f("alarms.beyond", &[("e", &t.int(70_000_000_000))]);
    }
    if e < 10.0 {
        return t.f("alarms.e_value", &[("e", &t.dec(e, 1))]);
    }
    // two digits say all there is to say
    let unit = 10_f64.powf(e.log10().floor() - 1.0);
    t.f("alarms.e_value", &[("e", &t.dec((e / unit).round() * unit, 0))])
}

fn named(name: &str, label: &str) -> String {
    if label.is_empty() { name.to_owned() } else { format!("{name} {label}") }
}

fn carrier(t: &Texts, c: &Carrier) -> String {
    let name = named(&c.name, &c.label);
    let share = |x: Option<f64>| x.map_or_else(|| DASH.to_owned(), |x| t.share(x));
    t.f("alarms.carrier", &[("name", &name), ("before", &share(c.share_reference)), ("after", &share(c.share_current))])
}
