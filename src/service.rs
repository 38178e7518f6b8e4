//! The running service: one thread keeps the store up to date with the journal, readers ask for assessments.

mod answers;
mod feed;
pub mod kafka;
mod status;
mod worker;

pub use answers::{Answers, AskError};
pub use feed::{AppendError, Feed, Readiness};
pub use status::{Snapshot, Status};
pub use worker::{Service, ServiceError, Settings};
