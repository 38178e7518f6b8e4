use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Courier, Pair, Stopped, Tallies, Workers};
use crate::{
    assess::Naming,
    event::Kind,
    ingest::kafka::{Incoming, KafkaSettings, Ownership, Progress, Reached, Records, Start, Watermarks},
};

/// The partitions that the group gave this replica: their stores, what was polled for them and is not with a worker yet,
/// and what has to be done about them.
pub struct Partitions {
    pub(super) settings: KafkaSettings,
    pub(super) naming: Naming,
    pub(super) folder: PathBuf,
    /// This process's own; a claim is made under it and a number.
    pub(super) name: String,
    pub(super) claims: AtomicU64,
    /// Partitions of each topic.
    count: AtomicU64,
    pub(super) pairs: RwLock<BTreeMap<u32, Arc<Pair>>>,
    /// What the group gave.
    given: Mutex<Vec<u32>>,
    /// Of these, not open yet, and why.
    pub(super) wanted: Mutex<BTreeMap<u32, String>>,
    /// Topics' partitions whose last record is another than was read.
    pub(super) anew: Mutex<BTreeSet<(u32, Kind)>>,
    buffers: Mutex<BTreeMap<u32, Buffer>>,
    failure: Mutex<Option<String>>,
    /// Why the topics cannot be read at the moment.
    trouble: Mutex<Option<String>>,
    workers: Workers,
    pub(super) courier: Arc<Courier>,
    tallies: Arc<Tallies>,
}

/// Messages of one pair since its last batch.
struct Buffer {
    records: Records,
    /// Milliseconds of the tallies' clock at which the first came.
    since: u64,
}

