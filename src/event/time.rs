use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, de::Visitor};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// An instant in UTC, kept to the nanosecond, between 2000 and 2100: outside is a broken clock, not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(i64);

/// Marks an error text as being about a time, so that the reject gets the right reason.
pub(super) const TIME_ERROR: &str = "not a time";

impl EventTime {
    const MIN: i64 = 946_684_800_000_000_000;
    const MAX: i64 = 4_102_444_800_000_000_000;

    /// # Errors
    /// Says what is wrong when the text is not RFC 3339 or the year is not in 2000..2100.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = text.as_bytes();
        let instant = if shape.len() >= 20 && shape.len() <= 40 && !shape.contains(&b'[') {
            text.parse::<Timestamp>().ok()
        } else {
            None
        };
        let otherwise = || {
            let shown: String = text.chars().take(40).collect();
            format!("{TIME_ERROR}: `{shown}` (expected RFC 3339, such as 2026-06-01T08:18:02.541Z)")
        };
        instant.and_then(|t| i64::try_from(t.as_nanosecond()).ok()).ok_or_else(otherwise).and_then(Self::from_nanos)
    }

    /// # Errors
    /// When the instant is outside 2000..2100.
    pub fn from_nanos(nanos: i64) -> Result<Self, String> {
        if (Self::MIN..Self::MAX).contains(&nanos) {
            Ok(Self(nanos))
        } else {
            Err(format!("{TIME_ERROR} between 2000 and 2100"))
        }
    }

    pub fn nanos(self) -> i64 {
        self.0
    }

    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl fmt::Display for EventTime {
    /// RFC 3339 in UTC, with as many digits of a second as there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 2000..2100 is well inside what a timestamp can hold
        Timestamp::from_nanosecond(self.0.into()).unwrap_or_default().fmt(f)
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = EventTime;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time as RFC 3339 text")
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<EventTime, E> {
                EventTime::parse(v).map_err(E::custom)
            }
        }
        d.deserialize_str(V)
    }
}
