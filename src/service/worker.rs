use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{Status, guarded};
use crate::{
    assess::Naming,
    event::Kind,
    ingest::{Journal, JournalError},
    pipeline::{Consumer, PipelineError},
    store::{Store, StoreError},
};

/// What a service is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub naming: Naming,
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Topic(#[from] crate::ingest::kafka::TopicError),
    #[error(transparent)]
    Publish(#[from] crate::ingest::kafka::PublishError),
}

/// The journal, the store, and the thread between them.
pub struct Service {
    pub journal: Journal,
    pub store: Store,
    pub naming: Naming,
    pub status: Arc<Status>,
    data_dir: PathBuf,
    stop: Arc<AtomicBool>,
    worker: Mutex<Option<JoinHandle<()>>>,
    started: std::time::Instant,
}

/// The worker looks at the journal at least this often, so that its heartbeat shows life.
const IDLE: Duration = Duration::from_millis(250);

impl Service {
    /// Opens a data directory and starts to catch up.
    ///
    /// # Errors
    /// When the directory is held by another process or damaged.
    pub fn start(settings: Settings) -> Result<Arc<Self>, ServiceError> {
        let journal = Journal::open(&settings.data_dir.join("journal"))?;
        let store = Store::open(&settings.data_dir.join("store"))?;
        let Naming { book, policies } = settings.naming.clone();
        let consumer = Consumer::resume(journal.clone(), store.clone(), policies, book)?;
        let status = Arc::new(Status::default());
        status.resumed(consumer.offset(), consumer.ledger().clone());
        let stop = Arc::new(AtomicBool::new(false));
        #[expect(clippy::disallowed_methods, reason = "the service's own clock, for heartbeats")]
        let started = std::time::Instant::now();
        let (worker_status, worker_stop, log) = (status.clone(), stop.clone(), journal.clone());
        let worker = std::thread::Builder::new()
            .name("vigie-consumer".to_owned())
            .spawn(move || {
                let run = || work(consumer, &log, &worker_status, &worker_stop, started);
                if let Err(why) = guarded(run) {
                    worker_status.failed(why);
                }
            })
            .map_err(ServiceError::Thread)?;
        Ok(Arc::new(Service {
            journal,
            store,
            naming: settings.naming,
            status,
            data_dir: settings.data_dir,
            stop,
            worker: Mutex::new(Some(worker)),
            started,
        }))
    }

    /// Appends lines durably; when it returns, they survive a power cut. Gives the offset of the first.
    ///
    /// # Errors
    /// When the disk refuses: the lines must not be acknowledged then.
    pub fn append(&self, kind: Option<Kind>, lines: &[u8]) -> Result<u64, JournalError> {
        let first = self.journal.append(kind, lines)?;
        self.journal.sync()?;
        Ok(first)
    }

    /// Events in the journal that the store does not have yet.
    pub fn lag(&self) -> u64 {
        self.journal.end().saturating_sub(self.status.offset())
    }

    /// Waits until the store has caught up with the journal as it is now; false when the worker has failed.
    pub fn catch_up(&self, mut tick: impl FnMut(u64)) -> bool {
        let end = self.journal.end();
        loop {
            let at = self.status.offset();
            tick(at);
            if at >= end {
                return true;
            }
            if self.status.snapshot().failure.is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Milliseconds since the worker last showed life.
    pub fn silence(&self) -> u64 {
        millis(self.started).saturating_sub(self.status.snapshot().beat)
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Stops the worker after its current batch and makes the store durable.
    ///
    /// # Errors
    /// When the disk refuses; the journal still has everything.
    pub fn stop(&self) -> Result<(), ServiceError> {
        self.stop.store(true, Ordering::Release);
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker {
            let _ = worker.join();
        }
        Ok(self.store.sync()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            tracing::error!(error = %e, "the store could not be made durable; it is rebuilt from the journal");
        }
    }
}

fn work(mut consumer: Consumer, journal: &Journal, status: &Status, stop: &AtomicBool, started: std::time::Instant) {
    while !stop.load(Ordering::Acquire) {
        let before = millis(started);
        status.beat(before);
        match consumer.step() {
            Ok(progress) if progress.taken == 0 => {
                journal.wait_for(progress.offset, IDLE);
            }
            Ok(progress) => {
                let seconds = (millis(started) - before) as f64 / 1000.0;
                tracing::debug!(taken = progress.taken, offset = progress.offset, seconds, "committed");
                status.committed(progress.offset, seconds, consumer.ledger().clone());
            }
            Err(e) => {
                tracing::error!(error = %e, "the consumer stopped; restart the service once the cause is mended");
                status.failed(e.to_string());
                return;
            }
        }
    }
}

fn millis(started: std::time::Instant) -> u64 {
    started.elapsed().as_millis() as u64
}
