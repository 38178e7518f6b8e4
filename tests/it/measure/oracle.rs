//! Reads golden values made by other packages.

use std::{collections::HashMap, fs, path::PathBuf};

/// One row of a CSV file, by column.
pub type Row = HashMap<String, String>;

/// The rows of `fixtures/oracles/<name>`.
pub fn rows(name: &str) -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/oracles").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text)
}

/// The rows of `../shared/oracles/<name>`, larger files that are not part of the repository: none, with a note, where
/// they are absent.
pub fn workshop_rows(name: &str) -> Vec<Row> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/oracles").join(name);
    let Ok(text) = fs::read_to_string(path) else {
        println!("skipped: no ../shared/oracles/{name}");
        return Vec::new();
    };
    parse(&text)
}

fn parse(text: &str) -> Vec<Row> {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_owned);
        columns.iter().map(|column| (*column).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

pub fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} = {:?}", row[column]))
}

pub fn count(row: &Row, column: &str) -> u64 {
    number(row, column) as u64
}

/// Panics unless equal to a relative tolerance.
pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * expected.abs().max(f64::MIN_POSITIVE), "{what}: {found} is not {expected}");
}
