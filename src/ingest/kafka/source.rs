use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientContext, Message, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Headers},
    types::RDKafkaRespErr,
};

use super::{Heard, KafkaSettings, Progress, TopicError, Topology, topology};
use crate::event::Kind;

/// What happens to partitions, told on the thread that polls. All of it must be quick: the group waits.
pub trait Ownership: Send + Sync {
    /// The group gave these pairs of partitions. Gives where each goes on; pairs that cannot be opened yet are left out,
    /// and asked for again with [`Source::assign`].
    fn assign(&self, pairs: &[u32], source: &dyn Watermarks) -> Vec<Start>;
    /// The group takes all of them back. Gives what to commit to Kafka, for those who watch the lag there.
    fn revoke(&self) -> Vec<Reached>;
    /// The assignment breaks co-location: somebody in the group uses another strategy, or other topics.
    fn split(&self, predictions: Vec<u32>, corrections: Vec<u32>);
    /// Once a second, what the client knows of each partition.
    fn progress(&self, progress: Progress);
}

/// First and next offset of a partition of a topic, as its leader has them.
pub trait Watermarks {
    /// `None` when the leader does not answer in time.
    fn of(&self, kind: Kind, partition: u32) -> Option<(u64, u64)>;
    /// How many partitions each topic has now; `None` when nobody answers.
    ///
    /// # Errors
    /// When the two are not co-partitioned any more.
    fn partitions(&self) -> Result<Option<u32>, TopicError>;
    /// What the group last committed, of the pairs given: how far anybody ever read. `None` when nobody answers.
    fn committed(&self, pairs: &[u32]) -> Option<Vec<Committed>>;
}

/// Where a pair goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub pair: u32,
    pub predictions: u64,
    pub corrections: u64,
}

/// Where a pair stands, as it is told to Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    pub start: Start,
    /// First offset that was read of each topic; it travels beside the offset, so that another replica knows whether the
    /// topics still hold all that was counted.
    pub first: [Option<u64>; 2],
}

/// What a group committed of one partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub kind: Kind,
    pub pair: u32,
    pub offset: u64,
    pub first: Option<u64>,
}

/// A message of one of the two topics; it lives in the client's memory.
pub struct Incoming<'m> {
    message: BorrowedMessage<'m>,
    pub kind: Kind,
}

impl Incoming<'_> {
    pub fn pair(&self) -> u32 {
        self.message.partition() as u32
    }

    pub fn offset(&self) -> u64 {
        self.message.offset() as u64
    }

    /// Milliseconds since 1970, the producer's or the broker's.
    pub fn timestamp(&self) -> Option<i64> {
        self.message.timestamp().to_millis()
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.message.key()
    }

    /// `None` is a tombstone.
    pub fn payload(&self) -> Option<&[u8]> {
        self.message.payload()
    }

    /// Names and values, in the order of the message; empty for nearly all.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let headers = self.message.headers();
        let each = headers.into_iter().flat_map(Headers::iter);
        each.map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect()
    }
}

/// What one look at the client gave.
pub enum Polled<'m> {
    Nothing,
    Message(Incoming<'m>),
    /// It mends itself; worth a line in the log.
    Trouble(String),
    /// The broker no longer has the offset that was asked for: connect again, which looks at every offset.
    OutOfRange(String),
    /// This client is of no use any more.
    Fatal(String),
}

/// A member of the consumer group.
pub struct Source {
    consumer: BaseConsumer<Context>,
}

impl Source {
    /// Joins the group. The topics must exist and be co-partitioned.
    ///
    /// # Errors
    /// When a property is unknown or wrong, the cluster does not answer, or the topics do not fit.
    pub fn join(settings: &KafkaSettings, owner: Arc<dyn Ownership>) -> Result<(Source, Topology), TopicError> {
        let consumer: BaseConsumer<Context> = consumer_config(settings)
            .create_with_context(Context { settings: settings.clone(), owner, heard: Heard::default() })
            .map_err(TopicError::configuration)?;
        let topology =
            Topology::look(&consumer, settings).map_err(|e| consumer.context().heard.explain(&consumer, e))?;
        if let Some(topic) = &settings.dead_letters
            && let Err(e) = topology::partitions(&consumer, settings, topic)
        {
            tracing::warn!("dead letters stay in the outbox for now: {e}");
        }
        consumer.subscribe(&settings.topics()).map_err(TopicError::configuration)?;
        Ok((Source { consumer }, topology))
    }

