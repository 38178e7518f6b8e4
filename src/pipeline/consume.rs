use super::{NomenclatureBook, Tabulator};
use crate::{
    event::Symbols,
    fact::{Facts, Ledger},
    ingest::{Admission, Chunk, Journal, JournalError, Policies, Row},
    store::{Commit, DeadLetter, Store, StoreError},
};

/// Events of one atomic commit: enough to spread its cost, few enough to keep memory and delay small.
const BATCH_LINES: u64 = 50_000;

/// Name of the embedded journal among the store's offsets.
const SOURCE: &str = "journal";

/// Brings the store up to date with the journal, batch by batch.
pub struct Consumer {
    journal: Journal,
    store: Store,
    tabulator: Tabulator,
    ledger: Ledger,
    /// Symbols and series that the store has.
    written: (usize, usize),
    offset: u64,
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events taken in this step; 0 = the journal's end is reached.
    pub taken: u64,
    /// Offset that the store is at now.
    pub offset: u64,
    pub rejected: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the store is at offset {store} and the journal ends at {journal}: they are not of one data directory")]
    Ahead { store: u64, journal: u64 },
}

impl Consumer {
    /// Goes on where the store stopped.
    ///
    /// # Errors
    /// When the store cannot be read, or is ahead of the journal.
    pub fn resume(
        journal: Journal,
        store: Store,
        policies: Policies,
        book: NomenclatureBook,
    ) -> Result<Self, PipelineError> {
        let symbols = store.symbols()?;
        let written = (symbols.len(), symbols.series_len());
        let ledger = store.ledger()?;
        let offset = store.offset(SOURCE)?;
        if offset > journal.end() {
            return Err(PipelineError::Ahead { store: offset, journal: journal.end() });
        }
        let mut tabulator = Tabulator::new(Admission::new(symbols, policies.clone()), policies, book);
        tabulator.introduce_known();
        Ok(Consumer { journal, store, tabulator, ledger, written, offset })
    }

    /// Takes the next batch into one commit.
    ///
    /// # Errors
    /// When the journal or the store fails: nothing of the batch is kept, and a new consumer goes on before it.
    pub fn step(&mut self) -> Result<Progress, PipelineError> {
        let mut commit = Commit {
            state: self.store.working_set(),
            facts: Facts::default(),
            dead_letters: Vec::new(),
            offsets: Vec::new(),
        };
        let from = self.offset;
        let mut at = from;
        while at - from < BATCH_LINES {
            let Some(chunk) = self.journal.read(at)? else { break };
            at = take_chunk(&mut self.tabulator, &mut commit, &chunk, from + BATCH_LINES)?;
        }
        if at == from {
            return Ok(Progress { taken: 0, offset: from, rejected: 0 });
        }
        commit.facts = std::mem::take(&mut self.tabulator.facts);
        commit.offsets.push((SOURCE.to_owned(), at));
        let rejected = commit.dead_letters.len() as u64;
        self.store.commit(commit, &mut self.ledger, &self.tabulator.admission.symbols, &mut self.written)?;
        self.offset = at;
        Ok(Progress { taken: at - from, offset: at, rejected })
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Events in the journal that the store does not have yet.
    pub fn lag(&self) -> u64 {
        self.journal.end().saturating_sub(self.offset)
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub fn symbols(&self) -> &Symbols {
        &self.tabulator.admission.symbols
    }
}

/// Takes a chunk's lines up to `limit`; gives the offset after the last one taken.
fn take_chunk(
    tabulator: &mut Tabulator,
    commit: &mut Commit<'_>,
    chunk: &Chunk,
    limit: u64,
) -> Result<u64, StoreError> {
    let mut at = chunk.first;
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', &chunk.lines) {
        if at >= limit {
            break;
        }
        let line = &chunk.lines[start..end];
        start = end + 1;
        let rejected = tabulator.take(&mut commit.state, &Row::Line(line), chunk.kind)?;
        if let Some(rejected) = rejected {
            commit.dead_letters.push(DeadLetter {
                source: SOURCE.to_owned(),
                position: at,
                kind: rejected.kind.map_or("unknown", |k| k.as_str()).to_owned(),
                reason: rejected.reject.reason.as_str().to_owned(),
                detail: rejected.reject.detail,
                raw: line[..line.len().min(DeadLetter::MAX_RAW)].to_vec(),
            });
        }
        at += 1;
    }
    Ok(at)
}
