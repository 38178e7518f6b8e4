//! What people say of labels themselves, through the product: several opinions on one prediction, texts without a code,
//! codes that are looked at however rare.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Canonical, correction, prediction, run, text, write};

/// The JSON twin of a report on these lines, configured so.
fn report(lines: &[String], config: &str) -> Value {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "events.ndjson", text(lines));
    write(dir.path(), "vigie.toml", config);
    run(dir.path(), &["report", "--events", "events.ndjson", "--json", "-"]).expect(0).json()
}

fn opinion(prediction_id: &str, annotator: &str, code: Option<&str>) -> Value {
    let mut said = correction(&format!("{prediction_id}-{annotator}"), prediction_id, "");
    said["code"] = json!(code);
    said["annotator"] = json!(annotator);
    said["revision"] = json!(1);
    said
}

fn near(found: &Value, wanted: f64) {
    let found = found.as_f64().expect("a number");
    assert!((found - wanted).abs() < 1e-9, "{found} where {wanted} is expected");
}

#[test]
fn two_opinions_on_a_prediction_give_the_kappa_that_a_hand_computes() {
    let (a, c) = (Some("5610A"), Some("5610C"));
    let pairs = [(a, a), (a, a), (a, a), (a, a), (a, a), (c, c), (c, c), (a, c), (c, a), (a, None)];
    let mut lines = Vec::new();
    for (i, (one, other)) in pairs.into_iter().enumerate() {
        let id = format!("p-{i}");
        lines.push(prediction(&id).to_string());
        lines.push(opinion(&id, "g01", one).to_string());
        lines.push(opinion(&id, "g02", other).to_string());
        // a second thought saw the first ones: no opinion of its own
        let mut again = opinion(&id, "g03", c);
        again["revision"] = json!(2);
        lines.push(again.to_string());
    }
    // one opinion agrees with nobody
    lines.extend([prediction("alone").to_string(), opinion("alone", "g01", c).to_string()]);
    let report = report(&lines, "");
    let found = &report["accuracy"]["agreement"];
    assert_eq!(found["predictions"], 10);
    near(&found["observed"]["estimate"], 0.7);
    // 13, 6 and 1 of 20 opinions: by chance (169 + 36 + 1) / 400 agree
    let kappa = (0.7 - 0.515) / (1.0 - 0.515);
    near(&found["kappa"]["estimate"], kappa);
    near(&found["alpha"]["estimate"], 1.0 - (1.0 - 1.0 / 20.0) * (1.0 - kappa));
    near(&found["noise"]["error"]["estimate"], 1.0 - 0.7_f64.sqrt());
    near(&found["noise"]["at_least"], 0.15);
    let codes: Vec<(&Value, &Value, &Value)> =
        found["codes"].as_array().expect("codes").iter().map(|c| (&c["code"], &c["opinions"], &c["instead"])).collect();
    let (a, c, none) = (json!("5610A"), json!("5610C"), Value::Null);
    assert_eq!(codes, [(&a, &json!(13), &c), (&c, &json!(6), &a), (&none, &json!(1), &a)]);
    near(&found["codes"][0]["agreement"]["estimate"], 10.0 / 13.0);
}

#[test]
fn people_who_agree_leave_nothing_to_doubt_and_nobody_leaves_no_agreement() {
    let lines: Vec<String> = (0..4)
        .flat_map(|i| {
            let (id, code) = (format!("p-{i}"), if i % 2 == 0 { "5610A" } else { "5610C" });
            [prediction(&id), opinion(&id, "g01", Some(code)), opinion(&id, "g02", Some(code))].map(|e| e.to_string())
        })
        .collect();
    let found = &report(&lines, "")["accuracy"]["agreement"];
    near(&found["kappa"]["estimate"], 1.0);
    assert_eq!(found["codes"], json!([]));
    let torn = [prediction("p"), opinion("p", "g01", Some("5610A")), opinion("p", "g02", None)].map(|e| e.to_string());
    let found = &report(&torn, "")["accuracy"]["agreement"];
    assert_eq!((&found["codes"][0]["code"], &found["codes"][0]["instead"]), (&Value::Null, &json!("5610A")));
    assert_eq!((&found["codes"][1]["code"], &found["codes"][1]["instead"]), (&json!("5610A"), &Value::Null));
    let alone: Vec<String> = lines.into_iter().filter(|line| !line.contains("g02")).collect();
    assert_eq!(report(&alone, "")["accuracy"]["agreement"], Value::Null);
}

