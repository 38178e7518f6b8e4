use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::Claim;
use crate::{
    event::Kind,
    fact::Ledger,
    ingest::kafka::{Reached, Records, Start},
    pipeline::{PartitionConsumer, PipelineError, Taken},
    store::{Marks, Store},
};

/// A pair of partitions that this replica owns: its store, and what is on its way there.
pub struct Pair {
    pub number: u32,
    /// For readers.
    pub store: Store,
    consumer: Mutex<PartitionConsumer>,
    claim: Claim,
    state: Mutex<State>,
    /// Batches given to a worker and not committed yet.
    pub in_flight: AtomicUsize,
    /// Parcels in the outbox that the broker has not acknowledged.
    pub parcels: AtomicU64,
}

#[derive(Debug, Clone)]
pub struct State {
    pub start: Start,
    pub marks: Marks,
    pub ledger: Ledger,
    pub held: u64,
    pub stopped: Option<Stopped>,
}

/// Why a pair takes no more batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Another process was given it, or the group took it back: what is under way is dropped.
    Fenced,
    /// A topic was made anew; reading begins there again.
    Recreated(Kind),
    Failed(String),
}

impl Pair {
    pub fn new(number: u32, consumer: PartitionConsumer, claim: Claim, waiting: u64) -> Self {
        let state = State {
            start: consumer.start(),
            marks: consumer.marks().clone(),
            ledger: consumer.ledger().clone(),
            held: consumer.held(),
            stopped: None,
        };
        Pair {
            number,
            store: consumer.store().clone(),
            consumer: Mutex::new(consumer),
            claim,
            state: Mutex::new(state),
            in_flight: AtomicUsize::new(0),
            parcels: AtomicU64::new(waiting),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> State {
        self.lock().clone()
    }

    pub fn start(&self) -> Start {
        self.lock().start
    }

    pub fn stopped(&self) -> Option<Stopped> {
        self.lock().stopped.clone()
    }

    pub fn reached(&self) -> Reached {
        let state = self.lock();
        Reached { start: state.start, first: [state.marks.predictions.first, state.marks.corrections.first] }
    }

    /// Takes no more batches. The first reason stays.
    pub fn stop(&self, why: Stopped) {
        self.lock().stopped.get_or_insert(why);
    }

    /// Whether this replica may still write here.
    pub fn is_ours(&self) -> bool {
        self.stopped().is_none() && self.claim.holds()
    }

    /// Commits a batch; `None` when it was dropped, since the pair is no longer ours or broken.
    pub fn take(&self, records: &Records) -> Option<Taken> {
        let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopped().is_some() {
            return None;
        }
        if !self.claim.holds() {
            tracing::warn!(partition = self.number, "another process took this partition over: nothing is written");
            self.stop(Stopped::Fenced);
            return None;
        }
        match consumer.take(records) {
            Ok(taken) => {
                self.parcels.fetch_add(taken.parcels.end - taken.parcels.start, Ordering::AcqRel);
                let mut state = self.lock();
                state.start = consumer.start();
                state.marks = consumer.marks().clone();
                state.ledger = consumer.ledger().clone();
                state.held = consumer.held();
                Some(taken)
            }
            Err(e @ PipelineError::Recreated { kind, .. }) => {
                tracing::error!(error = %e, "what was counted stays; the new topic is read from its beginning");
                self.stop(Stopped::Recreated(kind));
                None
            }
            Err(e) => {
                self.stop(Stopped::Failed(e.to_string()));
                None
            }
        }
    }
}
