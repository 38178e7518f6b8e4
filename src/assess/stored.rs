use std::sync::Arc;

use hashbrown::HashMap;

use super::{
    FactSource, Holder, HolderError, Naming, Plan, Views,
    parts::{Chosen, choose},
    plan,
    source::engine,
};
use crate::{
    event::{SeriesId, Symbols},
    fact::{Facts, Ledger, MergeError, Union},
    nomenclature::Nomenclature,
    pipeline::rules,
    query::{Engine, QueryError, TableOptions, Tables},
    store::{Outline, Portion, Rules, SeriesName, Store, StoreError, Wanted},
};

/// Facts of all partitions added up, each counted once; of one store, where an embedded journal has all events.
///
/// Names, plan and facts of one partition are of one moment, however long a service goes on meanwhile.
pub struct StoreFacts {
    holders: Vec<Box<dyn Holder>>,
    chosen: Vec<Chosen>,
    sum: Sum,
}

/// What is known of the sum before a fact is read.
struct Sum {
    outlines: Vec<Arc<Outline>>,
    /// `None` where there is one part, whose own names do.
    union: Option<Union>,
    hours: HashMap<SeriesId, (i64, i64)>,
    naming: Naming,
    /// Under which the facts were made.
    rules: Rules,
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(
        "these facts were made with other nomenclatures, review rates, texts or annotators; use the configuration \
         and flags of the service that made them, or let `vigie serve` or `vigie ingest` make them anew"
    )]
    OtherNaming,
    #[error(
        "partitions {one} and {other} were decided at different thresholds: their routes do not add up; give all \
         replicas one configuration and let them make their facts anew"
    )]
    OtherThresholds { one: u32, other: u32 },
    #[error("{one} does not add up with {other}: ask for one of them only")]
    OtherTopology { one: String, other: String },
    #[error("{} with no replica that answers{}", counted(.missing, *.partitions), reasons(.silent))]
    Missing {
        missing: Vec<u32>,
        partitions: u32,
        /// Who did not answer, and why.
        silent: Vec<String>,
    },
    #[error("no replica answers{}", reasons(.silent))]
    NoAnswer { silent: Vec<String> },
    #[error("a replica that held facts gives them no more: {0}")]
    Lost(String),
    #[error("new models, versions or days keep coming in while the facts are read; ask again")]
    Moved,
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl SourceError {
    /// Whether it may be over in a moment, as when partitions move from one replica to another.
    pub fn may_pass(&self) -> bool {
        use SourceError::{Lost, Missing, Moved, NoAnswer};
        matches!(self, Missing { .. } | NoAnswer { .. } | Lost(_) | Moved)
    }
}

/// `partitions 3, 4 of 6 are`.
fn counted(missing: &[u32], partitions: u32) -> String {
    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let (noun, verb) = if missing.len() == 1 { ("partition", "is") } else { ("partitions", "are") };
    format!("{noun} {} of {partitions} {verb}", list.join(", "))
}

fn reasons(silent: &[String]) -> String {
    if silent.is_empty() { String::new() } else { format!(" ({})", silent.join("; ")) }
}

impl StoreFacts {
    /// Of one store that holds all events there are.
    ///
    /// # Errors
    /// When the store cannot be read, or its facts were made with other nomenclatures or review rates.
    pub fn new(store: Store, naming: Naming) -> Result<Self, SourceError> {
        let mut views = Views::default();
        views.add(&store, 0, 1)?;
        StoreFacts::over(vec![Box::new(views)], naming)
    }

    /// The sum over all partitions, wherever they are held: of each, the copy that is furthest along.
    ///
    /// # Errors
    /// When a partition is held by nobody, partitions do not belong together, a store cannot be read, or facts were
    /// made with other nomenclatures, review rates or thresholds.
    pub fn over(holders: Vec<Box<dyn Holder>>, naming: Naming) -> Result<Self, SourceError> {
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        let answers = at_once(holders.iter().collect(), |holder| holder.outlines());
        for (holder, outlines) in answers.into_iter().enumerate() {
            match outlines {
                Ok(outlines) => found.extend(outlines.into_iter().map(|outline| Chosen { holder, outline })),
                Err(HolderError::Silent(why)) => silent.push(why),
                Err(HolderError::Store(e)) => return Err(e.into()),
            }
        }
        let chosen = choose(found, silent)?;
        let sum = Sum::new(chosen.iter().map(|c| c.outline.clone()).collect(), naming)?;
        Ok(StoreFacts { holders, chosen, sum })
    }

