//! The section on drift: sizes, verdicts, places in the classification, attributes, references without rows.

use serde_json::{Value, json};
use vigie::report::{Lang, Texts};

use super::{between, estimate, full_json, pages, with, zero_json};

pub fn nothing() -> Value {
    json!({"label": [], "codes": [], "attributes": [], "tree": null, "crosswalk": null, "alpha": 0.05, "least": 0.01})
}

/// A drift in every part; every name that a user can choose is `name`.
pub fn found(name: &str, codes: usize) -> Value {
    let distances = |x: f64| json!({"total_variation": x, "hellinger": x, "jensen_shannon": x, "psi": x});
    let test = json!({"statistic": 958.9, "df": 731, "p_value": 0.000_01});
    let moved = |value: Option<&str>, q: f64| {
        json!({"value": value, "n_reference": 160, "n_current": 420, "share_reference": 0.2, "share_current": 0.4667,
            "difference": 0.2667, "contribution": 0.5, "p_value": q, "q_value": q})
    };
    json!({
        "label": [with(distances(0.081), json!({"level": 2, "level_name": name, "n_reference": 44_033, "n_current": 47_859,
            "categories": 732, "null": distances(0.052), "chi2": test, "g": test, "p_value_method": "permutation",
            "excess": estimate(0.041, 0.032, 0.074), "dispersion": 1.2, "p_value_days": 0.005, "judged_by": "rows",
            "change": "real"}))],
        "codes": (0..codes).map(|i| json!({"code": format!("{i:04}"), "label": name, "level": 2, "n_reference": 58,
            "n_current": 175, "share_reference": 0.0331, "share_current": 0.0909, "difference": 0.0578,
            "contribution": 0.436, "p_value": 0.000_1, "q_value": 0.0004,
            "effect": {"difference": estimate(0.0578, 0.0412, 0.0744), "ratio": {"estimate": null, "lower": 3.0, "upper": null}}
        })).collect::<Vec<_>>(),
        "attributes": [with(distances(0.1), json!({"attribute": name, "n_reference": 800, "n_current": 900, "q_value": 0.000_2,
            "categories": 2, "null": distances(0.01), "chi2": test, "g": test, "p_value_method": "asymptotic",
            "values": [moved(Some(name), 0.00003), moved(None, 0.3)]}))],
        "tree": {"splits": 88, "splits_moved": 2, "nodes": (0..codes).map(|i| json!({"code": format!("{name}{i}"), "label": name,
            "level": 1 + i % 2, "parent": if i % 2 == 0 { None } else { Some(name) }, "n_reference": 58, "n_current": 175,
            "within_reference": 0.1234, "within_current": null, "p_value": 0.000_1, "q_value": 0.012,
            "under": if i % 2 == 0 { None } else { Some(format!("{name}{}", i - 1)) }})).collect::<Vec<_>>()},
        "crosswalk": with(distances(0.1), json!({"from": name, "to": "naf-2025", "n_reference": 800, "n_current": 900,
            "unknown_reference": 7, "unknown_current": 0, "categories": 2, "null": distances(0.01), "chi2": test, "g": test,
            "p_value_method": "asymptotic", "excess": estimate(0.03, 0.002, 0.074), "dispersion": null, "p_value_days": null,
            "judged_by": "rows", "change": "real_but_small", "groups": (0..codes).map(|i| json!({
                "old": (0..i % 12).map(|k| format!("{k}{name}")).collect::<Vec<_>>(), "new": [name], "label": name, "n_reference": 58,
                "n_current": 175, "share_reference": 0.0331, "share_current": 0.0909, "difference": 0.0578,
                "contribution": 0.436, "p_value": 0.000_1, "q_value": 0.0004,
                "effect": {"difference": estimate(0.0578, 0.0412, 0.0744), "ratio": estimate(2.7, 2.0, 3.8)}})).collect::<Vec<_>>()})),
        "alpha": 0.05, "least": 0.01
    })
}

