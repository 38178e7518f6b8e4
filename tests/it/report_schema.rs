//! `docs/report.schema.json` against what a report really writes: a full one, and one of an empty period.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use vigie::{
    assess::{FileFacts, NamedCrosswalk, Naming, Request, assess, assessment::DetectorName, plan},
    ingest::{Input, Policies},
    nomenclature::crosswalk::Crosswalk,
    pipeline::{NomenclatureBook, Sources, tabulate_files},
    report,
};

use crate::{
    drift::two_nomenclatures,
    harness::{fixture_lines, request, text, write},
    schema::Schema,
};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");

fn stream(name: &str) -> Vec<Input> {
    vec![Input::File(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/streams").join(name))]
}

/// The JSON twin of a report on these files, as `vigie report --json` writes it.
pub fn twin(sources: &Sources) -> Value {
    twin_of(sources, Vec::new())
}

fn twin_of(sources: &Sources, crosswalks: Vec<NamedCrosswalk>) -> Value {
    let (mut policies, book) = (Policies::default(), NomenclatureBook::default());
    policies.default.threshold = Some(0.7);
    policies.default.annotators = true;
    let read = tabulate_files(sources, &policies, book.clone(), &mut |_, _, _, _| {}).expect("the files are read");
    let request = Request { detectors: DetectorName::ALL.to_vec(), crosswalks, ..request() };
    let facts = FileFacts::new(read, Naming { book, policies });
    let plan = plan(&facts, request).expect("a plan");
    let (engine, ledger) = facts.engine(&plan).expect("tables");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let now = "2026-11-23T08:00:00Z".to_owned();
    let assessment = runtime.block_on(assess(&plan, &engine, &ledger, now)).expect("an assessment");
    serde_json::from_str(&report::json(&assessment)).expect("JSON")
}

/// The sample stream, and second opinions on some of its predictions.
fn full() -> Value {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = fixture_lines("streams/corrections.ndjson.zst");
    let corrections = lines.iter().filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let opinions = corrections.filter(|c| c["annotator"].is_string() && c["code"].is_string()).take(300).enumerate();
    let second: Vec<String> = opinions
        .map(|(i, mut c)| {
            c["correction_id"] = json!(format!("second-{i}"));
            c["annotator"] = json!("another");
            c["revision"] = json!(1);
            if i % 10 == 0 {
                c["code"] = json!("5610A");
            }
            c.to_string()
        })
        .collect();
    let second = write(dir.path(), "second.ndjson", text(&second));
    let mut corrections = stream("corrections.ndjson.zst");
    corrections.push(Input::File(second));
    twin(&Sources { predictions: stream("predictions.ndjson.zst"), corrections, ..Sources::default() })
}

/// A reference in one nomenclature, a period in the next.
fn crossed() -> Value {
    let dir = tempfile::tempdir().expect("temporary directory");
    let events = crate::harness::write(dir.path(), "events.ndjson", two_nomenclatures().join("\n"));
    let walk = Arc::new(Crosswalk::from_csv("old;new\n5610A;5611Y\n6201Z;6210Y\n").expect("a crosswalk"));
    let sources = Sources { events: vec![Input::File(events)], ..Sources::default() };
    twin_of(&sources, vec![NamedCrosswalk { names: None, walk }])
}

/// Walks a value along its schema: notes keys that the schema does not list, and the listed ones that it meets.
struct Walk<'s> {
    root: &'s Value,
    unlisted: Vec<String>,
    met: BTreeSet<String>,
}

impl<'s> Walk<'s> {
    fn new(root: &'s Value) -> Self {
        Walk { root, unlisted: Vec::new(), met: BTreeSet::new() }
    }

    fn target(&self, schema: &'s Value) -> &'s Value {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        pointer.map_or(schema, |p| self.root.pointer(p).expect("the target of a reference"))
    }

    fn value(&mut self, schema: &'s Value, value: &Value, at: &str) {
        let schema = self.target(schema);
        for (name, inner) in value.as_object().into_iter().flatten() {
            let path = format!("{at}.{name}");
            match schema["properties"].get(name) {
                Some(of) => {
                    self.value(of, inner, &path);
                    self.met.insert(path);
                }
                None => self.unlisted.push(path),
            }
        }
        for item in value.as_array().into_iter().flatten() {
            self.value(&schema["items"], item, &format!("{at}[]"));
        }
    }

    /// Every property that the schema lists, and whether its object is closed and requires all it lists.
    fn listed(&self, schema: &'s Value, at: &str, all: &mut BTreeSet<String>, loose: &mut Vec<String>) {
        let schema = self.target(schema);
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array().map_or(0, Vec::len);
            if schema["additionalProperties"] != json!(false) || required != properties.len() {
                loose.push(at.to_owned());
            }
            for (name, of) in properties {
                let path = format!("{at}.{name}");
                self.listed(of, &path, all, loose);
                all.insert(path);
            }
        }
        if let Some(items) = schema.get("items") {
            self.listed(items, &format!("{at}[]"), all, loose);
        }
    }
}

fn root() -> Value {
    serde_json::from_str(&std::fs::read_to_string(SCHEMA).expect("the schema")).expect("JSON")
}

/// Everything that is wrong with a twin.
fn faults(twin: &Value) -> Vec<String> {
    let root = root();
    let mut walk = Walk::new(&root);
    walk.value(&root, twin, "$");
    if walk.unlisted.is_empty() { Schema::read(SCHEMA).errors(twin) } else { walk.unlisted }
}

#[test]
fn a_full_report_is_as_its_schema_says() {
    let twin = full();
    assert_eq!(faults(&twin), Vec::<String>::new());

    // the other way round: the schema lists nothing that a full report does not have, and leaves nothing open
    let root = root();
    let mut walk = Walk::new(&root);
    walk.value(&root, &twin, "$");
    let crossed = crossed();
    assert_eq!(faults(&crossed), Vec::<String>::new());
    walk.value(&root, &crossed, "$");
    let (mut listed, mut loose) = (BTreeSet::new(), Vec::new());
    walk.listed(&root, "$", &mut listed, &mut loose);
    assert!(listed.len() > 100, "only {} properties found", listed.len());
    assert_eq!(listed, walk.met);
    assert_eq!(loose, Vec::<String>::new(), "objects that are open or do not require all they list");
}

#[test]
fn a_report_without_rows_is_as_its_schema_says() {
    let twin = twin(&Sources::default());
    assert_eq!(twin["traffic"]["predictions"], 0);
    assert_eq!(twin["traffic"]["automation_rate"], Value::Null);
    assert_eq!(faults(&twin), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_no_report_says() {
    let twin = twin(&Sources::default());
    for (pointer, wrong) in [
        ("/schema_version", json!(2)),
        ("/scope/generated_at", json!("yesterday")),
        ("/scope/reference", json!({"period": null})),
        ("/counts/predictions", json!(-1)),
        ("/traffic/automation_rate", json!(1.5)),
        ("/latency/p99.9", json!("12 ms")),
        ("/intake", json!([{"kind": "prediction", "outcome": "lost", "reason": "", "n": 1}])),
        ("/warnings", json!([{"code": "no_labels", "subject": "", "n": 0, "more": 1}])),
    ] {
        let mut changed = twin.clone();
        *changed.pointer_mut(pointer).expect("a place") = wrong;
        assert!(!faults(&changed).is_empty(), "{pointer}");
    }
}
