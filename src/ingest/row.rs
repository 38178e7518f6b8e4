use std::borrow::Cow;

use memchr::memmem;

use super::{Admission, MAX_LINE};
use crate::event::{Correction, Entry, JoinKey, Kind, Prediction, Reason, Reject};

/// One event as a source hands it over.
#[derive(Debug)]
pub enum Row<'a> {
    /// A line of JSON, not yet looked at.
    Line(&'a [u8]),
    /// From a file with columns, or from an adapter.
    Prediction(Prediction<'a>),
    Correction(Correction<'a>),
    /// The source itself could not make an event of it; the text is kept for the dead letter.
    Bad(Reject, &'a [u8]),
}

impl Row<'_> {
    /// The event as one line of JSON, for the journal and for dead letters; a line or a bad row as it came.
    ///
    /// A number that JSON cannot say (NaN, infinity) becomes `null`: admission refuses such a row in either form.
    pub fn to_json(&self) -> Cow<'_, [u8]> {
        let made = match self {
            Row::Line(raw) | Row::Bad(_, raw) => return Cow::Borrowed(raw),
            Row::Prediction(p) => serde_json::to_vec(p),
            Row::Correction(c) => serde_json::to_vec(c),
        };
        // writing text and numbers to memory cannot fail
        Cow::Owned(made.unwrap_or_default())
    }
}

/// A row after admission.
#[derive(Debug)]
pub struct Received {
    /// `None` when the line could not be told to be either.
    pub kind: Option<Kind>,
    pub admitted: Result<(JoinKey, Entry), Reject>,
}

impl Admission {
    /// Decodes and checks one row. `kind` is what the source says it holds; `None` = tell by the fields.
    pub fn receive(&mut self, row: &Row<'_>, kind: Option<Kind>) -> Received {
        match row {
            Row::Prediction(p) => Received {
                kind: Some(Kind::Prediction),
                admitted: self.prediction(p).map(|(key, entry)| (key, Entry::Prediction(entry))),
            },
            Row::Correction(c) => Received {
                kind: Some(Kind::Correction),
                admitted: self.correction(c).map(|(key, entry)| (key, Entry::Correction(entry))),
            },
            Row::Bad(reject, _) => Received { kind, admitted: Err(reject.clone()) },
            Row::Line(line) => {
                let kind = kind.or_else(|| kind_of(line));
                Received { kind, admitted: self.line(line, kind) }
            }
        }
    }

    fn line(&mut self, line: &[u8], kind: Option<Kind>) -> Result<(JoinKey, Entry), Reject> {
        if line.len() > MAX_LINE {
            return Err(Reject::new(Reason::TooLarge, format!("{} bytes; at most {MAX_LINE} are allowed", line.len())));
        }
        let text = std::str::from_utf8(line)
            .map_err(|e| Reject::new(Reason::InvalidUtf8, format!("byte {} is not UTF-8", e.valid_up_to())))?;
        match kind {
            Some(Kind::Correction) => {
                let (key, entry) = self.correction(&json::<Correction<'_>>(text)?)?;
                Ok((key, Entry::Correction(entry)))
            }
            Some(Kind::Prediction) | None => {
                let (key, entry) = self.prediction(&json::<Prediction<'_>>(text)?)?;
                Ok((key, Entry::Prediction(entry)))
            }
        }
    }
}

/// Stack of a thread that decodes: an unoptimised build takes 40 kB for each bracket that it skips, and a thread has 2 MB
/// unless told.
pub const DECODER_STACK: usize = 16 << 20;

/// Deepest nesting of a line; the contract needs three, the rest is for fields that it does not know.
const MAX_DEPTH: usize = 128;

pub(super) fn json<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, Reject> {
    // sonic-rs skips what it does not want by recursion without a limit: a megabyte of `[` would end the process
    if nests_deeper(text.as_bytes(), MAX_DEPTH) {
        let detail = format!("more than {MAX_DEPTH} brackets inside one another");
        return Err(Reject::new(Reason::MalformedJson, detail));
    }
    sonic_rs::from_str(text).map_err(|e| Reject::from_message(&e.to_string(), e.is_syntax() || e.is_eof()))
}

/// Whether brackets outside strings nest deeper than `limit`.
fn nests_deeper(line: &[u8], limit: usize) -> bool {
    // nearly every line has too few brackets for that, and counting them takes a few instructions for 16 bytes
    if line.iter().filter(|b| matches!(b, b'[' | b'{')).count() <= limit {
        return false;
    }
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(byte) = line.get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                at += 1;
                while line.get(at).is_some_and(|b| *b != b'"') {
                    at += 1 + usize::from(line[at] == b'\\');
                }
            }
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest > limit
}

/// Tells a correction from a prediction by the names of its fields, without parsing.
///
/// A name is looked for as `"name"` followed by a colon, which cannot occur inside a JSON string: quotes are escaped there.
pub fn kind_of(line: &[u8]) -> Option<Kind> {
    if has_field(line, b"\"correction_id\"") {
        Some(Kind::Correction)
    } else if has_field(line, b"\"prediction_id\"") {
        Some(Kind::Prediction)
    } else {
        None
    }
}

fn has_field(line: &[u8], quoted: &[u8]) -> bool {
    memmem::find_iter(line, quoted).any(|at| {
        let mut rest = line[at + quoted.len()..].iter().skip_while(|b| b.is_ascii_whitespace());
        rest.next() == Some(&b':')
    })
}