#[test]
fn drift_is_said_with_its_size_and_its_place() {
    let mut json = full_json("codif", 80);
    let drift = |json: &Value| -> Vec<String> {
        pages(json)
            .into_iter()
            .map(|(_, page)| between(&page, "<section id=\"drift\">", "</section>").to_owned())
            .collect()
    };
    let both = drift(&json);
    for wanted in [
        "<td class=\"\">réelle</td>",
        "4,1\u{202f}%",
        "[3,2\u{202f};\u{a0}7,4]",
        "jours × 1,2",
        "De codif à naf-2025",
        "3,0\u{202f}% [0,2\u{202f};\u{a0}7,4]",
        "réelle, peut-être petite.",
        "et 3 autres",
        "<td class=\"\">aucun</td>",
        "[4,12\u{202f};\u{a0}7,44]",
        "Où, dans la nomenclature",
        "class=\" in\" style=\"--d:1\"",
        "toutes les prédictions",
        "12,34\u{202f}%",
        "pour 2 parents sur 88",
        "Attributs dont les valeurs",
        "(absent)",
        "46,67\u{202f}%",
    ] {
        assert!(both[0].contains(wanted), "{wanted}");
    }
    for wanted in [
        "<td class=\"\">real</td>",
        "Where in the classification",
        "[4.12,\u{a0}7.44]",
        "for 2 parents of 88",
        "More codes, in the JSON file: 20.",
    ] {
        assert!(both[1].contains(wanted), "{wanted}");
    }
    let findings = between(&pages(&json)[1].1, "class=\"findings\"", "</ul>").to_owned();
    assert!(findings.contains("drift beyond chance is 4.1% [3.2,\u{a0}7.4] of predictions"), "{findings}");
    assert!(
        findings.contains("An attribute changed:") && findings.contains("codif = codif went from 20.00% to 46.67%")
    );

    // days that differ by themselves: the p-value of days decides, and a change that it does not show is none
    let level = &mut json["drift"]["label"][0];
    level["judged_by"] = json!("days");
    level["change"] = json!("none");
    level["p_value_days"] = json!(0.31);
    json["drift"]["tree"]["nodes"] = json!([]);
    json["drift"]["attributes"][0]["q_value"] = json!(0.4);
    let page = pages(&json).remove(1).1;
    let findings = between(&page, "class=\"findings\"", "</ul>");
    assert!(
        findings.contains("the days of the reference differ as much among themselves (p\u{a0}=\u{a0}0.31)"),
        "{findings}"
    );
    assert!(!findings.contains("attribute"), "{findings}");
    let english = &drift(&json)[1];
    for wanted in
        ["<td class=\"\">chance suffices</td>", "none of the 88 parents tested", "Attributes compared: 1. None"]
    {
        assert!(english.contains(wanted), "{wanted}");
    }
    assert!(!english.contains("Where in the classification") && !english.contains("spread otherwise</h3>"));

    // across nomenclatures only: it stands for the levels
    let mut crossed = json.clone();
    crossed["drift"]["label"] = json!([]);
    let page = pages(&crossed).remove(0).1;
    assert!(page.contains("des prédictions, au-delà du hasard, au passage de codif à naf-2025"), "the headline");
    assert!(drift(&crossed)[0].contains("<p class=\"lead\">La période du"));
    json["drift"]["crosswalk"] = Value::Null;

    // small, and nothing to say of tree and attributes
    json["drift"]["label"][0]["change"] = json!("real_but_small");
    json["drift"]["tree"] = Value::Null;
    json["drift"]["attributes"] = json!([]);
    let page = pages(&json).remove(0).1;
    assert!(
        page.contains("réelle, peut-être petite") && page.contains("La répartition des codes a changé, peut-être peu.")
    );
    assert!(!drift(&json)[0].contains("Attributs comparés"));
}

#[test]
fn a_reference_without_rows_is_named() {
    let mut json = zero_json();
    json["traffic"]["predictions"] = json!(12);
    let days = json!({"from": "2025-10-02", "to": "2025-11-24"});
    json["scope"]["reference"] = json!({"period": days, "current": json["scope"]["period"], "chosen": "last_year"});
    json["warnings"] = json!([{"code": "no_reference", "subject": "last-year", "n": 0}]);
    let both = pages(&json);
    let wanted = "La période de référence, du 2\u{a0}octobre au 24\u{a0}novembre 2025 (52 semaines plus tôt, mêmes jours de semaine), ne contient aucune prédiction";
    assert_eq!(both[0].1.matches(wanted).count(), 2, "in the warnings and in the section");
    assert!(both[1].1.contains("(52 weeks before, the same weekdays), holds no prediction"));
    json["scope"]["reference"] = Value::Null;
    assert!(pages(&json)[1].1.contains("The reference that was asked for (last-year) has no days outside the period"));
    json["warnings"][0]["subject"] = json!("");
    assert!(pages(&json)[1].1.contains(Texts::of(Lang::En).s("warning.no_reference")));
}
