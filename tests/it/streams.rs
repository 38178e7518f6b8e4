//! Whole streams: every count as a program of its own counted it, every interval around the truth, and the same
//! assessment whichever way the events came in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Array, Float64Builder, Int32Array, ListBuilder, RecordBatch, StringArray,
        StringBuilder, StructBuilder, TimestampNanosecondArray,
    },
    datatypes::{DataType, Field},
};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use vigie::{
    assess::{FactSource, FileFacts, Naming, Plan, Request, StoreFacts, assess, assessment::Assessment, plan},
    event::{Kind, Symbols},
    fact::Ledger,
    ingest::{Admission, Input, Journal, Policies, Policy, Row},
    pipeline::{Consumer, NomenclatureBook, Sources, tabulate_files},
    query::Engine,
    store::Store,
};

use crate::harness::{self, fixture, fixture_lines, same_json, text, write};

const THRESHOLD: f64 = 0.7;

fn naming() -> Naming {
    let default = Policy { threshold: Some(THRESHOLD), ..Policy::default() };
    Naming { book: NomenclatureBook::default(), policies: Policies { default, models: Vec::new() } }
}

fn request() -> Request {
    Request {
        time_zone: jiff::tz::TimeZone::get("Europe/Paris").expect("a zone"),
        time_zone_name: "Europe/Paris".to_owned(),
        ..harness::request()
    }
}

fn planned(source: &dyn FactSource) -> Plan {
    plan(source, request()).expect("a plan")
}

fn assessed(plan: &Plan, (engine, ledger): &(Engine, Ledger)) -> Assessment {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(assess(plan, engine, ledger, "2026-11-23T00:00:00Z".to_owned())).expect("an assessment")
}

/// Attributes of the sample stream, in the order of its events.
const ATTRIBUTES: [&str; 3] = ["type_form", "nature", "surface"];

fn of_files(predictions: &Path, corrections: &Path) -> Assessment {
    let mut sources = Sources {
        predictions: vec![Input::File(predictions.to_owned())],
        corrections: vec![Input::File(corrections.to_owned())],
        ..Sources::default()
    };
    // of files with columns
    sources.predictions_format.columns.attributes = ATTRIBUTES.map(str::to_owned).into();
    let naming = naming();
    let read = tabulate_files(&sources, &naming.policies, naming.book.clone(), &mut |_, _, _, _| {});
    let facts = FileFacts::new(read.expect("files can be read"), naming);
    let plan = planned(&facts);
    let asked = facts.engine(&plan).expect("an engine");
    assessed(&plan, &asked)
}

fn json(a: &Assessment) -> Value {
    serde_json::to_value(a).expect("JSON")
}

fn expected(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("expected.json")).expect("JSON")
}

/// Counts that `expected.json` and the report both name.
fn check_counts(a: &Assessment, expected: &Value) {
    let c = &a.counts;
    let found = [
        ("prediction_lines", c.predictions_received),
        ("predictions", c.predictions),
        ("errors", c.errors),
        ("predictions_rejected", c.predictions_rejected),
        ("predictions_duplicate", c.predictions_duplicate),
        ("correction_lines", c.corrections_received),
        ("corrections", c.corrections),
        ("corrections_duplicate", c.corrections_duplicate),
        ("corrections_superseded", c.corrections_superseded),
        ("corrections_rejected", c.corrections_rejected),
        ("labelled", c.labelled),
        ("uncodable", c.uncodable),
        ("retracted", c.retracted),
        ("orphans", c.orphans),
        ("confidence_clipped", a.traffic.clipped),
    ];
    let conflicts =
        |kind: &str| a.intake.iter().filter(|i| i.kind == kind && i.reason == "conflict").map(|i| i.n).sum::<u64>();
    let conflicts =
        [("predictions_conflict", conflicts("prediction")), ("corrections_conflict", conflicts("correction"))];
    for (name, n) in found.into_iter().chain(conflicts) {
        if let Some(wanted) = expected["counts"][name].as_u64() {
            assert_eq!(n, wanted, "{name}");
        }
    }
    if let Some(auto) = expected["counts"]["auto"].as_u64() {
        // of two bodies at one instant the product keeps the smaller hash, the other program the first: each such pair
        // may be on either side of the threshold
        let conflicts = expected["counts"]["predictions_conflict"].as_u64().unwrap_or(0);
        assert!(a.traffic.auto.abs_diff(auto) <= conflicts, "auto: {} where {auto} is expected", a.traffic.auto);
    }
    let received = c.predictions_received + c.corrections_received;
    assert_eq!(a.intake.iter().map(|i| i.n).sum::<u64>(), received, "every line is accounted for once");
}

