//! Files in other people's shapes: a French spreadsheet, and the logs of INSEE's API.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::DataType,
};
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use vigie::{
    csv::Dialect,
    event::{Kind, Prediction, Reason, Scalar, Symbols},
    ingest::{Admission, Columns, FileError, FileFormat, Input, InputFormat, Policies, Row, each_row},
};

fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn spreadsheet(names: &[(&str, &str)]) -> FileFormat {
    FileFormat {
        dialect: Dialect { decimal_comma: true, ..Dialect::default() },
        columns: Columns { names: pairs(names), uncodable: vec!["XXXXX".to_owned()], ..Columns::default() },
        time_zone: Some(TimeZone::UTC),
        ..FileFormat::default()
    }
}

fn predictions() -> FileFormat {
    spreadsheet(&[
        ("prediction_id", "identifiant"),
        ("predicted_at", "date_prediction"),
        ("model", "modele"),
        ("model_version", "version"),
        ("probability_1", "proba_1"),
        ("probability_2", "proba_2"),
        ("confidence", "indice_confiance"),
        ("text", "libelle"),
        ("latency_ms", "duree_ms"),
    ])
}

fn insee() -> FileFormat {
    let constants = pairs(&[("model", "codif-ape"), ("nomenclature", "naf-rev2"), ("model_version", "fasttext-3")]);
    FileFormat {
        format: InputFormat::Insee,
        columns: Columns { constants, ..Columns::default() },
        time_zone: TimeZone::get("Europe/Paris").ok(),
        ..FileFormat::default()
    }
}

