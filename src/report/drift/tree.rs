use std::collections::HashMap;

use super::Noted;
use crate::{
    assess::assessment::{Assessment, MovedNode},
    report::{
        strip::level_name_of,
        texts::Texts,
        view::{Cell, Table},
    },
};

/// Rows shown; the JSON twin has them all.
const SHOWN: usize = 60;

/// Codes and groups that moved within their parents, indented under those of their ancestors that moved as well.
pub(super) fn tree(t: &Texts, a: &Assessment) -> Noted {
    let Some(found) = &a.drift.tree else { return Noted::default() };
    let values = [
        ("moved", t.int(u64::from(found.splits_moved))),
        ("splits", t.int(u64::from(found.splits))),
        ("alpha", t.pct0(a.drift.alpha)),
    ];
    let say = |key: &str| t.f(key, &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    if found.nodes.is_empty() {
        return Noted { table: None, note: say("drift.tree_none") };
    }
    let keys = [
        "col.code",
        "col.label",
        "col.level",
        "drift.within",
        "drift.within_reference",
        "drift.within_current",
        "col.q",
    ];
    let mut table = Table::new(t, "drift.tree_table", 4, &keys);
    let mut depths: HashMap<&str, u32> = HashMap::new();
    for node in found.nodes.iter().take(SHOWN) {
        let depth = node.under.as_deref().and_then(|above| depths.get(above)).map_or(0, |above| above + 1);
        depths.insert(&node.code, depth);
        table.rows.push(row(t, a, node, depth));
    }
    let mut note = say("drift.tree_note");
    if found.nodes.len() > SHOWN {
        note.push(' ');
        note.push_str(&t.f("drift.more", &[("n", &t.int((found.nodes.len() - SHOWN) as u64))]));
    }
    Noted { table: Some(table), note }
}

fn row(t: &Texts, a: &Assessment, node: &MovedNode, indent: u32) -> Vec<Cell> {
    let share = |x: Option<f64>| Cell::number(t.share(x.unwrap_or(f64::NAN))).why(t.s("dash.no_predictions"));
    vec![
        Cell { indent, ..Cell::text(&node.code) },
        Cell::text(&node.label),
        Cell::text(level_name_of(t, a, node.level)),
        Cell::text(node.parent.as_deref().unwrap_or(t.s("drift.whole"))),
        share(node.within_reference).note(t.int(node.n_reference)),
        share(node.within_current).note(t.int(node.n_current)),
        Cell::number(t.p_value(node.q_value)),
    ]
}