/// Point, n and naive share as the independent program found them, and the truth inside the interval.
fn check_accuracy(a: &Assessment, expected: &Value, truth: impl Fn(&str) -> f64) {
    let deepest = a.scope.nomenclature.levels.len() as u32;
    for (part, wanted) in expected["accuracy"].as_object().expect("accuracy") {
        let found = match part.strip_prefix("version ") {
            Some(version) => {
                let row = a.accuracy.by_version.iter().find(|v| v.version == version && v.level == deepest);
                row.expect(part).accuracy
            }
            None => {
                let row = a.accuracy.overall.iter().find(|o| &o.route == part && o.level == deepest && o.k == 1);
                row.expect(part).accuracy
            }
        };
        let near = |found: Option<f64>, field: &str| {
            let (found, wanted) = (found.expect(part), wanted[field].as_f64().expect(field));
            assert!((found - wanted).abs() < 1e-6, "{part} {field}: {found} where {wanted} is expected");
        };
        near(found.estimate.estimate, "hajek");
        near(found.naive, "naive");
        assert_eq!(Some(found.n), wanted["n"].as_u64(), "{part}");
        let (lower, upper) = (found.estimate.lower.expect(part), found.estimate.upper.expect(part));
        let truth = truth(part);
        let version = part.strip_prefix("version ");
        let route = if version.is_some() { "all" } else { part };
        let assisted = a.accuracy.assisted.iter().find(|r| r.version.as_deref() == version && r.route == route);
        let assisted = assisted.expect(part).assisted;
        assert_eq!(assisted.n, found.n, "{part}: the same labels");
        let bounds = (assisted.estimate.lower.expect(part), assisted.estimate.upper.expect(part));
        assert!(bounds.0 <= truth && truth <= bounds.1, "{part}: {truth} is not in the assisted {bounds:?}");
        if part == "all" {
            let ratio = (bounds.1 - bounds.0) / (upper - lower);
            assert!(ratio < 0.85, "the confidence of all predictions makes it narrower: {ratio}");
        }
        assert!(lower <= truth && truth <= upper, "{part}: {truth} is not in [{lower}, {upper}]");
        // no wider than it needs to be: the textbook interval is about as wide
        let textbook = wanted["upper"].as_f64().expect("upper") - wanted["lower"].as_f64().expect("lower");
        assert!((0.8..1.25).contains(&((upper - lower) / textbook)), "{part}: {lower} to {upper}, textbook {textbook}");
    }
}

fn emerging_codes_carry_the_drift(a: &Assessment, expected: &Value) {
    for code in expected["scenario"]["emerging_codes"].as_array().expect("codes") {
        let found = a.drift.codes.iter().find(|c| c.code == *code);
        let found = found.unwrap_or_else(|| panic!("{code} is not among the codes of drift"));
        assert!(found.drift.q_value < 0.05, "{code}: q = {}", found.drift.q_value);
        assert!(found.n_current > found.n_reference, "{code}");
    }
}

fn streams() -> (PathBuf, PathBuf) {
    (fixture("streams/predictions.ndjson.zst"), fixture("streams/corrections.ndjson.zst"))
}

#[test]
fn the_sample_stream_is_counted_exactly_and_its_truth_is_covered() {
    let (predictions, corrections) = streams();
    let (a, expected) = (of_files(&predictions, &corrections), expected(&fixture("streams/expected.json")));
    check_counts(&a, &expected);
    check_accuracy(&a, &expected, |part| expected["truth"][part]["accuracy"].as_f64().expect("truth"));
    emerging_codes_carry_the_drift(&a, &expected);
    let drift = a.drift.label.last().expect("drift at the deepest level");
    assert!(drift.drift.chi2.p_value < 0.01, "{drift:?}");
    assert_eq!(a.scope.versions, ["1.0.0", "1.1.0"]);
}

#[test]
fn the_users_stream_too_where_it_is() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025");
    if !dir.join("expected.json").is_file() {
        println!("skipped: {} is not here", dir.display());
        return;
    }
    let a = of_files(&dir.join("predictions.ndjson.gz"), &dir.join("corrections.ndjson.gz"));
    let expected = expected(&dir.join("expected.json"));
    check_counts(&a, &expected);
    check_accuracy(&a, &expected, |part| expected["accuracy"][part]["truth"].as_f64().expect("truth"));
    emerging_codes_carry_the_drift(&a, &expected);
}

