//! Predictions that name no route: labels are told apart by the rate at which they were drawn.

use serde_json::Value;

use crate::harness::{fixture, run};

fn report(dir: &std::path::Path, threshold: &[&str]) -> Value {
    let [predictions, corrections] =
        ["predictions", "corrections"].map(|name| fixture(&format!("streams/{name}.ndjson.zst")).display().to_string());
    let files = ["report", "--predictions", &predictions, "--corrections", &corrections, "--nomenclature", "naf-rev2"];
    let written = ["--out", "report.html", "--json", "report.json"];
    run(dir, &[&files[..], &written[..], threshold].concat()).expect(0);
    serde_json::from_slice(&std::fs::read(dir.join("report.json")).expect("a report")).expect("JSON")
}

/// Its numbers, `[estimate, lower, upper]`.
fn bounds(of: &Value) -> [f64; 3] {
    ["estimate", "lower", "upper"].map(|name| of[name].as_f64().unwrap_or(f64::NAN))
}

fn alike(named: &Value, unnamed: &Value, within: f64, what: &str) {
    for (x, y) in bounds(named).into_iter().zip(bounds(unnamed)) {
        assert!(x.is_nan() && y.is_nan() || (x - y).abs() <= within, "{what}: {named} {unnamed}");
    }
}

/// Rows of a table with the wanted words.
fn rows<'a>(table: &'a Value, wanted: &[(&str, Value)]) -> Vec<&'a Value> {
    let rows = table.as_array().expect("a table").iter();
    rows.filter(|row| wanted.iter().all(|(name, value)| row[*name] == *value)).collect()
}

/// The sample's threshold decides who is reviewed at which rate. Who does not know it sees two rates.
#[test]
fn a_review_says_the_same_where_nobody_says_which_route_it_was_of() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (named, unnamed) = (report(dir.path(), &["--threshold", "0.7"]), report(dir.path(), &[]));
    let automatic = |of: &Value| rows(&of["accuracy"]["overall"], &[("route", "auto".into())])[0]["n"].clone();
    assert!(automatic(&named).as_u64() > Some(1_000) && automatic(&unnamed) == 0, "{}", automatic(&unnamed));
    let page = std::fs::read_to_string(dir.path().join("report.html")).expect("a page");
    assert!(page.contains("de circuit inconnu") && !page.contains("chaque prédiction indique son circuit"));

    let all = [("route", "all".into())];
    for path in ["/accuracy/overall", "/series/accuracy_weekly"] {
        let [x, y] = [&named, &unnamed].map(|of| rows(of.pointer(path).expect("a table"), &all));
        assert!(x.len() == y.len() && x.len() > 3, "{path}: {} {}", x.len(), y.len());
        x.into_iter().zip(y).for_each(|(x, y)| alike(x, y, 1e-9, path));
    }
    for (path, shares) in [
        ("/accuracy/by_code", &["precision", "recall", "f1", "shrunk_precision", "assisted_precision"][..]),
        ("/calibration/bins", &["accuracy"]),
    ] {
        let [x, y] = [&named, &unnamed].map(|of| rows(of.pointer(path).expect("a table"), &[]));
        assert!(x.len() == y.len() && x.len() > 3, "{path}: {} {}", x.len(), y.len());
        for (x, y) in x.into_iter().zip(y) {
            shares.iter().for_each(|share| alike(&x[*share], &y[*share], 1e-6, &format!("{path} {share}")));
        }
    }
    let [x, y] = [&named, &unnamed].map(|of| of.pointer("/versions/standardised/difference").expect("a difference"));
    alike(x, y, 1e-9, "versions");
    // the confidence helps here, too, though how many predictions are of each rate is not counted
    let [x, y] = [&named, &unnamed].map(|of| rows(&of["accuracy"]["assisted"], &all)[0]);
    alike(x, y, 0.004, "assisted");
    assert!(y["worth"].as_u64() > y["n"].as_u64(), "{y}");
}
