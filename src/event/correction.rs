use serde::{Deserialize, Serialize};

use super::{EventTime, Text};

/// What a human said of one prediction, as `docs/contracts/correction.schema.json` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction<'a> {
    /// 1..256 bytes; with `revision` it names one correction of one prediction.
    #[serde(borrow)]
    pub correction_id: Text<'a>,
    #[serde(borrow)]
    pub prediction_id: Text<'a>,
    /// The true code; `None` = the text cannot be coded.
    #[serde(borrow, deserialize_with = "required")]
    pub code: Option<Text<'a>>,
    pub corrected_at: EventTime,
    /// Who or what asked for it: gestionnaire, audit, contestation...
    #[serde(borrow)]
    pub source: Text<'a>,
    /// Probability with which the review design drew this prediction, in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion_probability: Option<f64>,
    #[serde(default = "first")]
    pub revision: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub annotator: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracted: Option<bool>,
    /// Needed only where two models share prediction ids; otherwise the correction holds for every model.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Text<'a>>,
}

fn first() -> u32 {
    1
}

/// `"code": null` means uncodable, so leaving the field out must not mean the same.
fn required<'de: 'a, 'a, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Text<'a>>, D::Error> {
    Option::<Text<'a>>::deserialize(d)
}
