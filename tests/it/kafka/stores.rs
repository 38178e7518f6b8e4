//! Stores that a disk has spoilt, and a disk that is full: refused and said, never wrong numbers.

use std::{fs, path::Path, process::Command};

use super::cluster::{Topics, eventually, rough_stream, stored, total};
use crate::{
    broker::Broker,
    harness::{Server, vigie},
};

/// Every file of a store that holds records or facts, the largest first.
fn files(store: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::metadata(&path).expect("a file").len() > 0 {
                found.push(path);
            }
        }
    }
    found.sort_by_key(|f| std::cmp::Reverse(fs::metadata(f).expect("a file").len()));
    found
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).expect("a file");
    bytes[at] ^= 0x40;
    fs::write(file, bytes).expect("written");
}

#[test]
fn a_damaged_store_is_refused_or_harmless_but_never_wrong() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("whole", 3_000, 1));
    let server = topics.replica(dir.path(), "whole", "");
    topics.caught_up(&[&server]);
    server.stop();
    let whole = stored(&[dir.path().join("whole")]);
    let config = dir.path().join("whole.toml");
    let (mut refused, mut rounds) = (0, 0);
    for file in files(&dir.path().join("whole/partitions/0000")) {
        let relative = file.strip_prefix(dir.path().join("whole")).expect("inside").to_owned();
        for damage in ["cut", "flipped", "flipped early", "flipped late", "gone"] {
            let spoilt = dir.path().join("spoilt");
            let _ = fs::remove_dir_all(&spoilt);
            let copied = Command::new("cp").arg("-r").arg(dir.path().join("whole")).arg(&spoilt).status();
            assert!(copied.expect("cp runs").success());
            let target = spoilt.join(&relative);
            let bytes = fs::read(&target).expect("a file");
            match damage {
                "cut" => fs::write(&target, &bytes[..bytes.len() / 2]).expect("written"),
                "flipped" => flip(&target, bytes.len() / 2),
                "flipped early" => flip(&target, bytes.len() / 7),
                "flipped late" => flip(&target, bytes.len() * 6 / 7),
                _ => fs::remove_file(&target).expect("removed"),
            }
            rounds += 1;
            let args = ["serve", "--data", "spoilt", "--listen", "127.0.0.1:0", "--config"];
            let mut command = vigie(dir.path(), &args);
            command.arg(&config);
            let server = Server::launch(command);
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
            loop {
                if total(&server, "vigie_consumer_failed") == 1.0 {
                    refused += 1;
                    let said = server.said();
                    assert!(said.contains("store") || said.contains("record"), "{relative:?} {damage}: {said}");
                    assert!(!said.contains("panicked"), "{relative:?} {damage}: {said}");
                    break;
                }
                let ready = server.get("/health/ready").json();
                if ready["ready"] == true && ready["lag_events"] == 0 {
                    topics.caught_up(&[&server]);
                    server.stop();
                    let facts = stored(std::slice::from_ref(&spoilt));
                    assert_eq!(facts, whole, "{relative:?} {damage}: other numbers, and nothing was said");
                    break;
                }
                assert!(std::time::Instant::now() < deadline, "{relative:?} {damage}: {ready}\n{}", server.said());
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
    assert!(refused > 0 && refused < rounds, "{refused} of {rounds} were refused");
}

/// A small file system in memory, gone at the end; `None` where that is not allowed.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mount.is_ok_and(|o| o.status.success()).then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_it_with_a_reason_and_room_lets_it_go_on() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    let at = dir.path().join("small");
    let Some(_small) = Small::mount(&at, "96m") else {
        // only root may mount: CI is root
        assert!(std::env::var_os("CI").is_none(), "a tmpfs cannot be mounted in CI");
        eprintln!("NOT TESTED: a full disk (needs root to mount a small tmpfs)");
        return;
    };
    // what fills the disk besides the store
    let ballast = at.join("ballast");
    fs::create_dir_all(at.join("data")).expect("a folder");
    topics.produce(&rough_stream("a", 500, 1));
    let server = topics.replica(dir.path(), "small/data", "");
    topics.caught_up(&[&server]);
    let filled = Command::new("dd").args(["if=/dev/zero", "bs=64k", &format!("of={}", ballast.display())]).output();
    assert!(!filled.expect("dd runs").status.success(), "it should end for lack of room");
    for i in 0..40 {
        topics.produce(&rough_stream(&format!("b{i}"), 500, i));
    }
    eventually("the consumer stops", || total(&server, "vigie_consumer_failed") == 1.0);
    assert!(server.said().contains("No space left"), "{}", server.said());
    assert_eq!(server.get("/health/ready").status, 503);
    server.kill();
    fs::remove_file(&ballast).expect("removed");
    let server = topics.replica(dir.path(), "small/data", "");
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[at.join("data")]), topics.oracle());
}
