mod kafka;

use axum::{extract::State, http::header, response::IntoResponse};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use super::{App, problem::Problem};
use crate::{
    fact::Ledger,
    service::{Feed, Service},
};

/// Prometheus exposition. Labels come from closed lists and from the number of partitions, so the number of series is
/// bounded whatever comes in.
pub async fn show(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let mut registry = Registry::with_prefix("vigie");
    registry.register_collector(Box::new(Collected(of(&app.service))));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| {
        tracing::error!(error = %e, "metrics could not be written");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "metrics could not be written")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

/// One metric at the moment of the scrape.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Gauge(Vec<(Labels, f64)>),
    Counter(Vec<(Labels, f64)>),
    /// Upper bounds with the number of observations in each bucket, those past all of them, and their sum.
    Histogram {
        buckets: Vec<(f64, u64)>,
        past: u64,
        sum: f64,
    },
}

type Labels = Vec<(&'static str, String)>;

fn gauge(name: &'static str, help: &'static str, value: f64) -> Family {
    Family { name, help, unit: None, values: Values::Gauge(vec![(Vec::new(), value)]) }
}

fn counter(name: &'static str, help: &'static str, value: f64) -> Family {
    Family { name, help, unit: None, values: Values::Counter(vec![(Vec::new(), value)]) }
}

impl Family {
    fn in_unit(self, unit: Unit) -> Family {
        Family { unit: Some(unit), ..self }
    }
}

fn of(feed: &Feed) -> Vec<Family> {
    let readiness = feed.readiness();
    let mut families = match feed {
        Feed::Journal(service) => intake(&[(None, service.status.snapshot().ledger)]),
        Feed::Kafka(service) => {
            let stores = service.snapshot().partitions.into_iter();
            intake(&stores.map(|p| (Some(p.number), p.ledger)).collect::<Vec<_>>())
        }
    };
    families.push(gauge(
        "lag_events",
        "Events that are there and that the store does not have yet",
        readiness.lag as f64,
    ));
    families.push(gauge("ready", "1 when readers may be sent here", f64::from(readiness.reasons.is_empty())));
    let failed = f64::from(readiness.failed);
    families.push(gauge("consumer_failed", "1 when the consumer has stopped for good", failed));
    families.extend(match feed {
        Feed::Journal(service) => journal(service),
        Feed::Kafka(service) => kafka::families(&service.snapshot()),
    });
    families
}

/// Of each store; those of partitions carry their number, since they move between replicas.
fn intake(ledgers: &[(Option<u32>, Ledger)]) -> Vec<Family> {
    let rows = ledgers.iter().flat_map(|(partition, ledger)| {
        ledger.intake().map(|r| {
            let labels = [("kind", r.kind), ("outcome", r.outcome), ("reason", r.reason)];
            let mut labels = labels.map(|(name, value)| (name, value.to_owned())).to_vec();
            labels.extend(partition.map(|n| ("partition", n.to_string())));
            (labels, r.n.max(0) as f64)
        })
    });
    let sum = |of: fn(&Ledger) -> i64| ledgers.iter().map(|(_, ledger)| of(ledger)).sum::<i64>() as f64;
    vec![
        Family {
            name: "events",
            help: "Events received, by outcome",
            unit: None,
            values: Values::Counter(rows.collect()),
        },
        gauge("orphans", "Corrections whose prediction has not come", sum(|l| l.orphans)),
        gauge("labelled", "Predictions with a label", sum(|l| l.labelled)),
    ]
}

fn journal(service: &Service) -> Vec<Family> {
    let status = service.status.snapshot();
    let journal = &service.journal;
    vec![
        gauge("last_commit", "Time the last batch took", status.last_commit_seconds).in_unit(Unit::Seconds),
        gauge("store_size", "Size of the store on disk", service.store.disk_space() as f64).in_unit(Unit::Bytes),
        gauge("journal_size", "Size of the journal on disk", journal.disk_space() as f64).in_unit(Unit::Bytes),
        gauge("journal_end_offset", "Offset that the next event will get", journal.end() as f64),
        gauge("store_offset", "Offset that the store is at", status.offset as f64),
        counter("commits", "Atomic commits since the start", status.commits as f64),
        counter("commit", "Time spent in batches since the start", status.commit_seconds).in_unit(Unit::Seconds),
    ]
}

#[derive(Debug)]
struct Collected(Vec<Family>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for Family { name, help, unit, values } in &self.0 {
            let kind = match values {
                Values::Gauge(_) => MetricType::Gauge,
                Values::Counter(_) => MetricType::Counter,
                Values::Histogram { .. } => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
            match values {
                Values::Gauge(rows) if alone(rows) => ConstGauge::new(rows[0].1).encode(metric)?,
                Values::Counter(rows) if alone(rows) => ConstCounter::new(rows[0].1).encode(metric)?,
                Values::Gauge(rows) => rows.iter().try_for_each(|(l, v)| one(&mut metric, l, &ConstGauge::new(*v)))?,
                Values::Counter(rows) => {
                    rows.iter().try_for_each(|(l, v)| one(&mut metric, l, &ConstCounter::new(*v)))?
                }
                Values::Histogram { buckets, past, sum } => {
                    let mut all = buckets.clone();
                    all.push((f64::MAX, *past));
                    let count = all.iter().map(|(_, n)| n).sum();
                    metric.encode_histogram::<NoLabelSet>(*sum, count, &all, None)?;
                }
            }
        }
        Ok(())
    }
}

/// One value without labels, which is written without braces.
fn alone(rows: &[(Labels, f64)]) -> bool {
    rows.len() == 1 && rows[0].0.is_empty()
}

fn one(metric: &mut MetricEncoder<'_>, labels: &Labels, value: &impl EncodeMetric) -> std::fmt::Result {
    let labels = labels.as_slice();
    value.encode(metric.encode_family(&labels)?)
}
