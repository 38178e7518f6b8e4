//! Counts across a crosswalk: what old counts are worth in the new classification, and what can be compared exactly.

use std::collections::{BTreeMap, BTreeSet};

use super::{Crosswalk, Mapping};

/// What the counts of an old period say of one new code.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    pub code: String,
    /// Rows to expect; `None` where a code is split without weights and the rows may go elsewhere.
    pub expected: Option<f64>,
    /// Fewest and most rows that the crosswalk allows. Equal to `expected` where weights or 1:1 and N:1 mappings settle it.
    pub lowest: f64,
    pub highest: f64,
}

/// Old counts in the new classification.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CarriedCounts {
    /// Every new code of the crosswalk, in order.
    pub codes: Vec<Carried>,
    /// Rows of codes that have ended, and of codes that the crosswalk does not list.
    pub ended: u64,
    pub unknown: u64,
}

/// The smallest set of old and new codes that map to none outside of it, with the rows of both periods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    pub old: Vec<String>,
    pub new: Vec<String>,
    /// Rows of the old period and of the new one.
    pub reference: u64,
    pub current: u64,
}

/// Both periods over groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// By their first old code, those without one last.
    pub groups: Vec<Group>,
    /// Rows of either period whose code the crosswalk does not list: in no group, so they cannot be compared.
    pub unknown_reference: u64,
    pub unknown_current: u64,
}

impl Crosswalk {
    /// What old counts are worth in the new classification.
    ///
    /// Exact for codes with one target (1:1, N:1). A split code (1:N) goes by its weights where they are given. Without
    /// weights each of its targets may get none of its rows or all of them: these are the bounds, and there is no expected
    /// count. The bounds of one code are sharp; those of several codes cannot all be reached at once.
    ///
    /// The expected counts of a set of codes, plus `ended` and `unknown`, add up to the old total where all are known.
    ///
    /// ```
    /// # use vigie::nomenclature::crosswalk::Crosswalk;
    /// let walk = Crosswalk::from_csv("old,new\nA,X\nB,X\nC,X\nC,Y\n").unwrap();
    /// let counts = [("A".to_owned(), 10), ("B".to_owned(), 5), ("C".to_owned(), 4)].into();
    /// let carried = walk.carry(&counts);
    /// let [x, y] = carried.codes.as_slice() else { panic!() };
    /// assert_eq!((x.expected, x.lowest, x.highest), (None, 15.0, 19.0));
    /// assert_eq!((y.expected, y.lowest, y.highest), (None, 0.0, 4.0));
    /// ```
    pub fn carry(&self, old: &BTreeMap<String, u64>) -> CarriedCounts {
        let mut found = CarriedCounts::default();
        for (code, &n) in old {
            match self.mapping(code) {
                Mapping::Ended => found.ended = found.ended.saturating_add(n),
                Mapping::Unknown => found.unknown = found.unknown.saturating_add(n),
                Mapping::Same | Mapping::Merged | Mapping::Split => {}
            }
        }
        let (_, new) = self.codes();
        found.codes = new
            .map(|code| {
                let mut carried = Carried { code: code.clone(), expected: Some(0.0), lowest: 0.0, highest: 0.0 };
                for source in self.sources(code) {
                    let n = old.get(source).copied().unwrap_or(0) as f64;
                    let share = match self.mapping(source) {
                        Mapping::Split => {
                            self.targets(source).find(|(new, _)| new == code).and_then(|(_, share)| share)
                        }
                        _ => Some(1.0),
                    };
                    carried.add(n, share);
                }
                carried
            })
            .collect();
        found
    }

    /// The connected components of the crosswalk, with the rows of an old and of a new period.
    ///
    /// Their shares in the two periods are comparable without knowing how any code was split, and no finer sets are. All
    /// rows are kept: those of the groups and the unknown ones add up to the totals.
    ///
    /// ```
    /// # use vigie::nomenclature::crosswalk::Crosswalk;
    /// let walk = Crosswalk::from_csv("old,new\nA,X\nB,X\nB,Y\nC,Z\n").unwrap();
    /// let found = walk.groups(&[("A".to_owned(), 10), ("B".to_owned(), 5)].into(), &[("Y".to_owned(), 7)].into());
    /// assert_eq!(found.groups.len(), 2);
    /// assert_eq!((found.groups[0].old.join("+"), found.groups[0].new.join("+")), ("A+B".to_owned(), "X+Y".to_owned()));
    /// assert_eq!((found.groups[0].reference, found.groups[0].current), (15, 7));
    /// ```
    pub fn groups(&self, reference: &BTreeMap<String, u64>, current: &BTreeMap<String, u64>) -> Comparison {
        let (old, new) = self.codes();
        let (old, new): (Vec<&String>, Vec<&String>) = (old.collect(), new.collect());
        let mut sets = Sets::new(old.len() + new.len());
        for (i, code) in old.iter().enumerate() {
            for (target, _) in self.targets(code) {
                if let Ok(j) = new.binary_search_by(|name| name.as_str().cmp(target)) {
                    sets.join(i, old.len() + j);
                }
            }
        }
        // by root, which is the first member
        let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
        for (i, code) in old.iter().chain(&new).enumerate() {
            let group = groups.entry(sets.root(i)).or_default();
            let (names, rows, counts) = if i < old.len() {
                (&mut group.old, &mut group.reference, reference)
            } else {
                (&mut group.new, &mut group.current, current)
            };
            names.push((*code).clone());
            *rows = rows.saturating_add(counts.get(*code).copied().unwrap_or(0));
        }
        Comparison {
            groups: groups.into_values().collect(),
            unknown_reference: outside(reference, &old),
            unknown_current: outside(current, &new),
        }
    }
}

impl Carried {
    /// Of `n` rows of a source this share comes here, any share if it is not known.
    fn add(&mut self, n: f64, share: Option<f64>) {
        self.lowest += n * share.unwrap_or(0.0);
        self.highest += n * share.unwrap_or(1.0);
        // a code without rows does not matter, whatever its split
        let more = share.map(|share| n * share).or((n == 0.0).then_some(0.0));
        self.expected = self.expected.zip(more).map(|(sum, more)| sum + more);
    }

    /// Expected, lowest and highest share among `group`, new codes of one [`Group`] whose old codes have `rows` rows.
    ///
    /// Compare with the share of this code among the group's rows in the new period. `None` without rows.
    pub fn shares(&self, rows: u64) -> Option<(Option<f64>, f64, f64)> {
        let of = |n: f64| (n / rows as f64).clamp(0.0, 1.0);
        (rows > 0).then(|| (self.expected.map(of), of(self.lowest), of(self.highest)))
    }
}

fn outside(counts: &BTreeMap<String, u64>, listed: &[&String]) -> u64 {
    let listed: BTreeSet<&String> = listed.iter().copied().collect();
    counts.iter().filter(|(code, _)| !listed.contains(code)).fold(0, |sum: u64, (_, &n)| sum.saturating_add(n))
}

/// Disjoint sets of numbers, each known by its smallest member.
struct Sets(Vec<usize>);

impl Sets {
    fn new(members: usize) -> Self {
        Self((0..members).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while let Some(&above) = self.0.get(i).filter(|&&above| above != i) {
            // halve the path on the way
            let further = self.0.get(above).copied().unwrap_or(above);
            if let Some(place) = self.0.get_mut(i) {
                *place = further;
            }
            i = further;
        }
        i
    }

    fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.root(i), self.root(j));
        if let Some(place) = self.0.get_mut(a.max(b)) {
            *place = a.min(b);
        }
    }
}