#[test]
fn texts_without_a_code_are_a_share_of_what_was_reviewed() {
    let mut lines = Vec::new();
    // of 10 automatic labels that stand for 2 predictions each, one says that no code fits; of 4 manual ones, two
    for i in 0..14 {
        let (id, auto) = (format!("p-{i}"), i < 10);
        let mut p = prediction(&id);
        p["route"] = json!(if auto { "auto" } else { "manual" });
        let mut said = opinion(&id, "g01", (i != 0 && i < 12).then_some("5610A"));
        said["inclusion_probability"] = json!(if auto { 0.5 } else { 1.0 });
        lines.extend([p.to_string(), said.to_string()]);
    }
    let report = report(&lines, "");
    let rows = report["accuracy"]["uncodable"].as_array().expect("rows");
    let routes: Vec<&Value> = rows.iter().map(|row| &row["route"]).collect();
    assert_eq!(routes, ["all", "auto", "manual"]);
    for (row, (uncodable, n, share)) in rows.iter().zip([(3, 14, 4.0 / 24.0), (1, 10, 0.1), (2, 4, 0.5)]) {
        assert_eq!((&row["uncodable"], &row["n"]), (&json!(uncodable), &json!(n)), "{row}");
        near(&row["estimate"], share);
    }
    let all =
        report["accuracy"]["overall"].as_array().expect("rows").iter().find(|o| o["route"] == "all" && o["k"] == 1);
    assert_eq!(all.expect("a row")["n"], 11, "they are in no accuracy");
}

#[test]
fn a_sensitive_code_has_a_row_that_nobody_met() {
    let lines = [prediction("p-1").to_string(), correction("c-1", "p-1", "5610A").to_string()];
    let config = "[accuracy]\nsensitive_codes = [\"86.21z\", \"5610A\", \"9999X\"]\n";
    let report = report(&lines, config);
    let rows = report["accuracy"]["by_code"].as_array().expect("rows");
    let row = |code: &str| rows.iter().find(|row| row["code"] == code);
    let unmet = row("8621Z").expect("a row without any prediction");
    assert_eq!((&unmet["sensitive"], &unmet["n_predicted"], &unmet["known"]), (&json!(true), &json!(0), &json!(true)));
    assert_eq!(unmet["label"], "Activité des médecins généralistes");
    assert_eq!(unmet["precision"]["estimate"], Value::Null);
    assert_eq!(row("5610A").expect("a row")["sensitive"], true);
    assert!(rows.iter().all(|row| row["sensitive"] == true || row["n_predicted"] != 0));
}

/// People looked at every second text that the model doubted and at every twentieth that it did not, and no label says so.
#[test]
fn labels_of_an_unknown_design_count_as_their_version_route_and_confidence_say() {
    let mut lines = Vec::new();
    for i in 0..1_200 {
        let (doubted, id) = (i % 6 == 0, format!("p-{i}"));
        let mut p = prediction(&id);
        p["confidence"] = json!(if doubted { 0.75 } else { 0.97 });
        p["candidates"] = json!([{"code": "5610A", "probability": 0.9}, {"code": "5610C", "probability": 0.1}]);
        lines.push(p.to_string());
        let (looked_at, wrong) = if doubted { (i % 12 == 0, i % 24 == 0) } else { (i % 24 == 7, false) };
        if looked_at {
            let mut label = correction(&id, &id, if wrong { "5610C" } else { "5610A" });
            label.as_object_mut().expect("an object").remove("inclusion_probability");
            lines.push(label.to_string());
        }
    }
    let report = report(&lines, "");
    // 1,000 sure ones, all right; 200 doubted ones, of which half
    let truth = 1_100.0 / 1_200.0;
    let accuracy = &report["accuracy"];
    let rows = |table: &Value, keep: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        let found: Vec<Value> = table.as_array().expect("rows").iter().filter(|row| keep(row)).cloned().collect();
        assert!(!found.is_empty(), "{table}");
        found
    };
    let finest = |row: &Value| row["level"] == 5 && row["route"] != "manual";
    for row in rows(&accuracy["overall"], &|row| finest(row)) {
        near(&row["estimate"], if row["k"] == 1 { truth } else { 1.0 });
    }
    for row in rows(&accuracy["assisted"], &|row| row["level"] == 0 && row["route"] == "auto") {
        near(&row["unassisted"]["estimate"], truth);
        assert_eq!(row["post_stratified"], row["n"]);
    }
    for row in rows(&accuracy["by_version"], &|row| row["level"] == 5) {
        near(&row["estimate"], truth);
    }
    for row in rows(&accuracy["by_code"], &|row| row["code"] == "5610A") {
        near(&row["precision"]["estimate"], truth);
        near(&row["recall"]["estimate"], 1.0);
    }
    near(&accuracy["confusions"][0]["weighted"], 100.0);
    for row in rows(&report["series"]["accuracy_weekly"], &|row| finest(row)) {
        near(&row["estimate"], truth);
    }
    for row in rows(&report["series"]["daily"], &|row| row["labelled"].as_u64() > Some(0)) {
        near(&row["accuracy"]["estimate"], truth);
    }
    for row in rows(&report["calibration"]["confidence"], &|row| row["n_labelled"].as_u64() > Some(0)) {
        near(&row["accuracy"], if row["lower"].as_f64() > Some(0.9) { 1.0 } else { 0.5 });
    }
    assert!(report["warnings"].as_array().expect("warnings").iter().any(|w| w["code"] == "unknown_inclusion"));
}

