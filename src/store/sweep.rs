use fjall::Readable;

use super::{Store, StoreError};
use crate::{event::JoinKey, join::Held};

/// A stretch of records in the order of their keys.
pub struct Stretch {
    pub records: Vec<(JoinKey, Held)>,
    /// Where the next stretch begins; `None` at the end.
    pub next: Option<u128>,
}

impl Store {
    /// Reads `limit` records from a key on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stretch(&self, from: u128, limit: usize) -> Result<Stretch, StoreError> {
        let snapshot = self.db.snapshot();
        let mut records = Vec::with_capacity(limit);
        for guard in snapshot.range(&self.state, from.to_be_bytes()..).take(limit) {
            let (key, value) = guard.into_inner().map_err(|e| self.wrap(e))?;
            let key = key[..].try_into().map(u128::from_be_bytes);
            let key = key.map_err(|_| self.damaged("a record has a key of another length".to_owned()))?;
            records.push((JoinKey(key), postcard::from_bytes(&value)?));
        }
        let last = records.last().map(|(key, _)| key.0);
        let next = last.filter(|_| records.len() == limit).and_then(|k| k.checked_add(1));
        Ok(Stretch { records, next })
    }
}
