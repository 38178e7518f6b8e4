//! Emerging activities through the product's own path: from events to the terms of an assessment.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use serde_json::{Value, json};
use vigie::{
    assess::{
        Day, FileFacts, Naming, ReferenceWish, Request, assess,
        assessment::{Alarm, AlarmKind, Assessment, Emerging},
        plan,
    },
    ingest::{Input, Policies},
    measure::terms::Kind,
    pipeline::{FilesRead, NomenclatureBook, Sources, tabulate_files},
};

use crate::harness::{request, write};

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn naming() -> Naming {
    let (mut policies, book) = (Policies::default(), NomenclatureBook::default());
    policies.default.threshold = Some(0.7);
    Naming { book, policies }
}

fn read(predictions: &Path, corrections: &Path) -> FilesRead {
    let sources = Sources {
        predictions: vec![Input::File(predictions.to_owned())],
        corrections: vec![Input::File(corrections.to_owned())],
        ..Sources::default()
    };
    let naming = naming();
    tabulate_files(&sources, &naming.policies, naming.book, &mut |_, _, _, _| {}).expect("the files are read")
}

/// Current days against the days of a reference.
fn compare(read: &FilesRead, current: [&str; 2], reference: [&str; 2]) -> Assessment {
    let request = Request {
        from: Some(day(current[0])),
        to: Some(day(current[1])),
        reference: Some(ReferenceWish::Days(day(reference[0]), day(reference[1]))),
        ..request()
    };
    let read = FilesRead { facts: read.facts.clone(), symbols: read.symbols.clone() };
    let facts = FileFacts::new(read, naming());
    let plan = plan(&facts, request).expect("a plan");
    let (engine, ledger) = facts.engine(&plan).expect("tables");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let now = "2026-11-23T08:00:00Z".to_owned();
    runtime.block_on(assess(&plan, &engine, &ledger, now)).expect("an assessment")
}

/// Codes that people mostly give to the texts of a term.
fn codes_of_people(found: &Emerging) -> Vec<&str> {
    found.terms.iter().filter_map(|term| Some(term.texts.actual.first()?.code.as_str())).collect()
}

/// The lines of a packed file up to a day, in a file of their own: reading them all is most of the time.
fn lines_before(dir: &Path, packed: &Path, end: &str) -> PathBuf {
    let name = packed.file_stem().expect("a name").to_owned();
    let lines =
        BufReader::new(MultiGzDecoder::new(BufReader::new(std::fs::File::open(packed).expect("a file")))).lines();
    let mut out = Vec::new();
    for line in lines {
        let line = line.expect("text");
        let at = line.split_once("\"predicted_at\":").map(|(_, rest)| rest.trim_start().trim_start_matches('"'));
        if at.is_none_or(|at| at < end) {
            writeln!(out, "{line}").expect("memory");
        }
    }
    write(dir, &name.to_string_lossy(), out)
}

#[test]
fn the_terms_of_codes_that_surge_are_named_and_none_before() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025");
    let Ok(expected) = std::fs::read(home.join("expected.json")) else {
        println!("skipped: {} is not here", home.display());
        return;
    };
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let emerging: BTreeSet<&str> = expected["scenario"]["emerging_codes"]
        .as_array()
        .expect("codes")
        .iter()
        .map(|code| code.as_str().expect("a code"))
        .collect();
    let dir = tempfile::tempdir().expect("temporary directory");
    let predictions = lines_before(dir.path(), &home.join("predictions.ndjson.gz"), "2026-07-22");
    let read = read(&predictions, &home.join("corrections.ndjson.gz"));

    let surge = ["2026-07-16", "2026-07-21"];
    let a = compare(&read, surge, ["2026-06-01", "2026-07-15"]);
    let found = &a.emerging;
    let codes = codes_of_people(found);
    let given = found.codes_given.iter().map(|code| code.code.as_str());
    assert!(given.clone().all(|code| emerging.contains(code)), "{:?}", found.codes_given);
    let named: BTreeSet<&str> = codes.iter().copied().chain(given).filter(|code| emerging.contains(code)).collect();
    println!("{} tests, {} terms, {} of 12 codes: {named:?}", found.tested, found.terms.len(), named.len());
    // five days after their surge
    assert_eq!(named, emerging);
    let others = codes.iter().filter(|code| !emerging.contains(*code)).count();
    assert!(others * 10 <= codes.len(), "{others} of {} are of no code that emerges", codes.len());
    assert!(!found.sampled && found.n_current > 1000 && found.n_reference > 10_000);
    let groups = found.clusters.iter().filter_map(|group| group.texts.actual.first());
    assert!(groups.filter(|code| emerging.contains(code.code.as_str())).count() >= 6);
    let grouped: u64 = found.clusters.iter().map(|group| group.n).sum();
    assert_eq!(grouped + found.rest, found.doubted);

    // the model does not know them: they ring among the codes that people give
    let given = a.alarms.raised.iter().filter(|alarm| alarm.kind == AlarmKind::ActualShare);
    let ringing: BTreeSet<&str> = given.map(|alarm| alarm.subject.as_str()).collect();
    assert!(ringing.iter().filter(|code| emerging.contains(*code)).count() >= 5, "{ringing:?}");
    assert!(ringing.iter().all(|code| emerging.contains(code)), "{ringing:?}");
    // what rings says why
    let explained = |alarm: &&Alarm| !alarm.evidence.terms.is_empty();
    assert!(a.alarms.raised.iter().filter(explained).count() >= 3, "{:?}", a.alarms.raised);

    let before = compare(&read, ["2026-07-11", "2026-07-15"], ["2026-06-01", "2026-07-10"]);
    assert!(before.emerging.tested > 1000);
    assert_eq!(before.emerging.terms, []);
    assert_eq!(before.emerging.codes_given, []);
    assert_eq!(before.alarms.raised, []);
}

