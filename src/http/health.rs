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

/// The worker has not failed, and what it has still to read is bounded.
pub async fn ready(State(app): State<App>) -> impl IntoResponse {
    const MAX_LAG: u64 = 1_000_000;
    let (lag, failure) = (app.service.lag(), app.service.status.snapshot().failure);
    let ready = failure.is_none() && lag <= MAX_LAG;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "lag_events": lag, "failed": failure.is_some() })))
}
