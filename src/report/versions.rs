//! The last version against the one before it: did it help, and where did it hurt?

use super::{
    number::DASH,
    texts::Texts,
    view::{Cell, Table},
};
use crate::{
    assess::assessment::{Assessment, CodeShare, VersionChange, Versions as Compared},
    measure::comparison::{Difference, Verdict},
};

/// Codes listed that were hurt, and as many that were helped; the JSON twin has them all.
const LISTED: usize = 15;

/// A part of the accuracy section.
pub(crate) struct Versions {
    pub lead: String,
    pub table: Table,
    pub note: String,
    pub codes: Option<Table>,
    /// Under the codes, or in their place.
    pub codes_note: String,
}

impl Versions {
    /// `None` with fewer than two versions, or where one has no label.
    pub fn new(t: &Texts, a: &Assessment) -> Option<Self> {
        let v = a.versions.as_ref().filter(|v| v.n_before > 0 && v.n_after > 0)?;
        let hidden = v.codes.len().saturating_sub(listed(v).count());
        let rate = t.pct0(v.false_discovery_rate);
        let mut codes_note = match v.codes.len() {
            0 => t.f("versions.codes_none", &[("rate", &rate)]),
            _ => t.f("versions.codes_note", &[("rate", &rate)]),
        };
        if hidden > 0 {
            codes_note.push(' ');
            codes_note.push_str(&t.f("versions.more", &[("n", &t.int(hidden as u64))]));
        }
        Some(Self {
            lead: lead(t, a, v),
            table: table(t, v),
            note: t.s("versions.note").to_owned(),
            codes: codes(t, v),
            codes_note,
        })
    }
}

fn lead(t: &Texts, a: &Assessment, v: &Compared) -> String {
    let of = |version: &str, labels: u64| {
        let days = a.traffic.by_version.iter().find(|row| row.version == version);
        let days = days.map_or_else(
            || DASH.to_owned(),
            |row| {
                let (from, to) = (row.first_day.clone(), row.last_day.clone());
                t.period(&crate::assess::assessment::Period { from, to })
            },
        );
        t.count("versions.one", labels, &[("version", version), ("days", &days)])
    };
    t.f("versions.lead", &[("after", &of(&v.after, v.n_after)), ("before", &of(&v.before, v.n_before))])
}

/// What the interval leaves no doubt of, in words.
fn verdict(t: &Texts, difference: &Difference) -> Cell {
    let key = match (difference.verdict(), difference.estimate) {
        (Some(Verdict::Helped), _) => "versions.better",
        (Some(Verdict::Hurt), _) => "versions.worse",
        (None, Some(_)) => "versions.open",
        (None, None) => return Cell::text(DASH).why(t.s("versions.unsaid")),
    };
    Cell::text(t.s(key))
}

fn table(t: &Texts, v: &Compared) -> Table {
    let title = [("after", v.after.as_str()), ("before", v.before.as_str())];
    let columns = ["versions.comparison", "col.difference", "versions.verdict"];
    let mut table = Table::new(t, "versions.table", 1, &columns);
    table.title = t.f("versions.table", &title);
    if let Some(head) = table.head.last_mut() {
        head.number = false;
    }
    let mut row = |what: String, note: String, difference: &Difference| {
        table.rows.push(vec![Cell::text(what).note(note), points(t, difference), verdict(t, difference)]);
    };
    row(t.s("versions.plain").to_owned(), String::new(), &v.plain);
    let one_mix = &v.standardised;
    if let Some(level) = &one_mix.level_name {
        let note = if one_mix.uncovered > 0.0 {
            t.f("versions.uncovered", &[("share", &t.pct(Some(one_mix.uncovered)))])
        } else {
            String::new()
        };
        row(t.f("versions.one_mix", &[("level", &t.level(level))]), note, &one_mix.difference);
    }
    row(t.s("versions.assisted").to_owned(), String::new(), &v.assisted);
    if let Some(pairs) = &v.paired {
        let (before, after) = (t.int(pairs.only_before), t.int(pairs.only_after));
        let p = t.p_phrase("p", pairs.p_value);
        let note = t.f("versions.pairs", &[("before", &before), ("after", &after), ("p", &p)]);
        row(t.count("versions.paired", pairs.texts, &[]), note, &pairs.difference);
    }
    table
}

/// A difference in points with its interval.
fn points(t: &Texts, difference: &Difference) -> Cell {
    let Some(estimate) = difference.estimate else {
        return Cell::number(DASH).why(t.s("versions.unsaid"));
    };
    let cell = Cell::number(t.points(estimate, 1));
    match (difference.lower, difference.upper) {
        (Some(lower), Some(upper)) => cell.note(bounds(t, lower, upper)),
        _ => cell,
    }
}

fn bounds(t: &Texts, lower: f64, upper: f64) -> String {
    let signed = |x: f64| {
        let text = t.dec(100.0 * x, 1);
        if x > 0.0 { format!("+{text}") } else { text }
    };
    t.f("versions.bounds", &[("low", &signed(lower)), ("high", &signed(upper))])
}

/// What was hurt first: it asks for something to be done.
fn listed(v: &Compared) -> impl Iterator<Item = &VersionChange> {
    let of = |verdict| v.codes.iter().filter(move |code| code.verdict == verdict).take(LISTED);
    of(Verdict::Hurt).chain(of(Verdict::Helped))
}

/// `None` where no code changed beyond chance.
fn codes(t: &Texts, v: &Compared) -> Option<Table> {
    let columns = [
        "col.code",
        "col.label",
        "col.level",
        "versions.share",
        "versions.before",
        "versions.after",
        "col.difference",
        "col.q",
    ];
    let mut table = Table::new(t, "versions.codes", 4, &columns);
    let share = |estimate, n| Cell::number(t.pct(estimate)).note(t.int(n));
    for code in listed(v) {
        table.rows.push(vec![
            Cell::text(&code.code),
            Cell::text(&code.label),
            Cell::text(t.level(&code.level_name)),
            Cell::text(what(t, code)),
            share(code.before.estimate, code.n_before),
            share(code.after.estimate, code.n_after),
            points(t, &code.difference),
            Cell::number(t.p_value(code.q_value)),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn what(t: &Texts, code: &VersionChange) -> String {
    let key = match (code.share, code.verdict) {
        (CodeShare::Precision, Verdict::Helped) => "versions.precision_helped",
        (CodeShare::Precision, Verdict::Hurt) => "versions.precision_hurt",
        (CodeShare::Recall, Verdict::Helped) => "versions.recall_helped",
        (CodeShare::Recall, Verdict::Hurt) => "versions.recall_hurt",
    };
    t.s(key).to_owned()
}
