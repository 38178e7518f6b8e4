use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;

use super::App;

/// Longer than any commit should take: a worker silent for this long is stuck.
const STUCK_MS: u64 = 60_000;

/// The process lives and its worker moves.
pub async fn live(State(app): State<App>) -> impl IntoResponse {
    let silence = app.service.silence();
    let alive = silence < STUCK_MS || app.service.lag() == 0;
    let status = if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "alive": alive, "silent_ms": silence })))
}

/// The consumer has not failed, has its partitions, and what it has still to read is bounded.
pub async fn ready(State(app): State<App>) -> impl IntoResponse {
    let now = app.service.readiness();
    let ready = now.reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": ready, "lag_events": now.lag, "failed": now.failed, "reasons": now.reasons });
    (status, Json(body))
}
