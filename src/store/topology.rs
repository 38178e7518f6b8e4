use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// Which partition of which topics a store is of. The store of an embedded journal has none: it is whole in itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Topology {
    pub group: String,
    pub predictions: String,
    pub corrections: String,
    /// How many partitions each topic has.
    pub partitions: u32,
    /// This one, from 0.
    pub partition: u32,
}

impl Topology {
    /// Whether two stores are of the same topics, so that they add up or are copies of each other.
    pub fn is_beside(&self, other: &Topology) -> bool {
        let stream = |t: &Topology| (t.group.clone(), t.predictions.clone(), t.corrections.clone(), t.partitions);
        stream(self) == stream(other)
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Topology { group, predictions, corrections, partitions, .. } = self;
        write!(f, "topics `{predictions}` and `{corrections}` of {partitions} partitions, group `{group}`")
    }
}

/// The offset that the next event of each source has: how far a copy of a partition is along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(pub Vec<(String, u64)>);

impl Position {
    /// A store is a function of the log up to its offsets, so that of two copies the one with more events is further.
    pub fn events(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, offset)| sum.saturating_add(*offset))
    }
}

impl Store {
    /// Which partition the store is of; `None` for a journal's, and before [`Store::set_topology`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn topology(&self) -> Result<Option<Topology>, StoreError> {
        self.meta_get("topology")
    }

    /// Says which partition the store is of. [`Store::adopt`] forgets it where it empties a store: adopt first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_topology(&self, topology: &Topology) -> Result<(), StoreError> {
        self.meta.insert("topology", postcard::to_stdvec(topology)?).map_err(|e| self.wrap(e))
    }

    /// As [`View::position`](super::View::position), of now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn position(&self) -> Result<Position, StoreError> {
        self.view().position()
    }
}
