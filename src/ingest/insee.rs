use std::hash::Hasher;

use serde_json::{Map, Value};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{FileFormat, MAX_LINE, Row, python_literal, wall_time};
use crate::event::{Attributes, Candidate, EventTime, Prediction, Reason, Reject, Route, Scalar, Status, Text};

/// Reads lines of INSEE's coding services as predictions.
///
/// Two shapes are known: today's answers in an envelope, `{"liasse_numero": .., "ts": .., "latency_ms": ..,
/// "Response": {"1": {"code", "probabilite", "libelle"}, .., "IC", "MLversion"}, "Query": {..}}`, and the older log,
/// `2024-03-01 10:00:00,123 - INFO - {'Query': {..}, 'Response': {1: {..}, 'IC': ..}}`.
pub(super) struct Adapter<'f> {
    format: &'f FileFormat,
    model: &'f str,
    nomenclature: &'f str,
}

impl<'f> Adapter<'f> {
    /// # Errors
    /// When the format does not say what no line does: the model and its nomenclature.
    pub fn new(format: &'f FileFormat) -> Result<Self, String> {
        let constant = |field: &str| {
            format.columns.constant(field).ok_or_else(|| {
                format!(
                    "INSEE's lines do not say which model answered; give it in the configuration: \
                     [files.predictions] constants = {{ model = \"..\", nomenclature = \"..\", model_version = \"..\" }} \
                     (`{field}` is missing; model_version is used where a line has no MLversion)"
                )
            })
        };
        Ok(Adapter { format, model: constant("model")?, nomenclature: constant("nomenclature")? })
    }

    /// What a line says.
    pub fn row<'a>(&'a self, line: &'a [u8]) -> Row<'a> {
        match self.prediction(line) {
            Ok(prediction) => Row::Prediction(prediction),
            Err(reject) => Row::Bad(reject, line),
        }
    }

    fn prediction(&self, line: &[u8]) -> Result<Prediction<'f>, Reject> {
        let (stamp, envelope) = envelope(line)?;
        let response = match envelope.get("Response") {
            Some(Value::Object(response)) => response,
            Some(Value::Array(_)) => return Err(shape("`Response` is a list; expected one line for each text")),
            _ => return Err(shape(bare(&envelope))),
        };
        let query = envelope.get("Query").and_then(Value::as_object);
        let constant = |field: &str| self.format.columns.constant(field).map(Text::from);
        let id = match envelope.get("liasse_numero").or_else(|| envelope.get("event_id")) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => digest(line),
        };
        let model_version = match response.get("MLversion") {
            Some(Value::String(version)) => version.clone().into(),
            _ => constant("model_version").ok_or_else(|| {
                missing("`Response.MLversion`, and no constant `model_version` is configured in its place")
            })?,
        };
        let route = match self.format.columns.constant("route") {
            Some("auto") => Some(Route::Auto),
            Some("manual") => Some(Route::Manual),
            _ => None,
        };
        Ok(Prediction {
            prediction_id: id.into(),
            model: self.model.into(),
            model_version,
            nomenclature: self.nomenclature.into(),
            predicted_at: self.time(&envelope, stamp)?,
            status: Status::Ok,
            latency_ms: number(&envelope, "latency_ms", "latency_ms")?,
            candidates: candidates(response)?,
            confidence: Some(number(response, "IC", "Response.IC")?.ok_or_else(|| missing("`Response.IC`"))?),
            text: query.and_then(described).map(|t| t.to_owned().into()),
            attributes: query.map(attributes).filter(|a| !a.0.is_empty()),
            route,
            batch_size: None,
            workspace: constant("workspace"),
        })
    }

    fn time(&self, envelope: &Map<String, Value>, stamp: &str) -> Result<EventTime, Reject> {
        let (name, text) = match envelope.get("ts") {
            Some(Value::String(ts)) => ("ts", ts.as_str()),
            Some(_) => return Err(Reject::new(Reason::InvalidTime, "`ts` is not text (expected RFC 3339)")),
            None if stamp.is_empty() => return Err(missing("`ts`, the time of the answer")),
            None => ("time at the start of the line", stamp),
        };
        wall_time::read(text, self.format.time_zone.as_ref())
            .map_err(|e| Reject::new(Reason::InvalidTime, format!("{name}: {e}")))
    }
}

