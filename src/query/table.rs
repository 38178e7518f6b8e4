use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, BooleanBuilder, Date32Array, Decimal128Builder, DictionaryArray, Float64Builder,
        Int8Array, Int16Builder, Int32Array, Int32Builder, Int64Builder, RecordBatch, StringArray, StringBuilder,
        TimestampSecondArray,
    },
    datatypes::{Int8Type, Int16Type, Int32Type},
    error::ArrowError,
};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use jiff::tz::TimeZone;

use super::columns::{
    SCORES, by_page, day_of, decimal, ints, object, pages, parts, taken, texts_of, weight_column, words,
};
use crate::{
    event::{Series, SeriesId, Symbol, Symbols, Weight},
    fact::{Cell, CountPage, Facts, MomentPage, Moments, Opinion, OpinionPage, PageKey, Specimen, Table, Tally},
    nomenclature::{Nomenclature, RollUp},
};

/// Facts as Arrow; every table has a batch at least.
#[derive(Debug)]
pub struct Tables {
    pub batches: Vec<(&'static str, Vec<RecordBatch>)>,
    /// Whether there were more texts than are in them.
    pub texts_left_out: bool,
}

/// What turns facts into tables besides the facts.
#[derive(Clone)]
pub struct TableOptions {
    /// Days are cut here.
    pub time_zone: TimeZone,
    /// Sources that only report errors: their labels never enter accuracy (`counted` is false).
    pub exclude_sources: Vec<String>,
}

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
        let Facts { mut counts, mut moments, mut specimens, specimens_left_out, opinions, ledger } = facts;
        let codes = made.codes(&counts, &moments, &opinions, nomenclature)?;
        let excluded: Vec<Symbol> = options.exclude_sources.iter().filter_map(|s| symbols.find(s)).collect();
        // the larger ones first: counts fit where they lay
        for table in Table::MOMENTS {
            let each = parts(&moments, |key| key.table() == Some(table)).into_iter().map(|pages| {
                let rows = taken(&mut moments, &pages).map(|(key, at, m)| (Cell::from_key(key, at), m));
                made.moments(table, &pages, rows, &excluded)
            });
            batches.push((table.name(), each.collect::<Result<_, _>>()?));
        }
        for table in Table::COUNTS {
            let each = parts(&counts, |key| key.table() == Some(table)).into_iter().map(|pages| {
                let rows = taken(&mut counts, &pages).map(|(key, at, n)| (Cell::from_key(key, [at, 0, 0]), n));
                made.counts(table, &pages, rows)
            });
            batches.push((table.name(), each.collect::<Result<_, _>>()?));
        }
        let texts = parts(&specimens, |_| true).into_iter().map(|pages| {
            let rows = taken(&mut specimens, &pages).map(|(_, one, n)| (one, n));
            made.specimens(&pages, rows, &excluded)
        });
        batches.push((Table::Specimen.name(), texts.collect::<Result<_, _>>()?));
        batches.push((Table::Opinion.name(), vec![made.opinions(opinions)?]));
        batches.push(("code", vec![codes]));
        let intake: Vec<_> = ledger.intake().collect();
        let intake = RecordBatch::try_from_iter_with_nullable([
            ("kind", texts_of(intake.iter().map(|r| r.kind)), false),
            ("outcome", texts_of(intake.iter().map(|r| r.outcome)), false),
            ("reason", texts_of(intake.iter().map(|r| r.reason)), false),
            ("n", ints(intake.iter().map(|r| r.n)), false),
        ])?;
        batches.push(("intake", vec![intake]));
        let standing = [
            ("errors", ledger.errors),
            ("labelled", ledger.labelled),
            ("uncodable", ledger.uncodable),
            ("retracted", ledger.retracted),
            ("superseded", ledger.superseded),
            ("orphans", ledger.orphans),
        ];
        let standing = RecordBatch::try_from_iter_with_nullable([
            ("name", texts_of(standing.iter().map(|s| s.0)), false),
            ("n", ints(standing.iter().map(|s| s.1)), false),
        ])?;
        batches.push(("ledger", vec![standing]));
        Ok(Tables { batches, texts_left_out: specimens_left_out })
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
        let mut grown = Int32Builder::new();
        grown.extend(keys.map(|s| s.map(|s| s.0 as i32)));
        self.grown(grown)
    }

    /// A column of few names, each with how many rows in a run have it; `None` = NULL. Half a million rows of four such columns
    /// are worth keys of two bytes.
    fn few(&self, runs: impl Iterator<Item = (Option<Symbol>, usize)>) -> Result<ArrayRef, ArrowError> {
        let mut met: Vec<Symbol> = Vec::new();
        let mut keys = Int16Builder::new();
        for (name, rows) in runs {
            let place = name.map(|name| {
                met.iter().rposition(|known| *known == name).unwrap_or_else(|| {
                    met.push(name);
                    met.len() - 1
                })
            });
            let key = place.map(i16::try_from).transpose().map_err(|_| ArrowError::DictionaryKeyOverflowError)?;
            (0..rows).for_each(|_| keys.append_option(key));
        }
        let names = texts_of(met.iter().map(|name| self.symbols.text(*name)));
        Ok(Arc::new(DictionaryArray::<Int16Type>::try_new(keys.finish(), names)?))
    }

    /// Columns that every fact table starts with: they are the same for all rows of a page.
    fn common(&self, pages: &[(PageKey, usize)]) -> Result<Vec<Column>, ArrowError> {
        let series: Vec<(Option<Series>, usize)> =
            pages.iter().map(|(key, rows)| (self.symbols.series(key.series()), *rows)).collect();
        let of = |part: fn(&Series) -> Symbol| self.few(series.iter().map(|(s, rows)| (s.as_ref().map(part), *rows)));
        let routes: Int8Array = by_page(pages, |k| k.route().map(|r| r as i8)).collect();
        let routes = DictionaryArray::<Int8Type>::try_new(routes, texts_of(["auto", "manual"].into_iter()))?;
        let hours = TimestampSecondArray::from_iter_values(by_page(pages, |k| k.hour() * 3600));
        let days = Date32Array::from_iter_values(by_page(pages, |k| day_of(k.hour(), self.zone)));
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

    /// A column of names, grown symbol by symbol.
    fn grown(&self, mut keys: Int32Builder) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys.finish(), self.names.clone())?))
    }

    /// Keys come from cells, so that each row has its own; rows are taken from their pages one by one, and written nowhere
    /// but in the columns.
    fn counts(
        &self,
        table: Table,
        pages: &[(PageKey, usize)],
        rows: impl Iterator<Item = (Option<Cell>, i64)>,
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(pages)?;
        let all = pages.iter().map(|(_, rows)| rows).sum();
        let used = |yes: bool| Int32Builder::with_capacity(if yes { all } else { 0 });
        let (mut one, mut other) = (used(true), used(matches!(table, Table::Volume | Table::Score)));
        let mut counts = Int64Builder::with_capacity(all);
        for (cell, n) in rows {
            counts.append_value(n);
            match cell {
                Some(Cell::Volume { code, grade, .. }) => {
                    one.append_value(code.0 as i32);
                    other.append_value(i32::from(grade));
                }
                Some(Cell::Score { kind, bin, .. }) => {
                    one.append_value(kind as i32);
                    other.append_value(bin as i32);
                }
                Some(Cell::Latency { bin, .. }) => one.append_value(bin),
                Some(Cell::Tally { what, .. }) => one.append_value(what as i32),
                _ => one.append_null(),
            }
        }
        match table {
            Table::Volume => {
                columns.push(("code", self.grown(one)?, true));
                columns.push(("grade", Arc::new(other.finish()), false));
            }
            Table::Score => {
                columns.push(("kind", words(one, &SCORES)?, false));
                columns.push(("bin", Arc::new(other.finish()), false));
            }
            Table::Latency => columns.push(("bin", Arc::new(one.finish()), false)),
            _ => columns.push(("what", words(one, &Tally::ALL.map(Tally::as_str))?, false)),
        }
        columns.push(("n", Arc::new(counts.finish()), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    fn moments(
        &self,
        table: Table,
        pages: &[(PageKey, usize)],
        rows: impl Iterator<Item = (Option<Cell>, Moments)>,
        excluded: &[Symbol],
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(pages)?;
        let all = pages.iter().map(|(_, rows)| rows).sum();
        let small = || Int32Builder::with_capacity(all);
        let (mut sources, mut counted) = (small(), BooleanBuilder::with_capacity(all));
        let [mut one, mut two, mut three, mut classes] = [small(), small(), small(), small()];
        let of_scores = table == Table::Reliability;
        let mut rights = BooleanBuilder::with_capacity(if of_scores { all } else { 0 });
        let [mut n, mut unweighted] = [(), ()].map(|()| Int64Builder::with_capacity(all));
        let weights = |yes: bool| Decimal128Builder::with_capacity(if yes { all } else { 0 });
        let [mut w, mut w2, mut wx, mut wxx] = [true, true, of_scores, of_scores].map(weights);
        for (cell, m) in rows {
            let source = cell.as_ref().and_then(Cell::source);
            sources.append_option(source.map(|s| s.0 as i32));
            counted.append_value(source.is_some_and(|s| !excluded.contains(&s)));
            match cell {
                Some(Cell::Outcome { predicted, actual, grade, weight_class, .. }) => {
                    one.append_option(predicted.map(|s| s.0 as i32));
                    two.append_option(actual.map(|s| s.0 as i32));
                    three.append_value(i32::from(grade));
                    classes.append_value(i32::from(weight_class));
                }
                Some(Cell::Rank { level, rank, grade, weight_class, .. }) => {
                    one.append_value(i32::from(level));
                    two.append_value(i32::from(rank));
                    three.append_value(i32::from(grade));
                    classes.append_value(i32::from(weight_class));
                }
                Some(Cell::Reliability { kind, bin, level, right, weight_class, .. }) => {
                    one.append_value(kind as i32);
                    two.append_value(bin as i32);
                    three.append_value(i32::from(level));
                    rights.append_value(right);
                    classes.append_value(i32::from(weight_class));
                }
                _ => one.append_null(),
            }
            n.append_value(i64::from(m.n));
            unweighted.append_value(i64::from(m.unweighted));
            w.append_value(decimal(i128::from(m.w)));
            w2.append_value(decimal(m.w2.into()));
            if of_scores {
                wx.append_value(decimal(i128::from(m.wx)));
                wxx.append_value(decimal(i128::from(m.wxx)));
            }
        }
        columns.push(("source", self.grown(sources)?, true));
        columns.push(("counted", Arc::new(counted.finish()), false));
        match table {
            Table::Outcome => {
                columns.push(("predicted", self.grown(one)?, true));
                columns.push(("actual", self.grown(two)?, true));
                columns.push(("grade", Arc::new(three.finish()), false));
            }
            Table::Rank => {
                columns.push(("level", Arc::new(one.finish()), false));
                columns.push(("rank", Arc::new(two.finish()), false));
                columns.push(("grade", Arc::new(three.finish()), false));
            }
            _ => {
                columns.push(("kind", words(one, &SCORES)?, false));
                columns.push(("bin", Arc::new(two.finish()), false));
                columns.push(("level", Arc::new(three.finish()), false));
                columns.push(("right", Arc::new(rights.finish()), true));
            }
        }
        columns.push(("weight_class", Arc::new(classes.finish()), false));
        columns.push(("n", Arc::new(n.finish()), false));
        columns.push(("unweighted", Arc::new(unweighted.finish()), false));
        columns.push(("w", weight_column(w)?, false));
        columns.push(("w2", weight_column(w2)?, false));
        if of_scores {
            columns.push(("wx", weight_column(wx)?, false));
            columns.push(("wxx", weight_column(wxx)?, false));
        }
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// Texts and attributes beside what became of them.
    fn specimens(
        &self,
        pages: &[(PageKey, usize)],
        rows: impl Iterator<Item = (Specimen, i64)>,
        excluded: &[Symbol],
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.common(pages)?;
        let all = pages.iter().map(|(_, rows)| rows).sum();
        let mut texts = StringBuilder::with_capacity(all, 0);
        let mut attributes = StringBuilder::with_capacity(all, 0);
        let [mut predicted, mut sources, mut actual] = [(), (), ()].map(|()| Int32Builder::with_capacity(all));
        let [mut confidence, mut weight] = [(), ()].map(|()| Float64Builder::with_capacity(all));
        let (mut counted, mut counts) = (BooleanBuilder::with_capacity(all), Int64Builder::with_capacity(all));
        for (one, n) in rows {
            texts.append_value(one.wording.text());
            attributes.append_option(object(one.wording.attributes()));
            predicted.append_option(one.predicted.map(|s| s.0 as i32));
            confidence.append_value(one.confidence.get());
            sources.append_option(one.verdict.map(|v| v.source.0 as i32));
            counted.append_option(one.verdict.map(|v| !excluded.contains(&v.source)));
            actual.append_option(one.verdict.and_then(|v| v.actual).map(|s| s.0 as i32));
            weight.append_option(one.verdict.and_then(|v| v.weight).map(|w| w.0 as f64 / Weight::ONE as f64));
            counts.append_value(n);
        }
        columns.push(("text", Arc::new(texts.finish()), false));
        columns.push(("attributes", Arc::new(attributes.finish()), true));
        columns.push(("predicted", self.grown(predicted)?, true));
        columns.push(("confidence", Arc::new(confidence.finish()), false));
        columns.push(("source", self.grown(sources)?, true));
        columns.push(("counted", Arc::new(counted.finish()), true));
        columns.push(("actual", self.grown(actual)?, true));
        columns.push(("weight", Arc::new(weight.finish()), true));
        columns.push(("n", Arc::new(counts.finish()), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// One row for every opinion; those of one prediction have the same item.
    fn opinions(&self, opinions: HashMap<PageKey, OpinionPage, FixedState>) -> Result<RecordBatch, ArrowError> {
        let said = |page: &OpinionPage| page.keys().map(|said| said.0.len()).sum();
        let pages: Vec<(PageKey, usize)> =
            pages(&opinions, |_| true).into_iter().map(|(key, _)| (key, said(&opinions[&key]))).collect();
        let items = pages.iter().flat_map(|(key, _)| &opinions[key]).zip(1..);
        let rows: Vec<(i64, Opinion, i64)> =
            items.flat_map(|((said, n), item)| said.0.iter().map(move |one| (item, *one, *n))).collect();
        let mut columns = self.common(&pages)?;
        columns.push(("item", ints(rows.iter().map(|(item, ..)| *item)), false));
        columns.push(("annotator", self.named(rows.iter().map(|(_, one, _)| one.by))?, true));
        columns.push(("code", self.named(rows.iter().map(|(_, one, _)| one.code))?, true));
        columns.push(("n", ints(rows.iter().map(|(.., n)| *n)), false));
        RecordBatch::try_from_iter_with_nullable(columns)
    }

    /// One row for every code that occurs and every level at which it says something.
    fn codes(
        &self,
        counts: &HashMap<PageKey, CountPage, FixedState>,
        moments: &HashMap<PageKey, MomentPage, FixedState>,
        opinions: &HashMap<PageKey, OpinionPage, FixedState>,
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
            ("nomenclature", self.few(nomenclatures.into_iter().map(|name| (name, 1)))?, true),
            ("code", self.named(own.into_iter())?, true),
            ("level", Arc::new(Int32Array::from(levels)) as ArrayRef, false),
            ("ancestor", Arc::new(StringArray::from_iter_values(ancestors)), false),
            ("label", Arc::new(StringArray::from_iter_values(labels)), false),
            ("known", Arc::new(known.into_iter().collect::<BooleanArray>()), false),
        ])
    }
}
