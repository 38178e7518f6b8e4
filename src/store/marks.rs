use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::event::Kind;

/// What a store of a partition knows of its own reading, besides the offsets: it changes with every commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Event time of the newest prediction, in milliseconds since 1970: what is late, and what is past the horizon, is
    /// judged by it and not by a clock.
    pub watermark: Option<i64>,
    /// Predictions that came more than an hour behind the watermark.
    pub late: u64,
    /// How far behind it the latest of them was, in milliseconds.
    pub furthest_behind: i64,
    /// Predictions whose time was so far ahead of their record's that they did not move the watermark.
    pub ahead: u64,
    /// Messages without a key: nothing holds a prediction and its corrections together then.
    pub keyless: u64,
    /// Predictions that passed the horizon and were forgotten; their facts stay.
    pub expired_predictions: u64,
    /// Corrections that waited for a prediction until the horizon.
    pub expired_orphans: u64,
    /// Events that the log no longer had when their turn came.
    pub lost: u64,
    /// Times that a topic turned out to be another one under the same name.
    pub recreated: u64,
    pub predictions: TopicMarks,
    pub corrections: TopicMarks,
    /// No record became complete before this time, in milliseconds since 1970; `None` while there is none.
    pub oldest: Option<i64>,
    /// A search for expired records that is under way.
    pub sweep: Option<Sweep>,
    /// Watermark under which the last search that came to its end began.
    pub swept: Option<i64>,
}

/// A search through the whole store, a stretch a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Chunk of records at which it goes on.
    pub at: u64,
    /// Where it ends: what came since is judged by the next.
    pub until: u64,
    /// Watermark under which it began.
    pub under: i64,
    /// Oldest record so far that stays.
    pub oldest: Option<i64>,
}

/// How the reading of one topic's partition began and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicMarks {
    /// First offset that was read; `None` before the first.
    pub first: Option<u64>,
    /// The last record read: found again at its offset, the topic is still the same one.
    pub tail: Option<Tail>,
}

/// A record as it can be told from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    pub offset: u64,
    pub timestamp: Option<i64>,
    /// Of key and value.
    pub digest: u64,
}

impl Marks {
    pub fn topic(&mut self, kind: Kind) -> &mut TopicMarks {
        match kind {
            Kind::Prediction => &mut self.predictions,
            Kind::Correction => &mut self.corrections,
        }
    }
}

impl Store {
    /// # Errors
    /// When the store cannot be read.
    pub fn marks(&self) -> Result<Marks, StoreError> {
        Ok(self.meta_get("marks")?.unwrap_or_default())
    }
}
