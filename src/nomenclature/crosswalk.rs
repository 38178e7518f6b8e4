//! From the codes of one classification to those of its revision.
//!
//! A code may stay one (1:1), be split (1:N) or be merged with others (N:1). Counts of a period in the old classification
//! and of one in the new are compared exactly over [`Crosswalk::groups`], the smallest sets of old and new codes that
//! only map to each other, and inside a group only as well as the split is known: [`Crosswalk::carry`].

mod compare;

use std::collections::{BTreeMap, BTreeSet};

pub use compare::{Carried, CarriedCounts, Comparison, Group};

use super::canonical;

/// What is wrong with the text of a crosswalk. Lines count from 1, which is the header.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrosswalkError {
    #[error(
        "line 1: expected the names of at least two columns, old code then new code, separated by `;` or `,`; found `{found}`"
    )]
    Header { found: String },
    #[error("no line after the header: expected an old and a new code on each")]
    Empty,
    #[error("line {line}: a quote is not closed")]
    Quote { line: usize },
    #[error("line {line}: both codes are empty; give at least one (an empty one says that there is no counterpart)")]
    NoCode { line: usize },
    #[error(
        "line {line}, column `{column}`: `{found}` is not a weight; allowed: a number from 0, such as 0.25 or 0,25, or nothing"
    )]
    Weight { line: usize, column: String, found: String },
    #[error("line {line}: `{old}` to `{new}` is on line {before} already; give each pair once")]
    Twice { line: usize, old: String, new: String, before: usize },
    #[error("line {line}: `{old}` has a new code here and none on line {before}; give one or the other")]
    Ended { line: usize, old: String, before: usize },
    #[error(
        "line {line}, column `{column}`: no weight for `{old}` to `{new}`, but other lines of `{old}` have one; give all or none"
    )]
    SomeWeights { line: usize, column: String, old: String, new: String },
    #[error("line {line}, column `{column}`: the weights of `{old}` are all 0; at least one must be above")]
    NoWeight { line: usize, column: String, old: String },
    #[error(
        "line {line}, column `{column}`: the shares of `{old}` add up to {sum:.3}; give all of its new codes, so that they add up to 1, or counts of rows"
    )]
    Short { line: usize, column: String, old: String, sum: f64 },
}

/// How an old code relates to the new classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mapping {
    /// One new code, which takes this code only.
    Same,
    /// One new code, which takes others too (N:1).
    Merged,
    /// Several new codes (1:N), some of which may take others too.
    Split,
    /// Listed without a new code.
    Ended,
    /// Not listed.
    Unknown,
}

/// Pairs of an old and a new code.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crosswalk {
    /// Names of the two columns.
    pub old_name: String,
    pub new_name: String,
    /// New codes of each old one, with the share that goes there where weights are given.
    targets: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    /// Old codes of each new one.
    sources: BTreeMap<String, BTreeSet<String>>,
}

/// Names of a third column that is read as a weight; any other is left alone.
const WEIGHTS: [&str; 10] =
    ["weight", "weights", "poids", "share", "part", "proportion", "ratio", "coefficient", "coef", "ponderation"];

