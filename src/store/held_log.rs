use std::cmp::Ordering;

use fjall::{OwnedWriteBatch, Readable};

use super::{
    Store, StoreError,
    chunk::{Chunk, Stored},
    index::Index,
};
use crate::{event::JoinKey, join::Held};

/// The records of the join: a log of chunks in the store, and an index of it in memory (ADR 9).
///
/// A record that changes is written anew at the end of the log; of two copies the later one holds. The last chunk is
/// open: commits write it again until it is full. Chunks whose records have all moved on or expired are removed by
/// [`sweep`](super::WorkingSet::sweep).
///
/// Whoever writes to a store has its only `HeldLog`; after a commit that failed they do not fit it any more.
#[derive(Debug, Default)]
pub struct HeldLog {
    index: Index,
    /// Number of the lowest chunk; the index has the low halves of numbers.
    first: u64,
    open: Chunk,
    /// The chunk that was open when the batch began, as it was then. Records of the batch itself are never looked for:
    /// keys rise.
    carried: Chunk,
}

/// A full chunk: a data block of the database. Longer ones would be read in vain when a label comes, shorter ones cost a
/// key each.
const FULL: usize = 4 << 10;

impl HeldLog {
    /// Reads the whole log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let mut log = HeldLog::default();
        let (mut first, mut last) = (None, None);
        for guard in store.db.snapshot().range(&store.state, [0; 8]..) {
            let (number, bytes) = guard.into_inner().map_err(|e| store.wrap(e))?;
            let number = chunk_number(store, &number)?;
            log.first = *first.get_or_insert(number);
            for (key, _) in Stored::read(store, number, &bytes)?.copies_that_hold() {
                match log.before(store, key, number)? {
                    Some(before) => log.index.moved(key, before as u32, number as u32),
                    None => log.index.insert(key, number as u32),
                }
            }
            last = Some((number, bytes));
        }
        if let Some((number, bytes)) = last {
            log.open = Chunk::restore(store, number, &bytes)?;
        }
        Ok(log)
    }

    /// Records held.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A batch begins.
    pub(super) fn begin(&mut self) {
        self.carried.clone_from(&self.open);
    }

    /// The record of a key, and its chunk. Not for keys that the batch has put.
    pub(super) fn find(&self, store: &Store, key: JoinKey) -> Result<Option<(Held, u64)>, StoreError> {
        self.newest(key, |number| self.committed(store, number, key, decode))
    }

    /// What a chunk had under a key when the batch began.
    fn committed<T>(
        &self,
        store: &Store,
        number: u64,
        key: JoinKey,
        then: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match number.cmp(&self.carried.number) {
            Ordering::Less => look(store, number, key, then),
            Ordering::Equal => self.carried.find(key).map(then).transpose(),
            Ordering::Greater => Ok(None),
        }
    }

    /// The chunk that has a key so far, while chunk `number` is read.
    fn before(&self, store: &Store, key: JoinKey, number: u64) -> Result<Option<u64>, StoreError> {
        // in the chunk itself it is another key's
        let found = self.newest(key, |of| if of == number { Ok(None) } else { look(store, of, key, |_| Ok(())) })?;
        Ok(found.map(|(_, chunk)| chunk))
    }

    /// What the last of the chunks that may have a key has, with its number. Where two keys share a tag, the other's chunk
    /// may have an older copy.
    fn newest<T>(
        &self,
        key: JoinKey,
        mut look: impl FnMut(u64) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<(T, u64)>, StoreError> {
        let mut best: Option<(T, u64)> = None;
        for candidate in self.index.candidates(key) {
            let number = self.whole(*candidate);
            if best.as_ref().is_none_or(|(_, found)| *found < number)
                && let Some(found) = look(number)?
            {
                best = Some((found, number));
            }
        }
        Ok(best)
    }

    /// Appends nothing before a chunk: the end of a sweep that is under way.
    pub fn go_past(&mut self, until: u64) {
        if self.open.number < until {
            self.open.begin(until);
        }
    }

    /// Whether the copy of a key in a chunk, which has one, is the one that holds. The batch puts no records of its own.
    pub(super) fn holds(&self, store: &Store, key: JoinKey, number: u64) -> Result<bool, StoreError> {
        let found = self.newest(key, |of| match of.cmp(&number) {
            Ordering::Less => Ok(None),
            Ordering::Equal => Ok(Some(())),
            Ordering::Greater => self.committed(store, of, key, |_| Ok(())),
        })?;
        Ok(found.is_some_and(|(_, of)| of == number))
    }

    /// Writes a record at the end of the log; `before` is the chunk that had it.
    pub(super) fn append(
        &mut self,
        store: &Store,
        batch: &mut OwnedWriteBatch,
        key: JoinKey,
        before: Option<u64>,
        record: &[u8],
    ) {
        if self.open.size() + record.len() > FULL && !self.open.is_empty() {
            self.write_open(store, batch);
            self.open.begin(self.open.number + 1);
        }
        self.open.push(key, record);
        let to = self.open.number as u32;
        match before {
            Some(from) => self.index.moved(key, from as u32, to),
            None => self.index.insert(key, to),
        }
    }

    /// Writes the open chunk, as every commit must that appended.
    pub(super) fn write_open(&self, store: &Store, batch: &mut OwnedWriteBatch) {
        batch.insert(&store.state, self.open.number.to_be_bytes(), self.open.encode());
    }

    /// Begins a new chunk, so that all records so far stand before it; gives its number. Between two batches only. A start
    /// forgets it: see [`go_past`](Self::go_past).
    pub fn turn_over(&mut self) -> u64 {
        if !self.open.is_empty() {
            self.open.begin(self.open.number + 1);
        }
        self.open.number
    }

    pub(super) fn forget(&mut self, key: JoinKey, number: u64) {
        self.index.remove(key, number as u32);
    }

    /// The whole number of a chunk, from its low half: all chunks lie within 2^32 from the first.
    fn whole(&self, low: u32) -> u64 {
        self.first + u64::from(low.wrapping_sub(self.first as u32))
    }
}

