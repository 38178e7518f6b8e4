//! What the other tests may rely on.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use super::{Broker, Message, Record, Secured};

#[test]
fn what_is_produced_is_read_back_whole() {
    let broker = Broker::shared();
    let topic = broker.unique("promises");
    broker.create_topic(&topic, 3);
    let mut sent = Vec::new();
    for compression in ["none", "gzip", "lz4", "snappy", "zstd"] {
        let messages: Vec<Message> = (0..20)
            .map(|i| Message::new(format!("{compression} {i}")).key(format!("k{i}")).header("via", compression))
            .collect();
        let places = broker.producer(compression).send(&topic, &messages);
        sent.extend(messages.into_iter().zip(places.into_iter().map(|place| place.expect("delivered"))));
    }
    let tombstone = Message { key: Some(b"k0".to_vec()), timestamp: Some(1_700_000_000_000), ..Message::default() };
    let place = broker.produce(&topic, std::slice::from_ref(&tombstone))[0];
    sent.push((tombstone, place));
    sent.sort_by_key(|(_, place)| *place);
    let found = broker.records(&topic);
    let seen = |r: &Record| ((r.partition, r.offset), r.key.clone(), r.payload.clone(), r.headers.clone());
    let wanted: Vec<_> = sent.into_iter().map(|(m, place)| (place, m.key, m.payload, m.headers)).collect();
    assert_eq!(found.iter().map(seen).collect::<Vec<_>>(), wanted);
    assert_eq!(found.iter().find(|r| r.payload.is_none()).unwrap().timestamp, Some(1_700_000_000_000));
    for key in ["k0", "k7", "k19"] {
        let mut partitions: Vec<i32> =
            found.iter().filter(|r| r.key.as_deref() == Some(key.as_bytes())).map(|r| r.partition).collect();
        partitions.dedup();
        assert_eq!(partitions.len(), 1, "{key} stays in its partition");
    }
}

#[test]
fn a_key_has_the_partition_that_java_gives_it() {
    let broker = Broker::shared();
    let topic = broker.unique("java");
    broker.create_topic(&topic, 100);
    // murmur2 as the tests of Apache Kafka's own clients have it
    for (key, hash) in [("21", -973_932_308_i32), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
    {
        let (partition, _) = broker.produce(&topic, &[Message::new("x").key(key)])[0];
        assert_eq!(partition, (hash & 0x7fff_ffff) % 100, "{key}");
    }
}

#[test]
fn topics_are_configured_emptied_and_deleted() {
    let broker = Broker::shared();
    let topic = broker.unique("topics");
    broker.create_topic_with(&topic, 2, &[("max.message.bytes", "1000"), ("retention.ms", "-1")]);
    let to = |partition| Message::new("x").partition(partition);
    let places = broker.produce(&topic, &[to(0), to(0), to(1), to(0)]);
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (0, 2)]);
    let refused = broker.producer("none").send(&topic, &[Message::new(vec![0; 2000])]);
    assert_eq!(refused[0].as_ref().unwrap_err().rdkafka_error_code(), Some(RDKafkaErrorCode::MessageSizeTooLarge));
    if broker.is_apache() {
        broker.delete_records(&topic, &[(0, 2)]);
        assert_eq!(broker.watermarks(&topic).into_iter().collect::<Vec<_>>(), [(0, (2, 3)), (1, (0, 1))]);
        assert_eq!(broker.records(&topic).len(), 2);
    }
    broker.delete_topic(&topic);
}

#[test]
fn old_segments_are_gone_within_seconds_of_their_retention() {
    let broker = Broker::shared();
    let topic = broker.unique("retention");
    broker.create_topic_with(&topic, 1, &[("retention.ms", "100"), ("segment.ms", "100")]);
    broker.produce(&topic, &[Message { timestamp: Some(1_700_000_000_000), ..Message::new("old") }]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while broker.watermarks(&topic)[&0] != (1, 1) {
        assert!(Instant::now() < deadline, "{:?}", broker.watermarks(&topic));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(broker.records(&topic), []);
}

#[test]
fn a_broker_that_was_killed_has_what_it_acknowledged_and_what_a_group_committed() {
    let broker = Broker::own();
    let (topic, group) = (broker.unique("crash"), broker.unique("group"));
    broker.create_topic(&topic, 2);
    let address = broker.address();
    let messages: Vec<Message> = (0..1000).map(|i| Message::new(format!("{i}")).key(format!("{i}"))).collect();
    broker.produce(&topic, &messages);
    let before = broker.records(&topic);
    assert_eq!(before.len(), 1000);
    commit(&broker, &group, &topic, 1, 123);
    broker.kill();
    let impatient = broker.client();
    let gone: BaseConsumer = impatient.create().unwrap();
    assert!(gone.fetch_metadata(None, Duration::from_millis(300)).is_err(), "a killed broker does not answer");
    broker.start();
    assert_eq!(broker.address(), address);
    assert_eq!(broker.records(&topic), before);
    broker.stop();
    broker.start();
    assert_eq!(broker.committed(&group, &topic).into_iter().collect::<Vec<_>>(), [(1, 123)]);
    assert_eq!(broker.produce(&topic, &[Message::new("after").partition(0)])[0].0, 0);
    assert_eq!(broker.records(&topic).len(), 1001);
}

fn commit(broker: &Broker, group: &str, topic: &str, partition: i32, offset: i64) {
    let member: BaseConsumer = broker.client().set("group.id", group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    member.commit(&offsets, CommitMode::Sync).unwrap();
}

#[test]
fn only_the_right_password_opens() {
    let broker = Broker::own_with(Secured::Password);
    get_in(&broker);
    let said = refusal(broker.client().set("sasl.password", "guessed"));
    assert_eq!(said, RDKafkaErrorCode::Authentication);
}

#[test]
fn with_tls_the_certificate_counts_and_the_password_too() {
    let broker = Broker::own_with(Secured::PasswordOverTls);
    assert!(broker.certificate().exists());
    get_in(&broker);
    assert_eq!(refusal(broker.client().set("sasl.password", "guessed")), RDKafkaErrorCode::Authentication);
    let mut distrustful = broker.client();
    distrustful.remove("ssl.ca.location");
    assert_eq!(refusal(&distrustful), RDKafkaErrorCode::SSL);
    let broker = Broker::own_with(Secured::Tls);
    get_in(&broker);
}

fn get_in(broker: &Broker) {
    let topic = broker.unique("secured");
    broker.create_topic(&topic, 1);
    broker.produce(&topic, &[Message::new("x")]);
    assert_eq!(broker.records(&topic).len(), 1);
}

#[derive(Default)]
struct Errors(Mutex<Vec<RDKafkaErrorCode>>);

impl ClientContext for Errors {
    fn error(&self, error: KafkaError, _: &str) {
        self.0.lock().unwrap().extend(error.rdkafka_error_code());
    }
}

impl ConsumerContext for Errors {}

/// The first error that is not about a broker being down: that one follows from any other.
fn refusal(client: &ClientConfig) -> RDKafkaErrorCode {
    let consumer: BaseConsumer<Errors> = BaseConsumer::from_config_and_context(client, Errors::default()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(consumer.fetch_metadata(None, Duration::from_millis(500)).is_err(), "it got in");
        consumer.poll(Duration::from_millis(50));
        let errors = consumer.context().0.lock().unwrap().clone();
        if let Some(why) = errors.iter().find(|e| **e != RDKafkaErrorCode::AllBrokersDown) {
            return *why;
        }
        assert!(Instant::now() < deadline, "nothing is said: {errors:?}");
    }
}