impl Crosswalk {
    /// Reads `old;new` or `old,new`, with a header whose names are free, such as `naf_rev2;naf_2025`.
    ///
    /// The first column holds old codes, the second new ones, in any form that [`canonical`] reads. A further column named
    /// `weight`, `poids`, `share`, `part`, `proportion`, `ratio`, `coefficient` or `ponderation` holds weights: the shares of an old
    /// code's rows that go to each new one, or counts of them: they are divided by their sum. Other columns are left alone.
    /// An empty code says that the other has no counterpart. Fields may be quoted; blank lines do not count.
    ///
    /// # Errors
    /// Names the line, the field and what is allowed.
    ///
    /// ```
    /// # use vigie::nomenclature::crosswalk::{Crosswalk, Mapping};
    /// let walk = Crosswalk::from_csv("naf_rev2;naf_2025;poids\n56.10A;56.11G;0,75\n56.10A;56.11H;0,25\n0111Z;0111Y;\n").unwrap();
    /// assert_eq!(walk.mapping("5610A"), Mapping::Split);
    /// assert_eq!(walk.targets("5610A").collect::<Vec<_>>(), [("5611G", Some(0.75)), ("5611H", Some(0.25))]);
    /// let error = Crosswalk::from_csv("old,new,weight\nA,B,much\n").unwrap_err();
    /// assert!(error.to_string().starts_with("line 2, column `weight`: `much` is not a weight"));
    /// ```
    pub fn from_csv(text: &str) -> Result<Self, CrosswalkError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().next().unwrap_or_default();
        let separator = if first.contains(';') { ';' } else { ',' };
        let mut records = records(text, separator)?.into_iter();
        let header = records.next().map(|record| record.fields).unwrap_or_default();
        let [old_name, new_name, others @ ..] = header.as_slice() else {
            return Err(CrosswalkError::Header { found: first.to_owned() });
        };
        let is_weight = |name: &String| WEIGHTS.contains(&name.to_lowercase().replace('é', "e").as_str());
        let weights = others.iter().position(is_weight).map(|i| i + 2);
        let weight_name = weights.and_then(|i| header.get(i)).cloned().unwrap_or_default();
        let mut walk = Self { old_name: old_name.clone(), new_name: new_name.clone(), ..Self::default() };
        let mut lines = Lines::default();
        for record in records.filter(|record| record.fields.iter().any(|field| !field.is_empty())) {
            let field = |i: usize| record.fields.get(i).map_or("", String::as_str);
            let (old, new) = (canonical(field(0)).into_owned(), canonical(field(1)).into_owned());
            if old.is_empty() && new.is_empty() {
                return Err(CrosswalkError::NoCode { line: record.line });
            }
            let weight = weights.map_or("", field);
            let weight = read_weight(weight).ok_or_else(|| CrosswalkError::Weight {
                line: record.line,
                column: weight_name.clone(),
                found: weight.to_owned(),
            })?;
            lines.add(record.line, &old, &new)?;
            walk.add(old, new, weight);
        }
        if walk.targets.is_empty() && walk.sources.is_empty() {
            return Err(CrosswalkError::Empty);
        }
        walk.divide_weights(&lines, &weight_name)?;
        Ok(walk)
    }

    fn add(&mut self, old: String, new: String, weight: Option<f64>) {
        if !new.is_empty() {
            let sources = self.sources.entry(new.clone()).or_default();
            if !old.is_empty() {
                sources.insert(old.clone());
            }
        }
        if !old.is_empty() {
            let targets = self.targets.entry(old).or_default();
            if !new.is_empty() {
                targets.insert(new, weight);
            }
        }
    }

    /// From weights to shares of each old code.
    fn divide_weights(&mut self, lines: &Lines, column: &str) -> Result<(), CrosswalkError> {
        for (old, targets) in &mut self.targets {
            if targets.values().all(Option::is_none) {
                continue;
            }
            let line = |new: &str| lines.of(old, new);
            if let Some((new, _)) = targets.iter().find(|(_, weight)| weight.is_none()) {
                return Err(CrosswalkError::SomeWeights {
                    line: line(new),
                    column: column.to_owned(),
                    old: old.clone(),
                    new: new.clone(),
                });
            }
            // by the largest first, so that a sum of numbers near the end of their range stays finite
            let largest = targets.values().flatten().copied().fold(0.0, f64::max);
            let last = targets.keys().map(|new| line(new)).max().unwrap_or_default();
            if largest <= 0.0 {
                let line = last;
                return Err(CrosswalkError::NoWeight { line, column: column.to_owned(), old: old.clone() });
            }
            let sum: f64 = targets.values().flatten().map(|weight| weight / largest).sum();
            // shares of which some are missing: dividing by the sum would hide it
            if largest < 1.0 && sum * largest < 0.99 {
                let (line, column) = (last, column.to_owned());
                return Err(CrosswalkError::Short { line, column, old: old.clone(), sum: sum * largest });
            }
            targets.values_mut().flatten().for_each(|weight| *weight = *weight / largest / sum);
        }
        Ok(())
    }

    /// How an old code (canonical) relates to the new classification.
    pub fn mapping(&self, old: &str) -> Mapping {
        let Some(targets) = self.targets.get(old) else { return Mapping::Unknown };
        let mut names = targets.keys();
        match (names.next(), names.next()) {
            (None, _) => Mapping::Ended,
            (Some(_), Some(_)) => Mapping::Split,
            (Some(new), None) if self.sources.get(new).is_some_and(|sources| sources.len() > 1) => Mapping::Merged,
            (Some(_), None) => Mapping::Same,
        }
    }

    /// New codes of an old one (canonical), in order, with the share that goes there where weights are given.
    pub fn targets(&self, old: &str) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.targets.get(old).into_iter().flatten().map(|(new, share)| (new.as_str(), *share))
    }

    /// Old codes of a new one (canonical), in order.
    pub fn sources(&self, new: &str) -> impl Iterator<Item = &str> {
        self.sources.get(new).into_iter().flatten().map(String::as_str)
    }

    /// Listed codes, old ones then new ones, each in order.
    pub(super) fn codes(&self) -> (impl Iterator<Item = &String>, impl Iterator<Item = &String>) {
        (self.targets.keys(), self.sources.keys())
    }
}

