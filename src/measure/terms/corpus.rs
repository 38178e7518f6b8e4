//! The rows of two periods, by text.

use hashbrown::HashMap;

use super::{
    Periods, Side, TextRow,
    stop_words::StopWords,
    words::{Folder, Map, Word, key, spelling},
};

/// The rows of two periods by their texts, each text read once.
///
/// Free texts repeat a lot: the work below is per distinct text. Holds 4 bytes a row, and of each distinct text about
/// as much as the text itself. Texts are in the order of a hash, so nothing below depends on the order of rows.
#[derive(Debug)]
pub struct Texts<'a> {
    rows: &'a [TextRow<'a>],
    periods: Periods,
    stop: &'a StopWords,
    /// Numbers of rows, text by text.
    order: Vec<u32>,
    /// Keys of words, text by text.
    words: Vec<u64>,
    texts: Vec<Text<'a>>,
}

/// One distinct text.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    key: u64,
    text: &'a str,
    rows: Part,
    words: Part,
}

/// A part of a slice.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    start: usize,
    end: usize,
}

impl<'a> Texts<'a> {
    /// Rows past the first `u32::MAX` are left out.
    pub fn new(rows: &'a [TextRow<'a>], periods: &Periods, stop: &'a StopWords) -> Self {
        let mut numbers: HashMap<&str, u32, Map> = HashMap::default();
        let mut texts: Vec<Text> = Vec::new();
        let mut text_of: Vec<(u32, u32)> = Vec::new();
        let within = (0_u32..u32::MAX).zip(rows).filter(|(_, row)| periods.side(row.day).is_some());
        for (number, row) in within {
            let text = *numbers.entry(row.text).or_insert_with(|| {
                let rows = Part::default();
                texts.push(Text { key: key(row.text.as_bytes()), text: row.text, rows, words: rows });
                texts.len() as u32 - 1
            });
            text_of.push((text, number));
        }
        drop(numbers);
        let order = grouped(&mut texts, &text_of);
        texts.sort_unstable_by_key(|text| (text.key, text.text));
        let (mut folder, mut words) = (Folder::default(), Vec::new());
        for text in &mut texts {
            let start = words.len();
            words.extend(folder.words(text.text, stop).iter().map(|word| word.key));
            text.words = Part { start, end: words.len() };
        }
        Self { rows, periods: periods.clone(), stop, order, words, texts }
    }

    /// How many distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn text(&self, number: u32) -> &'a str {
        self.texts.get(number as usize).map_or("", |text| text.text)
    }

    /// A hash that tells texts apart.
    pub(super) fn key(&self, number: u32) -> u64 {
        self.texts.get(number as usize).map_or(0, |text| text.key)
    }

    /// Keys of its words.
    pub(super) fn words(&self, number: u32) -> &[u64] {
        self.texts.get(number as usize).and_then(|text| self.words.get(text.words.start..text.words.end)).unwrap_or(&[])
    }

    /// Its rows, each with the period that it is in.
    pub(super) fn rows(&self, number: u32) -> impl Iterator<Item = (Side, &'a TextRow<'a>)> + '_ {
        let part = self.texts.get(number as usize).map_or(Part::default(), |text| text.rows);
        let rows = self.order.get(part.start..part.end).unwrap_or(&[]);
        rows.iter()
            .filter_map(|&row| self.rows.get(row as usize))
            .filter_map(|row| Some((self.periods.side(row.day)?, row)))
    }

    /// How this text spells the words from the `first` on.
    pub(super) fn spelling(&self, folder: &mut Folder, number: u32, first: usize, words: usize) -> Option<String> {
        let text = self.text(number);
        let found: &[Word] = folder.words(text, self.stop);
        let (from, to) = (found.get(first)?, found.get(first + words - 1)?);
        Some(spelling(text, from.start, to.end))
    }
}

/// Numbers of rows, text by text, by counting.
fn grouped(texts: &mut [Text], text_of: &[(u32, u32)]) -> Vec<u32> {
    for (text, _) in text_of {
        if let Some(text) = texts.get_mut(*text as usize) {
            text.rows.end += 1;
        }
    }
    let mut start = 0;
    for text in texts.iter_mut() {
        let rows = text.rows.end;
        text.rows = Part { start, end: start };
        start += rows;
    }
    let mut order = vec![0; text_of.len()];
    for (text, row) in text_of {
        if let Some(text) = texts.get_mut(*text as usize)
            && let Some(place) = order.get_mut(text.rows.end)
        {
            *place = *row;
            text.rows.end += 1;
        }
    }
    order
}
