use crate::event::JoinKey;

/// How rows of one route are drawn for review when events do not say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReviewRates {
    pub auto: Option<f64>,
    pub manual: Option<f64>,
}

/// What the configuration says of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// Confidence from which a prediction is accepted automatically, for events that name no route.
    pub threshold: Option<f64>,
    pub review_rates: ReviewRates,
    /// Nomenclature to use instead of the one that events name.
    pub nomenclature: Option<String>,
    /// Share of predictions whose text and attributes are kept; `None` = all.
    pub texts: Option<f64>,
    /// Whether facts say who gave which opinion, where several people coded one prediction.
    pub annotators: bool,
}

impl Policy {
    /// Whether the wording of the prediction under this key is kept: a fixed part of all keys, whatever order they come in.
    pub fn keeps(&self, key: JoinKey) -> bool {
        // the key is a hash: its upper half is a number drawn evenly
        self.texts.is_none_or(|share| ((key.0 >> 64) as u64 as f64) < share * 2_f64.powi(64))
    }
}

/// A policy per model, and one for all others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policies {
    pub default: Policy,
    pub models: Vec<(String, Policy)>,
}

impl Policies {
    pub fn of(&self, model: &str) -> &Policy {
        self.models.iter().find(|(name, _)| name == model).map_or(&self.default, |(_, p)| p)
    }
}
