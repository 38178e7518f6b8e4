//! Kafka: the consumer's side of a pair of topics, the producer's side of dead letters and alerts.
//!
//! `predictions` and `corrections` are co-partitioned: partition p of both makes a [`pair`](KafkaSettings), and state
//! belongs to pairs. Offsets are the store's; what is committed to Kafka only serves lag monitors (docs/kafka.md).

mod publisher;
mod settings;

pub use publisher::{Delivery, Outgoing, PublishCounts, PublishError, Publisher};
pub use settings::{KafkaSettings, OnGap, RESERVED_PROPERTIES};
