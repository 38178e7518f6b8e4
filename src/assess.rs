//! One model, one period: asks the queries, applies the measures, and gives the numbers as plain data.
//!
//! [`plan`] decides what is looked at (which model, which days, against which reference), [`assess`] does it. The
//! result, [`Assessment`](assessment::Assessment), is all that reports, pages and the API ever see.

mod accuracy;
mod agreement;
mod alarms;
pub mod assessment;
mod assisted;
mod assisted_codes;
mod attributes;
mod before_labels;
mod build;
mod calibration;
mod codes;
mod crossed;
mod day;
mod days;
mod design;
mod draws;
mod drift;
mod latency;
mod parts;
mod plan;
mod reference;
mod review;
mod series;
mod source;
mod specimens;
mod stored;
mod terms;
mod threshold;
mod traffic;
mod tree;
mod uncodable;
mod versions;

pub use build::{AssessError, assess};
pub use crossed::NamedCrosswalk;
pub use day::{Day, DayError};
pub use drift::{DAY_REPLICATES, REPLICATES};
pub use parts::{Holder, HolderError, Views};
pub use plan::{FactSource, LevelChoice, Plan, PlanError, Request, plan};
pub use reference::{ReferenceError, ReferenceWish};
pub use source::{FileFacts, Naming};
pub use specimens::{MOST_TEXTS, MOST_TEXTS_LIVE};
pub use stored::{SourceError, StoreFacts};
