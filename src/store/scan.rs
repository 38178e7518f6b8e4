use fjall::{Readable, Snapshot, UserKey, UserValue};

use super::{
    Position, Rules, Store, StoreError, Topology,
    pages::{Page, WHOLE, run},
};
use crate::{
    event::{Series, SeriesId, Symbols},
    fact::{Facts, Ledger, PageKey, SpecimenPage, Table, Tier, lots_of},
};

/// Which facts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub series: Vec<SeriesId>,
    /// Runs of hours since 1970 (UTC), each with its end excluded.
    pub hours: Vec<(i64, i64)>,
    /// About how many specimens are read at most, since each has a text of its own; `None` = all. Which ones, it does not
    /// depend on when they came or on what became of them.
    pub most_specimens: Option<u64>,
}

/// The store as it was at one moment, between two commits: facts, their names and the ledger belong together.
pub struct View {
    store: Store,
    snapshot: Snapshot,
}

impl Store {
    /// Looks at the store as it is now; keep it for one answer only, since old records stay on disk meanwhile.
    pub fn view(&self) -> View {
        View { store: self.clone(), snapshot: self.db.snapshot() }
    }

    /// As [`View::facts`], of now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn facts(&self, selection: &Selection) -> Result<Facts, StoreError> {
        self.view().facts(selection)
    }

    /// As [`View::symbols`], of now.
    ///
    /// # Errors
    /// When the store cannot be read or a number is missing in the table.
    pub fn symbols(&self) -> Result<Symbols, StoreError> {
        self.view().symbols()
    }

    fn collect(
        &self,
        facts: &mut Facts,
        table: Table,
        key: &[u8],
        value: &[u8],
        below: Option<u64>,
    ) -> Result<(), StoreError> {
        let change = key.len() > WHOLE;
        let key = self.page_key(key)?;
        if table == Table::Specimen {
            let mut page: SpecimenPage = postcard::from_bytes(value)?;
            if let Some(below) = below {
                page.retain(|specimen, _| specimen.lot(key) < below);
            }
            gather(facts.specimens.entry(key).or_default(), page, change);
        } else if table == Table::Opinion {
            gather(facts.opinions.entry(key).or_default(), postcard::from_bytes(value)?, change);
        } else if Table::MOMENTS.contains(&table) {
            gather(facts.moments.entry(key).or_default(), postcard::from_bytes(value)?, change);
        } else {
            gather(facts.counts.entry(key).or_default(), postcard::from_bytes(value)?, change);
        }
        Ok(())
    }

    pub(super) fn page_key(&self, key: &[u8]) -> Result<PageKey, StoreError> {
        let page = key.first_chunk().filter(|_| key.len() == WHOLE || key.len() == WHOLE + 4);
        page.map(|k| PageKey(u64::from_be_bytes(*k)))
            .ok_or_else(|| self.damaged("a page of facts has a key of another length".to_owned()))
    }
}

/// Adds a page, or a change of the one that came before it.
fn gather<P: Page>(page: &mut P, part: P, change: bool) {
    if change {
        page.add(&part);
        page.settle();
    } else {
        *page = part;
    }
}

