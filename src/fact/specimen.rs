use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::{PageKey, Table};
use crate::{
    event::{Fixed, Route, SeriesId, Symbol, Weight, Wording},
    join::{Joined, Label},
};

/// The wording of a prediction beside what became of it: a row of its own, since terms, examples and attributes are found in
/// texts and not in sums. Rows of one page that say the same are counted together, so that they add up and cancel out like
/// all facts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Specimen {
    pub wording: Wording,
    pub predicted: Option<Symbol>,
    pub confidence: Fixed,
    pub verdict: Option<Verdict>,
}

/// What a human said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Verdict {
    /// `None` = uncodable.
    pub actual: Option<Symbol>,
    pub source: Symbol,
    /// As [`Moments`](super::Moments) weigh it; `None` = unknown.
    pub weight: Option<Weight>,
}

/// Specimens of an hour lie on three pages by their [lot](Specimen::lot), and those of a tier side by side: whoever reads a small
/// part of all finds it in the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// A sixty-fourth of all.
    First = 0,
    /// With the first an eighth.
    Second = 1,
    /// The rest.
    Third = 2,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::First, Tier::Second, Tier::Third];

    /// Of all specimens, those of this tier and the ones before it are one in two to the power of this.
    pub fn places(self) -> u32 {
        match self {
            Tier::First => 6,
            Tier::Second => 3,
            Tier::Third => 0,
        }
    }

    /// The tier that a lot is in.
    pub fn of(lot: u64) -> Tier {
        let within = |tier: &Tier| lot.leading_zeros() >= tier.places();
        Tier::ALL.into_iter().find(within).unwrap_or(Tier::Third)
    }

    /// Whether a lot below the bound can be in it.
    pub fn reaches_below(self, bound: u64) -> bool {
        bound.checked_sub(1).is_some_and(|highest| self <= Tier::of(highest))
    }
}

/// The lot that those of about `most` among `all` specimens are below; `None` where that is all of them.
pub fn lots_of(most: u64, all: u64) -> Option<u64> {
    (all > most).then(|| (most as f64 / all as f64 * 2_f64.powi(64)) as u64)
}

/// Specimens of one page, and how many each.
pub type SpecimenPage = HashMap<Specimen, i64, foldhash::fast::FixedState>;

impl From<&Specimen> for Specimen {
    fn from(one: &Specimen) -> Self {
        one.clone()
    }
}

impl Specimen {
    /// `None` where the wording was not kept.
    pub(super) fn of(joined: &Joined<'_>, label: Option<&Label>, weight: Option<Weight>) -> Option<Self> {
        let p = joined.prediction;
        Some(Specimen {
            wording: p.wording.clone()?,
            predicted: p.candidates.first().copied(),
            confidence: p.confidence,
            verdict: label.map(|l| Verdict { actual: l.code, source: l.source, weight }),
        })
    }

    /// A number that is drawn by the wording, its hour and route, and the confidence, and always the same: whichever order
    /// rows came in and whatever people said of them later, a part of all specimens is the same part.
    pub fn lot(&self, page: PageKey) -> u64 {
        let mut h = SipHasher13::new();
        (self.wording.fingerprint(), self.confidence.0, page.hour(), page.route().map(|route| route as u8))
            .hash(&mut h);
        h.finish()
    }

    /// Where it lies, of the pages of its hour and route.
    pub fn page(&self, series: SeriesId, hour: i64, route: Option<Route>) -> PageKey {
        let first = PageKey::new(Table::Specimen, series, hour, route);
        first.of_tier(Tier::of(self.lot(first)))
    }

    /// The same with the symbols of another table; `None` when one of them has no number there.
    pub fn renamed(self, symbol: impl Fn(Symbol) -> Option<Symbol>) -> Option<Self> {
        let perhaps = |own: Option<Symbol>| match own {
            Some(own) => symbol(own).map(Some),
            None => Some(None),
        };
        let verdict = match self.verdict {
            Some(v) => Some(Verdict { actual: perhaps(v.actual)?, source: symbol(v.source)?, ..v }),
            None => None,
        };
        Some(Specimen { predicted: perhaps(self.predicted)?, verdict, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_below_a_bound_is_in_a_tier_that_is_read() {
        let edges = [0, 1, 1 << 57, (1 << 58) - 1, 1 << 58, (1 << 61) - 1, 1 << 61, u64::MAX - 1];
        for lot in edges {
            for bound in edges.into_iter().filter(|bound| lot < *bound) {
                assert!(Tier::of(lot).reaches_below(bound), "{lot} {bound}");
            }
        }
        let read = |most, all| {
            let bound = lots_of(most, all).expect("a part");
            Tier::ALL.into_iter().filter(|tier| tier.reaches_below(bound)).count()
        };
        assert_eq!([(10, 1_000), (100, 1_000), (200, 1_000)].map(|(most, all)| read(most, all)), [1, 2, 3]);
        assert_eq!(lots_of(1_000, 1_000), None);
        // an eighth of all lots are in the first two tiers
        let few = (0..64_u64).filter(|i| Tier::of(i << 58) != Tier::Third).count();
        assert_eq!(few, 8);
    }
}
