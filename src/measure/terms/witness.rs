//! What people see of a group of texts: examples, and their codes.

use std::cmp::Reverse;

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use super::{Side, TextRow, Texts, words::Map};

/// Examples and codes shown.
const SHOWN: usize = 3;

/// The current rows of a group of texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// Rows and distinct texts.
    pub rows: u64,
    pub texts: u64,
    /// Days with at least one row.
    pub days: u32,
    /// The most typical texts, whole.
    pub examples: Vec<String>,
    /// The codes they most often got, with rows.
    pub predicted: Vec<(u32, u64)>,
    /// Rows with a label that gives a code.
    pub labelled: u64,
    /// The codes that people most often gave, by design weight: code, labelled rows, and their share of the weight of all.
    pub actual: Vec<(u32, u64, f64)>,
}

impl Witness {
    /// From the current rows of these texts that `keep` keeps.
    ///
    /// *Typical* is a text whose words are those of the group: the mean, over its words, of the share of rows that have
    /// the word. Of equals the more frequent, then the shorter, then the first in the alphabet. A text that differs in
    /// case, accents, plurals or stop words only is not another example.
    pub(super) fn new(texts: &Texts, numbers: &[u32], keep: impl Fn(&TextRow) -> bool) -> Self {
        let rows =
            |text: u32| texts.rows(text).filter(|(side, row)| *side == Side::Current && keep(row)).map(|(_, row)| row);
        let weighed: Vec<(u32, u64)> =
            numbers.iter().map(|&text| (text, rows(text).count() as u64)).filter(|(_, n)| *n > 0).collect();
        let all = || weighed.iter().flat_map(|&(text, _)| rows(text));
        let days: HashSet<i32, Map> = all().map(|row| row.day).collect();
        let (labelled, actual) = actual(all());
        Self {
            rows: weighed.iter().map(|(_, n)| n).sum(),
            texts: weighed.len() as u64,
            days: u32::try_from(days.len()).unwrap_or(u32::MAX),
            examples: examples(texts, &weighed),
            predicted: predicted(all()),
            labelled,
            actual,
        }
    }
}

fn examples(texts: &Texts, weighed: &[(u32, u64)]) -> Vec<String> {
    let mut frequency: HashMap<u64, u64, Map> = HashMap::default();
    for &(text, rows) in weighed {
        words_of(texts, text).into_iter().for_each(|word| *frequency.entry(word).or_default() += rows);
    }
    let typical = |text: u32| {
        let words = words_of(texts, text);
        let sum: u64 = words.iter().filter_map(|word| frequency.get(word)).sum();
        sum as f64 / words.len().max(1) as f64
    };
    let mut ordered: Vec<(f64, u64, &str, u32)> =
        weighed.iter().map(|&(text, rows)| (typical(text), rows, texts.text(text), text)).collect();
    ordered.sort_unstable_by(|a, b| {
        b.0.total_cmp(&a.0).then_with(|| (Reverse(a.1), a.2.len(), a.2).cmp(&(Reverse(b.1), b.2.len(), b.2)))
    });
    let mut seen: Vec<Vec<u64>> = Vec::new();
    let mut shown = Vec::new();
    for (_, _, written, text) in ordered {
        let words = words_of(texts, text);
        if shown.len() < SHOWN && !seen.contains(&words) {
            seen.push(words);
            shown.push(written.to_owned());
        }
    }
    shown
}

/// Its words, each once, whatever clause they are in.
fn words_of(texts: &Texts, text: u32) -> Vec<u64> {
    let mut words: Vec<u64> = texts.words(text).iter().map(|word| word & !1).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn predicted<'a>(rows: impl Iterator<Item = &'a TextRow<'a>>) -> Vec<(u32, u64)> {
    let mut codes: HashMap<u32, u64, Map> = HashMap::default();
    rows.for_each(|row| *codes.entry(row.code).or_default() += 1);
    let mut codes: Vec<(u32, u64)> = codes.into_iter().collect();
    codes.sort_unstable_by_key(|&(code, rows)| (Reverse(rows), code));
    codes.truncate(SHOWN);
    codes
}

fn actual<'a>(rows: impl Iterator<Item = &'a TextRow<'a>>) -> (u64, Vec<(u32, u64, f64)>) {
    let mut labels: Vec<(u32, f64)> = rows.filter_map(|row| Some((row.actual?, row.label()?))).collect();
    // in one order, so that sums do not depend on that of rows
    labels.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)));
    let weight = |labels: &[(u32, f64)]| labels.iter().map(|(_, weight)| weight).sum::<f64>();
    let all = weight(&labels);
    let code = |same: &[(u32, f64)]| Some((same.first()?.0, same.len() as u64, weight(same) / all));
    let mut codes: Vec<(u32, u64, f64)> = labels.chunk_by(|a, b| a.0 == b.0).filter_map(code).collect();
    codes.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    codes.truncate(SHOWN);
    (labels.len() as u64, codes)
}
