use serde::{Deserialize, Serialize};

use super::{JoinVerdict, Joined, Label};
use crate::event::{CorrectionEntry, Entry, PredictionEntry, Symbol};

/// Everything known under one join key: usually one prediction and at most one correction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// One a model.
    pub predictions: Vec<HeldPrediction>,
    pub corrections: Vec<HeldCorrection>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPrediction {
    pub entry: PredictionEntry,
    /// Other bodies seen under this id, so that their repeats are told from new conflicts.
    pub conflicting: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCorrection {
    pub entry: CorrectionEntry,
    pub conflicting: Vec<u64>,
}

/// How the corrections of one key stand, as additive counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub labelled: i64,
    pub uncodable: i64,
    pub retracted: i64,
    pub superseded: i64,
    pub orphans: i64,
}

/// Conflicting bodies remembered per id; beyond it further different bodies count as conflicts each time.
const MAX_CONFLICTING: usize = 64;

impl Held {
    pub fn is_empty(&self) -> bool {
        self.predictions.is_empty() && self.corrections.is_empty()
    }

    /// The newest time under the key, in milliseconds since 1970: of its predictions, or of the corrections that wait.
    pub fn newest(&self) -> i64 {
        let predictions = self.predictions.iter().map(|p| p.entry.at).max();
        let waiting = || self.corrections.iter().map(|c| c.entry.at / 1_000_000).max();
        predictions.or_else(waiting).unwrap_or(i64::MAX)
    }

    /// Takes one event in and says what it was.
    pub fn apply(&mut self, entry: Entry) -> JoinVerdict {
        match entry {
            Entry::Prediction(p) => self.apply_prediction(p),
            Entry::Correction(c) => self.apply_correction(c),
        }
    }

    fn apply_prediction(&mut self, new: PredictionEntry) -> JoinVerdict {
        let Some(held) = self.predictions.iter_mut().find(|h| h.entry.model == new.model) else {
            // kept in the order of model names' numbers, so that the record does not depend on arrival
            let at = self.predictions.partition_point(|h| h.entry.model < new.model);
            // nearly always the only one: a vector grows to four at once
            self.predictions.reserve_exact(1);
            self.predictions.insert(at, HeldPrediction { entry: new, conflicting: Vec::new() });
            return JoinVerdict::Accepted;
        };
        let wins = (new.at, new.body) < (held.entry.at, held.entry.body);
        meet(&mut held.entry, &mut held.conflicting, new, wins, |e| e.body)
    }

    fn apply_correction(&mut self, new: CorrectionEntry) -> JoinVerdict {
        let same =
            |h: &HeldCorrection| h.entry.id == new.id && h.entry.revision == new.revision && h.entry.model == new.model;
        let Some(held) = self.corrections.iter_mut().find(|h| same(h)) else {
            let rank = |e: &CorrectionEntry| (e.model, e.revision, e.id.clone());
            let at = self.corrections.partition_point(|h| rank(&h.entry) < rank(&new));
            self.corrections.reserve_exact(1);
            self.corrections.insert(at, HeldCorrection { entry: new, conflicting: Vec::new() });
            return JoinVerdict::Accepted;
        };
        let wins = (new.at, new.body) < (held.entry.at, held.entry.body);
        meet(&mut held.entry, &mut held.conflicting, new, wins, |e| e.body)
    }

    /// Every prediction with the label that holds for it.
    pub fn joined(&self) -> impl Iterator<Item = Joined<'_>> {
        self.predictions.iter().map(|h| Joined { prediction: &h.entry, label: self.label_of(h.entry.model) })
    }

    fn label_of(&self, model: Symbol) -> Option<Label> {
        let for_it = |c: &&HeldCorrection| c.entry.model.is_none_or(|m| m == model);
        let holding = self
            .corrections
            .iter()
            .filter(for_it)
            .map(|c| &c.entry)
            .max_by(|a, b| (a.revision, a.at, &a.id).cmp(&(b.revision, b.at, &b.id)))?;
        Some(Label::of(holding))
    }

    /// What several people said of a model's prediction, each on their own: who, and the code of their first opinion, in
    /// the order of the people's numbers. Later revisions are second thoughts that saw what was said before, and count for nothing here.
    pub fn opinions(&self, model: Symbol) -> Vec<(Symbol, Option<Symbol>)> {
        let first =
            self.corrections.iter().map(|c| &c.entry).filter(|c| {
                c.revision == 1 && !c.retracted && c.model.is_none_or(|m| m == model) && c.annotator.is_some()
            });
        let mut by: Vec<&CorrectionEntry> = first.collect();
        by.sort_by(|a, b| (a.annotator, a.at, &a.id).cmp(&(b.annotator, b.at, &b.id)));
        by.dedup_by_key(|c| c.annotator);
        by.into_iter().filter_map(|c| Some((c.annotator?, c.code))).collect()
    }

    pub fn standing(&self) -> Standing {
        let mut s = Standing::default();
        for joined in self.joined() {
            match joined.label {
                Some(label) if label.retracted => s.retracted += 1,
                Some(label) if label.code.is_none() => s.uncodable += 1,
                Some(_) => s.labelled += 1,
                None => {}
            }
        }
        let mut before: Option<Option<Symbol>> = None;
        for c in &self.corrections {
            // sorted by model: equal neighbours are for the same prediction
            s.superseded += i64::from(before == Some(c.entry.model));
            before = Some(c.entry.model);
            let met = match c.entry.model {
                None => !self.predictions.is_empty(),
                Some(model) => self.predictions.iter().any(|p| p.entry.model == model),
            };
            s.orphans += i64::from(!met);
        }
        s
    }
}

/// A second event under a known id: keeps the one that wins, remembers the other.
fn meet<E>(held: &mut E, conflicting: &mut Vec<u64>, new: E, wins: bool, body: impl Fn(&E) -> u64) -> JoinVerdict {
    if body(held) == body(&new) || conflicting.contains(&body(&new)) {
        return JoinVerdict::Duplicate;
    }
    let loser = if wins { std::mem::replace(held, new) } else { new };
    if conflicting.len() < MAX_CONFLICTING {
        let at = conflicting.partition_point(|b| *b < body(&loser));
        conflicting.insert(at, body(&loser));
    }
    JoinVerdict::Conflict
}
