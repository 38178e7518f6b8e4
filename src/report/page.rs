//! The whole page: what the templates are given.

use askama::Template;

use super::{
    Error,
    accuracy::Accuracy,
    alarms::Alarms,
    before_labels::BeforeLabels,
    calibration::Calibration,
    codes::Codes,
    confusions::Confusions,
    drift::Drift,
    emerging::Emerging,
    findings::{self, Finding},
    header::{self, Header},
    labels::Labels,
    lang::Lang,
    latency::Latency,
    quality::Quality,
    strip::{self, Headline},
    texts::Texts,
    volume::Volume,
};
use crate::assess::assessment::{Assessment, Warning, WarningCode};

const STYLE: &str = include_str!("../../reports/style.css");
const SCRIPT: &str = include_str!("../../reports/app.js");

/// What a live page knows beyond the assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageContext {
    /// Models to choose from.
    pub models: Vec<String>,
    /// The one shown.
    pub model: String,
    /// First and last day shown, `YYYY-MM-DD`.
    pub from: String,
    pub to: String,
    /// A line about the service, such as its lag; already in the reader's language.
    pub status: String,
    /// Seconds after which the page loads itself again.
    pub refresh: Option<u32>,
}

/// A report or a live page.
#[derive(Template)]
#[template(path = "report.html")]
pub(crate) struct Page<'a> {
    pub t: &'static Texts,
    pub style: &'static str,
    pub script: &'static str,
    pub lang: Lang,
    pub live: Option<&'a PageContext>,
    pub levels: Vec<(u32, String)>,
    pub level: u32,
    pub header: Header,
    pub strip: Vec<Headline>,
    pub findings: Vec<Finding>,
    pub warnings: Vec<String>,
    pub alarms: Alarms,
    pub volume: Volume,
    pub accuracy: Accuracy,
    pub labels: Labels,
    pub codes: Codes,
    pub confusions: Confusions,
    pub drift: Drift,
    pub emerging: Emerging,
    pub calibration: Calibration,
    pub before_labels: BeforeLabels,
    pub latency: Latency,
    pub quality: Quality,
    pub method: Vec<(&'static str, String)>,
}

impl<'a> Page<'a> {
    pub fn new(assessment: &Assessment, lang: Lang, live: Option<&'a PageContext>) -> Result<Self, Error> {
        let t = Texts::of(lang);
        let levels = (1..).zip(&assessment.scope.nomenclature.levels).map(|(i, name)| (i, t.level(name))).collect();
        Ok(Self {
            t,
            style: STYLE,
            script: SCRIPT,
            lang,
            live,
            levels,
            level: assessment.scope.level,
            header: Header::new(t, assessment),
            strip: strip::headlines(t, assessment),
            findings: findings::findings(t, assessment),
            warnings: assessment.warnings.iter().map(|warning| warning_text(t, assessment, warning)).collect(),
            alarms: Alarms::new(t, assessment),
            volume: Volume::new(t, assessment)?,
            accuracy: Accuracy::new(t, assessment)?,
            labels: Labels::new(t, assessment),
            codes: Codes::new(t, assessment)?,
            confusions: Confusions::new(t, assessment),
            drift: Drift::new(t, assessment)?,
            emerging: Emerging::new(t, assessment),
            calibration: Calibration::new(t, assessment)?,
            before_labels: BeforeLabels::new(t, assessment),
            latency: Latency::new(t, assessment)?,
            quality: Quality::new(t, assessment),
            method: method(t, assessment),
        })
    }
}

/// Why a service has nothing to show, and what to tell its reader.
#[derive(Debug, Clone, Copy)]
pub enum Vacancy<'a> {
    /// Nothing came into the embedded journal yet.
    Journal,
    /// Nothing came through these topics yet.
    Topics { predictions: &'a str, corrections: &'a str },
    /// Partitions are on the move between replicas, or a replica is away.
    Waiting { detail: &'a str },
}

/// The page of a service without data.
#[derive(Template)]
#[template(path = "empty.html")]
pub(crate) struct Empty<'a> {
    pub t: &'static Texts,
    pub style: &'static str,
    pub lang: Lang,
    pub vacancy: Vacancy<'a>,
}

impl<'a> Empty<'a> {
    pub fn new(lang: Lang, vacancy: Vacancy<'a>) -> Self {
        Self { t: Texts::of(lang), style: STYLE, lang, vacancy }
    }

    fn waits(&self) -> bool {
        matches!(self.vacancy, Vacancy::Waiting { .. })
    }

    fn title(&self) -> &'static str {
        if self.waits() { "empty.waiting_title" } else { "empty.title" }
    }
}

fn warning_text(t: &Texts, assessment: &Assessment, warning: &Warning) -> String {
    let key = match warning.code {
        WarningCode::NoPredictions => "warning.no_predictions",
        WarningCode::NoLabels => "warning.no_labels",
        WarningCode::RouteWithoutLabels => "warning.route_without_labels",
        WarningCode::UnknownInclusion => "warning.unknown_inclusion",
        WarningCode::UnknownCodes => "warning.unknown_codes",
        WarningCode::UnknownNomenclature => "warning.unknown_nomenclature",
        WarningCode::Clipped => "warning.clipped",
        WarningCode::Orphans => "warning.orphans",
        WarningCode::NoReference => return header::no_reference(t, assessment, &warning.subject),
        WarningCode::Rejected => "warning.rejected",
    };
    let subject = if warning.code == WarningCode::RouteWithoutLabels {
        t.route(&warning.subject)
    } else {
        warning.subject.clone()
    };
    t.f(key, &[("n", &t.int(warning.n)), ("subject", &subject)])
}

/// How to read the report: a term and its line.
fn method(t: &'static Texts, assessment: &Assessment) -> Vec<(&'static str, String)> {
    let level = t.pct0(assessment.scope.confidence_level);
    let error = t.pct(Some(assessment.latency.relative_error));
    [
        "labels",
        "accuracy",
        "interval",
        "naive",
        "routes",
        "codes",
        "drift",
        "qvalue",
        "terms",
        "alarms",
        "calibration",
        "latency",
        "dash",
    ]
    .into_iter()
    .map(|key| {
        let text = t.f(&format!("method.{key}"), &[("confidence", &level), ("error", &error)]);
        (t.find(&format!("method.{key}_term")).unwrap_or(key), text)
    })
    .collect()
}
