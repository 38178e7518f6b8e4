use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use super::{Attributes, EventTime, MAX_RANK, Text};

/// What a model said about one text, as `docs/contracts/prediction.schema.json` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Milliseconds, >= 0; `None` = not measured, which JSON must say with `null`.
    #[serde(deserialize_with = "required")]
    pub latency_ms: Option<f64>,
    /// Best first, 1..100 when status is ok.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty", deserialize_with = "candidates")]
    pub candidates: Vec<Candidate<'a>>,
    /// The model's own index of certainty, e.g. p1 - p2. Required when status is ok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes<'a>>,
    /// Where the prediction went; otherwise the model's threshold decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Text<'a>>,
}

/// A service that forgets to measure must not pass for one that cannot: leaving the field out is refused.
fn required<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Option::<f64>::deserialize(d)
}

/// A list with room for the usual number of candidates from the start: a quarter of the time of reading an event went
/// into growing it.
fn candidates<'de: 'a, 'a, D: Deserializer<'de>>(d: D) -> Result<Vec<Candidate<'a>>, D::Error> {
    struct V;
    impl<'de> Visitor<'de> for V {
        type Value = Vec<Candidate<'de>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of candidates")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::with_capacity(MAX_RANK);
            while let Some(one) = seq.next_element()? {
                all.push(one);
            }
            Ok(all)
        }
    }
    d.deserialize_seq(V)
}

/// One code that the model considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate<'a> {
    #[serde(borrow)]
    pub code: Text<'a>,
    pub probability: f64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<'a>>,
}

/// Whether the model answered.
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
