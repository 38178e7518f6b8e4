use fjall::OwnedWriteBatch;

use super::{HeldLog, State, Store, StoreError};
use crate::{event::JoinKey, join::Held};

/// What the join changes in one batch. Keys come in rising order, so only the record at hand is kept; those before it
/// stand encoded in the write to come.
pub struct WorkingSet<'a> {
    pub(super) store: &'a Store,
    pub(super) log: &'a mut HeldLog,
    pub(super) batch: OwnedWriteBatch,
    at_hand: Option<AtHand>,
    /// The last key that was asked for, and the chunk that had it.
    asked: Option<(JoinKey, Option<u64>)>,
    appended: bool,
    oldest: Option<i64>,
}

struct AtHand {
    key: JoinKey,
    held: Held,
    before: Option<u64>,
}

impl Store {
    /// Begins a batch.
    pub fn working_set<'a>(&'a self, log: &'a mut HeldLog) -> WorkingSet<'a> {
        log.begin();
        WorkingSet {
            store: self,
            log,
            batch: self.db.batch(),
            at_hand: None,
            asked: None,
            appended: false,
            oldest: None,
        }
    }
}

impl WorkingSet<'_> {
    /// The least [`Held::newest`] of the records that were put.
    pub fn oldest(&self) -> Option<i64> {
        self.oldest
    }

    /// The write with every record that was put.
    pub(super) fn finish(mut self) -> Result<OwnedWriteBatch, StoreError> {
        self.lay_down()?;
        if self.appended {
            self.log.write_open(self.store, &mut self.batch);
        }
        Ok(self.batch)
    }

    fn lay_down(&mut self) -> Result<(), StoreError> {
        let Some(AtHand { key, held, before }) = self.at_hand.take() else { return Ok(()) };
        // nearly every record fits; growing a vector for each would be half a dozen allocations
        let mut scratch = [0u8; 512];
        match postcard::to_slice(&held, &mut scratch) {
            Ok(bytes) => self.append(key, before, bytes),
            Err(_) => self.append(key, before, &postcard::to_stdvec(&held)?),
        }
        Ok(())
    }

    pub(super) fn append(&mut self, key: JoinKey, before: Option<u64>, record: &[u8]) {
        self.appended = true;
        self.log.append(self.store, &mut self.batch, key, before, record);
    }
}

impl State for WorkingSet<'_> {
    fn get(&mut self, key: JoinKey) -> Result<Option<Held>, StoreError> {
        if let Some(at_hand) = &self.at_hand {
            if at_hand.key == key {
                return Ok(Some(at_hand.held.clone()));
            }
            if at_hand.key > key {
                return Err(StoreError::OutOfOrder);
            }
        }
        let (held, chunk) = self.log.find(self.store, key)?.unzip();
        self.asked = Some((key, chunk));
        Ok(held)
    }

    fn put(&mut self, key: JoinKey, held: Held) -> Result<(), StoreError> {
        self.oldest = Some(self.oldest.map_or(held.newest(), |oldest| oldest.min(held.newest())));
        match &mut self.at_hand {
            Some(at_hand) if at_hand.key == key => at_hand.held = held,
            Some(at_hand) if at_hand.key > key => return Err(StoreError::OutOfOrder),
            _ => {
                self.lay_down()?;
                let before = match self.asked {
                    Some((asked, chunk)) if asked == key => chunk,
                    _ => self.log.find(self.store, key)?.map(|(_, chunk)| chunk),
                };
                self.at_hand = Some(AtHand { key, held, before });
            }
        }
        Ok(())
    }
}
