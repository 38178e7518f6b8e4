use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    time::Duration,
};

use super::{Courier, Partitions, Tallies, partitions::other_count};
use crate::ingest::kafka::{KafkaSettings, Polled, Source, TopicError};

/// The thread that polls. It decodes nothing and writes nothing, so that the group never waits for it.
pub struct Reader {
    pub settings: KafkaSettings,
    pub partitions: Arc<Partitions>,
    pub courier: Arc<Courier>,
    pub tallies: Arc<Tallies>,
    pub stop: Arc<AtomicBool>,
}

/// Bytes of messages in memory at which polling waits for the workers.
const MOST_BYTES: usize = 32 << 20;
/// Longest wait without a poll. Past it fetching is paused, since waiting longer would look like death to the group.
const PATIENCE: u64 = 2_000;
/// A client that fetches nothing for so long although there is something is replaced, in milliseconds.
const STALLED: u64 = 60_000;
const POLL: Duration = Duration::from_millis(50);
const TICK: u64 = 50;
const SECOND: u64 = 1_000;

/// Why a client is given up.
enum End {
    Stop,
    /// Connect again.
    Again(String),
}

impl Reader {
    /// Reads until told to stop. `ready` hears how the first connection went.
    pub fn run(self, ready: &Sender<Result<(), TopicError>>) {
        let mut first = true;
        while !self.stopping() {
            self.tallies.alive();
            match Source::join(&self.settings, self.partitions.clone()) {
                Ok((source, topology)) => {
                    if !first && topology.partitions != self.partitions.count() {
                        self.partitions.fail(other_count(topology.partitions, self.partitions.count()));
                        break;
                    }
                    self.partitions.counted(topology.partitions);
                    self.partitions.set_trouble(None);
                    let _ = ready.send(Ok(()));
                    first = false;
                    let end = self.session(&source);
                    drop(source);
                    match end {
                        End::Stop => break,
                        End::Again(why) => {
                            // opened again, every offset is looked at again
                            self.partitions.close_all();
                            tracing::warn!("connecting to Kafka again: {why}");
                            self.tallies.client_restarts.fetch_add(1, Ordering::AcqRel);
                        }
                    }
                }
                Err(e) => {
                    tracing::error!(error = %e, "cannot consume; trying again");
                    self.partitions.set_trouble(Some(e.to_string()));
                    let lasting = !matches!(e, TopicError::Unreachable { .. });
                    let not_co_partitioned = matches!(e, TopicError::NotCoPartitioned { .. });
                    if not_co_partitioned && !first {
                        self.partitions.fail(e.to_string());
                    }
                    if ready.send(Err(e)).is_ok() && lasting && first {
                        break;
                    }
                }
            }
            self.pause(SECOND);
        }
        self.partitions.close_all();
        if let Some(why) = self.partitions.failure() {
            self.partitions.alert("consumer.failed", None, &why);
            self.courier.deliver_alerts(self.settings.drain / 4);
        }
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.partitions.failure().is_some()
    }

    fn pause(&self, millis: u64) {
        let until = self.tallies.millis() + millis;
        while !self.stopping() && self.tallies.millis() < until {
            std::thread::sleep(POLL);
            self.tallies.alive();
        }
    }

    fn session(&self, source: &Source) -> End {
        let (mut last_tick, mut last_second, mut stalled_since) = (0, 0, None);
        let mut seen = 0_u64;
        loop {
            match source.poll(POLL) {
                Polled::Message(message) => {
                    self.partitions.push(&message);
                    seen += 1;
                    // to look around costs more than a message
                    if !seen.is_multiple_of(256) {
                        continue;
                    }
                }
                Polled::Nothing => {}
                Polled::Trouble(why) => tracing::warn!("kafka: {why}"),
                Polled::OutOfRange(why) => {
                    self.partitions.drain(self.settings.drain);
                    return End::Again(why);
                }
                Polled::Fatal(why) => {
                    self.partitions.fail(why);
                    return End::Stop;
                }
            }
            if self.stopping() {
                return End::Stop;
            }
            let now = self.tallies.millis();
            self.tallies.alive();
            if now - last_tick >= TICK {
                last_tick = now;
                self.partitions.dispatch_due(false);
            }
            if self.partitions.load() >= MOST_BYTES {
                self.let_workers_catch_up(source);
            }
            if now - last_second >= SECOND {
                last_second = now;
                if let Some(end) = self.each_second(source, &mut stalled_since, seen) {
                    return end;
                }
            }
        }
    }

    /// Memory is bounded: waits while the workers are behind; pauses fetching when that takes long.
    fn let_workers_catch_up(&self, source: &Source) {
        let began = self.tallies.millis();
        let mut paused = false;
        while self.partitions.load() >= MOST_BYTES / 2 && !self.stopping() {
            self.partitions.dispatch_due(true);
            if !paused && self.tallies.millis() - began >= PATIENCE {
                paused = source.pause(true).is_ok();
                self.tallies.paused.store(paused, Ordering::Release);
            }
            if paused {
                // gives no message, and serves the group
                if let Polled::Message(message) = source.poll(POLL) {
                    self.partitions.push(&message);
                }
            } else {
                self.partitions.wait(POLL);
            }
            self.tallies.alive();
            if let Some(failed) = self.failed_pair() {
                self.partitions.fail(failed);
            }
        }
        if paused {
            if let Err(e) = source.pause(false) {
                tracing::warn!(error = e, "fetching could not be resumed");
            }
            self.tallies.paused.store(false, Ordering::Release);
        }
    }

    fn failed_pair(&self) -> Option<String> {
        self.partitions.open().iter().find_map(|pair| match pair.stopped() {
            Some(super::Stopped::Failed(why)) => Some(format!("partition {}: {why}", pair.number)),
            _ => None,
        })
    }

    fn each_second(&self, source: &Source, stalled: &mut Option<(u64, u64)>, seen: u64) -> Option<End> {
        if self.tallies.assigned.load(Ordering::Acquire) {
            let stopped = self.partitions.open().iter().any(|p| p.stopped().is_some());
            if stopped || !self.partitions.wanted().is_empty() {
                self.partitions.drain(self.settings.drain / 2);
                if let Some(starts) = self.partitions.mend(source)
                    && let Err(e) = source.assign(&starts)
                {
                    return Some(End::Again(e));
                }
            }
        }
        source.commit(&self.partitions.reached());
        self.watch(stalled, seen)
    }

    /// A client sometimes does not fetch again after a broker came back.
    fn watch(&self, stalled: &mut Option<(u64, u64)>, seen: u64) -> Option<End> {
        let (progress, _) = self.tallies.progress();
        let behind = self.partitions.open().iter().any(|pair| self.partitions.lag(pair, &progress) > 0);
        let idle = self.partitions.load() == 0 && progress.brokers_up > 0;
        let now = self.tallies.millis();
        match stalled {
            Some((since, at)) if behind && idle && *at == seen => {
                (now - *since >= STALLED).then(|| End::Again("nothing was fetched for a minute".to_owned()))
            }
            _ => {
                *stalled = Some((now, seen));
                None
            }
        }
    }
}
