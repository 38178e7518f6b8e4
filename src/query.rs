//! Questions over the facts: everything that is a tabulation is SQL in `queries/`, run by DataFusion.
//!
//! [`Tables`] shows facts as SQL tables (columns in `queries/README.md`); [`Question`] names the embedded queries;
//! [`Answer`] hands their rows over as plain numbers and texts, so that no engine type leaves this room.

mod answer;
mod engine;
mod question;
mod table;

pub use answer::Answer;
pub use engine::{Engine, QueryError};
pub use question::{Parameter, Question};
pub(crate) use table::day_of;
pub use table::{TableOptions, Tables};
