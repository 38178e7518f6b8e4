//! How the predicted codes' distribution differs from the reference, beside what chance alone would give.

mod attributes;
mod crosswalk;
mod tree;

use super::{
    Error, chart,
    chart::{drift::DISTANCES, palette::Ink},
    findings::DISCOVERY,
    header,
    texts::Texts,
    view::{Cell, Figure, Table},
};
use crate::{
    assess::assessment::{Assessment, CodeDrift, Judged, Verdict},
    measure::drift::{CategoricalDrift, PValueMethod, verdict::Change},
};

/// Codes in the chart of share changes.
const CHARTED: usize = 15;
/// Codes in the table, at least and at most; between the two, those that moved beyond chance.
const LISTED: (usize, usize) = (15, 60);

/// Dispersion of days from which it is worth a word.
const NOTABLE: f64 = 1.05;

/// Section 5.
pub(crate) struct Drift {
    pub compared: String,
    /// Whether anything could be compared.
    pub measured: bool,
    /// How large and whether it matters.
    pub verdicts: Noted,
    pub levels: Option<Figure>,
    pub table: Option<Table>,
    pub codes: Option<Figure>,
    pub code_table: Option<Table>,
    pub more: String,
    /// Across nomenclatures, where in the classification, and which attributes.
    pub moved: Vec<Noted>,
}

/// A table, if there are rows, and what is to be said of it, if anything.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub table: Option<Table>,
    pub note: String,
}

impl Drift {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let levels = chart::drift::against_null(t, &a.drift.label)?.map(|svg| Figure {
            title: t.s("drift.figure_null").to_owned(),
            svg,
            legend: vec![
                (Ink::Up.swatch(), t.s("drift.measured").to_owned()),
                (Ink::Null.swatch(), t.s("drift.expected").to_owned()),
            ],
            caption: t.s("drift.caption_null").to_owned(),
            wide: true,
        });
        let mut movers: Vec<_> = a.drift.codes.iter().filter(|code| code.drift.difference.is_finite()).collect();
        movers.sort_by(|x, y| y.drift.contribution.total_cmp(&x.drift.contribution));
        let mut charted: Vec<_> = movers.iter().copied().take(CHARTED).collect();
        charted.sort_by(|x, y| y.drift.difference.total_cmp(&x.drift.difference));
        let codes = chart::drift::movers(t, &charted)?.map(|svg| Figure {
            title: t.s("drift.figure_codes").to_owned(),
            svg,
            legend: vec![
                (Ink::Up.swatch(), t.s("drift.rose").to_owned()),
                (Ink::Down.swatch(), t.s("drift.fell").to_owned()),
            ],
            caption: t.s("drift.caption_codes").to_owned(),
            wide: true,
        });
        let hidden = movers.len() - listed(&movers);
        let more = if hidden > 0 { t.f("drift.more", &[("n", &t.int(hidden as u64))]) } else { String::new() };
        Ok(Self {
            compared: compared(t, a),
            measured: judged(t, a).is_some(),
            levels,
            table: table(t, a),
            codes,
            code_table: code_table(t, &movers),
            more,
            verdicts: verdicts(t, a),
            moved: vec![crosswalk::crosswalk(t, a), tree::tree(t, a), attributes::attributes(t, a)],
        })
    }
}

fn compared(t: &Texts, a: &Assessment) -> String {
    let label = a.drift.label.first().map(|row| (row.n_reference, row.n_current));
    let crossed = a.drift.crosswalk.as_ref().map(|found| (found.n_reference, found.n_current));
    match (&a.scope.reference, label.or(crossed)) {
        (Some(reference), Some((n_reference, n_current))) => t.f(
            "drift.compared",
            &[
                ("current", &t.period(&reference.current)),
                ("reference", &t.period(&reference.period)),
                ("n_current", &t.int(n_current)),
                ("n_reference", &t.int(n_reference)),
            ],
        ),
        (Some(_), None) => header::no_reference(t, a, ""),
        (None, _) => t.s("drift.none").to_owned(),
    }
}

/// The drift that stands for all in a sentence: at the finest level, else across nomenclatures; and what to call it.
pub(crate) fn judged<'a>(t: &Texts, a: &'a Assessment) -> Option<(String, &'a CategoricalDrift, &'a Verdict)> {
    if let Some(row) = a.drift.label.iter().max_by_key(|row| row.level) {
        return Some((t.level_phrase(&row.level_name), &row.drift, &row.verdict));
    }
    let found = a.drift.crosswalk.as_ref()?;
    let name = t.f("level.crossing", &[("from", &found.from), ("to", &found.to)]);
    Some((name, &found.drift, &found.verdict))
}

/// What a change is worth, in words.
pub(crate) fn change(t: &Texts, change: Change) -> &str {
    match change {
        Change::None => t.s("drift.change_none"),
        Change::RealButSmall => t.s("drift.change_small"),
        Change::Real => t.s("drift.change_real"),
    }
}

