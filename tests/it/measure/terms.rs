//! Which words and phrases rise; see docs/statistics.md.

mod clusters;
mod counts;
mod exact;
mod naf2025;
mod rising;
mod simulation;
mod words;

use vigie::measure::terms::TextRow;

/// A row that nobody labelled and the model does not doubt.
fn row(text: &str, day: i32) -> TextRow<'_> {
    TextRow { text, day, low_confidence: false, wrong: None, weight: 1.0, code: 1, actual: None }
}

/// Whether the long tables of docs/statistics.md are wanted.
fn long_run() -> bool {
    std::env::var_os("VIGIE_SIMULATE").is_some()
}
