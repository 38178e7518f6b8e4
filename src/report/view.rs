//! The pieces that templates lay out: cells, tables, figures. Text in them is plain; templates escape it.

use super::{number::DASH, texts::Texts};
use crate::measure::proportion::Estimate;

/// One cell of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub text: String,
    /// Smaller, after the text: an interval, an expectation.
    pub note: String,
    /// Why there is only a dash.
    pub why: String,
    /// A number, set to the right.
    pub number: bool,
    /// Style of an interval bar, empty for none.
    pub bar: String,
    /// Quieter than the others.
    pub muted: bool,
    /// Steps to the right.
    pub indent: u32,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn number(text: impl Into<String>) -> Self {
        Self { text: text.into(), number: true, ..Self::default() }
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub fn why(mut self, why: &str) -> Self {
        if self.text == DASH {
            why.clone_into(&mut self.why);
        }
        self
    }

    /// A proportion with its interval in figures and as a bar.
    pub fn estimate(t: &Texts, estimate: &Estimate) -> Self {
        let mut cell = Self::number(t.pct(estimate.estimate)).note(t.interval(estimate)).why(t.s("dash.no_labels"));
        cell.bar = bar(estimate);
        cell
    }
}

/// Position of an interval and its point on a 0-100 scale, as style properties of a bar.
pub(crate) fn bar(estimate: &Estimate) -> String {
    match (estimate.lower, estimate.upper, estimate.estimate) {
        (Some(lower), Some(upper), Some(point)) => {
            format!("--l:{:.0};--u:{:.0};--e:{:.0}", lower * 100.0, upper * 100.0, point * 100.0)
        }
        _ => String::new(),
    }
}

/// A column's title; numbers stand to the right.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub text: String,
    pub number: bool,
}

/// A table with its title.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub title: String,
    pub head: Vec<Head>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table whose first `texts` columns hold words and the others numbers; `keys` name the column titles.
    pub fn new(t: &Texts, title: &str, texts: usize, keys: &[&str]) -> Self {
        let head = keys.iter().enumerate().map(|(i, key)| Head { text: t.s(key).to_owned(), number: i >= texts });
        Self { title: t.s(title).to_owned(), head: head.collect(), rows: Vec::new() }
    }
}

/// A chart, its legend and the sentence that says what to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figure {
    pub title: String,
    /// Made by [`super::chart`], which escapes what it writes.
    pub svg: String,
    /// Class of the colour and its name.
    pub legend: Vec<(&'static str, String)>,
    pub caption: String,
    /// Scrolls in its own box on a narrow screen instead of shrinking.
    pub wide: bool,
}
