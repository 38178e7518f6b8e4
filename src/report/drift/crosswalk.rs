use super::{Noted, change};
use crate::{
    assess::assessment::{Assessment, CrossedGroup},
    report::{
        findings::DISCOVERY,
        texts::Texts,
        view::{Cell, Table},
    },
};

/// Sets of codes in the table, at least and at most; between the two, those that moved beyond chance.
const LISTED: (usize, usize) = (10, 40);
/// Codes named of a set.
const NAMED: usize = 8;

/// Drift from the nomenclature before, over sets of codes that can be compared.
pub(super) fn crosswalk(t: &Texts, a: &Assessment) -> Noted {
    let Some(found) = &a.drift.crosswalk else { return Noted::default() };
    let keys = [
        "drift.old",
        "drift.new",
        "col.label",
        "col.share_reference",
        "col.share_current",
        "col.difference",
        "col.contribution",
        "col.q",
    ];
    let names = [("from", found.from.as_str()), ("to", found.to.as_str())];
    let mut table = Table::new(t, "drift.crosswalk_table", 3, &keys);
    table.title = t.f("drift.crosswalk_table", &names);
    let moved = found.groups.iter().rposition(|group| group.drift.q_value <= DISCOVERY).map_or(0, |i| i + 1);
    let listed = moved.clamp(LISTED.0, LISTED.1).min(found.groups.len());
    table.rows = found.groups.iter().take(listed).map(|group| row(t, group)).collect();
    let p = found.verdict.p_value(found.drift.chi2.p_value);
    let values = [
        ("verdict", change(t, found.verdict.change).to_owned()),
        ("excess", t.pct_interval(&found.verdict.excess)),
        ("p", p.map(|p| t.p_phrase("p", p)).unwrap_or_default()),
        ("groups", t.int(found.groups.len() as u64)),
        ("unknown_reference", t.int(found.unknown_reference)),
        ("unknown_current", t.int(found.unknown_current)),
        ("from", found.from.clone()),
        ("to", found.to.clone()),
    ];
    let mut note = t.f("drift.crosswalk_note", &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    if found.groups.len() > listed {
        note.push(' ');
        note.push_str(&t.f("drift.more", &[("n", &t.int((found.groups.len() - listed) as u64))]));
    }
    Noted { table: Some(table), note }
}

fn row(t: &Texts, group: &CrossedGroup) -> Vec<Cell> {
    let drift = &group.drift;
    let muted = drift.q_value > DISCOVERY || drift.q_value.is_nan();
    let quiet = |cell: Cell| Cell { muted, ..cell };
    vec![
        quiet(codes(t, &group.old)),
        quiet(codes(t, &group.new)),
        quiet(Cell::text(&group.label)),
        quiet(Cell::number(t.share(drift.share_reference)).note(t.int(group.n_reference))),
        quiet(Cell::number(t.share(drift.share_current)).note(t.int(group.n_current))),
        quiet(Cell::number(t.points(drift.difference, 2)).note(t.interval_of(&group.effect.difference, 2))),
        quiet(Cell::number(t.pct(Some(drift.contribution)))),
        quiet(Cell::number(t.p_value(drift.q_value)).why(t.s("dash.no_test"))),
    ]
}

fn codes(t: &Texts, codes: &[String]) -> Cell {
    let named = codes.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match codes.len().saturating_sub(NAMED) {
        0 if codes.is_empty() => Cell::text(t.s("drift.no_code")),
        0 => Cell::text(named),
        more => Cell::text(named).note(t.f("drift.more_codes", &[("n", &t.int(more as u64))])),
    }
}
