use super::{Admission, Chunk, Row, journal::RefusedRow};
use crate::event::{Entry, JoinKey, Kind, Reason, Reject, Series, Symbols};

/// Lines of the journal after admission, ready for the join: what one thread hands to the other.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Offset of the first line, and of the one after the last.
    pub first: u64,
    pub end: u64,
    pub admitted: Vec<Admitted>,
    pub refused: Vec<Refused>,
    /// Texts and series that these lines were the first to name.
    pub texts: Vec<String>,
    pub series: Vec<Series>,
}

/// An event on its way to the join.
#[derive(Debug)]
pub struct Admitted {
    pub key: JoinKey,
    pub offset: u64,
    pub entry: Entry,
}

/// A refused line.
#[derive(Debug, Clone)]
pub struct Refused {
    pub offset: u64,
    pub kind: Option<Kind>,
    pub reject: Reject,
    pub line: Vec<u8>,
}

/// Bytes of a refused line that are kept.
const MAX_KEPT: usize = 4096;

impl Decoded {
    /// An empty batch that begins at an offset.
    pub fn at(offset: u64) -> Self {
        Decoded { first: offset, end: offset, ..Decoded::default() }
    }

    /// Admits a chunk's lines, up to the offset `limit`.
    pub fn take(&mut self, admission: &mut Admission, chunk: &Chunk, limit: u64) {
        let (texts, series) = (admission.symbols.len(), admission.symbols.series_len());
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &chunk.lines) {
            if self.end >= limit {
                break;
            }
            let line = &chunk.lines[start..end];
            start = end + 1;
            if chunk.refused {
                self.refused.push(refused_row(self.end, line));
                self.end += 1;
                continue;
            }
            let received = admission.receive(&Row::Line(line), chunk.kind);
            match received.admitted {
                Ok((key, entry)) => self.admitted.push(Admitted { key, offset: self.end, entry }),
                Err(reject) => self.refused.push(Refused {
                    offset: self.end,
                    kind: received.kind,
                    reject,
                    line: line[..line.len().min(MAX_KEPT)].to_vec(),
                }),
            }
            self.end += 1;
        }
        let (texts, series) = admission.symbols.since(texts, series);
        self.texts.extend(texts.iter().map(|t| t.to_string()));
        self.series.extend_from_slice(series);
    }

    pub fn is_empty(&self) -> bool {
        self.first == self.end
    }
}

fn refused_row(offset: u64, line: &[u8]) -> Refused {
    let row = serde_json::from_slice::<RefusedRow>(line).ok();
    let reason = row.as_ref().and_then(|r| Reason::from_word(&r.reason)).unwrap_or(Reason::UnknownShape);
    let kind = row.as_ref().and_then(|r| r.kind);
    let (detail, mut raw) = row.map_or_else(Default::default, |r| (r.detail, r.raw.into_bytes()));
    raw.truncate(MAX_KEPT);
    Refused { offset, kind, reject: Reject::new(reason, detail), line: raw }
}

/// Adds what a batch was the first to name to another thread's table, in the same order.
pub fn learn(symbols: &mut Symbols, batch: &Decoded) {
    for text in &batch.texts {
        symbols.intern(text);
    }
    for series in &batch.series {
        symbols.intern_series(*series);
    }
}
