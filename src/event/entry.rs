use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{Candidates, Route, SeriesId, Symbol, Wording};

/// A number in [0, 1] times 2^30. Integers add up the same in any order; floats do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fixed(pub u32);

impl Fixed {
    pub const ONE: u32 = 1 << 30;

    /// Clips to [0, 1]; the flag says whether it had to.
    pub fn clip(x: f64) -> (Fixed, bool) {
        let clipped = !(0.0..=1.0).contains(&x);
        (Fixed((x.clamp(0.0, 1.0) * f64::from(Self::ONE)).round() as u32), clipped)
    }

    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE)
    }
}

/// A design weight 1/pi times 2^28.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weight(pub u64);

impl Weight {
    /// Binary places of a weight.
    pub const PLACES: u32 = 28;
    pub const ONE: u64 = 1 << Self::PLACES;
    /// The weight of a row drawn with certainty.
    pub const UNIT: Weight = Weight(Self::ONE);

    /// From an inclusion probability in (0, 1]; below 1e-6 it is taken as 1e-6.
    pub fn from_inclusion(pi: f64) -> Weight {
        Weight((Self::ONE as f64 / pi.clamp(1e-6, 1.0)).round() as u64)
    }

    /// How heavy, by factors of two: 1 from a weight of 1, 2 from 2, 3 from 4, up to 15 from 16,384. Rows drawn at about the same
    /// rate are told apart from others by it, whatever their route is called.
    pub fn class(self) -> u8 {
        ((self.0 >> Self::PLACES).max(1).ilog2() + 1).min(15) as u8
    }
}

/// Where a prediction and its corrections meet: a 128-bit hash of (workspace, prediction id).
///
/// Ids are up to 256 bytes; a fixed 16 keep a hundred million open predictions small. The chance that two of 10^9 ids
/// share one is 10^-21.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JoinKey(pub u128);

impl JoinKey {
    pub fn new(workspace: &str, prediction_id: &str) -> Self {
        let mut h = SipHasher13::new();
        h.write(workspace.as_bytes());
        h.write_u8(0xff); // not in UTF-8, so ("a", "bc") and ("ab", "c") differ
        h.write(prediction_id.as_bytes());
        JoinKey(h.finish128().as_u128())
    }
}

/// `latency` of an entry whose event had none.
pub const NO_LATENCY: i32 = i32::MIN;

/// Candidates beyond this rank are not kept: top-k is measured for k = 1..5.
pub const MAX_RANK: usize = 5;

/// One prediction as the join keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionEntry {
    pub model: Symbol,
    pub series: SeriesId,
    /// Hash of everything the event said: tells a duplicate from a conflict.
    pub body: u64,
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    pub route: Option<Route>,
    pub failed: bool,
    pub confidence: Fixed,
    /// Of the first candidate.
    pub probability: Fixed,
    /// DDSketch bin, or [`NO_LATENCY`].
    pub latency: i32,
    /// How many of its numbers had to be clipped to [0, 1].
    pub clips: u8,
    /// Codes of the first candidates, at most [`MAX_RANK`], best first.
    pub candidates: Candidates,
    /// What was asked, where the model's texts are kept and this one is among those.
    pub wording: Option<Wording>,
}

impl PredictionEntry {
    pub fn hour(&self) -> i64 {
        self.at.div_euclid(super::HOUR_MS)
    }
}

/// One correction as the join keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionEntry {
    /// The model it is for; `None` = every model that scored this id.
    pub model: Option<Symbol>,
    pub id: Box<str>,
    pub body: u64,
    pub revision: u32,
    /// Nanoseconds since 1970, UTC.
    pub at: i64,
    /// `None` = uncodable.
    pub code: Option<Symbol>,
    pub source: Symbol,
    /// `None` where the event names no inclusion probability.
    pub weight: Option<Weight>,
    pub retracted: bool,
    /// Who said it, where the event tells.
    pub annotator: Option<Symbol>,
}

/// One admitted event on its way to the join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Prediction(PredictionEntry),
    Correction(CorrectionEntry),
}

impl Entry {
    pub fn kind(&self) -> Kind {
        match self {
            Entry::Prediction(_) => Kind::Prediction,
            Entry::Correction(_) => Kind::Correction,
        }
    }
}

/// Which stream an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Prediction,
    Correction,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Prediction => "prediction",
            Kind::Correction => "correction",
        }
    }
}

/// What became of a received event; received = accepted + duplicate + rejected, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intake {
    Accepted,
    Duplicate,
    Rejected(super::Reason),
}
