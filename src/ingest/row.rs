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
    pub fn to_json(&self) -> Cow<'_, [u8]> {
        self.raw()
    }

    /// The row as text, for the dead letter.
    pub fn raw(&self) -> Cow<'_, [u8]> {
        match self {
            Row::Line(line) => Cow::Borrowed(line),
            Row::Bad(_, raw) => Cow::Borrowed(raw),
            Row::Prediction(p) => Cow::Owned(format!("{p:?}").into_bytes()),
            Row::Correction(c) => Cow::Owned(format!("{c:?}").into_bytes()),
        }
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
            return Err(Reject::new(
                Reason::TooLarge,
                format!("{} bytes; at most {MAX_LINE} are allowed", line.len()),
            ));
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

fn json<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, Reject> {
    sonic_rs::from_str(text).map_err(|e| Reject::from_message(&e.to_string(), e.is_syntax() || e.is_eof()))
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
