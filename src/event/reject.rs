use std::fmt;

use super::time::TIME_ERROR;

/// Why an event was refused: a closed list, so that it can be counted, charted and alarmed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// Not JSON, or cut short.
    MalformedJson = 1,
    /// Bytes that are not UTF-8.
    InvalidUtf8 = 2,
    /// Longer than the limit on one event.
    TooLarge = 3,
    /// A required field is absent.
    MissingField = 4,
    /// A field has another type than the contract says.
    WrongType = 5,
    /// A field has the right type and an impossible value.
    InvalidValue = 6,
    /// Not RFC 3339, or not between 2000 and 2100.
    InvalidTime = 7,
    /// Another body under a known id.
    Conflict = 8,
    /// An adapter could not make sense of its line.
    UnknownShape = 9,
    /// Older than the retention horizon: whether it was counted before is not known any more.
    TooLate = 10,
}

impl Reason {
    pub const ALL: [Reason; 10] = [
        Reason::MalformedJson,
        Reason::InvalidUtf8,
        Reason::TooLarge,
        Reason::MissingField,
        Reason::WrongType,
        Reason::InvalidValue,
        Reason::InvalidTime,
        Reason::Conflict,
        Reason::UnknownShape,
        Reason::TooLate,
    ];

    /// The stable word used in counts, metrics and dead letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::MalformedJson => "malformed_json",
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::TooLarge => "too_large",
            Reason::MissingField => "missing_field",
            Reason::WrongType => "wrong_type",
            Reason::InvalidValue => "invalid_value",
            Reason::InvalidTime => "invalid_time",
            Reason::Conflict => "conflict",
            Reason::UnknownShape => "unknown_shape",
            Reason::TooLate => "too_late",
        }
    }

    /// The inverse of [`Reason::as_str`].
    pub fn from_word(word: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused event: the word to count and a sentence for the person who will mend the producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub reason: Reason,
    pub detail: String,
}

impl Reject {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Reject { reason, detail: detail.into() }
    }

    /// Sorts a deserialiser's message into a reason.
    pub fn from_message(message: &str, syntax: bool) -> Self {
        let reason = if message.contains(TIME_ERROR) {
            Reason::InvalidTime
        } else if message.starts_with("missing field") {
            Reason::MissingField
        } else if message.starts_with("invalid type") {
            Reason::WrongType
        } else if message.starts_with("invalid value") || message.starts_with("unknown variant") {
            Reason::InvalidValue
        } else if message.starts_with("duplicate field") || syntax {
            Reason::MalformedJson
        } else {
            Reason::WrongType
        };
        // parsers quote the line below their message; the dead letter keeps the line itself
        Reject::new(reason, message.lines().next().unwrap_or_default())
    }
}
