//! `vigie check` looks at the cluster before a service does.

use super::cluster::Topics;
use crate::{broker::Broker, harness::run};

fn checked(topics: &Topics<'_>, dir: &std::path::Path, more: &str) -> crate::harness::Done {
    std::fs::write(dir.join("vigie.toml"), topics.config(more)).expect("a configuration");
    run(dir, &["check"])
}

#[test]
fn it_lists_what_a_consumer_would_find() {
    let broker = Broker::shared();
    let mut topics = Topics::create(broker, 3);
    let dir = tempfile::tempdir().expect("temporary directory");
    let done = checked(&topics, dir.path(), "").expect(0);
    for word in ["1 broker answers", "3 partitions each", &topics.dead_letters, &topics.alerts, &topics.group, "7 days"]
    {
        assert!(done.out.contains(word), "`{word}` is missing:\n{}", done.out);
    }
    let compacted = broker.unique("compacted");
    broker.create_topic_with(&compacted, 3, &[("cleanup.policy", "compact")]);
    topics.corrections = compacted;
    let done = checked(&topics, dir.path(), "").expect(1);
    assert!(done.out.contains("compaction drops"), "{}", done.out);
    topics.corrections = broker.unique("nowhere");
    let done = checked(&topics, dir.path(), "").expect(1);
    assert!(done.out.contains("no topic"), "{}", done.out);
    topics.dead_letters = broker.unique("nobody");
    assert!(checked(&topics, dir.path(), "").expect(1).out.contains(&topics.dead_letters));
}

#[test]
fn a_broker_that_is_not_there_is_said_within_seconds() {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::write(dir.path().join("vigie.toml"), "[kafka]\nbrokers = \"127.0.0.1:1\"\n").expect("a configuration");
    let before = std::time::Instant::now();
    let done = run(dir.path(), &["check"]).expect(1);
    assert!(done.out.contains("no broker answers at 127.0.0.1:1"), "{}", done.out);
    assert!(before.elapsed().as_secs() < 30);
}

#[test]
fn secrets_and_reserved_properties_are_refused_in_the_file() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = "[kafka]\nbrokers = \"127.0.0.1:1\"\npeers = [\"vigie-1\"]\non_gap = \"ignore\"\n\
                  [kafka.properties]\n\"sasl.password\" = \"hunter2\"\n\"group.id\" = \"x\"\n\
                  [kafka.secrets]\n\"ssl.key.password\" = \"hunter3\"\n";
    std::fs::write(dir.path().join("vigie.toml"), config).expect("a configuration");
    let out = run(dir.path(), &["check"]).expect(1).out;
    for word in [
        "vigie.toml:6",
        "kafka.secrets",
        "vigie.toml:7",
        "kafka.group",
        "vigie.toml:9",
        "env:VARIABLE",
        "on_gap",
        "peers",
    ] {
        assert!(out.contains(word), "`{word}` is not said:\n{out}");
    }
    assert!(!out.contains("hunter"), "a secret is shown:\n{out}");
}