#[test]
fn journal_and_store_give_the_assessment_of_the_files() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = Journal::open(&dir.path().join("journal")).expect("journal");
    let store = Store::open(&dir.path().join("store")).expect("store");
    let naming = naming();
    let resume = || {
        let naming = naming.clone();
        Consumer::resume(journal.clone(), store.clone(), naming.policies, naming.book).expect("consumer")
    };
    let mut consumer = resume();
    // corrections first: all wait for their predictions; and a new consumer now and then
    let streams = [(Kind::Correction, "corrections"), (Kind::Prediction, "predictions")];
    for (kind, name) in streams {
        for (i, chunk) in fixture_lines(&format!("streams/{name}.ndjson.zst")).chunks(7001).enumerate() {
            journal.append(Some(kind), &text(chunk)).expect("append");
            journal.sync().expect("sync");
            consumer.step().expect("step");
            if i % 2 == 1 {
                consumer = resume();
            }
        }
    }
    while consumer.step().expect("step").taken > 0 {}
    assert_eq!(consumer.lag(), 0);
    let facts = StoreFacts::new(store, naming.clone()).expect("facts");
    let plan = planned(&facts);
    let stored = assessed(&plan, &facts.engine(&plan).expect("an engine"));
    let (predictions, corrections) = self::streams();
    same_json(&json(&stored), &json(&of_files(&predictions, &corrections)), "store");
}

/// Good events of the sample stream, each id once.
fn clean(name: &str, id: &str, n: usize) -> Vec<Value> {
    let mut admission = Admission::new(Symbols::default(), Policies::default());
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = Vec::new();
    for line in fixture_lines(&format!("streams/{name}.ndjson.zst")) {
        if admission.receive(&Row::Line(&line), None).admitted.is_ok() {
            let event: Value = serde_json::from_slice(&line).expect("JSON");
            if event["status"] != "error" && seen.insert(event[id].to_string()) {
                kept.push(event);
            }
        }
    }
    kept.truncate(n);
    kept
}

fn strings(events: &[Value], field: &str) -> ArrayRef {
    Arc::new(events.iter().map(|e| e[field].as_str()).collect::<StringArray>())
}

/// A plain value as a cell of a table has it.
fn plain(value: &Value) -> Option<String> {
    if let Value::String(text) = value { Some(text.clone()) } else { (!value.is_null()).then(|| value.to_string()) }
}

fn attributes(events: &[Value], name: &str) -> ArrayRef {
    Arc::new(events.iter().map(|e| plain(&e["attributes"][name])).collect::<StringArray>())
}

fn numbers(events: &[Value], field: &str) -> ArrayRef {
    Arc::new(events.iter().map(|e| e[field].as_f64()).collect::<Float64Array>())
}

