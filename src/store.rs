//! State, facts and source offsets in one atomic commit.
//!
//! The log (journal or Kafka) is what must survive a power cut; the store only has to come back to some consistent
//! prefix of it, and goes on from the offset it finds there (`docs/adr/0002-embedded-store.md`).

mod chunk;
mod commit;
mod contained;
mod dead_letter;
mod held_log;
mod index;
mod marks;
mod memory;
mod open;
mod outbox;
mod outline;
mod pages;
mod scan;
mod seal;
mod sweep;
mod topology;
mod travel;
mod working_set;

pub use commit::{Commit, Written};
pub use contained::panic_message;
pub use dead_letter::DeadLetter;
pub use held_log::HeldLog;
pub use marks::{Marks, Sweep, Tail, TopicMarks};
pub use memory::Memory;
pub use open::{Budget, Fingerprint, Rules, Store, StoreError};
pub use outbox::Parcel;
pub use outline::{Outline, Portion, SeriesName, Wanted};
pub use pages::Pages;
pub use scan::{Selection, View};
pub use topology::{Position, Topology};
pub use travel::{TravelError, pack, unpack};
pub use working_set::WorkingSet;

use crate::{event::JoinKey, join::Held};

/// Where the join finds what it holds under a key.
pub trait State {
    /// # Errors
    /// When the record cannot be read.
    fn get(&mut self, key: JoinKey) -> Result<Option<Held>, StoreError>;
    /// # Errors
    /// When the record cannot be kept.
    fn put(&mut self, key: JoinKey, held: Held) -> Result<(), StoreError>;
}