impl View {
    /// The selected facts, and the ledger.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn facts(&self, selection: &Selection) -> Result<Facts, StoreError> {
        let mut facts = Facts::default();
        let below = self.highest_lot(selection)?;
        facts.specimens_left_out = below.is_some();
        let drawn = |tier: &Tier| below.is_none_or(|below| tier.reaches_below(below));
        let specimens = Tier::ALL.into_iter().filter(drawn).map(|tier| (Table::Specimen, tier));
        let others = Table::all().filter(|table| *table != Table::Specimen).map(|table| (table, Tier::First));
        for (table, tier) in others.chain(specimens) {
            for found in self.pages(table, tier, selection) {
                let (key, value) = found?;
                self.store.collect(&mut facts, table, &key, &value, below)?;
            }
        }
        // changes may have cancelled all of a page
        facts.counts.retain(|_, page| !page.is_empty());
        facts.moments.retain(|_, page| !page.is_empty());
        facts.specimens.retain(|_, page| !page.is_empty());
        facts.opinions.retain(|_, page| !page.is_empty());
        facts.ledger = self.ledger()?;
        Ok(facts)
    }

    /// Pages of a table and their changes, each page before those of it.
    fn pages<'a>(
        &'a self,
        table: Table,
        tier: Tier,
        selection: &'a Selection,
    ) -> impl Iterator<Item = Result<(UserKey, UserValue), StoreError>> + 'a {
        let runs =
            selection.series.iter().flat_map(|series| selection.hours.iter().map(move |hours| (*series, *hours)));
        let pages = runs.flat_map(move |(series, (from, to))| {
            let page = |hour| PageKey::new(table, series, hour, None).of_tier(tier).0.to_be_bytes();
            let [from, to] = [from, to].map(page);
            self.snapshot.range(&self.store.facts, from..to)
        });
        pages.map(|guard| guard.into_inner().map_err(|e| self.store.wrap(e)))
    }

    /// Specimens are read whose [lot](crate::fact::Specimen::lot) is below this; `None` = all. Their number is known without
    /// making any of them, as a page begins with it, and of many without reading all: a tier is a part of known size.
    fn highest_lot(&self, selection: &Selection) -> Result<Option<u64>, StoreError> {
        /// So many are sure to two in a hundred.
        const ENOUGH: u64 = 2_500;
        let Some(most) = selection.most_specimens else { return Ok(None) };
        let mut there = 0_u64;
        for tier in Tier::ALL {
            for found in self.pages(Table::Specimen, tier, selection) {
                there = there.saturating_add(postcard::take_from_bytes::<u64>(&found?.1)?.0);
            }
            if there >= ENOUGH {
                return Ok(lots_of(most, there << tier.places()));
            }
        }
        Ok(lots_of(most, there))
    }

    fn meta<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let found = self.snapshot.get(&self.store.meta, key).map_err(|e| self.store.wrap(e))?;
        Ok(found.map(|bytes| postcard::from_bytes(&bytes)).transpose()?)
    }

    /// # Errors
    /// When the store cannot be read.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        Ok(self.meta("ledger")?.unwrap_or_default())
    }

    /// The rules under which the facts were made; `None` for a new store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn rules(&self) -> Result<Option<Rules>, StoreError> {
        self.meta("rules")
    }

    /// Which partition the store is of; `None` for a journal's.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn topology(&self) -> Result<Option<Topology>, StoreError> {
        self.meta("topology")
    }

    /// Where every source goes on, in the order of their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn position(&self) -> Result<Position, StoreError> {
        const PREFIX: &str = "offset/";
        let entries = self.snapshot.prefix(&self.store.meta, PREFIX).map(|guard| {
            let (key, value) = guard.into_inner().map_err(|e| self.store.wrap(e))?;
            let source = String::from_utf8_lossy(&key[PREFIX.len()..]).into_owned();
            Ok((source, postcard::from_bytes(&value)?))
        });
        Ok(Position(entries.collect::<Result<_, StoreError>>()?))
    }

    /// # Errors
    /// When the store cannot be read or a number is missing in the table.
    pub fn symbols(&self) -> Result<Symbols, StoreError> {
        let mut texts = Vec::new();
        let mut series: Vec<Series> = Vec::new();
        for guard in self.snapshot.range(&self.store.symbols, [b't']..) {
            let (key, value) = guard.into_inner().map_err(|e| self.store.wrap(e))?;
            let expected = match key.first() {
                Some(b't') => texts.len(),
                _ => series.len(),
            };
            if key[1..] != (expected as u32).to_be_bytes() {
                return Err(self.store.damaged(format!("symbol {expected} is missing")));
            }
            if key[0] == b't' {
                texts.push(String::from_utf8_lossy(&value).into_owned());
            } else {
                series.push(postcard::from_bytes(&value)?);
            }
        }
        Ok(Symbols::restore(texts, series))
    }

    /// First and last hour with a prediction of the series; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn hours(&self, series: SeriesId) -> Result<Option<(i64, i64)>, StoreError> {
        let store = &self.store;
        let mut range = run(store, &self.snapshot, PageKey::new(Table::Tally, series, 0, None));
        let hour = |guard: fjall::Guard| -> Result<i64, StoreError> {
            Ok(store.page_key(&guard.key().map_err(|e| store.wrap(e))?)?.hour())
        };
        let Some(first) = range.next().map(hour).transpose()? else { return Ok(None) };
        let last = range.next_back().map(hour).transpose()?.unwrap_or(first);
        Ok(Some((first, last)))
    }
}
