//! What came in and what became of it.

use super::{
    texts::Texts,
    view::{Cell, Table},
};
use crate::assess::assessment::Assessment;

/// Section 8.
pub(crate) struct Quality {
    pub intake: Option<Table>,
    pub reasons: Option<Table>,
    pub labels: Option<Table>,
}

impl Quality {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        Self { intake: intake(t, a), reasons: reasons(t, a), labels: labels(t, a) }
    }
}

fn intake(t: &Texts, a: &Assessment) -> Option<Table> {
    let keys = ["col.kind", "col.received", "col.accepted", "col.duplicate", "col.rejected"];
    let mut table = Table::new(t, "quality.intake", 1, &keys);
    let mut kinds: Vec<&str> = Vec::new();
    for row in &a.intake {
        if !kinds.contains(&row.kind.as_str()) {
            kinds.push(&row.kind);
        }
    }
    for kind in kinds {
        let of = |outcome: &str| -> u64 {
            a.intake.iter().filter(|row| row.kind == kind && row.outcome == outcome).map(|row| row.n).sum()
        };
        let received = a.intake.iter().filter(|row| row.kind == kind).map(|row| row.n).sum();
        table.rows.push(vec![
            Cell::text(t.word("kind", kind)),
            Cell::number(t.int(received)),
            Cell::number(t.int(of("accepted"))),
            Cell::number(t.int(of("duplicate"))),
            Cell::number(t.int(of("rejected"))),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn reasons(t: &Texts, a: &Assessment) -> Option<Table> {
    let mut table = Table::new(t, "quality.reasons", 2, &["col.kind", "col.reason", "col.lines"]);
    let mut rejected: Vec<_> = a.intake.iter().filter(|row| row.outcome == "rejected" && row.n > 0).collect();
    rejected.sort_by_key(|row| std::cmp::Reverse(row.n));
    for row in rejected {
        table.rows.push(vec![
            Cell::text(t.word("kind", &row.kind)),
            Cell::text(t.word("reason", &row.reason)),
            Cell::number(t.int(row.n)),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn labels(t: &Texts, a: &Assessment) -> Option<Table> {
    let c = &a.counts;
    let mut table = Table::new(t, "quality.labels", 1, &["col.state", "col.n"]);
    let states = [
        ("quality.labelled", c.labelled),
        ("quality.uncodable", c.uncodable),
        ("quality.retracted", c.retracted),
        ("quality.superseded", c.corrections_superseded),
        ("quality.orphans", c.orphans),
    ];
    table.rows = states.map(|(key, n)| vec![Cell::text(t.s(key)), Cell::number(t.int(n))]).to_vec();
    (c.corrections > 0).then_some(table)
}
