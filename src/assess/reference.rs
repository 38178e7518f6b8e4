use std::{fmt, str::FromStr};

use super::{
    Day, PlanError,
    assessment::ReferenceChoice,
    plan::{PlannedReference, Request},
};
use crate::measure::drift::reference::{Days, Reference, reference_days};

/// The reference that the asker wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceWish {
    /// First and last day.
    Days(Day, Day),
    /// As many days before the period as it has.
    Preceding,
    /// The first half of the period, for its second.
    FirstHalf,
    /// 52 weeks before: each day meets its own weekday.
    LastYear,
    /// The same dates a year before.
    LastYearDates,
    /// The last days before the period, leaving out those next to it.
    Trailing { days: u32, gap: u32 },
    /// What another version of the model coded, for all that this one did not.
    Version(String),
}

impl ReferenceWish {
    /// What [`FromStr`] reads.
    pub const ALLOWED: &str = "preceding, first-half, last-year, last-year-dates, trailing:DAYS or trailing:DAYS:GAP, \
                               such as trailing:28:7, or version:NAME, such as version:1.4.0";
    /// Most days of a trailing reference, and of its gap.
    const MOST_DAYS: u32 = 3660;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reference; expected {allowed}", allowed = ReferenceWish::ALLOWED)]
pub struct ReferenceError(String);

impl FromStr for ReferenceWish {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        // names of versions are taken as they are
        if let Some(version) = text.strip_prefix("version:").filter(|version| !version.trim().is_empty()) {
            return Ok(ReferenceWish::Version(version.trim().to_owned()));
        }
        let named = match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "preceding" => Some(ReferenceWish::Preceding),
            "first-half" => Some(ReferenceWish::FirstHalf),
            "last-year" => Some(ReferenceWish::LastYear),
            "last-year-dates" => Some(ReferenceWish::LastYearDates),
            other => other.strip_prefix("trailing:").and_then(trailing),
        };
        named.ok_or_else(|| ReferenceError(text.chars().take(40).collect()))
    }
}

fn trailing(text: &str) -> Option<ReferenceWish> {
    let (days, gap) = text.split_once(':').unwrap_or((text, "0"));
    let days = days.parse().ok().filter(|n| (1..=ReferenceWish::MOST_DAYS).contains(n))?;
    let gap = gap.parse().ok().filter(|n| *n <= ReferenceWish::MOST_DAYS)?;
    Some(ReferenceWish::Trailing { days, gap })
}

impl fmt::Display for ReferenceWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReferenceWish::Days(from, to) => write!(f, "{from}..{to}"),
            ReferenceWish::Preceding => f.write_str("preceding"),
            ReferenceWish::FirstHalf => f.write_str("first-half"),
            ReferenceWish::LastYear => f.write_str("last-year"),
            ReferenceWish::LastYearDates => f.write_str("last-year-dates"),
            ReferenceWish::Trailing { days, gap: 0 } => write!(f, "trailing:{days}"),
            ReferenceWish::Trailing { days, gap } => write!(f, "trailing:{days}:{gap}"),
            ReferenceWish::Version(version) => write!(f, "version:{version}"),
        }
    }
}

/// The days that a period is compared with; `data_from` is the first one with a prediction, if there is any, `of_version`
/// first and last of the version that is wished for, where there is another one to compare. `None` where
/// there are no such days, as when the period is longer than the year that lies before it.
///
/// # Errors
/// When named days end before they begin.
pub(super) fn planned(
    request: &Request,
    (from, to): (Day, Day),
    data_from: Option<Day>,
    of_version: Option<(Day, Day)>,
) -> Result<Option<PlannedReference>, PlanError> {
    let before =
        |r: (Day, Day), chosen| PlannedReference { from: r.0, to: r.1, current_from: from, current_to: to, chosen };
    let period = Days { first: from.0, last: to.0 };
    let named = |choice, chosen| {
        let days = reference_days(period, choice);
        Ok(days.map(|days| before((Day(days.first), Day(days.last)), chosen)))
    };
    let length = from.days_until(to) + 1;
    match (&request.reference, data_from) {
        (Some(ReferenceWish::Days(a, b)), _) if b < a => {
            Err(PlanError::Backwards { from: a.to_string(), to: b.to_string() })
        }
        (Some(ReferenceWish::Days(a, b)), _) => {
            let (a, b) = (*a, *b);
            let mut given = before((a, b), ReferenceChoice::Given);
            // a row may not be in both: what is left of the period is compared
            if a <= from && (from.0..to.0).contains(&b.0) {
                given.current_from = b.plus(1);
            } else if b >= to && a > from && a <= to {
                given.current_to = a.plus(-1);
            }
            Ok(Some(given))
        }
        (_, None) => Ok(None),
        (Some(ReferenceWish::LastYear), _) => named(Reference::LastYearSameWeekdays, ReferenceChoice::LastYear),
        (Some(ReferenceWish::LastYearDates), _) => named(Reference::LastYearSameDates, ReferenceChoice::LastYearDates),
        (Some(ReferenceWish::Trailing { days, gap }), _) => {
            named(Reference::Trailing { days: *days, gap: *gap }, ReferenceChoice::Trailing)
        }
        (Some(ReferenceWish::Version(_)), _) => Ok(of_version.map(|days| before(days, ReferenceChoice::Version))),
        (Some(ReferenceWish::Preceding), _) => {
            Ok(Some(before((from.plus(-length), from.plus(-1)), ReferenceChoice::Preceding)))
        }
        (None, Some(first)) if first < from => {
            let start = from.plus(-length).max(first);
            Ok(Some(before((start, from.plus(-1)), ReferenceChoice::Preceding)))
        }
        (None | Some(ReferenceWish::FirstHalf), _) if length < 2 => Ok(None),
        (None | Some(ReferenceWish::FirstHalf), _) => {
            let middle = from.plus(length / 2);
            Ok(Some(PlannedReference {
                from,
                to: middle.plus(-1),
                current_from: middle,
                current_to: to,
                chosen: ReferenceChoice::FirstHalf,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_written_as_it_is_read() {
        for text in
            ["preceding", "first-half", "last-year", "last-year-dates", "trailing:28", "trailing:28:7", "version:V 2.0"]
        {
            assert_eq!(text.parse::<ReferenceWish>().map(|wish| wish.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("Last_Year".parse(), Ok(ReferenceWish::LastYear));
        for text in [
            "",
            "yesterday",
            "trailing",
            "trailing:",
            "trailing:0",
            "trailing:7:",
            "trailing:-7",
            "trailing:9999",
            "version:",
        ] {
            let error = text.parse::<ReferenceWish>().expect_err(text).to_string();
            assert!(error.contains("last-year-dates, trailing:DAYS"), "{error}");
        }
    }
}
