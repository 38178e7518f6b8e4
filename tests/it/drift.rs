//! What drift is measured against: references by name, and crosswalks from one nomenclature to the next.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cli::brief,
    harness::{prediction, run, same_json, write},
};

/// Predictions of some days, so many a day of each code.
fn days(nomenclature: &str, days: impl Iterator<Item = String>, codes: &[(&str, usize)]) -> Vec<String> {
    let mut lines = Vec::new();
    for day in days {
        for (code, n) in codes {
            for i in 0..*n {
                let mut p = prediction(&format!("{day}-{code}-{i}"));
                p["predicted_at"] = json!(format!("{day}T{:02}:00:00Z", 6 + i % 12));
                p["nomenclature"] = json!(nomenclature);
                p["candidates"] = json!([{"code": code, "probability": 0.95}]);
                lines.push(p.to_string());
            }
        }
    }
    lines
}

fn june(year: u32, first: u32, last: u32) -> impl Iterator<Item = String> {
    (first..=last).map(move |day| format!("{year}-06-{day:02}"))
}

fn directory(lines: &[String]) -> TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "events.ndjson", lines.join("\n"));
    dir
}

fn report(dir: &Path, more: &[&str]) -> Value {
    let args = [&["report", "--events", "events.ndjson", "--json", "-"], more].concat();
    serde_json::from_str(&run(dir, &args).expect(0).out).expect("JSON")
}

fn same(mut a: Value, mut b: Value) {
    for one in [&mut a, &mut b] {
        one["scope"]["generated_at"] = Value::Null;
    }
    same_json(&a, &b, "the report");
}

/// Two weeks of June 2025, and the same weekdays of 2026 with a code that has grown.
fn two_years() -> TempDir {
    let mut lines = days("naf-rev2", june(2025, 2, 15), &[("5610A", 30), ("5610C", 10), ("6201Z", 20)]);
    lines.extend(days("naf-rev2", june(2026, 1, 14), &[("5610A", 15), ("5610C", 25), ("6201Z", 20)]));
    directory(&lines)
}

#[test]
fn a_reference_has_a_name() {
    let dir = two_years();
    let period = ["--from", "2026-06-01", "--to", "2026-06-14"];
    let ask = |more: &[&str]| report(dir.path(), &[&period, more].concat());
    let days = |a: &Value| {
        let r = &a["scope"]["reference"];
        let day = |at: &str| r.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        (day("/period/from"), day("/period/to"), day("/current/from"), day("/chosen"))
    };
    let wanted = |from: &str, to: &str, current: &str, chosen: &str| {
        (from.to_owned(), to.to_owned(), current.to_owned(), chosen.to_owned())
    };
    let year = ask(&["--reference", "last-year"]);
    assert_eq!(days(&year), wanted("2025-06-02", "2025-06-15", "2026-06-01", "last_year"));
    let level = &year["drift"]["label"][4];
    assert_eq!((&level["change"], &level["judged_by"]), (&json!("real"), &json!("rows")), "{level}");
    assert!(level["excess"]["lower"].as_f64().is_some_and(|x| x > 0.15), "{level}");
    // 5610A and 5610C share their group: all of it is found there, and nowhere above
    let nodes = year["drift"]["tree"]["nodes"].as_array().expect("nodes");
    let names: Vec<&str> = nodes.iter().filter_map(|node| node["code"].as_str()).collect();
    assert_eq!(names, ["5610A", "5610C"], "{nodes:?}");
    assert_eq!(nodes[0]["parent"], "5610");
    let code = year["drift"]["codes"].as_array().and_then(|c| c.iter().find(|c| c["code"] == "5610C")).expect("a code");
    assert!((code["effect"]["ratio"]["estimate"].as_f64().unwrap_or(0.0) - 2.5).abs() < 1e-9, "{code}");

    let dates = days(&ask(&["--reference", "last-year-dates"]));
    assert_eq!(dates, wanted("2025-06-01", "2025-06-14", "2026-06-01", "last_year_dates"));
    assert_eq!(
        days(&ask(&["--reference", "first-half"])),
        wanted("2026-06-01", "2026-06-07", "2026-06-08", "first_half")
    );
    assert_eq!(
        days(&ask(&["--reference", "preceding"])),
        wanted("2026-05-18", "2026-05-31", "2026-06-01", "preceding")
    );
    // days that are given and lie in the period: the rest of it is compared, no row twice
    let given = ask(&["--reference-from", "2026-05-20", "--reference-to", "2026-06-07"]);
    assert_eq!(days(&given), wanted("2026-05-20", "2026-06-07", "2026-06-08", "given"));
    assert_eq!(
        (&given["drift"]["label"][0]["n_reference"], &given["drift"]["label"][0]["n_current"]),
        (&json!(420), &json!(420))
    );

    // no row there: said, and no other reference taken instead
    let none = ask(&["--reference", "trailing:7:1"]);
    assert_eq!(days(&none), wanted("2026-05-24", "2026-05-30", "2026-06-01", "trailing"));
    assert_eq!(none["drift"]["label"], json!([]));
    let warning = json!({"code": "no_reference", "subject": "trailing:7:1", "n": 0});
    assert!(none["warnings"].as_array().expect("warnings").contains(&warning), "{}", none["warnings"]);
    let html = ["report", "--events", "events.ndjson", "--out", "-", "--lang", "en", "--reference", "trailing:7:1"];
    let html = run(dir.path(), &[&html[..], &period].concat()).expect(0).out;
    assert!(html.contains("(days before, as asked for), holds no prediction: drift cannot be measured"));

    // a period that is longer than a year has no last year outside itself
    let long = report(dir.path(), &["--reference", "last-year"]);
    assert_eq!(long["scope"]["reference"], Value::Null);
    assert!(long["warnings"].as_array().expect("warnings").iter().any(|w| w["subject"] == "last-year"));

    // the configuration's choice, and days that go before it
    write(dir.path(), "vigie.toml", "[report]\nreference = \"last-year\"\n[drift]\nleast = 0.5\n");
    let configured = ask(&[]);
    assert_eq!(days(&configured), days(&year));
    assert_eq!(
        (&configured["drift"]["label"][4]["change"], &configured["drift"]["least"]),
        (&json!("real_but_small"), &json!(0.5))
    );
    assert_eq!(days(&ask(&["--reference-from", "2025-06-09", "--reference-to", "2025-06-15"])).3, "given");

    for (more, words) in [
        (&["--reference", "yesteryear"][..], &["--reference", "yesteryear", "last-year-dates", "trailing:DAYS"][..]),
        (
            &["--reference", "last-year", "--reference-from", "2025-06-01", "--reference-to", "2025-06-14"],
            &["cannot be used with"],
        ),
    ] {
        let args = [&["report", "--events", "events.ndjson", "--json", "-"], more].concat();
        brief(&run(dir.path(), &args).saying(2, words));
    }
}

