//! Keeps the stores of this replica's partitions up to date with two co-partitioned Kafka topics.
//!
//! One thread polls (`reader`), a few decode, join and commit (`workers`), one sends dead letters (`courier`).
//! `partitions` is what they share: a partition's store is opened (`opening`) when the group gives the partition, and
//! closed when it is gone. Docs: docs/kafka.md, ADR 8.

mod claim;
mod courier;
mod opening;
mod pair;
mod partitions;
mod reader;
mod start;
mod tallies;
mod workers;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread::JoinHandle,
};

use claim::Claim;
use courier::Courier;
pub use pair::Pair;
use pair::Stopped;
use partitions::Partitions;
use reader::Reader;
use start::{Known, Onward, onward};
use tallies::Tallies;
pub use tallies::{COMMIT_BUCKETS, CommitTimes};
use workers::Workers;

use super::{Holdings, Parts, Peers, ServiceError, guarded};
use crate::{
    assess::Naming,
    fact::Ledger,
    ingest::kafka::{KafkaSettings, TopicError},
    store::{DeadLetter, StoreError},
};

/// A replica that consumes from Kafka.
pub struct KafkaService {
    pub settings: KafkaSettings,
    pub naming: Naming,
    data_dir: PathBuf,
    peers: Option<Peers>,
    partitions: Arc<Partitions>,
    tallies: Arc<Tallies>,
    stop: Arc<AtomicBool>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

/// What a replica knows of itself at a moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Of the partitions open here, in the order of their numbers.
    pub partitions: Vec<PartitionStatus>,
    /// Partitions of each topic; 0 while unknown.
    pub count: u32,
    /// Given by the group and not open, with the reason.
    pub missing: Vec<String>,
    pub assigned: bool,
    pub brokers_up: u32,
    pub paused: bool,
    /// Why the topics cannot be read at the moment.
    pub trouble: Option<String>,
    pub failure: Option<String>,
    pub rebalances: u64,
    pub client_restarts: u64,
    pub parcels_delivered: u64,
    pub commits: u64,
    pub commit_times: CommitTimes,
}

/// One pair of partitions.
#[derive(Debug, Clone)]
pub struct PartitionStatus {
    pub number: u32,
    /// Next offset of each topic.
    pub predictions: u64,
    pub corrections: u64,
    /// Events of each topic that the store has not; `None` while that is not known.
    pub lags: [Option<u64>; 2],
    pub marks: crate::store::Marks,
    pub ledger: Ledger,
    /// Ids of predictions that are held.
    pub held: u64,
    /// Dead letters that the broker does not have yet.
    pub parcels: u64,
    pub disk: u64,
}

/// Threads that commit: more than cores would only wait for each other.
const MOST_WORKERS: usize = 4;

impl KafkaService {
    /// Joins the group. Where no broker answers it goes on trying, since a broker may come later than its consumers.
    ///
    /// # Errors
    /// When the settings are refused, a topic is missing, or the two are not co-partitioned.
    pub fn start(
        settings: KafkaSettings,
        naming: Naming,
        data_dir: PathBuf,
        peers: Option<Peers>,
    ) -> Result<Arc<Self>, ServiceError> {
        #[expect(clippy::disallowed_methods, reason = "the service's own clock, for heartbeats")]
        let started = std::time::Instant::now();
        let tallies = Arc::new(Tallies::new(started));
        let courier = Arc::new(Courier::start(&settings, tallies.clone())?);
        let count = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(MOST_WORKERS);
        let workers = Workers::start(count, &tallies).map_err(ServiceError::Thread)?;
        let folder = data_dir.join(PARTITIONS);
        let name = format!("{}-{}", std::process::id(), unique());
        let partitions = Arc::new(Partitions::new(
            settings.clone(),
            naming.clone(),
            folder,
            name,
            workers,
            courier.clone(),
            tallies.clone(),
        ));
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            settings: settings.clone(),
            partitions: partitions.clone(),
            courier,
            tallies: tallies.clone(),
            stop: stop.clone(),
        };
        let (send, receive) = channel();
        let shared = partitions.clone();
        let poll = move || {
            if let Err(why) = guarded(|| reader.run(&send)) {
                // a service that reads no more must not look alive
                shared.fail(why);
                shared.close_all();
            }
        };
        let thread =
            std::thread::Builder::new().name("vigie-kafka".to_owned()).spawn(poll).map_err(ServiceError::Thread)?;
        match receive.recv() {
            Ok(Ok(())) | Ok(Err(TopicError::Unreachable { .. })) | Err(_) => {}
            Ok(Err(e)) => {
                let _ = thread.join();
                return Err(e.into());
            }
        }
        drop(receive);
        Ok(Arc::new(KafkaService {
            settings,
            naming,
            data_dir,
            peers,
            partitions,
            tallies,
            stop,
            reader: Mutex::new(Some(thread)),
        }))
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Stores that are open here, for readers, and the number of partitions there are in all.
    pub fn open(&self) -> Vec<Arc<Pair>> {
        self.partitions.open()
    }

