use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::json;

use super::{Pair, Tallies};
use crate::{
    ingest::kafka::{Delivery, KafkaSettings, Outgoing, PublishError, Publisher},
    store::Parcel,
};

/// Brings parcels from the outboxes to the dead-letter topic, and alerts to theirs, on a thread of its own: neither the
/// group nor a commit waits for it. A parcel stays in its outbox until the broker has it, so it arrives at least once; its
/// headers say where it came from, so that a second one can be told.
pub struct Courier {
    desk: Option<Arc<Desk>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and its callers share.
struct Desk {
    publisher: Publisher,
    alerts: Option<String>,
    group: String,
    tallies: Arc<Tallies>,
    next: AtomicU64,
    rounds: Mutex<BTreeMap<u32, Round>>,
    stop: AtomicBool,
}

/// What is under way from one pair's outbox.
struct Round {
    pair: Weak<Pair>,
    /// Parcels before it were handed over, or arrived.
    cursor: u64,
    /// Handed over and not heard of, by token.
    under_way: HashMap<u64, u64>,
    /// The numbers of the same.
    out: BTreeSet<u64>,
    /// Too large for the broker: sent cut.
    cut: BTreeSet<u64>,
    /// Milliseconds of the tallies' clock before which nothing is tried again.
    not_before: u64,
}

/// Payload of a parcel that no broker took whole.
const CUT: usize = 256 << 10;
/// Parcels read from an outbox at a time.
const HANDFUL: usize = 500;
/// Pause after a parcel was not delivered, in milliseconds: a topic that is missing comes back no sooner.
const RETRY: u64 = 5_000;
const IDLE: Duration = Duration::from_millis(20);
const QUEUE: Duration = Duration::from_millis(100);

impl Courier {
    /// # Errors
    /// When the producer cannot be made.
    pub fn start(settings: &KafkaSettings, tallies: Arc<Tallies>) -> Result<Self, PublishError> {
        if settings.dead_letters.is_none() && settings.alerts.is_none() {
            return Ok(Courier { desk: None, thread: Mutex::new(None) });
        }
        let desk = Arc::new(Desk {
            publisher: Publisher::connect(settings)?,
            alerts: settings.alerts.clone(),
            group: settings.group.clone(),
            tallies,
            next: AtomicU64::default(),
            rounds: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let on_thread = desk.clone();
        let thread = std::thread::Builder::new()
            .name("vigie-courier".to_owned())
            .spawn(move || on_thread.run())
            .map_err(|e| PublishError::Producer(format!("cannot start a thread: {e}")))?;
        Ok(Courier { desk: Some(desk), thread: Mutex::new(Some(thread)) })
    }

    /// Looks after a pair's outbox from now on, beginning with what waits there.
    pub fn look_after(&self, pair: &Arc<Pair>) {
        let Some(desk) = &self.desk else { return };
        let round = Round {
            pair: Arc::downgrade(pair),
            cursor: 0,
            under_way: HashMap::new(),
            out: BTreeSet::new(),
            cut: BTreeSet::new(),
            not_before: 0,
        };
        desk.rounds().insert(pair.number, round);
    }

    /// Waits until the outboxes of these pairs are empty, at most so long.
    pub fn flush(&self, pairs: &[Arc<Pair>], patience: Duration) {
        let Some(desk) = &self.desk else { return };
        let until = desk.tallies.millis() + patience.as_millis() as u64;
        let waiting = || pairs.iter().map(|p| p.parcels.load(Ordering::Acquire)).sum::<u64>();
        while waiting() > 0 && desk.tallies.millis() < until {
            std::thread::sleep(IDLE);
        }
        match waiting() {
            0 => {}
            n => tracing::warn!("{n} dead letters wait in the outbox for the next start"),
        }
    }

    /// Tells operators something that the numbers alone would not show, as a CloudEvent (structured mode) on the topic of
    /// alerts. `what` is a word such as `consumer.failed`.
    pub fn alert(&self, what: &str, partition: Option<u32>, message: &str, time: String) {
        if let Some(desk) = &self.desk {
            desk.alert(what, partition, message, time);
        }
    }

    /// Waits until the alerts are delivered, at most so long.
    pub fn deliver_alerts(&self, patience: Duration) {
        if let Some(desk) = &self.desk
            && let Err(e) = desk.publisher.flush(patience)
        {
            tracing::warn!(error = %e, "an alert was not delivered");
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        if let Some(desk) = &self.desk {
            desk.stop.store(true, Ordering::Release);
        }
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn rounds(&self) -> MutexGuard<'_, BTreeMap<u32, Round>> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while !self.stop.load(Ordering::Acquire) {
            self.take_note(self.publisher.deliveries());
            self.send_what_waits();
            std::thread::sleep(IDLE);
        }
    }

    fn send_what_waits(&self) {
        let now = self.tallies.millis();
        let mut rounds = self.rounds();
        rounds.retain(|_, round| round.pair.strong_count() > 0);
        for round in rounds.values_mut().filter(|r| r.not_before <= now) {
            let Some(pair) = round.pair.upgrade() else { continue };
            // the count is of those that have not arrived: when all of them are under way, there is nothing to look for
            if pair.parcels.load(Ordering::Acquire) <= round.under_way.len() as u64 {
                continue;
            }
            match pair.store.waiting(round.cursor, HANDFUL) {
                Ok(found) => {
                    for (number, parcel) in found {
                        if !self.hand_over(round, number, &parcel) {
                            break;
                        }
                    }
                }
                Err(e) => {
                    tracing::error!(error = %e, "dead letters cannot be read from the outbox");
                    round.not_before = now + RETRY;
                }
            }
        }
    }

    /// False when nothing more can be handed over for now.
    fn hand_over(&self, round: &mut Round, number: u64, parcel: &Parcel) -> bool {
        if round.out.contains(&number) {
            round.cursor = number + 1;
            return true;
        }
        let token = self.next.fetch_add(1, Ordering::AcqRel);
        let mut payload = parcel.payload.as_deref().unwrap_or_default();
        let mut headers = parcel.headers.clone();
        if round.cut.contains(&number) {
            headers.push(("vigie.cut".to_owned(), payload.len().to_string().into_bytes()));
            payload = &payload[..payload.len().min(CUT)];
        }
        let message = Outgoing {
            topic: &parcel.topic,
            key: parcel.key.as_deref(),
            payload,
            headers: &headers,
            timestamp: None,
            token,
        };
        match self.publisher.offer(message, QUEUE) {
            Ok(true) => {
                round.under_way.insert(token, number);
                round.out.insert(number);
                round.cursor = number + 1;
                true
            }
            Ok(false) => false,
            Err(e) => {
                tracing::error!(error = %e, "the dead-letter producer failed; what waits is sent after a restart");
                round.not_before = u64::MAX;
                false
            }
        }
    }

    /// Takes what arrived out of the outboxes; what did not arrive is sent again later.
    fn take_note(&self, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let now = self.tallies.millis();
        let mut rounds = self.rounds();
        let mut arrived: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let mut failed: BTreeMap<String, u64> = BTreeMap::new();
        for delivery in deliveries {
            let of = |r: &mut Round| {
                let number = r.under_way.remove(&delivery.token)?;
                r.out.remove(&number);
                Some(number)
            };
            let found = rounds.iter_mut().find_map(|(pair, round)| of(round).map(|number| (*pair, number)));
            // an alert, or of a pair that is gone
            let Some((pair, number)) = found else { continue };
            match delivery.result {
                Ok(_) => arrived.entry(pair).or_default().push(number),
                Err(why) => {
                    *failed.entry(why).or_default() += 1;
                    if let Some(round) = rounds.get_mut(&pair) {
                        round.cursor = round.cursor.min(number);
                        if delivery.too_large {
                            round.cut.insert(number);
                        } else {
                            round.not_before = now + RETRY;
                        }
                    }
                }
            }
        }
        for (why, n) in failed {
            tracing::error!(
                error = why,
                "{n} dead letters were not delivered and are sent again (is the topic there, may we write to it?)"
            );
        }
        for (pair, numbers) in arrived {
            let Some(pair) = rounds.get(&pair).and_then(|r| r.pair.upgrade()) else { continue };
            match pair.store.arrived(&numbers) {
                Ok(()) => {
                    pair.parcels.fetch_sub(numbers.len() as u64, Ordering::AcqRel);
                    self.tallies.parcels_delivered.fetch_add(numbers.len() as u64, Ordering::AcqRel);
                }
                Err(e) => tracing::error!(error = %e, "delivered dead letters stay in the outbox and are sent again"),
            }
        }
    }

    fn alert(&self, what: &str, partition: Option<u32>, message: &str, time: String) {
        let Some(topic) = &self.alerts else { return };
        let token = self.next.fetch_add(1, Ordering::AcqRel);
        let event = json!({
            "specversion": "1.0",
            "id": format!("{}-{}-{token}-{}", self.group, std::process::id(), self.tallies.millis()),
            "source": format!("vigie/{}", self.group),
            "type": format!("vigie.{what}"),
            "time": time,
            "datacontenttype": "application/json",
            "data": { "group": self.group, "partition": partition, "message": message },
        });
        let headers = [("content-type".to_owned(), b"application/cloudevents+json".to_vec())];
        let payload = event.to_string();
        let message = Outgoing {
            topic,
            key: Some(self.group.as_bytes()),
            payload: payload.as_bytes(),
            headers: &headers,
            timestamp: None,
            token,
        };
        match self.publisher.offer(message, QUEUE) {
            Ok(true) => {}
            Ok(false) => tracing::error!("the alert could not be sent: the producer's queue is full"),
            Err(e) => tracing::error!(error = %e, "the alert could not be sent"),
        }
    }
}
