use std::{borrow::Cow, collections::BTreeMap, path::Path};

use jiff::tz::TimeZone;

use super::{
    FileError, FileFormat, Row,
    row::json,
    tabular::{Layout, Tabular},
    wall_time,
};
use crate::{
    csv::Table,
    event::{Candidate, EventTime, Kind, Reject},
};

/// How the columns of a file map to the fields of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Field of the contract (or `code_1`, `probability_1`, ..) to the column's name; itself where absent.
    pub names: BTreeMap<String, String>,
    /// Values for fields that the file lacks, such as the model's name.
    pub constants: BTreeMap<String, String>,
    /// Columns kept as attributes.
    pub attributes: Vec<String>,
    /// What stands in the code column of a correction for "cannot be coded", besides an empty field.
    pub uncodable: Vec<String>,
}

impl Columns {
    pub fn name(&self, field: &str) -> String {
        self.names.get(field).map_or_else(|| field.to_owned(), String::clone)
    }

    pub fn constant(&self, field: &str) -> Option<&str> {
        self.constants.get(field).map(String::as_str)
    }
}

struct Delimited {
    table: Table,
    decimal_comma: bool,
    zone: Option<TimeZone>,
}

impl Tabular for Delimited {
    fn text(&self, column: usize, row: usize) -> Option<&str> {
        self.table.get(row, column)
    }

    fn number(&self, column: usize, row: usize) -> Result<Option<f64>, String> {
        let Some(text) = self.table.get(row, column) else { return Ok(None) };
        plain_number(text, self.decimal_comma).parse().map(Some).map_err(|_| text.to_owned())
    }

    fn time(&self, column: usize, row: usize) -> Result<Option<EventTime>, String> {
        self.table.get(row, column).map(|t| wall_time::read(t, self.zone.as_ref())).transpose()
    }

    fn candidates(&self, column: usize, row: usize) -> Result<Vec<Candidate<'_>>, Reject> {
        let Some(text) = self.table.get(row, column) else { return Ok(Vec::new()) };
        json(text)
    }
}

/// Reads events from delimited text. Row numbers count the header, as a spreadsheet does.
pub fn each_row(
    path: &Path,
    kind: Option<Kind>,
    format: &FileFormat,
    each: &mut dyn FnMut(u64, Row<'_>),
) -> Result<(), FileError> {
    let table = Table::read(path, &format.dialect)?;
    let corrections = table.column(&format.columns.name("correction_id")).is_some();
    let kind = kind.unwrap_or(if corrections { Kind::Correction } else { Kind::Prediction });
    let layout = Layout::find(table.names(), kind, &format.columns)
        .map_err(|message| FileError::Columns { input: path.display().to_string(), message })?;
    let (decimal_comma, zone) = (format.dialect.decimal_comma, format.time_zone.clone());
    let rows = Delimited { table, decimal_comma, zone };
    for row in 0..rows.table.rows() {
        let number = row as u64 + 2;
        match kind {
            Kind::Prediction => match layout.prediction(&rows, row) {
                Ok(p) => each(number, Row::Prediction(p)),
                Err(reject) => bad(&rows.table, row, reject, each),
            },
            Kind::Correction => match layout.correction(&rows, row) {
                Ok(c) => each(number, Row::Correction(c)),
                Err(reject) => bad(&rows.table, row, reject, each),
            },
        }
    }
    Ok(())
}

/// Hands over a refused row with its fields as they stood, for the dead letter.
fn bad(table: &Table, row: usize, reject: Reject, each: &mut dyn FnMut(u64, Row<'_>)) {
    let fields =
        table.names().iter().enumerate().filter_map(|(c, name)| Some((name.clone(), table.get(row, c)?.into())));
    let raw = serde_json::Value::Object(fields.collect()).to_string();
    each(row as u64 + 2, Row::Bad(reject, raw.as_bytes()));
}

/// A French office writes 1234.56 as `1 234,56`, often with a space that does not break.
fn plain_number(text: &str, decimal_comma: bool) -> Cow<'_, str> {
    if !decimal_comma {
        return Cow::Borrowed(text);
    }
    let digits = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}'));
    Cow::Owned(digits.map(|c| if c == ',' { '.' } else { c }).collect())
}