/// Where pairs were read.
#[derive(Default)]
struct Lines(BTreeMap<String, BTreeMap<String, usize>>);

impl Lines {
    fn add(&mut self, line: usize, old: &str, new: &str) -> Result<(), CrosswalkError> {
        let known = self.0.entry(old.to_owned()).or_default();
        if let Some(&before) = known.get(new) {
            return Err(CrosswalkError::Twice { line, old: old.to_owned(), new: new.to_owned(), before });
        }
        let other = if new.is_empty() { known.values().next() } else { known.get("") };
        if let (false, Some(&before)) = (old.is_empty(), other) {
            let (line, before) = if new.is_empty() { (before, line) } else { (line, before) };
            return Err(CrosswalkError::Ended { line, old: old.to_owned(), before });
        }
        known.insert(new.to_owned(), line);
        Ok(())
    }

    fn of(&self, old: &str, new: &str) -> usize {
        self.0.get(old).and_then(|known| known.get(new)).copied().unwrap_or_default()
    }
}

/// `Some(None)` where nothing is written, `None` where it is not a weight.
fn read_weight(text: &str) -> Option<Option<f64>> {
    if text.is_empty() {
        return Some(None);
    }
    let weight: f64 = text.replace(',', ".").parse().ok()?;
    (weight.is_finite() && weight >= 0.0).then_some(Some(weight))
}

/// Trimmed fields, and the line on which they begin.
struct Record {
    line: usize,
    fields: Vec<String>,
}

/// RFC 4180: fields may stand in quotes, in which a doubled quote is one and line ends are text.
fn records(text: &str, separator: char) -> Result<Vec<Record>, CrosswalkError> {
    let mut records = Vec::new();
    let mut record = Record { line: 1, fields: Vec::new() };
    let (mut field, mut line, mut quoted_from) = (String::new(), 1, None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted_from.is_some() && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' if quoted_from.is_some() => quoted_from = None,
            '"' if field.trim().is_empty() => quoted_from = Some(line),
            c if quoted_from.is_some() => field.push(c),
            c if c == separator => record.fields.push(std::mem::take(&mut field).trim().to_owned()),
            '\n' => {
                record.fields.push(std::mem::take(&mut field).trim().to_owned());
                records.push(std::mem::replace(&mut record, Record { line: line + 1, fields: Vec::new() }));
            }
            c => field.push(c),
        }
        line += usize::from(c == '\n');
    }
    if let Some(line) = quoted_from {
        return Err(CrosswalkError::Quote { line });
    }
    if !field.is_empty() || !record.fields.is_empty() {
        record.fields.push(field.trim().to_owned());
        records.push(record);
    }
    Ok(records)
}
