use serde::{Deserialize, Serialize};

use super::State;

/// The Page-Hinkley test for a change of the mean, either way, against the running mean.
///
/// `U ← α U + (x − mean) − δ`, drift when `U` is `threshold` above its lowest; for a fall `L ← α L + (x − mean) + δ`,
/// drift when it is `threshold` below its highest. Nothing is said before `least_rows`.
///
/// *Units*: `delta` and `threshold` in those of the values. The defaults (30 rows, 0.005, 50, 0.9999) are those of River
/// and scikit-multiflow.
///
/// Page (1954), Biometrika 41; Hinkley (1971), Biometrika 58; Mouss et al. (2004), 5th Asian Control Conference.
///
/// ```
/// use vigie::measure::detector::{PageHinkley, State, page_hinkley::Settings};
/// let mut test = PageHinkley::new(Settings { threshold: 5.0, ..Settings::default() });
/// let x = (0..200).map(|i| if i < 100 { 0.0 } else { 1.0 });
/// assert_eq!(x.map(|x| test.update(x)).position(|s| s == State::Drift), Some(105));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageHinkley {
    settings: Settings,
    rows: u64,
    mean: f64,
    sums: Sums,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub least_rows: u64,
    pub delta: f64,
    pub threshold: f64,
    pub alpha: f64,
    /// Only rises are looked for.
    pub only_up: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { least_rows: 30, delta: 0.005, threshold: 50.0, alpha: 0.9999, only_up: false }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Sums {
    up: f64,
    lowest: f64,
    down: f64,
    highest: f64,
}

impl Default for Sums {
    fn default() -> Self {
        Self { up: 0.0, lowest: f64::INFINITY, down: 0.0, highest: f64::NEG_INFINITY }
    }
}

impl PageHinkley {
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    pub fn update(&mut self, x: f64) -> State {
        let Settings { least_rows, delta, threshold, alpha, .. } = self.settings;
        self.rows += 1;
        self.mean += (x - self.mean) / self.rows as f64;
        let off = x - self.mean;
        let sums = &mut self.sums;
        sums.up = alpha * sums.up + off - delta;
        sums.down = alpha * sums.down + off + delta;
        sums.lowest = sums.lowest.min(sums.up);
        sums.highest = sums.highest.max(sums.down);
        if self.rows < least_rows || self.statistic() <= threshold {
            return State::Steady;
        }
        *self = Self::new(self.settings);
        State::Drift
    }

    /// Begins the sums anew and keeps the mean: after rows known to be good.
    pub fn restart(&mut self) {
        self.sums = Sums::default();
    }

    /// How far from the lowest, or highest, so far: drift above the threshold.
    pub fn statistic(&self) -> f64 {
        let Sums { up, lowest, down, highest } = self.sums;
        if lowest.is_infinite() {
            return 0.0;
        }
        let rise = up - lowest;
        if self.settings.only_up { rise } else { rise.max(highest - down) }
    }
}
