use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A string seen once and then named by a number: codes, models, versions, sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Symbol(pub u32);

/// Number of a [`Series`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesId(pub u32);

/// What facts are kept apart by, besides the hour: one version of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    pub workspace: Symbol,
    pub model: Symbol,
    pub version: Symbol,
    pub nomenclature: Symbol,
}

/// The two-way table of symbols and series. Numbers are given in order of arrival and never change.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    texts: Vec<Arc<str>>,
    by_text: HashMap<Arc<str>, Symbol>,
    series: Vec<Series>,
    by_series: HashMap<Series, SeriesId>,
}

impl Symbols {
    /// Most series a store may hold: cell keys give them 20 bits.
    pub const MAX_SERIES: usize = 1 << 20;
    /// Most symbols: their table is kept in memory.
    pub const MAX_SYMBOLS: usize = 1 << 24;

    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.by_text.get(text) {
            return *symbol;
        }
        let symbol = Symbol(self.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.by_text.insert(text, symbol);
        symbol
    }

    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied()
    }

    /// The text of a symbol; empty for a number never given.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.0 as usize).map_or("", |t| t)
    }

    pub fn intern_series(&mut self, series: Series) -> SeriesId {
        *self.by_series.entry(series).or_insert_with(|| {
            self.series.push(series);
            SeriesId(self.series.len() as u32 - 1)
        })
    }

    pub fn series(&self, id: SeriesId) -> Option<Series> {
        self.series.get(id.0 as usize).copied()
    }

    pub fn find_series(&self, series: Series) -> Option<SeriesId> {
        self.by_series.get(&series).copied()
    }

    pub fn all_series(&self) -> impl Iterator<Item = (SeriesId, Series)> + '_ {
        self.series.iter().enumerate().map(|(i, s)| (SeriesId(i as u32), *s))
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn series_len(&self) -> usize {
        self.series.len()
    }

    /// Texts and series added since there were `texts` and `series` of them: what a commit must write.
    pub fn since(&self, texts: usize, series: usize) -> (&[Arc<str>], &[Series]) {
        (&self.texts[texts.min(self.texts.len())..], &self.series[series.min(self.series.len())..])
    }

    /// Rebuilds the table from what commits wrote, in order.
    pub fn restore(texts: impl IntoIterator<Item = String>, series: impl IntoIterator<Item = Series>) -> Self {
        let mut symbols = Symbols::default();
        for text in texts {
            symbols.intern(&text);
        }
        for s in series {
            symbols.intern_series(s);
        }
        symbols
    }
}

/// Texts and series in the order of their numbers.
impl Serialize for Symbols {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<&str> = self.texts.iter().map(|t| &**t).collect();
        (texts, &self.series).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Symbols {
    /// A table that gives one thing two numbers is refused: everything after the second would have another name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (texts, series) = <(Vec<String>, Vec<Series>)>::deserialize(deserializer)?;
        let (n_texts, n_series) = (texts.len(), series.len());
        let named = |s: Symbol| (s.0 as usize) < n_texts;
        let whole = series.iter().all(|s| [s.workspace, s.model, s.version, s.nomenclature].into_iter().all(named));
        let symbols = Symbols::restore(texts, series);
        if !whole || symbols.len() != n_texts || symbols.series_len() != n_series {
            return Err(D::Error::custom("a table of symbols that contradicts itself"));
        }
        Ok(symbols)
    }
}
