use axum::{extract::State, http::header, response::IntoResponse};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use super::{App, problem::Problem};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IntakeLabels {
    kind: String,
    outcome: String,
    reason: String,
}

/// Prometheus exposition. Labels come from closed lists, so the number of series is bounded whatever comes in.
pub async fn show(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let mut registry = Registry::with_prefix("vigie");
    registry.register_collector(Box::new(Collected::new(&app)));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| {
        tracing::error!(error = %e, "metrics could not be written");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "metrics could not be written")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// The status at the moment of the scrape.
#[derive(Debug)]
struct Collected {
    intake: Vec<(IntakeLabels, u64)>,
    gauges: Vec<(&'static str, &'static str, Option<Unit>, f64)>,
    counters: Vec<(&'static str, &'static str, Option<Unit>, f64)>,
}

impl Collected {
    fn new(app: &App) -> Self {
        let status = app.service.status.snapshot();
        let ledger = &status.ledger;
        let intake = ledger.intake().map(|r| {
            let labels =
                IntakeLabels { kind: r.kind.to_owned(), outcome: r.outcome.to_owned(), reason: r.reason.to_owned() };
            (labels, u64::try_from(r.n).unwrap_or(0))
        });
        Collected {
            intake: intake.collect(),
            gauges: vec![
                (
                    "lag_events",
                    "Events in the journal that the store does not have yet",
                    None,
                    app.service.lag() as f64,
                ),
                ("orphans", "Corrections whose prediction has not come", None, ledger.orphans as f64),
                ("labelled", "Predictions with a label", None, ledger.labelled as f64),
                (
                    "consumer_failed",
                    "1 when the consumer has stopped for good",
                    None,
                    f64::from(status.failure.is_some()),
                ),
                ("last_commit", "Time the last batch took", Some(Unit::Seconds), status.last_commit_seconds),
                ("store_size", "Size of the store on disk", Some(Unit::Bytes), app.service.store.disk_space() as f64),
                (
                    "journal_size",
                    "Size of the journal on disk",
                    Some(Unit::Bytes),
                    app.service.journal.disk_space() as f64,
                ),
                ("journal_end_offset", "Offset that the next event will get", None, app.service.journal.end() as f64),
                ("store_offset", "Offset that the store is at", None, status.offset as f64),
            ],
            counters: vec![
                ("commits", "Atomic commits since the start", None, status.commits as f64),
                ("commit", "Time spent in batches since the start", Some(Unit::Seconds), status.commit_seconds),
            ],
        }
    }
}

impl prometheus_client::collector::Collector for Collected {
    fn encode(&self, mut encoder: prometheus_client::encoding::DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeMetric;
        let mut family =
            encoder.encode_descriptor("events", "Events received, by outcome", None, MetricType::Counter)?;
        for (labels, n) in &self.intake {
            ConstCounter::new(*n).encode(family.encode_family(labels)?)?;
        }
        for (name, help, unit, value) in &self.gauges {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(*value).encode(metric)?;
        }
        for (name, help, unit, value) in &self.counters {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
            ConstCounter::new(*value).encode(metric)?;
        }
        Ok(())
    }
}
