//! Routes of the service. They read what the other rooms made and compute nothing.

mod auth;
mod events;
mod health;
mod metrics;
mod page;
pub mod partitions;
mod problem;
mod state;
mod summary;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::{get, post},
};

use tokio::net::TcpListener;

pub use state::{App, Token};

/// Serves until `stop` ends; requests under way are finished.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await
}

/// All routes.
pub fn router(app: App) -> Router {
    let body = DefaultBodyLimit::max(app.max_body);
    let guarded = Router::new()
        .route("/", get(page::show))
        .route("/metrics", get(metrics::show))
        .route("/api/v1/events", post(events::append).layer(body))
        .route("/api/v1/summary", get(summary::show))
        .route("/api/v1/dead-letters", get(summary::dead_letters))
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(middleware::from_fn_with_state(app.token.clone(), auth::check));
    let exchange = partitions::router(app.answers.parts(), app.token.clone());
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .merge(guarded)
        .with_state(app)
        .merge(exchange)
        .fallback(problem::not_found)
        .layer(middleware::map_response(hardened))
}

/// Descriptions are other people's text: a browser is told to run and load nothing that the page did not bring.
async fn hardened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
