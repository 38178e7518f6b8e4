//! Which words and phrases of the texts rise: new activities, before a code for them is known.
//!
//! [`fn@rising`] compares two periods term by term: among all texts, among those the model doubts, among those that people
//! found wrong. [`fn@clusters`] groups what the model doubts now. Both read [`Texts`], the rows of both periods by text.

mod codes;
mod corpus;
mod counts;
mod exact;
mod log_odds;
mod population;
mod postings;
mod redundancy;
mod selection;
mod witness;

pub mod clusters;
pub mod rise;
mod rising;
pub mod stop_words;
pub mod words;

use std::ops::Range;

pub use self::{
    clusters::{Cluster, Clusters, clusters},
    codes::RisingCode,
    corpus::Texts,
    counts::{Count, Counts, TextCount, count},
    exact::{Margins, Stratum, UpperTail, attainable, upper_tail},
    log_odds::{LogOdds, log_odds},
    rise::Rise,
    rising::{Kind, Rising, RisingTerm, rising},
    selection::{Discoveries, select},
    witness::Witness,
};

/// One prediction with its text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextRow<'a> {
    pub text: &'a str,
    /// Number of its day, from any origin.
    pub day: i32,
    /// The model doubted it: it went to people, or its confidence is below a threshold.
    pub low_confidence: bool,
    /// Whether people found another code; `None` without a label.
    pub wrong: Option<bool>,
    /// Design weight of a labelled row, 1/π. A label whose weight is not above 0 and finite does not count.
    pub weight: f64,
    /// The code it got, as a number of the caller's.
    pub code: u32,
    /// The code people gave it.
    pub actual: Option<u32>,
}

impl TextRow<'_> {
    /// Weight of its label, if it has one.
    fn label(&self) -> Option<f64> {
        (self.wrong.is_some() && self.weight.is_finite() && self.weight > 0.0).then_some(self.weight)
    }
}

/// Days of the two periods that are compared; rows of neither are left out, rows of both are current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Periods {
    pub reference: Range<i32>,
    pub current: Range<i32>,
}

impl Periods {
    fn side(&self, day: i32) -> Option<Side> {
        if self.current.contains(&day) {
            Some(Side::Current)
        } else {
            self.reference.contains(&day).then_some(Side::Reference)
        }
    }
}

/// Which of two samples a row is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Reference,
    Current,
}

/// What the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermOptions {
    /// Greatest expected share of terms reported as rising that are not, over all three kinds together.
    pub false_discovery_rate: f64,
    /// Of intervals.
    pub confidence_level: f64,
    /// Terms counted at most, per kind.
    pub most_terms: usize,
    /// Texts that a term must be in, both periods together.
    pub least_texts: u32,
    /// Terms reported at most, per kind.
    pub most_rising: usize,
    pub most_clusters: usize,
}

impl Default for TermOptions {
    fn default() -> Self {
        Self {
            false_discovery_rate: 0.05,
            confidence_level: 0.95,
            most_terms: 200_000,
            least_texts: 3,
            most_rising: 100,
            most_clusters: 15,
        }
    }
}
