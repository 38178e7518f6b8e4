//! Which days a period is compared with.

use proptest::prelude::*;
use vigie::measure::drift::reference::{Days, Reference, reference_days};

fn one(day: i32, choice: Reference) -> Option<i32> {
    reference_days(Days { first: day, last: day }, choice).map(|days| days.first)
}

/// Day numbers by Python's `date.toordinal() - 719163`.
#[test]
fn a_year_before() {
    let dates = |day| one(day, Reference::LastYearSameDates);
    // 2024-02-29 to 2023-02-28, 2024-03-01 to 2023-03-01, 2025-02-28 to 2024-02-28
    assert_eq!((dates(19_782), dates(19_783), dates(20_147)), (Some(19_416), Some(19_417), Some(19_781)));
    // 2000-12-31, 1901-01-01, 1970-01-01, 1969-03-01
    assert_eq!((dates(11_322), dates(-25_202)), (Some(10_956), Some(-25_567)));
    assert_eq!((dates(0), dates(-306)), (Some(-365), Some(-671)));
    assert_eq!(one(20_150, Reference::LastYearSameWeekdays), Some(19_786));
}

#[test]
fn only_what_can_be_compared() {
    let of = |first, last, choice| reference_days(Days { first, last }, choice);
    assert_eq!(of(10, 9, Reference::OtherVersion), None);
    assert_eq!(of(10, 12, Reference::OtherVersion), Some(Days { first: 10, last: 12 }));
    assert_eq!(of(10, 12, Reference::Trailing { days: 3, gap: 1 }), Some(Days { first: 6, last: 8 }));
    assert_eq!(of(10, 12, Reference::Trailing { days: 0, gap: 1 }), None);
    assert_eq!(of(0, 399, Reference::LastYearSameWeekdays), None, "it would share days");
    assert_eq!(of(0, 399, Reference::LastYearSameDates), None);
    assert_eq!(of(10, 12, Reference::Given(Days { first: 13, last: 20 })), Some(Days { first: 13, last: 20 }));
    assert_eq!(of(i32::MIN, i32::MIN, Reference::LastYearSameWeekdays), None);
    assert_eq!(of(i32::MIN, i32::MIN, Reference::LastYearSameDates), None);
    assert_eq!(of(i32::MIN, i32::MAX, Reference::Trailing { days: u32::MAX, gap: u32::MAX }), None);
}

proptest! {
    #[test]
    fn a_year_is_365_or_366_days_and_52_weeks_keep_the_weekday(day in -1_000_000..1_000_000_i32, width in 0..60_i32) {
        let period = Days { first: day, last: day + width };
        let dates = reference_days(period, Reference::LastYearSameDates).unwrap();
        prop_assert!([365, 366].contains(&(period.first - dates.first)));
        prop_assert!(dates.count().abs_diff(period.count()) <= 1);
        let weeks = reference_days(period, Reference::LastYearSameWeekdays).unwrap();
        prop_assert_eq!((period.first - weeks.first) % 7, 0);
        prop_assert_eq!(weeks.count(), period.count());
        let trailing = reference_days(period, Reference::Trailing { days: 28, gap: 2 }).unwrap();
        prop_assert_eq!((trailing.count(), period.first - trailing.last), (28, 3));
    }
}
