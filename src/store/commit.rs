use super::{DeadLetter, Marks, Parcel, Store, StoreError, WorkingSet};
use crate::{
    event::{JoinKey, Symbols},
    fact::{CountPage, Facts, Ledger, MomentPage, PageKey},
};

/// Everything that one batch changes; [`Store::commit`] writes all of it or nothing.
pub struct Commit<'a> {
    pub state: WorkingSet<'a>,
    /// What the batch adds to the facts.
    pub facts: Facts,
    pub dead_letters: Vec<DeadLetter>,
    /// Where each source goes on.
    pub offsets: Vec<(String, u64)>,
    /// Of a partition's store.
    pub marks: Option<&'a Marks>,
    /// What must reach the dead-letter topic.
    pub parcels: Vec<Parcel>,
    /// Records that passed the horizon.
    pub forgotten: Vec<JoinKey>,
}

impl Store {
    /// Writes a batch atomically. `written` says how many symbols and series are stored already, and is moved on. Gives
    /// the numbers of the parcels.
    ///
    /// # Errors
    /// When the disk refuses: nothing of the batch is stored then.
    pub fn commit(
        &self,
        commit: Commit<'_>,
        ledger: &mut Ledger,
        symbols: &Symbols,
        written: &mut (usize, usize),
    ) -> Result<std::ops::Range<u64>, StoreError> {
        let mut batch = self.db.batch();
        // in the order of keys: the memtable's search stays where it was
        let mut keys: Vec<JoinKey> = commit.state.touched.keys().copied().collect();
        keys.sort_unstable();
        let mut scratch = [0u8; 1024];
        for key in keys {
            let Some(held) = commit.state.touched.get(&key) else { continue };
            // nearly every record fits; growing a vector for each would be half a dozen allocations
            match postcard::to_slice(held, &mut scratch) {
                Ok(bytes) => batch.insert(&self.state, key.0.to_be_bytes(), &*bytes),
                Err(_) => batch.insert(&self.state, key.0.to_be_bytes(), postcard::to_stdvec(held)?),
            }
        }
        for (key, delta) in &commit.facts.counts {
            let mut page: CountPage = self.page(*key)?;
            for (at, n) in delta {
                *page.entry(*at).or_default() += n;
            }
            page.retain(|_, n| *n != 0);
            self.keep(&mut batch, *key, page.is_empty(), &page)?;
        }
        for (key, delta) in &commit.facts.moments {
            let mut page: MomentPage = self.page(*key)?;
            for (at, m) in delta {
                page.entry(*at).or_default().add(m, 1);
            }
            page.retain(|_, m| !m.is_zero());
            self.keep(&mut batch, *key, page.is_empty(), &page)?;
        }
        let (texts, series) = symbols.since(written.0, written.1);
        for (i, text) in texts.iter().enumerate() {
            batch.insert(&self.symbols, numbered(b't', written.0 + i), text.as_bytes());
        }
        for (i, series) in series.iter().enumerate() {
            batch.insert(&self.symbols, numbered(b'u', written.1 + i), postcard::to_stdvec(series)?);
        }
        let mut after = ledger.clone();
        after.merge(&commit.facts.ledger);
        batch.insert(&self.meta, "ledger", postcard::to_stdvec(&after)?);
        for (source, offset) in &commit.offsets {
            batch.insert(&self.meta, format!("offset/{source}"), postcard::to_stdvec(offset)?);
        }
        if let Some(marks) = commit.marks {
            batch.insert(&self.meta, "marks", postcard::to_stdvec(marks)?);
        }
        for key in &commit.forgotten {
            batch.remove(&self.state, key.0.to_be_bytes());
        }
        self.seal(&mut batch)?;
        self.bury(&mut batch, commit.dead_letters)?;
        let parcels = self.enclose(&mut batch, &commit.parcels)?;
        batch.commit().map_err(|e| self.wrap(e))?;
        *ledger = after;
        *written = (symbols.len(), symbols.series_len());
        Ok(parcels)
    }

    fn page<T: serde::de::DeserializeOwned + Default>(&self, key: PageKey) -> Result<T, StoreError> {
        let found = self.facts.get(key.0.to_be_bytes()).map_err(|e| self.wrap(e))?;
        Ok(found.map(|bytes| postcard::from_bytes(&bytes)).transpose()?.unwrap_or_default())
    }

    fn keep<T: serde::Serialize>(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        key: PageKey,
        empty: bool,
        page: &T,
    ) -> Result<(), StoreError> {
        let key = key.0.to_be_bytes();
        if empty {
            batch.remove(&self.facts, key);
        } else {
            batch.insert(&self.facts, key, postcard::to_stdvec(page)?);
        }
        Ok(())
    }
}

fn numbered(kind: u8, n: usize) -> [u8; 5] {
    let n = (n as u32).to_be_bytes();
    [kind, n[0], n[1], n[2], n[3]]
}
