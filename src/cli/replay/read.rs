use std::{
    ops::Range,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::glance::glance;
use crate::{
    event::{EventTime, Kind},
    ingest::{FileError, FileFormat, Input, InputFormat, Row, each_row, kind_of},
};

/// Rows handed from a reading thread to the merge at once..
const BATCH_ROWS: usize = 512;
/// ..or as many as fill this: with two batches waiting it bounds the memory of an input.
const BATCH_BYTES: usize = 128 << 10;
const WAITING: usize = 2;

/// One input to read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its number among the inputs.
    pub index: usize,
    pub input: Input,
    /// `None`: each row tells.
    pub kind: Option<Kind>,
    pub format: FileFormat,
}

/// What a reading thread says.
#[derive(Debug)]
pub enum Part {
    Rows(Batch),
    Failed(FileError),
    /// All was read. A thread that died does not say so.
    End,
}

/// Rows of one input, their bytes in one piece.
#[derive(Debug, Default)]
pub struct Batch {
    pub input: usize,
    pub bytes: Vec<u8>,
    pub rows: Vec<Packed>,
}

/// Where the parts of a row lie in its batch.
#[derive(Debug)]
pub struct Packed {
    /// Line or row, from 1.
    pub number: u64,
    pub kind: Option<Kind>,
    pub key: Option<Range<usize>>,
    pub payload: Range<usize>,
    /// Nanoseconds since 1970 by which it is put in order; `i64::MIN` before the first row that has a time.
    pub time: i64,
}

/// Reads inputs one after the other on a thread of their own, as far ahead as the channel has room.
/// The thread is not joined: it ends with its inputs, or with the process.
pub fn read(inputs: Vec<Reading>) -> Receiver<Part> {
    let (to, from) = sync_channel(WAITING);
    thread::spawn(move || {
        for reading in inputs {
            let mut packer = Packer::new(reading.index, to.clone());
            let done = each_row(&reading.input, reading.kind, &reading.format, &mut |number, row| {
                packer.push(number, &row, reading.kind_of(&row));
            });
            packer.send();
            if let Err(e) = done {
                // nobody listens any more: fine
                let _ = to.send(Part::Failed(e));
                return;
            }
        }
        let _ = to.send(Part::End);
    });
    from
}

impl Reading {
    fn kind_of(&self, row: &Row<'_>) -> Option<Kind> {
        match row {
            Row::Prediction(_) => Some(Kind::Prediction),
            Row::Correction(_) => Some(Kind::Correction),
            // a log of the coding API holds no corrections
            Row::Bad(..) if self.format.format == InputFormat::Insee => Some(Kind::Prediction),
            Row::Line(raw) | Row::Bad(_, raw) => self.kind.or_else(|| kind_of(raw)),
        }
    }
}

/// Gathers rows into batches and gives each its place in time.
pub struct Packer {
    to: SyncSender<Part>,
    batch: Batch,
    /// Times as recorded of the last two rows.
    latest: i64,
    before: Option<i64>,
    closed: bool,
}

impl Packer {
    pub fn new(input: usize, to: SyncSender<Part>) -> Self {
        let batch = Batch { input, ..Batch::default() };
        Packer { to, batch, latest: i64::MIN, before: None, closed: false }
    }

    pub fn push(&mut self, number: u64, row: &Row<'_>, kind: Option<Kind>) {
        if self.closed {
            return;
        }
        let payload = row.to_json();
        let (key, time) = match row {
            Row::Prediction(p) => (Some(p.prediction_id.as_str().as_bytes().into()), Some(p.predicted_at)),
            Row::Correction(c) => (Some(c.prediction_id.as_str().as_bytes().into()), Some(c.corrected_at)),
            Row::Line(raw) | Row::Bad(_, raw) => {
                let found = glance(raw);
                (found.key, found.time)
            }
        };
        let time = time.map_or(self.latest, EventTime::nanos);
        if let Some(last) = self.batch.rows.last_mut() {
            // one row with a broken clock must not hold up those behind it, nor let those before it go too early
            last.time = self.before.map_or(last.time, |before| median(before, last.time, time));
            self.before = Some(self.latest);
        }
        self.latest = time;
        if self.batch.rows.len() >= BATCH_ROWS || self.batch.bytes.len() >= BATCH_BYTES {
            self.send();
        }
        let key = key.map(|key| self.keep(&key));
        let payload = self.keep(&payload);
        self.batch.rows.push(Packed { number, kind, key, payload, time });
    }

    /// Sends what is there, if anything.
    pub fn send(&mut self) {
        if !self.batch.rows.is_empty() {
            let next = Batch { input: self.batch.input, ..Batch::default() };
            self.closed = self.to.send(Part::Rows(std::mem::replace(&mut self.batch, next))).is_err();
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.batch.bytes.len();
        self.batch.bytes.extend_from_slice(bytes);
        start..self.batch.bytes.len()
    }
}

fn median(a: i64, b: i64, c: i64) -> i64 {
    a.min(b).max(a.max(b).min(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(lines: &[String]) -> Vec<Batch> {
        let (to, from) = sync_channel(lines.len() + 1);
        let mut packer = Packer::new(3, to);
        for (i, line) in lines.iter().enumerate() {
            packer.push(i as u64 + 1, &Row::Line(line.as_bytes()), kind_of(line.as_bytes()));
        }
        packer.send();
        drop(packer);
        from.iter().map(|part| if let Part::Rows(batch) = part { batch } else { panic!("{part:?}") }).collect()
    }

    fn at(id: usize, second: usize) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!(r#"{{"prediction_id":"p{id}","predicted_at":"2026-06-01T00:{minute:02}:{second:02}Z"}}"#)
    }

    #[test]
    fn rows_keep_their_bytes_key_and_kind_across_batches() {
        let lines: Vec<String> = (0..1_300).map(|i| at(i, i)).chain(["garbage".to_owned()]).collect();
        let batches = batches(&lines);
        assert_eq!(batches.iter().map(|b| b.rows.len()).collect::<Vec<_>>(), [512, 512, 277]);
        let rows: Vec<(&Batch, &Packed)> = batches.iter().flat_map(|b| b.rows.iter().map(move |r| (b, r))).collect();
        for (i, (batch, row)) in rows.iter().enumerate() {
            assert_eq!((batch.input, row.number), (3, i as u64 + 1));
            assert_eq!(&batch.bytes[row.payload.clone()], lines[i].as_bytes());
            assert!(i == 0 || rows[i - 1].1.time <= row.time);
            let key = row.key.clone().map(|k| String::from_utf8_lossy(&batch.bytes[k]).into_owned());
            let expected = (i < 1_300).then(|| (format!("p{i}"), Kind::Prediction));
            assert_eq!(key.zip(row.kind), expected);
        }
    }

    #[test]
    fn one_wrong_clock_is_put_between_its_neighbours_and_no_time_goes_with_the_row_before() {
        let mut lines: Vec<String> = (0..6).map(|i| at(i, 10 * i)).collect();
        lines[2] = lines[2].replace("2026", "2099");
        lines[4] = lines[4].replace("2026", "2001");
        lines.insert(4, r#"{"prediction_id":"none"}"#.to_owned());
        let batch = &batches(&lines)[0];
        let start = batch.rows[0].time;
        let seconds: Vec<i64> = batch.rows.iter().map(|r| (r.time - start) / 1_000_000_000).collect();
        assert_eq!(seconds, [0, 10, 30, 30, 30, 30, 50]);
    }
}
