//! The report room: what a reader gets, in both languages, from assessments made by hand.

mod drift;
mod emerging;
mod versions;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vigie::{
    assess::assessment::Assessment,
    report::{self, Lang, PageContext, Texts, Vacancy},
};

mod alarms;
mod labels;

const HOSTILE: &str = "<script>alert(1)</script>&\"'{n}</title></style><svg onload=alert(1)>";

fn estimate(point: f64, lower: f64, upper: f64) -> Value {
    json!({"estimate": point, "lower": lower, "upper": upper})
}

fn nothing() -> Value {
    json!({"estimate": null, "lower": null, "upper": null})
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

fn zero_json() -> Value {
    let quantiles = json!({"n": 0, "p50": null, "p90": null, "p95": null, "p99": null, "p99.9": null});
    json!({
        "schema_version": 1,
        "scope": {
            "generated_at": "2026-11-24T05:30:12Z", "vigie_version": "0.1.0", "workspace": "default",
            "model": "codif-ape", "versions": [],
            "nomenclature": {"name": "NAF2025", "levels": ["section", "sous-classe"], "codes": [22, 746]},
            "period": {"from": "2026-10-01", "to": "2026-11-23"}, "reference": null, "time_zone": "Europe/Paris",
            "threshold": 0.7, "level": 2, "confidence_level": 0.95
        },
        "counts": serde_json::to_value(vigie::assess::assessment::Counts::default()).expect("counts"),
        "intake": [],
        "traffic": {"predictions": 0, "errors": 0, "error_rate": null, "auto": 0, "manual": 0, "automation_rate": null,
            "labelled": 0, "label_coverage": null, "clipped": 0, "unknown_codes": 0, "by_version": []},
        "accuracy": {"overall": [], "by_version": [], "assisted": [], "by_code": [], "confusions": [],
            "uncodable": [], "agreement": null},
        "threshold_curve": {"quality": 0.95, "lowest_safe": null, "automation_rate": null, "points": []},
        "review_design": [], "review_precision": {"goal": 0.01, "labels": 0,
            "present": {"half_width": null, "labels_for_goal": null}, "proposed": {"half_width": null, "labels_for_goal": null}},
        "drift": drift::nothing(),
        "emerging": emerging::nothing(),
        "calibration": {"ece": null, "brier": null, "n": 0, "bins": [], "confidence": []},
        "latency": with(quantiles, json!({"relative_error": 0.01, "by_version": [],
            "throughput": {"mean": null, "active_mean": null, "peak_hour": null, "peak_at": null}})),
        "series": {"daily": [], "accuracy_weekly": []},
        "alarms": alarms::nothing(), "before_labels": labels::nothing_before(),
        "warnings": [{"code": "no_predictions", "subject": "", "n": 0}]
    })
}

/// A period with something in every part; every name that a user can choose is `name`.
fn full_json(name: &str, codes: usize) -> Value {
    let mut a = zero_json();
    let scope = &mut a["scope"];
    scope["model"] = json!(name);
    scope["versions"] = json!([name, "2.0.0"]);
    scope["nomenclature"] = json!({"name": name, "levels": ["section", name], "codes": [22, 746]});
    let period = json!({"from": "2026-10-01", "to": "2026-11-23"});
    scope["reference"] = json!({"period": {"from": "2025-12-30", "to": "2026-01-04"}, "current": period, "chosen": "given", "version": null});
    a["intake"] = json!([
        {"kind": "prediction", "outcome": "accepted", "reason": "", "n": 104_592},
        {"kind": name, "outcome": "rejected", "reason": name, "n": 3}
    ]);
    a["counts"]["corrections"] = json!(7961);
    a["traffic"] = json!({"predictions": 104_592, "errors": 215, "error_rate": 0.002, "auto": 67_539, "manual": 36_838,
        "automation_rate": 0.647, "labelled": 7961, "label_coverage": 0.076, "clipped": 0, "unknown_codes": 0,
        "by_version": [{"version": name, "predictions": 104_592, "errors": 215, "automation_rate": 0.647, "labelled": 7961,
            "first_day": "2026-10-01", "last_day": "2026-11-23"}]});
    let mut overall = Vec::new();
    for level in 1..=2 {
        let level_name = if level == 1 { "section" } else { name };
        for route in ["all", "auto", "manual"] {
            for k in 1..=5 {
                let accuracy =
                    with(estimate(0.7817, 0.7714, 0.7921), json!({"n": 7961, "n_eff": 4000.0, "naive": 0.4474}));
                overall.push(with(accuracy, json!({"level": level, "level_name": level_name, "route": route, "k": k})));
            }
        }
    }
    let version = |version: &str, point: f64| {
        let accuracy =
            with(estimate(point, point - 0.01, point + 0.01), json!({"n": 100, "n_eff": 50.0, "naive": 0.4}));
        with(accuracy, json!({"version": version, "level": 2, "level_name": name}))
    };
    let by_code: Vec<_> = (0..codes)
        .map(|i| {
            let label = format!("{name} – un libellé aussi long que ceux des sous-classes de la nomenclature {i}");
            let share = || estimate(0.7412, 0.6123, 0.8456);
            json!({"code": format!("{i:04}Y{name}"), "label": label, "level": 2, "known": true,
                "sensitive": i == 7, "n_predicted": 10_000 - i, "n_labelled": if i % 5 == 4 { 2 } else { 120 }, "n_actual": 80,
                "automation_rate": 0.61, "precision": share(), "recall": share(), "f1": share(),
                "assisted_precision": share(), "worth": 40, "shrunk_precision": share(), "shrunk_recall": share()})
        })
        .collect();
    let assisted = |version: Option<&str>, route: &str| {
        with(
            estimate(0.7803, 0.7722, 0.7881),
            json!({"version": version, "route": route, "level": 0, "level_name": null, "post_stratified": 0, "unassisted": estimate(0.7817, 0.7714, 0.7921), "n": 7961,
                "worth": 12_345, "lambda": 0.97}),
        )
    };
    let assisted =
        [assisted(None, "all"), assisted(None, "auto"), assisted(None, "manual"), assisted(Some(name), "all")];
    a["accuracy"] = json!({
        "overall": overall, "by_version": [version(name, 0.76), version("2.0.0", 0.82)], "assisted": assisted, "by_code": by_code,
        "confusions": [{"predicted": name, "predicted_label": name, "actual": "B", "actual_label": name, "n": 12,
            "weighted": 333.4, "share_of_predicted": 0.101}],
        "uncodable": labels::uncodable(), "agreement": labels::agreement(name)
    });
    let points = (0..50).map(|i| {
        let at = f64::from(i) / 50.0;
        let short = |x: f64| (x * 1000.0).round() / 1000.0;
        let [point, lower, upper] = [0.78, 0.75, 0.8].map(|from| short(from + at / 5.0));
        json!({"threshold": at, "automation_rate": short(1.0 - at), "auto": 1000 - i, "manual": i, "labels": 100,
            "quality": estimate(point, lower, upper), "manual_accuracy": 0.4})
    });
    a["threshold_curve"] =
        json!({"quality": 0.95, "lowest_safe": 0.62, "automation_rate": 0.71, "points": points.collect::<Vec<_>>()});
    a["review_design"] = json!([{"stratum": "auto 0.9-1.0", "route": "auto", "lower": 0.9, "upper": 1.0, "predictions": 50_000,
        "labelled": 2500, "accuracy": 0.97, "present_rate": 0.05, "proposed_rate": 0.021}]);
    a["review_precision"] = json!({"goal": 0.01, "labels": 7961, "present": {"half_width": 0.0083, "labels_for_goal": 5500},
        "proposed": {"half_width": 0.0041, "labels_for_goal": null}});
    a["drift"] = drift::found(name, codes);
    a["emerging"] = emerging::found(name);
    a["calibration"] = json!({"ece": 0.061, "brier": 0.142, "n": 7961,
        "bins": [{"lower": 0.9, "upper": 1.0, "n_predicted": 900, "n_labelled": 90, "mean_probability": 0.95,
            "accuracy": estimate(0.9, 0.85, 0.93)}],
        "confidence": [{"lower": 0.98, "upper": 1.0, "n": 900, "auto": 800, "accuracy": null, "n_labelled": 0}]});
    let quantiles = json!({"n": 104_592, "p50": 19.3, "p90": 40.5, "p95": 56.0, "p99": 112.0, "p99.9": 1274.0});
    a["latency"] = with(
        quantiles.clone(),
        json!({"relative_error": 0.01,
        "by_version": [with(quantiles, json!({"version": name}))],
        "throughput": {"mean": 0.0138, "active_mean": 0.047, "peak_hour": 12.5, "peak_at": "2026-11-04T09:00:00Z"}}),
    );
    let days = (1..=23).map(|day| {
        json!({"day": format!("2026-11-{day:02}"), "predictions": 1500, "errors": 3, "auto": 997, "manual": 500,
            "automation_rate": 0.666, "labelled": 80, "mean_confidence": 0.7, "accuracy": nothing(),
            "p50": 19.3, "p95": 56.0, "p99": 112.0})
    });
    let weeks = ["2026-11-02", "2026-11-09", "2026-11-16"].map(|week| {
        let accuracy = with(estimate(0.78, 0.74, 0.82), json!({"n": 600, "n_eff": 300.0, "naive": 0.4}));
        with(accuracy, json!({"week": week, "level": 2, "route": "all", "assisted": estimate(0.81, 0.78, 0.84)}))
    });
    a["series"] = json!({"daily": days.collect::<Vec<_>>(), "accuracy_weekly": weeks});
    a["versions"] = versions::found(name);
    a["alarms"] = alarms::rung(name);
    a["before_labels"] = labels::before(name);
    a["warnings"] = json!([{"code": "unknown_codes", "subject": name, "n": 9}]);
    a
}

fn assessment(json: Value) -> Assessment {
    serde_json::from_value(json).expect("an assessment")
}

fn pages(json: &Value) -> Vec<(Lang, String)> {
    let a = assessment(json.clone());
    Lang::ALL.into_iter().map(|lang| (lang, report::html(&a, lang).expect("a page"))).collect()
}

fn between<'a>(page: &'a str, open: &str, close: &str) -> &'a str {
    page.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inside, _)| inside)
}

