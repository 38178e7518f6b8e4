//! What people say of labels themselves, through the product: several opinions on one prediction, texts without a code,
//! codes that are looked at however rare.

use serde_json::{Value, json};

use crate::harness::{correction, prediction, run, text, write};

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
