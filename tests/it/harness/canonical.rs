//! Facts in a form that two runs can compare.

use std::{collections::BTreeMap, path::Path};

use vigie::{
    event::{Route, SeriesId, Symbol, Symbols, Weight},
    fact::{Cell, Facts, Moments, Opinions, PageKey, Specimen},
    ingest::{Admission, Policies, Row},
    pipeline::{NomenclatureBook, Tabulator},
    store::{Memory, Selection, Store},
};

/// Facts with every symbol as its text, so that two runs that met the texts in another order are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonical {
    pub counts: BTreeMap<String, i64>,
    pub moments: BTreeMap<String, (i64, i64, i64, i128, i64, i64)>,
    /// (kind, outcome, reason).
    pub intake: BTreeMap<(String, String, String), i64>,
    /// errors, labelled, uncodable, retracted, superseded, orphans
    pub standing: [i64; 6],
}

impl Canonical {
    pub fn of(facts: &Facts, symbols: &Symbols) -> Self {
        let mut made = Canonical::default();
        let counts = facts.counts.iter().flat_map(|(page, cells)| cells.iter().map(|(at, n)| (*page, [*at, 0, 0], *n)));
        for (page, at, n) in counts.filter(|(.., n)| *n != 0) {
            let cell = Cell::from_key(page, at).expect("a key that was made from a cell");
            assert_eq!(made.counts.insert(name(cell, symbols), n), None, "one cell twice");
        }
        let moments = facts.moments.iter().flat_map(|(page, cells)| cells.iter().map(|(at, m)| (*page, *at, *m)));
        for (page, at, m) in moments.filter(|(.., m)| !m.is_zero()) {
            let cell = Cell::from_key(page, at).expect("a key that was made from a cell");
            let Moments { n, unweighted, w, w2, wx, wxx } = m;
            let twice = made.moments.insert(name(cell, symbols), (n.into(), unweighted.into(), w, w2.into(), wx, wxx));
            assert_eq!(twice, None, "one cell twice");
        }
        let specimens = facts.specimens.iter().flat_map(|(page, rows)| rows.iter().map(|(one, n)| (*page, one, *n)));
        for (page, specimen, n) in specimens.filter(|(.., n)| *n != 0) {
            assert_eq!(made.counts.insert(row(page, specimen, symbols), n), None, "one row twice");
        }
        let opinions = facts.opinions.iter().flat_map(|(page, rows)| rows.iter().map(|(one, n)| (*page, one, *n)));
        for (page, opinions, n) in opinions.filter(|(.., n)| *n != 0) {
            assert_eq!(made.counts.insert(said(page, opinions, symbols), n), None, "one row twice");
        }
        let l = &facts.ledger;
        for row in l.intake().filter(|r| r.n != 0) {
            made.intake.insert((row.kind.into(), row.outcome.into(), row.reason.into()), row.n);
        }
        made.standing = [l.errors, l.labelled, l.uncodable, l.retracted, l.superseded, l.orphans];
        made
    }

    /// Everything that a store holds.
    pub fn of_store(store: &Store) -> Self {
        let symbols = store.symbols().expect("symbols");
        let series: Vec<SeriesId> = symbols.all_series().map(|(id, _)| id).collect();
        let whole = Selection { series, hours: vec![(0, (1 << 21) - 1)], most_specimens: None };
        Canonical::of(&store.facts(&whole).expect("facts"), &symbols)
    }

    pub fn of_data(dir: &Path) -> Self {
        Canonical::of_store(&Store::open(&dir.join("store")).expect("the store opens"))
    }

    /// Rows from memory, in one go.
    pub fn tabulated<'a>(lines: impl IntoIterator<Item = &'a [u8]>, policies: &Policies) -> Self {
        let admission = Admission::new(Symbols::default(), policies.clone());
        let mut tabulator = Tabulator::new(admission, policies.clone(), NomenclatureBook::default());
        let mut state = Memory::default();
        for line in lines {
            tabulator.take(&mut state, &Row::Line(line), None).expect("memory does not fail");
        }
        Canonical::of(&tabulator.take_facts(), &tabulator.admission.symbols)
    }

    /// Events of a kind with an outcome.
    pub fn total(&self, kind: &str, outcome: &str) -> i64 {
        self.intake.iter().filter(|((k, o, _), _)| k == kind && o == outcome).map(|(_, n)| n).sum()
    }

    /// Facts of another part of the same stream.
    pub fn add(&mut self, other: &Canonical) {
        for (cell, n) in &other.counts {
            *self.counts.entry(cell.clone()).or_default() += n;
        }
        for (cell, m) in &other.moments {
            let sum = self.moments.entry(cell.clone()).or_default();
            *sum = (sum.0 + m.0, sum.1 + m.1, sum.2 + m.2, sum.3 + m.3, sum.4 + m.4, sum.5 + m.5);
        }
        for (row, n) in &other.intake {
            *self.intake.entry(row.clone()).or_default() += n;
        }
        for (mine, theirs) in self.standing.iter_mut().zip(other.standing) {
            *mine += theirs;
        }
    }

    pub fn received(&self) -> i64 {
        self.intake.values().sum()
    }

    pub fn without_duplicates(mut self) -> Self {
        self.intake.retain(|(_, outcome, _), _| outcome != "duplicate");
        self
    }
}

