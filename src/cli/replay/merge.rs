use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use anyhow::{Result, bail};

use super::read::{Batch, Part};
use crate::event::Kind;

/// One event, ready to go.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Number of the input it comes from, and its line or row there.
    pub input: usize,
    pub number: u64,
    /// `None`: it could not be told.
    pub kind: Option<Kind>,
    pub key: Option<&'a [u8]>,
    pub payload: &'a [u8],
    /// Nanoseconds since 1970; `None` before the first event of its input that has a time.
    pub time: Option<i64>,
}

/// Several streams as one, in the order of event times as far as each stream is; at equal times in the order of the
/// streams. It holds one batch of each.
#[derive(Debug)]
pub struct Merge {
    streams: Vec<Stream>,
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// Streams whose head is not in the heap: all at first, then the one that gave the last event.
    asked: Vec<usize>,
    stop: &'static AtomicBool,
}

/// How often a stream that gives nothing (standard input) is left to look for a signal.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Stream {
    from: Receiver<Part>,
    batch: Batch,
    /// The row after the head.
    next: usize,
}

impl Merge {
    /// All streams end when `stop` is set.
    pub fn new(streams: impl IntoIterator<Item = Receiver<Part>>, stop: &'static AtomicBool) -> Self {
        let streams: Vec<Stream> =
            streams.into_iter().map(|from| Stream { from, batch: Batch::default(), next: 0 }).collect();
        Merge { asked: (0..streams.len()).collect(), heads: BinaryHeap::new(), streams, stop }
    }

    /// # Errors
    /// When an input cannot be read (further).
    pub fn next(&mut self) -> Result<Option<Event<'_>>> {
        while let Some(stream) = self.asked.pop() {
            if let Some(time) = self.streams[stream].advance(self.stop)? {
                self.heads.push(Reverse((time, stream)));
            }
        }
        if self.stop.load(Ordering::Acquire) {
            return Ok(None);
        }
        let Some(Reverse((time, stream))) = self.heads.pop() else { return Ok(None) };
        self.asked.push(stream);
        let Stream { batch, next, .. } = &self.streams[stream];
        let row = &batch.rows[next - 1];
        Ok(Some(Event {
            input: batch.input,
            number: row.number,
            kind: row.kind,
            key: row.key.clone().map(|key| &batch.bytes[key]),
            payload: &batch.bytes[row.payload.clone()],
            time: (time != i64::MIN).then_some(time),
        }))
    }
}

impl Stream {
    /// Moves to the next row and gives its time; `None` at the end, and when told to stop.
    fn advance(&mut self, stop: &AtomicBool) -> Result<Option<i64>> {
        while self.next == self.batch.rows.len() {
            match self.from.recv_timeout(PATIENCE) {
                Ok(Part::Rows(batch)) => (self.batch, self.next) = (batch, 0),
                Ok(Part::Failed(e)) => return Err(e.into()),
                Ok(Part::End) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Acquire) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => bail!("the reading thread failed"),
            }
        }
        self.next += 1;
        Ok(Some(self.batch.rows[self.next - 1].time))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::{cli::replay::read::Packer, ingest::Row};

    static GO: AtomicBool = AtomicBool::new(false);
    static STOPPED: AtomicBool = AtomicBool::new(true);

    /// A stream of predictions at these seconds (`None`: without a time), each named by stream and place.
    fn stream(input: usize, seconds: &[Option<u32>], end: Option<Part>) -> Receiver<Part> {
        let (to, from) = sync_channel(seconds.len() + 2);
        let mut packer = Packer::new(input, to.clone());
        for (i, second) in seconds.iter().enumerate() {
            let time = second.map_or(String::new(), |s| format!(r#","predicted_at":"2026-06-01T00:00:{s:02}Z""#));
            let line = format!(r#"{{"prediction_id":"{input}.{i}"{time}}}"#);
            packer.push(i as u64 + 1, &Row::Line(line.as_bytes()), Some(Kind::Prediction));
            if i % 2 == 1 {
                packer.send();
            }
        }
        packer.send();
        if let Some(end) = end {
            to.send(end).expect("room");
        }
        from
    }

    fn order(mut merge: Merge) -> Vec<String> {
        let mut keys = Vec::new();
        while let Some(event) = merge.next().expect("readable") {
            keys.push(String::from_utf8_lossy(event.key.expect("a key")).into_owned());
        }
        keys
    }

    #[test]
    fn streams_are_merged_by_time_and_keep_their_own_order() {
        let merge = Merge::new(
            [
                stream(0, &[Some(1), Some(4), None, Some(9)], Some(Part::End)),
                stream(1, &[None, Some(2), Some(4), Some(5), Some(20)], Some(Part::End)),
                stream(2, &[], Some(Part::End)),
            ],
            &GO,
        );
        assert_eq!(order(merge), ["1.0", "0.0", "1.1", "0.1", "0.2", "1.2", "1.3", "0.3", "1.4"]);
        assert!(order(Merge::new([], &GO)).is_empty());
    }

    #[test]
    fn a_stream_that_is_out_of_order_loses_nothing() {
        let seconds = [Some(30), Some(10), Some(20), Some(5), Some(40), Some(1)];
        let keys = order(Merge::new([stream(0, &seconds, Some(Part::End)), stream(1, &seconds, Some(Part::End))], &GO));
        let of = |stream: &str| keys.iter().filter(|k| k.starts_with(stream)).cloned().collect::<Vec<_>>();
        assert_eq!(of("0"), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(of("1").len(), 6);
    }

    #[test]
    fn a_reader_that_dies_is_not_taken_for_the_end_of_its_file() {
        let mut merge = Merge::new([stream(0, &[Some(1)], None)], &GO);
        assert!(merge.next().expect("a row").is_some());
        assert!(merge.next().is_err());
    }

    #[test]
    fn told_to_stop_it_waits_for_nobody() {
        let (_open, silent) = sync_channel(1);
        let mut merge = Merge::new([stream(0, &[Some(1)], None), silent], &STOPPED);
        assert!(merge.next().expect("no error").is_none());
    }
}