const WALK: &str = "naf_rev2;naf_2025\n5610A;5611Y\n5610C;5611Y\n5610C;5612Y\n6201Z;6210Y\n6202A;6220Y\n";

/// Ten days in one nomenclature and ten in the next.
pub fn two_nomenclatures() -> Vec<String> {
    let before = [("5610A", 20), ("5610C", 20), ("6201Z", 10), ("0111Z", 1)];
    let mut lines = days("NAF2008", june(2026, 1, 10), &before);
    lines.extend(days("naf-2025", june(2026, 11, 20), &[("5611Y", 25), ("5612Y", 5), ("6210Y", 20), ("0111Y", 2)]));
    lines
}

#[test]
fn a_crosswalk_joins_two_nomenclatures() {
    let dir = directory(&two_nomenclatures());
    let refused = run(dir.path(), &["report", "--events", "events.ndjson", "--json", "-"]);
    brief(&refused.saying(2, &["several nomenclatures", "naf-2025", "--crosswalk"]));

    write(dir.path(), "walk.csv", WALK);
    let joined = report(dir.path(), &["--crosswalk", "walk.csv"]);
    assert_eq!(
        (&joined["scope"]["nomenclature"]["name"], &joined["traffic"]["predictions"]),
        (&json!("naf-2025"), &json!(520))
    );
    assert_eq!(joined["scope"]["period"], json!({"from": "2026-06-11", "to": "2026-06-20"}));
    assert_eq!(joined["scope"]["reference"]["period"], json!({"from": "2026-06-01", "to": "2026-06-10"}));
    assert_eq!(joined["drift"]["label"], json!([]), "the newer codes have no past of their own");
    assert!(!joined["warnings"].as_array().expect("warnings").iter().any(|w| w["code"] == "no_reference"));
    let found = &joined["drift"]["crosswalk"];
    assert_eq!((&found["from"], &found["to"]), (&json!("naf-rev2"), &json!("naf-2025")));
    let numbers = ["n_reference", "n_current", "unknown_reference", "unknown_current"].map(|key| found[key].as_u64());
    assert_eq!(numbers, [500, 500, 10, 20].map(Some));
    let groups = found["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 2, "6202A has no row");
    assert_eq!((&groups[0]["old"], &groups[0]["new"]), (&json!(["5610A", "5610C"]), &json!(["5611Y", "5612Y"])));
    assert_eq!((&groups[1]["n_reference"], &groups[1]["n_current"]), (&json!(100), &json!(200)));
    assert!((groups[1]["effect"]["difference"]["estimate"].as_f64().unwrap_or(0.0) - 0.2).abs() < 1e-9);
    assert!(
        (found["total_variation"].as_f64().unwrap_or(0.0) - 0.2).abs() < 1e-9 && found["change"] == "real",
        "{found}"
    );

    // the configuration's, by any name of the nomenclatures; from a data directory too
    write(dir.path(), "vigie.toml", "[crosswalks]\n\"NAF rev. 2 -> NAF 2025\" = \"walk.csv\"\n");
    same(report(dir.path(), &[]), joined.clone());
    run(dir.path(), &["ingest", "--data", "data", "--events", "events.ndjson"]).expect(0);
    let kept = run(dir.path(), &["report", "--data", "data", "--json", "-"]).expect(0).out;
    same(serde_json::from_str(&kept).expect("JSON"), joined);
    let html = run(dir.path(), &["report", "--data", "data", "--out", "-", "--lang", "en"]).expect(0).out;
    assert!(html.contains("From naf-rev2 to naf-2025") && html.contains("at the passage from naf-rev2 to naf-2025"));

    // the wrong way round, it joins nothing
    write(dir.path(), "vigie.toml", "[crosswalks]\n\"naf-2025 -> naf-rev2\" = \"walk.csv\"\n");
    run(dir.path(), &["report", "--events", "events.ndjson", "--json", "-"]).saying(2, &["several nomenclatures"]);
    write(dir.path(), "bad.csv", "old;new;weight\nA;X;much\n");
    write(
        dir.path(),
        "vigie.toml",
        "[crosswalks]\n\"naf-rev2\" = \"walk.csv\"\n\"naf-rev2 -> naf-2052\" = \"bad.csv\"\n",
    );
    let refused = run(dir.path(), &["report", "--events", "events.ndjson", "--json", "-"]);
    refused.saying(
        2,
        &[
            "vigie.toml:2",
            "an arrow between",
            "vigie.toml:3",
            "naf-2052",
            "did you mean `naf-2025`",
            "`much` is not a weight",
        ],
    );
}

/// A shadow run: two versions code the same fortnight.
#[test]
fn another_version_is_a_reference_on_the_same_days() {
    let mut lines = days("naf-rev2", june(2026, 1, 14), &[("5610A", 30), ("5610C", 30)]);
    for line in days("naf-rev2", june(2026, 1, 14), &[("5610A", 50), ("5610C", 10)]) {
        let mut p: Value = serde_json::from_str(&line).expect("JSON");
        p["prediction_id"] = json!(format!("shadow-{}", p["prediction_id"].as_str().expect("an id")));
        p["model_version"] = json!("2.0.0");
        lines.push(p.to_string());
    }
    let dir = directory(&lines);
    let found = report(dir.path(), &["--reference", "version:1.0.0"]);
    let reference = &found["scope"]["reference"];
    assert_eq!((&reference["chosen"], &reference["version"]), (&json!("version"), &json!("1.0.0")));
    for level in found["drift"]["label"].as_array().expect("levels") {
        assert_eq!((&level["n_reference"], &level["n_current"]), (&json!(840), &json!(840)), "{level}");
    }
    let sub_class = &found["drift"]["label"][4];
    assert_eq!(sub_class["change"], "real", "{sub_class}");
    let excess = &sub_class["excess"];
    let holds = excess["lower"].as_f64() <= Some(1.0 / 3.0) && excess["upper"].as_f64() >= Some(1.0 / 3.0);
    assert!(holds, "{excess}");
    let raised = found["alarms"]["raised"].as_array().expect("alarms");
    let alarm = raised.iter().find(|a| a["subject"] == "5610A").expect("an alarm");
    assert_eq!((&alarm["n_reference"], &alarm["rose"]), (&json!(840), &json!(true)), "{alarm}");
    assert!(alarm["evidence"]["query"].as_str().is_some_and(|q| q.contains("version <> '1.0.0'")), "{alarm}");
    for lang in ["fr", "en"] {
        let args =
            ["report", "--events", "events.ndjson", "--out", "-", "--lang", lang, "--reference", "version:1.0.0"];
        assert!(run(dir.path(), &args).expect(0).out.contains("version 1.0.0"));
    }
    // nobody to compare it with
    for (reference, only) in [("version:3", None), ("version:2.0.0", Some("2.0.0"))] {
        let args: Vec<&str> = ["--reference", reference]
            .into_iter()
            .chain(only.into_iter().flat_map(|v| ["--model-version", v]))
            .collect();
        let alone = report(dir.path(), &args);
        assert_eq!(alone["scope"]["reference"], Value::Null);
        assert!(alone["warnings"].as_array().expect("warnings").iter().any(|w| w["subject"] == reference));
    }
}
