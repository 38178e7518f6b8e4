use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{Cell, CellKey, Ledger, OpinionPage, Opinions, PageKey, Specimen, SpecimenPage, lots_of};
use crate::event::{Fixed, Weight};

type Hasher = foldhash::fast::FixedState;

/// Sums over labelled rows. Weights and their products with scores are in units of 2^-28
/// ([`Weight::PLACES`]). Additions wrap rather than panic: that takes tens of thousands of rows an hour, each drawn with
/// a probability of one in a million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// Rows.
    pub n: i32,
    /// Of these, without an inclusion probability (they count with weight 1).
    pub unweighted: i32,
    /// Sum of design weights.
    pub w: i64,
    /// Sum of their squares.
    pub w2: Wide,
    /// Sum of weight times score.
    pub wx: i64,
    /// Sum of weight times squared score.
    pub wxx: i64,
}

/// An `i128` that is aligned like an `i64`: a report holds half a million of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "i128", into = "i128")]
pub struct Wide {
    high: i64,
    low: u64,
}

impl From<i128> for Wide {
    fn from(x: i128) -> Self {
        Wide { high: (x >> 64) as i64, low: x as u64 }
    }
}

impl From<Wide> for i128 {
    fn from(x: Wide) -> i128 {
        (i128::from(x.high) << 64) | i128::from(x.low)
    }
}

impl Moments {
    /// One row.
    pub fn row(weight: Option<Weight>, score: Fixed) -> Self {
        let w = weight.unwrap_or(Weight::UNIT).0;
        let one = u128::from(Weight::ONE);
        let wx = (u128::from(w) * u128::from(score.0)) >> 30;
        Moments {
            n: 1,
            unweighted: i32::from(weight.is_none()),
            w: w as i64,
            // without an inclusion probability the row is one of a plain sample, not of a census: see
            // `WeightSums::with_replacement`
            w2: Wide::from(
                (u128::from(w) * u128::from(w) / one) as i128 + if weight.is_none() { one as i128 } else { 0 },
            ),
            wx: wx as i64,
            wxx: ((wx * u128::from(score.0)) >> 30) as i64,
        }
    }

    pub fn add(&mut self, other: &Moments, sign: i64) {
        let add = |to: &mut i64, x: i64| *to = to.wrapping_add(sign.wrapping_mul(x));
        self.n = self.n.wrapping_add(other.n.wrapping_mul(sign as i32));
        self.unweighted = self.unweighted.wrapping_add(other.unweighted.wrapping_mul(sign as i32));
        add(&mut self.w, other.w);
        add(&mut self.wx, other.wx);
        add(&mut self.wxx, other.wxx);
        self.w2 = i128::from(self.w2).wrapping_add(i128::from(sign).wrapping_mul(i128::from(other.w2))).into();
    }

    pub fn is_zero(&self) -> bool {
        *self == Moments::default()
    }
}

/// Cells of one page of counts, by the one number that tells them apart.
pub type CountPage = HashMap<u32, i64, Hasher>;
pub type MomentPage = HashMap<CellKey, Moments, Hasher>;

/// Cells and what they hold: the facts of a batch, of a file, or of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub counts: HashMap<PageKey, CountPage, Hasher>,
    pub moments: HashMap<PageKey, MomentPage, Hasher>,
    pub specimens: HashMap<PageKey, SpecimenPage, Hasher>,
    /// Whether there were more of them than were taken.
    pub specimens_left_out: bool,
    pub opinions: HashMap<PageKey, OpinionPage, Hasher>,
    pub ledger: Ledger,
}

impl Facts {
    pub fn count(&mut self, cell: Cell, n: i64) {
        let (page, [at, ..]) = cell.key();
        *self.counts.entry(page).or_default().entry(at).or_default() += n;
    }

    /// Adds to several cells of one page, which is that of the first; nothing for none.
    pub fn count_together(&mut self, cells: impl IntoIterator<Item = (Cell, i64)>) {
        let mut cells = cells.into_iter();
        let Some((cell, n)) = cells.next() else { return };
        let (key, [at, ..]) = cell.key();
        let page = self.counts.entry(key).or_default();
        *page.entry(at).or_default() += n;
        for (cell, n) in cells {
            let (of, [at, ..]) = cell.key();
            debug_assert_eq!(of, key, "cells of one page");
            *page.entry(at).or_default() += n;
        }
    }

    /// Adds to several cells of one page, which is that of the first; nothing for none.
    pub fn moments_together<'a>(&mut self, cells: impl IntoIterator<Item = (Cell, &'a Moments)>, sign: i64) {
        let mut cells = cells.into_iter().map(|(cell, row)| (cell.key(), row));
        let Some(((key, at), row)) = cells.next() else { return };
        let page = self.moments.entry(key).or_default();
        page.entry(at).or_default().add(row, sign);
        for ((of, at), row) in cells {
            debug_assert_eq!(of, key, "cells of one page");
            page.entry(at).or_default().add(row, sign);
        }
    }

    pub fn specimen(&mut self, page: PageKey, specimen: Specimen, n: i64) {
        *self.specimens.entry(page).or_default().entry(specimen).or_default() += n;
    }

    /// Leaves about `most` specimens: those that a store gives when it is asked for as many.
    pub fn leave_specimens(&mut self, most: u64) {
        let all = self.specimens.values().map(|page| page.len() as u64).sum();
        let Some(below) = lots_of(most, all) else { return };
        self.specimens_left_out = true;
        for (key, page) in &mut self.specimens {
            page.retain(|specimen, _| specimen.lot(*key) < below);
            page.shrink_to_fit();
        }
    }

    pub fn opinions(&mut self, page: PageKey, opinions: Opinions, n: i64) {
        *self.opinions.entry(page).or_default().entry(opinions).or_default() += n;
    }

    /// Drops cells that cancelled out.
    pub fn settle(&mut self) {
        self.counts.retain(|_, page| {
            page.retain(|_, n| *n != 0);
            !page.is_empty()
        });
        self.moments.retain(|_, page| {
            page.retain(|_, m| !m.is_zero());
            !page.is_empty()
        });
        self.specimens.retain(|_, page| {
            page.retain(|_, n| *n != 0);
            !page.is_empty()
        });
        self.opinions.retain(|_, page| {
            page.retain(|_, n| *n != 0);
            !page.is_empty()
        });
    }
}
