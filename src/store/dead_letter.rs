use fjall::{OwnedWriteBatch, Readable};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// A refused event, kept for the person who will mend its producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Journal, file or topic it came from.
    pub source: String,
    /// Offset or line there.
    pub position: u64,
    /// `prediction`, `correction` or `unknown`.
    pub kind: String,
    pub reason: String,
    pub detail: String,
    /// The event as it came, cut to [`DeadLetter::MAX_RAW`] bytes.
    pub raw: Vec<u8>,
}

impl DeadLetter {
    pub const MAX_RAW: usize = 4096;
    /// Kept; older ones make room.
    pub const MAX_KEPT: u64 = 100_000;
}

impl Store {
    pub(super) fn bury(&self, batch: &mut OwnedWriteBatch, letters: Vec<DeadLetter>) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        let number = |key: &[u8]| key.try_into().map(u64::from_be_bytes).unwrap_or(0);
        let edge = |guard: Option<fjall::Guard>| match guard {
            Some(g) => g.key().map(|k| Some(number(&k))).map_err(|e| self.wrap(e)),
            None => Ok(None),
        };
        let all = 0u64.to_be_bytes()..;
        let first = edge(self.dead.range(all.clone()).next())?.unwrap_or(0);
        let mut next = edge(self.dead.range(all).next_back())?.map_or(0, |n| n + 1);
        for mut letter in letters {
            letter.raw.truncate(DeadLetter::MAX_RAW);
            batch.insert(&self.dead, next.to_be_bytes(), postcard::to_stdvec(&letter)?);
            next += 1;
        }
        for old in first..next.saturating_sub(DeadLetter::MAX_KEPT).max(first) {
            batch.remove(&self.dead, old.to_be_bytes());
        }
        Ok(())
    }

    /// The newest dead letters, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let snapshot = self.db.snapshot();
        let newest = snapshot.range(&self.dead, 0u64.to_be_bytes()..).rev().take(limit);
        newest
            .map(|guard| {
                let value = guard.value().map_err(|e| self.wrap(e))?;
                Ok(postcard::from_bytes(&value)?)
            })
            .collect()
    }
}
