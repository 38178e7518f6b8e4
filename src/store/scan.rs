use fjall::Readable;

use super::{Store, StoreError};
use crate::{
    event::SeriesId,
    fact::{Cell, CellKey, Facts},
};

/// Which facts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub series: Vec<SeriesId>,
    /// Runs of hours since 1970 (UTC), each with its end excluded.
    pub hours: Vec<(i64, i64)>,
}

const TABLES: [u8; 7] = [0, 1, 2, 3, 8, 9, 10];

impl Store {
    /// Reads the selected facts from one consistent view.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn facts(&self, selection: &Selection) -> Result<Facts, StoreError> {
        let snapshot = self.db.snapshot();
        let mut facts = Facts::default();
        for table in TABLES {
            for series in &selection.series {
                for (from, to) in &selection.hours {
                    let from = Cell::start(table, *series, *from).0.to_be_bytes();
                    let to = Cell::start(table, *series, *to).0.to_be_bytes();
                    for guard in snapshot.range(&self.facts, from..to) {
                        let (key, value) = guard.into_inner().map_err(|e| self.wrap(e))?;
                        self.collect(&mut facts, &key, &value)?;
                    }
                }
            }
        }
        facts.ledger = self.ledger()?;
        Ok(facts)
    }

    fn collect(&self, facts: &mut Facts, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let key = key.try_into().map(|k| CellKey(u128::from_be_bytes(k)));
        let key = key.map_err(|_| self.damaged("a fact has a key of another length".to_owned()))?;
        if Cell::is_moments(key) {
            facts.moments.insert(key, postcard::from_bytes(value)?);
        } else {
            facts.counts.insert(key, postcard::from_bytes(value)?);
        }
        Ok(())
    }

    /// First and last hour with a prediction of the series; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hours(&self, series: SeriesId) -> Result<Option<(i64, i64)>, StoreError> {
        let from = Cell::start(3, series, 0).0.to_be_bytes();
        let to = Cell::start(3, series, (1 << 21) - 1).0.to_be_bytes();
        let snapshot = self.db.snapshot();
        let mut range = snapshot.range(&self.facts, from..to);
        let hour = |guard: fjall::Guard| -> Result<Option<i64>, StoreError> {
            let key = guard.key().map_err(|e| self.wrap(e))?;
            let key: Option<[u8; 16]> = key.as_ref().try_into().ok();
            Ok(key.and_then(|k| Cell::from_key(CellKey(u128::from_be_bytes(k)))).map(Cell::hour))
        };
        let Some(first) = range.next().map(hour).transpose()?.flatten() else { return Ok(None) };
        let last = range.next_back().map(hour).transpose()?.flatten().unwrap_or(first);
        Ok(Some((first, last)))
    }
}
