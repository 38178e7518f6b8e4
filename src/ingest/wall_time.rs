use jiff::{civil::DateTime, fmt::strtime::BrokenDownTime, tz::TimeZone};

use crate::event::EventTime;

/// Ways in which spreadsheets and logs write a time without a zone; the day comes first where there are slashes.
const PATTERNS: [&str; 6] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%d/%m/%YT%H:%M:%S%.f", "%d/%m/%YT%H:%M", "%d/%m/%Y"];

/// Longest text looked at: anything longer is no time.
const MAX_LEN: usize = 40;

/// Reads RFC 3339, or a time as a clock on the wall shows it in `zone`: `2026-06-01 09:00:11`, `01/06/2026 09:00`.
///
/// A time that the clock shows twice (autumn) is the first of them, one that it skips (spring) is an hour later.
///
/// # Errors
/// Says what is wrong with the text, or that it needs a zone.
pub(super) fn read(text: &str, zone: Option<&TimeZone>) -> Result<EventTime, String> {
    let text = text.trim();
    EventTime::parse(text).or_else(|not_rfc_3339| match (civil(text), zone) {
        (Some(civil), Some(zone)) => at(civil, zone),
        (Some(_), None) => Err(format!(
            "`{text}` has no time zone; say in which one this file writes its times: time_zone = \"Europe/Paris\""
        )),
        (None, Some(_)) => Err(format!("{not_rfc_3339}, 2026-06-01 09:00:11 or 01/06/2026 09:00")),
        (None, None) => Err(not_rfc_3339),
    })
}

/// The instant at which the clocks of `zone` show `civil`.
pub(super) fn at(civil: DateTime, zone: &TimeZone) -> Result<EventTime, String> {
    let instant = zone.to_ambiguous_timestamp(civil).compatible().map_err(|e| e.to_string())?;
    let nanos = i64::try_from(instant.as_nanosecond()).unwrap_or(i64::MAX);
    EventTime::from_nanos(nanos)
}

fn civil(text: &str) -> Option<DateTime> {
    if text.len() > MAX_LEN || !text.is_ascii() {
        return None;
    }
    // Python's logging puts a comma before the milliseconds
    let text = text.replacen(' ', "T", 1).replacen(',', ".", 1);
    PATTERNS.iter().find_map(|pattern| {
        let parsed = BrokenDownTime::parse(pattern, &text).ok()?;
        let time = parsed.to_time().unwrap_or_else(|_| jiff::civil::Time::midnight());
        Some(parsed.to_date().ok()?.to_datetime(time))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paris(text: &str) -> Result<String, String> {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        read(text, Some(&zone)).map(|t| t.to_string())
    }

    #[test]
    fn reads_what_offices_write() {
        for (text, instant) in [
            ("2026-06-01 09:00:11", "2026-06-01T07:00:11Z"),
            ("2026-06-01T09:00:11.5", "2026-06-01T07:00:11.5Z"),
            ("2024-03-01 10:00:00,123", "2024-03-01T09:00:00.123Z"),
            ("01/06/2026 09:00", "2026-06-01T07:00:00Z"),
            ("1/6/2026 9:00", "2026-06-01T07:00:00Z"),
            ("13/06/2026", "2026-06-12T22:00:00Z"),
            ("2026-06-01T09:00:11+05:00", "2026-06-01T04:00:11Z"),
            // shown twice, and never
            ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
            ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!(paris(text).as_deref(), Ok(instant), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in
            ["", "06/13/2026 09:00", "2026-02-30 09:00", "hier", "45000", "2026-06-01 25:00", "1970-01-01 00:00"]
        {
            assert!(paris(text).is_err(), "{text}");
        }
        assert!(read("2026-06-01 09:00:11", None).unwrap_err().contains("time_zone = \"Europe/Paris\""));
    }
}
