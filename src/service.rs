//! The running service: one thread keeps the store up to date with the journal, readers ask for assessments.

mod answers;
mod parts;
mod peers;
mod status;
mod worker;

pub use answers::{Answers, AskError};
pub use parts::{Holdings, Parts};
pub use peers::{HeldPartition, Listing, PeerError, Peers, patiently};
pub use status::{Snapshot, Status};
pub use worker::{Service, ServiceError, Settings};
