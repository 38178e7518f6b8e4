//! The rules of the design over plain maps, without anything of the product but its names of cells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vigie::event::Route;

use crate::harness::{Canonical, cell_name};

/// Ancestors of the codes that the generator uses, coarsest first; `None` where NAF rev. 2 has no such code.
fn path(nomenclature: &str, code: &str) -> Option<Vec<String>> {
    if nomenclature != "naf-rev2" {
        return Some(vec![code.to_owned()]);
    }
    let section = match code.get(..2)? {
        "56" => "I",
        "62" => "J",
        _ => return None,
    };
    let cuts = [2, 3, 4, 5].into_iter().filter(|n| *n <= code.len()).map(|n| code[..n].to_owned());
    Some(std::iter::once(section.to_owned()).chain(cuts).collect())
}

fn plain(code: &str) -> String {
    code.replace('.', "").to_uppercase()
}

fn millis(event: &Value, field: &str) -> i64 {
    event[field].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond()
}

fn key(event: &Value, field: &str) -> String {
    format!("{}/{}", event["workspace"].as_str().unwrap_or("default"), event[field].as_str().expect("an id"))
}

/// What an event says, whether it writes a default or leaves it out.
fn said(event: &Value) -> String {
    let mut event = event.clone();
    let fields = event.as_object_mut().expect("an object");
    if fields.contains_key("correction_id") {
        fields.entry("revision").or_insert(1.into());
        fields.entry("retracted").or_insert(false.into());
    }
    event.to_string()
}

/// Of the bodies under one id the earliest; `None` when two tie, which the design leaves to a hash.
fn earliest(bodies: &BTreeSet<String>, time: &str) -> Option<Value> {
    let mut parsed: Vec<Value> = bodies.iter().map(|b| serde_json::from_str(b).expect("JSON")).collect();
    parsed.sort_by_key(|e| millis(e, time));
    if parsed.len() > 1 && millis(&parsed[0], time) == millis(&parsed[1], time) {
        return None;
    }
    Some(parsed.swap_remove(0))
}

const UNIT: f64 = (1_u64 << 28) as f64;
const ONE: f64 = (1_u64 << 30) as f64;

#[derive(Default)]
struct Made(Canonical);

impl Made {
    fn count(&mut self, cell: String, n: i64) {
        *self.0.counts.entry(cell).or_default() += n;
    }

    fn row(&mut self, cell: String, weight: Option<f64>, score: f64) {
        let w = weight.unwrap_or(1.0);
        let m = self.0.moments.entry(cell).or_default();
        m.0 += 1;
        m.1 += i64::from(weight.is_none());
        m.2 += (w * UNIT) as i64;
        m.3 += ((w * w + f64::from(u8::from(weight.is_none()))) * UNIT) as i128;
        m.4 += (w * score * UNIT) as i64;
        m.5 += (w * score * score * UNIT) as i64;
    }

    fn receive(&mut self, kind: &str, outcome: &str, reason: &str, n: usize) {
        if n > 0 {
            *self.0.intake.entry((kind.into(), outcome.into(), reason.into())).or_default() += n as i64;
        }
    }
}

