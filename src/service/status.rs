use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::fact::Ledger;

/// What the worker last did, for health, metrics and the page.
#[derive(Debug, Default)]
pub struct Status {
    offset: AtomicU64,
    commits: AtomicU64,
    /// Milliseconds of the worker's clock at its last sign of life.
    beat: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ledger: Ledger,
    failure: Option<String>,
    last_commit_seconds: f64,
    commit_seconds: f64,
}

/// The status at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Offset that the store is at.
    pub offset: u64,
    pub commits: u64,
    pub beat: u64,
    pub ledger: Ledger,
    /// Why the worker stopped, when it did.
    pub failure: Option<String>,
    pub last_commit_seconds: f64,
    /// All commits together.
    pub commit_seconds: f64,
}

impl Status {
    pub fn beat(&self, millis: u64) {
        self.beat.store(millis, Ordering::Release);
    }

    pub fn committed(&self, offset: u64, seconds: f64, ledger: Ledger) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.ledger = ledger;
        inner.last_commit_seconds = seconds;
        inner.commit_seconds += seconds;
        self.offset.store(offset, Ordering::Release);
        self.commits.fetch_add(1, Ordering::AcqRel);
    }

    pub fn resumed(&self, offset: u64, ledger: Ledger) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).ledger = ledger;
        self.offset.store(offset, Ordering::Release);
    }

    pub fn failed(&self, why: String) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).failure = Some(why);
    }

    pub fn offset(&self) -> u64 {
        self.offset.load(Ordering::Acquire)
    }

    pub fn snapshot(&self) -> Snapshot {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            offset: self.offset(),
            commits: self.commits.load(Ordering::Acquire),
            beat: self.beat.load(Ordering::Acquire),
            ledger: inner.ledger.clone(),
            failure: inner.failure.clone(),
            last_commit_seconds: inner.last_commit_seconds,
            commit_seconds: inner.commit_seconds,
        }
    }
}
