//! Numbers and dates as the reader writes them. A value that cannot be said is a dash, never 0 or NaN.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    lang::Lang,
    texts::{NARROW, Texts},
};
use crate::{
    assess::{DAY_REPLICATES, REPLICATES, assessment::Period},
    measure::proportion::Estimate,
};

/// What stands for a number that cannot be said.
pub(crate) const DASH: &str = "–";

impl Texts {
    /// A count: `12 345` or `12,345`, with a narrow no-break space in French.
    pub fn int(&self, n: u64) -> String {
        self.group(&n.to_string())
    }

    /// A number with so many decimals.
    pub fn dec(&self, x: f64, decimals: usize) -> String {
        if !x.is_finite() {
            return DASH.to_owned();
        }
        let plain = format!("{:.decimals$}", x.abs());
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let minus = if x < 0.0 && plain.bytes().any(|b| b.is_ascii_digit() && b != b'0') { "−" } else { "" };
        let whole = self.group(whole);
        match (fraction, self.lang) {
            ("", _) => format!("{minus}{whole}"),
            (_, Lang::Fr) => format!("{minus}{whole},{fraction}"),
            (_, Lang::En) => format!("{minus}{whole}.{fraction}"),
        }
    }

    fn group(&self, digits: &str) -> String {
        let separator = if self.lang == Lang::Fr { NARROW } else { ',' };
        let mut out = String::with_capacity(digits.len() + 4);
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(c);
        }
        out
    }

    /// `%` with the space that the language puts before it.
    fn percent_sign(&self) -> String {
        if self.lang == Lang::Fr { format!("{NARROW}%") } else { "%".to_owned() }
    }

    /// A fraction as a percentage with one decimal; what would round to 0 or 100 without being so says `<` or `>`.
    pub fn pct(&self, x: Option<f64>) -> String {
        let Some(x) = x.filter(|x| x.is_finite()) else { return DASH.to_owned() };
        let sign = self.percent_sign();
        if x > 0.0 && x < 0.0005 {
            format!("<{NARROW}{}{sign}", self.dec(0.1, 1))
        } else if (0.9995..1.0).contains(&x) {
            format!(">{NARROW}{}{sign}", self.dec(99.9, 1))
        } else {
            format!("{}{sign}", self.dec(x * 100.0, 1))
        }
    }

    /// A code's share of the predictions: two decimals, for most codes are rare.
    pub fn share(&self, x: f64) -> String {
        format!("{}{}", self.dec(x * 100.0, 2), self.percent_sign())
    }

    /// A whole percentage, for axes.
    pub fn pct0(&self, x: f64) -> String {
        format!("{}{}", self.dec(x * 100.0, 0), self.percent_sign())
    }

    /// A difference of shares in percentage points, signed.
    pub fn points(&self, x: f64, decimals: usize) -> String {
        format!("{}{NARROW}{}", self.signed(x * 100.0, decimals), self.s("unit.points"))
    }

    fn signed(&self, x: f64, decimals: usize) -> String {
        let plus = if x > 0.0 { "+" } else { "" };
        format!("{plus}{}", self.dec(x, decimals))
    }

    /// `[77,1 ; 79,2]` in percent without its sign; empty where there is no interval.
    pub fn interval(&self, estimate: &Estimate) -> String {
        self.interval_of(estimate, 1)
    }

    /// The same with so many decimals.
    pub fn interval_of(&self, estimate: &Estimate, decimals: usize) -> String {
        let (Some(lower), Some(upper)) = (estimate.lower, estimate.upper) else { return String::new() };
        let (lower, upper) = (self.dec(lower * 100.0, decimals), self.dec(upper * 100.0, decimals));
        match self.lang {
            Lang::Fr => format!("[{lower}{NARROW};\u{a0}{upper}]"),
            Lang::En => format!("[{lower},\u{a0}{upper}]"),
        }
    }

    /// A percentage with its interval after it.
    pub fn pct_interval(&self, estimate: &Estimate) -> String {
        let interval = self.interval(estimate);
        let point = self.pct(estimate.estimate);
        if interval.is_empty() { point } else { format!("{point} {interval}") }
    }

    /// A number that is no share, with its interval after it: `0,62 [0,55 ; 0,68]`.
    pub fn dec_interval(&self, estimate: &Estimate, decimals: usize) -> String {
        let bracket = self.dec_bracket(estimate, decimals);
        let space = if bracket.is_empty() { "" } else { " " };
        format!("{}{space}{bracket}", self.dec_or_dash(estimate.estimate, decimals))
    }

    /// Decimals, or a dash.
    pub fn dec_or_dash(&self, value: Option<f64>, decimals: usize) -> String {
        value.map_or_else(|| DASH.to_owned(), |x| self.dec(x, decimals))
    }

    /// Decimals between brackets; empty where there is no interval.
    pub fn dec_bracket(&self, estimate: &Estimate, decimals: usize) -> String {
        let (Some(lower), Some(upper)) = (estimate.lower, estimate.upper) else { return String::new() };
        self.bracket(&self.dec(lower, decimals), &self.dec(upper, decimals))
    }

    /// Signed points between brackets, without their unit; empty where there is no interval.
    pub fn points_bracket(&self, estimate: &Estimate, decimals: usize) -> String {
        let (Some(lower), Some(upper)) = (estimate.lower, estimate.upper) else { return String::new() };
        self.bracket(&self.signed(lower * 100.0, decimals), &self.signed(upper * 100.0, decimals))
    }

    /// A difference in points with its interval after it.
    pub fn points_interval(&self, estimate: &Estimate, decimals: usize) -> String {
        let point = estimate.estimate.map_or_else(|| DASH.to_owned(), |x| self.points(x, decimals));
        let interval = self.points_bracket(estimate, decimals);
        if interval.is_empty() { point } else { format!("{point} {interval}") }
    }

    fn bracket(&self, lower: &str, upper: &str) -> String {
        match self.lang {
            Lang::Fr => format!("[{lower}{NARROW};\u{a0}{upper}]"),
            Lang::En => format!("[{lower},\u{a0}{upper}]"),
        }
    }

    /// A distance between distributions: four decimals, `< 0,0001` below.
    pub fn distance(&self, x: f64) -> String {
        if x > 0.0 && x < 0.0001 { format!("<{NARROW}{}", self.dec(0.0001, 4)) } else { self.dec(x, 4) }
    }

    /// A p-value: three decimals, `< 0,001` below, and `≤ 0,002` where no permutation could have given less.
    pub fn p_value(&self, p: f64) -> String {
        if !p.is_finite() {
            DASH.to_owned()
        } else if [REPLICATES, DAY_REPLICATES].iter().any(|n| p == 1.0 / f64::from(n + 1)) {
            format!("≤{NARROW}{}", self.dec(p, 3))
        } else if p < 0.001 {
            format!("<{NARROW}{}", self.dec(0.001, 3))
        } else {
            self.dec(p, if p < 0.1 { 3 } else { 2 })
        }
    }

    /// `p = 0,032` or `p < 0,001`, of a p-value or a q-value.
    pub fn p_phrase(&self, letter: &str, p: f64) -> String {
        let value = self.p_value(p);
        match value.chars().next().filter(|c| ['<', '≤'].contains(c)) {
            Some(sign) => {
                let bound = value.trim_start_matches(sign).trim_start_matches(NARROW);
                format!("{letter}\u{a0}{sign}\u{a0}{bound}")
            }
            None => format!("{letter}\u{a0}=\u{a0}{value}"),
        }
    }

    /// A duration in milliseconds, or in seconds from one second on.
    pub fn ms(&self, ms: Option<f64>) -> String {
        match ms.filter(|ms| ms.is_finite()) {
            None => DASH.to_owned(),
            Some(ms) if ms >= 1000.0 => format!("{}{NARROW}s", self.dec(ms / 1000.0, 2)),
            Some(ms) => format!("{}{NARROW}ms", self.dec(ms, usize::from(ms < 99.95))),
        }
    }

    /// A rate given a second: a second, or an hour when it is slower than one a second.
    pub fn rate(&self, per_second: Option<f64>) -> String {
        match per_second.filter(|x| x.is_finite()) {
            None => DASH.to_owned(),
            Some(x) if x >= 1.0 => format!("{}{NARROW}{}", self.dec(x, 1), self.s("unit.per_second")),
            Some(x) => {
                let hourly = x * 3600.0;
                let decimals = usize::from(hourly < 10.0);
                format!("{}{NARROW}{}", self.dec(hourly, decimals), self.s("unit.per_hour"))
            }
        }
    }

    /// A day in full: `23 novembre 2026`; as it came when it is no date.
    pub fn day(&self, day: &str) -> String {
        match day.parse::<Date>() {
            Ok(date) => format!("{} {}", self.day_month(date), date.year()),
            Err(_) => day.to_owned(),
        }
    }

    fn day_month(&self, date: Date) -> String {
        format!("{}\u{a0}{}", self.day_of_month(date), self.s(&format!("month.m{}", date.month())))
    }

    fn day_of_month(&self, date: Date) -> String {
        if self.lang == Lang::Fr && date.day() == 1 { "1er".to_owned() } else { date.day().to_string() }
    }

    /// A day in brief, for axes: `23 nov.`.
    pub(crate) fn day_brief(&self, date: Date) -> String {
        format!("{}\u{a0}{}", self.day_of_month(date), self.s(&format!("month.b{}", date.month())))
    }

    /// A run of days: `du 26 août au 23 novembre 2026`.
    pub fn period(&self, period: &Period) -> String {
        let (Ok(from), Ok(to)) = (period.from.parse::<Date>(), period.to.parse::<Date>()) else {
            return self.f("unit.period", &[("from", &period.from), ("to", &period.to)]);
        };
        if from == to {
            return self.f("unit.single_day", &[("day", &self.day(&period.to))]);
        }
        let start = match () {
            () if (from.year(), from.month()) == (to.year(), to.month()) => self.day_of_month(from),
            () if from.year() == to.year() => self.day_month(from),
            () => self.day(&period.from),
        };
        self.f("unit.period", &[("from", &start), ("to", &self.day(&period.to))])
    }

    /// An RFC 3339 instant on the clock of `zone`; as it came when it is no instant.
    pub fn instant(&self, instant: &str, zone: &str) -> String {
        let Ok(stamp) = instant.parse::<Timestamp>() else { return instant.to_owned() };
        let zoned = stamp.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
        let day = format!("{} {}", self.day_month(zoned.date()), zoned.year());
        self.f("unit.instant", &[("day", &day), ("time", &format!("{:02}:{:02}", zoned.hour(), zoned.minute()))])
    }
}