const NAMED: &str = "[models.default]\nannotators = true\n";

/// Three people on ten predictions: two always agree, the third contradicts them in two.
fn three_people() -> Vec<Value> {
    let (a, c) = (Some("5610A"), Some("5610C"));
    let mut events = Vec::new();
    for i in 0..10 {
        let id = format!("p-{i}");
        let code = if i < 6 { a } else { c };
        let third = match i {
            0 => c,
            9 => None,
            _ => code,
        };
        events.push(prediction(&id));
        events.extend([("g01", code), ("g02", code), ("g03", third)].map(|(who, code)| opinion(&id, who, code)));
    }
    events
}

fn lines(events: &[Value]) -> Vec<String> {
    events.iter().map(Value::to_string).collect()
}

#[test]
fn opinions_of_one_prediction_hang_together() {
    let found = &report(&lines(&three_people()), "")["accuracy"]["agreement"];
    assert_eq!((&found["predictions"], &found["opinions"]), (&json!(10), &json!(30)));
    // of 30 pairs of opinions, four differ
    near(&found["observed"]["estimate"], 26.0 / 30.0);
    // eight predictions agree wholly, two by a third: a variance of 0.0711 a prediction, where a pair has 0.1156; two pairs
    // beside the ten predictions
    let p = 26.0_f64 / 30.0;
    let (pair, item) = (p * (1.0 - p), 0.8 * (1.0 - p).powi(2) + 0.2 * (1.0 / 3.0 - p).powi(2));
    let n = pair * 12.0 / (item + 2.0 * pair / 10.0);
    let z2 = 1.959_963_984_540_054_f64.powi(2);
    let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt();
    let low = found["observed"]["lower"].as_f64().expect("a number");
    assert!((low - (p + z2 / (2.0 * n) - half) / (1.0 + z2 / n)).abs() < 1e-6, "{low}");
    assert_eq!(found["annotators"], Value::Null, "nobody asked who");
}

#[test]
fn who_agrees_with_whom_is_said_where_the_configuration_asks() {
    let found = &report(&lines(&three_people()), NAMED)["accuracy"]["agreement"];
    assert_eq!(found["annotators"]["people"], 3);
    let pairs = found["annotators"]["pairs"].as_array().expect("pairs");
    let who: Vec<[&Value; 3]> = pairs.iter().map(|p| [&p["one"], &p["other"], &p["predictions"]]).collect();
    let (g01, g02, g03, ten) = (json!("g01"), json!("g02"), json!("g03"), json!(10));
    assert_eq!(who, [[&g01, &g02, &ten], [&g01, &g03, &ten], [&g02, &g03, &ten]]);
    near(&pairs[0]["kappa"]["estimate"], 1.0);
    near(&pairs[1]["observed"]["estimate"], 0.8);
    // 6, 4, 0 of the one, 5, 4, 1 of the other
    near(&pairs[1]["kappa"]["estimate"], (0.8 - 0.46) / (1.0 - 0.46));
    assert_eq!(pairs[1]["kappa"], pairs[2]["kappa"]);
}

#[test]
fn a_model_can_name_its_annotators_alone() {
    let events: Vec<Value> = three_people()
        .into_iter()
        .map(|mut e| {
            if e.get("model").is_some_and(Value::is_string) {
                e["model"] = json!("codif-ape");
            }
            e
        })
        .collect();
    let said = |config: &str| report(&lines(&events), config)["accuracy"]["agreement"]["annotators"].is_object();
    assert!(said("[models.\"codif-ape\"]\nannotators = true\n"));
    assert!(!said("[models.default]\nannotators = true\n[models.\"codif-ape\"]\nannotators = false\n"));
}

/// What `vigie query` finds in a store.
fn asked(dir: &Path, config: &str, sql: &str) -> String {
    write(dir, "vigie.toml", config);
    run(dir, &["query", "--data", "data", "--format", "csv", sql]).expect(0).out
}

