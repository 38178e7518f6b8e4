//! Alarms as a reader sees them.

use serde_json::{Value, json};

use super::{HOSTILE, assert_well_formed, between, estimate, full_json, pages, with, zero_json};

pub fn nothing() -> Value {
    json!({"alpha": 0.05, "looks": 0, "watched": 0, "raised": [], "explained": 0, "classical": []})
}

/// An alarm whose every name is `name`.
pub fn alarm(kind: &str, name: &str, first_day: &str, stands: bool) -> Value {
    let code = kind == "code_share" || kind == "code_errors";
    let carrier =
        |before: Value| json!({"name": name, "label": name, "n": 12, "share_reference": before, "share_current": 0.61});
    json!({"kind": kind, "subject": if kind == "accuracy" { "manual" } else { name }, "label": if code { name } else { "" },
        "level": code.then_some(1), "value": match kind { "attribute_share" => Some(name), "code_errors" => Some("auto"), _ => None }, "rose": kind != "accuracy",
        "since": "2026-11-01", "first_day": first_day, "last_day": first_day, "stands": stands, "e_value": 104_138_753.46, "n_reference": 44_033,
        "n_current": 7859, "reference": estimate(0.0018, 0.0013, 0.0025), "current": estimate(0.0059, 0.0049, 0.007),
        "difference": estimate(0.0041, 0.0029, 0.0053),
        "evidence": {"codes": [carrier(json!(0.02))], "versions": [carrier(json!(0.02)), carrier(Value::Null)],
            "attributes": [carrier(json!(0.1))], "terms": [name, "drone"], "examples": [name, "vélo cargo"],
            "humans_say": [carrier(Value::Null)], "query": format!("SELECT * FROM specimen WHERE predicted = '{name}'")}})
}

pub fn rung(name: &str) -> Value {
    let raised = [
        alarm("code_share", name, "2026-11-02", true),
        alarm("attribute_share", name, "2026-11-05", true),
        alarm("accuracy", name, "2026-11-04", true),
        alarm("code_errors", name, "2026-11-01", true),
        alarm("code_share", name, "2026-11-03", false),
    ];
    json!({"alpha": 0.05, "looks": 23, "watched": 1739, "raised": raised, "explained": 7,
        "classical": [{"detector": "page_hinkley", "route": "manual", "labels": 300, "days": ["2026-11-06"]}]})
}

fn section(page: &str) -> &str {
    between(page, "<section id=\"alarms\">", "</section>")
}

#[test]
fn alarms_that_ring_come_first_and_the_newest_of_them_first() {
    let pages = pages(&full_json("codif", 3));
    let (french, english) = (section(&pages[0].1), section(&pages[1].1));
    let days: Vec<&str> = english.split("<time>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!(days, ["5\u{a0}Nov", "4\u{a0}Nov", "2\u{a0}Nov", "1\u{a0}Nov", "3\u{a0}Nov"]);
    assert!(english.contains("Ringing on the last day (4)") && english.contains("No longer ringing (1)"));
    assert_eq!(english.matches("<details open").count(), 1, "one shows that the others open");
    assert!(english.contains("0.18% → 0.59%") && english.contains("<b>+0.41\u{202f}pp</b> <small>[+0.29,\u{a0}+0.53]"));
    assert!(english.contains("has grown 100,000,000 times"), "two digits of a bet are enough");
    assert!(english.contains("<span>61.0% codif codif (n = 12)</span>"));
    assert!(english.contains("7 alarms of groups are not listed"));
    assert!(french.contains("depuis le 1er\u{a0}nov.") && french.contains("[+0,29\u{202f};\u{a0}+0,53]"));
    assert!(french.contains("codif codif <small>section</small>"), "a level that is not the finest is named");
    assert!(french.contains("Taux de bon codage <small>reprise manuelle</small>"));
    assert!(french.contains("codif codif <small>erreurs, codage automatique</small>"), "{french}");
    assert!(
        french.contains("<span>codif codif\u{202f}: – → 61,00\u{202f}%</span>"),
        "a new version has no share before"
    );
}

#[test]
fn no_alarm_is_said_with_what_was_looked_at() {
    let mut a = full_json("codif", 3);
    a["alarms"] = with(nothing(), json!({"looks": 23, "watched": 1739}));
    let found = pages(&a);
    assert!(section(&found[0].1).contains("aucune alarme") && section(&found[1].1).contains("1,739 shares"));
    assert!(!section(&found[1].1).contains("<details"));
    let zero = pages(&zero_json());
    assert!(section(&zero[1].1).contains("there is nothing to compare each day with"));
}

#[test]
fn a_flood_of_hostile_alarms_is_cut() {
    let mut a = full_json("codif", 3);
    let raised: Vec<Value> = (0..200).map(|_| alarm("attribute_share", HOSTILE, "2026-11-05", true)).collect();
    a["alarms"]["raised"] = json!(raised);
    for (lang, page) in pages(&a) {
        assert_well_formed(&page);
        assert!(!page.contains("<script>alert") && !page.contains("<svg onload"), "{lang}");
        assert_eq!(section(&page).matches("<details").count(), 40, "{lang}");
        assert!(section(&page).contains("160"), "{lang}: how many are not shown");
    }
}
