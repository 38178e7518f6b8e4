use std::{fs::File, path::Path, sync::Arc};

use ::parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray},
    compute::{CastOptions, cast, cast_with_options},
    datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit},
    error::ArrowError,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Columns, FileError, FileFormat, Row,
    row::json,
    tabular::{CORRECTION_FIELDS, Layout, PREDICTION_FIELDS, Tabular},
    wall_time,
};
use crate::event::{Candidate, EventTime, Kind, Reject};

const BATCH: usize = 4096;

/// Reads events from a Parquet file, a batch at a time. Column names are the contract's unless mapped; candidates are
/// a list of `{code, probability}`, or columns `code_1, probability_1, code_2, ..`, or one `code` and `probability`.
pub fn each_row(
    path: &Path,
    kind: Option<Kind>,
    format: &FileFormat,
    each: &mut dyn FnMut(u64, Row<'_>),
) -> Result<(), FileError> {
    let columns = &format.columns;
    let input = path.display().to_string();
    let file = File::open(path).map_err(|source| FileError::Io { input: input.clone(), source })?;
    let bad = |message: String| FileError::Parquet { input: input.clone(), message };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| bad(e.to_string()))?;
    let all: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let has_correction_id = all.iter().any(|n| n.eq_ignore_ascii_case(&columns.name("correction_id")));
    let kind = kind.unwrap_or(if has_correction_id { Kind::Correction } else { Kind::Prediction });
    // only the columns that mean something are read and decoded
    let wanted: Vec<usize> = (0..all.len()).filter(|i| wants(columns, kind, &all[*i])).collect();
    let names: Vec<String> = wanted.iter().map(|i| all[*i].clone()).collect();
    let wrong = |message| FileError::Columns { input: input.clone(), message };
    // once with all names, so that what is missing is said beside everything that there is
    Layout::find(&all, kind, columns).map_err(wrong)?;
    let layout = Layout::find(&names, kind, columns).map_err(wrong)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let reader = builder.with_batch_size(BATCH).with_projection(mask).build().map_err(|e| bad(e.to_string()))?;
    let mut number = 0;
    for batch in reader {
        let batch = batch.map_err(|e| bad(e.to_string()))?;
        let rows = Batch::new(&batch, format.time_zone.as_ref()).map_err(|e| bad(e.to_string()))?;
        for row in 0..batch.num_rows() {
            number += 1;
            let made = match kind {
                Kind::Prediction => layout.prediction(&rows, row).map(Row::Prediction),
                Kind::Correction => layout.correction(&rows, row).map(Row::Correction),
            };
            match made {
                Ok(row) => each(number, row),
                Err(reject) => {
                    let raw = serde_json::json!({"file": input, "row": number}).to_string();
                    each(number, Row::Bad(reject, raw.as_bytes()));
                }
            }
        }
    }
    Ok(())
}

fn wants(columns: &Columns, kind: Kind, name: &str) -> bool {
    let same = |field: &str| columns.name(field).eq_ignore_ascii_case(name);
    let fields: &[&str] = match kind {
        Kind::Prediction => &PREDICTION_FIELDS,
        Kind::Correction => &CORRECTION_FIELDS,
    };
    let pair = kind == Kind::Prediction
        && (same("code")
            || same("probability")
            || (1..=100).any(|i| same(&format!("code_{i}")) || same(&format!("probability_{i}"))));
    fields.iter().any(|f| same(f)) || pair || columns.attributes.iter().any(|a| a.eq_ignore_ascii_case(name))
}

/// Columns of one batch, each brought to one of a few types.
struct Batch<'z> {
    columns: Vec<Column>,
    zone: Option<&'z TimeZone>,
}

enum Column {
    Text(StringArray),
    Number(Float64Array),
    /// Ids and codes are whole numbers in some files; their text is needed too.
    Whole(Float64Array, StringArray),
    /// Microseconds since 1970, UTC.
    Time(Int64Array),
    /// Microseconds since 1970 as clocks on the wall show them.
    WallTime(Int64Array),
    Candidates {
        list: ListArray,
        codes: StringArray,
        probabilities: Float64Array,
    },
}

impl<'z> Batch<'z> {
    fn new(batch: &RecordBatch, zone: Option<&'z TimeZone>) -> Result<Self, ArrowError> {
        Ok(Batch { columns: batch.columns().iter().map(column).collect::<Result<_, _>>()?, zone })
    }
}

