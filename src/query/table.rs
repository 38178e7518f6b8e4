use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
        RecordBatch, StringArray, TimestampSecondArray,
    },
    datatypes::Int32Type,
    error::ArrowError,
};
use hashbrown::HashMap;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    event::{Series, SeriesId, Symbol, Symbols, Weight},
    fact::{
        Cell, CellKey, CountPage, Facts, MomentPage, Moments, Opinion, OpinionPage, PageKey, Specimen, Table, Tally,
    },
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
        let made = Maker { symbols, names, zone: &options.time_zone };
        let mut batches = Vec::new();
        let Facts { mut counts, mut moments, mut specimens, mut opinions, ledger } = facts;
        let codes = made.codes(&counts, &moments, &opinions, nomenclature)?;
        let mut pages: Vec<PageKey> = counts.keys().copied().collect();
        // in the order of time: queries over days meet runs of the same day
        pages.sort_unstable();
        for table in Table::COUNTS {
            let mut rows: Rows<CellKey, i64> = Rows::default();
            for key in pages.iter().filter(|k| k.table() == Some(table)) {
                for (at, n) in counts.remove(key).unwrap_or_default() {
                    rows.push(*key, [at, 0, 0], n);
                }
            }
            batches.push((table.name(), made.counts(table, &rows)?));
        }
        let excluded: Vec<Symbol> = options.exclude_sources.iter().filter_map(|s| symbols.find(s)).collect();
        let mut pages: Vec<PageKey> = moments.keys().copied().collect();
        pages.sort_unstable();
        for table in Table::MOMENTS {
            let mut rows: Rows<CellKey, Moments> = Rows::default();
            for key in pages.iter().filter(|k| k.table() == Some(table)) {
                for (at, m) in moments.remove(key).unwrap_or_default() {
                    rows.push(*key, at, m);
                }
            }
            batches.push((table.name(), made.moments(table, &rows, &excluded)?));
        }
        let mut pages: Vec<PageKey> = specimens.keys().copied().collect();
        pages.sort_unstable();
        let mut rows = Rows::default();
        for key in pages {
            for (specimen, n) in specimens.remove(&key).unwrap_or_default() {
                rows.push(key, specimen, n);
            }
        }
        batches.push((Table::Specimen.name(), made.specimens(&rows, &excluded)?));
        let mut pages: Vec<PageKey> = opinions.keys().copied().collect();
        pages.sort_unstable();
        let mut rows = Rows::default();
        let mut item = 0;
        for key in pages {
            for (said, n) in opinions.remove(&key).unwrap_or_default() {
                item += 1;
                said.0.iter().for_each(|opinion| rows.push(key, (item, *opinion), n));
            }
        }
        batches.push((Table::Opinion.name(), made.opinions(&rows)?));
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
    zone: &'a TimeZone,
}

