//! Topics of a test, replicas that read them, and what the topics say the facts must be.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, seq::SliceRandom};
use serde_json::{Value, json};
use vigie::{
    event::{Kind, Symbols},
    ingest::{
        Admission, Policies, Row,
        kafka::{Record as KafkaRecord, unwrap},
    },
    pipeline::{NomenclatureBook, Tabulator},
    store::{Memory, Store},
};

use crate::{
    broker::{Broker, Message, Record},
    harness::{Canonical, Server, correction, prediction},
};

/// The topics of one test, all under names of their own.
pub struct Topics<'b> {
    pub broker: &'b Broker,
    pub predictions: String,
    pub corrections: String,
    pub dead_letters: String,
    pub alerts: String,
    pub group: String,
}

impl<'b> Topics<'b> {
    pub fn create(broker: &'b Broker, partitions: i32) -> Self {
        let topics = Topics::named(broker);
        broker.create_topic(&topics.predictions, partitions);
        broker.create_topic(&topics.corrections, partitions);
        broker.create_topic(&topics.dead_letters, 1);
        broker.create_topic(&topics.alerts, 1);
        topics
    }

    /// Names that nobody else has; the topics are made by whoever asks.
    pub fn named(broker: &'b Broker) -> Self {
        let name = |what: &str| broker.unique(what);
        Topics {
            broker,
            predictions: name("predictions"),
            corrections: name("corrections"),
            dead_letters: name("dead"),
            alerts: name("alerts"),
            group: name("group"),
        }
    }

    /// `vigie.toml` of a replica, with more lines for `[kafka]`.
    pub fn config(&self, more: &str) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "[kafka]\nbrokers = \"{}\"", self.broker.address());
        let _ = writeln!(text, "group = \"{}\"\npredictions = \"{}\"", self.group, self.predictions);
        let _ = writeln!(text, "corrections = \"{}\"\ndead_letters = \"{}\"", self.corrections, self.dead_letters);
        let _ = writeln!(text, "alerts = \"{}\"\n{more}", self.alerts);
        // a member that dies is missed soon, and a broker that comes back is found soon
        text.push_str("[kafka.properties]\n\"session.timeout.ms\" = 6000\n\"heartbeat.interval.ms\" = 500\n");
        text.push_str("\"reconnect.backoff.max.ms\" = 300\n\"topic.metadata.refresh.interval.ms\" = 1000\n");
        for (name, value) in self.broker.properties().iter().filter(|(name, _)| name != "bootstrap.servers") {
            if !name.contains("password") {
                let _ = writeln!(text, "\"{name}\" = \"{value}\"");
            }
        }
        if self.broker.properties().iter().any(|(name, _)| name == "sasl.password") {
            text.push_str("[kafka.secrets]\n\"sasl.password\" = \"env:VIGIE_TEST_PASSWORD\"\n");
        }
        text
    }

    /// A replica with its own folder below `dir`, where also its configuration is.
    pub fn replica(&self, dir: &Path, name: &str, more: &str) -> Server {
        let config = dir.join(format!("{name}.toml"));
        std::fs::write(&config, self.config(more)).expect("a configuration can be written");
        Server::start(dir, name, &["--config", config.to_str().expect("UTF-8")])
    }

    /// Lines of the contract to their topics, keyed by prediction id.
    pub fn produce(&self, lines: &[String]) {
        self.produce_as(lines, "lz4");
    }

    pub fn produce_as(&self, lines: &[String], compression: &str) {
        let producer = self.broker.producer(compression);
        for (topic, kind) in [(&self.predictions, Kind::Prediction), (&self.corrections, Kind::Correction)] {
            let of_kind = lines.iter().filter(|line| vigie::ingest::kind_of(line.as_bytes()) == Some(kind));
            let messages: Vec<Message> = of_kind.map(|line| keyed(line)).collect();
            for delivery in producer.send(topic, &messages) {
                delivery.expect("delivered");
            }
        }
    }

    /// Everything in both topics, by kind.
    pub fn records(&self) -> Vec<(Kind, Record)> {
        let of = |topic: &str, kind| self.broker.records(topic).into_iter().map(move |r| (kind, r)).collect::<Vec<_>>();
        [of(&self.predictions, Kind::Prediction), of(&self.corrections, Kind::Correction)].concat()
    }

    /// The facts that the topics' whole content makes, in one batch and in memory.
    pub fn oracle(&self) -> Canonical {
        let records = self.records();
        // deep nesting takes more stack than a test's thread has
        let batch = move || oracle(records.iter().map(|(kind, record)| (*kind, record)));
        let thread = std::thread::Builder::new().stack_size(vigie::ingest::DECODER_STACK).spawn(batch);
        thread.expect("a thread").join().expect("an oracle")
    }

    /// Waits until a replica, or several together, have read everything.
    pub fn caught_up(&self, replicas: &[&Server]) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let (reached, ends) = (self.reached(replicas), self.ends());
            if reached == ends {
                return;
            }
            if Instant::now() > deadline {
                for replica in replicas {
                    eprintln!("{}", replica.get("/health/ready").text());
                }
                panic!("at {reached:?}\nof {ends:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Next offset of every partition of both topics.
    pub fn ends(&self) -> BTreeMap<(String, u32), u64> {
        let mut ends = BTreeMap::new();
        for (topic, name) in [(&self.predictions, "predictions"), (&self.corrections, "corrections")] {
            for (partition, (_, high)) in self.broker.watermarks(topic) {
                ends.insert((name.to_owned(), partition as u32), high as u64);
            }
        }
        ends
    }

    fn reached(&self, replicas: &[&Server]) -> BTreeMap<(String, u32), u64> {
        let mut reached = BTreeMap::new();
        for replica in replicas {
            for (labels, value) in metric(replica, "vigie_kafka_offset") {
                let at = reached.entry((labels["topic"].clone(), labels["partition"].parse().unwrap())).or_insert(0);
                *at = (*at).max(value as u64);
            }
        }
        reached
    }
}

pub fn oracle<'r>(records: impl Iterator<Item = (Kind, &'r Record)>) -> Canonical {
    let policies = Policies::default();
    let admission = Admission::new(Symbols::default(), policies.clone());
    let mut tabulator = Tabulator::new(admission, policies, NomenclatureBook::default());
    let mut state = Memory::default();
    for (kind, record) in records {
        let message = KafkaRecord {
            kind,
            offset: record.offset as u64,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            payload: record.payload.as_deref(),
            headers: &record.headers,
        };
        let taken = match unwrap(&message) {
            Ok(event) => tabulator.take(&mut state, &Row::Line(&event), Some(kind)),
            Err(reject) => tabulator.take(&mut state, &Row::Bad(reject, b""), Some(kind)),
        };
        taken.expect("memory does not fail");
    }
    Canonical::of(&tabulator.take_facts(), &tabulator.admission.symbols)
}