pub(super) fn chunk_number(store: &Store, key: &[u8]) -> Result<u64, StoreError> {
    let number = key.try_into().map(u64::from_be_bytes);
    number.map_err(|_| store.damaged("a chunk of records has a key of another length".to_owned()))
}

/// What a chunk of the store has under a key, as `then` sees it.
fn look<T>(
    store: &Store,
    number: u64,
    key: JoinKey,
    then: impl FnOnce(&[u8]) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let found = store.state.get(number.to_be_bytes()).map_err(|e| store.wrap(e))?;
    let bytes = found.ok_or_else(|| store.damaged(format!("chunk {number} of its records is missing")))?;
    Stored::read(store, number, &bytes)?.find(key).map(then).transpose()
}

fn decode(record: &[u8]) -> Result<Held, StoreError> {
    Ok(postcard::from_bytes(record)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::HeldLog;
    use crate::{
        event::{Candidates, Entry, Fixed, JoinKey, NO_LATENCY, PredictionEntry, SeriesId, Symbol, Symbols},
        fact::Ledger,
        join::Held,
        store::{Commit, State, Store, Written},
    };

    fn prediction(at: i64) -> PredictionEntry {
        PredictionEntry {
            model: Symbol(0),
            series: SeriesId(0),
            body: at as u64,
            at,
            route: None,
            failed: false,
            confidence: Fixed(0),
            probability: Fixed(0),
            latency: NO_LATENCY,
            clips: 0,
            candidates: Candidates::default(),
            wording: None,
        }
    }

    /// What a batch does: writes keys at times, or forgets what is older than a time.
    #[derive(Debug, Clone)]
    enum Batch {
        Write(BTreeMap<u128, i64>),
        Sweep { before: i64, limit: usize },
        Reopen,
    }

    /// Few keys, of which many share the bits that the index keeps.
    fn key() -> impl Strategy<Value = u128> {
        (0..6_u128, 0..40_u128).prop_map(|(high, low)| high << 99 | low)
    }

    fn batch() -> impl Strategy<Value = Batch> {
        prop_oneof![
            6 => prop::collection::btree_map(key(), 0..1_000_i64, 1..60).prop_map(Batch::Write),
            2 => (0..1_000_i64, 1..100_usize).prop_map(|(before, limit)| Batch::Sweep { before, limit }),
            1 => Just(Batch::Reopen),
        ]
    }

    struct Subject {
        dir: tempfile::TempDir,
        store: Option<Store>,
        log: HeldLog,
        /// What the log must hold: the newest time under each key.
        model: BTreeMap<u128, i64>,
    }

    impl Subject {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary directory");
            let store = Store::open(dir.path()).expect("a store");
            let log = HeldLog::load(&store).expect("a log");
            Subject { dir, store: Some(store), log, model: BTreeMap::new() }
        }

        fn store(&self) -> Store {
            self.store.clone().expect("open")
        }

        fn write(&mut self, changes: BTreeMap<u128, i64>) {
            let store = self.store();
            let mut state = store.working_set(&mut self.log);
            for (key, at) in changes {
                let known = state.get(JoinKey(key)).expect("a record");
                assert_eq!(known.as_ref().map(Held::newest), self.model.get(&key).copied(), "{key:x}");
                let mut held = Held::default();
                held.apply(Entry::Prediction(prediction(at)));
                state.put(JoinKey(key), held).expect("put");
                self.model.insert(key, at);
            }
            let commit = Commit::of(state);
            let written = &mut Written::default();
            store.commit(commit, &mut Ledger::default(), &Symbols::default(), written).expect("a commit");
        }

        /// A whole pass, in as many batches as it takes.
        fn sweep(&mut self, before: i64, limit: usize) {
            let store = self.store();
            let (mut next, until) = (Some(0), self.log.turn_over());
            self.model.retain(|_, at| *at >= before);
            while let Some(from) = next {
                let mut state = store.working_set(&mut self.log);
                next = state.sweep(from, until, limit, |held| held.newest() >= before).expect("a sweep");
                let commit = Commit::of(state);
                let written = &mut Written::default();
                store.commit(commit, &mut Ledger::default(), &Symbols::default(), written).expect("a commit");
            }
        }

        fn reopen(&mut self) {
            self.store = None;
            self.log = HeldLog::default();
            let store = Store::open(self.dir.path()).expect("a store");
            self.log = HeldLog::load(&store).expect("a log");
            self.store = Some(store);
        }

        fn check(&mut self) {
            let store = self.store();
            self.log.begin();
            for high in 0..6_u128 {
                for low in 0..40_u128 {
                    let key = high << 99 | low;
                    let found = self.log.find(&store, JoinKey(key)).expect("found").map(|(held, _)| held.newest());
                    assert_eq!(found, self.model.get(&key).copied(), "{key:x}");
                }
            }
            assert_eq!(self.log.len(), self.model.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_log_holds_what_a_map_would(batches in prop::collection::vec(batch(), 1..40)) {
            let mut subject = Subject::new();
            for batch in batches {
                match batch {
                    Batch::Write(changes) => subject.write(changes),
                    Batch::Sweep { before, limit } => subject.sweep(before, limit),
                    Batch::Reopen => subject.reopen(),
                }
                subject.check();
            }
            subject.reopen();
            subject.check();
        }
    }
}
