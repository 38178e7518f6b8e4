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
    Kind, Periods, Rising, Stratum, TermOptions, TextRow, Texts, Witness, clusters, rising,
    stop_words::StopWords,
    upper_tail,
    words::{terms, words},
};

use super::{super::naf2025::truths, long_run};

/// The stream in memory, with what it was made from.
struct Stream {
    rows: Vec<Kept>,
    codes: Vec<String>,
    emerging: BTreeSet<u32>,
}

struct Kept {
    text: String,
    day: i32,
    confidence: f64,
    code: u32,
    truth: u32,
    /// Every revision, the first first.
    labels: Vec<Label>,
}

#[derive(Clone, Copy)]
struct Label {
    revision: u64,
    arrived: i32,
    code: u32,
    pi: f64,
}

impl Stream {
    /// What is known when a day begins. The code of a row is only told of what is found: the true one tells whether that is
    /// right.
    fn rows(&self, today: i32) -> Vec<TextRow<'_>> {
        let known = self.rows.iter().filter(|kept| kept.day < today);
        let row = |kept: &'_ Kept| {
            let label = kept.labels.iter().rfind(|label| label.arrived < today);
            TextRow {
                text: "",
                day: kept.day,
                low_confidence: kept.confidence < 0.7,
                wrong: label.map(|label| label.code != kept.code),
                weight: label.map_or(0.0, |label| 1.0 / label.pi),
                code: kept.truth,
                actual: label.map(|label| label.code),
            }
        };
        known.map(|kept| TextRow { text: &kept.text, ..row(kept) }).collect()
    }

    /// Whether at least half of the current rows are of emerging codes; and the code that half of them are of.
    fn told(&self, witness: &Witness) -> (bool, Option<u32>) {
        let new = witness.predicted.iter().filter(|(code, _)| self.emerging.contains(code));
        let (first, rows) = witness.predicted[0];
        let half = |rows: u64| 2 * rows >= witness.rows;
        (half(new.map(|(_, rows)| rows).sum()), Some(first).filter(|code| half(rows) && self.emerging.contains(code)))
    }

    fn names(&self, codes: &BTreeSet<u32>) -> Vec<&str> {
        codes.iter().map(|code| self.codes[*code as usize].as_str()).collect()
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
    corrected_at: String,
}

/// Day 0 is 2026-06-01, the data's first.
fn day(time: &str) -> i32 {
    let part = |at: std::ops::Range<usize>| time[at].parse::<i32>().expect("a time");
    let months = [0, 30, 61, 92, 122, 153, 183];
    months.get((part(5..7) - 6) as usize).map_or(1000, |start| start + part(8..10) - 1)
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
    let truths = truths()?;
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut codes = Vec::new();
    let mut number = |code: &str| {
        *numbers.entry(code.to_owned()).or_insert_with(|| {
            codes.push(code.to_owned());
            codes.len() as u32 - 1
        })
    };
    let emerging = expected["scenario"]["emerging_codes"].as_array().expect("codes");
    let emerging = emerging.iter().map(|code| number(code.as_str().expect("a code"))).collect();
    let mut labels: HashMap<String, Vec<Label>> = HashMap::new();
    for line in lines("corrections.ndjson.gz", |_: &Correction| false)? {
        let (revision, arrived) = (line.revision, day(&line.corrected_at));
        let label = Label { revision, arrived, code: number(&line.code), pi: line.inclusion_probability };
        labels.entry(line.prediction_id).or_default().push(label);
    }
    let mut rows = BTreeMap::new();
    // a few lines come late, none by more than a day
    for line in lines("predictions.ndjson.gz", |line: &Prediction| day(&line.predicted_at) > before)? {
        let (Some(first), day) = (line.candidates.first(), day(&line.predicted_at)) else { continue };
        if day < before {
            let mut labels = labels.get(&line.prediction_id).cloned().unwrap_or_default();
            labels.sort_by_key(|label| label.revision);
            let (code, truth) = (number(&first.code), number(&truths[&line.prediction_id]));
            let (text, confidence) = (line.text, line.confidence);
            rows.entry(line.prediction_id).or_insert(Kept { text, day, confidence, code, truth, labels });
        }
    }
    Some(Stream { rows: rows.into_values().collect(), codes, emerging })
}

fn compare(rows: &[TextRow], reference: Range<i32>, current: Range<i32>) -> Rising {
    let stop = StopWords::default();
    rising(&Texts::new(rows, &Periods { reference, current }, &stop), &TermOptions::default())
}