/// Checks that every element is closed where it should be, skipping what stands in scripts and styles.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 4] = ["meta", "input", "br", "link"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some((_, tail)) = rest.split_once('<') {
        let mut quoted = false;
        let end = tail
            .find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            })
            .expect("a tag ends");
        let (tag, after) = (&tail[..end], &tail[end + 1..]);
        rest = after;
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().expect("a name");
        if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closing </{name}> before {:.80}", rest);
            continue;
        }
        open.push(name);
        if name == "script" || name == "style" {
            let close = rest.find(&format!("</{name}>")).expect("raw text ends");
            rest = &rest[close..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn both_languages_say_the_same_things() {
    let placeholders = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
    };
    let (french, english) = (Texts::of(Lang::Fr), Texts::of(Lang::En));
    let keys: Vec<_> = french.keys().collect();
    assert!(keys.len() > 200, "the texts were read");
    assert_eq!(keys, english.keys().collect::<Vec<_>>());
    for key in keys {
        assert_eq!(placeholders(french.s(key)), placeholders(english.s(key)), "{key}");
    }
}

#[test]
fn every_key_in_use_exists() {
    let texts = Texts::of(Lang::Fr);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src/report"), root.join("reports")];
    let mut used = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "html") {
                let source = std::fs::read_to_string(&path).expect("a source");
                for call in source.split("t.s(\"").skip(1).chain(source.split("t.f(\"").skip(1)) {
                    let key = call.split('"').next().expect("a key");
                    assert!(texts.find(key).is_some(), "{key} in {}", path.display());
                    used += 1;
                }
            }
        }
    }
    assert!(used > 100);
}

