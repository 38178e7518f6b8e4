use super::State;

/// Page's cumulative sum for a rise over a known mean: `S ← max(0, S + x − target − slack)`, drift above `limit`.
///
/// *Units*: all three in those of the values. Textbook defaults for values in standard deviations: `slack` 0.5 (half the
/// smallest shift that matters), `limit` 5. For a fall, turn the sign of values and target.
///
/// Page (1954), Biometrika 41; Montgomery, *Introduction to Statistical Quality Control*, for the defaults.
///
/// ```
/// use vigie::measure::detector::{Cusum, State};
/// let mut cusum = Cusum::default();
/// let states: Vec<State> = [0.3, -0.2, 2.5, 2.5, 2.5].map(|x| cusum.update(x)).to_vec();
/// assert_eq!(states.iter().position(|&s| s == State::Drift), Some(4));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cusum {
    target: f64,
    slack: f64,
    limit: f64,
    sum: f64,
}

impl Default for Cusum {
    fn default() -> Self {
        Self::new(0.0, 0.5, 5.0)
    }
}

impl Cusum {
    pub fn new(target: f64, slack: f64, limit: f64) -> Self {
        Self { target, slack, limit, sum: 0.0 }
    }

    pub fn update(&mut self, x: f64) -> State {
        self.sum = (self.sum + x - self.target - self.slack).max(0.0);
        if self.sum > self.limit {
            self.sum = 0.0;
            return State::Drift;
        }
        State::Steady
    }

    /// The sum so far: how far from an alarm.
    pub fn statistic(&self) -> f64 {
        self.sum
    }
}