fn column(array: &ArrayRef) -> Result<Column, ArrowError> {
    Ok(match array.data_type() {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let micros = cast(&micros, &DataType::Int64)?.as_primitive::<Int64Type>().clone();
            if matches!(array.data_type(), DataType::Timestamp(_, Some(_))) {
                Column::Time(micros)
            } else {
                Column::WallTime(micros)
            }
        }
        DataType::Float32 => Column::Number(shortest(array)?),
        t if t.is_integer() => {
            let texts = cast(array, &DataType::Utf8)?.as_string::<i32>().clone();
            Column::Whole(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone(), texts)
        }
        t if t.is_numeric() => Column::Number(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone()),
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::FixedSizeList(..) => {
            candidates(array)?
        }
        _ => Column::Text(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
    })
}

/// 0.7 stored as a 32-bit float is 0.699999988: taken at face value it would miss a threshold of 0.7.
fn shortest(array: &ArrayRef) -> Result<Float64Array, ArrowError> {
    let wide = cast(array, &DataType::Float64)?;
    Ok(wide.as_primitive::<Float64Type>().unary(|x| if x.abs() < 100.0 { (x * 1e7).round() / 1e7 } else { x }))
}

fn candidates(array: &ArrayRef) -> Result<Column, ArrowError> {
    let item = match array.data_type() {
        DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::FixedSizeList(f, _) => f.clone(),
        _ => Arc::new(Field::new("item", DataType::Null, true)),
    };
    let list = cast_with_options(array, &DataType::List(item), &CastOptions::default())?;
    let list = list.as_list::<i32>().clone();
    let no = |what: &str| ArrowError::SchemaError(format!("`candidates` has no field `{what}`"));
    let fields: &StructArray =
        list.values().as_struct_opt().ok_or_else(|| no("code (expected a list of {code, probability})"))?;
    let codes = cast(fields.column_by_name("code").ok_or_else(|| no("code"))?, &DataType::Utf8)?;
    let probability = fields.column_by_name("probability").ok_or_else(|| no("probability"))?;
    let probabilities = match probability.data_type() {
        DataType::Float32 => shortest(probability)?,
        _ => cast(probability, &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
    };
    Ok(Column::Candidates { codes: codes.as_string::<i32>().clone(), probabilities, list })
}

impl Tabular for Batch<'_> {
    fn text(&self, column: usize, row: usize) -> Option<&str> {
        match &self.columns[column] {
            Column::Text(a) | Column::Whole(_, a) if a.is_valid(row) => Some(a.value(row)).filter(|s| !s.is_empty()),
            _ => None,
        }
    }

    fn number(&self, column: usize, row: usize) -> Result<Option<f64>, String> {
        match &self.columns[column] {
            Column::Number(a) | Column::Whole(a, _) => Ok(a.is_valid(row).then(|| a.value(row))),
            Column::Text(a) if a.is_valid(row) => a.value(row).parse().map(Some).map_err(|_| a.value(row).to_owned()),
            _ => Ok(None),
        }
    }

    fn time(&self, column: usize, row: usize) -> Result<Option<EventTime>, String> {
        match &self.columns[column] {
            Column::Time(a) if a.is_valid(row) => {
                let nanos = a.value(row).checked_mul(1000).unwrap_or(i64::MAX);
                EventTime::from_nanos(nanos).map(Some)
            }
            Column::WallTime(a) if a.is_valid(row) => {
                // without a zone it is UTC: that is what the tools that write and show such columns take it for
                let civil = Timestamp::from_microsecond(a.value(row)).map_err(|e| e.to_string())?;
                let civil = TimeZone::UTC.to_datetime(civil);
                wall_time::at(civil, self.zone.unwrap_or(&TimeZone::UTC)).map(Some)
            }
            Column::Text(a) if a.is_valid(row) => wall_time::read(a.value(row), self.zone).map(Some),
            _ => Ok(None),
        }
    }

    fn candidates(&self, column: usize, row: usize) -> Result<Vec<Candidate<'_>>, Reject> {
        match &self.columns[column] {
            Column::Candidates { list, codes, probabilities } if list.is_valid(row) => {
                let (from, to) = (list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize);
                let of = |i: usize| Candidate {
                    code: if codes.is_valid(i) { codes.value(i) } else { "" }.into(),
                    probability: if probabilities.is_valid(i) { probabilities.value(i) } else { f64::NAN },
                    label: None,
                };
                Ok((from..to).map(of).collect())
            }
            Column::Text(a) if a.is_valid(row) => json(a.value(row)),
            _ => Ok(Vec::new()),
        }
    }
}
