use super::{DeadLetter, Marks, Pages, Parcel, Store, StoreError, WorkingSet};
use crate::{
    event::Symbols,
    fact::{Facts, Ledger},
};

/// What the store has already, so that a commit writes only what is new.
#[derive(Debug, Default)]
pub struct Written {
    /// Symbols and series.
    pub symbols: usize,
    pub series: usize,
    pub pages: Pages,
}

impl Written {
    /// Of a store that was just opened.
    pub fn of(symbols: &Symbols) -> Self {
        Written { symbols: symbols.len(), series: symbols.series_len(), pages: Pages::default() }
    }
}

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
}

impl<'a> Commit<'a> {
    /// Of records alone.
    pub fn of(state: WorkingSet<'a>) -> Self {
        Commit {
            state,
            facts: Facts::default(),
            dead_letters: Vec::new(),
            offsets: Vec::new(),
            marks: None,
            parcels: Vec::new(),
        }
    }
}

impl Store {
    /// Writes a batch atomically; `written` is moved on, and after an error of no use any more. Gives
    /// the numbers of the parcels.
    ///
    /// # Errors
    /// When the disk refuses: nothing of the batch is stored then.
    pub fn commit(
        &self,
        mut commit: Commit<'_>,
        ledger: &mut Ledger,
        symbols: &Symbols,
        written: &mut Written,
    ) -> Result<std::ops::Range<u64>, StoreError> {
        let mut batch = commit.state.finish()?;
        commit.facts.settle();
        written.pages.add(self, &mut batch, &commit.facts)?;
        let (texts, series) = symbols.since(written.symbols, written.series);
        for (i, text) in texts.iter().enumerate() {
            batch.insert(&self.symbols, numbered(b't', written.symbols + i), text.as_bytes());
        }
        for (i, series) in series.iter().enumerate() {
            batch.insert(&self.symbols, numbered(b'u', written.series + i), postcard::to_stdvec(series)?);
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
        self.seal(&mut batch)?;
        self.bury(&mut batch, commit.dead_letters)?;
        let parcels = self.enclose(&mut batch, &commit.parcels)?;
        batch.commit().map_err(|e| self.wrap(e))?;
        *ledger = after;
        (written.symbols, written.series) = (symbols.len(), symbols.series_len());
        Ok(parcels)
    }
}

fn numbered(kind: u8, n: usize) -> [u8; 5] {
    let n = (n as u32).to_be_bytes();
    [kind, n[0], n[1], n[2], n[3]]
}
