use std::sync::Arc;

use hashbrown::HashMap;

use super::{FactSource, Plan};
use crate::{
    event::{SeriesId, Symbols},
    fact::{Facts, Ledger, PageKey, Table},
    ingest::Policies,
    nomenclature::Nomenclature,
    pipeline::{FilesRead, NomenclatureBook},
    query::{Engine, QueryError, TableOptions, Tables},
};

/// Which nomenclature a series is coded in: the configuration's word, else the events' own.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    pub book: NomenclatureBook,
    pub policies: Policies,
}

impl Naming {
    pub(super) fn of(&self, symbols: &Symbols, id: SeriesId) -> Arc<Nomenclature> {
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
        let keep = |key: &PageKey| plan.reads(key.series());
        facts.counts.retain(|key, _| keep(key));
        facts.moments.retain(|key, _| keep(key));
        let hours = plan.hours();
        let within = |key: &PageKey| hours.iter().any(|(from, to)| (*from..*to).contains(&key.hour()));
        facts.specimens.retain(|key, _| keep(key) && within(key));
        facts.leave_specimens(plan.request.most_texts);
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

/// The facts of a plan as tables, and the ledger that came with them.
pub(super) fn engine(
    mut facts: Facts,
    symbols: &Symbols,
    naming: &Naming,
    plan: &Plan,
) -> Result<(Engine, Ledger), QueryError> {
    let ledger = facts.ledger.clone();
    let options = TableOptions {
        time_zone: plan.request.time_zone.clone(),
        exclude_sources: plan.request.exclude_sources.clone(),
    };
    let tables = |facts| Tables::build(facts, symbols, &|id| naming.of(symbols, id), &options);
    let mut before = None;
    if let Some(crossed) = &plan.crossed {
        let older = |key: &PageKey| crossed.series.contains(&key.series());
        let counts = facts.counts.extract_if(|key, _| older(key)).filter(|(key, _)| key.table() == Some(Table::Volume));
        let volume = Facts { counts: counts.collect(), ..Facts::default() };
        facts.moments.retain(|key, _| !older(key));
        facts.specimens.retain(|key, _| !older(key));
        before = Some(Engine::new(tables(volume)?)?);
    }
    Ok((Engine::new(tables(facts)?)?.after(before), ledger))
}
