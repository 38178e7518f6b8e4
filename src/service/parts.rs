use std::collections::BTreeMap;

use super::{Peers, Service};
use crate::{
    assess::{Holder, Naming, SourceError, StoreFacts, Views},
    store::{Position, Store, StoreError},
};

/// Where readers find facts: the partitions that this replica holds, and the replicas that hold the others.
///
/// Asked anew for every answer, since partitions move between replicas. Nothing here may block for long.
pub trait Parts: Send + Sync {
    /// The stores of the partitions that this replica holds now.
    fn held(&self) -> Holdings;

    /// Under which the facts are made.
    fn naming(&self) -> Naming;

    /// The other replicas of the group; `None` where this process holds everything.
    fn peers(&self) -> Option<Peers>;
}

/// Stores of one process.
#[derive(Clone)]
pub struct Holdings {
    /// How many partitions there are in all, here and elsewhere.
    pub partitions: u32,
    /// Partition, from 0, and its store.
    pub stores: Vec<(u32, Store)>,
}

/// With an embedded journal, one store has everything.
impl Parts for Service {
    fn held(&self) -> Holdings {
        Holdings { partitions: 1, stores: vec![(0, self.store.clone())] }
    }

    fn naming(&self) -> Naming {
        self.naming.clone()
    }

    fn peers(&self) -> Option<Peers> {
        None
    }
}

impl Holdings {
    /// All stores as they are now.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn views(&self) -> Result<Views, StoreError> {
        let mut views = Views::default();
        for (partition, store) in &self.stores {
            views.add(store, *partition, self.partitions)?;
        }
        Ok(views)
    }

    /// How far each partition is along.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn positions(&self) -> Result<Vec<(u32, Position)>, StoreError> {
        self.stores.iter().map(|(partition, store)| Ok((*partition, store.position()?))).collect()
    }
}

/// The sum over all partitions, here and elsewhere. Blocks while others are asked.
pub(super) fn gather(parts: &dyn Parts) -> Result<StoreFacts, SourceError> {
    // what is here comes first: of copies that are equally far along the first is read
    let mut holders: Vec<Box<dyn Holder>> = vec![Box::new(parts.held().views()?)];
    if let Some(peers) = parts.peers() {
        holders.extend(peers.holders());
    }
    StoreFacts::over(holders, parts.naming())
}

/// How far each partition is along wherever it is furthest; `None` when nobody tells of some.
pub(super) fn positions(parts: &dyn Parts) -> Result<Option<BTreeMap<u32, Position>>, StoreError> {
    let held = parts.held();
    let mut told = held.positions()?;
    if let Some(peers) = parts.peers() {
        told.extend(peers.positions());
    }
    let mut furthest: BTreeMap<u32, Position> = BTreeMap::new();
    for (partition, position) in told {
        let kept = furthest.entry(partition).or_default();
        if kept.events() <= position.events() {
            *kept = position;
        }
    }
    Ok((furthest.len() == held.partitions as usize).then_some(furthest))
}
