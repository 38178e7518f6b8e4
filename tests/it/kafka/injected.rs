//! Errors that one real broker cannot give on demand: leaders that move, a coordinator that moves, requests that fail.
//! Only here a mock answers: librdkafka's own cluster of three brokers.

use std::time::Duration;

use rdkafka::{
    mocking::{MockCluster, MockCoordinator},
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::cluster::{Topics, rough_stream, stored, total};
use crate::broker::Broker;

const PARTITIONS: i32 = 2;

#[test]
fn leaders_and_coordinators_move_and_requests_fail_and_nothing_is_lost() {
    let mock = MockCluster::new(3).expect("a cluster");
    let broker = Broker::at(&mock.bootstrap_servers());
    let topics = Topics::named(&broker);
    for topic in [&topics.predictions, &topics.corrections] {
        mock.create_topic(topic, PARTITIONS, 1).expect("a topic");
    }
    mock.create_topic(&topics.dead_letters, 1, 1).expect("a topic");
    mock.create_topic(&topics.alerts, 1, 1).expect("a topic");
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("before", 200, 1));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);

    for round in 0..6_i32 {
        // a partition of each topic, not the same one
        let (a, b) = (round % PARTITIONS, (round + 1) % PARTITIONS);
        mock.partition_leader(&topics.predictions, a, Some(1 + round % 3)).expect("a leader");
        mock.partition_leader(&topics.corrections, b, Some(1 + (round + 1) % 3)).expect("a leader");
        if round % 2 == 1 {
            mock.coordinator(MockCoordinator::Group(topics.group.clone()), 1 + round % 3).expect("a coordinator");
        }
        use RDKafkaRespErr::{
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS as LOADING, RD_KAFKA_RESP_ERR_NOT_COORDINATOR as MOVED,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION as NOT_LEADER, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as TIMED_OUT,
        };
        mock.request_errors(RDKafkaApiKey::Fetch, &[NOT_LEADER, TIMED_OUT, NOT_LEADER]);
        mock.request_errors(RDKafkaApiKey::Heartbeat, &[LOADING, MOVED]);
        mock.request_errors(RDKafkaApiKey::OffsetCommit, &[LOADING, TIMED_OUT]);
        topics.produce(&rough_stream(&format!("round-{round}"), 150, 2 + round as u64));
        std::thread::sleep(Duration::from_millis(300));
    }
    topics.caught_up(&[&server]);
    assert_eq!(total(&server, "vigie_consumer_failed"), 0.0);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}