/// `table|workspace|model|version|nomenclature|hour|route|...`
pub fn cell_name(table: &str, series: &str, hour: i64, route: Option<Route>, rest: &str) -> String {
    let route = match route {
        Some(Route::Auto) => "auto",
        Some(Route::Manual) => "manual",
        None => "",
    };
    format!("{table}|{series}|{hour}|{route}|{rest}")
}

fn name(cell: Cell, symbols: &Symbols) -> String {
    let s = |symbol: Symbol| symbols.text(symbol).to_owned();
    let series = |id: SeriesId| {
        let x = symbols.series(id).expect("a cell's series is known");
        format!("{}|{}|{}|{}", s(x.workspace), s(x.model), s(x.version), s(x.nomenclature))
    };
    let perhaps = |symbol: Option<Symbol>| symbol.map_or(String::new(), s);
    match cell {
        Cell::Volume { series: id, hour, route, code, grade } => {
            cell_name("volume", &series(id), hour, route, &format!("{}|{grade}", s(code)))
        }
        Cell::Score { series: id, hour, route, kind, bin } => {
            cell_name("score", &series(id), hour, route, &format!("{}|{bin}", kind.as_str()))
        }
        Cell::Latency { series: id, hour, route, bin } => {
            cell_name("latency", &series(id), hour, route, &bin.to_string())
        }
        Cell::Tally { series: id, hour, route, what } => cell_name("tally", &series(id), hour, route, what.as_str()),
        Cell::Outcome { series: id, hour, route, predicted, actual, source, grade, weight_class } => {
            let rest = format!("{}|{}|{}|{grade}|{weight_class}", perhaps(predicted), perhaps(actual), s(source));
            cell_name("outcome", &series(id), hour, route, &rest)
        }
        Cell::Rank { series: id, hour, route, level, rank, source, grade, weight_class } => {
            let rest = format!("{level}|{rank}|{}|{grade}|{weight_class}", s(source));
            cell_name("rank", &series(id), hour, route, &rest)
        }
        Cell::Reliability { series: id, hour, route, kind, bin, level, right, source, weight_class } => {
            let rest = format!("{}|{bin}|{level}|{right}|{}|{weight_class}", kind.as_str(), s(source));
            cell_name("reliability", &series(id), hour, route, &rest)
        }
    }
}

fn said(page: PageKey, opinions: &Opinions, symbols: &Symbols) -> String {
    let s = |symbol: Symbol| symbols.text(symbol).to_owned();
    let perhaps = |symbol: Option<Symbol>| symbol.map_or(String::new(), s);
    let x = symbols.series(page.series()).expect("a page's series is known");
    let series = format!("{}|{}|{}|{}", s(x.workspace), s(x.model), s(x.version), s(x.nomenclature));
    let mut each: Vec<String> = opinions.0.iter().map(|o| format!("{}:{}", perhaps(o.by), perhaps(o.code))).collect();
    each.sort();
    cell_name("opinion", &series, page.hour(), page.route(), &each.join("|"))
}

fn row(page: PageKey, specimen: &Specimen, symbols: &Symbols) -> String {
    let s = |symbol: Symbol| symbols.text(symbol).to_owned();
    let perhaps = |symbol: Option<Symbol>| symbol.map_or(String::new(), s);
    let x = symbols.series(page.series()).expect("a page's series is known");
    let series = format!("{}|{}|{}|{}", s(x.workspace), s(x.model), s(x.version), s(x.nomenclature));
    let verdict = specimen.verdict.map(|v| {
        let weight = v.weight.map(|w| w.0 as f64 / Weight::ONE as f64);
        format!("{} {} {weight:?}", perhaps(v.actual), s(v.source))
    });
    let pairs: Vec<String> = specimen.wording.attributes().map(|(name, value)| format!("{name}={value}")).collect();
    let (predicted, confidence) = (perhaps(specimen.predicted), specimen.confidence.get().to_string());
    let rest = [specimen.wording.text(), &pairs.join(","), &predicted, &confidence, &format!("{verdict:?}")];
    cell_name("specimen", &series, page.hour(), page.route(), &rest.join("|"))
}
