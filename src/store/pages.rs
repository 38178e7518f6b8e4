use std::hash::Hash;

use fjall::{Keyspace, OwnedWriteBatch, Readable, Snapshot};
use hashbrown::{HashMap, hash_map::Entry};
use serde::{Serialize, de::DeserializeOwned};

use super::{Store, StoreError};
use crate::fact::{CountPage, Facts, MomentPage, Opinions, PageKey, Specimen};

/// How the pages of facts that were last written lie in the store.
///
/// The present hour's pages change with every commit, and some hold tens of thousands of cells: a change of a large page
/// is written beside it, under its key and a number, and all are added up when a page is read. When the changes of a page
/// are many or long, they are folded into it.
#[derive(Debug, Default)]
pub struct Pages {
    shapes: HashMap<PageKey, Shape, foldhash::fast::FixedState>,
    /// The last page of a table and series ([`PageKey::run`]): one after it is new, and need not be looked for.
    last: HashMap<u64, Option<PageKey>, foldhash::fast::FixedState>,
    /// What pages are written in.
    scratch: Vec<u8>,
}

/// Of one page.
#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    /// Bytes of the page itself.
    whole: usize,
    /// Changes that lie beside it, and their bytes.
    changes: u32,
    bytes: usize,
    /// Number of the next change.
    next: u32,
}

/// A page up to this many bytes is written whole: a change would be hardly shorter.
const SMALL: usize = 2 << 10;
/// A reader adds up at most this many changes of a page...
const MOST_CHANGES: u32 = 32;
/// ...or one for so many of its bytes: a page of millions of texts is not written again for a few thousand more.
const BYTES_A_CHANGE: usize = 64 << 10;
/// Pages remembered; those of a present hour are a few dozen.
const MOST_SHAPES: usize = 1 << 14;

/// A page whose cells add up.
pub(super) trait Page: Default + Serialize + DeserializeOwned {
    fn add(&mut self, other: &Self);
    /// Drops cells that cancelled out.
    fn settle(&mut self);
    fn is_empty(&self) -> bool;
}

impl Page for CountPage {
    fn add(&mut self, other: &Self) {
        for (at, n) in other {
            *self.entry(*at).or_default() += n;
        }
    }

    fn settle(&mut self) {
        self.retain(|_, n| *n != 0);
    }

    fn is_empty(&self) -> bool {
        CountPage::is_empty(self)
    }
}

impl Page for MomentPage {
    fn add(&mut self, other: &Self) {
        for (at, m) in other {
            self.entry(*at).or_default().add(m, 1);
        }
    }

    fn settle(&mut self) {
        self.retain(|_, m| !m.is_zero());
    }

    fn is_empty(&self) -> bool {
        MomentPage::is_empty(self)
    }
}

/// What is counted whole, as a row of its own.
trait Row: Clone + Eq + Hash + Serialize + DeserializeOwned {}

impl Row for Specimen {}
impl Row for Opinions {}

impl<R: Row> Page for HashMap<R, i64, foldhash::fast::FixedState> {
    fn add(&mut self, other: &Self) {
        for (row, n) in other {
            *self.entry_ref(row).or_default() += n;
        }
    }

    fn settle(&mut self) {
        self.retain(|_, n| *n != 0);
    }

    fn is_empty(&self) -> bool {
        HashMap::is_empty(self)
    }
}

impl Pages {
    /// Adds what a batch adds to the facts to its write. No cell of it may have cancelled out ([`Facts::settle`]).
    pub(super) fn add(&mut self, store: &Store, batch: &mut OwnedWriteBatch, facts: &Facts) -> Result<(), StoreError> {
        if self.shapes.len() > MOST_SHAPES {
            self.shapes.clear();
        }
        let snapshot = store.db.snapshot();
        for (key, change) in &facts.counts {
            self.change(store, &snapshot, batch, *key, change)?;
        }
        for (key, change) in &facts.moments {
            self.change(store, &snapshot, batch, *key, change)?;
        }
        for (key, change) in &facts.specimens {
            self.change(store, &snapshot, batch, *key, change)?;
        }
        for (key, change) in &facts.opinions {
            self.change(store, &snapshot, batch, *key, change)?;
        }
        Ok(())
    }

