//! Sends events to the topics, as fast as they go or at a steady rate.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message,
    config::FromClientConfigAndContext,
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use vigie::event::Kind;

use crate::{
    events::{DAY, Events},
    topics::{Offsets, Topics},
};

/// Between two slices of a steady stream.
pub const SLICE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Events that were sent together, and what became of them.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// Distinct predictions up to its end.
    pub covers: u64,
    /// When the broker had acknowledged the last of them.
    pub appended: Option<Instant>,
    /// Next offset after them, of each partition that they went to.
    pub ends: Offsets,
    waiting: u64,
}

#[derive(Default)]
struct Fates {
    delivered: AtomicU64,
    failed: AtomicU64,
    /// By number; empty where nobody asks for slices.
    slices: Mutex<BTreeMap<usize, Slice>>,
    /// To tell the topics apart, whose names are long.
    predictions: String,
}

impl ClientContext for Fates {}

impl ProducerContext for Fates {
    /// Number of the slice, from 1; 0 is none.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, slice: usize) {
        let Ok(message) = result else {
            self.failed.fetch_add(1, Ordering::AcqRel);
            return;
        };
        self.delivered.fetch_add(1, Ordering::AcqRel);
        if slice == 0 {
            return;
        }
        let topic = if message.topic() == self.predictions { "predictions" } else { "corrections" };
        let now = Instant::now();
        let mut slices = self.slices.lock().expect("nobody panics with it");
        let slice = slices.entry(slice).or_default();
        slice.waiting = slice.waiting.saturating_sub(1);
        slice.appended = Some(now);
        let end = slice.ends.entry((topic.to_owned(), message.partition())).or_default();
        *end = (*end).max(message.offset() + 1);
    }
}

pub struct Sender<'t> {
    topics: &'t Topics,
    producer: ThreadedProducer<Fates>,
    pub sent: u64,
}

impl<'t> Sender<'t> {
    /// Large batches, for a topic that is to be full soon.
    pub fn bulk(topics: &'t Topics) -> Self {
        Sender::new(topics, &[("linger.ms", "50"), ("batch.size", "1000000")])
    }

    /// Small batches, as a service that predicts would send them.
    pub fn live(topics: &'t Topics) -> Self {
        Sender::new(topics, &[("linger.ms", "5")])
    }

    fn new(topics: &'t Topics, more: &[(&str, &str)]) -> Self {
        let mut client = topics.broker.client();
        client.set("enable.idempotence", "true").set("acks", "all").set("compression.type", "lz4");
        client.set("partitioner", "murmur2_random");
        client.set("queue.buffering.max.kbytes", "131072").set("queue.buffering.max.messages", "500000");
        for (name, value) in more {
            client.set(*name, *value);
        }
        let fates = Fates { predictions: topics.predictions.clone(), ..Fates::default() };
        let producer = ThreadedProducer::from_config_and_context(&client, fates).expect("a valid configuration");
        Sender { topics, producer, sent: 0 }
    }

    /// The event that was made last; waits while the queue is full.
    pub fn send(&mut self, kind: Kind, events: &Events, slice: usize) {
        let (key, payload) = events.made();
        let mut record = BaseRecord::with_opaque_to(self.topics.of(kind), slice).key(key).payload(payload);
        let began = Instant::now();
        while let Err((why, back)) = self.producer.send(record) {
            assert_eq!(why.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{why}");
            assert!(began.elapsed() < PATIENCE, "the broker takes nothing");
            std::thread::sleep(Duration::from_millis(1));
            record = back;
        }
        self.sent += 1;
    }

    /// Sends `count` events whose times are spread over a period, in order; gives their bytes.
    pub fn fill(&mut self, events: &mut Events, count: u64, from: i64, days: i64) -> u64 {
        let mut bytes = 0;
        for i in 0..count {
            let kind = events.make(from + (i as f64 / count as f64 * (days * DAY) as f64) as i64);
            bytes += events.made().1.len() as u64;
            self.send(kind, events, 0);
        }
        self.finish();
        bytes
    }

    /// Sends `rate` events a second, those of each [`SLICE`] together, each at its moment. `before` hears the number of
    /// the slice that comes next, from 1.
    pub fn pace(&mut self, events: &mut Events, rate: u64, time: Duration, mut before: impl FnMut(usize)) {
        let (began, first) = (Instant::now(), self.sent);
        for number in 1..=(time.as_millis() / SLICE.as_millis()).max(1) as u32 {
            before(number as usize);
            let due = first + (rate as f64 * (SLICE * number).as_secs_f64()) as u64;
            let at = crate::events::now();
            let n = due.saturating_sub(self.sent);
            self.slice(number as usize, |slice| slice.waiting += n);
            while self.sent < due {
                let kind = events.make(at);
                self.send(kind, events, number as usize);
            }
            self.slice(number as usize, |slice| slice.covers = events.predictions());
            // one that is late does not wait: the rate holds over the whole
            std::thread::sleep((SLICE * number).saturating_sub(began.elapsed()));
        }
    }

    fn slice(&self, number: usize, change: impl FnOnce(&mut Slice)) {
        let mut slices = self.producer.context().slices.lock().expect("nobody panics with it");
        change(slices.entry(number).or_default());
    }

    /// Forgets slices: over a long stream they would fill memory.
    pub fn forget(&self) {
        self.producer.context().slices.lock().expect("nobody panics with it").clear();
    }

    /// Waits until the broker has everything.
    pub fn finish(&self) {
        self.producer.flush(PATIENCE).expect("the broker takes everything");
        let fates = self.producer.context();
        assert_eq!(fates.failed.load(Ordering::Acquire), 0, "events that the broker refused");
        assert_eq!(fates.delivered.load(Ordering::Acquire), self.sent, "events without an end");
    }

    /// Those of a steady stream that [`Sender::finish`] saw to its end.
    pub fn slices(&self) -> BTreeMap<usize, Slice> {
        let slices = self.producer.context().slices.lock().expect("nobody panics with it").clone();
        assert!(slices.values().all(|slice| slice.waiting == 0), "slices that are not acknowledged");
        slices
    }
}
