//! How many texts have a term, for as many terms as there is room for.

use hashbrown::HashMap;

use super::words::{Map, terms};

/// A distinct text: its words, and how many rows of each sample have it.
#[derive(Debug, Clone, Copy)]
pub struct TextCount<'a> {
    /// Keys of its words, see [`super::words::words`].
    pub words: &'a [u64],
    /// A hash that tells texts apart.
    pub text: u64,
    pub reference: u32,
    pub current: u32,
}

/// In how many rows of each sample a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub key: u64,
    pub reference: u32,
    pub current: u32,
    /// The same for two terms that are always in the same texts: the sum of the hashes of those texts.
    pub texts: u64,
}

impl Count {
    fn rows(&self) -> u32 {
        self.reference.saturating_add(self.current)
    }
}

/// Terms and their counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// In the order of their keys.
    pub terms: Vec<Count>,
    /// Every term in at least so many rows is there.
    pub least: u32,
    /// What counting took at its largest, in bytes.
    pub memory: usize,
}

/// Counts every term that is in at least `least` rows, once a row, or in more where these are more than `most` terms.
///
/// Two passes. The first adds up rows in hashed buckets (two rows of a count-min sketch), the second counts exactly the
/// terms whose buckets reach `least`. When these grow beyond `most`, `least` rises and the terms below it go, and are
/// never counted again: what is left was counted from the start. So counts are exact, and neither they nor the final
/// `least` depend on the order of texts: `least` rises exactly when more than `most` terms reach it.
///
/// Memory: 64 to 128 bytes of buckets and at most 80 of table per term of `most`, however many texts there are: for
/// 200,000 terms 17 MB and 9 MB.
///
/// *Edge cases*: terms are told apart by 64-bit hashes; among ten million terms, two share one with probability 3e-6.
/// Buckets are shared, so that `least` may rise a little earlier than it had to.
///
/// Cormode and Muthukrishnan (2005), Journal of Algorithms 55, on the sketch.
///
/// ```
/// use vigie::measure::terms::{TextCount, count, stop_words::StopWords, words::words};
/// let keys = |text: &str| -> Vec<u64> { words(text, &StopWords::default()).iter().map(|word| word.key).collect() };
/// let (sale, crepes) = (keys("vente"), keys("vente de crêpes, crêpes"));
/// let texts = [
///     TextCount { words: &sale, text: 1, reference: 5, current: 0 },
///     TextCount { words: &crepes, text: 2, reference: 1, current: 3 },
/// ];
/// let counts = count(texts.iter().copied(), 1, 1000);
/// let mut rows: Vec<(u32, u32)> = counts.terms.iter().map(|term| (term.reference, term.current)).collect();
/// rows.sort();
/// assert_eq!(rows, [(1, 3), (1, 3), (6, 3)]); // crêpes, vente de crêpes, vente
/// ```
pub fn count<'a>(texts: impl Iterator<Item = TextCount<'a>> + Clone, least: u32, most: usize) -> Counts {
    let mut seen = Vec::new();
    let mut buckets = Buckets::new(most);
    for text in texts.clone() {
        let rows = text.reference.saturating_add(text.current);
        once(text.words, &mut seen).iter().for_each(|&key| buckets.add(key, rows));
    }
    let mut least = least.max(1);
    let mut table: HashMap<u64, Count, Map> = HashMap::default();
    let mut room = 0;
    for text in texts {
        for &key in once(text.words, &mut seen) {
            if buckets.at_most(key) < least {
                continue;
            }
            let term = table.entry(key).or_insert(Count { key, reference: 0, current: 0, texts: 0 });
            term.reference = term.reference.saturating_add(text.reference);
            term.current = term.current.saturating_add(text.current);
            term.texts = term.texts.wrapping_add(text.text);
            room = room.max(table.capacity());
            while table.len() > most && least < u32::MAX {
                least = least.saturating_add((least / 8).max(1));
                table.retain(|&key, _| buckets.at_most(key) >= least);
            }
        }
    }
    // the heaviest terms of all may share the greatest count: then there is no room for any of them
    let mut terms: Vec<Count> = table.into_values().filter(|term| term.rows() >= least).collect();
    terms.sort_unstable_by_key(|term| term.key);
    let memory = buckets.memory() + room * 8 / 7 * (size_of::<(u64, Count)>() + 1);
    Counts { terms, least, memory }
}

/// Keys of the terms of a text, each once.
pub(super) fn once<'s>(words: &[u64], seen: &'s mut Vec<u64>) -> &'s [u64] {
    seen.clear();
    seen.extend(terms(words).map(|term| term.key));
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// Rows by hash, twice over.
struct Buckets {
    counts: Vec<[u32; 2]>,
    mask: u64,
}

impl Buckets {
    fn new(most: usize) -> Self {
        let size = most.clamp(512, 1 << 22).next_power_of_two() * 8;
        Self { counts: vec![[0; 2]; size], mask: size as u64 - 1 }
    }

    fn places(&self, key: u64) -> [usize; 2] {
        [(key >> 8) & self.mask, (key >> 36) & self.mask].map(|place| place as usize)
    }

    fn add(&mut self, key: u64, rows: u32) {
        for (row, place) in self.places(key).into_iter().enumerate() {
            if let Some(bucket) = self.counts.get_mut(place).and_then(|bucket| bucket.get_mut(row)) {
                *bucket = bucket.saturating_add(rows);
            }
        }
    }

    /// No term of this key is in more rows.
    fn at_most(&self, key: u64) -> u32 {
        let [first, second] = self.places(key);
        let at = |place: usize, row: usize| self.counts.get(place).and_then(|bucket| bucket.get(row)).copied();
        at(first, 0).zip(at(second, 1)).map_or(0, |(a, b)| a.min(b))
    }

    fn memory(&self) -> usize {
        self.counts.len() * size_of::<[u32; 2]>()
    }
}
