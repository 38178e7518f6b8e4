//! Logs of the service: text on a terminal, JSON when asked for (`VIGIE_LOG_FORMAT=json`), filtered by `VIGIE_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging to standard error. Colours only on a terminal.
pub fn start() {
    let filter = EnvFilter::try_from_env("VIGIE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // a second start in one process (tests) keeps the first
    let _ = if std::env::var("VIGIE_LOG_FORMAT").as_deref() == Ok("json") {
        logs.json().try_init()
    } else {
        logs.try_init()
    };
}
