use fjall::{OwnedWriteBatch, Readable};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// A refused message on its way to the dead-letter topic: written with the commit that refused it, removed when the
/// broker has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub payload: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Store {
    /// Adds parcels behind those that wait; gives their numbers.
    pub(super) fn enclose(
        &self,
        batch: &mut OwnedWriteBatch,
        parcels: &[Parcel],
    ) -> Result<std::ops::Range<u64>, StoreError> {
        let next = self.meta_get::<u64>("outbox")?.unwrap_or(0);
        for (number, parcel) in (next..).zip(parcels) {
            batch.insert(&self.outbox, number.to_be_bytes(), postcard::to_stdvec(parcel)?);
        }
        let end = next + parcels.len() as u64;
        if !parcels.is_empty() {
            batch.insert(&self.meta, "outbox", postcard::to_stdvec(&end)?);
        }
        Ok(next..end)
    }

    /// Parcels from a number on that wait, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn waiting(&self, from: u64, limit: usize) -> Result<Vec<(u64, Parcel)>, StoreError> {
        let snapshot = self.db.snapshot();
        let found = snapshot.range(&self.outbox, from.to_be_bytes()..).take(limit);
        found
            .map(|guard| {
                let (key, value) = guard.into_inner().map_err(|e| self.wrap(e))?;
                let number = key[..].try_into().map(u64::from_be_bytes).unwrap_or(0);
                Ok((number, postcard::from_bytes(&value)?))
            })
            .collect()
    }

    /// Number of parcels that wait.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_waiting(&self) -> Result<u64, StoreError> {
        let snapshot = self.db.snapshot();
        let mut count = 0;
        for guard in snapshot.range(&self.outbox, 0u64.to_be_bytes()..) {
            guard.key().map_err(|e| self.wrap(e))?;
            count += 1;
        }
        Ok(count)
    }

    /// Removes parcels that arrived.
    ///
    /// # Errors
    /// When the disk refuses: they are sent again after a restart.
    pub fn arrived(&self, numbers: &[u64]) -> Result<(), StoreError> {
        let mut batch = self.db.batch();
        for number in numbers {
            batch.remove(&self.outbox, number.to_be_bytes());
        }
        batch.commit().map_err(|e| self.wrap(e))
    }
}
