//! Kafka: the consumer's side of a pair of topics, the producer's side of dead letters and alerts.
//!
//! `predictions` and `corrections` are co-partitioned: partition p of both makes a pair, and state belongs to pairs.
//! Offsets are the store's; what is committed to Kafka only serves lag monitors (docs/kafka.md).

mod envelope;
mod heard;
mod inspect;
mod publisher;
mod records;
mod settings;
mod source;
mod topology;

pub use envelope::unwrap;
pub use inspect::{Looked, inspect};
pub use publisher::{Delivery, Outgoing, PublishCounts, PublishError, Publisher};
pub use records::{Record, Records};
pub use settings::{KafkaSettings, OnGap, RESERVED_PROPERTIES};
pub use source::{Committed, Incoming, Ownership, Polled, Reached, Source, Start, Watermarks};
pub use topology::{Progress, TopicError, Topology};

use heard::{Heard, Listener};
use rdkafka::config::RDKafkaLogLevel;

/// librdkafka's own messages, in our log.
fn client_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(facility, "kafka: {message}");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => tracing::warn!(facility, "kafka: {message}"),
        RDKafkaLogLevel::Info => tracing::info!(facility, "kafka: {message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "kafka: {message}"),
    }
}
