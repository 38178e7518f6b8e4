use std::collections::BTreeMap;

use jiff::tz::TimeZone;

mod admit;
mod insee;
mod lines;
mod policy;
mod python_literal;
mod row;
mod wall_time;

pub use admit::Admission;
pub use lines::{MAX_LINE, each_line};
pub use policy::{Policies, Policy, ReviewRates};
pub use row::{Received, Row, kind_of};

/// What INSEE's adapter asks of a file's format.
#[derive(Debug, Clone, Default)]
pub struct FileFormat {
    pub columns: Columns,
    pub time_zone: Option<TimeZone>,
}

#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub constants: BTreeMap<String, String>,
}

impl Columns {
    pub fn constant(&self, field: &str) -> Option<&str> {
        self.constants.get(field).map(String::as_str)
    }
}

/// A line of INSEE's API, as the adapter hands it on.
pub fn with_insee_row<T>(format: &FileFormat, line: &[u8], then: impl FnOnce(&Row<'_>) -> T) -> T {
    let adapter = insee::Adapter::new(format).expect("model and nomenclature are given");
    then(&adapter.row(line))
}
