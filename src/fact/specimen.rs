use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::PageKey;
use crate::{
    event::{Fixed, SharedWording, Symbol, Weight},
    join::{Joined, Label},
};

/// The wording of a prediction beside what became of it: a row of its own, since terms, examples and attributes are found in
/// texts and not in sums. Rows of one page that say the same are counted together, so that they add up and cancel out like
/// all facts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Specimen {
    pub wording: SharedWording,
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
        (&self.wording.text, &self.wording.attributes, self.confidence.0).hash(&mut h);
        (page.hour(), page.route().map(|route| route as u8)).hash(&mut h);
        h.finish()
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
