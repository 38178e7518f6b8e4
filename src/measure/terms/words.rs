//! From a free text to its words and short phrases.

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::stop_words::StopWords;

/// The same hash in every run, so that results do not depend on chance.
pub(super) type Map = FixedState;

/// A word that counts, where it stands in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Hash of the folded word. The lowest bit says that a clause ended before it.
    pub key: u64,
    /// Bytes in the text.
    pub start: usize,
    pub end: usize,
}

/// One, two or three words in a row: a word alone, or a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Hash of the folded words; stop words between them do not count.
    pub key: u64,
    /// Number of its first word.
    pub first: usize,
    /// How many words.
    pub words: Length,
}

/// Words of a term that are not stop words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    #[default]
    One = 1,
    Two = 2,
    Three = 3,
}

/// The words of a text that count, in order.
///
/// - Case and accents do not matter (NFKD without its marks; œ is oe, æ is ae).
/// - An apostrophe, straight or curly, ends a word, and so elided articles fall away; `aujourd'hui` is one word.
/// - A hyphen separates (`auto-école` is `auto école`), but not after a first single letter (`e-commerce`, `t-shirt`). Points
///   and ampersands between single letters are skipped (`B.T.P.` is `btp`, `R&D` is `rd`).
/// - A final s or x goes from words of four letters or more, unless after another s. That joins a few that are not
///   plurals (`cours`, `cour`): only counting uses the folded form, people see the spelling.
/// - Single letters, numbers and stop words do not count. `3d` and `b2b` do.
/// - Other punctuation ends a clause, and no phrase crosses it.
///
/// ```
/// use vigie::measure::terms::{stop_words::StopWords, words::words};
/// let text = "L’installation d'isolation dans les TOITS";
/// let found: Vec<&str> = words(text, &StopWords::default()).iter().map(|word| &text[word.start..word.end]).collect();
/// assert_eq!(found, ["installation", "isolation", "TOITS"]);
/// ```
pub fn words(text: &str, stop: &StopWords) -> Vec<Word> {
    Folder::default().words(text, stop).to_vec()
}

/// Every term of these words: words alone, and phrases of two and three in a row within a clause.
///
/// Words in a row may have stop words between them, so that `garde d'enfants` and `vente à emporter` are phrases of
/// two words. Their key is that of the words alone: `vente de crêpes`, `vente des crepes` and `VENTE CREPES` are one
/// term.
///
/// ```
/// use vigie::measure::terms::{stop_words::StopWords, words::{terms, words}};
/// let keys = |text: &str| -> Vec<u64> {
///     let words: Vec<u64> = words(text, &StopWords::default()).iter().map(|word| word.key).collect();
///     terms(&words).map(|term| term.key).collect()
/// };
/// assert_eq!(keys("vente de crêpes").len(), 3);
/// assert_eq!(keys("vente de crêpes"), keys("VENTE CREPE"));
/// assert_eq!(keys("vente, crêpes").len(), 2);
/// ```
pub fn terms(keys: &[u64]) -> impl Iterator<Item = Term> {
    let following = |at: usize| keys.get(at).copied().filter(|word| word & CLAUSE_ENDED == 0);
    keys.iter().enumerate().flat_map(move |(first, word)| {
        let one = word & !CLAUSE_ENDED;
        let two = following(first + 1).map(|word| joined(one, word));
        let three = two.zip(following(first + 2)).map(|(pair, word)| joined(pair, word));
        let term = |words| move |key| Term { key, first, words };
        let phrases = [two.map(term(Length::Two)), three.map(term(Length::Three))];
        std::iter::once(term(Length::One)(one)).chain(phrases.into_iter().flatten())
    })
}

/// The lowest bit of a word's key.
const CLAUSE_ENDED: u64 = 1;

/// Key of a phrase and one more word; the order matters.
fn joined(phrase: u64, word: u64) -> u64 {
    mixed(phrase.rotate_left(23).wrapping_add(0x9e37_79b9_7f4a_7c15) ^ word.wrapping_mul(0xd6e8_feb8_6659_fd93))
        & !CLAUSE_ENDED
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit in decides every bit out.
fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Key of any bytes: the same on every machine, which a library's hash does not promise (FNV-1a, then mixed).
pub(super) fn key(bytes: &[u8]) -> u64 {
    mixed(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)))
}

