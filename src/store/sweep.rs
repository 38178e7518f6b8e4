use fjall::Readable;

use super::{StoreError, WorkingSet, chunk::Stored, held_log::chunk_number};
use crate::join::Held;

impl WorkingSet<'_> {
    /// Goes through the log from chunk `from` to before `until`, for about `limit` records, in a batch of its own: records
    /// for which `keep` is false are forgotten. Chunks that hold such, or copies that no longer hold, are removed, and what
    /// stays of them goes to the end of the log. Gives the chunk to go on at; `None` at the end.
    ///
    /// Chunks must be gone through in order, and `until` be what [`turn_over`](super::HeldLog::turn_over) gave when that began:
    /// then a removed chunk leaves no older copy of its records behind, which the next start would take for them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sweep(
        &mut self,
        from: u64,
        until: u64,
        limit: usize,
        mut keep: impl FnMut(&Held) -> bool,
    ) -> Result<Option<u64>, StoreError> {
        let store = self.store;
        let mut looked = 0;
        for guard in store.db.snapshot().range(&store.state, from.to_be_bytes()..until.to_be_bytes()) {
            let (number, bytes) = guard.into_inner().map_err(|e| store.wrap(e))?;
            let number = chunk_number(store, &number)?;
            if looked >= limit {
                return Ok(Some(number));
            }
            let chunk = Stored::read(store, number, &bytes)?;
            let all = chunk.len();
            looked += all;
            let (mut stay, mut expired) = (Vec::with_capacity(all), Vec::new());
            for (key, record) in chunk.copies_that_hold() {
                if !self.log.holds(store, key, number)? {
                    continue;
                }
                if keep(&postcard::from_bytes(record)?) {
                    stay.push((key, record));
                } else {
                    expired.push(key);
                }
            }
            if stay.len() == all {
                continue;
            }
            for key in expired {
                self.log.forget(key, number);
            }
            for (key, record) in stay {
                self.append(key, Some(number), record);
            }
            self.batch.remove(&store.state, number.to_be_bytes());
        }
        Ok(None)
    }
}
