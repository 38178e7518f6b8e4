//! Which texts have which of a few terms.

use std::cmp::Reverse;

use hashbrown::HashMap;

use super::{
    Texts,
    population::{Pair, Population, add},
    words::{Folder, Length, Map, terms},
};

/// A term and the texts that have it.
#[derive(Debug, Clone, Default)]
pub(super) struct Posting {
    pub key: u64,
    pub words: Length,
    /// Number of its first word in the first text.
    first: usize,
    /// Places in the population, rising.
    pub places: Vec<u32>,
}

/// The texts of a population that have these terms, in one pass. In the order of `keys`.
pub(super) fn postings(texts: &Texts, population: &Population, keys: impl Iterator<Item = u64>) -> Vec<Posting> {
    let mut found: Vec<Posting> = keys.map(|key| Posting { key, ..Posting::default() }).collect();
    let numbers: HashMap<u64, usize, Map> = found.iter().enumerate().map(|(at, posting)| (posting.key, at)).collect();
    for place in 0..population.len() as u32 {
        for term in terms(texts.words(population.text(place))) {
            let Some(posting) = numbers.get(&term.key).and_then(|&at| found.get_mut(at)) else { continue };
            if posting.places.last() == Some(&place) {
                continue;
            }
            if posting.places.is_empty() {
                (posting.words, posting.first) = (term.words, term.first);
            }
            posting.places.push(place);
        }
    }
    found
}

impl Posting {
    /// Of terms that are always in the same texts, the first is shown: the longest, then the one that comes first.
    pub(super) fn preference(&self) -> (Reverse<Length>, usize, u64) {
        (Reverse(self.words), self.first, self.key)
    }

    /// Keys of its words.
    pub(super) fn word_keys(&self, texts: &Texts, population: &Population) -> Vec<u64> {
        let words = self.places.first().map_or(&[][..], |&place| texts.words(population.text(place)));
        words.iter().skip(self.first).take(self.words as usize).map(|word| word & !1).collect()
    }

    /// Rows with the term, by class.
    pub(super) fn cells(&self, population: &Population) -> Vec<Pair> {
        let mut cells = vec![[0; 2]; population.totals().len()];
        self.places.iter().for_each(|&place| add(&mut cells, population.cells(place)));
        cells
    }

    /// The most frequent spelling, in lower case; of several the first in the alphabet.
    pub(super) fn spelling(&self, texts: &Texts, population: &Population) -> String {
        let mut rows: HashMap<String, u64, Map> = HashMap::default();
        let mut folder = Folder::default();
        for &place in &self.places {
            let text = population.text(place);
            let term = terms(texts.words(text)).find(|term| term.key == self.key);
            let spelled = term.and_then(|term| texts.spelling(&mut folder, text, term.first, term.words as usize));
            if let Some(spelled) = spelled {
                let [reference, current] = population.rows(place);
                *rows.entry(spelled).or_default() += u64::from(reference) + u64::from(current);
            }
        }
        let best = rows.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
        best.map(|(spelled, _)| spelled).unwrap_or_default()
    }
}