#[test]
fn an_empty_period_still_makes_a_page() {
    for (lang, page) in pages(&zero_json()) {
        assert_well_formed(&page);
        assert!(!page.contains("NaN"), "{lang}");
        assert!(page.contains("<p class=\"big\">–</p>"), "{lang}: a dash for what cannot be said");
        assert!(page.contains(Texts::of(lang).s("accuracy.none")));
        assert!(!page.contains("<svg"), "{lang}: no chart without data");
    }
}

#[test]
fn hostile_names_stay_text() {
    for (lang, page) in pages(&full_json(HOSTILE, 20)) {
        assert_well_formed(&page);
        assert!(!page.contains("<script>alert"), "{lang}");
        assert!(!page.contains("<svg onload"), "{lang}");
        assert!(page.matches("<script>").count() == 1 && page.matches("<style>").count() == 1, "{lang}: only its own");
        assert!(
            page.contains("{n}&lt;/title&gt;") || page.contains("{n}&#60;/title&#62;"),
            "{lang}: not filled in again"
        );
    }
    let context = PageContext {
        models: vec![HOSTILE.to_owned()],
        model: HOSTILE.to_owned(),
        from: "\"><script>alert(1)</script>".to_owned(),
        status: HOSTILE.to_owned(),
        refresh: Some(60),
        ..PageContext::default()
    };
    let page = report::page(&assessment(full_json(HOSTILE, 3)), Lang::En, &context).expect("a page");
    assert_well_formed(&page);
    assert!(!page.contains("<script>alert") && page.contains("http-equiv=\"refresh\" content=\"60\""));
    let empty =
        report::empty_page(Lang::Fr, Vacancy::Topics { predictions: HOSTILE, corrections: HOSTILE }).expect("a page");
    assert_well_formed(&empty);
    assert!(!empty.contains("<script>alert") && empty.contains("vigie replay"));
    let waiting = report::empty_page(Lang::En, Vacancy::Waiting { detail: HOSTILE }).expect("a page");
    assert!(!waiting.contains("<script>alert") && waiting.contains("http-equiv=\"refresh\""));
    let empty = report::empty_page(Lang::Fr, Vacancy::Journal).expect("a page");
    assert!(empty.contains("/api/v1/events") && !empty.contains("http-equiv"));
}

