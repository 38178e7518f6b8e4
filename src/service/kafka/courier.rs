use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{Pair, Tallies};
use crate::{
    ingest::kafka::{KafkaSettings, Outgoing, PublishError, Publisher},
    store::Parcel,
};

/// Brings parcels from the outboxes to the dead-letter topic, and alerts to theirs. A parcel stays in its outbox until the
/// broker has it, so it arrives at least once; its headers say where it came from, so that a second one can be told.
pub struct Courier {
    publisher: Option<Publisher>,
    alerts: Option<String>,
    group: String,
    tallies: Arc<Tallies>,
    next: AtomicU64,
    under_way: Mutex<HashMap<u64, Errand>>,
}

/// What a delivery is about.
struct Errand {
    pair: Weak<Pair>,
    number: u64,
    /// Sent once more, cut, after the broker found it too large.
    cut: bool,
}

/// Payload of a parcel that no broker took whole.
const CUT: usize = 256 << 10;
/// Parcels read from an outbox at a time.
const HANDFUL: usize = 1_000;

impl Courier {
    /// # Errors
    /// When the producer cannot be made.
    pub fn new(settings: &KafkaSettings, tallies: Arc<Tallies>) -> Result<Self, PublishError> {
        let needed = settings.dead_letters.is_some() || settings.alerts.is_some();
        let publisher = needed.then(|| Publisher::connect(settings)).transpose()?;
        Ok(Courier {
            publisher,
            alerts: settings.alerts.clone(),
            group: settings.group.clone(),
            tallies,
            next: AtomicU64::default(),
            under_way: Mutex::default(),
        })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<u64, Errand>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends these parcels of a pair's outbox.
    pub fn send(&self, pair: &Arc<Pair>, numbers: std::ops::Range<u64>) {
        let mut from = numbers.start;
        while from < numbers.end {
            let found = match pair.store.waiting(from, HANDFUL) {
                Ok(found) => found,
                Err(e) => {
                    tracing::error!(error = %e, "dead letters cannot be read; they are sent after a restart");
                    return;
                }
            };
            let Some((last, _)) = found.last() else { return };
            from = last + 1;
            for (number, parcel) in found.iter().filter(|(n, _)| *n < numbers.end) {
                let errand = Errand { pair: Arc::downgrade(pair), number: *number, cut: false };
                self.hand_over(errand, parcel);
            }
        }
    }

    fn hand_over(&self, errand: Errand, parcel: &Parcel) {
        let Some(publisher) = &self.publisher else { return };
        let token = self.next.fetch_add(1, Ordering::AcqRel);
        let mut payload = parcel.payload.as_deref().unwrap_or_default();
        let mut headers = parcel.headers.clone();
        if errand.cut {
            headers.push(("vigie.cut".to_owned(), payload.len().to_string().into_bytes()));
            payload = &payload[..payload.len().min(CUT)];
        }
        self.under_way().insert(token, errand);
        let sent = publisher.send(Outgoing {
            topic: &parcel.topic,
            key: parcel.key.as_deref(),
            payload,
            headers: &headers,
            timestamp: parcel.timestamp,
            token,
        });
        if let Err(e) = sent {
            tracing::error!(error = %e, "the dead-letter producer failed; what waits is sent after a restart");
            self.under_way().remove(&token);
        }
    }

    /// Takes note of what arrived, and sends again what did not.
    pub fn look(&self) {
        let Some(publisher) = &self.publisher else { return };
        let mut arrived: HashMap<u32, (Arc<Pair>, Vec<u64>)> = HashMap::new();
        for delivery in publisher.deliveries() {
            let Some(errand) = self.under_way().remove(&delivery.token) else { continue };
            let Some(pair) = errand.pair.upgrade() else { continue };
            match delivery.result {
                Ok(_) => arrived.entry(pair.number).or_insert_with(|| (pair, Vec::new())).1.push(errand.number),
                Err(why) => {
                    tracing::error!(
                        partition = pair.number,
                        error = why,
                        "a dead letter was not delivered; it is sent again (does the topic exist, may we write to it?)"
                    );
                    let found = pair.store.waiting(errand.number, 1).ok().and_then(|f| f.into_iter().next());
                    if let Some((_, parcel)) = found.filter(|(n, _)| *n == errand.number) {
                        self.hand_over(Errand { cut: errand.cut || delivery.too_large, ..errand }, &parcel);
                    }
                }
            }
        }
        for (pair, numbers) in arrived.into_values() {
            match pair.store.arrived(&numbers) {
                Ok(()) => {
                    pair.parcels.fetch_sub(numbers.len() as u64, Ordering::AcqRel);
                    self.tallies.parcels_delivered.fetch_add(numbers.len() as u64, Ordering::AcqRel);
                }
                Err(e) => tracing::error!(error = %e, "delivered dead letters stay in the outbox and are sent again"),
            }
        }
    }

    /// Waits until all that was handed over is delivered, at most so long.
    pub fn flush(&self, patience: Duration) {
        if let Some(publisher) = &self.publisher
            && let Err(e) = publisher.flush(patience)
        {
            tracing::warn!(error = %e, "dead letters wait in the outbox for the next start");
        }
        self.look();
    }

    /// Tells operators something that the numbers alone would not show, as a CloudEvent (structured mode) on the topic of
    /// alerts. `what` is a word such as `consumer.failed`.
    pub fn alert(&self, what: &str, partition: Option<u32>, message: &str, time: String) {
        let (Some(publisher), Some(topic)) = (&self.publisher, &self.alerts) else { return };
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
        let sent = publisher.send(Outgoing {
            topic,
            key: Some(self.group.as_bytes()),
            payload: event.to_string().as_bytes(),
            headers: &headers,
            timestamp: None,
            token,
        });
        if let Err(e) = sent {
            tracing::error!(error = %e, "the alert could not be sent");
        }
    }
}