    /// Partitions of each topic; 0 while unknown.
    pub fn count(&self) -> u32 {
        self.partitions.count()
    }

    /// Events that the topics have and the stores have not, of the partitions open here.
    pub fn lag(&self) -> u64 {
        let (progress, _) = self.tallies.progress();
        self.open().iter().map(|pair| self.partitions.lag(pair, &progress)).sum()
    }

    /// Milliseconds since the polling thread last showed life.
    pub fn silence(&self) -> u64 {
        self.tallies.millis().saturating_sub(self.tallies.beat.load(Ordering::Acquire))
    }

    pub fn failure(&self) -> Option<String> {
        self.partitions.failure()
    }

    pub fn snapshot(&self) -> Snapshot {
        let (progress, age) = self.tallies.progress();
        let partitions = self.open().into_iter().map(|pair| {
            let state = pair.state();
            PartitionStatus {
                number: pair.number,
                predictions: state.start.predictions,
                corrections: state.start.corrections,
                lags: self.partitions.lags(&pair, &progress),
                marks: state.marks,
                ledger: state.ledger,
                held: state.held,
                parcels: pair.parcels.load(Ordering::Acquire),
                disk: pair.store.disk_space(),
            }
        });
        let counted = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Acquire);
        Snapshot {
            partitions: partitions.collect(),
            count: self.count(),
            missing: self.partitions.missing(),
            assigned: self.tallies.assigned.load(Ordering::Acquire),
            // a client that said nothing for long has no connection to speak of
            brokers_up: if age < STALE { progress.brokers_up } else { 0 },
            paused: self.tallies.paused.load(Ordering::Acquire),
            trouble: self.partitions.trouble(),
            failure: self.failure(),
            rebalances: counted(&self.tallies.rebalances),
            client_restarts: counted(&self.tallies.client_restarts),
            parcels_delivered: counted(&self.tallies.parcels_delivered),
            commits: counted(&self.tallies.commits),
            commit_times: self.tallies.commit_times(),
        }
    }

    /// The newest dead letters of the partitions open here, in turn.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let mut each = Vec::new();
        for pair in self.open() {
            each.push(pair.store.dead_letters(limit)?.into_iter());
        }
        // one of each partition in turn: none hides the others
        let mut all = Vec::new();
        while all.len() < limit {
            let row: Vec<DeadLetter> = each.iter_mut().filter_map(Iterator::next).collect();
            if row.is_empty() {
                break;
            }
            all.extend(row);
        }
        all.truncate(limit);
        Ok(all)
    }

    /// Commits what was polled, leaves the group and makes the stores durable, within `kafka.drain_seconds`.
    ///
    /// # Errors
    /// When the disk refuses; the topics still have everything.
    pub fn stop(&self) -> Result<(), ServiceError> {
        let stores: Vec<_> = self.open().into_iter().map(|p| p.store.clone()).collect();
        self.stop.store(true, Ordering::Release);
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            // everything is committed by then; only leaving the group takes long, where no broker answers
            let until = self.tallies.millis() + self.settings.drain.as_millis() as u64;
            while !reader.is_finished() && self.tallies.millis() < until {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            if reader.is_finished() {
                let _ = reader.join();
            } else {
                tracing::warn!("the group was not left in time; it will miss this replica after its session");
            }
        }
        for store in stores {
            store.sync()?;
        }
        Ok(())
    }
}

impl Parts for KafkaService {
    fn held(&self) -> Holdings {
        // before the topics are known one partition is missing: readers are told so
        let stores = self.open().into_iter().map(|pair| (pair.number, pair.store.clone()));
        Holdings { partitions: self.count().max(1), stores: stores.collect() }
    }

    fn naming(&self) -> Naming {
        self.naming.clone()
    }

    fn peers(&self) -> Option<Peers> {
        self.peers.clone()
    }
}

impl Drop for KafkaService {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            tracing::error!(error = %e, "a store could not be made durable; it goes on from an earlier offset");
        }
    }
}

/// Folder of the partitions' stores in a data directory.
pub const PARTITIONS: &str = "partitions";
/// Milliseconds after which the client's last word is no longer believed: it speaks every second.
const STALE: u64 = 10_000;

/// A number that two processes with one id, in two containers, do not share.
fn unique() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