/// `None` where the design leaves the choice to a hash.
pub fn facts(lines: &[String], bad: &[(&str, &str, &str)]) -> Option<Canonical> {
    let mut made = Made::default();
    let mut predictions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut corrections: BTreeMap<(String, String, i64, String), BTreeSet<String>> = BTreeMap::new();
    let mut good = BTreeMap::from([("prediction", 0), ("correction", 0)]);
    for line in lines {
        if let Some((_, kind, reason)) = bad.iter().find(|(text, ..)| text == line) {
            made.receive(kind, "rejected", reason, 1);
            continue;
        }
        let event: Value = serde_json::from_str(line).expect("JSON");
        let text = |field: &str| event[field].as_str().unwrap_or("").to_owned();
        if event.get("correction_id").is_some() {
            *good.entry("correction").or_default() += 1;
            let revision = event["revision"].as_i64().unwrap_or(1);
            let id = (key(&event, "prediction_id"), text("correction_id"), revision, text("model"));
            corrections.entry(id).or_default().insert(said(&event));
        } else {
            *good.entry("prediction").or_default() += 1;
            predictions.entry((key(&event, "prediction_id"), text("model"))).or_default().insert(said(&event));
        }
    }
    for (kind, ids, bodies) in [
        ("prediction", predictions.len(), predictions.values().map(BTreeSet::len).sum::<usize>()),
        ("correction", corrections.len(), corrections.values().map(BTreeSet::len).sum()),
    ] {
        made.receive(kind, "accepted", "", ids);
        made.receive(kind, "rejected", "conflict", bodies - ids);
        made.receive(kind, "duplicate", "", good[kind] - bodies);
    }
    let mut held: Vec<(String, Value)> = Vec::new();
    for ((on, ..), bodies) in &corrections {
        held.push((on.clone(), earliest(bodies, "corrected_at")?));
    }
    // corrections beyond the first of the prediction (or of the prediction of one model) they name
    let named: BTreeSet<(&String, &str)> = held.iter().map(|(on, c)| (on, c["model"].as_str().unwrap_or(""))).collect();
    made.0.standing[4] = (held.len() - named.len()) as i64;
    let answers = |c: &Value, model: &str| c["model"].as_str().is_none_or(|m| m == model);
    made.0.standing[5] =
        held.iter().filter(|(on, c)| !predictions.keys().any(|(id, model)| id == on && answers(c, model))).count()
            as i64;
    for ((id, model), bodies) in &predictions {
        let p = earliest(bodies, "predicted_at")?;
        let label = held.iter().filter(|(on, c)| on == id && answers(c, model)).map(|(_, c)| c).max_by_key(|c| {
            let id = c["correction_id"].as_str().unwrap_or("").to_owned();
            (c["revision"].as_i64().unwrap_or(1), millis(c, "corrected_at"), id, c["model"].is_string())
        });
        let on_it: Vec<&Value> = held.iter().filter(|(on, c)| on == id && answers(c, model)).map(|(_, c)| c).collect();
        one(&mut made, &p, label, &opinions(&on_it));
    }
    made.0.counts.retain(|_, n| *n != 0);
    Some(made.0)
}

/// The first opinion of each annotator: who, and the code.
fn opinions(corrections: &[&Value]) -> Vec<(String, String)> {
    let mut first: BTreeMap<&str, (i64, &str, &Value)> = BTreeMap::new();
    let counts = |c: &&&Value| c["revision"].as_i64().unwrap_or(1) == 1 && c["retracted"] != true;
    for c in corrections.iter().filter(counts) {
        let Some(annotator) = c["annotator"].as_str() else { continue };
        let new = (millis(c, "corrected_at"), c["correction_id"].as_str().unwrap_or(""));
        let held = first.entry(annotator).or_insert((new.0, new.1, c));
        if (new, c["model"].is_string()) < ((held.0, held.1), held.2["model"].is_string()) {
            *held = (new.0, new.1, c);
        }
    }
    let said = |(who, (.., c)): (&str, (i64, &str, &Value))| {
        (who.to_owned(), c["code"].as_str().map(plain).unwrap_or_default())
    };
    first.into_iter().map(said).collect()
}