    /// The next message, or what else there is; waits at most `patience`. Assignments happen in here.
    pub fn poll(&self, patience: Duration) -> Polled<'_> {
        // without waiting it does not look at the clock, which costs as much as the message
        match self.consumer.poll(Duration::ZERO).or_else(|| self.consumer.poll(patience)) {
            None => Polled::Nothing,
            Some(Ok(message)) => {
                let settings = &self.consumer.context().settings;
                let kind = if message.topic() == settings.predictions { Kind::Prediction } else { Kind::Correction };
                Polled::Message(Incoming { message, kind })
            }
            Some(Err(e)) => self.judge(&e),
        }
    }

    fn judge(&self, e: &KafkaError) -> Polled<'_> {
        if let Some((code, reason)) = self.consumer.client().fatal_error() {
            let why = match code {
                RDKafkaErrorCode::FencedInstanceId => {
                    "another process joined the group under this kafka.instance: each replica needs its own".to_owned()
                }
                _ => reason,
            };
            return Polled::Fatal(why);
        }
        match e.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Polled::OutOfRange(e.to_string())
            }
            _ => Polled::Trouble(e.to_string()),
        }
    }

    /// Reads exactly these pairs from here on.
    ///
    /// # Errors
    /// When the client is closing.
    pub fn assign(&self, starts: &[Start]) -> Result<(), String> {
        let settings = &self.consumer.context().settings;
        self.consumer.assign(&list(settings, starts)).map_err(|e| e.to_string())
    }

    /// Stops fetching, or goes on: what the group gave stays ours.
    ///
    /// # Errors
    /// When the client is closing.
    pub fn pause(&self, paused: bool) -> Result<(), String> {
        let assigned = self.consumer.assignment().map_err(|e| e.to_string())?;
        let done = if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) };
        done.map_err(|e| e.to_string())
    }

    /// Tells Kafka how far we are, for lag monitors. Nothing here reads it back but the check for a lost history.
    pub fn commit(&self, at: &[Reached]) {
        let settings = &self.consumer.context().settings;
        if !at.is_empty()
            && let Err(e) = self.consumer.commit(&noted(settings, at), CommitMode::Async)
        {
            tracing::debug!(error = %e, "offsets not committed to Kafka; the store has them");
        }
    }
}

impl Watermarks for Source {
    fn partitions(&self) -> Result<Option<u32>, TopicError> {
        Watermarks::partitions(&self.consumer)
    }

    fn of(&self, kind: Kind, partition: u32) -> Option<(u64, u64)> {
        self.consumer.of(kind, partition)
    }

    fn committed(&self, pairs: &[u32]) -> Option<Vec<Committed>> {
        Watermarks::committed(&self.consumer, pairs)
    }
}

impl Watermarks for BaseConsumer<Context> {
    fn partitions(&self) -> Result<Option<u32>, TopicError> {
        match Topology::look(self, &self.context().settings) {
            Ok(topology) => Ok(Some(topology.partitions)),
            Err(e @ TopicError::NotCoPartitioned { .. }) => Err(e),
            Err(_) => Ok(None),
        }
    }

    fn of(&self, kind: Kind, partition: u32) -> Option<(u64, u64)> {
        let settings = &self.context().settings;
        let topic = topic(settings, kind);
        let found = self.fetch_watermarks(topic, partition as i32, Duration::from_secs(5)).ok()?;
        Some((u64::try_from(found.0).ok()?, u64::try_from(found.1).ok()?))
    }

