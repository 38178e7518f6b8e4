//! The running mixture over bets and over starts.

/// Exponents up to this keep products within the range of a double.
const LARGE: f64 = 300.0;

/// Σ over starts `j` of `w_j` · (Σ_s c_s Π_{before j} F_s) · (Σ_k c_k Π_{from j on} G_k), up to now.
///
/// For one pair of bets the sum over starts follows Shiryaev's recursion: `S ← (S + w R) G`, `R ← R F`. So a look at
/// every start costs no more than a look at one.
#[derive(Debug, Clone)]
pub(super) struct Bank {
    /// `c_s Π F_s`, to be multiplied by `exp(scale)`.
    before: Vec<f64>,
    after: Vec<f64>,
    stakes: Vec<f64>,
    scale: f64,
}

impl Bank {
    /// `before`: the logarithm of `c_s` times what the reference gives; `stakes`: the `c_k`.
    pub(super) fn new(before: &[f64], stakes: Vec<f64>) -> Self {
        let top = before.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let scale = if top.is_finite() { top } else { 0.0 };
        let before = before.iter().map(|x| (x - scale).exp()).collect();
        Self { before, after: vec![0.0; stakes.len()], stakes, scale }
    }

    /// One more period, with the stake on a start here and the logarithms of what each bet gives in it.
    pub(super) fn step(&mut self, start: f64, before: &[f64], after: &[f64]) {
        let fresh = start * self.before.iter().sum::<f64>();
        for (sum, stake) in self.after.iter_mut().zip(&self.stakes) {
            *sum += stake * fresh;
        }
        let size = |all: &[f64]| all.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
        let largest = size(before).max(size(after));
        if !largest.is_finite() {
            // no evidence rather than a wrong one
            return;
        }
        let each = || before.iter().chain(after);
        // a large gain is applied less the largest outcome, so that what counts stays within the range of a double
        let top = if largest > LARGE {
            let logs = self.before.iter().chain(&self.after).zip(each()).map(|(value, gain)| value.ln() + gain);
            logs.fold(f64::NEG_INFINITY, f64::max)
        } else {
            0.0
        };
        if !top.is_finite() {
            return;
        }
        let mut highest = 0.0_f64;
        for (value, gain) in self.before.iter_mut().chain(&mut self.after).zip(each()) {
            *value = if largest > LARGE { (value.ln() + gain - top).exp() } else { *value * gain.exp() };
            highest = highest.max(*value);
        }
        self.scale += top;
        if highest > 0.0 && !(1e-60..1e60).contains(&highest) {
            self.rescale(highest);
        }
    }

    fn rescale(&mut self, top: f64) {
        self.scale += top.ln();
        for value in self.before.iter_mut().chain(&mut self.after) {
            *value /= top;
        }
    }

    /// `ln` of the mixture, with the stake `left` on starts still to come.
    pub(super) fn log(&self, left: f64) -> f64 {
        let sum = self.after.iter().sum::<f64>() + left * self.before.iter().sum::<f64>();
        self.scale + sum.ln()
    }
}

/// `ln(e^a + e^b)`
pub(super) fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    // also two infinities
    if high.is_finite() { high + (low - high).exp().ln_1p() } else { high }
}