fn one(made: &mut Made, p: &Value, label: Option<&Value>, opinions: &[(String, String)]) {
    let text = |field: &str| p[field].as_str().unwrap_or("");
    let (model, nomenclature) = (text("model"), text("nomenclature"));
    let workspace = p["workspace"].as_str().unwrap_or("default");
    let series = format!("{workspace}|{model}|{}|{nomenclature}", text("model_version"));
    let hour = millis(p, "predicted_at").div_euclid(3_600_000);
    let failed = text("status") == "error";
    let raw = p["confidence"].as_f64().expect("confidence");
    let route = match p["route"].as_str() {
        _ if failed => None,
        Some("auto") => Some(Route::Auto),
        Some(_) => Some(Route::Manual),
        None if model == "m1" => Some(if raw >= 0.75 { Route::Auto } else { Route::Manual }),
        None => None,
    };
    let cell = |table: &str, rest: &str| cell_name(table, &series, hour, route, rest);
    let candidates: Vec<(String, f64)> = p["candidates"]
        .as_array()
        .expect("candidates")
        .iter()
        .map(|c| (plain(c["code"].as_str().expect("code")), c["probability"].as_f64().expect("probability")))
        .collect();
    let scores = [("probability", candidates[0].1, 20.0), ("confidence", raw.min(1.0), 50.0)];
    let bin = |score: f64, bins: f64| (score * bins + 1e-6).floor().min(bins - 1.0);
    let starts = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.82, 0.86, 0.9, 0.92, 0.94, 0.96, 0.98];
    let grade = if failed { 0 } else { starts.iter().filter(|start| raw.min(1.0) >= **start).count() };
    made.count(cell("tally", "predictions"), 1);
    made.count(cell("tally", "clipped"), i64::from(raw > 1.0));
    if let Some(ms) = p["latency_ms"].as_f64() {
        made.count(cell("latency", &vigie::measure::sketch::bin(ms).to_string()), 1);
    }
    if failed {
        made.count(cell("tally", "errors"), 1);
        made.0.standing[0] += 1;
    } else {
        made.count(cell("volume", &format!("{}|{grade}", candidates[0].0)), 1);
        made.count(cell("tally", "unknown_code"), i64::from(path(nomenclature, &candidates[0].0).is_none()));
        for (name, score, bins) in scores {
            made.count(cell("tally", &format!("{name}_sum")), (score * ONE) as i64);
            made.count(cell("score", &format!("{name}|{}", bin(score, bins))), 1);
        }
    }
    let said = label.filter(|c| c["retracted"] != true);
    let rate = match route {
        Some(Route::Auto) if model == "m1" => Some(4.0),
        Some(Route::Manual) if model == "m1" => Some(2.0),
        _ => None,
    };
    let weight = said.and_then(|c| c["inclusion_probability"].as_f64().map(|pi| 1.0 / pi).or(rate));
    let attributes = p["attributes"]["form"].as_str().map_or(String::new(), |form| format!("form={form}"));
    let says_something = !text("text").is_empty() || !attributes.is_empty();
    if !failed && says_something {
        let verdict = said.map(|c| {
            let code = c["code"].as_str().map(plain).unwrap_or_default();
            format!("{code} {} {weight:?}", c["source"].as_str().expect("source"))
        });
        let rest = [text("text"), &attributes, &candidates[0].0, &raw.min(1.0).to_string(), &format!("{verdict:?}")];
        made.count(cell("specimen", &rest.join("|")), 1);
    }
    let Some(c) = label else { return };
    if c["retracted"] == true {
        made.0.standing[3] += 1;
        return;
    }
    if opinions.len() > 1 {
        // m1 alone names people
        let named = |who: &String| if model == "m1" { who.clone() } else { String::new() };
        let mut each: Vec<String> = opinions.iter().map(|(who, code)| format!("{}:{code}", named(who))).collect();
        each.sort();
        made.count(cell("opinion", &each.join("|")), 1);
    }
    let source = c["source"].as_str().expect("source");
    let predicted = if failed { "" } else { &candidates[0].0 };
    let actual = c["code"].as_str().map(plain);
    // a weight of 1 up to 2 is of the first class, and so on
    let class = weight.map_or(0, |w| (1..15).find(|class| w < f64::from(1 << class)).unwrap_or(15));
    made.row(
        cell("outcome", &format!("{predicted}|{}|{source}|{grade}|{class}", actual.clone().unwrap_or_default())),
        weight,
        0.0,
    );
    let Some(actual) = actual else {
        made.0.standing[2] += 1;
        made.count(cell("tally", "uncodable"), 1);
        return;
    };
    made.0.standing[1] += 1;
    if failed {
        return;
    }
    for (name, score, bins) in scores {
        let right = predicted == actual;
        made.row(
            cell("reliability", &format!("{name}|{}|0|{right}|{source}|{class}", bin(score, bins))),
            weight,
            score,
        );
    }
    let depth = if nomenclature == "naf-rev2" { 5 } else { 1 };
    // an unknown code stands for itself at every level
    let at = |code: &str, level: usize| match path(nomenclature, code) {
        Some(path) => path.get(level).cloned(),
        None => Some(code.to_owned()),
    };
    for level in 0..depth {
        let Some(truth) = at(&actual, level) else { break };
        let rank = candidates.iter().position(|(code, _)| at(code, level).as_ref() == Some(&truth));
        let rank = rank.map_or(0, |r| r + 1);
        made.row(cell("rank", &format!("{}|{rank}|{source}|{grade}|{class}", level + 1)), weight, 0.0);
        let confidence = raw.min(1.0);
        let rest = format!("confidence|{}|{}|{}|{source}|{class}", bin(confidence, 50.0), level + 1, rank == 1);
        made.row(cell("reliability", &rest), weight, confidence);
    }
}