#[test]
fn opinions_that_are_taken_back_or_thought_over_leave_no_trace() {
    let events = three_people();
    // the third takes back a code, and thinks another over: the first opinion stays
    let mut taken_back = opinion("p-0", "g03", Some("5610C"));
    taken_back["retracted"] = json!(true);
    taken_back["corrected_at"] = json!("2026-06-02T00:00:00Z");
    let mut second = opinion("p-9", "g03", Some("5610C"));
    second["revision"] = json!(2);
    let later = [taken_back, second];
    let counts = "SELECT sum(n) AS n, count(DISTINCT item) AS items, count(DISTINCT annotator) AS people FROM opinion";
    let rows = "SELECT n, annotator, code FROM opinion";
    for config in ["", NAMED] {
        let ingest = |dir: &Path, events: &[Value]| {
            write(dir, "vigie.toml", config);
            write(dir, "events.ndjson", text(&lines(events)));
            run(dir, &["ingest", "--data", "data", "--events", "events.ndjson"]).expect(0);
        };
        let dir = tempfile::tempdir().expect("temporary directory");
        ingest(dir.path(), &events);
        let people = if config.is_empty() { 0 } else { 3 };
        // all in one hour: predictions of which the same is said are one row
        assert_eq!(asked(dir.path(), config, counts), format!("n,items,people\n30,4,{people}\n"));
        assert_eq!(asked(dir.path(), config, rows).contains("g03"), !config.is_empty());
        ingest(dir.path(), &later);
        assert_eq!(asked(dir.path(), config, counts), format!("n,items,people\n29,4,{people}\n"));

        let turned = tempfile::tempdir().expect("temporary directory");
        let mut all: Vec<Value> = events.iter().chain(&later).cloned().collect();
        all.reverse();
        ingest(turned.path(), &all);
        let canonical = |dir: &Path| Canonical::of_data(&dir.join("data"));
        assert_eq!(canonical(dir.path()), canonical(turned.path()), "another order, {config:?}");
    }
}

#[test]
fn a_store_forgets_names_when_the_configuration_no_longer_asks() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let dir = dir.path();
    write(dir, "events.ndjson", text(&lines(&three_people())));
    write(dir, "vigie.toml", NAMED);
    run(dir, &["ingest", "--data", "data", "--events", "events.ndjson"]).expect(0);
    let people = "SELECT count(DISTINCT annotator) AS people FROM opinion";
    assert_eq!(asked(dir, NAMED, people), "people\n3\n");
    // neither a query nor a report is answered from facts of another configuration
    write(dir, "vigie.toml", "");
    for command in [&["report", "--data", "data", "--json", "-"][..], &["query", "--data", "data", people]] {
        let refused = run(dir, command);
        assert_eq!(refused.code, Some(2), "{}", refused.out);
        assert!(refused.err.contains("annotators"), "{}", refused.err);
    }
    write(dir, "none.ndjson", "");
    run(dir, &["ingest", "--data", "data", "--events", "none.ndjson"]).expect(0);
    assert_eq!(asked(dir, "", people), "people\n0\n");
    assert_eq!(asked(dir, "", "SELECT sum(n) AS n FROM opinion"), "n\n30\n");
}

/// One code of four gets worse in the middle of the month; over all labels that is too little to be heard.
#[test]
fn errors_of_one_code_ring() {
    let mut lines = Vec::new();
    for day in 1..=30_usize {
        for (c, code) in ["5610A", "5630Z", "6201Z", "9602A"].into_iter().enumerate() {
            for i in 0..20 {
                let id = format!("{day}-{c}-{i}");
                let mut p = prediction(&id);
                p["predicted_at"] = json!(format!("2026-06-{day:02}T{:02}:00:00Z", i % 24));
                p["candidates"] = json!([{"code": code, "probability": 0.9}]);
                // one in twenty is wrong, of the one code seven since the 20th
                let wrong = if c == 2 && day >= 20 { i % 3 == 0 } else { i == (day * 7 + c) % 20 };
                lines.push(p.to_string());
                lines.push(correction(&id, &id, if wrong { "5610C" } else { code }).to_string());
            }
        }
    }
    let found = report(&lines, "");
    let raised = found["alarms"]["raised"].as_array().expect("alarms");
    let of_codes: Vec<&Value> = raised.iter().filter(|a| a["kind"] == "code_errors").collect();
    assert_eq!(of_codes.len(), 1, "{of_codes:?}");
    let alarm = of_codes[0];
    assert_eq!((&alarm["subject"], &alarm["value"]), (&json!("6201Z"), &json!("auto")));
    let day = |name: &str| alarm[name].as_str().expect("a day").to_owned();
    assert_eq!(day("since"), "2026-06-20");
    assert!(("2026-06-20".to_owned()..="2026-06-24".to_owned()).contains(&day("first_day")), "{alarm}");
    assert_eq!(
        alarm["evidence"]["humans_say"].as_array().map(Vec::len),
        Some(0),
        "events without texts keep no labels beside them"
    );
    assert!(alarm["evidence"]["query"].as_str().is_some_and(|q| q.contains("predicted = '6201Z' AND route = 'auto'")));
}
