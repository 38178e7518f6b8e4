use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext, Message,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};

use super::KafkaSettings;

// tokens travel through librdkafka as pointers
const _: () = assert!(size_of::<usize>() == size_of::<u64>(), "vigie needs a 64-bit machine");

/// Unless the properties say otherwise. Memory stays bounded by the queue. A line of the largest size that Vigie takes
/// must get as far as the broker, whose limit counts; librdkafka sends one above `batch.size` in a batch of its own, so
/// that its refusal hits no other.
const DEFAULTS: [(&str, &str); 3] = [
    ("queue.buffering.max.kbytes", "65536"),
    ("queue.buffering.max.messages", "500000"),
    ("message.max.bytes", "4194304"),
];

/// Pause before a full queue is tried again: at a million messages a second it is half empty by then.
const RETRY: Duration = Duration::from_millis(1);

/// How long one try to reach a broker takes, before a refused login is looked for.
const ATTEMPT: Duration = Duration::from_millis(900);
const PAUSE: Duration = Duration::from_millis(100);

const FLUSH_STEP: Duration = Duration::from_millis(5);

/// One message on its way to Kafka. Nothing is kept of it: the queue copies.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    /// Equal keys go to the same partition number in every topic with the same number of partitions; `None`: any.
    pub key: Option<&'a [u8]>,
    pub payload: &'a [u8],
    pub headers: &'a [(String, Vec<u8>)],
    /// Milliseconds since 1970; `None`: now. A topic's retention goes by it.
    pub timestamp: Option<i64>,
    /// Comes back in the [`Delivery`]; Kafka does not see it.
    pub token: u64,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub token: u64,
    /// Partition and offset, or why it was not delivered.
    pub result: Result<(i32, i64), String>,
    /// Broker or client refused it for its size: a shorter one would pass.
    pub too_large: bool,
}

/// Messages since the connection. `accepted` = `delivered` + `failed` + those still on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublishCounts {
    pub accepted: u64,
    pub delivered: u64,
    pub failed: u64,
}

impl PublishCounts {
    /// Messages whose fate is not known yet.
    pub fn waiting(&self) -> u64 {
        self.accepted.saturating_sub(self.delivered + self.failed)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("Kafka property `{name}`: {message}")]
    Property { name: String, message: String },
    #[error("no Kafka producer: {0}")]
    Producer(String),
    #[error("no Kafka broker answers at {brokers} within {seconds} s: {reason}")]
    Unreachable { brokers: String, seconds: u64, reason: String },
    #[error("{brokers} takes no connection from here: {reason}")]
    Refused { brokers: String, reason: String },
    #[error(
        "{brokers} has no topic `{topic}` that may be seen; create it or name another. Topics there: {}",
        if .there.is_empty() { "none" } else { .there.as_str() }
    )]
    NoTopic { topic: String, brokers: String, there: String },
    #[error("topic `{topic}`: {reason}")]
    Topic { topic: String, reason: String },
    #[error("the Kafka producer cannot go on: {0}")]
    Fatal(String),
    #[error("{waiting} messages are neither delivered nor refused after {seconds:.1} s")]
    Unfinished { waiting: u64, seconds: f64 },
}

/// Sends messages to Kafka, each once and each with its fate reported.
///
/// Deliveries pile up until [`Publisher::deliveries`] takes them. A message that cannot be delivered is tried again
/// until `message.timeout.ms` (five minutes unless set). Dropping the publisher forgets what is still on its way.
pub struct Publisher {
    producer: ThreadedProducer<Reports>,
    brokers: String,
}

/// Where librdkafka's thread leaves its reports.
#[derive(Default)]
struct Reports {
    delivered: AtomicU64,
    failed: AtomicU64,
    accepted: AtomicU64,
    deliveries: Mutex<Vec<Delivery>>,
    trouble: Mutex<Option<Trouble>>,
}

struct Trouble {
    text: String,
    /// Waiting longer will not cure it: refused login, TLS that does not fit.
    lasting: bool,
    /// How many messages had been delivered by then.
    delivered: u64,
}