/// Events and bytes of one commit: enough to spread its cost, few enough to keep memory and delay small.
const BATCH_EVENTS: usize = 20_000;
const BATCH_BYTES: usize = 8 << 20;
/// A message waits this long, in milliseconds, for others to share its commit.
const LINGER: u64 = 200;
/// Open stores of a process share its memory as if there were so many at most.
pub(super) const MOST_SHARING: u32 = 16;

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Partitions {
    pub fn new(
        settings: KafkaSettings,
        naming: Naming,
        folder: PathBuf,
        name: String,
        workers: Workers,
        courier: Arc<Courier>,
        tallies: Arc<Tallies>,
    ) -> Self {
        Partitions {
            settings,
            naming,
            folder,
            name,
            claims: AtomicU64::default(),
            count: AtomicU64::default(),
            pairs: RwLock::default(),
            given: Mutex::default(),
            wanted: Mutex::default(),
            anew: Mutex::default(),
            buffers: Mutex::default(),
            failure: Mutex::default(),
            trouble: Mutex::default(),
            workers,
            courier,
            tallies,
        }
    }

    /// Pairs whose stores are open here.
    pub fn open(&self) -> Vec<Arc<Pair>> {
        self.pairs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn pair(&self, number: u32) -> Option<Arc<Pair>> {
        self.pairs.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Pairs that the group gave and that are not open, and why.
    pub fn wanted(&self) -> BTreeMap<u32, String> {
        held(&self.wanted).clone()
    }

    /// Partitions that the group gave and that are not read, each with the reason.
    pub fn missing(&self) -> Vec<String> {
        let (open, wanted) = (self.open(), self.wanted());
        let given = held(&self.given).clone();
        let closed = given.into_iter().filter(|n| open.iter().all(|p| p.number != *n || p.stopped().is_some()));
        closed
            .map(|n| {
                format!("partition {n}: {}", wanted.get(&n).map_or("another process took it over", String::as_str))
            })
            .collect()
    }

    /// Events of a pair that the topics have and its store has not; 0 while that is not known.
    pub fn lag(&self, pair: &Pair, progress: &Progress) -> u64 {
        self.lags(pair, progress).into_iter().flatten().sum()
    }

    /// The same of each topic; `None` while the client does not know its end.
    pub fn lags(&self, pair: &Pair, progress: &Progress) -> [Option<u64>; 2] {
        let start = pair.start();
        let idle = pair.in_flight.load(Ordering::Acquire) == 0 && !held(&self.buffers).contains_key(&pair.number);
        let of = |kind, next: u64| match progress.ends.get(&(kind, pair.number)) {
            // between the last event and the end are only markers of transactions
            Some((_, true)) if idle => Some(0),
            Some((end, _)) => Some(end.saturating_sub(next)),
            None => None,
        };
        [of(Kind::Prediction, start.predictions), of(Kind::Correction, start.corrections)]
    }

    pub fn trouble(&self) -> Option<String> {
        held(&self.trouble).clone()
    }

    pub fn set_trouble(&self, why: Option<String>) {
        *held(&self.trouble) = why;
    }

    pub fn failure(&self) -> Option<String> {
        held(&self.failure).clone()
    }

    /// The consumer stops for good. The first reason stays.
    pub fn fail(&self, why: String) {
        held(&self.failure).get_or_insert_with(|| {
            tracing::error!("the consumer stops; restart the service once the cause is mended: {why}");
            why
        });
    }

    /// Partitions of each topic; 0 before they are known.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire) as u32
    }

    pub fn counted(&self, partitions: u32) {
        self.count.store(u64::from(partitions), Ordering::Release);
    }

    /// Keeps a message for its pair's next batch, and hands that over when it is full.
    pub fn push(&self, message: &Incoming<'_>) {
        let number = message.pair();
        let mut buffers = held(&self.buffers);
        let now = || self.tallies.millis();
        let buffer = buffers.entry(number).or_insert_with(|| Buffer { records: self.workers.blank(), since: now() });
        buffer.records.push(message);
        if buffer.records.len() >= BATCH_EVENTS || buffer.records.size() >= BATCH_BYTES {
            let full = buffers.remove(&number);
            drop(buffers);
            self.dispatch(number, full);
        }
    }

    /// Hands over what has waited long enough, or all of it.
    pub fn dispatch_due(&self, all: bool) {
        let now = self.tallies.millis();
        let due = |number: u32, b: &Buffer| {
            let idle = || self.pair(number).is_none_or(|p| p.in_flight.load(Ordering::Acquire) == 0);
            all || (now.saturating_sub(b.since) >= LINGER && idle())
        };
        let mut buffers = held(&self.buffers);
        let ready: Vec<u32> =
            buffers.iter().filter(|(number, b)| due(**number, b)).map(|(number, _)| *number).collect();
        let taken: Vec<(u32, Option<Buffer>)> = ready.into_iter().map(|n| (n, buffers.remove(&n))).collect();
        drop(buffers);
        for (number, buffer) in taken {
            self.dispatch(number, buffer);
        }
    }

    fn dispatch(&self, number: u32, buffer: Option<Buffer>) {
        // without a pair the messages are of a partition that was taken back: its next owner reads them
        if let (Some(pair), Some(buffer)) = (self.pair(number), buffer) {
            self.workers.give(&pair, buffer.records);
        }
    }

    /// Bytes of messages that are not committed yet.
    pub fn load(&self) -> usize {
        let buffered: usize = held(&self.buffers).values().map(|b| b.records.size()).sum();
        buffered + self.workers.load()
    }

    /// Waits until something was committed, at most for `patience`.
    pub fn wait(&self, patience: Duration) {
        self.workers.wait(patience);
    }

    /// Hands everything over and waits until it is committed; false when that takes longer than `patience`.
    pub fn drain(&self, patience: Duration) -> bool {
        self.dispatch_due(true);
        let until = self.tallies.millis() + patience.as_millis() as u64;
        loop {
            if self.open().iter().all(|p| p.in_flight.load(Ordering::Acquire) == 0) {
                return true;
            }
            if self.tallies.millis() >= until {
                return false;
            }
            self.workers.wait(Duration::from_millis(20));
        }
    }

    /// What to tell Kafka: pairs whose dead letters all arrived.
    pub fn reached(&self) -> Vec<Reached> {
        let settled = |p: &Arc<Pair>| p.parcels.load(Ordering::Acquire) == 0;
        self.open().iter().filter(|p| settled(p)).map(|p| p.reached()).collect()
    }

    /// Opens pairs that could not be opened before, and begins anew where a topic was made anew. When there is something
    /// new, gives where all open pairs go on.
    pub fn mend(&self, source: &dyn Watermarks) -> Option<Vec<Start>> {
        let mut changed = false;
        for pair in self.open() {
            match pair.stopped() {
                None => {}
                Some(Stopped::Failed(why)) => self.fail(format!("partition {}: {why}", pair.number)),
                Some(stopped) => {
                    let number = pair.number;
                    drop(pair);
                    self.close(|n| n == number);
                    if let Stopped::Recreated(kind) = stopped {
                        held(&self.anew).insert((number, kind));
                        held(&self.wanted).insert(number, "its topic was made anew".to_owned());
                    } else {
                        // it is not taken back by force: the group will say whose it is
                        tracing::warn!(partition = number, "closed: another process took it over");
                    }
                    changed = true;
                }
            }
        }
        let wanted: Vec<u32> = held(&self.wanted).keys().copied().collect();
        if wanted.is_empty() && !changed {
            return None;
        }
        let committed = if wanted.is_empty() { Some(Vec::new()) } else { source.committed(&wanted) };
        let mut starts = Vec::new();
        for number in wanted {
            starts.extend(self.take_on(number, source, committed.as_deref()));
        }
        if starts.is_empty() && !changed {
            return None;
        }
        // the others go on where their stores are: what is under way for them was drained before
        let opened: Vec<u32> = starts.iter().map(|s| s.pair).collect();
        starts.extend(self.open().iter().filter(|p| !opened.contains(&p.number)).map(|p| p.start()));
        Some(starts)
    }

    fn close(&self, which: impl Fn(u32) -> bool) {
        let mut pairs = self.pairs.write().unwrap_or_else(PoisonError::into_inner);
        let closing: Vec<u32> = pairs.keys().copied().filter(|n| which(*n)).collect();
        let closed: Vec<Arc<Pair>> = closing.iter().filter_map(|n| pairs.remove(n)).collect();
        drop(pairs);
        held(&self.buffers).retain(|n, _| !closing.contains(n));
        for pair in closed {
            // a batch that is still under way must not be written after the next owner has begun
            pair.stop(Stopped::Fenced);
        }
    }

    pub fn alert(&self, what: &str, partition: Option<u32>, message: &str) {
        self.courier.alert(what, partition, message, now());
    }
}

/// The moment an alert is made, as RFC 3339 has it.
fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "an alert says when it was made")]
    let now = jiff::Timestamp::now();
    now.to_string()
}