fn verdicts(t: &Texts, a: &Assessment) -> Noted {
    let keys = ["col.level", "drift.verdict", "drift.excess", "drift.p_rows", "drift.p_days"];
    let mut table = Table::new(t, "drift.verdict_table", 2, &keys);
    for row in &a.drift.label {
        let between = row.verdict.dispersion.filter(|x| *x >= NOTABLE);
        let factor = between.map(|x| t.f("drift.factor", &[("x", &t.dec(x, 1))])).unwrap_or_default();
        let p = |p: f64| Cell::number(t.p_value(p)).why(t.s("dash.no_test"));
        let by_days = row.verdict.judged_by == Judged::Days;
        table.rows.push(vec![
            Cell::text(t.level(&row.level_name)),
            Cell::text(change(t, row.verdict.change)),
            Cell::number(t.pct(row.verdict.excess.estimate))
                .note(t.interval(&row.verdict.excess))
                .why(t.s("dash.no_test")),
            Cell { muted: by_days, ..p(row.drift.chi2.p_value) },
            Cell { muted: !by_days, ..p(row.verdict.p_value_days.unwrap_or(f64::NAN)) }.note(factor),
        ]);
    }
    if table.rows.is_empty() {
        return Noted::default();
    }
    let values = [("alpha", t.pct0(a.drift.alpha)), ("least", t.pct(Some(a.drift.least)))];
    let note = t.f("drift.verdict_note", &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    Noted { table: Some(table), note }
}

fn table(t: &Texts, a: &Assessment) -> Option<Table> {
    let keys = [
        "col.level",
        "col.categories",
        "drift.tv",
        "drift.hellinger",
        "drift.js",
        "drift.psi",
        "col.chi2",
        "col.p",
        "col.p_g",
        "col.p_method",
    ];
    let mut table = Table::new(t, "drift.table", 1, &keys);
    for row in &a.drift.label {
        let drift = &row.drift;
        let method = match drift.p_value_method {
            PValueMethod::Asymptotic => "p_method.asymptotic",
            PValueMethod::Permutation => "p_method.permutation",
        };
        let mut cells = vec![Cell::text(t.level(&row.level_name)), Cell::number(t.int(u64::from(drift.categories)))];
        for (_, of) in DISTANCES {
            let expected = t.f("drift.expected_short", &[("x", &t.distance(of(&drift.null)))]);
            cells.push(Cell::number(t.distance(of(&drift.distances))).note(expected).why(t.s("dash.no_test")));
        }
        let df = t.f("drift.df", &[("df", &t.int(u64::from(drift.chi2.df)))]);
        cells.push(Cell::number(t.dec(drift.chi2.statistic, 1)).note(df).why(t.s("dash.no_test")));
        cells.push(Cell::number(t.p_value(drift.chi2.p_value)).why(t.s("dash.no_test")));
        cells.push(Cell::number(t.p_value(drift.g.p_value)).why(t.s("dash.no_test")));
        cells.push(Cell { muted: true, ..Cell::number(t.s(method)) });
        table.rows.push(cells);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// How many of the movers the table lists; the JSON twin has them all.
fn listed(movers: &[&CodeDrift]) -> usize {
    let moved = movers.iter().rposition(|code| code.drift.q_value <= DISCOVERY).map_or(0, |i| i + 1);
    moved.clamp(LISTED.0, LISTED.1).min(movers.len())
}

fn code_table(t: &Texts, movers: &[&CodeDrift]) -> Option<Table> {
    let keys = [
        "col.code",
        "col.label",
        "col.share_reference",
        "col.share_current",
        "col.difference",
        "col.contribution",
        "col.p",
        "col.q",
    ];
    let mut table = Table::new(t, "drift.code_table", 2, &keys);
    for code in movers.iter().take(listed(movers)) {
        let drift = &code.drift;
        let muted = drift.q_value > DISCOVERY || drift.q_value.is_nan();
        let quiet = |cell: Cell| Cell { muted, ..cell };
        table.rows.push(vec![
            quiet(Cell::text(&code.code)),
            quiet(Cell::text(&code.label)),
            quiet(Cell::number(t.share(drift.share_reference)).note(t.int(code.n_reference))),
            quiet(Cell::number(t.share(drift.share_current)).note(t.int(code.n_current))),
            quiet(Cell::number(t.points(drift.difference, 2)).note(t.interval_of(&code.effect.difference, 2))),
            quiet(Cell::number(t.pct(Some(drift.contribution)))),
            quiet(Cell::number(t.p_value(drift.p_value)).why(t.s("dash.no_test"))),
            quiet(Cell::number(t.p_value(drift.q_value)).why(t.s("dash.no_test"))),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}
