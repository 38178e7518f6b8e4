use crate::event::{CorrectionEntry, PredictionEntry, Symbol, Weight};

/// What holds of a prediction's corrections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// `None` = uncodable.
    pub code: Option<Symbol>,
    pub source: Symbol,
    pub weight: Option<Weight>,
    pub retracted: bool,
}

impl Label {
    pub(super) fn of(c: &CorrectionEntry) -> Self {
        Label { code: c.code, source: c.source, weight: c.weight, retracted: c.retracted }
    }
}

/// A prediction and its label: what facts are made of.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a> {
    pub prediction: &'a PredictionEntry,
    pub label: Option<Label>,
}
