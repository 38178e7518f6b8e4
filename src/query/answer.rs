use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray},
    compute::{cast, concat_batches},
    datatypes::{DataType, Float64Type, Int64Type, Schema},
};

use super::QueryError;

/// Rows of a query, by column name.
#[derive(Debug)]
pub struct Answer {
    names: Vec<String>,
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Answer {
    pub(super) fn new(batches: Vec<RecordBatch>) -> Result<Self, QueryError> {
        let names = batches.first().map(|b| b.schema().fields().iter().map(|f| f.name().clone()).collect());
        Answer::plain(names.unwrap_or_default(), batches, false)
    }

    /// For people: dates are written as such.
    pub(super) fn shown(names: Vec<String>, batches: Vec<RecordBatch>) -> Result<Self, QueryError> {
        Answer::plain(names, batches, true)
    }

    fn plain(names: Vec<String>, batches: Vec<RecordBatch>, dates_as_text: bool) -> Result<Self, QueryError> {
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        let all = concat_batches(&schema, &batches)?;
        let mut columns = Vec::with_capacity(all.num_columns());
        for column in all.columns() {
            // one of four plain types is all that a reader has to know
            columns.push(match column.data_type() {
                t if t.is_integer() => cast(column, &DataType::Int64)?,
                t if t.is_floating() || t.is_decimal() => cast(column, &DataType::Float64)?,
                DataType::Date32 if !dates_as_text => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
                DataType::Timestamp(..) => cast(column, &DataType::Utf8)?,
                _ => cast(column, &DataType::Utf8)?,
            });
        }
        Ok(Answer { names, rows: all.num_rows(), columns })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A column, for one who reads many of its cells; of a name that is not there all cells are NULL.
    pub fn column(&self, name: &str) -> Column<'_> {
        Column(self.names.iter().position(|n| n == name).and_then(|i| self.columns.get(i)))
    }

    /// As [`Column::int`].
    pub fn int(&self, row: usize, name: &str) -> i64 {
        self.column(name).int(row)
    }

    /// As [`Column::count`].
    pub fn count(&self, row: usize, name: &str) -> u64 {
        self.column(name).count(row)
    }

    /// As [`Column::number`].
    pub fn number(&self, row: usize, name: &str) -> f64 {
        self.column(name).number(row)
    }

    /// As [`Column::text`].
    pub fn text(&self, row: usize, name: &str) -> Option<&str> {
        self.column(name).text(row)
    }

    /// Any cell as a JSON value, for the output of a user's own query.
    pub fn json(&self, row: usize, column: usize) -> serde_json::Value {
        let Some(array) = self.columns.get(column).filter(|a| a.is_valid(row)) else { return serde_json::Value::Null };
        match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
            _ => array.as_string::<i32>().value(row).into(),
        }
    }
}

/// The cells of one column, by row.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a>(Option<&'a ArrayRef>);

impl<'a> Column<'a> {
    /// An integer, or days since 1970 of a date; 0 for NULL.
    pub fn int(self, row: usize) -> i64 {
        let ints: Option<&Int64Array> = self.0.and_then(|c| c.as_primitive_opt::<Int64Type>());
        ints.filter(|a| a.is_valid(row)).map_or(0, |a| a.value(row))
    }

    /// A count, which facts never let fall below zero.
    pub fn count(self, row: usize) -> u64 {
        u64::try_from(self.int(row)).unwrap_or(0)
    }

    /// A number; 0 for NULL.
    pub fn number(self, row: usize) -> f64 {
        let numbers: Option<&Float64Array> = self.0.and_then(|c| c.as_primitive_opt::<Float64Type>());
        numbers.filter(|a| a.is_valid(row)).map_or_else(|| self.int(row) as f64, |a| a.value(row))
    }

    /// `None` for NULL.
    pub fn text(self, row: usize) -> Option<&'a str> {
        let texts: Option<&'a StringArray> = self.0.and_then(|c| c.as_string_opt::<i32>());
        texts.filter(|a| a.is_valid(row)).map(|a| a.value(row))
    }
}