/// A thread that panicked while it held a list left the list itself whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reports {
    fn report(&self, token: u64, result: Result<(i32, i64), RDKafkaErrorCode>) {
        use RDKafkaErrorCode::{MessageBatchTooLarge, MessageSizeTooLarge};
        let too_large = matches!(result, Err(MessageSizeTooLarge | MessageBatchTooLarge));
        let count = if result.is_ok() { &self.delivered } else { &self.failed };
        // into the list first: who sees the count must find the delivery
        held(&self.deliveries).push(Delivery { token, result: result.map_err(|code| code.to_string()), too_large });
        count.fetch_add(1, Ordering::Release);
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode::{Authentication, SSL, SaslAuthenticationFailed};
        tracing::warn!(%error, reason, "Kafka producer");
        // said by librdkafka after each broker was named, and less telling
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) && held(&self.trouble).is_some() {
            return;
        }
        let lasting = matches!(error.rdkafka_error_code(), Some(Authentication | SSL | SaslAuthenticationFailed));
        let delivered = self.delivered.load(Ordering::Acquire);
        *held(&self.trouble) = Some(Trouble { text: reason.to_owned(), lasting, delivered });
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let result = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
        };
        self.report(token as u64, result);
    }
}

impl Publisher {
    /// Makes a producer of [`KafkaSettings::producer`]. It connects by itself, and again whenever a broker was away:
    /// [`Publisher::check`] waits for that.
    ///
    /// # Errors
    /// When librdkafka refuses a property or cannot start.
    pub fn connect(settings: &KafkaSettings) -> Result<Publisher, PublishError> {
        let mut config: ClientConfig = settings.producer();
        for (name, value) in DEFAULTS {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        }
        let producer = config.create_with_context(Reports::default()).map_err(|e| match e {
            // the value stays out: it may be a password
            KafkaError::ClientConfig(_, message, name, _) => PublishError::Property { name, message },
            KafkaError::ClientCreation(message) => PublishError::Producer(message),
            other => PublishError::Producer(other.to_string()),
        })?;
        Ok(Publisher { producer, brokers: settings.brokers.clone() })
    }

    /// Waits for a broker and gives the number of partitions of each topic. Creates none.
    ///
    /// # Errors
    /// When no broker answers in time, a login is refused, or a topic is not there.
    pub fn check(&self, topics: &[&str], timeout: Duration) -> Result<Vec<usize>, PublishError> {
        let mut left = timeout;
        let metadata = loop {
            let attempt = left.min(ATTEMPT);
            match self.producer.client().fetch_metadata(None, attempt) {
                Ok(metadata) => break metadata,
                Err(error) => {
                    left = left.saturating_sub(attempt + PAUSE);
                    let brokers = self.brokers.clone();
                    match &*held(&self.reports().trouble) {
                        Some(Trouble { text, lasting: true, .. }) => {
                            return Err(PublishError::Refused { brokers, reason: text.clone() });
                        }
                        trouble if left.is_zero() => {
                            let reason = trouble.as_ref().map_or_else(|| error.to_string(), |t| t.text.clone());
                            return Err(PublishError::Unreachable { brokers, seconds: timeout.as_secs(), reason });
                        }
                        _ => {}
                    }
                }
            }
            // where a broker was found and then lost, the answer comes at once
            thread::sleep(PAUSE);
        };
        let found = topics.iter().map(|topic| {
            let Some(known) = metadata.topics().iter().find(|t| t.name() == *topic) else {
                let mut there: Vec<&str> = metadata.topics().iter().map(|t| t.name()).collect();
                there.retain(|name| !name.starts_with("__"));
                there.sort_unstable();
                if there.len() > MOST_NAMED {
                    there.truncate(MOST_NAMED);
                    there.push("..");
                }
                let (topic, brokers) = ((*topic).to_owned(), self.brokers.clone());
                return Err(PublishError::NoTopic { topic, brokers, there: there.join(", ") });
            };
            match known.error() {
                Some(code) => {
                    let reason = RDKafkaErrorCode::from(code).to_string();
                    Err(PublishError::Topic { topic: (*topic).to_owned(), reason })
                }
                None => Ok(known.partitions().len()),
            }
        });
        found.collect()
    }

