use serde::{Deserialize, Serialize};

use super::State;

/// Buckets of one size before two are merged.
const MOST_BUCKETS: usize = 5;

/// ADWIN: a window that drops its older part when two parts of it differ.
///
/// The window is kept as an exponential histogram (at most 5 buckets of each size `2^r`). Every `clock` rows, each
/// border between buckets splits it into an older part of `n₀` rows and a newer one of `n₁`. Drift where the means differ by
/// more than `ε = √(2 v d / m) + 2 d / (3 m)`, `d = ln(2 ln n / δ)`, `v` the variance of the window, `1/m = 1/n₀ + 1/n₁`;
/// then the oldest bucket goes, and again until no border differs.
///
/// As in MOA and River `n₀` and `n₁` are lessened by `least_part − 1`, and parts shorter than `least_part` are not looked at.
/// Unlike River's, which leaves out the newest bucket of each size (its issues 1539 and 1614), every border is looked at.
/// Defaults: δ .002, every 32 rows, from 10 rows on, parts of 5.
///
/// Bifet and Gavaldà (2007), "Learning from time-changing data with adaptive windowing", SDM.
///
/// ```
/// use vigie::measure::detector::{Adwin, State};
/// let mut adwin = Adwin::default();
/// let x = (0..1_000).map(|i| if i < 500 { 0.2 } else { 0.8 });
/// let at = x.map(|x| adwin.update(x)).position(|s| s == State::Drift);
/// // at the check after 512 rows the newer part is still too short
/// assert_eq!(at, Some(543));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adwin {
    settings: Settings,
    /// By size; the oldest first in each.
    rows: Vec<Vec<Bucket>>,
    window: Part,
    ticks: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    total: f64,
    squares: f64,
}

/// Rows, their sum, and the sum of squares about their mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Part {
    n: f64,
    total: f64,
    squares: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub delta: f64,
    pub clock: u64,
    pub grace: u64,
    pub least_part: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, grace: 10, least_part: 5.0 }
    }
}

impl Adwin {
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    pub fn update(&mut self, x: f64) -> State {
        self.window = self.window.plus(Part { n: 1.0, total: x, squares: 0.0 });
        self.insert(0, Bucket { total: x, squares: 0.0 });
        self.ticks += 1;
        if !self.ticks.is_multiple_of(self.settings.clock.max(1)) || self.window.n <= self.settings.grace as f64 {
            return State::Steady;
        }
        let mut state = State::Steady;
        while self.differs() && self.drop_oldest() {
            state = State::Drift;
        }
        state
    }

    /// Rows in the window.
    pub fn width(&self) -> f64 {
        self.window.n
    }

    /// Mean of the window; 0 when empty.
    pub fn estimate(&self) -> f64 {
        if self.window.n > 0.0 { self.window.total / self.window.n } else { 0.0 }
    }

    fn insert(&mut self, size: usize, bucket: Bucket) {
        if self.rows.len() <= size {
            self.rows.resize(size + 1, Vec::new());
        }
        let Some(row) = self.rows.get_mut(size) else { return };
        row.push(bucket);
        if row.len() > MOST_BUCKETS {
            let n = length(size);
            let part = |b: Bucket| Part { n, total: b.total, squares: b.squares };
            let merged = part(row.remove(0)).plus(part(row.remove(0)));
            self.insert(size + 1, Bucket { total: merged.total, squares: merged.squares });
        }
    }

    fn differs(&self) -> bool {
        let least = self.settings.least_part;
        let trust = (2.0 * self.window.n.ln() / self.settings.delta).ln();
        let variance = self.window.squares / self.window.n;
        let (mut n, mut total) = (0.0, 0.0);
        for (size, row) in self.rows.iter().enumerate().rev() {
            for bucket in row {
                n += length(size);
                total += bucket.total;
                let newer = self.window.n - n;
                if n < least || newer < least {
                    continue;
                }
                let inverse = 1.0 / (n - least + 1.0) + 1.0 / (newer - least + 1.0);
                let cut = (2.0 * inverse * variance * trust).sqrt() + 2.0 / 3.0 * trust * inverse;
                if (total / n - (self.window.total - total) / newer).abs() > cut {
                    return true;
                }
            }
        }
        false
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(size) = self.rows.len().checked_sub(1) else { return false };
        let Some(row) = self.rows.last_mut().filter(|row| !row.is_empty()) else { return false };
        let gone = row.remove(0);
        self.window = self.window.minus(Part { n: length(size), total: gone.total, squares: gone.squares });
        while self.rows.last().is_some_and(Vec::is_empty) {
            self.rows.pop();
        }
        true
    }
}

fn length(size: usize) -> f64 {
    2.0_f64.powi(i32::try_from(size).unwrap_or(i32::MAX))
}

impl Part {
    fn plus(self, other: Self) -> Self {
        if self.n == 0.0 {
            return other;
        }
        let n = self.n + other.n;
        let between = (self.total / self.n - other.total / other.n).powi(2) * self.n * other.n / n;
        Self { n, total: self.total + other.total, squares: self.squares + other.squares + between }
    }

    fn minus(self, other: Self) -> Self {
        let (n, total) = (self.n - other.n, self.total - other.total);
        if n <= 0.0 {
            return Self::default();
        }
        let between = (total / n - other.total / other.n).powi(2) * n * other.n / self.n;
        Self { n, total, squares: (self.squares - other.squares - between).max(0.0) }
    }
}
