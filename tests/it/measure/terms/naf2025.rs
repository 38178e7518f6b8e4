//! The users' stream, with twelve codes that emerge on day 45.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{BufRead, BufReader},
    ops::Range,
    path::PathBuf,
    sync::LazyLock,
};

use flate2::bufread::{DeflateDecoder, GzDecoder};
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use vigie::measure::terms::{
    Kind, Periods, Rising, RisingTerm, TermOptions, TextRow, Texts, clusters, rising, stop_words::StopWords,
};

use super::long_run;

/// The stream in memory, with what it was made from.
struct Stream {
    rows: Vec<Kept>,
    codes: Vec<String>,
    emerging: BTreeSet<String>,
}

struct Kept {
    text: String,
    day: i32,
    confidence: f64,
    code: u32,
    /// The last revision: code and π.
    label: Option<(u32, f64)>,
}

impl Stream {
    fn rows(&self) -> Vec<TextRow<'_>> {
        let row = |kept: &'_ Kept| TextRow {
            text: "",
            day: kept.day,
            low_confidence: kept.confidence < 0.7,
            wrong: kept.label.map(|(code, _)| code != kept.code),
            weight: kept.label.map_or(0.0, |(_, pi)| 1.0 / pi),
            code: kept.code,
            actual: kept.label.map(|(code, _)| code),
        };
        self.rows.iter().map(|kept| TextRow { text: &kept.text, ..row(kept) }).collect()
    }

    fn code(&self, number: u32) -> &str {
        &self.codes[number as usize]
    }
}

/// The lines of a file that are of this form, up to the first that `ends` says is too late.
fn lines<T: DeserializeOwned>(name: &str, ends: impl Fn(&T) -> bool) -> Option<Vec<T>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025").join(name);
    let Ok(file) = File::open(path) else {
        println!("skipped: no ../shared/data/naf2025/{name}");
        return None;
    };
    // past the header and without the checksum, which takes half of the time where nothing is optimised
    let packed = GzDecoder::new(BufReader::new(file)).into_inner();
    let lines = BufReader::new(DeflateDecoder::new(packed)).lines();
    let found = lines.filter_map(|line| serde_json::from_str(&line.expect("text")).ok());
    Some(found.take_while(|line| !ends(line)).collect())
}

#[derive(Deserialize)]
struct Prediction {
    prediction_id: String,
    predicted_at: String,
    candidates: Vec<Candidate>,
    confidence: f64,
    text: String,
}

#[derive(Deserialize)]
struct Candidate {
    code: String,
}

#[derive(Deserialize)]
struct Correction {
    prediction_id: String,
    code: String,
    inclusion_probability: f64,
    revision: u64,
}

/// Day 0 is 2026-06-01, the data's first.
fn day(time: &str) -> i32 {
    let part = |at: std::ops::Range<usize>| time[at].parse::<i32>().expect("a time");
    [0, 0, 0, 0, 0, 0, 0, 30, 61, 92][part(5..7) as usize] + part(8..10) - 1
}

/// The last day that is read.
fn last_day() -> i32 {
    if long_run() { 60 } else { 50 }
}

/// `None` where the stream is absent. Reading it takes most of the time of the tests.
fn stream() -> Option<&'static Stream> {
    static STREAM: LazyLock<Option<Stream>> = LazyLock::new(|| read(last_day()));
    STREAM.as_ref()
}

/// The stream before a day.
fn read(before: i32) -> Option<Stream> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naf2025/expected.json");
    let expected: Value = serde_json::from_reader(File::open(path).ok()?).expect("JSON");
    let emerging = expected["scenario"]["emerging_codes"].as_array().expect("codes");
    let emerging = emerging.iter().map(|code| code.as_str().expect("a code").to_owned()).collect();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::new();
    let mut number = |code: &str| {
        *numbers.entry(code.to_owned()).or_insert_with(|| {
            codes.push(code.to_owned());
            codes.len() as u32 - 1
        })
    };
    let mut labels: HashMap<String, (u64, u32, f64)> = HashMap::new();
    for line in lines("corrections.ndjson.gz", |_: &Correction| false)? {
        let label = (line.revision, number(&line.code), line.inclusion_probability);
        let last = labels.entry(line.prediction_id).or_insert(label);
        if last.0 < label.0 {
            *last = label;
        }
    }
    let mut rows = BTreeMap::new();
    // a few lines come late, none by more than a day
    for line in lines("predictions.ndjson.gz", |line: &Prediction| day(&line.predicted_at) > before)? {
        let label = labels.get(&line.prediction_id).map(|(_, code, pi)| (*code, *pi));
        let (Some(first), day) = (line.candidates.first(), day(&line.predicted_at)) else { continue };
        if day < before {
            let (text, confidence, code) = (line.text, line.confidence, number(&first.code));
            rows.entry(line.prediction_id).or_insert(Kept { text, day, confidence, code, label });
        }
    }
    Some(Stream { rows: rows.into_values().collect(), codes, emerging })
}

