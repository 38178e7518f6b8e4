//! A prediction meets its corrections. Pure, without IO or clock, and free of order: any permutation, duplication or
//! split of the same events leaves the same [`Held`] record under each key and gives every event the same multiset of
//! verdicts.
//!
//! The rules (DESIGN section 3):
//! - of several bodies under one prediction id, the earliest holds (ties: the smaller hash); the others are conflicts;
//! - of a prediction's corrections, the greatest (revision, time, id) holds; a retraction that holds removes the label;
//! - whatever came before its prediction waits under the same key.

mod held;
mod label;

pub use held::{Held, HeldCorrection, HeldPrediction, Standing};
pub use label::{Joined, Label};

/// What the join says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinVerdict {
    Accepted,
    /// The same body under a known id.
    Duplicate,
    /// Another body under a known id.
    Conflict,
}
