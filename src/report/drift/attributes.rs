use super::Noted;
use crate::{
    assess::assessment::{Assessment, ValueDrift},
    report::{
        findings::DISCOVERY,
        texts::Texts,
        view::{Cell, Table},
    },
};

/// Attributes and values of each that are shown; the JSON twin has more.
const SHOWN: (usize, usize) = (8, 6);

/// Attributes whose values are no longer spread as they were.
pub(super) fn attributes(t: &Texts, a: &Assessment) -> Noted {
    let all = &a.drift.attributes;
    if all.is_empty() {
        return Noted::default();
    }
    let keys =
        ["drift.attribute", "drift.value", "col.share_reference", "col.share_current", "col.difference", "col.q"];
    let mut table = Table::new(t, "drift.attribute_table", 2, &keys);
    for moved in all.iter().filter(|one| one.q_value <= DISCOVERY).take(SHOWN.0) {
        for (i, value) in moved.values.iter().take(SHOWN.1).enumerate() {
            let name = match i {
                0 => Cell::text(&moved.attribute).note(t.p_phrase("q", moved.q_value)),
                _ => Cell::text(""),
            };
            table.rows.push(row(t, name, value));
        }
    }
    let n = t.int(all.len() as u64);
    let key = if table.rows.is_empty() { "drift.attribute_none" } else { "drift.attribute_note" };
    Noted { note: t.f(key, &[("n", &n)]), table: (!table.rows.is_empty()).then_some(table) }
}

fn row(t: &Texts, name: Cell, value: &ValueDrift) -> Vec<Cell> {
    let drift = &value.drift;
    let muted = drift.q_value > DISCOVERY || drift.q_value.is_nan();
    let quiet = |cell: Cell| Cell { muted, ..cell };
    vec![
        name,
        quiet(Cell::text(value.value.as_deref().unwrap_or(t.s("drift.no_value")))),
        quiet(Cell::number(t.share(drift.share_reference)).note(t.int(value.n_reference))),
        quiet(Cell::number(t.share(drift.share_current)).note(t.int(value.n_current))),
        quiet(Cell::number(t.points(drift.difference, 2))),
        quiet(Cell::number(t.p_value(drift.q_value)).why(t.s("dash.no_test"))),
    ]
}
