//! From bytes to admitted events: files, standard input and the embedded journal.
//!
//! Every source hands over [`Row`]s; [`Admission`] checks them against the contract and makes them compact, or says
//! why not ([`Reject`](crate::event::Reject)). Nothing is counted and nothing is joined here.

mod admit;
mod decode;
mod delimited;
mod file;
mod insee;
mod journal;
pub mod kafka;
mod lines;
mod parquet;
mod policy;
mod python_literal;
mod row;
mod tabular;
mod wall_time;

pub use admit::Admission;
pub use decode::{Admitted, Decoded, Refused, learn};
pub use delimited::Columns;
pub use file::{FileError, FileFormat, Input, InputFormat, each_row, expand};
pub(crate) use journal::created_whole;
pub use journal::{Chunk, Journal, JournalError, RefusedRow};
pub use lines::MAX_LINE;
pub use policy::{Policies, Policy, ReviewRates};
pub use row::{DECODER_STACK, Received, Row, kind_of};
pub use tabular::{CORRECTION_FIELDS, PREDICTION_FIELDS};
