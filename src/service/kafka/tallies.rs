use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::ingest::kafka::Progress;

/// Upper bounds of the commit histogram, in seconds.
pub const COMMIT_BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What the consumer counts of itself since the process began.
pub struct Tallies {
    started: Instant,
    pub commits: AtomicU64,
    pub rebalances: AtomicU64,
    pub client_restarts: AtomicU64,
    pub parcels_delivered: AtomicU64,
    pub paused: AtomicBool,
    /// The group has given an assignment, be it an empty one.
    pub assigned: AtomicBool,
    /// Milliseconds of [`Tallies::millis`] at the last sign of life of the thread that polls.
    pub beat: AtomicU64,
    commit_times: Mutex<CommitTimes>,
    progress: Mutex<(Progress, u64)>,
}

/// How long commits took.
#[derive(Debug, Clone, Default)]
pub struct CommitTimes {
    /// Commits up to each of [`COMMIT_BUCKETS`], and past all of them.
    pub buckets: [u64; COMMIT_BUCKETS.len() + 1],
    pub sum: f64,
    pub last: f64,
}

impl Tallies {
    pub fn new(started: Instant) -> Self {
        Tallies {
            started,
            commits: AtomicU64::default(),
            rebalances: AtomicU64::default(),
            client_restarts: AtomicU64::default(),
            parcels_delivered: AtomicU64::default(),
            paused: AtomicBool::default(),
            assigned: AtomicBool::default(),
            beat: AtomicU64::default(),
            commit_times: Mutex::default(),
            progress: Mutex::default(),
        }
    }

    /// Since the service began.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn millis(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub fn alive(&self) {
        self.beat.store(self.millis(), Ordering::Release);
    }

    pub fn committed(&self, seconds: f64) {
        self.commits.fetch_add(1, Ordering::AcqRel);
        let mut times = self.commit_times.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = COMMIT_BUCKETS.iter().position(|b| seconds <= *b).unwrap_or(COMMIT_BUCKETS.len());
        times.buckets[bucket] += 1;
        times.sum += seconds;
        times.last = seconds;
    }

    pub fn commit_times(&self) -> CommitTimes {
        self.commit_times.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn note(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = (progress, self.millis());
    }

    /// The client's view, and how many milliseconds old it is.
    pub fn progress(&self) -> (Progress, u64) {
        let (progress, at) = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (progress, self.millis().saturating_sub(at))
    }
}
