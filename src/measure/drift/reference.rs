//! Which days a period is compared with. Days are whole numbers, 0 is 1970-01-01, in whatever time zone they were cut.

use serde::{Deserialize, Serialize};

/// Consecutive days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    pub first: i32,
    pub last: i32,
}

impl Days {
    /// How many; 0 if they end before they begin.
    pub fn count(self) -> u32 {
        u32::try_from(i64::from(self.last) - i64::from(self.first) + 1).unwrap_or(0)
    }

    fn shifted(self, by: i32) -> Option<Self> {
        Some(Self { first: self.first.checked_add(by)?, last: self.last.checked_add(by)? })
    }
}

/// A named choice of reference; never the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// 52 weeks before: each day meets its own weekday.
    LastYearSameWeekdays,
    /// The same dates a year before, for periods that end on dates (a tax deadline); weekdays differ by one or two.
    LastYearSameDates,
    /// The last `days` days before the period, leaving out the `gap` days next to it.
    Trailing { days: u32, gap: u32 },
    /// Named days.
    Given(Days),
    /// The period's own days, as another version of the model coded them.
    OtherVersion,
}

/// The days that the choice names for a period.
///
/// 29 February meets 28 February. `None` where there is nothing to compare: an empty period or reference, days that
/// cannot be counted, or a reference that shares days with the period (save that of another version, which shares all).
///
/// ```
/// use vigie::measure::drift::reference::{Days, Reference, reference_days};
/// // Monday 2025-03-03 to Sunday 2025-03-09
/// let week = Days { first: 20_150, last: 20_156 };
/// let before = |choice| reference_days(week, choice);
/// assert_eq!(before(Reference::LastYearSameWeekdays), Some(Days { first: 19_786, last: 19_792 }));
/// assert_eq!(before(Reference::LastYearSameDates), Some(Days { first: 19_785, last: 19_791 }));
/// assert_eq!(before(Reference::Trailing { days: 28, gap: 0 }), Some(Days { first: 20_122, last: 20_149 }));
/// assert_eq!(before(Reference::Given(Days { first: 20_000, last: 20_150 })), None);
/// ```
pub fn reference_days(period: Days, choice: Reference) -> Option<Days> {
    if period.count() == 0 {
        return None;
    }
    let found = match choice {
        Reference::LastYearSameWeekdays => period.shifted(-364)?,
        Reference::LastYearSameDates => Days { first: a_year_before(period.first)?, last: a_year_before(period.last)? },
        Reference::Trailing { days, gap } => {
            let last = i64::from(period.first) - i64::from(gap) - 1;
            let first = last - i64::from(days) + 1;
            Days { first: i32::try_from(first).ok()?, last: i32::try_from(last).ok()? }
        }
        Reference::Given(days) => days,
        Reference::OtherVersion => return Some(period),
    };
    let apart = found.last < period.first || found.first > period.last;
    (found.count() > 0 && apart).then_some(found)
}

/// The same date of the year before.
fn a_year_before(day: i32) -> Option<i32> {
    let (year, month, date) = date_of(i64::from(day));
    let date = if (month, date) == (2, 29) { 28 } else { date };
    i32::try_from(day_of(year - 1, month, date)).ok()
}

/// Days of 400 years.
const ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Year, month, day of month in the proleptic Gregorian calendar. Years are counted from March, so that the leap day
/// comes last, in cycles of 400.
fn date_of(day: i64) -> (i64, i64, i64) {
    let day = day + EPOCH;
    let (era, in_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    // 153 days are five months from March on
    let month = (5 * in_year + 2) / 153;
    let date = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, date)
}

fn day_of(year: i64, month: i64, date: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let in_year = (153 * month + 2) / 5 + date - 1;
    era * ERA + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH
}
