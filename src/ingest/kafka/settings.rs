use std::{fmt, time::Duration};

use rdkafka::ClientConfig;

/// What connects a service to a cluster and to its topics.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, several with commas between.
    pub brokers: String,
    pub group: String,
    /// `group.instance.id`: with one, a replica that restarts in time keeps its partitions.
    pub instance: Option<String>,
    pub predictions: String,
    pub corrections: String,
    /// Where refused messages go; `None` = they are kept in the store only.
    pub dead_letters: Option<String>,
    /// Where the service says what operators must know; `None` = in the log only.
    pub alerts: Option<String>,
    /// Any other property of librdkafka; values of secrets are resolved already.
    pub properties: Vec<(String, String)>,
    /// Lag, in events, up to which a replica calls itself ready.
    pub max_lag: u64,
    /// How long predictions and waiting corrections are held, in event time.
    pub horizon: Duration,
    /// What to do where the log lost events that were never read.
    pub on_gap: OnGap,
    /// Longest time that an orderly stop or a rebalance may take.
    pub drain: Duration,
}

/// What to do where a topic no longer has the events that come next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnGap {
    /// Say so and stop: the numbers would miss what is lost.
    #[default]
    Stop,
    /// Count what is lost, say so, and go on at the oldest event there is.
    Continue,
}

/// Properties that the exactly-once effect depends on, and what sets them instead.
pub const RESERVED_PROPERTIES: [(&str, &str); 11] = [
    ("bootstrap.servers", "kafka.brokers"),
    ("metadata.broker.list", "kafka.brokers"),
    ("group.id", "kafka.group"),
    ("group.instance.id", "kafka.instance"),
    ("group.protocol", "nothing: offsets are kept beside the facts, under the classic protocol"),
    ("enable.auto.commit", "nothing: offsets are kept beside the facts"),
    ("enable.auto.offset.store", "nothing: offsets are kept beside the facts"),
    ("auto.offset.reset", "kafka.on_gap"),
    ("partition.assignment.strategy", "nothing: the two topics must be co-located, which only range does"),
    ("enable.partition.eof", "nothing"),
    ("statistics.interval.ms", "nothing: lag is measured every second"),
];

impl Default for KafkaSettings {
    fn default() -> Self {
        KafkaSettings {
            brokers: "127.0.0.1:9092".to_owned(),
            group: "vigie".to_owned(),
            instance: None,
            predictions: "predictions".to_owned(),
            corrections: "corrections".to_owned(),
            dead_letters: None,
            alerts: None,
            properties: Vec::new(),
            max_lag: 1_000_000,
            horizon: Duration::from_secs(400 * 86_400),
            on_gap: OnGap::default(),
            drain: Duration::from_secs(20),
        }
    }
}

impl KafkaSettings {
    /// What consumers and admin clients have in common.
    pub fn client(&self) -> ClientConfig {
        self.common(|_| true)
    }

    /// A producer that loses and doubles nothing and spreads keys as Java's clients do.
    pub fn producer(&self) -> ClientConfig {
        let mut config = self.common(|name| !CONSUMER_ONLY.contains(&name));
        let defaults = [
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "20"),
            ("compression.type", "lz4"),
        ];
        for (name, value) in defaults {
            let alias = if name == "compression.type" { "compression.codec" } else { name };
            if self.properties.iter().all(|(own, _)| own != name && own != alias) {
                config.set(name, value);
            }
        }
        config
    }

    fn common(&self, keep: impl Fn(&str) -> bool) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "vigie").set("socket.keepalive.enable", "true");
        for (name, value) in self.properties.iter().filter(|(name, _)| keep(name)) {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    pub fn topics(&self) -> [&str; 2] {
        [&self.predictions, &self.corrections]
    }
}

/// Consumers' properties that a producer would warn of at every start.
const CONSUMER_ONLY: [&str; 8] = [
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "fetch.queue.backoff.ms",
    "queued.max.messages.kbytes",
    "fetch.max.bytes",
    "max.partition.fetch.bytes",
    "isolation.level",
];

/// Values are not shown: some are passwords.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("group", &self.group)
            .field("topics", &self.topics())
            .field("properties", &names)
            .finish_non_exhaustive()
    }
}
