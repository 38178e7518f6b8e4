use std::io::{Cursor, Read};

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, problem::Problem};
use crate::{event::Kind, service::AppendError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// `prediction` or `correction` when all lines are of one kind; otherwise each line tells.
    kind: Option<Kind>,
}

/// Takes lines of JSON into the journal. 202 means: they are on disk. Whether each is a good event is decided when it
/// is read from there, and shown in the counts and dead letters.
pub async fn append(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Query(parameters) = parameters.map_err(|e| Problem::bad_request(e.body_text()))?;
    let body =
        body.map_err(|e| Problem::new(e.status(), format!("{}; at most {} bytes", e.body_text(), app.max_body)))?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("identity").to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let lines = lines(&body, &encoding, app.max_body)?;
        let count = memchr::memchr_iter(b'\n', &lines).count();
        if count == 0 {
            return Err(Problem::bad_request("the body holds no line; send one JSON event a line"));
        }
        let first = app.service.append(parameters.kind, &lines).map_err(|e| match e {
            AppendError::FromKafka { .. } => Problem::new(StatusCode::CONFLICT, e.to_string()),
            AppendError::Journal(e) => {
                tracing::error!(error = %e, "events could not be written");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the journal cannot be written; nothing was taken")
            }
        })?;
        Ok((StatusCode::ACCEPTED, Json(json!({ "received": count, "first_offset": first }))))
    });
    work.await.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"))?
}

/// The body's lines without blank ones, each ended by a newline.
fn lines(body: &[u8], encoding: &str, max: usize) -> Result<Vec<u8>, Problem> {
    let plain = match encoding {
        "identity" => body.to_vec(),
        "gzip" => inflate(flate2::read::MultiGzDecoder::new(Cursor::new(body)), max)?,
        "zstd" => match zstd::stream::read::Decoder::new(Cursor::new(body)) {
            Ok(decoder) => inflate(decoder, max)?,
            Err(e) => return Err(Problem::bad_request(format!("the body is not zstd: {e}"))),
        },
        other => {
            let detail = format!("Content-Encoding {other} is not known; use gzip, zstd or none");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
    };
    let mut kept = Vec::with_capacity(plain.len() + 1);
    for line in plain.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.trim_ascii().is_empty() {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    Ok(kept)
}

/// A small body must not become a huge one.
fn inflate(source: impl Read, max: usize) -> Result<Vec<u8>, Problem> {
    let mut plain = Vec::new();
    source
        .take(max as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|e| Problem::bad_request(format!("the body cannot be decompressed: {e}")))?;
    if plain.len() > max {
        let detail = format!("more than {max} bytes after decompression; send smaller batches");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(plain)
}
