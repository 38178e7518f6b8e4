use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::PipelineError;
use crate::ingest::{Admission, DECODER_STACK, Decoded, Journal, JournalError};

/// Events of one atomic commit: enough to spread its cost, few enough to keep memory and delay small.
const BATCH_LINES: u64 = 50_000;

/// Decodes the journal on a thread of its own, one batch ahead of the join.
pub struct DecodeAhead {
    batches: Option<Receiver<Result<Decoded, JournalError>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How often an idle decoder looks whether it should end.
const IDLE: Duration = Duration::from_millis(250);

impl DecodeAhead {
    pub fn start(journal: Journal, admission: Admission, offset: u64) -> Result<Self, PipelineError> {
        // one batch waits, one is being made, one is being joined: memory is bounded by three
        let (sender, receiver) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("vigie-decoder".to_owned())
            .stack_size(DECODER_STACK)
            .spawn(move || decode(&journal, admission, offset, &sender, &stopped))
            .map_err(PipelineError::Thread)?;
        Ok(DecodeAhead { batches: Some(receiver), stop, thread: Some(thread) })
    }

    /// The next batch; waits for it.
    pub fn next(&self) -> Result<Decoded, PipelineError> {
        let batches = self.batches.as_ref().ok_or(PipelineError::DecoderGone)?;
        Ok(batches.recv().map_err(|_| PipelineError::DecoderGone)??)
    }
}

impl Drop for DecodeAhead {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // a decoder that waits to hand over its batch finds nobody there
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn decode(
    journal: &Journal,
    mut admission: Admission,
    mut offset: u64,
    batches: &SyncSender<Result<Decoded, JournalError>>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Acquire) {
        if !journal.wait_for(offset, IDLE) {
            continue;
        }
        let batch = next(journal, &mut admission, offset);
        let failed = batch.is_err();
        if let Ok(batch) = &batch {
            offset = batch.end;
        }
        if batches.send(batch).is_err() || failed {
            return;
        }
    }
}

fn next(journal: &Journal, admission: &mut Admission, offset: u64) -> Result<Decoded, JournalError> {
    let mut batch = Decoded::at(offset);
    while batch.end - offset < BATCH_LINES {
        let Some(chunk) = journal.read(batch.end)? else { break };
        batch.take(admission, &chunk, offset + BATCH_LINES);
    }
    Ok(batch)
}
