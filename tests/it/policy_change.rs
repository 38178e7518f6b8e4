//! What facts depend on besides the events (review rates, nomenclatures, thresholds) may change between two starts.
//! Then the store must be rebuilt or refused: to take back under the new rules what was added under the old ones leaves
//! facts that no recomputation gives.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Canonical, correction, prediction, run, text, write};

/// A labelled prediction under the first configuration, then its revision under the second.
fn two_starts(dir: &Path, first: &str, second: &str) {
    let mut p = prediction("p");
    p.as_object_mut().expect("an object").remove("route");
    let mut c = correction("c", "p", "5610C");
    c.as_object_mut().expect("an object").remove("inclusion_probability");
    let mut revised: Value = c.clone();
    revised["revision"] = json!(2);
    revised["code"] = json!("5610A");
    write(dir, "one.ndjson", text(&[p.to_string(), c.to_string()]));
    write(dir, "two.ndjson", text(&[revised.to_string()]));
    let (one, two) = (write(dir, "one.toml", first), write(dir, "two.toml", second));
    let (one, two) = (one.display().to_string(), two.display().to_string());
    run(dir, &["ingest", "--config", &one, "--data", "data", "--events", "one.ndjson"]).expect(0);
    let again = run(dir, &["ingest", "--config", &two, "--data", "data", "--events", "two.ndjson"]);
    if again.code == Some(2) {
        assert!(again.err.contains("rebuil"), "refused, but not saying what to do: {}", again.err);
        return;
    }
    run(dir, &["ingest", "--config", &two, "--data", "clean", "--events", "one.ndjson", "two.ndjson"]).expect(0);
    let (found, clean) = (Canonical::of_data(&dir.join("data")), Canonical::of_data(&dir.join("clean")));
    assert_eq!(found, clean, "facts of two configurations are mixed");
}

#[test]
fn other_review_rates() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = |rate: f64| format!("[models.default]\nthreshold = 0.5\nreview_rates = {{ auto = {rate} }}\n");
    two_starts(dir.path(), &config(0.5), &config(0.25));
}

#[test]
fn another_nomenclature() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "own.csv", "code,label,parent\nX,all,\n5610A,a,X\n5610C,c,X\n");
    let own = "[nomenclatures]\n\"own\" = \"own.csv\"\n[models.default]\nnomenclature = \"own\"\n";
    two_starts(dir.path(), "", own);
}

#[test]
fn another_threshold() {
    let dir = tempfile::tempdir().expect("temporary directory");
    two_starts(dir.path(), "[models.default]\nthreshold = 0.5\n", "[models.default]\nthreshold = 0.95\n");
}

#[test]
fn a_report_does_not_claim_a_threshold_that_decided_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut p = prediction("p");
    p.as_object_mut().expect("an object").remove("route");
    write(dir.path(), "events.ndjson", text(&[p.to_string()]));
    run(dir.path(), &["ingest", "--data", "data", "--threshold", "0.5", "--events", "events.ndjson"]).expect(0);
    let done = run(dir.path(), &["report", "--data", "data", "--json", "-", "--threshold", "0.95"]);
    if done.code == Some(0) {
        let a = done.json();
        let said = a["scope"]["threshold"].as_f64();
        assert!(
            said != Some(0.95) || a["traffic"]["auto"] == 0,
            "threshold {said:?}, yet auto: {}",
            a["traffic"]["auto"]
        );
    }
}

#[test]
fn a_check_under_another_configuration_says_so_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "events.ndjson", text(&[prediction("p").to_string()]));
    run(dir.path(), &["ingest", "--data", "data", "--threshold", "0.5", "--events", "events.ndjson"]).expect(0);
    let before = Canonical::of_data(&dir.path().join("data"));
    let done = run(dir.path(), &["check", "--data", "data"]);
    assert_eq!(done.code, Some(1), "{}", done.out);
    assert!(done.out.contains("made under other thresholds"), "{}", done.out);
    assert_eq!(Canonical::of_data(&dir.path().join("data")), before);
}
