use super::{NomenclatureBook, Tabulator, ahead::DecodeAhead, rules, tabulator::conflict};
use crate::{
    event::{Kind, Reject, Symbols},
    fact::Ledger,
    ingest::{Admission, Decoded, Journal, JournalError, Policies, learn},
    store::{Commit, DeadLetter, HeldLog, Store, StoreError, Written},
};

/// Name of the embedded journal among the store's offsets.
pub const JOURNAL_SOURCE: &str = "journal";

/// Brings the store up to date with the journal, batch by batch.
pub struct Consumer {
    journal: Journal,
    store: Store,
    decoder: DecodeAhead,
    /// Its admission admits nothing here: it holds the symbols that the decoder gave.
    tabulator: Tabulator,
    ledger: Ledger,
    written: Written,
    log: HeldLog,
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
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error("the decoding thread ended")]
    DecoderGone,
    #[error("the store is at offset {store} and the journal ends at {journal}: they are not of one data directory")]
    Ahead { store: u64, journal: u64 },
    #[error(
        "partition {pair} of topic `{topic}` holds another record where the last one was read: the topic was made anew"
    )]
    Recreated { topic: String, kind: Kind, pair: u32 },
}

impl Consumer {
    /// Goes on where the store stopped; from the beginning when thresholds, nomenclatures or review rates are others
    /// than those that its facts were made with.
    ///
    /// # Errors
    /// When the store cannot be read, or is ahead of the journal.
    pub fn resume(
        journal: Journal,
        store: Store,
        policies: Policies,
        book: NomenclatureBook,
    ) -> Result<Self, PipelineError> {
        if store.adopt(&rules(&book, &policies))? {
            tracing::warn!(
                "thresholds, nomenclatures, review rates, texts or annotators have changed: facts are made anew from the journal"
            );
        }
        let symbols = store.symbols()?;
        let written = Written::of(&symbols);
        let log = HeldLog::load(&store)?;
        let ledger = store.ledger()?;
        let offset = store.offset(JOURNAL_SOURCE)?;
        if offset > journal.end() {
            return Err(PipelineError::Ahead { store: offset, journal: journal.end() });
        }
        let admission = Admission::new(symbols, policies.clone());
        let decoder = DecodeAhead::start(journal.clone(), admission.clone(), offset)?;
        let mut tabulator = Tabulator::new(admission, policies, book);
        tabulator.introduce_known();
        Ok(Consumer { journal, store, decoder, tabulator, ledger, written, log, offset })
    }

    /// Takes the next batch into one commit; `taken` is 0 when the store has all that the journal has.
    ///
    /// # Errors
    /// When the journal or the store fails: nothing of the batch is kept, and a new consumer goes on before it.
    pub fn step(&mut self) -> Result<Progress, PipelineError> {
        if self.lag() == 0 {
            return Ok(Progress { taken: 0, offset: self.offset, rejected: 0 });
        }
        let batch = self.decoder.next()?;
        learn(&mut self.tabulator.admission.symbols, &batch);
        let mut state = self.store.working_set(&mut self.log);
        let mut dead_letters = Vec::new();
        let Decoded { end, mut admitted, refused, .. } = batch;
        for refused in refused {
            self.tabulator.refuse(refused.kind, refused.reject.reason);
            dead_letters.push(letter(refused.offset, refused.kind, refused.reject, refused.line));
        }
        for (offset, kind) in self.tabulator.join_all(&mut state, &mut admitted)? {
            let line = line(&self.journal, offset)?;
            dead_letters.push(letter(offset, Some(kind), conflict(), line));
        }
        dead_letters.sort_by_key(|l| l.position);
        let (taken, rejected) = (end - self.offset, dead_letters.len() as u64);
        let (facts, offsets) = (self.tabulator.take_facts(), vec![(JOURNAL_SOURCE.to_owned(), end)]);
        let commit = Commit { facts, dead_letters, offsets, ..Commit::of(state) };
        self.store.commit(commit, &mut self.ledger, &self.tabulator.admission.symbols, &mut self.written)?;
        self.offset = end;
        Ok(Progress { taken, offset: end, rejected })
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

/// A line of the journal, for the dead letter of a conflict.
fn line(journal: &Journal, offset: u64) -> Result<Vec<u8>, JournalError> {
    let chunk = journal.read(offset)?;
    let line = chunk.as_ref().and_then(|c| c.lines.split(|b| *b == b'\n').next());
    Ok(line.unwrap_or_default().to_vec())
}

fn letter(position: u64, kind: Option<Kind>, reject: Reject, mut raw: Vec<u8>) -> DeadLetter {
    raw.truncate(DeadLetter::MAX_RAW);
    DeadLetter {
        source: JOURNAL_SOURCE.to_owned(),
        position,
        kind: kind.map_or("unknown", Kind::as_str).to_owned(),
        reason: reject.reason.as_str().to_owned(),
        detail: reject.detail,
        raw,
    }
}