/// Said when the topics have another number of partitions than before.
pub fn other_count(now: u32, before: u32) -> String {
    format!(
        "the topics have {now} partitions now and had {before}: ids are spread differently over them, so state would be \
         looked for in the wrong place. Keep the number, or begin with new topics and a new data directory"
    )
}

impl Ownership for Partitions {
    fn assign(&self, numbers: &[u32], source: &dyn Watermarks) -> Vec<Start> {
        self.tallies.rebalances.fetch_add(1, Ordering::AcqRel);
        tracing::info!(partitions = ?numbers, "assigned by the group");
        // what stayed open since the last assignment and is not ours any more
        self.close(|n| !numbers.contains(&n));
        match source.partitions() {
            Ok(Some(now)) if now != self.count() => {
                self.fail(other_count(now, self.count()));
                return Vec::new();
            }
            Ok(_) => {}
            Err(e) => {
                self.fail(e.to_string());
                return Vec::new();
            }
        }
        *held(&self.given) = numbers.to_vec();
        held(&self.wanted).clear();
        let committed = if numbers.is_empty() { Some(Vec::new()) } else { source.committed(numbers) };
        let mut starts = Vec::new();
        for number in numbers {
            match self.pair(*number) {
                Some(pair) if pair.is_ours() => starts.push(pair.start()),
                stale => {
                    drop(stale);
                    self.close(|n| n == *number);
                    starts.extend(self.take_on(*number, source, committed.as_deref()));
                }
            }
        }
        self.tallies.assigned.store(true, Ordering::Release);
        starts
    }

    fn revoke(&self) -> Vec<Reached> {
        // within the time that an orderly stop may take: the group waits for us
        if !self.drain(self.settings.drain / 2) {
            tracing::warn!("not all that was read could be committed before the group took its partitions back");
        }
        self.courier.flush(&self.open(), self.settings.drain / 4);
        held(&self.buffers).clear();
        held(&self.given).clear();
        self.tallies.assigned.store(false, Ordering::Release);
        self.reached()
    }

    fn split(&self, predictions: Vec<u32>, corrections: Vec<u32>) {
        self.close(|_| true);
        if predictions.is_empty() || corrections.is_empty() {
            // the group assigns again when both topics are there
            let away = if predictions.is_empty() { &self.settings.predictions } else { &self.settings.corrections };
            tracing::error!("topic `{away}` is not there; waiting for it");
            *held(&self.given) = [predictions, corrections].concat();
            let why = format!("topic `{away}` is not there");
            *held(&self.wanted) = held(&self.given).iter().map(|n| (*n, why.clone())).collect();
            return;
        }
        self.fail(format!(
            "the group gave partitions {predictions:?} of `{}` and {corrections:?} of `{}`: both must be the same. Is \
             another program in group `{}`, or one with another assignment strategy or other topics?",
            self.settings.predictions, self.settings.corrections, self.settings.group
        ));
    }

    fn progress(&self, progress: Progress) {
        self.tallies.note(progress);
    }
}

impl Partitions {
    /// Closes every store: after it, others may open them.
    pub fn close_all(&self) {
        self.close(|_| true);
    }
}
