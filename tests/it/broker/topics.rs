//! Topics come and go.

use std::time::{Duration, Instant};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    metadata::MetadataTopic,
};

use super::{Broker, PATIENCE};

impl Broker {
    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.create_topic_with(name, partitions, &[]);
    }

    /// With the topic's own configuration, as `("retention.ms", "1000")`.
    pub fn create_topic_with(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        topic.config.extend(config);
        let made = wait(self.admin().create_topics([&topic], &patient()));
        made.expect("the broker answers")[0].as_ref().unwrap_or_else(|(_, why)| panic!("topic {name}: {why}"));
        self.until(name, |topic| topic.is_some_and(served));
    }

    /// Up to so many in all.
    pub fn add_partitions(&self, name: &str, total: usize) {
        let made = wait(self.admin().create_partitions(&[NewPartitions::new(name, total)], &patient()));
        made.expect("the broker answers")[0].as_ref().unwrap_or_else(|(_, why)| panic!("topic {name}: {why}"));
        self.until(name, |topic| topic.is_some_and(|t| t.partitions().len() == total && served(t)));
    }

    pub fn delete_topic(&self, name: &str) {
        let deleted = wait(self.admin().delete_topics(&[name], &patient()));
        deleted.expect("the broker answers")[0].as_ref().unwrap_or_else(|(_, why)| panic!("topic {name}: {why}"));
        self.until(name, |topic| topic.is_none());
    }

    /// Removes what lies before these offsets, as retention does, but at once.
    pub fn delete_records(&self, topic: &str, before: &[(i32, i64)]) {
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in before {
            offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset)).expect("a valid offset");
        }
        let deleted = wait(self.admin().delete_records(&offsets, &patient())).expect("the broker answers");
        deleted.elements().iter().for_each(|e| e.error().unwrap_or_else(|why| panic!("{topic}: {why}")));
    }

    /// Every partition of every topic has a leader.
    pub(super) fn serves_everything(&self) -> bool {
        let metadata = self.reader().fetch_metadata(None, Duration::from_secs(1));
        metadata.is_ok_and(|m| !m.brokers().is_empty() && m.topics().iter().all(served))
    }

    /// Only Apache Kafka tells where its logs are.
    pub(super) fn says_it_is_apache(&self) -> bool {
        let reader = self.reader();
        let metadata = reader.fetch_metadata(None, PATIENCE).expect("the broker answers");
        let broker = ResourceSpecifier::Broker(metadata.brokers()[0].id());
        let told =
            wait(self.admin().describe_configs([&broker], &patient().request_timeout(Some(Duration::from_secs(5)))));
        told.is_ok_and(|all| all.iter().flatten().any(|resource| resource.get("log.dirs").is_some()))
    }

    /// A consumer that belongs to no group.
    pub(super) fn reader(&self) -> BaseConsumer {
        let mut client = self.client();
        client.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        // a reader asks for offsets of a group, or has none
        client.set("group.id", "reader").create().expect("a valid configuration")
    }

    fn until(&self, topic: &str, is_so: impl Fn(Option<&MetadataTopic>) -> bool) {
        let reader = self.reader();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metadata = reader.fetch_metadata(None, Duration::from_secs(5));
            if metadata.is_ok_and(|m| is_so(m.topics().iter().find(|t| t.name() == topic))) {
                return;
            }
            assert!(Instant::now() < deadline, "the broker does not do what it said about topic {topic}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("a valid configuration")
    }
}

fn served(topic: &MetadataTopic) -> bool {
    let partitions = topic.partitions();
    topic.error().is_none()
        && !partitions.is_empty()
        && partitions.iter().all(|p| p.error().is_none() && p.leader() >= 0)
}

fn patient() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

/// The admin client's futures wake up by themselves and need no runtime of a kind.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}