fn read(path: &str, kind: Kind, format: &FileFormat, mut each: impl FnMut(u64, &Row<'_>)) -> Result<(), FileError> {
    each_row(&Input::File(path.into()), Some(kind), format, &mut |n, row| each(n, &row))
}

/// (line, reason, detail) of refused rows, by the adapter or by admission, and the number of the others.
fn refused(path: &str, kind: Kind, format: &FileFormat) -> (usize, Vec<(u64, Reason, String)>) {
    let mut admission = Admission::new(Symbols::default(), Policies::default());
    let (mut accepted, mut refused) = (0, Vec::new());
    read(path, kind, format, |n, row| match admission.receive(row, Some(kind)).admitted {
        Ok(_) => accepted += 1,
        Err(reject) => refused.push((n, reject.reason, reject.detail)),
    })
    .expect(path);
    (accepted, refused)
}

fn prediction(path: &str, format: &FileFormat, line: u64, check: impl Fn(&Prediction<'_>)) {
    let mut seen = false;
    read(path, Kind::Prediction, format, |n, row| {
        if let (true, Row::Prediction(p)) = (n == line, row) {
            seen = true;
            check(p);
        }
    })
    .expect(path);
    assert!(seen, "{path}:{line} is no prediction");
}

#[test]
fn a_french_spreadsheet_is_read_whole() {
    let path = "fixtures/edge/predictions.csv";
    let mut format = predictions();
    format.columns.constants = pairs(&[("nomenclature", "naf-rev2")]);
    assert_eq!(refused(path, Kind::Prediction, &format), (50, Vec::new()));
    prediction(path, &format, 2, |p| {
        assert_eq!(p.predicted_at.to_string(), "2026-06-01T09:00:11Z");
        assert_eq!((p.candidates[0].code.as_str(), p.candidates[0].probability), ("0121Z", 0.9992));
        assert_eq!((p.confidence, p.latency_ms), (Some(0.9992), Some(13.65)));
    });
    let text = |line, expected: Option<&str>| {
        prediction(path, &format, line, |p| assert_eq!(p.text.as_ref().map(|t| t.as_str()), expected));
    };
    text(4, Some("Menuiserie \"haut de gamme\" ; pose de parquet"));
    text(5, Some("Cœur de métier : élevage d'agneaux – prix en €"));
    text(7, None);
    prediction(path, &format, 6, |p| assert_eq!(p.latency_ms, Some(1234.56)));
    prediction(path, &format, 11, |p| assert_eq!(p.predicted_at.to_string(), "2026-06-05T08:14:47Z"));
    // the same clock, an hour or two east
    format.time_zone = TimeZone::get("Europe/Paris").ok();
    prediction(path, &format, 2, |p| assert_eq!(p.predicted_at.to_string(), "2026-06-01T07:00:11Z"));
}

#[test]
fn corrections_of_a_spreadsheet_know_what_cannot_be_coded() {
    let format = spreadsheet(&[
        ("correction_id", "identifiant_correction"),
        ("prediction_id", "identifiant"),
        ("code", "code_corrige"),
        ("corrected_at", "date_correction"),
        ("inclusion_probability", "proba_inclusion"),
    ]);
    let path = "fixtures/edge/corrections.csv";
    let (accepted, bad) = refused(path, Kind::Correction, &format);
    assert_eq!(bad, Vec::new());
    assert!(accepted > 25, "{accepted}");
    let mut codes = Vec::new();
    read(path, Kind::Correction, &format, |_, row| {
        if let Row::Correction(c) = row {
            codes.push((c.code.as_ref().map(|c| c.as_str().to_owned()), c.inclusion_probability));
        }
    })
    .expect(path);
    let expected = [("4777Z", 0.6), ("82.99Z", 0.6)].map(|(c, p)| (Some(c.to_owned()), Some(p)));
    assert_eq!(codes[..2], expected);
    assert_eq!(codes[2..4], [(None, Some(0.6)), (None, Some(0.6))]);
}

#[test]
fn times_without_a_zone_need_one() {
    let mut format = predictions();
    format.columns.constants = pairs(&[("nomenclature", "naf-rev2")]);
    format.time_zone = None;
    let path = "fixtures/edge/predictions.csv";
    let (accepted, bad) = refused(path, Kind::Prediction, &format);
    assert_eq!((accepted, bad.len()), (0, 50));
    assert!(bad.iter().all(|(_, reason, detail)| *reason == Reason::InvalidTime && detail.contains("time_zone = ")));
    // the dead letter is the row
    read(path, Kind::Prediction, &format, |n, row| {
        let raw = row.to_json();
        let row: serde_json::Value = serde_json::from_slice(&raw).expect("JSON");
        assert!(n > 2 || row["date_prediction"] == "2026-06-01 09:00:11", "{row}");
    })
    .expect(path);
}

#[test]
fn columns_that_are_not_there_are_named() {
    let path = "fixtures/edge/predictions.csv";
    let message = read(path, Kind::Prediction, &predictions(), |_, _| ()).expect_err("no nomenclature").to_string();
    assert!(message.contains("no column for `nomenclature`") && message.contains("constants = {"), "{message}");
    let mut format = predictions();
    format.columns.names.insert("confidence".to_owned(), "indice_confianse".to_owned());
    let message = read(path, Kind::Prediction, &format, |_, _| ()).expect_err("a slip").to_string();
    assert!(message.contains("no column `indice_confianse`") && message.contains("indice_confiance"), "{message}");
}

/// Ids as whole numbers, 32-bit probabilities, and times in the three forms that tools write.
#[test]
fn parquet_columns_of_other_types_are_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let micros = 1_780_304_400_000_000; // 2026-06-01T09:00:00 on a clock that shows UTC
    let naive = TimestampMicrosecondArray::from(vec![micros]);
    let zoned = naive.clone().with_timezone("UTC");
    let text = StringArray::from(vec!["01/06/2026 09:00"]);
    let mut format = FileFormat::default();
    format.columns.constants = pairs(&[("model", "m"), ("model_version", "1"), ("nomenclature", "naf-rev2")]);
    let at = |times: ArrayRef, format: &FileFormat| {
        let typed = times.data_type().clone();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("prediction_id", Arc::new(Int64Array::from(vec![42]))),
            ("predicted_at", times),
            ("code", Arc::new(StringArray::from(vec!["5610A"]))),
            ("probability", Arc::new(Float32Array::from(vec![0.7]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        let path = dir.path().join("predictions.parquet");
        let file = std::fs::File::create(&path).expect("a file");
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
        let path = path.display().to_string();
        let (_, bad) = refused(&path, Kind::Prediction, format);
        if let Some((_, reason, detail)) = bad.first() {
            assert_eq!((*reason, typed), (Reason::InvalidTime, DataType::Utf8), "{detail}");
            return detail.clone();
        }
        let time = std::cell::RefCell::new(String::new());
        prediction(&path, format, 1, |p| {
            assert_eq!((p.prediction_id.as_str(), p.candidates[0].probability), ("42", 0.7));
            time.replace(p.predicted_at.to_string());
        });
        time.into_inner()
    };
    assert_eq!(at(Arc::new(zoned.clone()), &format), "2026-06-01T09:00:00Z");
    assert_eq!(at(Arc::new(naive.clone()), &format), "2026-06-01T09:00:00Z");
    assert!(at(Arc::new(text.clone()), &format).contains("time_zone = "));
    format.time_zone = TimeZone::get("Europe/Paris").ok();
    assert_eq!(at(Arc::new(zoned), &format), "2026-06-01T09:00:00Z");
    assert_eq!(at(Arc::new(naive), &format), "2026-06-01T07:00:00Z");
    assert_eq!(at(Arc::new(text), &format), "2026-06-01T07:00:00Z");
}

#[test]
fn todays_insee_answers_are_read() {
    let path = "fixtures/edge/insee-api.ndjson";
    let (accepted, bad) = refused(path, Kind::Prediction, &insee());
    assert_eq!((accepted, bad.len()), (19, 1));
    assert!(bad[0].0 == 8 && bad[0].2.contains("every code fell under prob_min"), "{bad:?}");
    prediction(path, &insee(), 1, |p| {
        assert_eq!(p.prediction_id.as_str(), "J75002300000");
        assert_eq!((p.model.as_str(), p.model_version.as_str()), ("codif-ape", "m-5d1f0c2ab7"));
        assert_eq!((p.confidence, p.latency_ms, p.candidates.len()), (Some(0.9753), Some(19.12), 5));
        assert_eq!(p.candidates[0].label.as_ref().map(|l| l.as_str()), Some("Construction de réseaux pour fluides"));
        let attributes = p.attributes.as_ref().expect("attributes");
        let names: Vec<&str> = attributes.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["activity_permanence_status", "cj", "type_form"]);
    });
    prediction(path, &insee(), 2, |p| {
        let attributes = p.attributes.as_ref().expect("attributes");
        assert!(attributes.0.contains(&("surface".into(), Scalar::Number(45.0))), "{attributes:?}");
    });
    prediction(path, &insee(), 10, |p| assert_eq!(p.latency_ms, None));
    // an MLversion in the line goes before the constant; without either the line says what is missing
    let mut format = insee();
    format.columns.constants.remove("model_version");
    assert_eq!(refused(path, Kind::Prediction, &format).0, 19);
    let (_, bad) = refused("fixtures/edge/insee-python.log", Kind::Prediction, &format);
    assert!(bad[0].1 == Reason::MissingField && bad[0].2.contains("`model_version`"), "{:?}", bad[0]);
}

#[test]
fn python_logs_are_read_and_their_noise_refused() {
    let path = "fixtures/edge/insee-python.log";
    let (accepted, bad) = refused(path, Kind::Prediction, &insee());
    let lines: Vec<(u64, Reason)> = bad.iter().map(|(n, reason, _)| (*n, *reason)).collect();
    let noise = [9, 10, 17, 19].map(|n| (n, Reason::UnknownShape));
    assert_eq!(lines, noise);
    assert!(bad[2].2.contains("the line ends"), "{}", bad[2].2);
    assert_eq!(accepted, 18);
    prediction(path, &insee(), 1, |p| {
        assert_eq!(p.predicted_at.to_string(), "2024-03-01T09:00:00.123Z");
        assert_eq!(p.model_version.as_str(), "fasttext-3");
        assert_eq!(p.prediction_id.as_str().len(), 32);
        assert_eq!(
            p.text.as_ref().map(|t| t.as_str()),
            Some("Construction de réseaux de distribution d'eau et de gaz")
        );
    });
    prediction(path, &insee(), 3, |p| {
        assert_eq!(p.text.as_ref().map(|t| t.as_str()), Some("l'élevage d'agneaux dit \"de lait\""));
    });
    prediction(path, &insee(), 14, |p| assert_eq!(p.confidence, Some(1.0000000136)));
    let mut format = insee();
    format.time_zone = None;
    assert!(refused(path, Kind::Prediction, &format).1[0].2.contains("time_zone = "));
}

#[test]
fn insee_lines_need_a_model_and_an_envelope() {
    let format = FileFormat { format: InputFormat::Insee, ..FileFormat::default() };
    let message = read("fixtures/edge/insee-api.ndjson", Kind::Prediction, &format, |_, _| ()).expect_err("no model");
    assert!(message.to_string().contains("constants = { model = "), "{message}");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("answers.ndjson");
    let lines = [
        r#"{"1":{"code":"5610A","probabilite":0.9,"libelle":"x"},"IC":0.8}"#,
        r#"[{"1":{"code":"5610A","probabilite":0.9,"libelle":"x"},"IC":0.8}]"#,
        r#"{"ts":"2026-06-01T08:00:00Z","Response":[{"1":{"code":"5610A","probabilite":0.9}}]}"#,
        r#"{"Response":{"1":{"code":"5610A","probabilite":0.9},"IC":0.8}}"#,
        r#"{"ts":"2026-06-01T08:00:00Z","Response":{"1":{"code":"5610A","probabilite":"0,9"},"IC":0.8}}"#,
        r#"{"ts":"2026-06-01T08:00:00Z","Response":{"1":{"code":"5610A","probabilite":0.9}}}"#,
        r#"{"ts":"2026-06-01T08:00:00Z","Response":{"#,
        // ranks in any order, one dropped
        r#"{"event_id":7,"ts":"2026-06-01T08:00:00Z","Response":{"10":{"code":"C","probabilite":0.01},"2":{"code":"B","probabilite":0.1},"1":{"code":"A","probabilite":0.8},"IC":0.7}}"#,
    ];
    std::fs::write(&path, lines.join("\n")).expect("written");
    let path = path.display().to_string();
    let (accepted, bad) = refused(&path, Kind::Prediction, &insee());
    let reasons: Vec<Reason> = bad.iter().map(|(_, reason, _)| *reason).collect();
    use Reason::{MalformedJson, MissingField, UnknownShape, WrongType};
    assert_eq!(
        reasons,
        [UnknownShape, UnknownShape, UnknownShape, MissingField, WrongType, MissingField, MalformedJson]
    );
    assert!(bad[0].2.contains("write each one as"), "{}", bad[0].2);
    assert_eq!(accepted, 1);
    prediction(&path, &insee(), 8, |p| {
        let codes: Vec<&str> = p.candidates.iter().map(|c| c.code.as_str()).collect();
        assert_eq!((codes, p.prediction_id.as_str()), (vec!["A", "B", "C"], "7"));
    });
}
