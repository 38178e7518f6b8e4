//! Questions over the facts: everything that is a tabulation is SQL in `queries/`, run by DataFusion.
//!
//! [`Tables`] shows facts as SQL tables (columns in `queries/README.md`); [`Question`] names the embedded queries;
//! [`Answer`] hands their rows over as plain numbers and texts, so that no engine type leaves this room.

mod answer;
mod columns;
mod engine;
mod question;
mod table;

pub use answer::{Answer, Column};
pub(crate) use columns::day_of;
pub use engine::{Engine, QueryError};
pub use question::{Parameter, Question};
pub use table::{TableOptions, Tables};
