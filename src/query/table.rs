use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch,
        StringArray, TimestampSecondArray,
    },
    datatypes::Int32Type,
    error::ArrowError,
};
use hashbrown::HashMap;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    event::{Route, SeriesId, Symbol, Symbols, Weight},
    fact::{Cell, CellKey, Facts, Moments},
    nomenclature::{Nomenclature, RollUp},
};

/// Facts as Arrow, one batch a table.
#[derive(Debug)]
pub struct Tables {
    pub batches: Vec<(&'static str, RecordBatch)>,
}

/// What turns facts into tables besides the facts.
#[derive(Clone)]
pub struct TableOptions {
    /// Days are cut here.
    pub time_zone: TimeZone,
    /// Sources that only report errors: their labels never enter accuracy (`counted` is false).
    pub exclude_sources: Vec<String>,
}

/// Decimal places of weights: `DECIMAL(38, 9)`, so that sums are exact in any order.
const WEIGHT_SCALE: i8 = 9;

impl Tables {
    /// Takes the facts apart table by table, freeing them as it goes.
    ///
    /// # Errors
    /// When Arrow refuses a column, which would be a bug here.
    pub fn build(
        facts: Facts,
        symbols: &Symbols,
        nomenclature: &dyn Fn(SeriesId) -> Arc<Nomenclature>,
        options: &TableOptions,
    ) -> Result<Tables, ArrowError> {
        let texts = symbols.since(0, 0).0;
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(texts.iter()));
        let made = Maker { symbols, names, days: Days::new(options.time_zone.clone()) };
        let mut batches = Vec::new();
        let Facts { counts, moments, ledger } = facts;
        let codes = made.codes(counts.keys().chain(moments.keys()), nomenclature)?;
        let mut by_table: [Vec<(CellKey, i64)>; 4] = Default::default();
        for (key, n) in counts {
            if let Some(rows) = by_table.get_mut((key.0 >> 124) as usize) {
                rows.push((key, n));
            }
        }
        for (name, rows) in ["volume", "score", "latency", "tally"].into_iter().zip(by_table) {
            batches.push((name, made.counts(name, &rows)?));
        }
        let excluded: Vec<Symbol> = options.exclude_sources.iter().filter_map(|s| symbols.find(s)).collect();
        let mut by_table: [Vec<(CellKey, Moments)>; 3] = Default::default();
        for (key, m) in moments {
            if let Some(rows) = by_table.get_mut(((key.0 >> 124) as usize).wrapping_sub(8)) {
                rows.push((key, m));
            }
        }
        for (name, rows) in ["outcome", "rank", "reliability"].into_iter().zip(by_table) {
            batches.push((name, made.moments(name, &rows, &excluded)?));
        }
        batches.push(("code", codes));
        let intake: Vec<_> = ledger.intake().collect();
        batches.push((
            "intake",
            RecordBatch::try_from_iter_with_nullable([
                ("kind", texts_of(intake.iter().map(|r| r.kind)), false),
                ("outcome", texts_of(intake.iter().map(|r| r.outcome)), false),
                ("reason", texts_of(intake.iter().map(|r| r.reason)), false),
                ("n", ints(intake.iter().map(|r| r.n)), false),
            ])?,
        ));
        let standing = [
            ("errors", ledger.errors),
            ("labelled", ledger.labelled),
            ("uncodable", ledger.uncodable),
            ("retracted", ledger.retracted),
            ("superseded", ledger.superseded),
            ("orphans", ledger.orphans),
        ];
        batches.push((
            "ledger",
            RecordBatch::try_from_iter_with_nullable([
                ("name", texts_of(standing.iter().map(|s| s.0)), false),
                ("n", ints(standing.iter().map(|s| s.1)), false),
            ])?,
        ));
        Ok(Tables { batches })
    }
}

struct Maker<'a> {
    symbols: &'a Symbols,
    /// Every symbol's text at its number: shared by all dictionary columns, whose keys are symbol numbers.
    names: ArrayRef,
    days: Days,
}

