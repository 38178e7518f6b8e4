use serde::{Deserialize, Serialize};

use super::State;

/// DDM, for a rise of the share of errors.
///
/// With `p` the share of errors so far and `s = √(p(1−p)/n)`: warning when `p + s > p_min + 2 s_min`, drift when above
/// `p_min + 3 s_min`, where `p_min` and `s_min` are from the row with the lowest `p + s`. Nothing is said up to `warm_up`
/// rows. Defaults of the paper: 30, 2, 3.
///
/// *Edge cases*: until the first error `s_min` is 0, so the first error after the warm-up alarms: the known weakness with
/// rare errors.
///
/// Gama, Medas, Castillo and Rodrigues (2004), "Learning with drift detection", SBIA.
///
/// ```
/// use vigie::measure::detector::{Ddm, State};
/// let mut ddm = Ddm::default();
/// let errors = (0..400).map(|i| if i < 200 { i % 10 == 0 } else { i % 2 == 0 });
/// let states: Vec<State> = errors.map(|error| ddm.update(error)).collect();
/// assert!(states[..200].iter().all(|&s| s == State::Steady));
/// assert!(states[200..240].contains(&State::Drift));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ddm {
    settings: Settings,
    rows: u64,
    p: f64,
    least: Least,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub warm_up: u64,
    pub warning: f64,
    pub drift: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { warm_up: 30, warning: 2.0, drift: 3.0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Least {
    p: f64,
    s: f64,
}

impl Default for Least {
    fn default() -> Self {
        Self { p: f64::INFINITY, s: 0.0 }
    }
}

impl Ddm {
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    pub fn update(&mut self, error: bool) -> State {
        self.rows += 1;
        self.p += (f64::from(u8::from(error)) - self.p) / self.rows as f64;
        if self.rows <= self.settings.warm_up {
            return State::Steady;
        }
        let s = self.spread();
        if self.p + s <= self.least.p + self.least.s {
            self.least = Least { p: self.p, s };
        }
        // compared as sums, as in the paper: s_min may be 0
        let beyond = |width: f64| self.p + s > self.least.p + width * self.least.s;
        if beyond(self.settings.drift) {
            *self = Self::new(self.settings);
            State::Drift
        } else if beyond(self.settings.warning) {
            State::Warning
        } else {
            State::Steady
        }
    }

    /// `(p + s − p_min)/s_min`, how many standard deviations above the best so far; 0 within the warm-up, infinite where
    /// `s_min` is 0 and something is above it.
    pub fn statistic(&self) -> f64 {
        let above = self.p + self.spread() - self.least.p;
        if self.rows <= self.settings.warm_up || above <= 0.0 { 0.0 } else { above / self.least.s }
    }

    fn spread(&self) -> f64 {
        (self.p * (1.0 - self.p) / self.rows.max(1) as f64).sqrt()
    }
}
