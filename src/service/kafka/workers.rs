use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{Pair, Stopped, Tallies};
use crate::{
    ingest::{DECODER_STACK, kafka::Records},
    service::guarded,
};

/// A batch on its way to its store.
struct Job {
    pair: Arc<Pair>,
    records: Records,
}

/// Threads that decode, join and commit. A pair always goes to the same one, so its batches stay in order.
pub struct Workers {
    queues: Vec<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    load: Arc<Load>,
}

/// Bytes of messages in memory, and a bell that rings when there are fewer.
#[derive(Default)]
struct Load {
    bytes: AtomicUsize,
    lock: Mutex<()>,
    fewer: Condvar,
    /// Batches that were committed: the next messages come into their memory, which the system would clear each time.
    spare: Mutex<Vec<Records>>,
}

/// Empty batches kept.
const MOST_SPARE: usize = 2;

impl Load {
    fn wait(&self, patience: Duration) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.fewer.wait_timeout(guard, patience));
    }
}

impl Workers {
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(count: usize, tallies: &Arc<Tallies>) -> std::io::Result<Self> {
        let load = Arc::new(Load::default());
        let mut workers = Workers { queues: Vec::new(), threads: Vec::new(), load };
        for i in 0..count.max(1) {
            let (send, receive) = channel();
            let (load, tallies) = (workers.load.clone(), tallies.clone());
            let thread = std::thread::Builder::new()
                .name(format!("vigie-worker-{i}"))
                .stack_size(DECODER_STACK)
                .spawn(move || work(&receive, &load, &tallies))?;
            workers.queues.push(send);
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    pub fn give(&self, pair: &Arc<Pair>, records: Records) {
        pair.in_flight.fetch_add(1, Ordering::AcqRel);
        self.load.bytes.fetch_add(records.size(), Ordering::AcqRel);
        let queue = &self.queues[pair.number as usize % self.queues.len()];
        let job = Job { pair: pair.clone(), records };
        if queue.send(job).is_err() {
            // its thread is gone: nothing more can be committed
            pair.stop(Stopped::Failed("the thread that commits has ended".to_owned()));
            pair.in_flight.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// An empty batch.
    pub fn blank(&self) -> Records {
        self.load.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Bytes given and not committed yet.
    pub fn load(&self) -> usize {
        self.load.bytes.load(Ordering::Acquire)
    }

    /// Waits until something was committed, at most for `patience`.
    pub fn wait(&self, patience: Duration) {
        self.load.wait(patience);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Receiver<Job>, load: &Load, tallies: &Tallies) {
    while let Ok(Job { pair, mut records }) = jobs.recv() {
        let before = tallies.seconds();
        let outcome = guarded(|| pair.take(&records)).unwrap_or_else(|why| {
            pair.stop(Stopped::Failed(why));
            None
        });
        if let Some(taken) = outcome {
            let seconds = tallies.seconds() - before;
            tallies.committed(seconds);
            tracing::debug!(
                partition = pair.number,
                events = taken.events,
                rejected = taken.rejected,
                seconds,
                "committed"
            );
        }
        pair.in_flight.fetch_sub(1, Ordering::AcqRel);
        load.bytes.fetch_sub(records.size(), Ordering::AcqRel);
        records.clear();
        let mut spare = load.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE {
            spare.push(records);
        }
        drop(spare);
        let _between_look_and_wait = load.lock.lock().unwrap_or_else(PoisonError::into_inner);
        load.fewer.notify_all();
    }
}
