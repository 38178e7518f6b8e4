//! A store of other rules is emptied and filled again from the journal; that may be cut off anywhere.

use std::{process::Stdio, time::Duration};

use crate::harness::{Canonical, run, stream, text, vigie, write};

#[test]
fn a_kill_while_the_store_is_made_anew_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = |rate: f64| format!("[models.default]\nreview_rates = {{ auto = {rate}, manual = {rate} }}\n");
    write(dir.path(), "one.toml", config(0.5));
    write(dir.path(), "two.toml", config(0.25));
    let lines: Vec<String> =
        stream("anew", 3_000).iter().map(|l| l.replace(",\"inclusion_probability\":0.5", "")).collect();
    write(dir.path(), "events.ndjson", text(&lines));
    write(dir.path(), "empty.ndjson", "");
    let ingest = |config: &'static str, data: &'static str, events: &'static str| {
        ["ingest", "--config", config, "--data", data, "--events", events]
    };
    run(dir.path(), &ingest("one.toml", "data", "events.ndjson")).expect(0);
    let clean = ["one.toml", "two.toml"].map(|config| {
        let data = if config == "one.toml" { "clean-1" } else { "clean-2" };
        run(dir.path(), &ingest(config, data, "events.ndjson")).expect(0);
        Canonical::of_data(&dir.path().join(data))
    });
    assert_ne!(clean[0], clean[1]);
    for round in 0..24_u64 {
        let (config, expected) = if round % 2 == 0 { ("two.toml", &clean[1]) } else { ("one.toml", &clean[0]) };
        let mut child = vigie(dir.path(), &ingest(config, "data", "empty.ndjson"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ingest starts");
        std::thread::sleep(Duration::from_millis(20 + 9 * round));
        child.kill().expect("kill");
        child.wait().expect("wait");
        // with the same configuration again, or back to the one before
        let (config, expected) = if round % 3 == 0 {
            if config == "one.toml" { ("two.toml", &clean[1]) } else { ("one.toml", &clean[0]) }
        } else {
            (config, expected)
        };
        run(dir.path(), &ingest(config, "data", "empty.ndjson")).expect(0);
        assert_eq!(&Canonical::of_data(&dir.path().join("data")), expected, "round {round}");
    }
}
