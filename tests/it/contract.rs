//! What the code accepts, the schemas allow; what the fixtures call bad, the code refuses.

use serde_json::Value;
use vigie::{
    event::{Correction, Kind, Prediction, Symbols},
    ingest::{Admission, FileFormat, Input, Policies, Row, each_row},
};

use crate::schema::Schema;

fn schema(kind: Kind) -> Schema {
    Schema::read(&format!("docs/contracts/{}.schema.json", kind.as_str()))
}

fn admission() -> Admission {
    Admission::new(Symbols::default(), Policies::default())
}

/// Accepted and refused lines of a stream; every accepted one must be valid.
fn judge(path: &str, kind: Kind) -> (u64, u64) {
    let schema = schema(kind);
    let mut admission = admission();
    let (mut accepted, mut refused) = (0, 0);
    each_row(&Input::File(path.into()), Some(kind), &FileFormat::default(), &mut |number, row| match admission
        .receive(&row, Some(kind))
        .admitted
    {
        Ok(_) => {
            accepted += 1;
            let value: Value = serde_json::from_slice(&row.to_json()).expect("accepted lines are JSON");
            assert_eq!(schema.errors(&value), Vec::<String>::new(), "{path}:{number}");
        }
        Err(reject) => {
            refused += 1;
            assert!(!reject.detail.is_empty(), "{path}:{number}");
        }
    })
    .expect(path);
    (accepted, refused)
}

fn expected(count: &str) -> u64 {
    let text = std::fs::read_to_string("fixtures/streams/expected.json").expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("expected.json");
    expected["counts"][count].as_u64().expect(count)
}

#[test]
fn accepted_predictions_are_valid() {
    let (accepted, refused) = judge("fixtures/streams/predictions.ndjson.zst", Kind::Prediction);
    assert_eq!(refused, expected("predictions_rejected") - expected("predictions_conflict"));
    assert_eq!(accepted + refused, expected("prediction_lines"));
}

#[test]
fn accepted_corrections_are_valid() {
    let (accepted, refused) = judge("fixtures/streams/corrections.ndjson.zst", Kind::Correction);
    assert_eq!(refused, expected("corrections_rejected") - expected("corrections_conflict"));
    assert_eq!(accepted + refused, expected("correction_lines"));
}

/// `sonic-rs` reads lines, `serde_json` writes them: both must agree with the schemas' own examples.
#[test]
fn examples_are_accepted() {
    for kind in [Kind::Prediction, Kind::Correction] {
        let schema = schema(kind);
        for example in schema.examples() {
            assert_eq!(schema.errors(example), Vec::<String>::new());
            let line = example.to_string();
            let received = admission().receive(&Row::Line(line.as_bytes()), None);
            assert_eq!(received.kind, Some(kind), "{line}");
            received.admitted.expect(&line);
        }
    }
}

#[test]
fn hostile_lines_end_as_expected() {
    let table = std::fs::read_to_string("fixtures/edge/hostile.expected.csv").expect("hostile.expected.csv");
    let lines = std::fs::read("fixtures/edge/hostile.ndjson").expect("hostile.ndjson");
    let lines: Vec<&[u8]> = lines.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    let expectations: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(lines.len(), expectations.len());
    let mut admission = admission();
    for (line, expectation) in lines.into_iter().zip(expectations) {
        let kind = if expectation.contains(",predictions,") { Kind::Prediction } else { Kind::Correction };
        match admission.receive(&Row::Line(line), Some(kind)).admitted {
            Ok(_) => {
                assert!(!expectation.ends_with(",no"), "accepted: {expectation}");
                let value: Value = serde_json::from_slice(line).expect(expectation);
                assert_eq!(schema(kind).errors(&value), Vec::<String>::new(), "{expectation}");
            }
            Err(reject) => {
                assert!(!expectation.ends_with(",yes"), "refused: {expectation}: {reject:?}");
                assert!(!reject.detail.is_empty(), "{expectation}");
            }
        }
    }
}

/// A line may be a megabyte of brackets, in a field that nobody knows or in place of one that is known.
#[test]
fn deep_lines_are_refused_and_wide_ones_are_not() {
    let line = |field: &str| {
        format!(
            r#"{{"prediction_id":"p","model":"m","model_version":"1","nomenclature":"n","predicted_at":"2026-06-01T08:00:00Z",
            "status":"ok","latency_ms":1,"candidates":[{{"code":"5610A","probability":0.9}}],"confidence":0.8,{field}}}"#
        )
    };
    let receive =
        |field: &str| admission().receive(&Row::Line(line(field).as_bytes()), Some(Kind::Prediction)).admitted;
    let (open, close) = ("[".repeat(500_000), "]".repeat(500_000));
    for field in [format!(r#""x":{open}{close}"#), format!(r#""x":{open}"#), format!(r#""text":{open}{close}"#)] {
        let reject = receive(&field).expect_err("deep");
        assert!(reject.detail.contains("more than 128 brackets"), "{reject:?}");
    }
    let wide = format!(r#""x":[{}[]],"text":"{}\\\"{open}""#, "[],".repeat(100_000), "\\\\".repeat(9));
    receive(&wide).expect("wide, and brackets in a text");
}

/// The journal and the dead letters keep events as JSON: nothing may be lost on the way.
#[test]
fn events_survive_being_written() {
    let p = r#"{"prediction_id":"p\"é","model":"m","model_version":"1","nomenclature":"n","predicted_at":
        "2026-06-01T10:00:00.123456789+02:00","status":"ok","latency_ms":null,"candidates":[{"code":"5610A","probability":0.9,
        "label":"l"},{"code":"1","probability":1e-9}],"confidence":1.0000000136,"text":"a\u0000b","attributes":{"z":null,
        "a":45,"b":true,"c":"x"},"route":"manual","batch_size":3,"workspace":"w"}"#;
    let bare = r#"{"prediction_id":"p","model":"m","model_version":"1","nomenclature":"n",
        "predicted_at":"2026-06-01T08:00:00Z","status":"error","latency_ms":0}"#;
    let c = r#"{"correction_id":"c","prediction_id":"p","code":null,"corrected_at":"2026-06-02T08:00:00.5Z","source":"audit"}"#;
    for line in [p, bare] {
        let read: Prediction<'_> = sonic_rs::from_str(line).expect(line);
        let row = Row::Prediction(read.clone());
        let written = row.to_json();
        let again: Prediction<'_> = sonic_rs::from_slice(&written).expect(line);
        assert_eq!(read, again);
        let admit = |p: &Prediction<'_>| admission().prediction(p).expect(line);
        assert_eq!(admit(&read), admit(&again));
    }
    let read: Correction<'_> = sonic_rs::from_str(c).expect(c);
    let row = Row::Correction(read.clone());
    let written = row.to_json();
    assert_eq!(read, sonic_rs::from_slice(&written).expect(c));
    let text = std::str::from_utf8(&written).expect("UTF-8");
    assert!(text.contains(r#""code":null"#) && text.contains(r#""corrected_at":"2026-06-02T08:00:00.5Z""#), "{text}");
    assert!(!text.contains("retracted") && !text.contains("annotator"), "{text}");
}
