//! The running service: threads keep stores up to date with a journal or with Kafka, readers ask for assessments.

mod answers;
mod feed;
pub mod kafka;
mod parts;
mod peers;
mod status;
mod worker;

pub use answers::{Answers, AskError};
pub use feed::{AppendError, Feed, Readiness};
pub use parts::{Holdings, Parts};
pub use peers::{HeldPartition, Listing, PeerError, Peers, patiently};
pub use status::{Snapshot, Status};
pub use worker::{Service, ServiceError, Settings};

/// What is said of a thread that panicked: a mistake of ours, not of the input.
fn internal(cause: &(dyn std::any::Any + Send)) -> String {
    format!("an error inside vigie, please report it: {}", crate::store::panic_message(cause))
}
