//! Records in and out of topics.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, DeliveryResult, Header, Headers, OwnedHeaders},
    metadata::MetadataPartition,
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
    types::RDKafkaErrorCode,
};

use super::{Broker, PATIENCE};

/// What a test sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    /// `None` leaves it to the key.
    pub partition: Option<i32>,
    /// Milliseconds; `None` = now.
    pub timestamp: Option<i64>,
}

impl Message {
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Message { payload: Some(payload.into()), ..Message::default() }
    }

    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }
}

/// What a topic holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub payload: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Sends in order and idempotently, with the partitions that Java's clients choose for a key.
pub struct Producer {
    inner: BaseProducer<Deliveries>,
}

/// Partition and offset, or why there are none.
pub type Delivery = Result<(i32, i64), KafkaError>;

/// By index of the message.
#[derive(Default)]
struct Deliveries(Mutex<BTreeMap<usize, Delivery>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<usize>) {
        let place = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((why, _)) => Err(why.clone()),
        };
        self.0.lock().expect("no delivery panics").insert(*index, place);
    }
}

impl Producer {
    /// Sends them all and waits for what becomes of each; in the order of the messages.
    pub fn send(&self, topic: &str, messages: &[Message]) -> Vec<Delivery> {
        for (index, message) in messages.iter().enumerate() {
            let mut record = BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, Box::new(index));
            record.key = message.key.as_deref();
            record.payload = message.payload.as_deref();
            record.partition = message.partition;
            record.timestamp = message.timestamp;
            let headers = message
                .headers
                .iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
            record.headers = (!message.headers.is_empty()).then_some(headers);
            while let Err((why, back)) = self.inner.send(record) {
                let full = why.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                assert!(full, "{topic}: {why}");
                self.inner.poll(Duration::from_millis(10));
                record = back;
            }
        }
        // each ends at `message.timeout.ms`, delivered or not
        self.inner.flush(PATIENCE * 2).expect("every delivery ends");
        let done = std::mem::take(&mut *self.inner.context().0.lock().expect("no delivery panics"));
        assert_eq!(done.len(), messages.len(), "each message has one end");
        done.into_values().collect()
    }
}

impl Broker {
    /// Keeps the order; `compression` is `none`, `gzip`, `lz4`, `snappy` or `zstd`.
    pub fn producer(&self, compression: &str) -> Producer {
        let mut client = self.client();
        client.set("partitioner", "murmur2_random").set("enable.idempotence", "true");
        client.set("message.timeout.ms", PATIENCE.as_millis().to_string()).set("compression.type", compression);
        let inner = BaseProducer::from_config_and_context(&client, Deliveries::default());
        Producer { inner: inner.expect("a valid configuration") }
    }

    /// Partition and offset of each message; a panic when one cannot be delivered.
    pub fn produce(&self, topic: &str, messages: &[Message]) -> Vec<(i32, i64)> {
        let places = self.producer("none").send(topic, messages);
        places.into_iter().map(|place| place.unwrap_or_else(|why| panic!("{topic}: {why}"))).collect()
    }

    /// By partition, the first offset that is still there and the one that comes next.
    pub fn watermarks(&self, topic: &str) -> BTreeMap<i32, (i64, i64)> {
        let reader = self.reader();
        let partitions = self.partitions(topic);
        let of = |p: i32| again(|| reader.fetch_watermarks(topic, p, Duration::from_secs(5)), topic);
        partitions.into_iter().map(|p| (p, of(p))).collect()
    }

    /// All that the topic holds at the time of the call, by partition and offset. What an aborted transaction left is
    /// not held.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        let mut open = self.watermarks(topic);
        open.retain(|_, (low, high)| low < high);
        let mut from = TopicPartitionList::new();
        for (partition, (low, _)) in &open {
            from.add_partition_offset(topic, *partition, Offset::Offset(*low)).expect("a valid offset");
        }
        let reader = self.reader();
        reader.assign(&from).expect("an assignment");
        let mut records = Vec::new();
        let mut deadline = Instant::now() + PATIENCE;
        while !open.is_empty() {
            assert!(Instant::now() < deadline, "topic {topic} is not read to its end: {open:?} are left");
            let message = match reader.poll(Duration::from_millis(100)) {
                None => continue,
                Some(Ok(message)) => message,
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                    continue;
                }
                // the client tries again by itself
                Some(Err(KafkaError::MessageConsumption(_))) => continue,
                Some(Err(why)) => panic!("{topic}: {why}"),
            };
            deadline = Instant::now() + PATIENCE;
            let Some((_, high)) = open.get(&message.partition()).copied() else { continue };
            if message.offset() < high {
                records.push(record(&message));
            }
            if message.offset() + 1 >= high {
                open.remove(&message.partition());
            }
        }
        records.sort_by_key(|r| (r.partition, r.offset));
        records
    }

    /// By partition, the offsets that a group committed.
    pub fn committed(&self, group: &str, topic: &str) -> BTreeMap<i32, i64> {
        let member: BaseConsumer = self.client().set("group.id", group).create().expect("a valid configuration");
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            asked.add_partition(topic, partition);
        }
        // a coordinator that came back a moment ago is still reading its log
        let told = again(|| member.committed_offsets(asked.clone(), Duration::from_secs(5)), group);
        let offset = |o: Offset| if let Offset::Offset(n) = o { Some(n) } else { None };
        told.elements().iter().filter_map(|e| Some((e.partition(), offset(e.offset())?))).collect()
    }

    fn partitions(&self, topic: &str) -> Vec<i32> {
        let reader = self.reader();
        let metadata = again(|| reader.fetch_metadata(Some(topic), Duration::from_secs(5)), topic);
        let found = &metadata.topics()[0];
        assert!(found.error().is_none(), "topic {topic}: {:?}", found.error());
        found.partitions().iter().map(MetadataPartition::id).collect()
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let header = |h: Header<'_, &[u8]>| (h.key.to_owned(), h.value.unwrap_or_default().to_vec());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        headers: message.headers().map_or_else(Vec::new, |all| all.iter().map(header).collect()),
    }
}

/// Until it succeeds: a broker that just started refuses for a moment.
fn again<T>(mut question: impl FnMut() -> Result<T, KafkaError>, about: &str) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match question() {
            Ok(answer) => return answer,
            Err(why) => assert!(Instant::now() < deadline, "{about}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
