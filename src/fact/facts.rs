use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{Cell, CellKey, Ledger};
use crate::event::{Fixed, Weight};

type Hasher = foldhash::fast::FixedState;

/// Sums over labelled rows. Weights and their products with scores are in units of 2^-28
/// ([`Weight::PLACES`]). Additions wrap rather than panic: that takes tens of thousands of rows an hour, each drawn with
/// a probability of one in a million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// Rows.
    pub n: i64,
    /// Of these, without an inclusion probability (they count with weight 1).
    pub unweighted: i64,
    /// Sum of design weights.
    pub w: i64,
    /// Sum of their squares.
    pub w2: i128,
    /// Sum of weight times score.
    pub wx: i64,
    /// Sum of weight times squared score.
    pub wxx: i64,
}

impl Moments {
    /// One row.
    pub fn row(weight: Option<Weight>, score: Fixed) -> Self {
        let w = weight.unwrap_or(Weight::UNIT).0;
        let one = u128::from(Weight::ONE);
        let wx = (u128::from(w) * u128::from(score.0)) >> 30;
        Moments {
            n: 1,
            unweighted: i64::from(weight.is_none()),
            w: w as i64,
            // without an inclusion probability the row is one of a plain sample, not of a census: see
            // `WeightSums::with_replacement`
            w2: (u128::from(w) * u128::from(w) / one) as i128 + if weight.is_none() { one as i128 } else { 0 },
            wx: wx as i64,
            wxx: ((wx * u128::from(score.0)) >> 30) as i64,
        }
    }

    pub fn add(&mut self, other: &Moments, sign: i64) {
        let add = |to: &mut i64, x: i64| *to = to.wrapping_add(sign.wrapping_mul(x));
        add(&mut self.n, other.n);
        add(&mut self.unweighted, other.unweighted);
        add(&mut self.w, other.w);
        add(&mut self.wx, other.wx);
        add(&mut self.wxx, other.wxx);
        self.w2 = self.w2.wrapping_add(i128::from(sign).wrapping_mul(other.w2));
    }

    pub fn is_zero(&self) -> bool {
        *self == Moments::default()
    }
}

/// Cells and what they hold: the facts of a batch, of a file, or of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub counts: HashMap<CellKey, i64, Hasher>,
    pub moments: HashMap<CellKey, Moments, Hasher>,
    pub ledger: Ledger,
}

impl Facts {
    pub fn count(&mut self, cell: Cell, n: i64) {
        *self.counts.entry(cell.key()).or_default() += n;
    }

    pub fn moments(&mut self, cell: Cell, row: &Moments, sign: i64) {
        self.moments.entry(cell.key()).or_default().add(row, sign);
    }

    /// Adds the facts of another batch, partition or replica.
    pub fn merge(&mut self, other: &Facts) {
        for (key, n) in &other.counts {
            *self.counts.entry(*key).or_default() += n;
        }
        for (key, m) in &other.moments {
            self.moments.entry(*key).or_default().add(m, 1);
        }
        self.ledger.merge(&other.ledger);
    }

    /// Drops cells that cancelled out.
    pub fn settle(&mut self) {
        self.counts.retain(|_, n| *n != 0);
        self.moments.retain(|_, m| !m.is_zero());
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.moments.is_empty() && self.ledger.is_empty()
    }
}
