//! Bad messages: all of them set aside with a reason, none in the way of the others.

use std::collections::BTreeMap;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::cluster::{Topics, eventually, rough_stream, stored, total};
use crate::{
    broker::{Broker, Message},
    harness::{fixture_lines, prediction},
};

/// 10,000 messages that are no events, each in its own way.
fn poison() -> Vec<Message> {
    let hostile = fixture_lines("edge/hostile.ndjson");
    let good = prediction("p").to_string();
    let messages = (0..10_000_usize).map(|i| {
        let payload: Vec<u8> = match i % 8 {
            0 => good.as_bytes()[..1 + i % (good.len() - 2)].to_vec(),
            1 => format!("{{\"prediction_id\": {i}}}").into_bytes(),
            2 => vec![0xff, 0xfe, (i % 256) as u8],
            3 => hostile[i % hostile.len()].iter().copied().chain(*b"}}").collect(),
            4 => good.replace("\"status\":\"ok\"", &format!("\"status\":\"{i}\"")).into_bytes(),
            5 => Vec::new(),
            6 => good.replace("2026-06-01T08:00:00Z", &format!("yesterday {i}")).into_bytes(),
            _ => format!("[{}", "[".repeat(i)).into_bytes(),
        };
        Message::new(payload).key(format!("poison-{i}")).header("trace", format!("t-{i}"))
    });
    messages.collect()
}

/// A message past our limit of one event, which a broker takes since it is small when compressed.
fn oversize(topics: &Topics<'_>) {
    let mut client = topics.broker.client();
    let client = client.set("compression.type", "lz4").set("message.max.bytes", "4000000");
    let producer: BaseProducer = client.create().expect("a producer");
    let payload = format!("{{\"text\": \"{}\"}}", "x".repeat(1_200_000));
    producer.send(BaseRecord::to(&topics.predictions).key("huge").payload(&payload)).expect("sent");
    producer.flush(std::time::Duration::from_secs(30)).expect("delivered");
}

#[test]
fn ten_thousand_bad_messages_are_all_set_aside_and_everything_else_is_counted() {
    let topics = Topics::create(Broker::shared(), 3);
    let dir = tempfile::tempdir().expect("temporary directory");
    let bad = poison();
    topics.produce(&rough_stream("before", 500, 1));
    let corrections = &bad[..2_000];
    topics.broker.produce(&topics.predictions, &bad[2_000..]);
    topics.broker.produce(&topics.corrections, corrections);
    oversize(&topics);
    topics.produce(&rough_stream("after", 500, 2));

    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    eventually("dead letters delivered", || total(&server, "vigie_dead_letters_pending") == 0.0);
    server.stop();
    let expected = topics.oracle();
    assert_eq!(stored(&[dir.path().join("data")]), expected);
    let refused = expected.total("prediction", "rejected") + expected.total("correction", "rejected");
    assert!(refused >= 10_001, "{refused}");

    // each exactly once, as it came, with where it came from and why
    let mut letters: BTreeMap<(String, String, String), Vec<_>> = BTreeMap::new();
    for letter in topics.broker.records(&topics.dead_letters) {
        let header = |name: &str| {
            let found = letter.headers.iter().find(|(n, _)| n == name);
            String::from_utf8_lossy(&found.unwrap_or_else(|| panic!("no {name}")).1).into_owned()
        };
        let place = ["topic", "partition", "offset"].map(|part| header(&format!("__connect.errors.{part}")));
        assert!(!header("vigie.reason").is_empty() && !header("__connect.errors.exception.message").is_empty());
        letters.entry(place.into()).or_default().push(letter);
    }
    assert_eq!(letters.len() as i64, refused);
    let mut found = 0;
    for (kind, record) in topics.records() {
        let topic = match kind {
            vigie::event::Kind::Prediction => &topics.predictions,
            vigie::event::Kind::Correction => &topics.corrections,
        };
        let place = (topic.clone(), record.partition.to_string(), record.offset.to_string());
        let Some(letter) = letters.get(&place) else { continue };
        assert_eq!(letter.len(), 1, "{place:?} was sent twice");
        assert_eq!(letter[0].key, record.key);
        assert_eq!(letter[0].payload.as_deref().unwrap_or_default(), record.payload.as_deref().unwrap_or_default());
        assert!(record.headers.iter().all(|h| letter[0].headers.contains(h)), "headers travel with it");
        found += 1;
    }
    assert_eq!(found, letters.len(), "letters of nowhere");
}

#[test]
fn dead_letters_wait_for_a_topic_that_is_not_there_and_keep_the_offset_back() {
    let topics = Topics::create(Broker::shared(), 1);
    let dir = tempfile::tempdir().expect("temporary directory");
    topics.broker.delete_topic(&topics.dead_letters);
    topics.broker.produce(&topics.predictions, &[Message::new("no event").key("k")]);
    topics.produce(&rough_stream("good", 50, 4));
    let server = topics.replica(dir.path(), "data", "");
    topics.caught_up(&[&server]);
    assert!(total(&server, "vigie_dead_letters_pending") >= 1.0);
    server.kill();
    assert!(topics.broker.committed(&topics.group, &topics.predictions).values().all(|offset| *offset <= 0));
    topics.broker.create_topic(&topics.dead_letters, 1);
    // the outbox survived the kill
    let server = topics.replica(dir.path(), "data", "");
    eventually("dead letters delivered", || total(&server, "vigie_dead_letters_pending") == 0.0);
    topics.caught_up(&[&server]);
    server.stop();
    let letters = topics.broker.records(&topics.dead_letters);
    let mut places: Vec<_> = letters.iter().map(|l| (l.key.clone(), l.payload.clone())).collect();
    places.sort();
    places.dedup();
    let expected = topics.oracle();
    let refused = expected.total("prediction", "rejected") + expected.total("correction", "rejected");
    assert_eq!(places.len() as i64, refused);
    assert_eq!(stored(&[dir.path().join("data")]), expected);
}