    fn change<P: Page>(
        &mut self,
        store: &Store,
        snapshot: &Snapshot,
        batch: &mut OwnedWriteBatch,
        key: PageKey,
        change: &P,
    ) -> Result<(), StoreError> {
        let mut shape = match self.shapes.get(&key).copied() {
            Some(known) => known,
            None if self.goes_on(store, snapshot, key)? => Shape::default(),
            None => Shape::find(store, snapshot, key)?,
        };
        let most = MOST_CHANGES.max((shape.whole / BYTES_A_CHANGE) as u32);
        let fold = shape.whole + shape.bytes <= SMALL || shape.changes >= most || shape.bytes > shape.whole / 2;
        if shape.whole == 0 && shape.changes == 0 {
            // most pages of a stream in the order of time: as they are
            shape.whole = self.write(store, batch, &key.0.to_be_bytes(), change)?;
        } else if fold {
            let mut page = P::default();
            for found in parts(store, snapshot, key) {
                let (at, value) = found?;
                page.add(&postcard::from_bytes(&value)?);
                if at.len() > WHOLE {
                    batch.remove(&store.facts, at);
                }
            }
            page.add(change);
            page.settle();
            shape = Shape { next: shape.next, ..Shape::default() };
            if page.is_empty() {
                batch.remove(&store.facts, key.0.to_be_bytes());
            } else {
                shape.whole = self.write(store, batch, &key.0.to_be_bytes(), &page)?;
            }
        } else {
            shape.changes += 1;
            shape.bytes += self.write(store, batch, &change_key(key, shape.next), change)?;
            shape.next = shape.next.wrapping_add(1);
        }
        self.shapes.insert(key, shape);
        Ok(())
    }

    /// Whether the page comes after all that there are of its table and series; from then on it is the last.
    fn goes_on(&mut self, store: &Store, snapshot: &Snapshot, key: PageKey) -> Result<bool, StoreError> {
        let last = match self.last.entry(key.run()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let last = run(store, snapshot, key).next_back();
                let last = last.map(|guard| guard.key().map_err(|e| store.wrap(e))).transpose()?;
                unknown.insert(last.map(|at| store.page_key(&at)).transpose()?)
            }
        };
        let new = last.is_none_or(|last| key > last);
        if new {
            *last = Some(key);
        }
        Ok(new)
    }

    /// Writes a page or a change and says how long it is.
    fn write<P: Page>(
        &mut self,
        store: &Store,
        batch: &mut OwnedWriteBatch,
        at: &[u8],
        page: &P,
    ) -> Result<usize, StoreError> {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        self.scratch = postcard::to_extend(page, bytes)?;
        batch.insert(&store.facts, at, &self.scratch[..]);
        Ok(self.scratch.len())
    }
}

impl Shape {
    fn find(store: &Store, snapshot: &Snapshot, key: PageKey) -> Result<Self, StoreError> {
        let mut shape = Shape::default();
        for found in parts(store, snapshot, key) {
            let (at, value) = found?;
            match at.get(WHOLE..).and_then(|number| number.try_into().ok()).map(u32::from_be_bytes) {
                None => shape.whole = value.len(),
                Some(number) => {
                    shape.changes += 1;
                    shape.bytes += value.len();
                    shape.next = number.wrapping_add(1);
                }
            }
        }
        Ok(shape)
    }
}

/// Length of the key of a page; those of its changes go on with a number.
pub(super) const WHOLE: usize = 8;

fn change_key(key: PageKey, number: u32) -> [u8; WHOLE + 4] {
    let mut at = [0; WHOLE + 4];
    at[..WHOLE].copy_from_slice(&key.0.to_be_bytes());
    at[WHOLE..].copy_from_slice(&number.to_be_bytes());
    at
}

/// All pages of the [run](PageKey::run) that a page is of, and their changes.
pub(super) fn run(store: &Store, snapshot: &Snapshot, of: PageKey) -> fjall::Iter {
    let [from, to] = of.all_of_run().map(|page| page.0.to_be_bytes());
    snapshot.range(&store.facts, from..=to)
}

/// The page and its changes, in the order of their numbers.
fn parts<'a>(
    store: &'a Store,
    snapshot: &'a Snapshot,
    key: PageKey,
) -> impl Iterator<Item = Result<(fjall::UserKey, fjall::UserValue), StoreError>> + 'a {
    let facts: &Keyspace = &store.facts;
    snapshot.prefix(facts, key.0.to_be_bytes()).map(|guard| guard.into_inner().map_err(|e| store.wrap(e)))
}

#[cfg(test)]
mod tests {
    use super::{MOST_CHANGES, WHOLE};
    use crate::{
        event::{Fixed, SeriesId, Symbol, Symbols, Wording},
        fact::{Cell, Facts, Ledger, Moments, PageKey, Specimen, Verdict},
        store::{Commit, HeldLog, Selection, Store, Written},
    };

    /// The `turn`th batch of an hour with many codes.
    fn batch(turn: u32) -> Facts {
        let mut facts = Facts::default();
        let (series, hour) = (SeriesId(0), 500_000);
        for i in 0..40 {
            let code = Symbol(turn.wrapping_mul(7_919).wrapping_add(i * 31) % 2_000);
            facts.count(Cell::Volume { series, hour, route: None, code, grade: (i % 16) as u8 }, 1 + i64::from(i % 3));
            let (predicted, actual) = (Some(code), Some(Symbol(i)));
            let (source, route) = (Symbol(1), None);
            let cell = Cell::Outcome { series, hour, route, predicted, actual, source, grade: 15, weight_class: 0 };
            facts.moments_together([(cell, &Moments::row(None, Fixed(0)))], 1);
        }
        facts
    }

