use super::{DeadLetter, Store, StoreError, WorkingSet};
use crate::{
    event::Symbols,
    fact::{Facts, Ledger, Moments},
};

/// Everything that one batch changes; [`Store::commit`] writes all of it or nothing.
pub struct Commit<'a> {
    pub state: WorkingSet<'a>,
    /// What the batch adds to the facts.
    pub facts: Facts,
    pub dead_letters: Vec<DeadLetter>,
    /// Where each source goes on.
    pub offsets: Vec<(String, u64)>,
}

impl Store {
    /// Writes a batch atomically. `written` says how many symbols and series are stored already, and is moved on.
    ///
    /// # Errors
    /// When the disk refuses: nothing of the batch is stored then.
    pub fn commit(
        &self,
        commit: Commit<'_>,
        ledger: &mut Ledger,
        symbols: &Symbols,
        written: &mut (usize, usize),
    ) -> Result<(), StoreError> {
        let mut batch = self.db.batch();
        for (key, held) in &commit.state.touched {
            batch.insert(&self.state, key.0.to_be_bytes(), postcard::to_stdvec(held)?);
        }
        for (key, delta) in commit.facts.counts.iter().filter(|(_, d)| **d != 0) {
            let key = key.0.to_be_bytes();
            let before: i64 = self.fact(&key)?.unwrap_or_default();
            match before + delta {
                0 => batch.remove(&self.facts, key),
                n => batch.insert(&self.facts, key, postcard::to_stdvec(&n)?),
            }
        }
        for (key, delta) in commit.facts.moments.iter().filter(|(_, d)| !d.is_zero()) {
            let key = key.0.to_be_bytes();
            let mut sums: Moments = self.fact(&key)?.unwrap_or_default();
            sums.add(delta, 1);
            if sums.is_zero() {
                batch.remove(&self.facts, key);
            } else {
                batch.insert(&self.facts, key, postcard::to_stdvec(&sums)?);
            }
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
        self.bury(&mut batch, commit.dead_letters)?;
        batch.commit().map_err(|e| self.wrap(e))?;
        *ledger = after;
        *written = (symbols.len(), symbols.series_len());
        Ok(())
    }

    fn fact<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let found = self.facts.get(key).map_err(|e| self.wrap(e))?;
        Ok(found.map(|bytes| postcard::from_bytes(&bytes)).transpose()?)
    }
}

fn numbered(kind: u8, n: usize) -> [u8; 5] {
    let n = (n as u32).to_be_bytes();
    [kind, n[0], n[1], n[2], n[3]]
}
