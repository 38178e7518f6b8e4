use std::borrow::Cow;

use base64::Engine as _;
use serde::Deserialize;
use sonic_rs::LazyValue;

use super::Record;
use crate::{
    event::{Reason, Reject},
    ingest::{MAX_LINE, row},
};

/// Content type of an event in CloudEvents' structured mode.
const STRUCTURED: &str = "application/cloudevents+json";
const SPEC_VERSION: &str = "1.0";

/// What a CloudEvent in structured mode carries; its other attributes are the sender's business.
#[derive(Deserialize)]
struct Envelope<'a> {
    specversion: String,
    #[serde(default)]
    datacontenttype: Option<String>,
    #[serde(borrow, default)]
    data: Option<LazyValue<'a>>,
    #[serde(default)]
    data_base64: Option<String>,
}

/// The event inside a message: the payload itself, or what a CloudEvent (Kafka protocol binding 1.0.2, binary or
/// structured mode) carries.
///
/// # Errors
/// A tombstone, another version of CloudEvents, data that is no JSON: refused with the reason.
pub fn unwrap<'r>(record: &Record<'r>) -> Result<Cow<'r, [u8]>, Reject> {
    let Some(payload) = record.payload else {
        return Err(Reject::new(Reason::MalformedJson, "a message without a value (a tombstone) is no event"));
    };
    if record.headers.is_empty() {
        return Ok(Cow::Borrowed(payload));
    }
    let header = |name: &str| {
        let found = record.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| String::from_utf8_lossy(value))
    };
    let content = header("content-type");
    if content.as_deref().is_some_and(|c| media_type(c) == STRUCTURED) {
        return structured(payload).map(Cow::Owned);
    }
    if let Some(version) = header("ce_specversion") {
        version_is_known(&version)?;
        json_content(content.as_deref())?;
    }
    Ok(Cow::Borrowed(payload))
}

fn structured(payload: &[u8]) -> Result<Vec<u8>, Reject> {
    if payload.len() > 2 * MAX_LINE {
        return Err(Reject::new(Reason::TooLarge, format!("a CloudEvent of {} bytes", payload.len())));
    }
    let text = std::str::from_utf8(payload)
        .map_err(|e| Reject::new(Reason::InvalidUtf8, format!("byte {} is not UTF-8", e.valid_up_to())))?;
    let envelope: Envelope<'_> =
        row::json(text).map_err(|r| Reject::new(r.reason, format!("CloudEvents envelope: {}", r.detail)))?;
    version_is_known(&envelope.specversion)?;
    json_content(envelope.datacontenttype.as_deref())?;
    match (envelope.data, envelope.data_base64) {
        (Some(data), None) => Ok(data.as_raw_str().as_bytes().to_vec()),
        (None, Some(text)) => base64::prelude::BASE64_STANDARD
            .decode(text)
            .map_err(|e| unknown(&format!("`data_base64` of a CloudEvent: {e}"))),
        (Some(_), Some(_)) => Err(unknown("`data` and `data_base64` exclude each other in a CloudEvent")),
        (None, None) => Err(unknown("a CloudEvent without `data`")),
    }
}

fn version_is_known(version: &str) -> Result<(), Reject> {
    if version == SPEC_VERSION {
        return Ok(());
    }
    Err(unknown(&format!("CloudEvents `specversion` is {version:?} (expected {SPEC_VERSION:?})")))
}

fn json_content(content: Option<&str>) -> Result<(), Reject> {
    match content.map(media_type) {
        None => Ok(()),
        Some(t) if t == "application/json" || t.ends_with("+json") || t == "text/json" => Ok(()),
        Some(t) => Err(unknown(&format!("content type {t:?} (expected application/json)"))),
    }
}

fn media_type(content: &str) -> String {
    content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn unknown(detail: &str) -> Reject {
    Reject::new(Reason::UnknownShape, detail)
}
