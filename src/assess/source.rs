use std::sync::Arc;

use hashbrown::HashMap;

use super::{FactSource, Plan};
use crate::{
    event::{SeriesId, Symbols},
    fact::{Facts, Ledger, PageKey, Table},
    ingest::Policies,
    nomenclature::Nomenclature,
    pipeline::{FilesRead, NomenclatureBook, rules},
    query::{Engine, QueryError, TableOptions, Tables},
    store::{Rules, Selection, Store, StoreError, View},
};

/// Which nomenclature a series is coded in: the configuration's word, else the events' own.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    pub book: NomenclatureBook,
    pub policies: Policies,
}

impl Naming {
    fn of(&self, symbols: &Symbols, id: SeriesId) -> Arc<Nomenclature> {
        self.book.of_series(symbols, &self.policies, id)
    }
}

/// Facts of files read at once.
#[derive(Debug)]
pub struct FileFacts {
    read: FilesRead,
    naming: Naming,
    hours: HashMap<SeriesId, (i64, i64)>,
}

impl FileFacts {
    pub fn new(read: FilesRead, naming: Naming) -> Self {
        let mut hours: HashMap<SeriesId, (i64, i64)> = HashMap::new();
        for key in read.facts.counts.keys().filter(|k| k.table() == Some(Table::Tally)) {
            let run = hours.entry(key.series()).or_insert((key.hour(), key.hour()));
            *run = (run.0.min(key.hour()), run.1.max(key.hour()));
        }
        FileFacts { read, naming, hours }
    }

    /// The plan's facts as tables, and the counts that belong to no model.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub fn engine(self, plan: &Plan) -> Result<(Engine, Ledger), QueryError> {
        let FilesRead { mut facts, symbols } = self.read;
        let keep = |key: &PageKey| plan.series.contains(&key.series());
        facts.counts.retain(|key, _| keep(key));
        facts.moments.retain(|key, _| keep(key));
        engine(facts, &symbols, &self.naming, plan)
    }
}

impl FactSource for FileFacts {
    fn symbols(&self) -> &Symbols {
        &self.read.symbols
    }

    fn hours(&self, series: SeriesId) -> Option<(i64, i64)> {
        self.hours.get(&series).copied()
    }

    fn nomenclature(&self, series: SeriesId) -> Arc<Nomenclature> {
        self.naming.of(&self.read.symbols, series)
    }

    fn threshold(&self, model: &str) -> Option<f64> {
        self.naming.policies.of(model).threshold
    }
}

/// Facts of a store, all of one moment, however long a service goes on meanwhile.
pub struct StoreFacts {
    view: View,
    symbols: Symbols,
    naming: Naming,
    /// Under which the facts were made.
    rules: Rules,
}

impl StoreFacts {
    /// # Errors
    /// When the store cannot be read, or its facts were made with other nomenclatures or review rates.
    pub fn new(store: Store, naming: Naming) -> Result<Self, SourceError> {
        let asked = rules(&naming.book, &naming.policies);
        let made = store.adopted()?;
        if made.as_ref().is_some_and(|made| made.naming != asked.naming) {
            return Err(SourceError::OtherNaming);
        }
        // one view for names, plan and facts: what is committed meanwhile would bring codes without a name
        let view = store.view();
        Ok(StoreFacts { symbols: view.symbols()?, view, naming, rules: made.unwrap_or(asked) })
    }

    /// The plan's facts as tables, and the counts that belong to no model.
    ///
    /// # Errors
    /// When the store cannot be read or a table cannot be made.
    pub fn engine(&self, plan: &Plan) -> Result<(Engine, Ledger), SourceError> {
        let selection = Selection { series: plan.series.clone(), hours: plan.hours() };
        let facts = self.view.facts(&selection)?;
        Ok(engine(facts, &self.symbols, &self.naming, plan)?)
    }

    /// Every fact of the store as tables, for a user's own SQL.
    ///
    /// # Errors
    /// When the store cannot be read or a table cannot be made.
    pub fn whole(&self, options: &TableOptions) -> Result<Engine, SourceError> {
        let series = self.symbols.all_series().map(|(id, _)| id).collect();
        let facts = self.view.facts(&Selection { series, hours: vec![(0, (1 << 21) - 1)] })?;
        let named = |id| self.naming.of(&self.symbols, id);
        let tables = Tables::build(facts, &self.symbols, &named, options).map_err(QueryError::from)?;
        Ok(Engine::new(tables)?)
    }

    /// Models with a prediction, in the order of their names.
    pub fn models(&self) -> Vec<String> {
        let with_rows = self.symbols.all_series().filter(|(id, _)| self.hours(*id).is_some());
        let mut models: Vec<String> = with_rows.map(|(_, s)| self.symbols.text(s.model).to_owned()).collect();
        models.sort_unstable();
        models.dedup();
        models
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(
        "the facts in this data directory were made with other nomenclatures or review rates; use the configuration \
         and flags of the service that made them, or let `vigie serve` or `vigie ingest` make them anew"
    )]
    OtherNaming,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl FactSource for StoreFacts {
    fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    fn hours(&self, series: SeriesId) -> Option<(i64, i64)> {
        self.view.hours(series).ok().flatten()
    }

    fn nomenclature(&self, series: SeriesId) -> Arc<Nomenclature> {
        self.naming.of(&self.symbols, series)
    }

    fn threshold(&self, model: &str) -> Option<f64> {
        self.rules.threshold(model)
    }
}

fn engine(facts: Facts, symbols: &Symbols, naming: &Naming, plan: &Plan) -> Result<(Engine, Ledger), QueryError> {
    let ledger = facts.ledger.clone();
    let options = TableOptions {
        time_zone: plan.request.time_zone.clone(),
        exclude_sources: plan.request.exclude_sources.clone(),
    };
    let tables = Tables::build(facts, symbols, &|id| naming.of(symbols, id), &options)?;
    Ok((Engine::new(tables)?, ledger))
}
