//! Processes that die, are stopped in their tracks or lose their broker.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cluster::{Topics, eventually, metric, rough_stream, stored, total};
use crate::{
    broker::Broker,
    harness::{Server, vigie},
};

/// The long run (`make chaos`) sets it.
pub fn kills(few: usize) -> usize {
    std::env::var("VIGIE_CHAOS_KILLS").map_or(few, |n| n.parse().expect("VIGIE_CHAOS_KILLS is a number"))
}

/// Produces small streams one after another until told to stop.
pub struct Feeder<'s> {
    stop: Arc<AtomicBool>,
    thread: std::thread::ScopedJoinHandle<'s, usize>,
}

impl<'s> Feeder<'s> {
    pub fn start<'e>(scope: &'s std::thread::Scope<'s, 'e>, topics: &'s Topics<'s>, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = scope.spawn(move || {
            let mut n = 0;
            while !stopped.load(Ordering::Acquire) {
                // some ids come again in a later stream: duplicates and conflicts over any distance
                topics.produce(&rough_stream(&format!("s{}", n % 40), 100 + n % 50, n as u64));
                n += 1;
                std::thread::sleep(pause);
            }
            n
        });
        Feeder { stop, thread }
    }

    pub fn end(self) -> usize {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the feeder does not fail")
    }
}

fn signal(pid: u32, name: &str) {
    let told = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill runs");
    assert!(told.success());
}

#[test]
fn killed_at_random_moments_it_loses_and_doubles_nothing() {
    let topics = Topics::create(Broker::shared(), 3);
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut random = ChaCha8Rng::seed_from_u64(0x6b69);
    let kills = kills(12);
    topics.produce(&rough_stream("backlog", 3_000, 77));
    std::fs::write(dir.path().join("vigie.toml"), topics.config("instance = \"only\"")).expect("a configuration");
    std::thread::scope(|scope| {
        let feeder = Feeder::start(scope, &topics, Duration::from_millis(20));
        for round in 0..kills {
            // the first ones while stores are being created; a process that is not up yet has no address to wait for
            let mut child = vigie(dir.path(), &["serve", "--data", "data", "--listen", "127.0.0.1:0"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("serve starts");
            let most = if round % 3 == 0 { 400 } else { 2_500 };
            std::thread::sleep(Duration::from_millis(random.random_range(50..most)));
            assert!(child.try_wait().expect("wait").is_none(), "it ended by itself in round {round}");
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
        feeder.end();
    });
    let server = Server::start(dir.path(), "data", &[]);
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}

#[test]
fn a_broker_that_is_killed_or_stopped_is_survived_and_seen() {
    let broker = Broker::own();
    let topics = Topics::create(&broker, 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("a", 300, 1));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    for round in 0..2 {
        if round == 0 {
            broker.kill()
        } else {
            broker.stop()
        }
        eventually("its absence is seen", || total(&server, "vigie_kafka_brokers_up") == 0.0);
        let ready = server.get("/health/ready");
        assert_eq!(ready.status, 503);
        assert!(ready.text().contains("no broker"), "{}", ready.text());
        assert_eq!(server.get("/health/live").status, 200, "a restart of the service would mend nothing");
        assert_eq!(server.get("/api/v1/summary?model=ape").status, 200, "what is counted can be read");
        broker.start();
        topics.produce(&rough_stream(&format!("b{round}"), 300, 2 + round));
        topics.caught_up(&[&server]);
        eventually("ready again", || server.get("/health/ready").status == 200);
    }
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}

#[test]
fn sigterm_without_a_broker_ends_in_time_and_keeps_what_was_counted() {
    let broker = Broker::own();
    let topics = Topics::create(&broker, 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("a", 200, 1));
    let mut server = topics.replica(dir.path(), "data", "drain_seconds = 4");
    topics.caught_up(&[&server]);
    let expected = topics.oracle();
    broker.kill();
    let (code, took) = server.terminate();
    assert_eq!(code, Some(0), "{}", server.said());
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(stored(&[dir.path().join("data")]), expected);
}

#[test]
fn sigterm_under_load_commits_what_was_read_and_leaves_in_time() {
    let topics = Topics::create(Broker::shared(), 3);
    let dir = tempfile::tempdir().expect("temporary directory");
    let found = std::thread::scope(|scope| {
        let feeder = Feeder::start(scope, &topics, Duration::ZERO);
        for _ in 0..3 {
            let mut server = topics.replica(dir.path(), "data", "drain_seconds = 10");
            eventually("events are counted", || total(&server, "vigie_events_total") > 0.0);
            let (code, took) = server.terminate();
            assert_eq!(code, Some(0), "{}", server.said());
            assert!(took < Duration::from_secs(20), "{took:?}");
        }
        feeder.end()
    });
    assert!(found > 0);
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}

#[test]
fn a_replica_that_was_frozen_until_the_group_gave_it_up_writes_nothing_any_more() {
    let topics = Topics::create(Broker::shared(), 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = dir.path().join("vigie.toml");
    std::fs::write(&config, topics.config("")).expect("a configuration");
    std::thread::scope(|scope| {
        let feeder = Feeder::start(scope, &topics, Duration::from_millis(5));
        // both on one data directory: the partitions' stores change hands
        let frozen = Server::start(dir.path(), "data", &[]);
        eventually("the first one reads", || total(&frozen, "vigie_events_total") > 0.0);
        signal(frozen.pid(), "-STOP");
        let other = Server::start(dir.path(), "data", &[]);
        // the group gives the partitions to the other one, which finds their stores held
        eventually("the other one waits", || other.get("/health/ready").text().contains("holds its store"));
        signal(frozen.pid(), "-CONT");
        eventually("stores change hands", || metric(&other, "vigie_kafka_offset").len() >= 2);
        feeder.end();
        topics.caught_up(&[&frozen, &other]);
        frozen.stop();
        topics.caught_up(&[&other]);
        other.stop();
    });
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}

#[test]
fn the_clock_may_jump() {
    let topics = Topics::create(Broker::shared(), 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut lines = rough_stream("jump", 300, 5);
    // the very first event is one with a wrong clock
    let mut first = crate::harness::prediction("first");
    first["predicted_at"] = "2099-06-01T00:00:00Z".into();
    topics.produce(&[first.to_string()]);
    // a producer whose clock is wrong by decades, in both directions
    for (id, time) in [("future", "2099-01-01T00:00:00Z"), ("past", "2000-01-02T00:00:00Z")] {
        let mut p = crate::harness::prediction(id);
        p["predicted_at"] = time.into();
        lines.insert(lines.len() / 2, p.to_string());
    }
    topics.produce(&lines);
    let server = topics.replica(dir.path(), "data", "horizon_days = 36500");
    topics.caught_up(&[&server]);
    topics.produce(&rough_stream("after", 300, 6));
    topics.caught_up(&[&server]);
    assert_eq!(total(&server, "vigie_partition_ahead_events_total"), 2.0);
    let newest = metric(&server, "vigie_partition_watermark_timestamp_seconds").iter().map(|m| m.1).fold(0.0, f64::max);
    assert!(newest < 1_800_000_000.0, "the watermark followed a wrong clock: {newest}");
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}
