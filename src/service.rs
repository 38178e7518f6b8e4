//! The running service: threads keep stores up to date with a journal or with Kafka, readers ask for assessments.

mod answers;
mod feed;
pub mod kafka;
mod parts;
mod peers;
mod status;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use answers::{Answers, AskError};
pub use feed::{AppendError, Feed, Readiness};
pub use parts::{Holdings, Parts};
pub use peers::{HeldPartition, Listing, PeerError, Peers, patiently};
pub use status::{Snapshot, Status};
pub use worker::{Service, ServiceError, Settings};

use crate::store::panic_message;

/// Runs what must not end a thread unseen. What a panic said is the error: a mistake of ours, not of the input, after which
/// what `run` worked on is not to be used.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run))
        .map_err(|cause| format!("an error inside vigie, please report it: {}", panic_message(&*cause)))
}