    fn commit(store: &Store, facts: Facts, written: &mut Written) {
        let mut log = HeldLog::load(store).expect("records");
        let commit = Commit { facts, ..Commit::of(store.working_set(&mut log)) };
        store.commit(commit, &mut Ledger::default(), &Symbols::default(), written).expect("a commit");
    }

    fn all(store: &Store) -> Facts {
        let facts =
            store.facts(&Selection { series: vec![SeriesId(0)], hours: vec![(0, 1 << 20)], most_specimens: None });
        Facts { ledger: Ledger::default(), ..facts.expect("facts") }
    }

    fn add(sum: &mut Facts, part: &Facts, sign: i64) {
        for (key, page) in &part.counts {
            page.iter().for_each(|(at, n)| *sum.counts.entry(*key).or_default().entry(*at).or_default() += sign * n);
        }
        for (key, page) in &part.moments {
            page.iter().for_each(|(at, m)| sum.moments.entry(*key).or_default().entry(*at).or_default().add(m, sign));
        }
        sum.settle();
    }

    #[test]
    fn a_part_of_the_specimens_is_the_same_one_whatever_comes_of_them() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let store = Store::open(dir.path()).expect("a store");
        let specimen = |i: u32, verdict| Specimen {
            wording: Wording::of(Some(&format!("texte {i}").into()), None, &mut Vec::new()).expect("a wording"),
            predicted: Some(Symbol(1)),
            confidence: Fixed(i % 7),
            verdict,
        };
        let add = |facts: &mut Facts, i: u32, verdict, n| {
            let one = specimen(i, verdict);
            facts.specimen(one.page(SeriesId(0), 500_000 + i64::from(i % 5), None), one, n);
        };
        let read = |most_specimens| {
            let selection = Selection { series: vec![SeriesId(0)], hours: vec![(0, 1 << 20)], most_specimens };
            let found = store.facts(&selection).expect("facts");
            let mut left = all(&store);
            left.leave_specimens(most_specimens.unwrap_or(u64::MAX));
            (found, left)
        };
        let texts = |facts: Facts| {
            let found = facts.specimens;
            let rows = found.into_iter().flat_map(|(key, page)| page.into_keys().map(move |one| (key, one)));
            let mut texts: Vec<(PageKey, String, bool)> =
                rows.map(|(key, one)| (key, one.wording.text().to_owned(), one.verdict.is_some())).collect();
            texts.sort();
            texts
        };
        let mut written = Written::default();
        // in two batches, so that pages have changes beside them
        for half in [0..1_500, 1_500..3_000] {
            let mut facts = Facts::default();
            half.for_each(|i| add(&mut facts, i, None, 1));
            commit(&store, facts, &mut written);
        }
        let (before, left) = read(Some(600));
        assert!(before.specimens_left_out && left.specimens_left_out);
        let before = texts(before);
        assert!((500..700).contains(&before.len()), "{}", before.len());
        assert_eq!(before, texts(left), "files read at once leave the same ones");
        for (most, there) in [(None, 3_000), (Some(3_000), 3_000), (Some(0), 0)] {
            let (found, _) = read(most);
            assert_eq!((found.specimens_left_out, texts(found).len()), (there == 0, there));
        }
        let mut labels = Facts::default();
        let verdict = Verdict { actual: Some(Symbol(2)), source: Symbol(3), weight: None };
        for i in 0..3_000 {
            add(&mut labels, i, None, -1);
            add(&mut labels, i, Some(verdict), 1);
        }
        commit(&store, labels, &mut written);
        let labelled: Vec<_> = before.into_iter().map(|(key, text, _)| (key, text, true)).collect();
        let after = texts(read(Some(600)).0);
        // rows that cancel out are counted until they are folded, so the part is smaller at most
        assert!(after.len() >= 150 && after.iter().all(|row| labelled.contains(row)), "{}", after.len());
    }

    #[test]
    fn pages_and_their_changes_add_up_to_what_was_committed() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut expected = Facts::default();
        let (mut beside, mut most) = (0, 0);
        for life in 0..4 {
            let store = Store::open(dir.path()).expect("a store");
            let mut written = Written::default();
            for turn in 0..100 {
                let facts = batch(life * 100 + turn);
                add(&mut expected, &facts, 1);
                commit(&store, facts, &mut written);
                let keys = store.facts.iter().map(|g| g.key().expect("a key").len());
                let changes = keys.filter(|len| *len > WHOLE).count();
                beside += usize::from(changes > 0);
                most = most.max(changes);
                if turn % 17 == 0 {
                    assert_eq!(all(&store), expected);
                }
            }
            assert_eq!(all(&store), expected);
        }
        assert!(beside > 100, "large pages are not written whole each time: {beside}");
        assert!(most <= 2 * MOST_CHANGES as usize, "{most} changes lie beside two pages");
        // taken back, nothing is left
        let store = Store::open(dir.path()).expect("a store");
        let mut taken = Facts::default();
        add(&mut taken, &expected, -1);
        commit(&store, taken, &mut Written::default());
        assert_eq!(all(&store), Facts::default());
    }
}
