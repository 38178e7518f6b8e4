use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// A calendar day, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day; expected YYYY-MM-DD, between 2000-01-01 and 2099-12-31")]
pub struct DayError(String);

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl Day {
    /// The day on which an hour (since 1970, UTC) begins in a time zone.
    pub fn of_hour(hour: i64, zone: &TimeZone) -> Day {
        Day(crate::query::day_of(hour, zone))
    }

    /// The day of an instant in a time zone.
    pub fn of(instant: Timestamp, zone: &TimeZone) -> Day {
        let date = instant.to_zoned(zone.clone()).date();
        Day(EPOCH.until(date).map_or(0, |span| span.get_days()))
    }

    fn date(self) -> Date {
        EPOCH.checked_add(self.0.days()).unwrap_or(EPOCH)
    }

    pub fn days_until(self, later: Day) -> i32 {
        later.0 - self.0
    }

    pub fn plus(self, days: i32) -> Day {
        Day(self.0 + days)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let wrong = || DayError(text.chars().take(40).collect());
        let shaped = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        let date: Date = text.parse().ok().filter(|_| shaped).ok_or_else(wrong)?;
        if !(2000..2100).contains(&date.year()) {
            return Err(wrong());
        }
        EPOCH.until(date).map(|span| Day(span.get_days())).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_a_round_trip_and_nonsense_is_refused() {
        for text in ["2000-01-01", "2026-06-01", "2024-02-29", "2099-12-31"] {
            assert_eq!(text.parse::<Day>().map(|d| d.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "2026-02-30", "01/06/2026", "9999-01-01", "2026-6-1", "2026-06-01T00:00"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
