//! Topics that lose events or are made anew: said and counted, never passed over.

use serde_json::json;
use vigie::event::Kind;

use super::cluster::{Topics, eventually, eventually_or, metric, oracle, rough_stream, stored, total};
use crate::{
    broker::{Broker, Message, Record},
    harness::{correction, prediction, stream},
};

fn first_half_gone(topics: &Topics<'_>) {
    for topic in [&topics.predictions, &topics.corrections] {
        let before: Vec<(i32, i64)> =
            topics.broker.watermarks(topic).into_iter().map(|(p, (_, high))| (p, high / 2 + 1)).collect();
        topics.broker.delete_records(topic, &before);
    }
}

fn failed(server: &crate::harness::Server, words: &[&str]) {
    eventually("the consumer stops", || total(server, "vigie_consumer_failed") == 1.0);
    let ready = server.get("/health/ready");
    assert_eq!(ready.status, 503);
    for word in words {
        assert!(server.said().contains(word), "`{word}` is not said:\n{}", server.said());
    }
}

#[test]
fn events_deleted_before_they_were_read_stop_it_unless_that_was_agreed() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&stream("read", 40));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    server.stop();
    topics.produce(&stream("missed", 200));
    first_half_gone(&topics);
    let server = topics.replica(dir.path(), "data", "");
    failed(&server, &["are gone", "retention is too short", "on_gap"]);
    eventually("an alert", || !topics.broker.records(&topics.alerts).is_empty());
    let alerts = topics.broker.records(&topics.alerts);
    let alert = String::from_utf8(alerts.last().expect("an alert").payload.clone().expect("a payload")).expect("UTF-8");
    let alert: serde_json::Value = serde_json::from_str(&alert).expect("JSON");
    assert_eq!((&alert["specversion"], &alert["type"]), (&json!("1.0"), &json!("vigie.consumer.failed")), "{alert}");
    server.stop();
    let server = topics.replica(dir.path(), "data", "on_gap = \"continue\"");
    topics.caught_up(&[&server]);
    let lost = total(&server, "vigie_kafka_lost_events_total");
    server.stop();
    let facts = stored(&[dir.path().join("data")]);
    let ends: u64 = topics.ends().values().sum();
    assert!(lost > 0.0);
    assert_eq!(facts.received() as f64 + lost, ends as f64, "read and lost are all there ever was");
}

#[test]
fn a_replica_without_the_state_does_not_begin_in_the_middle() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&stream("counted", 100));
    let server = topics.replica(dir.path(), "one", "");
    topics.caught_up(&[&server]);
    server.stop();
    // all of it is still in the topics: another folder is filled from there
    let server = topics.replica(dir.path(), "two", "");
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[dir.path().join("two")]), topics.oracle());
    first_half_gone(&topics);
    let server = topics.replica(dir.path(), "three", "");
    failed(&server, &["another replica counted them", "partitions folder"]);
    server.stop();
    // who has the state goes on
    topics.produce(&stream("later", 20));
    let server = topics.replica(dir.path(), "one", "");
    topics.caught_up(&[&server]);
    server.stop();
}

#[test]
fn a_topic_made_anew_is_noticed_read_from_its_beginning_and_told() {
    let topics = Topics::create(Broker::shared(), 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    // everything that any topic of that name ever held
    let mut predictions: Vec<Record> = Vec::new();
    let anew = |lines: &[String]| {
        topics.broker.delete_topic(&topics.predictions);
        topics.broker.create_topic(&topics.predictions, 2);
        topics.produce(lines);
        topics.broker.records(&topics.predictions)
    };
    let facts = |predictions: &[Record]| {
        let corrections = topics.broker.records(&topics.corrections);
        let predictions = predictions.iter().map(|r| (Kind::Prediction, r));
        oracle(predictions.chain(corrections.iter().map(|r| (Kind::Correction, r))))
    };
    topics.produce(&rough_stream("old", 200, 1));
    predictions.extend(topics.broker.records(&topics.predictions));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    // while it runs
    predictions.extend(anew(&stream("new", 100)));
    let expected = facts(&predictions).total("prediction", "accepted");
    eventually_or(
        "the new topic is read",
        || server.said(),
        || {
            let rows = metric(&server, "vigie_events_total").into_iter();
            let accepted = rows.filter(|(l, _)| l["kind"] == "prediction" && l["outcome"] == "accepted");
            accepted.map(|(_, n)| n).sum::<f64>() as i64 == expected
        },
    );
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), facts(&predictions));
    // while it is away, and longer than before: only the last record tells
    predictions.extend(anew(&stream("longer", 2_000)));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    assert!(total(&server, "vigie_kafka_topic_recreations_total") >= 1.0);
    assert!(server.said().contains("made anew"), "{}", server.said());
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), facts(&predictions));
}

