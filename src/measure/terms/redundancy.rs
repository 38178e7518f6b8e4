//! Of terms that rise by the same texts, which is shown.

use hashbrown::HashMap;

use super::{
    Texts,
    population::{Population, add},
    postings::Posting,
    words::{Map, terms},
};

/// A term covers another when it is in at least this share of the other's current rows.
const COVERS: f64 = 0.8;

/// Of `postings`, strongest first, the numbers of those to show, strongest first.
///
/// 1. *The most specific of equals*: a term gives way to a longer one that covers at least 80 % of its current rows
///    (`garde` to `garde d'enfants`). Of several longer ones the longest, then the strongest.
/// 2. *Each on its own*: from the strongest to the weakest, a term stays only if it still rises, at the same bar
///    `cutoff` for the p-value, among the rows that have none of the terms kept before it. So neither a phrase within
///    a stronger word stays, nor a common word that rises only because a new phrase holds it.
pub(super) fn independent(
    texts: &Texts,
    population: &Population,
    postings: &[Posting],
    cutoff: f64,
    most: usize,
) -> Vec<usize> {
    let numbers: HashMap<u64, usize, Map> = (0..).zip(postings).map(|(at, posting)| (posting.key, at)).collect();
    let mut kept = Vec::new();
    let mut tried = vec![false; postings.len()];
    let mut covered = vec![false; population.len()];
    let mut all = population.totals().to_vec();
    for posting in postings {
        let Some(at) = most_specific(texts, population, postings, &numbers, posting) else { continue };
        let (Some(posting), Some(tried)) = (postings.get(at), tried.get_mut(at)) else { continue };
        if kept.len() >= most || std::mem::replace(tried, true) {
            continue;
        }
        let mut with = vec![[0; 2]; all.len()];
        let left = posting.places.iter().filter(|&&place| covered.get(place as usize) == Some(&false));
        left.for_each(|&place| add(&mut with, population.cells(place)));
        if population.test(&with, &all).p_value > cutoff {
            continue;
        }
        kept.push(at);
        for (all, with) in all.iter_mut().zip(&with) {
            *all = [all[0] - with[0], all[1] - with[1]];
        }
        for &place in &posting.places {
            if let Some(covered) = covered.get_mut(place as usize) {
                *covered = true;
            }
        }
    }
    kept
}

/// The longest term that covers this one, or itself.
fn most_specific(
    texts: &Texts,
    population: &Population,
    postings: &[Posting],
    numbers: &HashMap<u64, usize, Map>,
    posting: &Posting,
) -> Option<usize> {
    let mut rows = 0_u32;
    let mut shared: HashMap<usize, u32, Map> = HashMap::default();
    let mut longer = Vec::new();
    for &place in &posting.places {
        let [_, current] = population.rows(place);
        rows += current;
        longer.clear();
        let there = terms(texts.words(population.text(place))).filter(|term| term.words > posting.words);
        longer.extend(there.filter_map(|term| numbers.get(&term.key)));
        longer.sort_unstable();
        longer.dedup();
        longer.iter().for_each(|&other| *shared.entry(other).or_default() += current);
    }
    let covers = |(other, shared): (usize, u32)| {
        (f64::from(shared) >= COVERS * f64::from(rows)).then(|| Some((postings.get(other)?.words, other))).flatten()
    };
    let longest = shared.into_iter().filter_map(covers).max_by_key(|&(words, other)| (words, std::cmp::Reverse(other)));
    longest.map(|(_, other)| other).or_else(|| numbers.get(&posting.key).copied())
}
