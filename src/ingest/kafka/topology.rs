use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    Statistics,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::KafkaSettings;
use crate::event::Kind;

/// How long a cluster may take to say what topics it has.
const PATIENCE: Duration = Duration::from_secs(10);

/// The cluster, and the shape of the two topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    pub cluster: Option<String>,
    /// Of each of the two topics.
    pub partitions: u32,
}

/// Why the topics cannot be consumed as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error("Kafka client: {0}")]
    Configuration(String),
    #[error("no broker answers at {brokers}: {why}; is kafka.brokers right, and does the security protocol fit?")]
    Unreachable { brokers: String, why: String },
    #[error("the brokers at {brokers} do not let this client in: {why}")]
    Refused { brokers: String, why: String },
    #[error("the cluster at {brokers} has no topic `{topic}`; create it, with as many partitions as its partner")]
    Missing { brokers: String, topic: String },
    #[error("not allowed to see topic `{topic}`: {why}")]
    Forbidden { topic: String, why: String },
    #[error(
        "`{predictions}` has {n_predictions} partitions and `{corrections}` has {n_corrections}: a prediction and its \
         corrections must be in partitions of the same number. Give both topics equally many, and let producers key \
         both by prediction_id with the same partitioner"
    )]
    NotCoPartitioned { predictions: String, n_predictions: u32, corrections: String, n_corrections: u32 },
}

impl TopicError {
    pub(super) fn configuration(e: KafkaError) -> Self {
        TopicError::Configuration(match e {
            KafkaError::ClientConfig(_, reason, name, value) if !name.is_empty() => {
                // the value may be a password
                let shown = if name.contains("password") || name.contains("secret") { "(hidden)" } else { &value };
                format!("property {name} = {shown}: {reason}")
            }
            other => other.to_string(),
        })
    }
}

impl Topology {
    pub(super) fn look<C: ConsumerContext>(
        consumer: &BaseConsumer<C>,
        settings: &KafkaSettings,
    ) -> Result<Topology, TopicError> {
        let predictions = partitions(consumer, settings, &settings.predictions)?;
        let corrections = partitions(consumer, settings, &settings.corrections)?;
        if predictions != corrections {
            return Err(TopicError::NotCoPartitioned {
                predictions: settings.predictions.clone(),
                n_predictions: predictions,
                corrections: settings.corrections.clone(),
                n_corrections: corrections,
            });
        }
        Ok(Topology { cluster: consumer.client().fetch_cluster_id(PATIENCE), partitions: predictions })
    }
}

/// Number of partitions of a topic.
pub(super) fn partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    settings: &KafkaSettings,
    topic: &str,
) -> Result<u32, TopicError> {
    let brokers = settings.brokers.clone();
    let metadata = consumer
        .fetch_metadata(Some(topic), PATIENCE)
        .map_err(|e| TopicError::Unreachable { brokers: brokers.clone(), why: e.to_string() })?;
    let Some(found) = metadata.topics().iter().find(|t| t.name() == topic) else {
        return Err(TopicError::Missing { brokers, topic: topic.to_owned() });
    };
    match found.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Err(TopicError::Missing { brokers, topic: topic.to_owned() })
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Err(TopicError::Forbidden {
            topic: topic.to_owned(),
            why: "the user needs DESCRIBE and READ on it".to_owned(),
        }),
        Some(e) if found.partitions().is_empty() => {
            Err(TopicError::Forbidden { topic: topic.to_owned(), why: e.to_string() })
        }
        _ => Ok(found.partitions().len() as u32),
    }
}

/// What the client knows of its partitions and brokers at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// End of the log of each partition of each topic, and whether all of it was fetched and handed over.
    pub ends: BTreeMap<(Kind, u32), (u64, bool)>,
    pub brokers_up: u32,
    /// Messages fetched and not yet handed over.
    pub queued: u64,
}

impl Progress {
    pub(super) fn of(statistics: &Statistics, settings: &KafkaSettings) -> Self {
        let mut progress = Progress::default();
        for (topic, kind) in [(&settings.predictions, Kind::Prediction), (&settings.corrections, Kind::Correction)] {
            for p in statistics.topics.get(topic).into_iter().flat_map(|t| t.partitions.values()) {
                // what transactions have not committed yet is not there for us
                let end = if p.ls_offset >= 0 { p.ls_offset } else { p.hi_offset };
                progress.queued += u64::try_from(p.fetchq_cnt).unwrap_or(0);
                if let (Ok(partition), Ok(end)) = (u32::try_from(p.partition), u64::try_from(end)) {
                    // markers of transactions have offsets and are never handed over
                    let fetched = p.fetchq_cnt == 0 && p.next_offset >= p.ls_offset.max(p.hi_offset);
                    progress.ends.insert((kind, partition), (end, fetched));
                }
            }
        }
        let up = |b: &&rdkafka::statistics::Broker| b.state == "UP" && b.source != "logical";
        progress.brokers_up = statistics.brokers.values().filter(up).count() as u32;
        progress
    }
}
