//! Facts of several partitions add up to those of one store, each partition counted once.

use std::path::Path;

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};
use vigie::{
    event::Symbols,
    fact::{Facts, Union, merge},
    ingest::{Admission, Journal, Policies, Row},
    pipeline::{Consumer, NomenclatureBook, Tabulator},
    store::{Memory, Position, Store, Topology},
};

use crate::{
    harness::{Canonical, fixture_lines, prediction, run, same_json, stream, text, write},
    semantics::{lines, policies},
};

/// As a producer would choose by the message's key; lines without one go anywhere.
pub fn partition_of(line: &str, partitions: u32) -> u32 {
    let event: Value = serde_json::from_str(line).unwrap_or_default();
    let id = event["prediction_id"].as_str().unwrap_or_default();
    id.bytes().fold(7_u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into())) % partitions
}

pub fn topology(partition: u32, partitions: u32) -> Topology {
    let text = str::to_owned;
    Topology {
        group: text("vigie"),
        predictions: text("vigie.predictions"),
        corrections: text("vigie.corrections"),
        partitions,
        partition,
    }
}

/// The store of one partition of some lines, in a data directory.
pub fn partition(data: &Path, lines: &[String], number: u32, partitions: u32) -> Store {
    let journal = Journal::open(&data.join(format!("journals/{number:04}"))).expect("journal");
    let store = Store::open(&data.join(format!("partitions/{number:04}"))).expect("store");
    let own: Vec<&String> = lines.iter().filter(|l| partition_of(l, partitions) == number).collect();
    journal.append(None, &text(&own)).expect("append");
    journal.sync().expect("sync");
    let mut consumer =
        Consumer::resume(journal, store.clone(), Policies::default(), NomenclatureBook::default()).expect("consumer");
    while consumer.step().expect("step").taken > 0 {}
    store.set_topology(&topology(number, partitions)).expect("topology");
    store
}

pub fn all_partitions(data: &Path, lines: &[String], partitions: u32) {
    (0..partitions).for_each(|number| drop(partition(data, lines, number, partitions)));
}

/// The same lines in the one store of an embedded journal.
pub fn whole(dir: &Path, lines: &[String]) {
    write(dir, "events.ndjson", text(lines));
    run(dir, &["ingest", "--data", "whole", "--events", "events.ndjson"]).expect(0);
}

pub fn timeless(mut report: Value) -> Value {
    report["scope"]["generated_at"] = Value::Null;
    report
}

pub fn report(dir: &Path, more: &[&str]) -> Value {
    let args = [&["report", "--json", "-"], more].concat();
    timeless(run(dir, &args).expect(0).json())
}

fn tabulated(lines: &[String]) -> (Facts, Symbols) {
    let admission = Admission::new(Symbols::default(), policies());
    let mut tabulator = Tabulator::new(admission, policies(), NomenclatureBook::default());
    let mut state = Memory::default();
    for line in lines {
        tabulator.take(&mut state, &Row::Line(line.as_bytes()), None).expect("memory does not fail");
    }
    (tabulator.take_facts(), tabulator.admission.symbols)
}

fn split(lines: &[String], partitions: u32) -> Vec<(Facts, Symbols)> {
    let of = |p| lines.iter().filter(|l| partition_of(l, partitions) == p).cloned().collect::<Vec<_>>();
    (0..partitions).map(|p| tabulated(&of(p))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(20_260_601), ..ProptestConfig::default()
    })]

    #[test]
    fn partitions_add_up_to_the_facts_of_one_store(lines in vec(lines(), 0..60), partitions in 1..6_u32) {
        let (facts, symbols) = tabulated(&lines);
        let one = Canonical::of(&facts, &symbols);
        let mut parts = split(&lines, partitions);
        let (facts, symbols) = merge(parts.clone()).expect("they add up");
        prop_assert_eq!(&Canonical::of(&facts, &symbols), &one);
        parts.reverse();
        let (facts, symbols) = merge(parts).expect("they add up");
        prop_assert_eq!(&Canonical::of(&facts, &symbols), &one);
    }
}

#[test]
fn a_single_part_keeps_its_numbers_and_no_part_is_nothing() {
    let part = tabulated(&stream("a", 20));
    let (facts, symbols) = merge(vec![part.clone()]).expect("one part");
    assert_eq!(facts, part.0);
    assert_eq!(symbols.since(0, 0), part.1.since(0, 0));
    assert_eq!(merge(Vec::new()).expect("none").0, Facts::default());
}

#[test]
fn a_fact_without_a_name_is_refused_and_not_given_another() {
    let (facts, symbols) = tabulated(&stream("a", 20));
    let fewer = Symbols::restore((0..3).map(|i| format!("s{i}")), []);
    let union = Union::of([&symbols, &fewer]).expect("few series");
    let refused = union.merge(vec![facts.clone(), facts]).expect_err("numbers without a name");
    assert!(refused.to_string().contains("part 1"), "{refused}");
}