    /// Hands a message over; waits while the queue is full, which ends at the latest when messages in it time out.
    /// A message that is refused at once (too large, no such partition) is reported as a failed delivery, like one that
    /// a broker refuses.
    ///
    /// # Errors
    /// When this producer will never send again.
    pub fn send(&self, message: Outgoing<'_>) -> Result<(), PublishError> {
        while !self.offer(message, ATTEMPT)? {}
        Ok(())
    }

    /// [`Publisher::send`] with an end: false when the queue had no room for that long, and the message was not taken.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn offer(&self, message: Outgoing<'_>, wait: Duration) -> Result<bool, PublishError> {
        let mut waited = Duration::ZERO;
        loop {
            let record = BaseRecord {
                topic: message.topic,
                partition: None,
                payload: Some(message.payload),
                key: message.key,
                timestamp: message.timestamp,
                headers: headers(message.headers),
                delivery_opaque: message.token as usize,
            };
            // counted before it can be reported
            self.reports().accepted.fetch_add(1, Ordering::AcqRel);
            let Err((error, _)) = self.producer.send(record) else { return Ok(true) };
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => {
                    self.reports().accepted.fetch_sub(1, Ordering::AcqRel);
                    if waited >= wait {
                        return Ok(false);
                    }
                    thread::sleep(RETRY);
                    waited += RETRY;
                }
                Some(code) if code != RDKafkaErrorCode::Fatal => {
                    self.reports().report(message.token, Err(code));
                    return Ok(true);
                }
                _ => {
                    self.reports().accepted.fetch_sub(1, Ordering::AcqRel);
                    let fatal = self.producer.client().fatal_error().map(|(_, reason)| reason);
                    return Err(PublishError::Fatal(fatal.unwrap_or_else(|| error.to_string())));
                }
            }
        }
    }

    /// What became known since the last call, in no order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        mem::take(&mut *held(&self.reports().deliveries))
    }

    pub fn counts(&self) -> PublishCounts {
        let reports = self.reports();
        // in this order, so that no more are reported than were accepted
        let (delivered, failed) = (reports.delivered.load(Ordering::Acquire), reports.failed.load(Ordering::Acquire));
        PublishCounts { accepted: reports.accepted.load(Ordering::Acquire), delivered, failed }
    }

    /// What librdkafka last complained of, such as a broker that is away; `None` when messages were delivered since.
    pub fn trouble(&self) -> Option<String> {
        let delivered = self.reports().delivered.load(Ordering::Acquire);
        held(&self.reports().trouble).as_ref().filter(|t| t.delivered == delivered).map(|t| t.text.clone())
    }

    /// Sends what waits without lingering, until every message is delivered or refused.
    ///
    /// # Errors
    /// When some are still on their way after `timeout`; they stay there.
    pub fn flush(&self, timeout: Duration) -> Result<(), PublishError> {
        let mut waited = Duration::ZERO;
        loop {
            // in steps: each lasts to its end, even when all was delivered at its beginning. Its own error says no more
            // than that the time is over
            let _ = self.producer.flush(FLUSH_STEP);
            waited += FLUSH_STEP;
            match self.counts().waiting() {
                0 => return Ok(()),
                waiting if waited >= timeout => {
                    return Err(PublishError::Unfinished { waiting, seconds: timeout.as_secs_f64() });
                }
                _ => {}
            }
        }
    }

    fn reports(&self) -> &Reports {
        self.producer.client().context()
    }
}

/// Topics named in an error.
const MOST_NAMED: usize = 10;

fn headers(pairs: &[(String, Vec<u8>)]) -> Option<OwnedHeaders> {
    if pairs.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(pairs.len());
    Some(pairs.iter().fold(empty, |all, (key, value)| all.insert(Header { key, value: Some(value) })))
}
