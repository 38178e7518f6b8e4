//! The users' stream with the truth of every row, which the product never sees.

use std::{collections::HashMap, fs::File, path::PathBuf};

use arrow::{
    array::{ArrayRef, AsArray, LargeStringArray, RecordBatch},
    datatypes::Float64Type,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// One prediction whose truth is known.
#[derive(Clone, Copy)]
pub struct Known {
    pub confidence: f64,
    pub right: bool,
    pub hour: usize,
    /// By version 2.0.0, and not 1.4.0.
    pub second: bool,
    /// Codes by a number of their own.
    pub predicted: usize,
    pub truth: usize,
    /// Division, group and class of the true code: its first two, three and four digits.
    pub above: [usize; 3],
}

/// Its rows; nothing where the file is absent.
fn batches() -> Option<impl Iterator<Item = RecordBatch>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025/truth.parquet");
    let file = File::open(path).ok()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("Parquet");
    Some(reader.map(|batch| batch.expect("a batch")))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap_or_else(|| panic!("{name} in {:?}", batch.schema()))
}

fn words<'a>(batch: &'a RecordBatch, name: &str) -> &'a LargeStringArray {
    column(batch, name).as_string()
}

/// The true code of each prediction, by its id; nothing where the file is absent.
pub fn truths() -> Option<HashMap<String, String>> {
    let mut all = HashMap::new();
    for batch in batches()? {
        let [ids, truths] = ["prediction_id", "truth"].map(|name| words(&batch, name));
        let rows = 0..batch.num_rows();
        all.extend(rows.map(|row| (ids.value(row).to_owned(), truths.value(row).to_owned())));
    }
    Some(all)
}

/// Of each code, the share of its predictions that are right, and of what is truly of it the share that was given it.
pub fn quality() -> Option<HashMap<String, [Option<f64>; 2]>> {
    // right, predicted, actual
    let mut counts: HashMap<String, [f64; 3]> = HashMap::new();
    for batch in batches()? {
        let [predicted, truth] = ["predicted", "truth"].map(|name| words(&batch, name));
        for row in 0..batch.num_rows() {
            let (given, meant) = (predicted.value(row), truth.value(row));
            counts.entry(given.to_owned()).or_default()[1] += 1.0;
            let of_meant = counts.entry(meant.to_owned()).or_default();
            of_meant[2] += 1.0;
            of_meant[0] += f64::from(u8::from(given == meant));
        }
    }
    let share = |part: f64, of: f64| (of > 0.0).then_some(part / of);
    Some(counts.into_iter().map(|(code, [r, p, a])| (code, [share(r, p), share(r, a)])).collect())
}

/// All rows in their order; nothing where they are absent.
pub fn naf2025() -> Option<Vec<Known>> {
    let mut all = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for batch in batches()? {
        let [times, predicted, truth, version] =
            ["predicted_at", "predicted", "truth", "model_version"].map(|name| words(&batch, name));
        let confidence = column(&batch, "confidence").as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let time = times.value(row);
            let part = |at: std::ops::Range<usize>| time[at].parse::<usize>().expect("a time");
            let above = [2, 3, 4].map(|digits| truth.value(row)[..digits].parse().expect("digits"));
            let [predicted, truth] = [predicted.value(row), truth.value(row)].map(|code| {
                let next = numbers.len();
                *numbers.entry(code.to_owned()).or_insert(next)
            });
            all.push(Known {
                confidence: confidence.value(row),
                right: predicted == truth,
                hour: part(5..7) * 744 + part(8..10) * 24 + part(11..13),
                second: version.value(row) == "2.0.0",
                predicted,
                truth,
                above,
            });
        }
    }
    Some(all)
}