fn times(events: &[Value], field: &str) -> ArrayRef {
    let nanos = events.iter().map(|e| {
        let time: jiff::Timestamp = e[field].as_str()?.parse().ok()?;
        i64::try_from(time.as_nanosecond()).ok()
    });
    Arc::new(nanos.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
}

fn candidates(events: &[Value]) -> ArrayRef {
    let fields = vec![Field::new("code", DataType::Utf8, true), Field::new("probability", DataType::Float64, true)];
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for e in events {
        for c in e["candidates"].as_array().expect("candidates") {
            let item = lists.values();
            item.field_builder::<StringBuilder>(0).expect("code").append_option(c["code"].as_str());
            item.field_builder::<Float64Builder>(1).expect("probability").append_option(c["probability"].as_f64());
            item.append(true);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).expect("batch");
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).expect("a file"), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
}

fn csv(path: &Path, events: &[Value], fields: &[&str]) {
    let mut out = [fields, &ATTRIBUTES[..]].concat().join(",")
        + ",code_1,probability_1,code_2,probability_2,code_3,probability_3\n";
    let cell = |v: &Value| match v {
        Value::Null => String::new(),
        Value::String(s) => format!("\"{}\"", s.replace('"', "\"\"")),
        other => other.to_string(),
    };
    for e in events {
        let own = fields.iter().map(|f| cell(&e[*f])).chain(ATTRIBUTES.map(|name| cell(&e["attributes"][name])));
        let pairs = (0..3).flat_map(|i| [cell(&e["candidates"][i]["code"]), cell(&e["candidates"][i]["probability"])]);
        out += &own.chain(pairs).collect::<Vec<_>>().join(",");
        out.push('\n');
    }
    std::fs::write(path, out).expect("write");
}

#[test]
fn parquet_and_csv_say_what_json_says() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| dir.path().join(name);
    let mut predictions = clean("predictions", "prediction_id", 3000);
    for p in &mut predictions {
        // three candidates are what the CSV has room for
        p["candidates"].as_array_mut().expect("candidates").truncate(3);
    }
    let corrections = clean("corrections", "correction_id", 900);
    let lines = |events: &[Value]| text(&events.iter().map(Value::to_string).collect::<Vec<_>>());
    let json_files =
        (write(dir.path(), "p.ndjson", lines(&predictions)), write(dir.path(), "c.ndjson", lines(&corrections)));
    let p = &predictions;
    let mut columns: Vec<(&str, ArrayRef)> =
        ["prediction_id", "model", "model_version", "nomenclature", "status", "text"]
            .map(|f| (f, strings(p, f)))
            .into();
    columns.extend(["latency_ms", "confidence"].map(|f| (f, numbers(p, f))));
    columns.extend(ATTRIBUTES.map(|name| (name, attributes(p, name))));
    columns.push(("predicted_at", times(p, "predicted_at")));
    columns.push(("candidates", candidates(p)));
    parquet(&at("p.parquet"), columns);
    let c = &corrections;
    let mut columns: Vec<(&str, ArrayRef)> =
        ["correction_id", "prediction_id", "code", "source", "annotator"].map(|f| (f, strings(c, f))).into();
    columns.push(("corrected_at", times(c, "corrected_at")));
    columns.push(("inclusion_probability", numbers(c, "inclusion_probability")));
    columns.push((
        "revision",
        Arc::new(c.iter().map(|e| e["revision"].as_i64().map(|n| n as i32)).collect::<Int32Array>()),
    ));
    columns.push(("retracted", Arc::new(c.iter().map(|e| e["retracted"].as_bool()).collect::<BooleanArray>())));
    parquet(&at("c.parquet"), columns);
    let fields = [
        "prediction_id",
        "model",
        "model_version",
        "nomenclature",
        "predicted_at",
        "status",
        "latency_ms",
        "confidence",
        "text",
    ];
    csv(&at("p.csv"), p, &fields);

    let plain = of_files(&json_files.0, &json_files.1);
    assert_eq!(plain.counts.predictions, 3000);
    assert!(plain.counts.labelled > 500, "{:?}", plain.counts);
    assert!(plain.drift.attributes.len() >= 2, "{:?}", plain.drift.attributes);
    same_json(&json(&of_files(&at("p.parquet"), &at("c.parquet"))), &json(&plain), "Parquet");
    same_json(&json(&of_files(&at("p.csv"), &json_files.1)), &json(&plain), "CSV");
}

#[test]
fn labels_of_one_route_say_nothing_of_both() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (mut predictions, mut corrections) = (String::new(), String::new());
    for i in 0..200 {
        let confidence = if i % 2 == 0 { 0.9 } else { 0.3 };
        let prediction = serde_json::json!({"prediction_id": format!("p{i}"), "model": "m", "model_version": "1", "nomenclature": "naf-rev2",
            "predicted_at": "2026-06-01T08:00:00Z", "status": "ok", "latency_ms": 10, "confidence": confidence,
            "candidates": [{"code": "5610A", "probability": confidence}]});
        predictions.push_str(&format!("{prediction}\n"));
        if i % 2 == 1 {
            let correction = serde_json::json!({"correction_id": format!("c{i}"), "prediction_id": format!("p{i}"), "code": "5610A",
                "corrected_at": "2026-06-02T08:00:00Z", "source": "gestionnaire", "inclusion_probability": 1.0});
            corrections.push_str(&format!("{correction}\n"));
        }
    }
    let [predictions, corrections] = [("predictions.ndjson", predictions), ("corrections.ndjson", corrections)]
        .map(|(name, lines)| write(dir.path(), name, lines));
    let a = of_files(&predictions, &corrections);
    let all = a.accuracy.overall.iter().find(|o| o.route == "all" && o.k == 1).expect("a row").accuracy;
    assert_eq!((all.estimate.estimate, all.n), (None, 100), "the manual figure is not put in its place");
    let manual = a.accuracy.overall.iter().find(|o| o.route == "manual" && o.k == 1).expect("a row").accuracy;
    assert_eq!(manual.estimate.estimate, Some(1.0));
    assert!(a.accuracy.by_version.iter().all(|v| v.accuracy.estimate.estimate.is_none()));
    assert!(a.accuracy.assisted.iter().find(|r| r.route == "all").expect("a row").assisted.estimate.estimate.is_none());
    assert_eq!(a.threshold_curve.lowest_safe, None);
}
