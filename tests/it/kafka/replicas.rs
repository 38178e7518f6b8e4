//! Several replicas in one group: the same totals as one, whoever comes and goes.

use std::{path::PathBuf, time::Duration};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::{
    cluster::{Topics, eventually, metric, rough_stream, stored, total},
    faults::{Feeder, kills},
};
use crate::{
    broker::Broker,
    harness::{Server, run, same_json},
};

#[test]
fn replicas_share_partitions_and_every_reader_sees_the_sum() {
    let topics = Topics::create(Broker::shared(), 5);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("shared", 1_500, 8));
    let start = |name: &str, peers: &str| topics.replica(dir.path(), name, peers);
    let one = start("one", "");
    // the second knows the first; the first learns of it at its next start
    let two = start("two", &format!("peers = [\"http://{}\"]", one.address));
    eventually("each has partitions", || {
        [&one, &two].iter().all(|r| (1..5).contains(&metric(r, "vigie_kafka_offset").len().div_euclid(2)))
    });
    topics.caught_up(&[&one, &two]);
    assert_eq!(total(&one, "vigie_kafka_assigned_partitions") + total(&two, "vigie_kafka_assigned_partitions"), 5.0);
    let asked = "/api/v1/summary?model=ape";
    let mut live = two.get(asked).json();
    let page = two.get("/?model=ape");
    assert_eq!(page.status, 200, "{}", page.text());
    // one that is alone with its half says so instead of showing half
    let partial = one.get(asked);
    partial.problem(503, &["partition"]);
    let token = [
        ("--service".to_owned(), format!("http://{}", one.address)),
        ("--service".to_owned(), format!("http://{}", two.address)),
    ];
    let service: Vec<&str> = token.iter().flat_map(|(flag, url)| [flag.as_str(), url.as_str()]).collect();
    let sql = "SELECT route, sum(n) AS n FROM tally WHERE what = 'predictions' GROUP BY route ORDER BY route";
    let query = |from: &[&str]| run(dir.path(), &[&["query", sql, "--format", "json"], from].concat()).expect(0).out;
    let asked_live = query(&service);
    let mut report =
        run(dir.path(), &[&["report", "--model", "ape", "--json", "-"][..], &service].concat()).expect(0).json();
    one.stop();
    two.stop();
    assert_eq!(stored(&[dir.path().join("one"), dir.path().join("two")]), topics.oracle());
    // the same from the folders, and from one replica that read everything
    let folders = ["--data", "one", "--data", "two"];
    assert_eq!(query(&folders), asked_live);
    let alone = topics.group.clone() + "-alone";
    let single = Topics {
        group: alone,
        predictions: topics.predictions.clone(),
        corrections: topics.corrections.clone(),
        dead_letters: topics.dead_letters.clone(),
        alerts: topics.alerts.clone(),
        ..topics
    };
    let server = single.replica(dir.path(), "alone", "");
    single.caught_up(&[&server]);
    let mut whole = server.get(asked).json();
    server.stop();
    for report in [&mut live, &mut report, &mut whole] {
        report["scope"]["generated_at"] = Value::Null;
    }
    same_json(&live, &whole, "two replicas and one");
    same_json(&report, &whole, "a report over two replicas and one replica");
}

/// Replicas start, stop and die in a random order while events come.
fn storm(shared: bool, most: usize, rounds: usize, seed: u64) {
    let topics = Topics::create(Broker::shared(), 4);
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    topics.produce(&rough_stream("backlog", 1_000, seed));
    let mut folders: Vec<PathBuf> = Vec::new();
    std::thread::scope(|scope| {
        let feeder = Feeder::start(scope, &topics, Duration::from_millis(30));
        let mut running: Vec<(usize, Server)> = Vec::new();
        for _ in 0..rounds {
            let come = running.len() < most && (running.is_empty() || random.random_bool(0.6));
            if come {
                let slot = (0..most).find(|s| running.iter().all(|(r, _)| r != s)).expect("a free slot");
                let name = if shared { "data".to_owned() } else { format!("data-{slot}") };
                let folder = dir.path().join(&name);
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
                running.push((slot, topics.replica(dir.path(), &name, "")));
            } else {
                let (_, server) = running.remove(random.random_range(0..running.len()));
                if random.random_bool(0.6) {
                    server.kill();
                } else {
                    server.stop();
                }
            }
            std::thread::sleep(Duration::from_millis(random.random_range(100..1_500)));
        }
        feeder.end();
        if running.is_empty() {
            let name = if shared { "data" } else { "data-0" };
            running.push((0, topics.replica(dir.path(), name, "")));
        }
        let servers: Vec<&Server> = running.iter().map(|(_, server)| server).collect();
        topics.caught_up(&servers);
        for (_, server) in running {
            server.stop();
        }
    });
    assert_eq!(stored(&folders), topics.oracle());
}

#[test]
fn joins_leaves_and_kills_on_one_shared_folder() {
    storm(true, 3, kills(12), 0x51);
}

#[test]
fn joins_leaves_and_kills_with_a_folder_each() {
    storm(false, 2, kills(10), 0x52);
}

#[test]
fn two_processes_under_one_instance_name_do_not_share_a_partition() {
    let topics = Topics::create(Broker::shared(), 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("instance", 200, 3));
    let first = topics.replica(dir.path(), "one", "instance = \"same\"");
    topics.caught_up(&[&first]);
    let second = topics.replica(dir.path(), "two", "instance = \"same\"");
    topics.caught_up(&[&second]);
    eventually("the first one stops", || total(&first, "vigie_consumer_failed") == 1.0);
    assert!(first.said().contains("kafka.instance"), "{}", first.said());
    second.stop();
    assert_eq!(stored(&[dir.path().join("two")]), topics.oracle());
}