/// A few hundred events a period, with a new activity in the second that the model codes wrongly and doubts.
fn small_stream(dir: &Path) -> [PathBuf; 2] {
    const USUAL: [&str; 4] = ["vente de pain", "coiffure à domicile", "travaux de peinture", "taxi"];
    let (mut predictions, mut corrections) = (String::new(), String::new());
    for i in 0..460 {
        let new = i >= 400;
        let (day, text) = if i < 200 { (1 + i % 10, USUAL[i % 4]) } else { (11 + i % 10, USUAL[i % 4]) };
        let (text, confidence) = if new { ("Réparation de VÉLOS cargo", 0.4) } else { (text, 0.9) };
        let prediction = json!({"prediction_id": format!("p{i}"), "model": "m", "model_version": "1", "nomenclature": "naf-rev2",
            "predicted_at": format!("2026-06-{day:02}T08:00:00Z"), "status": "ok", "latency_ms": 10, "text": text,
            "confidence": confidence, "candidates": [{"code": "9602A", "probability": confidence}]});
        predictions.push_str(&format!("{prediction}\n"));
        if i % 2 == 0 {
            // where they give a coarser code, the model is right as far as it goes
            let code = if new { "9529Z" } else { "9602" };
            let correction = json!({"correction_id": format!("c{i}"), "prediction_id": format!("p{i}"), "code": code,
                "corrected_at": "2026-06-25T08:00:00Z", "source": "gestionnaire", "inclusion_probability": 0.5});
            corrections.push_str(&format!("{correction}\n"));
        }
    }
    [("predictions.ndjson", predictions), ("corrections.ndjson", corrections)]
        .map(|(name, text)| write(dir, name, text))
}

#[test]
fn a_new_activity_is_found_with_its_codes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [predictions, corrections] = small_stream(dir.path());
    let a = compare(&read(&predictions, &corrections), ["2026-06-11", "2026-06-20"], ["2026-06-01", "2026-06-10"]);
    let found = &a.emerging;
    assert_eq!((found.n_reference, found.n_current, found.sampled), (200, 260, false));
    // no error in the reference, so that nothing can rise among errors
    let [term] = found.terms.as_slice() else { panic!("{found:?}") };
    assert_eq!((term.term.as_str(), term.kind), ("réparation de vélos cargo", Kind::Share));
    assert_eq!((term.rise.n_reference, term.rise.n_current, term.texts.labelled), (0, 60, 30));
    assert_eq!(term.texts.predicted[0].code, "9602A");
    assert_eq!(
        (term.texts.actual[0].code.as_str(), term.texts.actual[0].n, term.texts.actual[0].share),
        ("9529Z", 30, 1.0)
    );
    assert!(!term.texts.actual[0].label.is_empty());
    let [given] = found.codes_given.as_slice() else { panic!("{:?}", found.codes_given) };
    assert_eq!((given.code.as_str(), given.rise.n_reference, given.rise.n_current), ("9529Z", 0, 30));
    assert_eq!((given.texts.predicted[0].code.as_str(), given.rise.ratio.estimate), ("9602A", None));
    assert_eq!((found.doubted, found.rest, found.clusters.len()), (60, 0, 1));
    assert_eq!(found.clusters[0].share_doubted, 1.0);
    assert_eq!(found.clusters[0].texts.examples, ["Réparation de VÉLOS cargo"]);
}
