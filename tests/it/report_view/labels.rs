//! What a reader is told of labels: how sure they are, and what can be said before they come.

use serde_json::{Value, json};

use super::{HOSTILE, assert_well_formed, between, estimate, full_json, nothing, pages, with, zero_json};

pub fn nothing_before() -> Value {
    json!({"recalibration": null, "estimated": null, "check": null, "label_shift": null})
}

pub fn uncodable() -> Value {
    let row = |route: &str, n: u64| {
        with(
            estimate(0.0123, 0.01, 0.015),
            json!({"route": route, "uncodable": n / 100, "n": n, "n_eff": 900.0, "naive": 0.01}),
        )
    };
    json!([row("all", 8000), row("auto", 3000), row("manual", 5000)])
}

pub fn agreement(name: &str) -> Value {
    json!({"predictions": 1234, "opinions": 2500, "observed": estimate(0.91, 0.89, 0.93), "kappa": estimate(0.88, 0.86, 0.9),
        "alpha": estimate(0.881, 0.861, 0.901), "noise": {"error": estimate(0.0461, 0.03, 0.06), "at_least": 0.045},
        "true_accuracy": {"independent": {"lower": 0.76, "upper": 0.84}, "worst": {"lower": 0.71, "upper": 0.85}},
        "codes": [{"code": name, "label": name, "opinions": 321, "agreement": estimate(0.7, 0.65, 0.75), "instead": null},
            {"code": null, "label": "", "opinions": 12, "agreement": estimate(0.2, 0.1, 0.4), "instead": name}],
        "annotators": {"people": 3, "pairs": [
            {"one": name, "other": "g02", "predictions": 321, "observed": estimate(0.9, 0.86, 0.93), "kappa": estimate(0.87, 0.82, 0.91)},
            {"one": "g02", "other": "g03", "predictions": 7, "observed": estimate(1.0, 0.64, 1.0), "kappa": nothing()}]}})
}

pub fn before(name: &str) -> Value {
    let quality = |ece: f64| json!({"log_loss": 0.3, "brier": 0.1, "ece": ece, "ece_noise": 0.018});
    let points: Vec<Value> = (0..=20)
        .map(|i| json!({"confidence": f64::from(i) / 20.0, "probability": {"estimate": f64::from(i) / 25.0, "lower": null, "upper": null}}))
        .collect();
    json!({
        "recalibration": {"method": "temperature", "temperature": 1.82, "n": 7961, "before": quality(0.061),
            "after": quality(0.026), "gain": 0.04, "helps": true, "points": points},
        "estimated": with(estimate(0.8132, 0.7987, 0.8264), json!({"predictions": 20_021, "labels": 4035, "n_eff": 1315.8,
            "calibration_error": 0.007, "uncovered": 0.034, "extrapolates": true})),
        "check": {"difference": estimate(-0.052, -0.071, -0.033), "labels": 3926},
        "label_shift": {"level": 1, "level_name": "section", "refused": null, "rare": null, "condition": 1.64,
            "plausible": true, "codes": [
                {"codes": [name], "label": name, "before": 0.27, "predicted": 0.26, "now": estimate(0.238, 0.228, 0.247)},
                {"codes": ["A", "B", "D", "E", "L", "U"], "label": "", "before": 0.1, "predicted": 0.1,
                    "now": estimate(0.1, 0.09, 0.11)}]}
    })
}

fn agreement_of(page: &str) -> &str {
    between(page, "<div class=\"part\" id=\"labels\">", "</section>")
}

fn before_of(page: &str) -> &str {
    between(page, "<div class=\"part\" id=\"before-labels\">", "</section>")
}

#[test]
fn how_sure_labels_are_is_said_in_words_and_by_code() {
    let pages = pages(&full_json("codif", 3));
    let (french, english) = (agreement_of(&pages[0].1), agreement_of(&pages[1].1));
    assert!(english.contains("1,234 predictions were coded by several people"));
    assert!(english.contains("91.0% [89.0,\u{a0}93.0]") && english.contains("kappa 0.88 [0.86,\u{a0}0.90]"));
    assert!(english.contains("4.6% of labels are wrong (between 3.0% and 6.0%); at least 4.5%"));
    assert!(
        english.contains("between 76.0% and 84.0%") && english.contains("between 71.0% and 85.0% in the worst case")
    );
    assert!(french.contains("0,88 [0,86\u{202f};\u{a0}0,90]") && french.contains("aucun code"));
    let uncodable = between(&pages[1].1, "<h3>Texts without a code</h3>", "</table>");
    assert_eq!(uncodable.matches("<tr>").count(), 4);
    assert!(uncodable.contains("1.2% <small>[1.0,\u{a0}1.5]</small>"));
}

