//! What this replica holds, for readers elsewhere: other replicas, and `vigie report --service`.
//!
//! A list of partitions is JSON, for people too. Outlines and facts are bytes of [`crate::store::pack`]: they are many,
//! and only vigie reads them.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;

use super::{Token, auth, problem, problem::Problem};
use crate::{
    assess::{Holder, HolderError},
    service::{HeldPartition, Holdings, Listing, Parts},
    store::{StoreError, Wanted, pack, unpack},
};

/// Largest list of wanted series and hours.
const MOST_WANTED: usize = 16 << 20;

type Held = Arc<dyn Parts>;

/// The routes below `/api/v1/partitions`, behind the token where there is one.
pub fn router(parts: Held, token: Option<Token>) -> Router {
    Router::new()
        .route("/api/v1/partitions", get(list))
        .route("/api/v1/partitions/outline", get(outline))
        .route("/api/v1/partitions/facts", post(facts).layer(DefaultBodyLimit::max(MOST_WANTED)))
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(middleware::from_fn_with_state(token, auth::check))
        .with_state(parts)
}

async fn list(State(parts): State<Held>) -> Result<Json<Listing>, Problem> {
    read(move || {
        let holdings = parts.held();
        let held = holdings
            .positions()
            .map_err(failed)?
            .into_iter()
            .map(|(partition, position)| HeldPartition { partition, position: position.0.into_iter().collect() });
        Ok(Json(Listing { partitions: holdings.partitions, held: held.collect() }))
    })
    .await
}

async fn outline(State(parts): State<Held>) -> Result<Response, Problem> {
    read(move || {
        let outlines = parts.held().views().map_err(failed)?.outlines().map_err(unheld)?;
        packed(&outlines.iter().map(|o| &**o).collect::<Vec<_>>())
    })
    .await
}

async fn facts(State(parts): State<Held>, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let body = body.map_err(|e| Problem::new(e.status(), format!("{}; at most {MOST_WANTED} bytes", e.body_text())))?;
    let wanted: Vec<Wanted> = unpack(&body).map_err(|e| Problem::bad_request(e.to_string()))?;
    read(move || {
        let Holdings { partitions, mut stores } = parts.held();
        // partitions that nobody asks for are not looked at; one that has left is left out, and the asker sees it
        stores.retain(|(partition, _)| wanted.iter().any(|w| w.partition == *partition));
        let views = Holdings { partitions, stores }.views().map_err(failed)?;
        packed(&views.portions(&wanted).map_err(unheld)?)
    })
    .await
}

fn packed<T: Serialize>(what: &T) -> Result<Response, Problem> {
    let bytes = pack(what).map_err(|e| {
        tracing::error!(error = %e, "facts could not be written for another replica");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "facts could not be written")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// Reading takes a core for a while: not on the threads that answer health checks.
async fn read<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    let work = tokio::task::spawn_blocking(work);
    work.await.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"))?
}

fn failed(e: StoreError) -> Problem {
    tracing::error!(error = %e, "a store could not be read for another replica");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a store cannot be read; the service's log says why")
}

fn unheld(e: HolderError) -> Problem {
    match e {
        HolderError::Store(e) => failed(e),
        HolderError::Silent(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}