fn compare(rows: &[TextRow], reference: Range<i32>, current: Range<i32>) -> Rising {
    let stop = StopWords::default();
    rising(&Texts::new(rows, &Periods { reference, current }, &stop), &TermOptions::default())
}

/// The code that people most often gave to the current texts of a term.
fn truth<'s>(stream: &'s Stream, term: &RisingTerm) -> Option<&'s str> {
    term.witness.actual.first().map(|(code, ..)| stream.code(*code))
}

/// Emerging codes of which some term is shown whose current texts people mostly gave that code.
fn codes_found<'s>(stream: &'s Stream, terms: impl Iterator<Item = &'s RisingTerm>) -> BTreeSet<&'s str> {
    terms.filter_map(|term| truth(stream, term)).filter(|code| stream.emerging.contains(*code)).collect()
}

/// Twelve codes surge on day 45, from nothing to 5 to 40 texts in five days.
#[test]
fn the_terms_of_emerging_codes_are_found() {
    let (Some(stream), last) = (stream(), last_day()) else { return };
    let rows = stream.rows();
    println!(
        "| days | kind | terms | their texts are mostly of an emerging code | of 12 codes | with Yekutieli's factor |"
    );
    println!("|---|---|---|---|---|---|");
    for (end, codes) in [(50, 9), (55, 11), (60, 12)] {
        if end > last {
            continue;
        }
        let found = compare(&rows, 0..45, 45..end);
        let factor: f64 = (1..=found.tested).map(|m| 1.0 / m as f64).sum();
        for kind in [None, Some(Kind::Share), Some(Kind::LowConfidence), Some(Kind::Errors)] {
            let these: Vec<&RisingTerm> =
                found.terms.iter().filter(|term| kind.is_none_or(|kind| term.kind == kind)).collect();
            let new =
                these.iter().filter(|term| truth(stream, term).is_some_and(|code| stream.emerging.contains(code)));
            let sure = these.iter().copied().filter(|term| term.q_value * factor <= 0.05);
            println!(
                "| 45..{end} | {} | {} | {} | {} | {} |",
                kind.map_or("all".to_owned(), |kind| format!("{kind:?}")),
                these.len(),
                new.count(),
                codes_found(stream, these.iter().copied()).len(),
                codes_found(stream, sure).len(),
            );
        }
        let all = codes_found(stream, found.terms.iter());
        assert!(all.len() >= codes, "{all:?}");
        let labelled = found.terms.iter().filter_map(|term| truth(stream, term));
        let (new, old): (Vec<&str>, Vec<&str>) = labelled.partition(|code| stream.emerging.contains(*code));
        assert!(new.len() >= 9 * old.len(), "{} new, {old:?}", new.len());
    }
    let stop = StopWords::default();
    let texts = Texts::new(&rows, &Periods { reference: 0..45, current: 45..last }, &stop);
    let groups = clusters(&texts, &TermOptions::default());
    let new = groups.clusters.iter().filter(|group| {
        group.witness.actual.first().is_some_and(|(code, ..)| stream.emerging.contains(stream.code(*code)))
    });
    let (new, all) = (new.count(), groups.clusters.len());
    println!("{all} groups, {new} of emerging codes, {} of {} doubts in none", groups.rest, groups.doubted);
    assert!(all <= 15 && new >= 6);
    let inside: u64 = groups.clusters.iter().map(|group| group.witness.rows).sum();
    assert_eq!(inside + groups.rest, groups.doubted);
}

#[test]
fn nothing_rises_before_they_emerge() {
    let Some(stream) = stream() else { return };
    let mut rows = stream.rows();
    rows.retain(|row| row.day < 45);
    let mut wrong = 0;
    let periods = [(0..30, 30..45), (0..40, 40..45), (0..15, 15..30), (15..30, 30..45), (0..15, 30..45)];
    for (reference, current) in periods.into_iter().take(if long_run() { 5 } else { 2 }) {
        let found = compare(&rows, reference.clone(), current.clone());
        println!("{reference:?} {current:?}: {} tests, {} significant", found.tested, found.significant);
        assert!(found.tested > 1000);
        wrong += found.terms.len();
    }
    assert!(wrong <= 1, "{wrong}");
    if long_run() {
        shuffled(&mut rows);
    }
}

/// Real texts on days that mean nothing.
fn shuffled(rows: &mut [TextRow]) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let runs = 200;
    println!("| current days of 45 | runs | with a discovery |\n|---|---|---|");
    for current in [40..45, 30..45, 15..45] {
        let mut false_runs = 0;
        for _ in 0..runs {
            let mut days: Vec<i32> = rows.iter().map(|row| row.day).collect();
            days.shuffle(&mut rng);
            rows.iter_mut().zip(days).for_each(|(row, day)| row.day = day);
            false_runs += u32::from(compare(rows, 0..current.start, current.clone()).significant > 0);
        }
        println!("| {} | {runs} | {:.1} % |", current.len(), 100.0 * f64::from(false_runs) / f64::from(runs));
        assert!(f64::from(false_runs) / f64::from(runs) <= 0.05 + 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt());
    }
}
