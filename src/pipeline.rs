//! Events in, facts out: the one place where ingest, join, fact and store meet.
//!
//! [`Tabulator`] is the sequence itself, over any [`State`](crate::store::State); [`tabulate_files`] runs it once in
//! memory for a report, [`Consumer`] keeps it running over the embedded journal with atomic commits, and
//! [`PartitionConsumer`] over a pair of Kafka partitions.

mod ahead;
mod batch;
mod book;
mod consume;
mod partition;
mod tabulator;

pub use batch::{BatchError, FilesRead, OnRow, Sources, tabulate_files};
pub use book::{NomenclatureBook, rules};
pub use consume::{Consumer, JOURNAL_SOURCE, PipelineError, Progress};
pub use partition::{PairSettings, PartitionConsumer, Taken};
pub use tabulator::{Rejected, Tabulator};
