use std::{path::Path, sync::Arc};

use super::{Service, ServiceError, kafka::KafkaService};
use crate::{
    event::Kind,
    ingest::JournalError,
    store::{DeadLetter, StoreError},
};

/// Where the running service's events come from.
#[derive(Clone)]
pub enum Feed {
    Journal(Arc<Service>),
    Kafka(Arc<KafkaService>),
}

/// Whether readers should be sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Events that are there and not counted yet.
    pub lag: u64,
    /// The consumer has stopped for good.
    pub failed: bool,
    /// What stands in the way; empty when nothing does.
    pub reasons: Vec<String>,
}

/// Lag of the journal up to which the service calls itself ready.
const MAX_JOURNAL_LAG: u64 = 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("this service reads from Kafka: produce to its topics `{predictions}` and `{corrections}`")]
    FromKafka { predictions: String, corrections: String },
}

impl Feed {
    /// Events that are there and not counted yet.
    pub fn lag(&self) -> u64 {
        match self {
            Feed::Journal(s) => s.lag(),
            Feed::Kafka(s) => s.lag(),
        }
    }

    /// Milliseconds since the thread that consumes last showed life.
    pub fn silence(&self) -> u64 {
        match self {
            Feed::Journal(s) => s.silence(),
            Feed::Kafka(s) => s.silence(),
        }
    }

    pub fn readiness(&self) -> Readiness {
        let mut reasons = Vec::new();
        let (lag, failure, most) = match self {
            Feed::Journal(s) => (s.lag(), s.status.snapshot().failure, MAX_JOURNAL_LAG),
            Feed::Kafka(s) => {
                let now = s.snapshot();
                if now.brokers_up == 0 {
                    reasons.push("no broker is connected".to_owned());
                }
                if !now.assigned {
                    reasons.push("the consumer group has not assigned partitions yet".to_owned());
                }
                reasons.extend(now.trouble);
                reasons.extend(now.missing);
                if now.partitions.iter().any(|p| p.lags.contains(&None)) {
                    reasons.push("how far behind the partitions are is not known yet".to_owned());
                }
                (now.partitions.iter().flat_map(|p| p.lags).flatten().sum(), now.failure, s.settings.max_lag)
            }
        };
        if lag > most {
            reasons.push(format!("{lag} events behind (at most {most})"));
        }
        if failure.is_some() {
            // the reason may name paths and internals: that is for the log
            reasons.push("the consumer has stopped; the service's log says why".to_owned());
        }
        Readiness { lag, failed: failure.is_some(), reasons }
    }

    /// Appends lines durably to the journal; gives the offset of the first.
    ///
    /// # Errors
    /// When the disk refuses, or the events of this service come from Kafka.
    pub fn append(&self, kind: Option<Kind>, lines: &[u8]) -> Result<u64, AppendError> {
        match self {
            Feed::Journal(s) => Ok(s.append(kind, lines)?),
            Feed::Kafka(s) => Err(AppendError::FromKafka {
                predictions: s.settings.predictions.clone(),
                corrections: s.settings.corrections.clone(),
            }),
        }
    }

    /// The newest refused events that are kept here.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        match self {
            Feed::Journal(s) => s.store.dead_letters(limit),
            Feed::Kafka(s) => s.dead_letters(limit),
        }
    }

    pub fn data_dir(&self) -> &Path {
        match self {
            Feed::Journal(s) => s.data_dir(),
            Feed::Kafka(s) => s.data_dir(),
        }
    }

    /// Stops consuming in order and makes everything durable.
    ///
    /// # Errors
    /// When the disk refuses; the log still has everything.
    pub fn stop(&self) -> Result<(), ServiceError> {
        match self {
            Feed::Journal(s) => s.stop(),
            Feed::Kafka(s) => s.stop(),
        }
    }
}