/// Splits `DATE - LEVEL - {..}` into the date and what is in the braces; the date is empty where braces come first.
fn envelope(line: &[u8]) -> Result<(&str, Map<String, Value>), Reject> {
    if line.len() > MAX_LINE {
        let detail = format!("{} bytes; at most {MAX_LINE} are allowed", line.len());
        return Err(Reject::new(Reason::TooLarge, detail));
    }
    let text = std::str::from_utf8(line)
        .map_err(|e| Reject::new(Reason::InvalidUtf8, format!("byte {} is not UTF-8", e.valid_up_to())))?;
    let start = text.find(['{', '[']).ok_or_else(|| shape("no `{` in the line: it holds no answer"))?;
    let stamp = text[..start].split(" - ").next().unwrap_or_default().trim();
    let braces = &text[start..];
    // Python quotes keys with an apostrophe, JSON cannot
    let python = braces.trim_start_matches(['{', '[', ' ']).starts_with('\'');
    let value = if python {
        python_literal::read(braces).map_err(|e| shape(format!("{e} (bytes are counted from the first bracket)")))?
    } else {
        serde_json::from_str(braces).map_err(|e| Reject::new(Reason::MalformedJson, e.to_string()))?
    };
    match value {
        Value::Object(envelope) => Ok((stamp, envelope)),
        _ => Err(shape(BARE)),
    }
}

const BARE: &str = "a bare answer of the API has no id and no time; write each one as \
    {\"liasse_numero\": .., \"ts\": .., \"latency_ms\": .., \"Response\": {..}, \"Query\": {..}}";

fn bare(envelope: &Map<String, Value>) -> &'static str {
    if envelope.contains_key("IC") || envelope.contains_key("1") {
        BARE
    } else {
        "no object `Response`: neither an envelope nor a log line of INSEE's API"
    }
}

/// Ranks by number: `prob_min` leaves out the improbable ones.
fn candidates(response: &Map<String, Value>) -> Result<Vec<Candidate<'static>>, Reject> {
    let mut ranks: Vec<(u16, &Value)> = response.iter().filter_map(|(k, v)| Some((k.parse().ok()?, v))).collect();
    ranks.sort_unstable_by_key(|(rank, _)| *rank);
    if ranks.is_empty() {
        let detail = "`Response` has no rank: every code fell under prob_min, so nothing was predicted";
        return Err(Reject::new(Reason::InvalidValue, detail));
    }
    ranks.into_iter().map(|(rank, answer)| candidate(rank, answer)).collect()
}

fn candidate(rank: u16, answer: &Value) -> Result<Candidate<'static>, Reject> {
    let wrong = |detail: &str| Reject::new(Reason::WrongType, format!("`Response.{rank}`: {detail}"));
    let answer = answer.as_object().ok_or_else(|| wrong("not an object"))?;
    let code = answer.get("code").and_then(Value::as_str).ok_or_else(|| wrong("`code` is not a text"))?;
    let probability = answer.get("probabilite").and_then(Value::as_f64);
    let label = answer.get("libelle").and_then(Value::as_str);
    Ok(Candidate {
        code: code.to_owned().into(),
        probability: probability.ok_or_else(|| wrong("`probabilite` is not a number"))?,
        label: label.map(|l| l.to_owned().into()),
    })
}

/// Names that the description had in the versions of the API.
const DESCRIPTIONS: [&str; 3] = ["description_activity", "text_description", "text_feature"];

fn described(query: &Map<String, Value>) -> Option<&str> {
    DESCRIPTIONS.iter().find_map(|name| query.get(*name)?.as_str())
}

/// Whatever else was asked, where it is one value.
fn attributes(query: &Map<String, Value>) -> Attributes<'static> {
    let others = query.iter().filter(|(name, _)| !DESCRIPTIONS.contains(&name.as_str()));
    let mut pairs: Vec<(Text<'static>, Scalar<'static>)> = others
        .filter_map(|(name, value)| {
            let scalar = match value {
                Value::Bool(b) => Scalar::Bool(*b),
                Value::Number(n) => Scalar::Number(n.as_f64()?),
                Value::String(s) => Scalar::Text(s.clone().into()),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((name.clone().into(), scalar))
        })
        .collect();
    pairs.sort_by(|a, b| a.0.0.cmp(&b.0.0));
    Attributes(pairs)
}

fn number(map: &Map<String, Value>, key: &str, name: &str) -> Result<Option<f64>, Reject> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| {
            let shown: String = value.to_string().chars().take(40).collect();
            Reject::new(Reason::WrongType, format!("`{name}` is `{shown}`, not a number"))
        }),
    }
}

/// An id for a line that has none: the same line always gets the same one, so that a second reading counts nothing.
fn digest(line: &[u8]) -> String {
    let mut hash = SipHasher13::new();
    hash.write(line);
    format!("{:032x}", hash.finish128().as_u128())
}

fn shape(detail: impl Into<String>) -> Reject {
    Reject::new(Reason::UnknownShape, detail)
}

fn missing(what: &str) -> Reject {
    Reject::new(Reason::MissingField, format!("missing field {what}"))
}