#[test]
fn a_report_over_partitions_is_that_of_one_store() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut lines: Vec<String> = Vec::new();
    for name in ["corrections", "predictions"] {
        let some = fixture_lines(&format!("streams/{name}.ndjson.zst")).into_iter().take(4_000);
        lines.extend(some.map(|l| String::from_utf8_lossy(&l).into_owned()));
    }
    whole(dir.path(), &lines);
    all_partitions(&dir.path().join("data"), &lines, 4);
    same_json(&report(dir.path(), &["--data", "data"]), &report(dir.path(), &["--data", "whole"]), "report");
    let weekly = ["--from", "2026-05-11", "--to", "2026-05-17", "--level", "2"];
    let of = |data: &'static str| report(dir.path(), &[&["--data", data][..], &weekly].concat());
    same_json(&of("data"), &of("whole"), "a week");
    for sql in [
        "SELECT day, route, what, sum(n) AS n FROM tally GROUP BY day, route, what ORDER BY day, route, what",
        "SELECT predicted, actual, source, sum(n) AS n, sum(w) AS w, sum(w2) AS w2 FROM outcome \
         GROUP BY predicted, actual, source ORDER BY predicted, actual, source",
        "SELECT kind, outcome, reason, n FROM intake ORDER BY kind, outcome, reason",
        "SELECT name, n FROM ledger ORDER BY name",
        "SELECT nomenclature, code, level, ancestor, label FROM code ORDER BY nomenclature, code, level",
    ] {
        let of = |data| run(dir.path(), &["query", "--data", data, "--format", "csv", sql]).expect(0).out;
        let (sum, one) = (of("data"), of("whole"));
        assert!(one.lines().count() > 1, "{sql}");
        assert_eq!(sum, one, "{sql}");
    }
}

#[test]
fn several_workspaces_of_a_model_are_named_alike_whoever_came_first() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut lines = stream("a", 60);
    for (i, line) in lines.iter_mut().enumerate() {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        let of = event["prediction_id"].as_str().map_or(0, str::len);
        event["workspace"] = json!(if of.is_multiple_of(2) { "z-first" } else { "a-second" });
        event["n"] = json!(i);
        *line = event.to_string();
    }
    whole(dir.path(), &lines);
    all_partitions(&dir.path().join("data"), &lines, 3);
    same_json(&report(dir.path(), &["--data", "data"]), &report(dir.path(), &["--data", "whole"]), "workspaces");
}

#[test]
fn of_two_copies_the_one_that_is_further_along_counts() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 300);
    whole(dir.path(), &lines);
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    partition(&one, &lines, 0, 3);
    partition(&one, &lines, 1, 3);
    partition(&one, &lines[..lines.len() / 2], 2, 3);
    partition(&two, &lines[..lines.len() / 3], 1, 3);
    partition(&two, &lines, 2, 3);
    let expected = report(dir.path(), &["--data", "whole"]);
    for dirs in [["one", "two"], ["two", "one"]] {
        let args = ["--data", dirs[0], "--data", dirs[1], "--data", dirs[0]];
        same_json(&report(dir.path(), &args), &expected, "the copies that are further along");
    }
    let alone = ["report", "--json", "-", "--data", "two"];
    run(dir.path(), &alone).saying(2, &["of 3 partitions two holds no 0;", "--data"]);
}

#[test]
fn what_does_not_add_up_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 40);
    whole(dir.path(), &lines);
    let at = |name: &str| dir.path().join(name);
    all_partitions(&at("three"), &lines, 3);
    let sum = |dirs: &[&str], code, words: &[&str]| {
        let dirs = dirs.iter().flat_map(|d| ["--data", d]);
        let args: Vec<&str> = ["report", "--json", "-"].into_iter().chain(dirs).collect();
        run(dir.path(), &args).saying(code, words);
    };
    sum(&["three", "whole"], 2, &["whole holds the store of an embedded journal"]);
    sum(&["three", "nothing"], 2, &["nothing holds no vigie store"]);
    // the topic was given more partitions, and a replica does not know yet
    partition(&at("four"), &lines, 3, 4);
    sum(&["three", "four"], 2, &["of 3 partitions", "of 4 partitions", "does not add up"]);
    let other = partition(&at("other"), &lines, 0, 3);
    other.set_topology(&Topology { predictions: "else".to_owned(), ..topology(0, 3) }).expect("topology");
    drop(other);
    sum(&["three", "other"], 2, &["`else`", "does not add up"]);
    // a folder that was given another number
    std::fs::rename(at("three/partitions/0002"), at("three/partitions/0005")).expect("rename");
    sum(&["three"], 2, &["0005 holds partition 2 of"]);
    std::fs::rename(at("three/partitions/0005"), at("aside")).expect("rename");
    sum(&["three"], 2, &["of 3 partitions three holds no 2;"]);
    // a store that was only just made counts for nothing
    drop(Store::open(&at("three/partitions/0002")).expect("store"));
    sum(&["three"], 2, &["of 3 partitions three holds no 2;"]);
    std::fs::create_dir_all(at("empty/partitions")).expect("folder");
    sum(&["empty"], 2, &["holds no partition"]);
}

#[test]
fn partitions_decided_at_other_thresholds_are_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = dir.path().join("data");
    all_partitions(&data, &stream("a", 40), 2);
    let store = Store::open(&data.join("partitions/0001")).expect("store");
    let mut rules = store.adopted().expect("rules").expect("adopted");
    rules.thresholds = vec![(String::new(), Some(0.5))];
    assert!(store.adopt(&rules).expect("adopt"), "emptied");
    store.set_topology(&topology(1, 2)).expect("topology");
    drop(store);
    run(dir.path(), &["report", "--json", "-", "--data", "data"])
        .saying(2, &["partitions 0 and 1 were decided at different thresholds"]);
}

#[test]
fn a_store_tells_its_topology_and_position() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(dir.path()).expect("store");
    assert_eq!(store.topology().expect("readable"), None);
    assert_eq!(store.position().expect("readable"), Position::default());
    let lines = [prediction("p").to_string()];
    let store = partition(&dir.path().join("data"), &lines, 0, 1);
    assert_eq!(store.topology().expect("readable"), Some(topology(0, 1)));
    assert_eq!(store.position().expect("readable"), Position(vec![("journal".to_owned(), 1)]));
}
