//! Versions side by side, through the product's own path.

use std::path::PathBuf;

use serde_json::{Value, json};
use vigie::{
    ingest::Input,
    measure::{
        comparison::{melded::Counts, score::score_difference},
        mcnemar::mcnemar,
    },
    pipeline::Sources,
};

use crate::{
    harness::{correction, prediction, run, text, write},
    measure::naf2025::quality,
    report_schema::twin,
};

fn holds(difference: &Value, truth: f64) -> bool {
    let bound = |name: &str| difference[name].as_f64().expect("a bound");
    // a census is known to the last bit
    bound("lower") <= truth + 1e-12 && truth - 1e-12 <= bound("upper")
}

/// What 2.0.0 gained on the users' stream, whose truth the product never sees. Takes minutes where nothing is optimised.
#[test]
fn the_true_gain_of_a_version_is_within_its_interval() {
    let file = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025").join(name);
    let (predictions, corrections) = (file("predictions.ndjson.gz"), file("corrections.ndjson.gz"));
    if !predictions.exists() || std::env::var_os("VIGIE_SIMULATE").is_none() {
        println!("skipped: no ../shared/data/naf2025, or no VIGIE_SIMULATE");
        return;
    }
    let sources = Sources {
        predictions: vec![Input::File(predictions)],
        corrections: vec![Input::File(corrections)],
        ..Sources::default()
    };
    let report = twin(&sources);
    codes_are_covered(&report["accuracy"]["by_code"]);
    let versions = &report["versions"];
    assert_eq!((&versions["before"], &versions["after"]), (&"1.4.0".into(), &"2.0.0".into()));
    // from truth.parquet: as they are, and over one mix of codes
    assert!(holds(&versions["plain"], 0.1222), "{}", versions["plain"]);
    assert!(holds(&versions["assisted"], 0.1222), "{}", versions["assisted"]);
    assert!(holds(&versions["standardised"]["difference"], 0.1410), "{}", versions["standardised"]);
    // one mix costs little: no row stands for hundreds of others
    let width = |of: &Value| of["upper"].as_f64().expect("upper") - of["lower"].as_f64().expect("lower");
    assert!(
        width(&versions["standardised"]["difference"]) < 1.6 * width(&versions["plain"]),
        "{}",
        versions["standardised"]
    );
    let paired = &versions["paired"];
    assert!(paired["only_after"].as_u64() > paired["only_before"].as_u64() && paired["p_value"].as_f64() < Some(1e-6));
    // codes that 1.4.0 did not know
    let codes = versions["codes"].as_array().expect("codes");
    let helped =
        |code: &str| codes.iter().any(|c| c["code"] == code && c["share"] == "recall" && c["verdict"] == "helped");
    assert!(["2561Y", "2751Y", "4649Y", "4933H", "5221Y"].into_iter().all(helped), "{codes:?}");
}

/// Of the intervals of codes with ten labels and more, at least 93 % hold the truth of all predictions.
fn codes_are_covered(by_code: &Value) {
    let truth = quality().expect("the truth");
    for (share, at, labels) in [("precision", 0, "n_labelled"), ("recall", 1, "n_actual")] {
        let known = by_code.as_array().expect("codes").iter().filter(|code| code[labels].as_u64() >= Some(10));
        let pairs = known.filter_map(|code| Some((code, truth.get(code["code"].as_str()?)?[at]?)));
        let held: Vec<bool> = pairs.map(|(code, truth)| holds(&code[share], truth)).collect();
        let covered = held.iter().filter(|held| **held).count() as f64 / held.len() as f64;
        println!("{share} of {} codes: {covered:.3}", held.len());
        assert!(held.len() > 200 && covered >= 0.93, "{share}: {covered} of {}", held.len());
    }
}

/// 60 texts that both versions coded, each text several times: 1.0.0 is right on 30, 2.0.0 on 45, 15 of them the same.
#[test]
fn a_shadow_run_counts_each_text_once() {
    let mut lines = Vec::new();
    let mut coded = |number: usize, version: &str, again: usize, right: bool, people: &str| {
        let id = format!("{version}-{number}-{again}");
        let mut row = prediction(&id);
        row["model_version"] = json!(version);
        row["predicted_at"] = json!(format!("2026-0{}-03T10:00:00Z", if version == "1.0.0" { 2 } else { 3 }));
        row["text"] = json!(format!("texte {number}"));
        row["candidates"] = json!([{"code": if right { "5610A" } else { "5610C" }, "probability": 0.9}]);
        lines.push(row.to_string());
        if again == 0 {
            let mut said = correction(&format!("c-{id}"), &id, people);
            said["corrected_at"] = json!("2026-04-03T10:00:00Z");
            said.as_object_mut().expect("an object").remove("inclusion_probability");
            lines.push(said.to_string());
        }
    };
    for number in 0..60 {
        for again in 0..3 {
            coded(number, "1.0.0", again, number < 30, "5610A");
            coded(number, "2.0.0", again, number >= 15, "5610A");
        }
    }
    let report = |lines: &[String]| {
        let dir = tempfile::tempdir().expect("temporary directory");
        write(dir.path(), "events.ndjson", text(lines));
        run(dir.path(), &["report", "--events", "events.ndjson", "--json", "-"]).expect(0).json()
    };
    let found = &report(&lines)["versions"];
    // all of one route and one weight
    let of = |right: f64| Counts { right, wrong: 60.0 - right };
    let score = score_difference(of(30.0), of(45.0), 0.95);
    for (name, wanted) in [("estimate", score.estimate), ("lower", score.lower), ("upper", score.upper)] {
        let (found, wanted) = (found["plain"][name].as_f64().expect("a number"), wanted.expect("a number"));
        assert!((found - wanted).abs() < 1e-9, "{name}: {found} where {wanted} is expected");
    }
    assert_eq!((&found["n_before"], &found["n_after"]), (&json!(60), &json!(60)));
    let paired = &found["paired"];
    assert_eq!((&paired["texts"], &paired["only_before"], &paired["only_after"]), (&json!(60), &json!(15), &json!(30)));
    assert!((paired["difference"]["estimate"].as_f64().expect("a number") - 0.25).abs() < 1e-9);
    assert!((paired["p_value"].as_f64().expect("a number") - mcnemar(15, 30).exact_p).abs() < 1e-9);
    // with the first version alone there is nothing to compare
    lines.retain(|line| !line.contains("2.0.0"));
    assert_eq!(report(&lines)["versions"], Value::Null);
}
