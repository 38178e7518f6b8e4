//! The plain path: from topics to facts, in every form that events come in.

use base64::Engine as _;
use serde_json::{Value, json};

use super::cluster::{Topics, eventually, rough_stream, stored, total};
use crate::{
    broker::{Broker, Message, Secured},
    harness::{Server, correction, fixture_lines, prediction, run, same_json},
};

#[test]
fn facts_are_those_of_one_batch_over_the_topics_in_every_compression() {
    let topics = Topics::create(Broker::shared(), 4);
    let dir = tempfile::tempdir().expect("temporary directory");
    for (i, compression) in ["none", "gzip", "lz4", "zstd", "snappy"].into_iter().enumerate() {
        topics.produce_as(&rough_stream(compression, 400, i as u64), compression);
    }
    let server = topics.replica(dir.path(), "data", "");
    topics.produce(&rough_stream("while-it-runs", 400, 9));
    topics.caught_up(&[&server]);
    let summary = server.get("/api/v1/summary?model=ape").json();
    assert!(summary["counts"]["predictions"].as_u64() > Some(1_500), "{}", summary["counts"]);
    assert_eq!(server.get("/health/ready").status, 200, "{}", server.get("/health/ready").text());
    server.stop();
    let expected = topics.oracle();
    assert_eq!(expected.received() as usize, topics.records().len());
    assert_eq!(stored(&[dir.path().join("data")]), expected);
    // what is committed to Kafka serves who watches the lag there
    for (topic, name) in [(&topics.predictions, "predictions"), (&topics.corrections, "corrections")] {
        for (partition, offset) in topics.broker.committed(&topics.group, topic) {
            assert_eq!(offset as u64, topics.ends()[&(name.to_owned(), partition as u32)]);
        }
    }
}

#[test]
fn the_sample_stream_gives_the_same_report_from_kafka_as_from_files() {
    let topics = Topics::create(Broker::shared(), 3);
    let dir = tempfile::tempdir().expect("temporary directory");
    let streams = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/streams");
    let (predictions, corrections) =
        (format!("{streams}/predictions.ndjson.zst"), format!("{streams}/corrections.ndjson.zst"));
    let address = topics.broker.address();
    let args = [
        "replay",
        "--predictions",
        &predictions,
        "--corrections",
        &corrections,
        "--brokers",
        &address,
        "--predictions-topic",
        &topics.predictions,
        "--corrections-topic",
        &topics.corrections,
        "--format",
        "json",
    ];
    let said = run(dir.path(), &args).expect(0).json();
    let lines =
        fixture_lines("streams/predictions.ndjson.zst").len() + fixture_lines("streams/corrections.ndjson.zst").len();
    assert_eq!(said["delivered"].as_u64(), Some(lines as u64), "{said}");
    let more = "horizon_days = 36500";
    let server = topics.replica(dir.path(), "data", more);
    topics.caught_up(&[&server]);
    let asked = "/api/v1/summary?level=division";
    let mut live = server.get(asked).json();
    server.stop();
    let report = |args: &[&str]| {
        let common = ["report", "--json", "-", "--level", "division"];
        run(dir.path(), &[&common[..], args].concat()).expect(0).json()
    };
    let data = dir.path().join("data").to_string_lossy().into_owned();
    let mut offline = report(&["--data", &data]);
    let mut files = report(&["--predictions", &predictions, "--corrections", &corrections]);
    for report in [&mut live, &mut offline, &mut files] {
        report["scope"]["generated_at"] = Value::Null;
    }
    same_json(&live, &offline, "live and from the stopped service's folder");
    same_json(&offline, &files, "from Kafka and from files");
}

#[test]
fn cloudevents_are_taken_in_both_modes() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    let structured = |data: Value| {
        json!({"specversion": "1.0", "id": "e", "source": "/models/ape", "type": "prediction", "data": data})
            .to_string()
    };
    let event = "application/cloudevents+json; charset=utf-8";
    let base64 = base64::prelude::BASE64_STANDARD.encode(prediction("packed").to_string());
    let packed =
        json!({"specversion": "1.0", "id": "e", "source": "s", "type": "t", "data_base64": base64}).to_string();
    let deep = format!("{{\"specversion\":\"1.0\",\"data\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let messages = [
        Message::new(prediction("plain").to_string()).key("plain"),
        Message::new(prediction("binary").to_string()).header("ce_specversion", "1.0").header("ce_type", "prediction"),
        Message::new(structured(prediction("structured"))).header("content-type", event),
        Message::new(packed).header("content-type", event),
        // refused
        Message::new(prediction("old").to_string()).header("ce_specversion", "0.3"),
        Message::new(prediction("avro").to_string())
            .header("ce_specversion", "1.0")
            .header("content-type", "application/avro"),
        Message::new(structured(json!({"prediction_id": "x"}))).header("content-type", event),
        Message::new(deep).header("content-type", event),
        Message { payload: None, ..Message::default() },
    ];
    topics.broker.produce(&topics.predictions, &messages);
    topics.produce(&[correction("c", "structured", "5610C").to_string()]);
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    let counts = server.get("/api/v1/summary").json()["counts"].clone();
    assert_eq!((&counts["predictions"], &counts["labelled"]), (&json!(4), &json!(1)), "{counts}");
    assert_eq!(counts["predictions_rejected"], 5, "{counts}");
    assert_eq!(total(&server, "vigie_kafka_keyless_total"), 8.0);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
}

#[test]
fn it_consumes_with_a_password_and_over_tls_and_says_why_when_it_may_not() {
    let broker = Broker::own_with(Secured::PasswordOverTls);
    let topics = Topics::create(&broker, 2);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.produce(&rough_stream("secured", 50, 3));
    std::fs::write(dir.path().join("vigie.toml"), topics.config("")).expect("a configuration");
    let password = broker.properties().into_iter().find(|(name, _)| name == "sasl.password").expect("a password").1;
    let server = Server::start_in(dir.path(), "data", &[], &[("VIGIE_TEST_PASSWORD", &password)]);
    topics.caught_up(&[&server]);
    server.stop();
    assert_eq!(stored(&[dir.path().join("data")]), topics.oracle());
    let mut check = crate::harness::vigie(dir.path(), &["check"]);
    let said = check.env("VIGIE_TEST_PASSWORD", "wrong").output().expect("the binary starts");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.code() == Some(1) && text.contains("do not let this client in"), "{text}");
    assert!(!text.contains("wrong") && !text.contains(&password), "a password is shown: {text}");
}

#[test]
fn posting_events_to_a_consumer_is_refused_with_the_topics_names() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = topics.replica(dir.path(), "data", "");
    let answer = server.post("/api/v1/events", prediction("p").to_string().as_bytes(), &[]).expect("an answer");
    answer.problem(409, &[&topics.predictions, &topics.corrections]);
    eventually("ready without an event", || server.get("/health/ready").status == 200);
    assert_eq!(server.get("/").status, 200);
}
