//! Killed at any moment, the real binary loses and doubles nothing.

use std::{path::Path, process::Stdio, time::Duration};

use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use vigie::{
    ingest::{Journal, Policies},
    store::Store,
};

use crate::harness::{Canonical, Server, run, stream, text, vigie, write};

/// Kills `vigie ingest` after a while; true when it had ended by itself before.
fn killed(dir: &Path, args: &[&str], after: Duration) -> bool {
    let mut child = vigie(dir, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ingest starts");
    std::thread::sleep(after);
    let ended = child.try_wait().expect("wait").is_some();
    if !ended {
        child.kill().expect("kill");
    }
    let status = child.wait().expect("wait");
    assert!(!ended || status.success(), "ingest failed by itself: {status}");
    ended
}

/// What a directory holds after a crash: a prefix, and the same in journal and store.
fn consistent(data: &Path) {
    if data.join("journal").is_dir() && data.join("store").is_dir() {
        let journal = Journal::open(&data.join("journal")).expect("the journal opens after a crash");
        let store = Store::open(&data.join("store")).expect("the store opens after a crash");
        let offset = store.offset("journal").expect("offset");
        assert!(offset <= journal.end(), "the store is ahead of its log");
        let facts = Canonical::of_store(&store);
        assert_eq!(facts.received() as u64, offset, "facts and offset are of one commit");
    }
}

#[test]
fn ingest_killed_at_any_moment_ends_with_the_facts_of_a_clean_run() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("crash", 30_000);
    let size = lines.len() as u64;
    write(dir.path(), "events.ndjson", text(&lines));
    let args = |data: &'static str| ["ingest", "--data", data, "--events", "events.ndjson"];
    let before = std::time::Instant::now();
    run(dir.path(), &args("clean")).expect(0);
    let whole = before.elapsed();
    let clean = Canonical::of_data(&dir.path().join("clean"));
    assert_eq!(clean.received() as u64, size);

    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0x5649);
    let data = dir.path().join("crashed");
    let mut kills = 0;
    for round in 0..12 {
        // the first ones while the databases are being created
        let share = if round < 5 { 0.01 + 0.03 * f64::from(round) } else { random.random_range(0.02..1.2) };
        if !killed(dir.path(), &args("crashed"), whole.mul_f64(share)) {
            kills += 1;
        }
        consistent(&data);
    }
    assert!(kills >= 8, "only {kills} of 12 were in time");
    run(dir.path(), &args("crashed")).expect(0);
    let journal = Journal::open(&data.join("journal")).expect("journal").end();
    let crashed = Canonical::of_data(&data);
    assert_eq!(crashed.received() as u64, journal, "everything in the journal is accounted for");
    assert_eq!(crashed.total("prediction", "rejected") + crashed.total("correction", "rejected"), 0);
    assert_eq!(crashed.without_duplicates(), clean);
}

#[test]
fn ingest_killed_while_it_creates_its_databases_can_begin_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("first", 20);
    write(dir.path(), "events.ndjson", text(&lines));
    let clean = Canonical::tabulated(lines.iter().map(String::as_bytes), &Policies::default());
    for i in 0..10_u64 {
        let data = format!("data-{i}");
        let args = ["ingest", "--data", data.as_str(), "--events", "events.ndjson"];
        killed(dir.path(), &args, Duration::from_millis(3 + 6 * i));
        run(dir.path(), &args).expect(0);
        assert_eq!(Canonical::of_data(&dir.path().join(&data)).without_duplicates(), clean);
    }
}

fn counts(server: &Server) -> Value {
    server.get("/api/v1/summary").json()["counts"].clone()
}

#[test]
fn what_serve_acknowledged_is_counted_exactly_once_after_kills() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("serve", 4_000);
    let batches: Vec<&[String]> = lines.chunks(150).collect();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0x4749);
    let mut server = Server::start(dir.path(), "data", &[]);
    let (mut acknowledged, mut kills) = (0_u64, 0);
    for (i, batch) in batches.iter().enumerate() {
        let reply = server.feed(batch);
        assert_eq!(reply["received"], batch.len());
        assert_eq!(reply["first_offset"], acknowledged, "offsets go on where they were");
        acknowledged += batch.len() as u64;
        if i % 5 == 4 {
            std::thread::sleep(Duration::from_millis(random.random_range(0..60)));
            server.kill();
            kills += 1;
            consistent(&dir.path().join("data"));
            let at = Store::open(&dir.path().join("data/store")).expect("store").offset("journal").expect("offset");
            let end = Journal::open(&dir.path().join("data/journal")).expect("journal").end();
            assert_eq!(end, acknowledged, "everything acknowledged is in the journal, and nothing else");
            server = Server::start(dir.path(), "data", &[]);
            let metrics = server.get("/metrics").text();
            let offset = metrics.lines().find_map(|l| l.strip_prefix("vigie_store_offset ")).expect("store_offset");
            assert!(offset.parse::<f64>().expect("a number") >= at as f64, "the store began again");
        }
    }
    assert!(kills >= 8, "{kills}");
    server.caught_up();
    let found = counts(&server);
    assert_eq!(found["predictions"], 4_000);
    assert_eq!(found["corrections"], 2_000);
    for none in ["predictions_duplicate", "predictions_rejected", "corrections_duplicate", "corrections_rejected"] {
        assert_eq!(found[none], 0, "{none}");
    }
    server.stop();
    let clean = Canonical::tabulated(lines.iter().map(String::as_bytes), &Policies::default());
    assert_eq!(Canonical::of_data(&dir.path().join("data")), clean);
}

#[test]
fn a_batch_cut_off_by_a_kill_is_there_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("cut", 20_000);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0x4556);
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let server = Server::start(dir.path(), "data", &[]);
        let (pid, wait) = (server.pid(), random.random_range(0..120_u64));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(wait));
            let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            assert!(killed.is_ok_and(|s| s.success()));
        });
        // one batch after another until the service is gone
        for (i, batch) in lines[round * 2_000..].chunks(500).enumerate() {
            match server.post("/api/v1/events", &text(batch), &[]) {
                Ok(answer) if answer.status == 202 => acknowledged.push((round, i)),
                Ok(answer) => panic!("{}", answer.text()),
                Err(_) => break,
            }
        }
        killer.join().expect("killed");
        drop(server);
        let journal = Journal::open(&dir.path().join("data/journal")).expect("journal");
        assert_eq!(journal.end() % 500, 0, "part of a batch was kept");
        assert!(journal.end() >= 500 * acknowledged.len() as u64, "an acknowledged batch is lost");
    }
    // what was not acknowledged is sent again; being there twice, it counts once
    let server = Server::start(dir.path(), "data", &[]);
    for batch in lines.chunks(500) {
        server.feed(batch);
    }
    server.caught_up();
    assert_eq!(counts(&server)["predictions"], 20_000);
    assert_eq!(counts(&server)["labelled"], json!(10_000));
    server.stop();
    let clean = Canonical::tabulated(lines.iter().map(String::as_bytes), &Policies::default());
    assert_eq!(Canonical::of_data(&dir.path().join("data")).without_duplicates(), clean);
}
