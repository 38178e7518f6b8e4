//! Readers of a running service see the store between two commits, never in the middle of one.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::harness::{Server, correction, prediction, stream};

#[test]
fn a_summary_made_while_events_come_in_is_of_one_moment() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(dir.path(), "data", &[]);
    server.feed(&stream("first", 10));
    server.caught_up();
    let enough = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let (server, enough) = (&server, &enough);
        threads.spawn(move || {
            for round in (0..1_000).take_while(|_| !enough.load(Ordering::Acquire)) {
                // codes and versions never seen before, with labels
                let lines: Vec<String> = (0..3)
                    .flat_map(|i| {
                        let id = format!("r{round}-{i}");
                        let mut p = prediction(&id);
                        p["candidates"][0]["code"] = json!(format!("X{round}Y{i}"));
                        p["model_version"] = json!(format!("v{}", round % 40));
                        [p.to_string(), correction(&id, &id, &format!("Z{round}Y{i}")).to_string()]
                    })
                    .collect();
                server.feed(&lines);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        // the feeding thread ends although a look fails
        let looks = std::panic::AssertUnwindSafe(|| (0..10).for_each(|look| one_moment(server, look)));
        let found = std::panic::catch_unwind(looks);
        enough.store(true, Ordering::Release);
        found.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
    });
}

fn one_moment(server: &Server, look: u32) {
    let answer = server.get("/api/v1/summary");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let a = answer.json();
    let (counts, traffic) = (&a["counts"], &a["traffic"]);
    assert_eq!(counts["predictions"], traffic["predictions"], "look {look}: ledger and facts are of two moments");
    assert_eq!(counts["labelled"], traffic["labelled"], "look {look}");
    let versions = traffic["by_version"].as_array().expect("versions").iter();
    let by_version: u64 = versions.filter_map(|v| v["predictions"].as_u64()).sum();
    assert_eq!(traffic["predictions"], by_version, "look {look}");
    let codes = a["accuracy"]["by_code"].as_array().expect("codes");
    assert!(codes.iter().all(|c| c["code"] != ""), "look {look}: a code without its name");
}