fn keyed(line: &str) -> Message {
    let event: Value = serde_json::from_str(line).expect("JSON");
    Message::new(line).key(event["prediction_id"].as_str().expect("an id"))
}

/// The sum over the stores of partitions in these data directories; of a partition that is in several, the store that is
/// furthest along.
pub fn stored(dirs: &[PathBuf]) -> Canonical {
    let mut furthest: BTreeMap<String, (u64, Canonical)> = BTreeMap::new();
    for dir in dirs {
        for entry in std::fs::read_dir(dir.join("partitions")).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if !path.is_dir() {
                continue;
            }
            let number = path.file_name().expect("a name").to_string_lossy().into_owned();
            let facts = Canonical::of_store(&Store::open(&path).expect("the store opens"));
            let received = facts.received() as u64;
            if furthest.get(&number).is_none_or(|(most, _)| *most < received) {
                furthest.insert(number, (received, facts));
            }
        }
    }
    let mut sum = Canonical::default();
    for (_, facts) in furthest.into_values() {
        sum.add(&facts);
    }
    sum
}

/// Rows of a metric, by labels.
pub fn metric(server: &Server, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    let text = server.get("/metrics").text();
    let rows = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_once("} ")?,
            None => ("", rest.strip_prefix(' ')?),
        };
        let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
        let labels = pairs.map(|(k, v)| (k.to_owned(), v.trim_matches('"').to_owned())).collect();
        Some((labels, value.parse().ok()?))
    });
    rows.collect()
}

/// A metric without labels, or the sum over them.
pub fn total(server: &Server, name: &str) -> f64 {
    metric(server, name).iter().map(|(_, value)| value).sum()
}

/// Waits for something that is to happen soon.
pub fn eventually(what: &str, is: impl FnMut() -> bool) {
    eventually_or(what, String::new, is);
}

/// As [`eventually`], and shows more when it does not happen.
pub fn eventually_or(what: &str, more: impl Fn() -> String, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < deadline, "not within a minute: {what}\n{}", more());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A stream with all that streams have: duplicates, conflicts, revisions, retractions, corrections that come first or
/// alone, and lines that are no events; in an order of its own.
pub fn rough_stream(prefix: &str, n: usize, seed: u64) -> Vec<String> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let codes = ["5610A", "5610C", "5630Z", "6201Z", "4711F", "9602A"];
    let mut lines = Vec::new();
    for i in 0..n {
        let id = format!("{prefix}-{i}");
        let mut p = prediction(&id);
        p["predicted_at"] = json!(format!("2026-06-{:02}T{:02}:00:00Z", 1 + i % 20, i % 24));
        p["model"] = json!(if i % 7 == 0 { "other" } else { "ape" });
        p["workspace"] = json!(if i % 11 == 0 { "essai" } else { "default" });
        p["candidates"][0]["code"] = json!(codes[i % codes.len()]);
        p["candidates"][1]["code"] = json!(codes[(i + 1) % codes.len()]);
        p["route"] = json!(if i % 3 == 0 { "manual" } else { "auto" });
        lines.push(p.to_string());
        if random.random_bool(0.05) {
            lines.push(p.to_string());
        }
        if random.random_bool(0.02) {
            p["latency_ms"] = json!(99.0);
            lines.push(p.to_string());
        }
        for revision in 1..=random.random_range(0..=2) {
            let mut c = correction(&format!("c-{id}"), &id, codes[(i + revision) % codes.len()]);
            c["revision"] = json!(revision);
            c["workspace"] = p["workspace"].clone();
            c["retracted"] = json!(random.random_bool(0.05));
            lines.push(c.to_string());
            if random.random_bool(0.05) {
                lines.push(c.to_string());
            }
        }
        if random.random_bool(0.01) {
            lines.push(correction(&format!("o-{id}"), &format!("never-{id}"), codes[0]).to_string());
        }
        if random.random_bool(0.01) {
            p["latency_ms"] = json!(-1);
            lines.push(p.to_string());
        }
    }
    lines.shuffle(&mut random);
    lines
}
