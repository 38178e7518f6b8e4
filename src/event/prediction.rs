use serde::{Deserialize, Serialize};

use super::{Attributes, EventTime, Text};

/// What a model said about one text, as `docs/contracts/prediction.schema.json` describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Prediction<'a> {
    /// 1..256 bytes, unique per model (and workspace).
    #[serde(borrow)]
    pub prediction_id: Text<'a>,
    #[serde(borrow)]
    pub model: Text<'a>,
    #[serde(borrow)]
    pub model_version: Text<'a>,
    #[serde(borrow)]
    pub nomenclature: Text<'a>,
    pub predicted_at: EventTime,
    pub status: Status,
    /// Milliseconds, >= 0.
    #[serde(deserialize_with = "required")]
    pub latency_ms: Option<f64>,
    /// Best first, 1..100 when status is ok.
    #[serde(borrow, default)]
    pub candidates: Vec<Candidate<'a>>,
    /// The model's own index of certainty, e.g. p1 - p2. Required when status is ok.
    #[serde(default)]
    pub confidence: Option<f64>,
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub attributes: Option<Attributes<'a>>,
    /// Where the prediction went; otherwise the model's threshold decides.
    #[serde(default)]
    pub route: Option<Route>,
    #[serde(default)]
    pub batch_size: Option<u32>,
    #[serde(borrow, default)]
    pub workspace: Option<Text<'a>>,
}

/// On the wire a latency is required; files of other shapes may lack it, hence the `Option` inside.
fn required<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(d).map(Some)
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Candidate<'a> {
    #[serde(borrow)]
    pub code: Text<'a>,
    pub probability: f64,
    #[serde(borrow, default)]
    pub label: Option<Text<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    Error,
}

/// Who decides: the model alone, or a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    Auto,
    Manual,
}
