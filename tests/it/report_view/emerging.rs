//! Emerging activities as a reader sees them.

use serde_json::{Value, json};

use super::{HOSTILE, assert_well_formed, between, estimate, full_json, pages};

pub fn nothing() -> Value {
    json!({"false_discovery_rate": 0.05, "n_reference": 0, "n_current": 0, "sampled": false, "tested": 0,
        "significant": 0, "terms": [], "codes_given": [], "clusters": [], "doubted": 0, "rest": 0})
}

fn texts(name: &str) -> Value {
    json!({"texts": 12, "days": 4, "examples": [format!("exemple de {name}")], "labelled": 9,
        "predicted": [{"code": "4778C", "label": name, "n": 20, "share": 0.8}, {"code": "9529Z", "label": "", "n": 5, "share": 0.2}],
        "actual": [{"code": "4764Z", "label": name, "n": 9, "share": 1.0}]})
}

fn merged(mut one: Value, more: Value) -> Value {
    if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
        one.extend(more);
    }
    one
}

fn term(term: &str, kind: &str, n_reference: u64, p: f64) -> Value {
    let ratio = if n_reference > 0 {
        estimate(12.34, 4.56, 78.9)
    } else {
        json!({"estimate": null, "lower": 4.56, "upper": null})
    };
    merged(
        json!({"term": term, "kind": kind, "n_reference": n_reference, "n_current": 25, "share_reference": 0.0002,
            "share_current": 0.0031, "ratio": ratio, "log_odds": 2.1, "z": 4.2, "p_value": p, "q_value": p * 10.0}),
        texts(term),
    )
}

/// Something in every part; every name that a user can choose is `name`.
pub fn found(name: &str) -> Value {
    let group = json!({"terms": [name, "drone"], "n": 15, "confident": 5, "share_doubted": 0.75, "n_reference": 2});
    let given = json!({"code": "4764Z", "label": name, "n_reference": 0, "n_current": 9, "share_reference": 0.0, "share_current": 0.004,
        "ratio": {"estimate": null, "lower": 3.2, "upper": null}, "log_odds": 2.1, "z": 4.2, "p_value": 1e-5, "q_value": 1e-3});
    json!({"false_discovery_rate": 0.05, "n_reference": 41_234, "n_current": 5678, "sampled": true, "tested": 4321,
        "significant": 9, "terms": [term(name, "share", 3, 1e-9), term("vélo cargo", "share", 0, 1e-12),
            term(name, "errors", 0, 1e-4)],
        "codes_given": [merged(given, texts(name))],
        "clusters": [merged(group, texts(name))], "doubted": 1234, "rest": 1219})
}

#[test]
fn a_term_has_one_row_with_all_it_rises_among() {
    let pages = pages(&full_json("codif", 3));
    let section = |page: &str| between(page, "<section id=\"emerging\">", "</section>").to_owned();
    let (french, english) = (section(&pages[0].1), section(&pages[1].1));
    // the most certain first
    let rows: Vec<&str> = french.split("<tr>").filter(|row| row.contains("<td><b>")).collect();
    assert_eq!(rows.len(), 4, "two terms, a code and a group");
    assert!(rows[2].contains("<b>4764Z</b><small>codif</small>") && rows[2].contains("0 → 9"), "{}", rows[2]);
    assert!(rows[0].contains("<b>vélo cargo</b><small>libellés</small>"));
    assert!(rows[0].contains("nouveau<small>≥\u{a0}×4,6</small>"));
    assert!(rows[1].contains("<b>codif</b><small>libellés, erreurs</small>"));
    assert!(rows[1].contains("×12<small>[4,6\u{202f}; 79]</small>"));
    assert!(rows[1].contains("0,02\u{202f}% → 0,31\u{202f}%<small>3 → 25</small>"));
    assert!(rows[1].contains("<b>4764Z</b> 100\u{202f}%<small>codif</small>"));
    assert!(rows[3].contains("<b>codif, drone</b>") && rows[3].contains("75,0\u{202f}%"));
    assert!(french.contains("2 mots et expressions") && french.contains("4\u{202f}321 tests"));
    assert!(french.contains("Seule une partie des libellés"));
    assert!(english.contains("<b>codif</b><small>descriptions, errors</small>"));
    assert!(english.contains("[4.6, 79]") && english.contains("1,219 are in no group"));
    let said = between(&pages[0].1, "class=\"findings\"", "</ul>");
    assert!(said.contains("«\u{202f}vélo cargo\u{202f}», «\u{202f}codif\u{202f}»"), "{said}");
}

#[test]
fn what_users_wrote_stays_text() {
    for (lang, page) in pages(&full_json(HOSTILE, 3)) {
        assert_well_formed(&page);
        let section = between(&page, "<section id=\"emerging\">", "</section>");
        assert!(section.contains("script") && !section.contains("<script") && !section.contains("<svg"), "{lang}");
    }
}

#[test]
fn why_there_is_nothing_is_said() {
    let said = |change: &dyn Fn(&mut Value)| {
        let mut a = full_json("codif", 3);
        a["emerging"] = nothing();
        change(&mut a);
        let page = pages(&a).swap_remove(0).1;
        let section = between(&page, "<section id=\"emerging\">", "</section>").to_owned();
        assert!(!section.contains("<table") && section.contains("class=\"none\""), "{section}");
        section
    };
    assert!(said(&|_| ()).contains("n’a pas de libellés"));
    assert!(said(&|a| a["scope"]["reference"] = Value::Null).contains("Pas de période de référence"));
    let read = |a: &mut Value, tested: u64| {
        for n in ["n_reference", "n_current"] {
            a["emerging"][n] = json!(1000);
        }
        a["emerging"]["tested"] = json!(tested);
    };
    assert!(said(&|a| read(a, 0)).contains("Trop peu de libellés"));
    assert!(
        said(&|a| read(a, 700)).contains("Aucun mot ni expression") && said(&|a| read(a, 700)).contains("700 tests")
    );
}

#[test]
fn many_terms_are_cut_short() {
    let mut a = full_json("codif", 3);
    let terms = (0..300).map(|n| term(&format!("mot{n}"), "share", 1, 1e-9));
    a["emerging"]["terms"] = terms.collect();
    for (lang, page) in pages(&a) {
        let section = between(&page, "<section id=\"emerging\">", "</section>");
        assert_eq!(section.matches("<b>mot").count(), 40, "{lang}");
        assert!(section.contains("260"), "{lang}");
    }
}
