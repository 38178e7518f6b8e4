use fjall::Readable;

use super::{Store, StoreError};
use crate::{
    event::SeriesId,
    fact::{Facts, PageKey, Table},
};

/// Which facts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub series: Vec<SeriesId>,
    /// Runs of hours since 1970 (UTC), each with its end excluded.
    pub hours: Vec<(i64, i64)>,
}

impl Store {
    /// Reads the selected facts from one consistent view.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn facts(&self, selection: &Selection) -> Result<Facts, StoreError> {
        let snapshot = self.db.snapshot();
        let mut facts = Facts::default();
        for table in Table::COUNTS.into_iter().chain(Table::MOMENTS) {
            for series in &selection.series {
                for (from, to) in &selection.hours {
                    let from = PageKey::new(table, *series, *from, None).0.to_be_bytes();
                    let to = PageKey::new(table, *series, *to, None).0.to_be_bytes();
                    for guard in snapshot.range(&self.facts, from..to) {
                        let (key, value) = guard.into_inner().map_err(|e| self.wrap(e))?;
                        self.collect(&mut facts, table, &key, &value)?;
                    }
                }
            }
        }
        facts.ledger = self.ledger()?;
        Ok(facts)
    }

    fn collect(&self, facts: &mut Facts, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let key = self.page_key(key)?;
        if Table::MOMENTS.contains(&table) {
            facts.moments.insert(key, postcard::from_bytes(value)?);
        } else {
            facts.counts.insert(key, postcard::from_bytes(value)?);
        }
        Ok(())
    }

    fn page_key(&self, key: &[u8]) -> Result<PageKey, StoreError> {
        let key = key.try_into().map(|k| PageKey(u64::from_be_bytes(k)));
        key.map_err(|_| self.damaged("a page of facts has a key of another length".to_owned()))
    }

    /// First and last hour with a prediction of the series; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hours(&self, series: SeriesId) -> Result<Option<(i64, i64)>, StoreError> {
        let from = PageKey::new(Table::Tally, series, 0, None).0.to_be_bytes();
        let to = PageKey::new(Table::Tally, series, i64::MAX, None).0.to_be_bytes();
        let snapshot = self.db.snapshot();
        let mut range = snapshot.range(&self.facts, from..to);
        let hour = |guard: fjall::Guard| -> Result<i64, StoreError> {
            Ok(self.page_key(&guard.key().map_err(|e| self.wrap(e))?)?.hour())
        };
        let Some(first) = range.next().map(hour).transpose()? else { return Ok(None) };
        let last = range.next_back().map(hour).transpose()?.unwrap_or(first);
        Ok(Some((first, last)))
    }
}