type Column = (&'static str, ArrayRef, bool);

impl Maker<'_> {
    fn named(&self, keys: impl Iterator<Item = Option<Symbol>>) -> Result<ArrayRef, ArrowError> {
        let keys: Int32Array = keys.map(|s| s.map(|s| s.0 as i32)).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, self.names.clone())?))
    }

    /// Columns that every fact table starts with.
    fn common(&self, cells: &[Cell], route: impl Fn(&Cell) -> Option<Route>) -> Result<Vec<Column>, ArrowError> {
        let of = |part: fn(&crate::event::Series) -> Symbol| {
            self.named(cells.iter().map(|c| self.symbols.series(c.series()).as_ref().map(part)))
        };
        let routes: Int32Array = cells.iter().map(|c| route(c).map(|r| r as i32)).collect();
        let routes = DictionaryArray::<Int32Type>::try_new(routes, texts_of(["auto", "manual"].into_iter()))?;
        Ok(vec![
            ("workspace", of(|s| s.workspace)?, true),
            ("model", of(|s| s.model)?, true),
            ("version", of(|s| s.version)?, true),
            ("nomenclature", of(|s| s.nomenclature)?, true),
            (
                "hour",
                Arc::new(
                    TimestampSecondArray::from_iter_values(cells.iter().map(|c| c.hour() * 3600)).with_timezone("UTC"),
                ),
                false,
            ),
            ("day", Arc::new(Date32Array::from_iter_values(cells.iter().map(|c| self.days.of(c.hour())))), false),
            ("route", Arc::new(routes), true),
        ])
    }

    fn counts(&self, table: &str, rows: &[(CellKey, i64)]) -> Result<RecordBatch, ArrowError> {
        let cells: Vec<Cell> = rows.iter().filter_map(|(k, _)| Cell::from_key(*k)).collect();
        let mut columns = self.common(&cells, |c| match c {
            Cell::Volume { route, .. }
            | Cell::Score { route, .. }
            | Cell::Latency { route, .. }
            | Cell::Tally { route, .. } => *route,
            _ => None,
        })?;
        match table {
            "volume" => {
                let code = |c: &Cell| if let Cell::Volume { code, .. } = c { Some(*code) } else { None };
                columns.push(("code", self.named(cells.iter().map(code))?, true));
            }
            "score" => {
                let kind = |c: &Cell| if let Cell::Score { kind, .. } = c { kind.as_str() } else { "" };
                let bin = |c: &Cell| if let Cell::Score { bin, .. } = c { *bin as i32 } else { 0 };
                columns.push(("kind", texts_of(cells.iter().map(kind)), false));
                columns.push(("bin", Arc::new(Int32Array::from_iter_values(cells.iter().map(bin))), false));
            }
            "latency" => {
                let bin = |c: &Cell| if let Cell::Latency { bin, .. } = c { *bin } else { 0 };
                columns.push(("bin", Arc::new(Int32Array::from_iter_values(cells.iter().map(bin))), false));
            }
            _ => {
                let what = |c: &Cell| if let Cell::Tally { what, .. } = c { what.as_str() } else { "" };
                columns.push(("what", texts_of(cells.iter().map(what)), false));
            }
        }
        columns.push(("n", ints(rows.iter().map(|(_, n)| *n)), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    fn moments(
        &self,
        table: &str,
        rows: &[(CellKey, Moments)],
        excluded: &[Symbol],
    ) -> Result<RecordBatch, ArrowError> {
        let cells: Vec<Cell> = rows.iter().filter_map(|(k, _)| Cell::from_key(*k)).collect();
        let mut columns = self.common(&cells, |c| match c {
            Cell::Outcome { route, .. } | Cell::Rank { route, .. } | Cell::Reliability { route, .. } => *route,
            _ => None,
        })?;
        let source = |c: &Cell| match c {
            Cell::Outcome { source, .. } | Cell::Rank { source, .. } | Cell::Reliability { source, .. } => Some(*source),
            _ => None,
        };
        columns.push(("source", self.named(cells.iter().map(source))?, true));
        let counted = cells.iter().map(|c| Some(source(c).is_none_or(|s| !excluded.contains(&s))));
        columns.push(("counted", Arc::new(counted.collect::<BooleanArray>()), false));
        match table {
            "outcome" => {
                let predicted = |c: &Cell| if let Cell::Outcome { predicted, .. } = c { *predicted } else { None };
                let actual = |c: &Cell| if let Cell::Outcome { actual, .. } = c { Some(*actual) } else { None };
                columns.push(("predicted", self.named(cells.iter().map(predicted))?, true));
                columns.push(("actual", self.named(cells.iter().map(actual))?, true));
            }
            "rank" => {
                let level = |c: &Cell| if let Cell::Rank { level, .. } = c { i32::from(*level) } else { 0 };
                let rank = |c: &Cell| if let Cell::Rank { rank, .. } = c { i32::from(*rank) } else { 0 };
                columns.push(("level", Arc::new(Int32Array::from_iter_values(cells.iter().map(level))), false));
                columns.push(("rank", Arc::new(Int32Array::from_iter_values(cells.iter().map(rank))), false));
            }
            _ => {
                let kind = |c: &Cell| if let Cell::Reliability { kind, .. } = c { kind.as_str() } else { "" };
                let bin = |c: &Cell| if let Cell::Reliability { bin, .. } = c { *bin as i32 } else { 0 };
                let right = |c: &Cell| if let Cell::Reliability { right, .. } = c { Some(*right) } else { None };
                columns.push(("kind", texts_of(cells.iter().map(kind)), false));
                columns.push(("bin", Arc::new(Int32Array::from_iter_values(cells.iter().map(bin))), false));
                columns.push(("right", Arc::new(cells.iter().map(right).collect::<BooleanArray>()), true));
            }
        }
        let of = |part: fn(&Moments) -> i64| ints(rows.iter().map(move |(_, m)| part(m)));
        columns.push(("n", of(|m| m.n), false));
        columns.push(("unweighted", of(|m| m.unweighted), false));
        columns.push(("w", weights(rows.iter().map(|(_, m)| i128::from(m.w)))?, false));
        columns.push(("w2", weights(rows.iter().map(|(_, m)| m.w2))?, false));
        if table == "reliability" {
            columns.push(("wx", weights(rows.iter().map(|(_, m)| i128::from(m.wx)))?, false));
            columns.push(("wxx", weights(rows.iter().map(|(_, m)| i128::from(m.wxx)))?, false));
        }
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// One row for every code that occurs and every level at which it says something.
    fn codes<'k>(
        &self,
        keys: impl Iterator<Item = &'k CellKey>,
        nomenclature: &dyn Fn(SeriesId) -> Arc<Nomenclature>,
    ) -> Result<RecordBatch, ArrowError> {
        let mut seen: HashMap<(Symbol, Symbol), Arc<Nomenclature>> = HashMap::new();
        let mut books: HashMap<SeriesId, (Symbol, Arc<Nomenclature>)> = HashMap::new();
        for key in keys {
            let codes = match Cell::from_key(*key) {
                Some(Cell::Volume { series, code, .. }) => (series, [Some(code), None]),
                Some(Cell::Outcome { series, predicted, actual, .. }) => (series, [predicted, Some(actual)]),
                _ => continue,
            };
            let (named, book) = books.entry(codes.0).or_insert_with(|| {
                let named = self.symbols.series(codes.0).map_or(Symbol(0), |s| s.nomenclature);
                (named, nomenclature(codes.0))
            });
            for code in codes.1.into_iter().flatten() {
                if !seen.contains_key(&(*named, code)) {
                    seen.insert((*named, code), book.clone());
                }
            }
        }
        let mut nomenclatures = Vec::new();
        let mut own = Vec::new();
        let (mut levels, mut ancestors, mut labels, mut known) = (vec![], vec![], vec![], vec![]);
        for ((named, code), book) in &seen {
            let text = self.symbols.text(*code);
            for level in 1..=book.depth() {
                let ancestor = match book.roll_up(text, level) {
                    RollUp::At(ancestor) => ancestor,
                    RollUp::Unknown => text,
                    RollUp::Coarser => break,
                };
                nomenclatures.push(Some(*named));
                own.push(Some(*code));
                levels.push(i32::from(level));
                ancestors.push(ancestor.to_owned());
                labels.push(book.label(ancestor).to_owned());
                known.push(Some(book.knows(text)));
            }
        }
        RecordBatch::try_from_iter_with_nullable(vec![
            ("nomenclature", self.named(nomenclatures.into_iter())?, true),
            ("code", self.named(own.into_iter())?, true),
            ("level", Arc::new(Int32Array::from(levels)) as ArrayRef, false),
            ("ancestor", Arc::new(StringArray::from_iter_values(ancestors)), false),
            ("label", Arc::new(StringArray::from_iter_values(labels)), false),
            ("known", Arc::new(known.into_iter().collect::<BooleanArray>()), false),
        ])
    }
}

fn texts_of<'a>(texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

fn ints(n: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(n))
}

/// From binary fixed point to nine decimals.
fn weights(fixed: impl Iterator<Item = i128>) -> Result<ArrayRef, ArrowError> {
    const BILLION: i128 = 1_000_000_000;
    let decimal = |x: i128| match x.checked_mul(BILLION) {
        Some(scaled) => (scaled + (1 << (Weight::PLACES - 1))) >> Weight::PLACES,
        None => (x >> Weight::PLACES).saturating_mul(BILLION),
    };
    let array = Decimal128Array::from_iter_values(fixed.map(decimal));
    Ok(Arc::new(array.with_precision_and_scale(38, WEIGHT_SCALE)?))
}

/// Hours to days in a time zone, remembered: a report asks for the same two thousand hours a million times.
struct Days {
    zone: TimeZone,
    known: std::cell::RefCell<HashMap<i64, i32>>,
}

impl Days {
    fn new(zone: TimeZone) -> Self {
        Days { zone, known: Default::default() }
    }

    fn of(&self, hour: i64) -> i32 {
        *self.known.borrow_mut().entry(hour).or_insert_with(|| day_of(hour, &self.zone))
    }
}

/// The day (since 1970) in `zone` on which an hour (since 1970, UTC) begins.
pub(crate) fn day_of(hour: i64, zone: &TimeZone) -> i32 {
    let Ok(instant) = Timestamp::from_second(hour * 3600) else { return 0 };
    let offset = i64::from(zone.to_offset(instant).seconds());
    (hour * 3600 + offset).div_euclid(86_400) as i32
}
