use axum::{
    Json,
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{assess::SourceError, service::AskError};

/// An error as RFC 9457 describes it.
#[derive(Debug, Serialize)]
pub struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem { title: status.canonical_reason().unwrap_or("error"), status: status.as_u16(), detail: detail.into() }
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}

impl From<AskError> for Problem {
    fn from(e: AskError) -> Self {
        match e {
            AskError::Plan(e) => Problem::bad_request(e.to_string()),
            AskError::Stopping => Problem::new(StatusCode::SERVICE_UNAVAILABLE, e.to_string()),
            AskError::Source(e) if e.may_pass() => {
                tracing::warn!(error = %e, "an assessment must wait");
                let detail = match e {
                    // who was asked, and what they said, is for the log
                    SourceError::Missing { missing, partitions, .. } => {
                        SourceError::Missing { missing, partitions, silent: Vec::new() }.to_string()
                    }
                    _ => "the facts are on the move between replicas; ask again".to_owned(),
                };
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            // the cause may name paths and internals: that is for the log
            e => {
                tracing::error!(error = %e, "an assessment failed");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the assessment failed; the service's log says why")
            }
        }
    }
}

pub async fn not_found(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("nothing at {}; try /, /api/v1/summary, /api/v1/events, /metrics, /health/ready", uri.path()),
    )
}

pub async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not for {}", uri.path()))
}
