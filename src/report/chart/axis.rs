//! Where ticks go.

use jiff::{Span, civil::Date};

use crate::report::texts::Texts;

/// Round values that divide `[low, high]` into about `wanted` steps.
pub(crate) fn round_ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || wanted == 0 {
        return vec![low];
    }
    let raw = span / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= raw * 0.999).unwrap_or(raw);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The least round number that is not below `high`, so that the highest mark has room.
pub(crate) fn round_top(high: f64) -> f64 {
    if !high.is_finite() || high <= 0.0 {
        return 1.0;
    }
    let step = 10f64.powf(high.log10().floor()) / 2.0;
    (high / step - 1e-9).ceil() * step
}

/// A range of shares around the values, on whole tenths, within [0, 1].
pub(crate) fn share_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.filter(|v| v.is_finite()).fold((1.0f64, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let low = ((low * 10.0 + 1e-9).floor() / 10.0).max(0.0);
    let high = ((high * 10.0 - 1e-9).ceil() / 10.0).min(1.0);
    if high - low < 0.2 { ((high - 0.2).max(0.0), high.max(0.2)) } else { (low, high) }
}

/// 1, 2, 5, 10 .. between `low` and `high`, both positive.
pub(crate) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let steps: &[f64] = if last - first > 3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    (first..=last)
        .flat_map(|power| steps.iter().map(move |m| m * 10f64.powi(power)))
        .filter(|v| *v >= low * 0.999 && *v <= high * 1.001)
        .collect()
}

/// Days counted from a first one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    pub first: Date,
    pub last: Date,
}

impl Days {
    /// The days that `days` span; `None` when none of them is a date.
    pub fn spanning<'a>(days: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut dates = days.filter_map(|d| d.parse::<Date>().ok());
        let first = dates.next()?;
        let (first, last) = dates.fold((first, first), |(a, b), d| (a.min(d), b.max(d)));
        Some(Self { first, last })
    }

    /// Place of a day on the axis.
    pub fn place(self, day: &str) -> Option<f64> {
        Some(self.offset(day.parse().ok()?))
    }

    fn offset(self, date: Date) -> f64 {
        self.first.until(date).map_or(0.0, |span| f64::from(span.get_days()))
    }

    /// Last place of the axis.
    pub fn end(self) -> f64 {
        self.offset(self.last)
    }

    /// Days worth a label: every day, every Monday, the 1st and 15th, or the 1st of some months.
    pub fn ticks(self, t: &Texts) -> Vec<(f64, String)> {
        let n = self.end();
        let months = (n / 30.0 / 9.0).ceil().max(1.0) as i8;
        let wanted = |date: Date| match n {
            n if n <= 10.0 => true,
            n if n <= 45.0 => date.weekday() == jiff::civil::Weekday::Monday,
            n if n <= 140.0 => matches!(date.day(), 1 | 15),
            _ => date.day() == 1 && (date.month() - 1) % months.min(6) == 0,
        };
        let mut ticks = Vec::new();
        let mut date = self.first;
        while date <= self.last {
            if wanted(date) {
                ticks.push((self.offset(date), t.day_brief(date)));
            }
            let Ok(next) = date.checked_add(Span::new().days(1)) else { break };
            date = next;
        }
        ticks
    }
}
