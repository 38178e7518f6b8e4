use std::sync::Arc;

use super::SourceError;
use crate::store::{Outline, Portion, Store, StoreError, View, Wanted};

/// One who holds partitions and can be asked about them: stores of this process, or another replica.
pub trait Holder: Send + Sync {
    /// What each partition holds.
    ///
    /// # Errors
    /// When a store cannot be read, or nobody answers.
    fn outlines(&self) -> Result<Vec<Arc<Outline>>, HolderError>;

    /// Facts of some partitions; one that is held no more is left out. Each comes with the outline of its own moment,
    /// which may be a later one than that of [`Holder::outlines`].
    ///
    /// # Errors
    /// When a store cannot be read, or nobody answers.
    fn portions(&self, wanted: &[Wanted]) -> Result<Vec<Portion>, HolderError>;
}

#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No answer, or none that makes sense; says from whom.
    #[error("{0}")]
    Silent(String),
}

/// Stores of this process, each as it is at one moment, and one for each partition: copies are for another [`Views`].
#[derive(Default)]
pub struct Views(Vec<(View, Arc<Outline>)>);

impl Views {
    /// Looks at a store as it is now, as partition `partition` of `partitions`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn add(&mut self, store: &Store, partition: u32, partitions: u32) -> Result<(), StoreError> {
        // one view for names, plan and facts: what is committed meanwhile would bring codes without a name
        let view = store.view();
        let outline = Outline::of(&view, partition, partitions)?;
        self.0.push((view, Arc::new(outline)));
        Ok(())
    }
}

impl Holder for Views {
    fn outlines(&self) -> Result<Vec<Arc<Outline>>, HolderError> {
        Ok(self.0.iter().map(|(_, outline)| outline.clone()).collect())
    }

    fn portions(&self, wanted: &[Wanted]) -> Result<Vec<Portion>, HolderError> {
        let held = wanted.iter().filter_map(|w| Some((w, self.0.iter().find(|(_, o)| o.partition == w.partition)?)));
        held.map(|(wanted, (view, outline))| {
            let facts = view.facts(&wanted.selection(&outline.symbols))?;
            Ok(Portion { outline: outline.clone(), facts })
        })
        .collect()
    }
}

/// More than a cluster can have: a number beyond is no answer of a replica.
const MOST_PARTITIONS: u32 = 1 << 20;

/// The copy of one partition that is read.
#[derive(Clone)]
pub(super) struct Chosen {
    /// At this place among the holders.
    pub holder: usize,
    pub outline: Arc<Outline>,
}

impl Chosen {
    /// Whether a portion is of this copy, as it is now or later.
    pub fn goes_on_as(&self, portion: &Portion) -> bool {
        let (known, now) = (&*self.outline, &*portion.outline);
        let place = |o: &Outline| (o.partition, o.partitions, o.topology.clone());
        place(known) == place(now) && known.position.events() <= now.position.events()
    }
}

/// Of each partition the copy that is furthest along, in the order of the partitions; of equal ones the first.
/// `silent` says who did not answer.
pub(super) fn choose(found: Vec<Chosen>, silent: Vec<String>) -> Result<Vec<Chosen>, SourceError> {
    let Some(first) = found.first().map(|c| c.outline.clone()) else {
        return Err(SourceError::NoAnswer { silent });
    };
    for other in found.iter().map(|c| &c.outline) {
        let beside = match (&first.topology, &other.topology) {
            (Some(a), Some(b)) => a.is_beside(b),
            (None, None) => true,
            _ => false,
        };
        // two journals are no copies of each other, unless it is one that was asked twice
        let beside = beside
            && (other.topology.is_some() || (&first.position, &first.ledger) == (&other.position, &other.ledger));
        let told = other.partition < other.partitions && other.partitions <= MOST_PARTITIONS;
        if !beside || first.partitions != other.partitions || !told {
            return Err(SourceError::OtherTopology { one: stream(&first), other: stream(other) });
        }
    }
    let partitions = first.partitions;
    let mut best: Vec<Option<Chosen>> = Vec::new();
    best.resize_with(partitions as usize, || None);
    for copy in found {
        let kept = &mut best[copy.outline.partition as usize];
        let events = |c: &Chosen| c.outline.position.events();
        if kept.as_ref().is_none_or(|kept| events(kept) < events(&copy)) {
            *kept = Some(copy);
        }
    }
    let missing: Vec<u32> = (0..partitions).zip(&best).filter(|(_, c)| c.is_none()).map(|(p, _)| p).collect();
    if !missing.is_empty() {
        return Err(SourceError::Missing { missing, partitions, silent });
    }
    Ok(best.into_iter().flatten().collect())
}

/// What an outline is a part of, for people.
fn stream(outline: &Outline) -> String {
    match &outline.topology {
        Some(topology) => topology.to_string(),
        None if outline.partitions == 1 => "an embedded journal, which is whole in itself".to_owned(),
        None => format!("partition {} of {}", outline.partition, outline.partitions),
    }
}