/// Reads texts one after the other, in the same memory.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The open word, folded.
    folded: String,
    /// Letters since the word began or was joined.
    part: usize,
    start: usize,
    end: usize,
    clause_ended: bool,
    /// The open word follows a hyphen, as the à of porte-à-porte.
    after_hyphen: bool,
    found: Vec<Word>,
}

impl Folder {
    /// As [`words`].
    pub(super) fn words(&mut self, text: &str, stop: &StopWords) -> &[Word] {
        self.found.clear();
        self.clause_ended = false;
        self.read(text, Some(stop));
        &self.found
    }

    /// Key of one word, folded like those of a text.
    pub(super) fn key_of(&mut self, word: &str) -> u64 {
        self.found.clear();
        self.read(word, None);
        self.found.first().map_or(0, |word| word.key & !CLAUSE_ENDED)
    }

    /// Whether texts are read as one word where they have this.
    pub(super) fn is_one(&mut self, word: &str) -> bool {
        self.found.clear();
        self.read(word, None);
        self.found.len() == 1
    }

    fn read(&mut self, text: &str, stop: Option<&StopWords>) {
        let mut rest = text.chars();
        let mut at = 0;
        while let Some(c) = rest.next() {
            let end = at + c.len_utf8();
            let mut ahead = rest.clone();
            let (next, second) = (ahead.next(), ahead.next());
            let before_letter = next.is_some_and(char::is_alphanumeric);
            match c {
                '\'' | '’' | '‘' | 'ʼ' | 'ʹ' | '′' | '´' | '`' | '＇' => {
                    if self.folded != "aujourd" {
                        self.close(stop);
                    }
                }
                '-' | '‐' | '‑' if before_letter && !self.folded.is_empty() => {
                    if !self.is_one_letter() || self.after_hyphen {
                        self.close(stop);
                        self.after_hyphen = true;
                    }
                }
                '.' | '&' if self.part == 1 && before_letter && !second.is_some_and(char::is_alphanumeric) => {
                    self.part = 0;
                }
                _ if c.is_alphanumeric() => self.push(c, at, end),
                // soft hyphens, joiners, accents written apart
                '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
                _ if !c.is_ascii() && is_combining_mark(c) => {
                    if !self.folded.is_empty() {
                        self.end = end;
                    }
                }
                _ => {
                    self.close(stop);
                    self.clause_ended |= !(c == ' ' || c == '\u{a0}' || c == '\u{202f}' || c == '&' || c == '_');
                }
            }
            at = end;
        }
        self.close(stop);
    }

    fn push(&mut self, c: char, at: usize, end: usize) {
        if self.folded.is_empty() {
            self.start = at;
        }
        self.end = end;
        self.part += 1;
        if c.is_ascii() {
            self.folded.push(c.to_ascii_lowercase());
            return;
        }
        for plain in c.to_lowercase().nfkd() {
            match plain {
                'œ' => self.folded.push_str("oe"),
                'æ' => self.folded.push_str("ae"),
                'ß' => self.folded.push_str("ss"),
                'ø' => self.folded.push('o'),
                'ł' => self.folded.push('l'),
                _ if plain.is_alphanumeric() => self.folded.push(plain),
                _ => {}
            }
        }
    }

    fn is_one_letter(&self) -> bool {
        self.part == 1 && self.folded.chars().nth(1).is_none()
    }

    /// Ends the open word; without stop words, whatever it is.
    fn close(&mut self, stop: Option<&StopWords>) {
        let (start, end) = (self.start, self.end);
        let short = self.folded.chars().nth(1).is_none();
        let number = self.folded.chars().all(char::is_numeric);
        let key = key(singular(&self.folded).as_bytes()) & !CLAUSE_ENDED;
        let counts = !self.folded.is_empty() && stop.is_none_or(|stop| !(short || number || stop.has(key)));
        self.folded.clear();
        self.part = 0;
        self.after_hyphen = false;
        if counts {
            self.found.push(Word { key: key | u64::from(self.clause_ended), start, end });
            self.clause_ended = false;
        }
    }
}

fn singular(word: &str) -> &str {
    let bytes = word.as_bytes();
    match bytes {
        [_, .., b's', b's'] => word,
        [_, _, _, .., b's' | b'x'] => word.get(..bytes.len() - 1).unwrap_or(word),
        _ => word,
    }
}

/// As people wrote it: lower case, one space between words.
pub(super) fn spelling(text: &str, from: usize, to: usize) -> String {
    let written = text.get(from..to).unwrap_or_default();
    written.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}
