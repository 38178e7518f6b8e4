//! One model and period as a page: what a person reads and what a machine reads, with the same numbers.
//!
//! This room computes no statistics: it takes an [`Assessment`], formats it for the reader's language, draws it and lays
//! it out. Layout is in `reports/*.html`, looks in `reports/style.css`, sentences in `reports/texts.{fr,en}.toml`.
//!
//! ```no_run
//! # fn show(assessment: &vigie::assess::assessment::Assessment) -> Result<(), vigie::report::Error> {
//! use vigie::report::{self, Lang};
//! let page: String = report::html(assessment, Lang::Fr)?; // one file, no network, readable without JavaScript
//! let twin: String = report::json(assessment); // the same numbers
//! # Ok(()) }
//! ```

mod accuracy;
mod alarms;
mod before_labels;
mod calibration;
mod chart;
mod codes;
mod confusions;
mod drift;
mod emerging;
mod findings;
mod header;
mod labels;
mod lang;
mod latency;
mod number;
mod page;
mod quality;
mod strip;
mod texts;
mod versions;
mod view;
mod volume;

use askama::Template as _;

use crate::assess::assessment::Assessment;

pub use lang::{Lang, UnknownLang};
pub use page::{PageContext, Vacancy};
pub use texts::Texts;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot lay out the report: {0}")]
    Template(#[from] askama::Error),
    #[error("cannot draw a chart: {0}")]
    Chart(String),
}

/// The report as one self-contained HTML file.
///
/// # Errors
/// When a chart or the template cannot be written, which no assessment should bring about.
pub fn html(assessment: &Assessment, lang: Lang) -> Result<String, Error> {
    Ok(page::Page::new(assessment, lang, None)?.render()?)
}

/// The same content as a live page, with a form that picks model, dates, level and language.
///
/// # Errors
/// As [`html`].
pub fn page(assessment: &Assessment, lang: Lang, context: &PageContext) -> Result<String, Error> {
    Ok(page::Page::new(assessment, lang, Some(context))?.render()?)
}

/// The page of a service that has nothing to show: `message`, and how to feed it.
///
/// # Errors
/// When the template cannot be written.
pub fn empty_page(lang: Lang, vacancy: Vacancy<'_>) -> Result<String, Error> {
    Ok(page::Empty::new(lang, vacancy).render()?)
}

/// The JSON twin, indented: every number of the report, as it is.
pub fn json(assessment: &Assessment) -> String {
    serde_json::to_string_pretty(assessment).unwrap_or_else(|fault| format!("{{\"error\":{:?}}}", fault.to_string()))
}

/// How far the service is behind its journal, in the reader's language.
pub fn status_line(lang: Lang, lag: u64) -> String {
    let t = Texts::of(lang);
    if lag == 0 { t.s("status.caught_up").to_owned() } else { t.f("status.behind", &[("n", &lag.to_string())]) }
}