    /// The plan's facts as tables, and the counts that belong to no model.
    ///
    /// # Errors
    /// When facts cannot be read or a table cannot be made, and [`SourceError::Moved`] when the facts of another
    /// replica went on meanwhile, so far that the plan would be another.
    pub fn engine(&self, plan: &Plan) -> Result<(Engine, Ledger), SourceError> {
        let names = self.sum.names(plan);
        let (facts, newer) = self.read(&Some(names), &plan.hours(), Some(plan.request.most_texts))?;
        let sum = newer.as_ref().unwrap_or(&self.sum);
        if newer.is_some() && !self.sum.same(plan, sum) {
            return Err(SourceError::Moved);
        }
        Ok(engine(facts, sum.symbols(), &sum.naming, plan)?)
    }

    /// Every fact as tables, for a user's own SQL.
    ///
    /// # Errors
    /// When facts cannot be read or a table cannot be made.
    pub fn whole(&self, options: &TableOptions) -> Result<Engine, SourceError> {
        let (facts, newer) = self.read(&None, &[(0, (1 << 21) - 1)], None)?;
        let sum = newer.as_ref().unwrap_or(&self.sum);
        let tables = Tables::build(facts, sum.symbols(), &|id| sum.nomenclature(id), options);
        Ok(Engine::new(tables.map_err(QueryError::from)?)?)
    }

    /// Models with a prediction, in the order of their names.
    pub fn models(&self) -> Vec<String> {
        let symbols = self.symbols();
        let with_rows = symbols.all_series().filter(|(id, _)| self.hours(*id).is_some());
        let mut models: Vec<String> = with_rows.map(|(_, s)| symbols.text(s.model).to_owned()).collect();
        models.sort_unstable();
        models.dedup();
        models
    }

    /// The selected facts of all partitions together; and what is known of the sum now, where that has changed.
    fn read(
        &self,
        series: &Option<Vec<SeriesName>>,
        hours: &[(i64, i64)],
        most_specimens: Option<u64>,
    ) -> Result<(Facts, Option<Sum>), SourceError> {
        let mut asked: Vec<(usize, Vec<Wanted>)> = Vec::new();
        for Chosen { holder, outline } in &self.chosen {
            // keys are dealt to partitions by their hash: each has its part
            let most_specimens = most_specimens.map(|most| most.div_ceil(self.chosen.len() as u64));
            let (partition, series, hours) = (outline.partition, series.clone(), hours.to_vec());
            let wanted = Wanted { partition, series, hours, most_specimens };
            match asked.iter_mut().find(|(h, _)| h == holder) {
                Some((_, list)) => list.push(wanted),
                None => asked.push((*holder, vec![wanted])),
            }
        }
        let answers = at_once(asked, |(holder, wanted)| self.holders[holder].portions(&wanted));
        let mut portions: Vec<Portion> = Vec::new();
        for answer in answers {
            portions.extend(answer.map_err(|e| match e {
                HolderError::Store(e) => SourceError::Store(e),
                HolderError::Silent(why) => SourceError::Lost(why),
            })?);
        }
        portions.sort_by_key(|p| p.outline.partition);
        if portions.len() != self.chosen.len() || !self.chosen.iter().zip(&portions).all(|(c, p)| c.goes_on_as(p)) {
            return Err(SourceError::Lost("partitions have moved or are made anew".to_owned()));
        }
        let unmoved = self.chosen.iter().zip(&portions).all(|(c, p)| Arc::ptr_eq(&c.outline, &p.outline));
        let (outlines, mut facts): (Vec<_>, Vec<_>) = portions.into_iter().map(|p| (p.outline, p.facts)).unzip();
        let newer = if unmoved { None } else { Some(Sum::new(outlines, self.sum.naming.clone())?) };
        let facts = match &newer.as_ref().unwrap_or(&self.sum).union {
            Some(union) => union.merge(facts)?,
            None => facts.pop().unwrap_or_default(),
        };
        Ok((facts, newer))
    }
}

