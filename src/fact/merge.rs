use super::{Facts, PageKey};
use crate::event::{Series, SeriesId, Symbol, Symbols};

/// One table of names over the stores of several partitions, with what each store's own numbers are in it.
///
/// Only facts are added up: what the join holds belongs to one partition, since all events of a prediction do.
#[derive(Debug, Clone, Default)]
pub struct Union {
    symbols: Symbols,
    parts: Vec<Renaming>,
}

/// Numbers of the union, at a part's own numbers.
#[derive(Debug, Clone, Default)]
struct Renaming {
    symbols: Vec<Symbol>,
    series: Vec<SeriesId>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error(
        "the partitions together hold more than {} series (workspace, model, version, nomenclature): more than can be \
         told apart",
        Symbols::MAX_SERIES
    )]
    TooManySeries,
    #[error("part {part} holds a fact of which it has no name: it is damaged")]
    Nameless {
        /// Counted from 0, in the order in which the parts were given.
        part: usize,
    },
}

impl Union {
    /// Which numbers come out depends on the order of the parts; what they stand for does not.
    ///
    /// # Errors
    /// When there are more series than a key of facts can tell apart.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Symbols>) -> Result<Self, MergeError> {
        let mut union = Union::default();
        for part in parts {
            let to = &mut union.symbols;
            let texts: Vec<Symbol> = part.since(0, 0).0.iter().map(|text| to.intern(text)).collect();
            // every series of a table has its texts in it
            let named = |own: Symbol| texts.get(own.0 as usize).copied().unwrap_or(own);
            let series = part.all_series().map(|(_, s)| {
                to.intern_series(Series {
                    workspace: named(s.workspace),
                    model: named(s.model),
                    version: named(s.version),
                    nomenclature: named(s.nomenclature),
                })
            });
            let series = series.collect();
            union.parts.push(Renaming { symbols: texts, series });
        }
        if union.symbols.series_len() > Symbols::MAX_SERIES {
            return Err(MergeError::TooManySeries);
        }
        Ok(union)
    }

    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The number here of a series of a part.
    pub fn series(&self, part: usize, own: SeriesId) -> Option<SeriesId> {
        self.parts.get(part)?.series(own)
    }

    /// Adds up facts, one [`Facts`] for each part in the order of [`Union::of`]: what one store of all events holds.
    ///
    /// # Errors
    /// When a fact has a number that its part's table of names does not have.
    pub fn merge(&self, parts: Vec<Facts>) -> Result<Facts, MergeError> {
        let mut sum = Facts::default();
        for (part, facts) in parts.into_iter().enumerate() {
            let added = self.parts.get(part).and_then(|renaming| renaming.add(&mut sum, facts));
            added.ok_or(MergeError::Nameless { part })?;
        }
        sum.settle();
        Ok(sum)
    }
}

impl Renaming {
    fn symbol(&self, own: Symbol) -> Option<Symbol> {
        self.symbols.get(own.0 as usize).copied()
    }

    fn series(&self, own: SeriesId) -> Option<SeriesId> {
        self.series.get(own.0 as usize).copied()
    }

    fn page(&self, own: PageKey) -> Option<PageKey> {
        Some(own.of_series(self.series(own.series())?))
    }

    /// `None` when a number has no name.
    fn add(&self, sum: &mut Facts, facts: Facts) -> Option<()> {
        for (key, page) in facts.counts {
            let table = key.table()?;
            let to = sum.counts.entry(self.page(key)?).or_default();
            for (at, n) in page {
                let [at, ..] = table.renamed([at, 0, 0], |own| self.symbol(own))?;
                let count = to.entry(at).or_default();
                *count = count.wrapping_add(n);
            }
        }
        for (key, page) in facts.moments {
            let table = key.table()?;
            let to = sum.moments.entry(self.page(key)?).or_default();
            for (at, moments) in page {
                let at = table.renamed(at, |own| self.symbol(own))?;
                to.entry(at).or_default().add(&moments, 1);
            }
        }
        for (key, page) in facts.specimens {
            let to = sum.specimens.entry(self.page(key)?).or_default();
            for (specimen, n) in page {
                *to.entry(specimen.renamed(|own| self.symbol(own))?).or_default() += n;
            }
        }
        for (key, page) in facts.opinions {
            let to = sum.opinions.entry(self.page(key)?).or_default();
            for (opinions, n) in page {
                *to.entry(opinions.renamed(|own| self.symbol(own))?).or_default() += n;
            }
        }
        sum.specimens_left_out |= facts.specimens_left_out;
        sum.ledger.merge(&facts.ledger);
        Some(())
    }
}

/// Facts of several stores, each with its own names, as the facts of one. A single part stays as it is.
///
/// # Errors
/// As [`Union::of`] and [`Union::merge`].
pub fn merge(mut parts: Vec<(Facts, Symbols)>) -> Result<(Facts, Symbols), MergeError> {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return Ok(only);
    }
    let union = Union::of(parts.iter().map(|(_, symbols)| symbols))?;
    let facts = union.merge(parts.into_iter().map(|(facts, _)| facts).collect())?;
    Ok((facts, union.symbols))
}
