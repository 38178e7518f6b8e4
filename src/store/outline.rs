use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Position, Rules, Selection, StoreError, Topology, View};
use crate::{
    event::{Series, SeriesId, Symbols},
    fact::{Facts, Ledger},
};

/// What a reader must know of one partition to decide what to ask of it; all of one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outline {
    /// From 0; 0 of 1 for an embedded journal.
    pub partition: u32,
    pub partitions: u32,
    pub topology: Option<Topology>,
    pub position: Position,
    /// Under which the facts were made; `None` for a new store.
    pub rules: Option<Rules>,
    pub symbols: Symbols,
    /// First and last hour with a prediction, at the number of each series.
    pub hours: Vec<Option<(i64, i64)>>,
    pub ledger: Ledger,
}

/// A series by its texts: its number is another in every store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesName {
    pub workspace: String,
    pub model: String,
    pub version: String,
    pub nomenclature: String,
}

/// Which facts of a partition are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub partition: u32,
    /// `None` = all.
    pub series: Option<Vec<SeriesName>>,
    /// Runs of hours since 1970 (UTC), each with its end excluded.
    pub hours: Vec<(i64, i64)>,
    /// As in [`Selection`].
    pub most_specimens: Option<u64>,
}

/// Facts of one partition, with the outline of the very moment that they are of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Portion {
    #[serde(with = "shared")]
    pub outline: Arc<Outline>,
    /// Only what was wanted; the ledger is whole.
    pub facts: Facts,
}

mod shared {
    use super::{Arc, Deserialize, Outline, Serialize};

    pub fn serialize<S: serde::Serializer>(outline: &Arc<Outline>, to: S) -> Result<S::Ok, S::Error> {
        Outline::serialize(outline, to)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Arc<Outline>, D::Error> {
        Outline::deserialize(from).map(Arc::new)
    }
}

impl SeriesName {
    pub fn of(symbols: &Symbols, series: Series) -> Self {
        let text = |symbol| symbols.text(symbol).to_owned();
        SeriesName {
            workspace: text(series.workspace),
            model: text(series.model),
            version: text(series.version),
            nomenclature: text(series.nomenclature),
        }
    }

    /// Its number in a table; `None` where it never came.
    pub fn find(&self, symbols: &Symbols) -> Option<SeriesId> {
        symbols.find_series(Series {
            workspace: symbols.find(&self.workspace)?,
            model: symbols.find(&self.model)?,
            version: symbols.find(&self.version)?,
            nomenclature: symbols.find(&self.nomenclature)?,
        })
    }
}

impl Outline {
    /// # Errors
    /// When the store cannot be read.
    pub fn of(view: &View, partition: u32, partitions: u32) -> Result<Self, StoreError> {
        let symbols = view.symbols()?;
        let hours = symbols.all_series().map(|(id, _)| view.hours(id)).collect::<Result<_, _>>()?;
        Ok(Outline {
            partition,
            partitions,
            topology: view.topology()?,
            position: view.position()?,
            rules: view.rules()?,
            symbols,
            hours,
            ledger: view.ledger()?,
        })
    }

    /// First and last hour with a prediction of a series, by its number here.
    pub fn hours(&self, series: SeriesId) -> Option<(i64, i64)> {
        self.hours.get(series.0 as usize).copied().flatten()
    }
}

impl Wanted {
    /// What it selects in a store with these names.
    pub fn selection(&self, symbols: &Symbols) -> Selection {
        let series = match &self.series {
            None => symbols.all_series().map(|(id, _)| id).collect(),
            Some(names) => names.iter().filter_map(|name| name.find(symbols)).collect(),
        };
        // a run that ends before it begins is nothing; a store's index would not be asked for it
        let hours = self.hours.iter().copied().filter(|(from, to)| from < to).collect();
        Selection { series, hours, most_specimens: self.most_specimens }
    }
}
