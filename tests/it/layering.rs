//! The rules of the house, read from the sources: rooms import only rooms above them, engines stay in their rooms,
//! files and folders stay small, and the lock file holds one Arrow.
//!
//! The order of the rooms is the order of the `mod` lines in `src/lib.rs`; nothing here names it again.

mod checks;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use checks::{Rules, names_nothing, orphan, too_deep, too_long};
use source::{Source, rooms};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where an engine may appear: files, or folders with everything below them.
const ENGINES: &[(&str, &[&str])] = &[
    ("polars", &["csv.rs", "export.rs", "export/"]),
    ("datafusion", &["query.rs", "query/"]),
    ("plotters", &["report.rs", "report/"]),
    ("fjall", &["store.rs", "store/", "ingest/journal.rs"]),
    ("axum", &["http.rs", "http/"]),
    ("rdkafka", &["ingest/kafka.rs", "ingest/kafka/"]),
];

/// Rooms that compute and do nothing else.
const PURE: &[&str] = &["event", "nomenclature", "measure", "decide", "join", "fact"];
const IMPURE_CRATES: &[&str] = &["tokio", "arrow", "parquet"];

const MOST_LINES: usize = 500;
const DEEPEST: usize = 2;

fn rules() -> Rules<'static> {
    Rules { engines: ENGINES, pure_rooms: PURE, impure_crates: IMPURE_CRATES }
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let order = order();
    expect_none(sources("src").iter().flat_map(|s| checks::imports_of_later_rooms(s, &order)));
}

#[test]
fn engines_stay_in_their_rooms() {
    let rules = rules();
    expect_none(sources("src").iter().flat_map(|s| checks::engines_outside(s, &rules)));
}

#[test]
fn every_source_file_belongs_to_a_declared_room() {
    let order = order();
    expect_none(sources("src").iter().filter_map(|s| orphan(s, &order)));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    for folder in ["src", "tests", "benches", "fuzz"] {
        expect_none(sources(folder).iter().filter_map(|s| too_long(s, MOST_LINES)).map(|m| format!("{folder}/{m}")));
    }
}

#[test]
fn no_folder_is_deeper_than_two_below_src() {
    expect_none(sources("src").iter().filter_map(|s| too_deep(s, DEEPEST)));
}

#[test]
fn no_file_or_module_has_a_name_that_says_nothing() {
    expect_none(["src", "tests"].iter().flat_map(|folder| sources(folder)).flat_map(|s| names_nothing(&s)));
}

#[test]
fn the_lock_file_holds_one_of_each_engine() {
    let lock = read(&Path::new(ROOT).join("Cargo.lock"));
    let found = ["arrow", "datafusion", "parquet", "polars", "tokio", "axum", "fjall"].map(|engine| {
        let line = format!("name = \"{engine}\"");
        let n = lock.lines().filter(|l| l.trim_end() == line).count();
        (n != 1).then(|| format!("Cargo.lock holds {n} packages named {engine}: one is needed, see deny.toml"))
    });
    expect_none(found.into_iter().flatten());
}

fn order() -> Vec<String> {
    let order = rooms(&read(&Path::new(ROOT).join("src/lib.rs")));
    assert!(order.len() > 5, "src/lib.rs declares only {order:?}: has the way it is read here broken?");
    order
}

/// Every Rust file below a folder of the project, in the order of their paths.
fn sources(folder: &str) -> Vec<Source> {
    let top = Path::new(ROOT).join(folder);
    let mut files = Vec::new();
    walk(&top, &mut files);
    files.sort();
    let relative = |f: &PathBuf| f.strip_prefix(&top).expect("below its top").to_string_lossy().into_owned();
    files.iter().map(|f| Source::new(&relative(f), &read(f))).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|n| n != "target" && n != "corpus" && n != "artifacts") {
                walk(&path, files);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn expect_none(found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "\n  {}\n", found.join("\n  "));
}