impl Sum {
    fn new(outlines: Vec<Arc<Outline>>, naming: Naming) -> Result<Self, SourceError> {
        let asked = rules(&naming.book, &naming.policies);
        let mut made: Option<(u32, &Rules)> = None;
        for (partition, rules) in outlines.iter().filter_map(|o| Some((o.partition, o.rules.as_ref()?))) {
            if rules.naming != asked.naming {
                return Err(SourceError::OtherNaming);
            }
            let (one, first) = *made.get_or_insert((partition, rules));
            if first != rules {
                return Err(SourceError::OtherThresholds { one, other: partition });
            }
        }
        let rules = made.map(|(_, rules)| rules.clone()).unwrap_or(asked);
        let several = outlines.len() > 1;
        let union = several.then(|| Union::of(outlines.iter().map(|o| &o.symbols))).transpose()?;
        let mut hours: HashMap<SeriesId, (i64, i64)> = HashMap::new();
        for (part, outline) in outlines.iter().enumerate() {
            for (own, _) in outline.symbols.all_series() {
                let Some((first, last)) = outline.hours(own) else { continue };
                let Some(id) = union.as_ref().map_or(Some(own), |u| u.series(part, own)) else { continue };
                let run = hours.entry(id).or_insert((first, last));
                *run = (run.0.min(first), run.1.max(last));
            }
        }
        Ok(Sum { outlines, union, hours, naming, rules })
    }

    /// Series of a plan that was made here, by their names.
    fn names(&self, plan: &Plan) -> Vec<SeriesName> {
        let symbols = self.symbols();
        let crossed = plan.crossed.iter().flat_map(|crossed| &crossed.series);
        let known = plan.series.iter().chain(crossed).filter_map(|id| symbols.series(*id));
        known.map(|series| SeriesName::of(symbols, series)).collect()
    }

    /// Whether a plan made here would be the same over another sum.
    fn same(&self, made: &Plan, other: &Sum) -> bool {
        let Ok(again) = plan(other, made.request.clone()) else { return false };
        let days = |p: &Plan| (p.from, p.to, p.reference.map(|r| (r.from, r.to, r.current_from, r.current_to)));
        days(made) == days(&again) && made.threshold == again.threshold && self.names(made) == other.names(&again)
    }
}

impl FactSource for Sum {
    fn symbols(&self) -> &Symbols {
        match &self.union {
            Some(union) => union.symbols(),
            // there is always a part: `choose` and `new` see to it
            None => &self.outlines[0].symbols,
        }
    }

    fn hours(&self, series: SeriesId) -> Option<(i64, i64)> {
        self.hours.get(&series).copied()
    }

    fn nomenclature(&self, series: SeriesId) -> Arc<Nomenclature> {
        self.naming.of(self.symbols(), series)
    }

    fn threshold(&self, model: &str) -> Option<f64> {
        self.rules.threshold(model)
    }
}

impl FactSource for StoreFacts {
    fn symbols(&self) -> &Symbols {
        self.sum.symbols()
    }

    fn hours(&self, series: SeriesId) -> Option<(i64, i64)> {
        self.sum.hours(series)
    }

    fn nomenclature(&self, series: SeriesId) -> Arc<Nomenclature> {
        self.sum.nomenclature(series)
    }

    fn threshold(&self, model: &str) -> Option<f64> {
        self.sum.threshold(model)
    }
}

/// Asks several at the same time, since each may take seconds not to answer; answers come in the order of the asked.
fn at_once<A: Send, T: Send>(asked: Vec<A>, ask: impl Fn(A) -> T + Sync) -> Vec<T> {
    if asked.len() < 2 {
        return asked.into_iter().map(ask).collect();
    }
    let ask = &ask;
    std::thread::scope(|threads| {
        let running: Vec<_> = asked.into_iter().map(|a| threads.spawn(move || ask(a))).collect();
        running.into_iter().map(|t| t.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))).collect()
    })
}
