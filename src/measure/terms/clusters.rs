//! What the model doubts now, in a few groups with a name.

use std::cmp::Reverse;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{
    Side, TermOptions, TextRow, Texts,
    counts::{Count, count, once},
    population::{Population, sum},
    postings::{Posting, postings},
    witness::Witness,
    words::{Length, Map},
};

/// Terms tried, those with the most doubts beyond their share.
const TRIED: usize = 2048;

/// A longer term gives a group its name when it is in at least this share of the group's rows.
const NAMES: f64 = 0.8;

/// Terms in a name.
const LONGEST_NAME: usize = 3;

/// Doubted texts that share a term.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// The term that all its texts have, then up to two other words that at least half of its rows have.
    pub terms: Vec<String>,
    /// Current rows that the model does not doubt and that have the term too, in no group before.
    pub confident: u64,
    /// Doubted rows with the term in the reference period.
    pub n_reference: u64,
    /// Its doubted rows now.
    pub witness: Witness,
}

/// Groups of doubted texts, and how much they leave out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// In the order found: the most striking first.
    pub clusters: Vec<Cluster>,
    /// Doubted rows of the current period.
    pub doubted: u64,
    /// Those in no group.
    pub rest: u64,
}

/// Groups the current texts that the model doubts by the terms they share.
///
/// Greedy cover: the term with the most striking excess of doubts makes the first group; its rows, doubted or not, are
/// set aside; and so on, until there are `most_clusters` or no term is left. The excess of a term in `d` doubted and `c`
/// confident rows is `(d − e)/√(e(1−r))`, where `r` is the doubted share of all current rows and `e = r(d + c)` what a
/// term as frequent would have: how far beyond its share, in standard deviations. A term must be in `least_texts`
/// doubted rows at least, and more of its rows must be doubted than halfway between `r` and all. A longer phrase in 80 %
/// of a group's rows takes the place of its term.
///
/// This describes and tests nothing: a model gives equal texts equal confidence, so that rows are not independent here.
///
/// *Edge cases*: no group without doubts, or when all is doubted.
///
/// ```
/// use vigie::measure::terms::{Periods, TermOptions, TextRow, Texts, clusters, stop_words::StopWords};
/// let row = |text, low_confidence| {
///     TextRow { text, day: 1, low_confidence, wrong: None, weight: 1.0, code: 1, actual: None }
/// };
/// let rows: Vec<TextRow> = (0..30)
///     .flat_map(|_| [row("vente de pain", false), row("vente de fleurs", false), row("vente de vélos cargo", true)])
///     .collect();
/// let stop = StopWords::default();
/// let texts = Texts::new(&rows, &Periods { reference: 0..1, current: 1..2 }, &stop);
/// let found = clusters(&texts, &TermOptions::default());
/// assert_eq!((found.clusters.len(), found.doubted, found.rest), (1, 30, 0));
/// assert_eq!(found.clusters[0].terms, ["vente de vélos cargo"]);
/// ```
pub fn clusters(texts: &Texts, options: &TermOptions) -> Clusters {
    let sample = |side: Side, row: &TextRow| {
        let doubted = if row.low_confidence { Side::Current } else { Side::Reference };
        (side == Side::Current).then_some((doubted, 1.0))
    };
    let population = Population::new(texts, sample);
    let [confident, doubted] = sum(population.totals()).map(f64::from);
    let rate = doubted / (doubted + confident);
    let mut found = Clusters { doubted: doubted as u64, rest: doubted as u64, ..Clusters::default() };
    if !(rate > 0.0 && rate < 1.0) {
        return found;
    }
    let least = f64::from(options.least_texts.max(1));
    let candidates = candidates(texts, &population, rate, options);
    let numbers: HashMap<u64, usize, Map> = (0..).zip(&candidates).map(|(at, posting)| (posting.key, at)).collect();
    let all = |posting: &Posting| sum(&posting.cells(&population)).map(f64::from);
    // confident and doubted rows in no group so far
    let mut left: Vec<[f64; 2]> = candidates.iter().map(all).collect();
    let mut covered = vec![false; population.len()];
    let (mut keys, mut seen) = (Vec::new(), Vec::new());
    while found.clusters.len() < options.most_clusters {
        let rated = candidates.iter().zip(&left).map(|(posting, rows)| (posting, *rows));
        let striking = rated.filter(|(_, [c, d])| *d >= least && *d / (c + d) > (1.0 + rate) / 2.0);
        let best = striking.map(|(posting, rows)| (excess(rows, rate), posting, rows)).max_by(|a, b| {
            a.0.total_cmp(&b.0).then_with(|| (a.1.words, Reverse(a.1.key)).cmp(&(b.1.words, Reverse(b.1.key))))
        });
        let Some((_, term, [confident, doubted])) = best else { break };
        let group: Vec<u32> =
            term.places.iter().copied().filter(|&place| covered.get(place as usize) == Some(&false)).collect();
        found.clusters.push(described(texts, &population, &candidates, term, &group, confident as u64));
        keys.push(term.key);
        found.rest -= doubted as u64;
        for place in group {
            if let Some(covered) = covered.get_mut(place as usize) {
                *covered = true;
            }
            let gone = population.rows(place).map(f64::from);
            for key in once(texts.words(population.text(place)), &mut seen) {
                if let Some([confident, doubted]) = numbers.get(key).and_then(|&at| left.get_mut(at)) {
                    *confident -= gone[0];
                    *doubted -= gone[1];
                }
            }
        }
    }
    let before = before(texts, keys.iter().copied());
    for (cluster, key) in found.clusters.iter_mut().zip(keys) {
        cluster.n_reference = before.get(&key).copied().unwrap_or(0);
    }
    found
}