type Column = (&'static str, ArrayRef, bool);

impl Maker<'_> {
    fn named(&self, keys: impl Iterator<Item = Option<Symbol>>) -> Result<ArrayRef, ArrowError> {
        let keys: Int32Array = keys.map(|s| s.map(|s| s.0 as i32)).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, self.names.clone())?))
    }

    /// Columns that every fact table starts with.
    fn common<K, V>(&self, rows: &Rows<K, V>) -> Result<Vec<Column>, ArrowError> {
        // once a page: its rows have all of this in common
        let of = |part: fn(&Series) -> Symbol| {
            self.named(rows.by_page(|k| self.symbols.series(k.series()).as_ref().map(part)))
        };
        let routes: Int32Array = rows.by_page(|k| k.route().map(|r| r as i32)).collect();
        let routes = DictionaryArray::<Int32Type>::try_new(routes, texts_of(["auto", "manual"].into_iter()))?;
        let hours = TimestampSecondArray::from_iter_values(rows.by_page(|k| k.hour() * 3600));
        let days = Date32Array::from_iter_values(rows.by_page(|k| day_of(k.hour(), self.zone)));
        Ok(vec![
            ("workspace", of(|s| s.workspace)?, true),
            ("model", of(|s| s.model)?, true),
            ("version", of(|s| s.version)?, true),
            ("nomenclature", of(|s| s.nomenclature)?, true),
            ("hour", Arc::new(hours.with_timezone("UTC")), false),
            ("day", Arc::new(days), false),
            ("route", Arc::new(routes), true),
        ])
    }

    fn counts(&self, table: Table, rows: &Rows<CellKey, i64>) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(rows)?;
        match table {
            Table::Volume => {
                let cells: Vec<Cell> = rows.each_cell().collect();
                let code = |c: &Cell| if let Cell::Volume { code, .. } = c { Some(*code) } else { None };
                columns.push(("code", self.named(cells.iter().map(code))?, true));
                columns.push(("grade", small(cells.iter().map(|c| i32::from(c.grade()))), false));
            }
            Table::Score => {
                let cells: Vec<Cell> = rows.each_cell().collect();
                let kind = |c: &Cell| if let Cell::Score { kind, .. } = c { *kind as i32 } else { 0 };
                let bin = |c: &Cell| if let Cell::Score { bin, .. } = c { *bin as i32 } else { 0 };
                columns.push(("kind", words(cells.iter().map(kind), &SCORES)?, false));
                columns.push(("bin", small(cells.iter().map(bin)), false));
            }
            Table::Latency => {
                let bin = |c: Cell| if let Cell::Latency { bin, .. } = c { bin } else { 0 };
                columns.push(("bin", small(rows.each_cell().map(bin)), false));
            }
            _ => {
                let names = Tally::ALL.map(Tally::as_str);
                columns.push(("what", words(rows.at.iter().map(|a| a[0] as i32), &names)?, false));
            }
        }
        columns.push(("n", ints(rows.values.iter().copied()), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    fn moments(
        &self,
        table: Table,
        rows: &Rows<CellKey, Moments>,
        excluded: &[Symbol],
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(rows)?;
        let cells: Vec<Cell> = rows.each_cell().collect();
        let sources = || cells.iter().map(Cell::source);
        columns.push(("source", self.named(sources())?, true));
        let counted = sources().map(|s| Some(s.is_some_and(|s| !excluded.contains(&s))));
        columns.push(("counted", Arc::new(counted.collect::<BooleanArray>()), false));
        match table {
            Table::Outcome => {
                let predicted = |c: &Cell| if let Cell::Outcome { predicted, .. } = c { *predicted } else { None };
                let actual = |c: &Cell| if let Cell::Outcome { actual, .. } = c { *actual } else { None };
                columns.push(("predicted", self.named(cells.iter().map(predicted))?, true));
                columns.push(("actual", self.named(cells.iter().map(actual))?, true));
                columns.push(("grade", small(cells.iter().map(|c| i32::from(c.grade()))), false));
            }
            Table::Rank => {
                let level = |c: &Cell| if let Cell::Rank { level, .. } = c { i32::from(*level) } else { 0 };
                let rank = |c: &Cell| if let Cell::Rank { rank, .. } = c { i32::from(*rank) } else { 0 };
                columns.push(("level", small(cells.iter().map(level)), false));
                columns.push(("rank", small(cells.iter().map(rank)), false));
                columns.push(("grade", small(cells.iter().map(|c| i32::from(c.grade()))), false));
            }
            _ => {
                let kind = |c: &Cell| if let Cell::Reliability { kind, .. } = c { *kind as i32 } else { 0 };
                let bin = |c: &Cell| if let Cell::Reliability { bin, .. } = c { *bin as i32 } else { 0 };
                let level = |c: &Cell| if let Cell::Reliability { level, .. } = c { i32::from(*level) } else { 0 };
                let right = |c: &Cell| if let Cell::Reliability { right, .. } = c { Some(*right) } else { None };
                columns.push(("kind", words(cells.iter().map(kind), &SCORES)?, false));
                columns.push(("bin", small(cells.iter().map(bin)), false));
                columns.push(("level", small(cells.iter().map(level)), false));
                columns.push(("right", Arc::new(cells.iter().map(right).collect::<BooleanArray>()), true));
            }
        }
        let of = |part: fn(&Moments) -> i64| ints(rows.values.iter().map(part));
        columns.push(("n", of(|m| i64::from(m.n)), false));
        columns.push(("unweighted", of(|m| i64::from(m.unweighted)), false));
        columns.push(("w", weights(rows.values.iter().map(|m| i128::from(m.w)))?, false));
        columns.push(("w2", weights(rows.values.iter().map(|m| m.w2.into()))?, false));
        if table == Table::Reliability {
            columns.push(("wx", weights(rows.values.iter().map(|m| i128::from(m.wx)))?, false));
            columns.push(("wxx", weights(rows.values.iter().map(|m| i128::from(m.wxx)))?, false));
        }
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// Texts and attributes beside what became of them.
    fn specimens(&self, rows: &Rows<Specimen, i64>, excluded: &[Symbol]) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(rows)?;
        let verdict = || rows.at.iter().map(|s| s.verdict);
        let counted = verdict().map(|v| v.map(|v| !excluded.contains(&v.source)));
        let weight = verdict().map(|v| Some(v?.weight?.0 as f64 / Weight::ONE as f64));
        let attributes =
            rows.at.iter().map(|s| (!s.wording.attributes.is_empty()).then(|| object(&s.wording.attributes)));
        columns.push(("text", texts_of(rows.at.iter().map(|s| &*s.wording.text)), false));
        columns.push(("attributes", Arc::new(attributes.collect::<StringArray>()), true));
        columns.push(("predicted", self.named(rows.at.iter().map(|s| s.predicted))?, true));
        columns.push((
            "confidence",
            Arc::new(rows.at.iter().map(|s| Some(s.confidence.get())).collect::<Float64Array>()),
            false,
        ));
        columns.push(("source", self.named(verdict().map(|v| Some(v?.source)))?, true));
        columns.push(("counted", Arc::new(counted.collect::<BooleanArray>()), true));
        columns.push(("actual", self.named(verdict().map(|v| v?.actual))?, true));
        columns.push(("weight", Arc::new(weight.collect::<Float64Array>()), true));
        columns.push(("n", ints(rows.values.iter().copied()), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// One row for every opinion; those of one prediction have the same item.
    fn opinions(&self, rows: &Rows<(i64, Opinion), i64>) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(rows)?;
        columns.push(("item", ints(rows.at.iter().map(|(item, _)| *item)), false));
        columns.push(("annotator", self.named(rows.at.iter().map(|(_, opinion)| opinion.by))?, true));
        columns.push(("code", self.named(rows.at.iter().map(|(_, opinion)| opinion.code))?, true));
        columns.push(("n", ints(rows.values.iter().copied()), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// One row for every code that occurs and every level at which it says something.
    fn codes(
        &self,
        counts: &hashbrown::HashMap<PageKey, CountPage, foldhash::fast::FixedState>,
        moments: &hashbrown::HashMap<PageKey, MomentPage, foldhash::fast::FixedState>,
        opinions: &hashbrown::HashMap<PageKey, OpinionPage, foldhash::fast::FixedState>,
        nomenclature: &dyn Fn(SeriesId) -> Arc<Nomenclature>,
    ) -> Result<RecordBatch, ArrowError> {
        let mut seen: BTreeMap<(Symbol, Symbol), Arc<Nomenclature>> = BTreeMap::new();
        let mut books: HashMap<SeriesId, (Symbol, Arc<Nomenclature>)> = HashMap::new();
        let mut met: hashbrown::HashSet<(SeriesId, u32)> = hashbrown::HashSet::new();
        let mut meet = |series: SeriesId, code: u32| {
            if !met.insert((series, code)) {
                return;
            }
            let (named, book) = books.entry(series).or_insert_with(|| {
                let named = self.symbols.series(series).map_or(Symbol(0), |s| s.nomenclature);
                (named, nomenclature(series))
            });
            seen.entry((*named, Symbol(code))).or_insert_with(|| book.clone());
        };
        for (key, page) in counts.iter().filter(|(k, _)| k.table() == Some(Table::Volume)) {
            for at in page.keys() {
                if let Some(Cell::Volume { code, .. }) = Cell::from_key(*key, [*at, 0, 0]) {
                    meet(key.series(), code.0);
                }
            }
        }
        for (key, page) in moments.iter().filter(|(k, _)| k.table() == Some(Table::Outcome)) {
            for at in page.keys() {
                if let Some(Cell::Outcome { predicted, actual, .. }) = Cell::from_key(*key, *at) {
                    predicted.into_iter().chain(actual).for_each(|code| meet(key.series(), code.0));
                }
            }
        }
        for (key, page) in opinions {
            page.keys().flat_map(|said| &said.0).filter_map(|o| o.code).for_each(|code| meet(key.series(), code.0));
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

/// Rows of one table, taken from its pages.
struct Rows<K, V> {
    /// Pages with the number of rows that each gave.
    pages: Vec<(PageKey, usize)>,
    at: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Rows { pages: Vec::new(), at: Vec::new(), values: Vec::new() }
    }
}

impl<K, V> Rows<K, V> {
    fn push(&mut self, page: PageKey, at: K, value: V) {
        match self.pages.last_mut() {
            Some((last, n)) if *last == page => *n += 1,
            _ => self.pages.push((page, 1)),
        }
        self.at.push(at);
        self.values.push(value);
    }

    /// What is the same for all rows of a page, for every row.
    fn by_page<T: Clone>(&self, of: impl Fn(PageKey) -> T) -> impl Iterator<Item = T> {
        self.pages.iter().flat_map(move |(key, n)| std::iter::repeat_n(of(*key), *n))
    }
}

impl<V> Rows<CellKey, V> {
    /// Every row's cell. Keys come from cells, so that each has its inverse.
    fn each_cell(&self) -> impl Iterator<Item = Cell> + '_ {
        self.by_page(|page| page).zip(&self.at).filter_map(|(page, at)| Cell::from_key(page, *at))
    }
}

const SCORES: [&str; 2] = ["probability", "confidence"];

/// A column of few words, by their positions.
fn words(keys: impl Iterator<Item = i32>, words: &[&str]) -> Result<ArrayRef, ArrowError> {
    let keys: Int32Array = keys.map(Some).collect();
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts_of(words.iter().copied()))?))
}

fn small(n: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(n))
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

/// As a JSON object.
fn object(pairs: &[(Box<str>, Box<str>)]) -> String {
    let pairs: serde_json::Map<String, serde_json::Value> =
        pairs.iter().map(|(name, value)| (name.to_string(), (&**value).into())).collect();
    serde_json::Value::Object(pairs).to_string()
}

/// The day (since 1970) in `zone` on which an hour (since 1970, UTC) begins.
pub(crate) fn day_of(hour: i64, zone: &TimeZone) -> i32 {
    let Ok(instant) = Timestamp::from_second(hour * 3600) else { return 0 };
    let offset = i64::from(zone.to_offset(instant).seconds());
    (hour * 3600 + offset).div_euclid(86_400) as i32
}