#[test]
fn people_are_named_where_they_are_asked_for_only() {
    let mut a = full_json("codif", 3);
    let found = pages(&a);
    let people = |page: &str| between(page, "<div id=\"annotators\">", "</section>").to_owned();
    let (french, english) = (people(&found[0].1), people(&found[1].1));
    assert_eq!(between(&found[1].1, "<div id=\"annotators\">", "</table>").matches("<tr>").count(), 3);
    assert!(
        english.contains("g03")
            && english.contains("0.87 <small>[0.82,\u{a0}0.91]</small>")
            && english.contains("3 people gave")
    );
    assert!(french.contains("Kappa de Cohen") && french.contains("0,87 <small>[0,82\u{202f};\u{a0}0,91]</small>"));
    a["accuracy"]["agreement"]["annotators"] = Value::Null;
    for (lang, page) in pages(&a) {
        assert!(!page.contains("id=\"annotators\"") && !page.contains("g03"), "{lang}");
    }
}

#[test]
fn labels_that_may_be_wrong_half_the_time_leave_the_worst_case_only() {
    let mut a = full_json("codif", 3);
    a["accuracy"]["agreement"]["true_accuracy"]["independent"] = Value::Null;
    a["accuracy"]["agreement"]["kappa"] = nothing();
    let pages = pages(&a);
    let english = agreement_of(&pages[1].1);
    assert!(english.contains("leave no more to say") && !english.contains("76.0%") && english.contains("kappa –"));
}

#[test]
fn an_estimate_before_labels_says_what_it_supposes_and_what_labels_say_to_it() {
    let mut a = full_json("codif", 3);
    let found = pages(&a);
    let (french, english) = (before_of(&found[0].1), before_of(&found[1].1));
    assert!(english.contains("a temperature of 1.82") && english.contains("falls from 0.061 to 0.026"));
    assert!(english.contains("0.50 is right 40.0% of the time, of 0.70"));
    assert!(english.contains("accuracy would be 81.3% [79.9,\u{a0}82.6] for 20,021 predictions"));
    assert!(english.contains("neither this figure nor its interval shows any of it"));
    assert!(english.contains("For 3.4% of them the reference has next to no labels"));
    assert!(english.contains("<p class=\"alert\">The 3,926 labels of the period contradict it"));
    assert!(english.contains("−5.2\u{202f}pp [−7.1,\u{a0}−3.3]"));
    assert!(french.contains("Ce sont les étiquettes qu’il faut croire") && french.contains("A, B, D, E… (+2)"));
    assert!(english.contains("True mix of codes, section level") && english.contains("23.8% <small>[22.8,\u{a0}24.7]"));

    a["before_labels"]["check"]["difference"] = estimate(-0.01, -0.03, 0.01);
    assert!(before_of(&pages(&a)[1].1).contains("do not contradict it"));
    a["before_labels"]["check"] = Value::Null;
    assert!(before_of(&pages(&a)[1].1).contains("at least 30"));
}

#[test]
fn a_mix_that_cannot_be_told_says_why() {
    let mut a = full_json("codif", 3);
    a["before_labels"]["label_shift"]["plausible"] = json!(false);
    let found = pages(&a);
    let english = before_of(&found[1].1);
    assert!(english.contains("class=\"alert\">The true mix of codes cannot be told") && !english.contains("<table>"));
    for (refused, words) in [
        ("sparse", "31.4%"),
        ("ill_posed", "condition number 44.1"),
        ("unsettled", "so few labels to lead back to it (condition number 44.1)"),
        ("empty", "fewer than two codes"),
    ] {
        a["before_labels"]["label_shift"] = json!({"level": 1, "level_name": "section", "refused": refused, "rare": 0.314,
            "condition": 44.1, "plausible": false, "codes": []});
        let found = pages(&a);
        let english = before_of(&found[1].1);
        assert!(english.contains(words) && !english.contains("<table>"), "{refused}");
    }
}

#[test]
fn nothing_is_shown_where_there_is_nothing_to_say() {
    for (lang, page) in pages(&zero_json()) {
        assert!(agreement_of(&page).is_empty() && before_of(&page).is_empty(), "{lang}");
        assert!(!page.contains("id=\"labels\"") && !page.contains("id=\"before-labels\""), "{lang}");
    }
    for (lang, page) in pages(&full_json(HOSTILE, 3)) {
        assert_well_formed(&page);
        assert!(!agreement_of(&page).contains("<script") && !before_of(&page).contains("<script"), "{lang}");
    }
}

#[test]
fn sensitive_codes_come_first_and_are_marked() {
    let pages = pages(&full_json("codif", 12));
    let table = between(&pages[1].1, "id=\"code-table\"", "</table>");
    let first = between(table, "<tbody>", "</tr>");
    assert!(first.contains("0007Ycodif") && first.contains("<em>sensitive</em>"));
    assert_eq!(table.matches("<em>").count(), 1);
    assert!(!table.contains("aria-sort"), "rows are in no order that a column has");
    assert!(pages[0].1.contains("1 code sensible, nommé dans la configuration, vient en tête."));
}