/// Doubts beyond a share of `rate`, in standard deviations.
fn excess([confident, doubted]: [f64; 2], rate: f64) -> f64 {
    let expected = rate * (confident + doubted);
    (doubted - expected) / (expected * (1.0 - rate)).sqrt()
}

/// The terms with the greatest excess; of those always in the same texts the longest.
fn candidates(texts: &Texts, population: &Population, rate: f64, options: &TermOptions) -> Vec<Posting> {
    let mut terms = count(population.counts(texts), options.least_texts, options.most_terms).terms;
    let rows = |term: &Count| [term.reference, term.current].map(f64::from);
    let rated = |term: &Count| excess(rows(term), rate);
    terms.retain(|term| rated(term) > 0.0);
    terms.sort_by(|a, b| rated(b).total_cmp(&rated(a)).then_with(|| (a.texts, a.key).cmp(&(b.texts, b.key))));
    let classes = terms.chunk_by(|a, b| a.texts == b.texts).take(TRIED).flatten();
    let found = postings(texts, population, classes.map(|term| term.key));
    let mut longest: HashMap<&[u32], &Posting, Map> = HashMap::default();
    for posting in &found {
        let best = longest.entry(&posting.places).or_insert(posting);
        if posting.preference() < best.preference() {
            *best = posting;
        }
    }
    let mut longest: Vec<Posting> = longest.into_values().cloned().collect();
    longest.sort_unstable_by_key(|posting| posting.key);
    longest
}

fn described(
    texts: &Texts,
    population: &Population,
    candidates: &[Posting],
    term: &Posting,
    group: &[u32],
    confident: u64,
) -> Cluster {
    let doubted = |place: u32| u64::from(population.rows(place)[1]);
    let rows: u64 = group.iter().map(|&place| doubted(place)).sum();
    let shared = |other: &Posting| -> u64 {
        group.iter().filter(|place| other.places.binary_search(place).is_ok()).map(|&place| doubted(place)).sum()
    };
    let longer =
        candidates.iter().filter(|other| other.words > term.words && shared(other) as f64 >= NAMES * rows as f64);
    let name = longer.max_by_key(|other| (other.words, shared(other), Reverse(other.key))).unwrap_or(term);
    let numbers: Vec<u32> = group.iter().map(|&place| population.text(place)).collect();
    let witness = Witness::new(texts, &numbers, |row| row.low_confidence);
    let mut terms = vec![name.spelling(texts, population)];
    terms.extend(companions(texts, population, name, group, rows));
    Cluster { terms, confident, n_reference: 0, witness }
}

/// Single words outside the name that at least half of the doubted rows of the group have.
fn companions(texts: &Texts, population: &Population, name: &Posting, group: &[u32], rows: u64) -> Vec<String> {
    let named: Vec<u64> = name.word_keys(texts, population);
    let mut frequency: HashMap<u64, u64, Map> = HashMap::default();
    let mut seen = Vec::new();
    for &place in group {
        seen.clear();
        seen.extend(texts.words(population.text(place)).iter().map(|word| word & !1));
        seen.sort_unstable();
        seen.dedup();
        for word in seen.iter().filter(|word| !named.contains(word)) {
            *frequency.entry(*word).or_default() += u64::from(population.rows(place)[1]);
        }
    }
    let mut words: Vec<(u64, u64)> = frequency.into_iter().filter(|(_, n)| n * 2 >= rows).collect();
    words.sort_unstable_by_key(|&(word, n)| (Reverse(n), word));
    words.truncate(LONGEST_NAME - 1);
    let found = postings(texts, population, words.into_iter().map(|(word, _)| word));
    found.iter().filter(|posting| posting.words == Length::One).map(|word| word.spelling(texts, population)).collect()
}

/// Doubted rows of the reference with each of these terms, in one pass.
fn before(texts: &Texts, keys: impl Iterator<Item = u64>) -> HashMap<u64, u64, Map> {
    let mut rows: HashMap<u64, u64, Map> = keys.map(|key| (key, 0)).collect();
    let mut seen = Vec::new();
    for text in 0..texts.len() as u32 {
        let doubted = texts.rows(text).filter(|(side, row)| *side == Side::Reference && row.low_confidence).count();
        if doubted > 0 {
            for key in once(texts.words(text), &mut seen) {
                if let Some(rows) = rows.get_mut(key) {
                    *rows += doubted as u64;
                }
            }
        }
    }
    rows
}