    fn committed(&self, pairs: &[u32]) -> Option<Vec<Committed>> {
        let settings = &self.context().settings;
        let starts: Vec<Start> = pairs.iter().map(|p| Start { pair: *p, predictions: 0, corrections: 0 }).collect();
        let found = self.committed_offsets(list(settings, &starts), Duration::from_secs(5)).ok()?;
        let known = found.elements().into_iter().filter_map(|e| {
            let kind = if e.topic() == settings.predictions { Kind::Prediction } else { Kind::Correction };
            match e.offset() {
                Offset::Offset(n) => Some(Committed {
                    kind,
                    pair: e.partition() as u32,
                    offset: u64::try_from(n).ok()?,
                    first: e.metadata().strip_prefix(FIRST).and_then(|first| first.parse().ok()),
                }),
                _ => None,
            }
        });
        Some(known.collect())
    }
}

fn topic(settings: &KafkaSettings, kind: Kind) -> &str {
    match kind {
        Kind::Prediction => &settings.predictions,
        Kind::Correction => &settings.corrections,
    }
}

fn list(settings: &KafkaSettings, starts: &[Start]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for s in starts {
        for (topic, at) in [(&settings.predictions, s.predictions), (&settings.corrections, s.corrections)] {
            // an offset that does not fit cannot come from Kafka
            let _ = list.add_partition_offset(topic, s.pair as i32, Offset::Offset(at as i64));
        }
    }
    list
}

/// What stands before the first offset in the metadata of a commit.
const FIRST: &str = "first=";

fn noted(settings: &KafkaSettings, reached: &[Reached]) -> TopicPartitionList {
    let starts: Vec<Start> = reached.iter().map(|r| r.start).collect();
    let list = list(settings, &starts);
    for r in reached {
        for (topic, first) in [(&settings.predictions, r.first[0]), (&settings.corrections, r.first[1])] {
            if let (Some(first), Some(mut found)) = (first, list.find_partition(topic, r.start.pair as i32)) {
                found.set_metadata(format!("{FIRST}{first}"));
            }
        }
    }
    list
}

fn consumer_config(settings: &KafkaSettings) -> rdkafka::ClientConfig {
    let mut config = settings.client();
    let defaults = [
        // the default of 1000 stops fetching for a second whenever the local queue is full: a factor of 3
        ("fetch.queue.backoff.ms", "10"),
        ("queued.max.messages.kbytes", "16384"),
        ("fetch.max.bytes", "16777216"),
        ("fetch.wait.max.ms", "100"),
        ("check.crcs", "true"),
        // a topic that was made anew is noticed within this time
        ("topic.metadata.refresh.interval.ms", "10000"),
        ("reconnect.backoff.max.ms", "2000"),
    ];
    for (name, value) in defaults {
        if settings.properties.iter().all(|(own, _)| own != name) {
            config.set(name, value);
        }
    }
    config
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // every offset is given; one that the broker does not have must be told, not replaced
        .set("auto.offset.reset", "error")
        .set("partition.assignment.strategy", "range")
        .set("statistics.interval.ms", "1000");
    if let Some(instance) = &settings.instance {
        config.set("group.instance.id", instance);
    }
    config.set_log_level(RDKafkaLogLevel::Warning);
    config
}

pub(super) struct Context {
    settings: KafkaSettings,
    owner: Arc<dyn Ownership>,
    heard: Heard,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::client_log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.owner.progress(Progress::of(&statistics, &self.settings));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.note(&error, reason);
        tracing::warn!(error = %error, reason, "kafka");
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list_of: &mut TopicPartitionList) {
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let of = |topic: &str| {
                let mut pairs: Vec<u32> =
                    list_of.elements_for_topic(topic).iter().map(|e| e.partition() as u32).collect();
                pairs.sort_unstable();
                pairs
            };
            let (predictions, corrections) = (of(&self.settings.predictions), of(&self.settings.corrections));
            let starts = if predictions == corrections {
                self.owner.assign(&predictions, consumer)
            } else {
                self.owner.split(predictions, corrections);
                Vec::new()
            };
            consumer.assign(&list(&self.settings, &starts))
        } else {
            let reached = self.owner.revoke();
            if !reached.is_empty() && !consumer.assignment_lost() {
                // advisory: the next owner looks into its store. Not waited for: without a broker that has no end
                let _ = consumer.commit(&noted(&self.settings, &reached), CommitMode::Async);
            }
            consumer.unassign()
        };
        if let Err(e) = done {
            tracing::error!(error = %e, "the assignment could not be taken on");
        }
    }
}