#[test]
fn partitions_added_while_it_runs_stop_it_before_ids_are_spread_differently() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&stream("one", 40));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    for topic in [&topics.predictions, &topics.corrections] {
        topics.broker.add_partitions(topic, 2);
    }
    // whichever topic is seen first
    failed(&server, &["partitions"]);
    server.stop();
    let server = topics.replica(dir.path(), "data", "");
    failed(&server, &["begin with a new data directory"]);
}

#[test]
fn topics_that_are_not_co_partitioned_or_missing_are_refused_at_the_start() {
    let broker = Broker::shared();
    let mut topics = Topics::create(broker, 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    let odd = broker.unique("odd");
    broker.create_topic(&odd, 3);
    topics.corrections = odd;
    std::fs::write(dir.path().join("vigie.toml"), topics.config("")).expect("a configuration");
    let serve = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    crate::harness::run(dir.path(), &serve).saying(2, &["2 partitions", "has 3", "prediction_id"]);
    topics.corrections = broker.unique("nowhere");
    std::fs::write(dir.path().join("vigie.toml"), topics.config("")).expect("a configuration");
    crate::harness::run(dir.path(), &serve).saying(2, &["no topic", &topics.corrections]);
}

#[test]
fn a_folder_of_other_topics_or_of_another_number_of_partitions_is_refused() {
    let broker = Broker::shared();
    let topics = Topics::create(broker, 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&stream("mine", 20));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    server.stop();
    let other = Topics::create(broker, 1);
    let server = other.replica(dir.path(), "data", "");
    failed(&server, &["begin with a new data directory"]);
}

#[test]
fn other_thresholds_make_the_facts_anew_where_the_topics_hold_all() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&stream("facts", 100));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    server.stop();
    let with_threshold = |more: &str| {
        let config = format!("{}[models.default]\nthreshold = 0.5\n", topics.config(more));
        std::fs::write(dir.path().join("vigie.toml"), config).expect("a configuration");
        crate::harness::Server::start(dir.path(), "data", &[])
    };
    let server = with_threshold("");
    topics.caught_up(&[&server]);
    assert!(server.said().contains("made anew from the topics"), "{}", server.said());
    server.stop();
    first_half_gone(&topics);
    // without a threshold again: that would lose half
    let server = topics.replica(dir.path(), "data", "");
    failed(&server, &["no longer hold all"]);
}

#[test]
fn what_passed_the_horizon_is_forgotten_counted_and_refused_when_it_comes_again() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    let at = |id: &str, day: u32, month: u32| {
        let mut p = prediction(id);
        p["predicted_at"] = json!(format!("2026-{month:02}-{day:02}T08:00:00Z"));
        p
    };
    let old: Vec<String> = (0..50).map(|i| at(&format!("old-{i}"), 1, 1).to_string()).collect();
    let mut orphan = correction("alone", "never", "5610A");
    orphan["corrected_at"] = json!("2026-01-02T08:00:00Z");
    topics.produce(&old);
    topics.produce(&[orphan.to_string()]);
    let server = topics.replica(dir.path(), "data", "horizon_days = 30");
    topics.caught_up(&[&server]);
    assert_eq!((total(&server, "vigie_orphans"), total(&server, "vigie_partition_records")), (1.0, 51.0));
    for step in 0..3 {
        topics.produce(&[at(&format!("new-{step}"), 10 + 5 * step, 3).to_string()]);
        topics.caught_up(&[&server]);
    }
    let expired = |what: &str| {
        let rows = super::cluster::metric(&server, "vigie_partition_expired_total");
        rows.into_iter().filter(|(labels, _)| labels["what"] == what).map(|(_, n)| n).sum::<f64>()
    };
    assert_eq!((expired("predictions"), expired("orphans")), (50.0, 1.0));
    assert_eq!(total(&server, "vigie_partition_records"), 3.0);
    assert_eq!(total(&server, "vigie_orphans"), 0.0);
    // counted once, it cannot be counted again
    topics.broker.produce(&topics.predictions, &[Message::new(old[7].clone()).key("old-7")]);
    topics.caught_up(&[&server]);
    let counts = server.get("/api/v1/summary").json()["counts"].clone();
    assert_eq!((&counts["predictions"], &counts["predictions_rejected"]), (&json!(53), &json!(1)), "{counts}");
    assert!(server.get("/api/v1/dead-letters").text().contains("too_late"));
    assert!(total(&server, "vigie_partition_lateness_seconds") >= 0.0);
}