#[test]
fn a_full_nomenclature_is_one_light_file() {
    for (lang, page) in pages(&full_json("codif", 732)) {
        assert_well_formed(&page);
        assert!(page.len() < 700_000, "{lang}: {} bytes", page.len());
        assert_eq!(between(&page, "id=\"code-table\"", "</table>").matches("<tr").count(), 733, "{lang}");
        for outside in ["src=", "href=\"http", "href='http", "url(", "@import", "<link", "<img", "<iframe"] {
            assert!(!page.contains(outside), "{lang}: {outside}");
        }
        assert!(page.matches("<svg ").count() >= 8, "{lang}");
        assert_eq!(page.matches("<svg ").count(), page.matches("role=\"img\"><title>").count(), "every chart is named");
    }
}

#[test]
fn numbers_and_dates_are_the_readers() {
    let pages = pages(&full_json("codif", 12));
    let (french, english) = (&pages[0].1, &pages[1].1);
    for wanted in [
        "du 1er\u{a0}octobre au 23\u{a0}novembre 2026",
        "du 30\u{a0}décembre 2025 au 4\u{a0}janvier 2026",
        "104\u{202f}592",
        "78,2\u{202f}%",
        "[77,1\u{202f};\u{a0}79,2]",
        "24\u{a0}novembre 2026 à 06:30",
        "<\u{a0}0,001",
        "1,27\u{202f}s",
        "Sans pondération, on lirait 44,7\u{202f}%",
        "s’appuie sur ceux des codes voisins",
    ] {
        let escaped = wanted.replace('<', "&#60;");
        assert!(french.contains(wanted) || french.contains(&escaped), "{wanted}");
    }
    for wanted in [
        "1\u{a0}October to 23\u{a0}November 2026",
        "104,592",
        "78.2%",
        "[77.1,\u{a0}79.2]",
        "+5.78\u{202f}pp",
        "leans on those of the codes beside it",
    ] {
        assert!(english.contains(wanted), "{wanted}");
    }
    assert!(french.starts_with("<!doctype html>\n<html lang=\"fr\">") && english.contains("<html lang=\"en\">"));
    let words = between(french, "<main>", "</main>");
    assert!(
        words.len() > 20_000 && !words.contains(" :") && !words.contains(" ;"),
        "no plain space before double punctuation"
    );
}

#[test]
fn numbers_at_their_edges() {
    let (french, english) = (Texts::of(Lang::Fr), Texts::of(Lang::En));
    assert_eq!(french.int(1_234_567), "1\u{202f}234\u{202f}567");
    assert_eq!(english.int(999), "999");
    assert_eq!(english.pct(None), "–");
    assert_eq!(english.pct(Some(f64::NAN)), "–");
    assert_eq!(english.pct(Some(0.0)), "0.0%");
    assert_eq!(english.pct(Some(1.0)), "100.0%");
    assert_eq!(english.pct(Some(0.0001)), "<\u{202f}0.1%");
    assert_eq!(english.pct(Some(0.9999)), ">\u{202f}99.9%");
    assert_eq!(french.dec(-0.04, 1), "0,0");
    assert_eq!(french.dec(-1234.5, 1), "−1\u{202f}234,5");
    assert_eq!(english.p_phrase("p", 0.0321), "p\u{a0}=\u{a0}0.032");
    assert_eq!(english.ms(Some(f64::INFINITY)), "–");
    assert_eq!(french.day("2026-11-23"), "23\u{a0}novembre 2026");
    assert_eq!(french.day("not a day"), "not a day");
    assert_eq!("EN-gb".parse::<Lang>(), Ok(Lang::En));
    assert!("de".parse::<Lang>().is_err());
}

#[test]
fn what_stands_out_is_said() {
    let pages = pages(&full_json("codif", 12));
    let french = between(&pages[0].1, "class=\"findings\"", "</ul>");
    let english = between(&pages[1].1, "class=\"findings\"", "</ul>");
    assert!(french.contains("La nouvelle version code mieux.") && english.contains("The new version codes better."));
    assert!(french.contains("La répartition des codes a changé.") && english.contains("(p\u{a0}&#60;\u{a0}0.001)"));
    assert!(english.contains("went from 3.31% to 9.09% of predictions"));
    assert!(english.contains("In all, the shares of 12 codes changed beyond chance."));
}

#[test]
fn the_twin_has_the_same_numbers() {
    let a = assessment(full_json("codif", 12));
    let twin: Assessment = serde_json::from_str(&report::json(&a)).expect("the twin");
    assert_eq!(twin, a);
}
