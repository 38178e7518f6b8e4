//! The last version against the one before it, as a reader sees it.

use serde_json::{Value, json};

use super::{HOSTILE, assert_well_formed, between, estimate, full_json, pages};

fn nothing() -> Value {
    json!({"estimate": null, "lower": null, "upper": null})
}

fn change(code: &str, name: &str, verdict: &str) -> Value {
    let d = if verdict == "hurt" { -0.4 } else { 0.6 };
    json!({"code": code, "label": name, "level": 2, "level_name": name, "share": "recall", "verdict": verdict,
        "before": estimate(0.4, 0.2, 0.6), "after": estimate(0.4 + d, 0.0, 1.0), "difference": estimate(d, d - 0.1, d + 0.1),
        "n_before": 123, "n_after": 45, "q_value": 0.0123})
}

/// Something in every part; every name that a user can choose is `name`.
pub fn found(name: &str) -> Value {
    json!({"before": name, "after": "2.0.0", "n_before": 6125, "n_after": 1836,
        "plain": estimate(0.0612, -0.0012, 0.1226),
        "standardised": {"level": 1, "level_name": name, "difference": estimate(0.0534, 0.0123, 0.0951), "uncovered": 0.031},
        "assisted": estimate(-0.0301, -0.0502, -0.0104),
        "paired": {"texts": 1687, "only_before": 31, "only_after": 401, "difference": estimate(0.16, 0.13, 0.2), "p_value": 1e-9},
        "codes": [change("1111Z", name, "helped"), change("2222Z", name, "hurt")], "false_discovery_rate": 0.05})
}

fn sections(a: &Value) -> Vec<String> {
    let section = |page: &str| between(page, "<section id=\"accuracy\">", "</section>").to_owned();
    pages(a).iter().map(|(_, page)| section(page)).collect()
}

#[test]
fn each_comparison_has_its_interval_and_its_words() {
    let a = full_json("codif", 3);
    let [french, english] = &sections(&a)[..] else { panic!("two languages") };
    for wanted in [
        "<h3>2.0.0 face à codif</h3>",
        "+5,3\u{202f}pt",
        "[+1,2\u{202f}; +9,5]",
        "rien d’établi",
        "la nouvelle version est moins bonne",
        "Sur 1\u{202f}687 libellés que les deux ont codés",
        "rappel, en baisse",
    ] {
        assert!(french.contains(wanted), "{wanted}");
    }
    for wanted in [
        "<h3>2.0.0 against codif</h3>",
        "[-0.1, +12.3]".replace('-', "−").as_str(),
        "nothing either way",
        "3.1% of the mix left out",
        "right with the earlier only: 31, with the later only: 401",
        "codif: 1\u{a0}October to 23\u{a0}November 2026, 6,125 labels",
    ] {
        assert!(english.contains(wanted), "{wanted}");
    }
    // what was hurt comes first
    assert!(english.find("2222Z").expect("hurt") < english.find("1111Z").expect("helped"));
    let said = between(&pages(&a)[1].1, "class=\"findings\"", "</ul>").to_owned();
    assert!(said.contains("2.0.0 against codif: +5.3\u{202f}pp of accuracy") && said.contains("on one mix"), "{said}");
}

#[test]
fn what_cannot_be_compared_is_not_shown() {
    let mut a = full_json("codif", 3);
    let parts = |a: &Value| sections(a)[1].clone();
    a["versions"]["codes"] = json!([]);
    a["versions"]["paired"] = Value::Null;
    a["versions"]["standardised"] =
        json!({"level": null, "level_name": null, "difference": nothing(), "uncovered": 0.0});
    a["versions"]["plain"] = nothing();
    let said = parts(&a);
    assert!(said.contains("Of no code or group of codes") && !said.contains("that both coded</td>"));
    assert!(!said.contains("On one mix") && said.contains("title=\"too few labels\""));
    let findings = between(&pages(&a)[1].1, "class=\"findings\"", "</ul>").to_owned();
    assert!(!findings.contains("version"), "{findings}");
    for gone in [&|a: &mut Value| a["versions"]["n_after"] = json!(0), &|a: &mut Value| a["versions"] = Value::Null]
        as [&dyn Fn(&mut Value); 2]
    {
        let mut a = a.clone();
        gone(&mut a);
        assert!(!parts(&a).contains("2.0.0 against"));
    }
}

#[test]
fn names_of_versions_and_codes_stay_text_and_lists_end() {
    let mut a = full_json(HOSTILE, 3);
    a["versions"]["codes"] = (0..200).map(|i| change(&format!("code{i}"), HOSTILE, "helped")).collect();
    for (lang, page) in pages(&a) {
        assert_well_formed(&page);
        let section = between(&page, "<section id=\"accuracy\">", "</section>");
        assert!(!section.contains("<script") && !section.contains("<svg onload"), "{lang}");
        assert_eq!(section.matches("<td class=\"\">code").count(), 15, "{lang}");
        assert!(section.contains("185"), "{lang}: how many are not shown");
    }
}