/// Twelve codes surge on day 45, from nothing to 5 to 40 texts in five days. What people said later is not known yet.
#[test]
fn the_emerging_codes_are_found() {
    let (Some(stream), last) = (stream(), last_day()) else { return };
    println!("| days | kind | shown | mostly of emerging codes | of 12 codes |\n|---|---|---|---|---|");
    let least = [(48, 10, 11), (50, 10, 11), (51, 12, 12), (55, 12, 12), (60, 12, 12)];
    for (end, by_terms, by_any) in least.into_iter().filter(|(end, ..)| *end <= last) {
        let found = compare(&stream.rows(end), 0..45, 45..end);
        let mut all = BTreeSet::new();
        for kind in [None, Some(Kind::Share), Some(Kind::LowConfidence), Some(Kind::Errors)] {
            let these = found.terms.iter().filter(|term| kind.is_none_or(|kind| term.kind == kind));
            let told: Vec<(bool, Option<u32>)> = these.map(|term| stream.told(&term.witness)).collect();
            let codes: BTreeSet<u32> = told.iter().filter_map(|(_, code)| *code).collect();
            let (shown, new) = (told.len(), told.iter().filter(|(new, _)| *new).count());
            let name = kind.map_or("terms".to_owned(), |kind| format!("{kind:?}"));
            println!("| 45..{end} | {name} | {shown} | {new} | {} |", codes.len());
            if kind.is_none() {
                assert!(codes.len() >= by_terms, "{end}: {:?}", stream.names(&codes));
                assert!(7 * new >= 6 * shown, "{end}: {new} of {shown}");
                all = codes;
            }
        }
        let given: BTreeSet<u32> = found.codes.iter().map(|found| found.code).collect();
        let new: BTreeSet<u32> = given.intersection(&stream.emerging).copied().collect();
        println!("| 45..{end} | codes given | {} | {} | {} |", given.len(), new.len(), new.len());
        assert!(given.len() <= new.len() + 2, "{:?}", stream.names(&given));
        all.extend(new);
        let missed: BTreeSet<u32> = stream.emerging.difference(&all).copied().collect();
        println!("| 45..{end} | all of these | | | {} | missed: {:?}", all.len(), stream.names(&missed));
        assert!(all.len() >= by_any, "{end}: without {:?}", stream.names(&missed));
    }
    let rows = stream.rows(last);
    let stop = StopWords::default();
    let texts = Texts::new(&rows, &Periods { reference: 0..45, current: 45..last }, &stop);
    let groups = clusters(&texts, &TermOptions::default());
    let new = groups.clusters.iter().filter(|group| stream.told(&group.witness).0).count();
    let all = groups.clusters.len();
    println!("{all} groups, {new} of emerging codes, {} of {} doubts in none", groups.rest, groups.doubted);
    assert!(all <= 15 && new >= 5);
    let inside: u64 = groups.clusters.iter().map(|group| group.witness.rows).sum();
    assert_eq!(inside + groups.rest, groups.doubted);
}

/// The one code that five days do not show: four of its five rows have a text that was there before, as another code.
#[test]
fn what_is_missed_cannot_be_told() {
    let Some(stream) = stream() else { return };
    let missed = stream.codes.iter().position(|code| code == "1041Y").expect("a code") as u32;
    let rows = stream.rows(50);
    let stop = StopWords::default();
    let keys = |row: &TextRow| -> Vec<u64> {
        let words: Vec<u64> = words(row.text, &stop).iter().map(|word| word.key).collect();
        let mut keys: Vec<u64> = terms(&words).map(|term| term.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    // each row with the keys of its terms
    let all: Vec<(&TextRow, Vec<u64>)> = rows.iter().map(|row| (row, keys(row))).collect();
    let (before, now): (Vec<_>, Vec<_>) = all.iter().partition(|(row, _)| row.day < 45);
    let its: Vec<_> = now.iter().copied().filter(|(row, _)| row.code == missed).collect();
    let text = &its.iter().max_by_key(|(row, _)| row.text.len()).expect("a row").1;
    let same = |rows: &[&(&TextRow, Vec<u64>)]| rows.iter().filter(|(_, keys)| keys == text).count();
    assert_eq!((its.len(), same(&its), same(&now), same(&before)), (5, 4, 5, 13));
    assert!(before.iter().all(|(row, keys)| keys != text || row.code != missed));
    assert_eq!(its.iter().filter(|(row, _)| row.actual.is_some()).count(), 1);
    // of all terms of its rows, among all texts and among the doubted ones
    let has: BTreeSet<u64> = its.iter().flat_map(|(_, keys)| keys).copied().collect();
    let mut counts: HashMap<u64, [[u64; 2]; 2]> = HashMap::new();
    for (row, keys) in &all {
        for key in keys.iter().filter(|key| has.contains(key)) {
            let count = counts.entry(*key).or_default();
            count[0][usize::from(row.day >= 45)] += 1;
            count[1][usize::from(row.day >= 45)] += u64::from(row.low_confidence);
        }
    }
    let of_its = |key: u64| its.iter().filter(|(_, keys)| keys.contains(&key)).count() as u64;
    let doubted = |rows: &[&(&TextRow, Vec<u64>)]| rows.iter().filter(|(row, _)| row.low_confidence).count() as u64;
    let sizes = [[before.len() as u64, now.len() as u64], [doubted(&before), doubted(&now)]];
    let p_values = counts.iter().filter(|(key, count)| 2 * of_its(**key) >= count[0][1]).flat_map(|(_, count)| {
        count.iter().zip(sizes).map(|([reference, current], [n_reference, n_current])| {
            upper_tail(&[Stratum { current: *current, n_current, reference: *reference, n_reference }]).p_value
        })
    });
    let best = p_values.fold(1.0, f64::min);
    println!("the best p-value of a term that is mostly its: {best:.4}");
    assert!(best > 0.01);
}

#[test]
fn nothing_rises_before_they_emerge() {
    let Some(stream) = stream() else { return };
    let mut rows = stream.rows(45);
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
    let runs = 600;
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
