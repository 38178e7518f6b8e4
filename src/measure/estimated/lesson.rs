//! What the labels of the reference period teach: how often each bin of the confidence is right, and how sure that is.

use crate::measure::{assisted::ScoreBin, isotonic::isotonic, weight::WeightSums};

/// Effective labels of a range of bins. Fewer make its share skewed, more leave more to the isotonic curve.
const RANGE: f64 = 30.0;

pub(super) struct Lesson {
    /// All labels.
    pub sums: WeightSums,
    promised: Vec<f64>,
    ranges: Vec<Range>,
}

/// Bins from `start` up to `end`, without it.
struct Range {
    start: usize,
    end: usize,
    /// Variance of the mean of what is promised in it.
    variance: f64,
    /// Effective labels that say so, less one.
    freedom: f64,
}

impl Lesson {
    /// `None` without labels.
    pub(super) fn of(bins: &[ScoreBin]) -> Option<Self> {
        let points: Vec<(f64, f64)> =
            bins.iter().map(|b| (b.right.total(), b.right.total() + b.wrong.total())).collect();
        let mut promised = isotonic(&points)?;
        let mut ranges = Vec::new();
        for (start, end) in joined(bins) {
            let (Some(curve), Some(bins)) = (promised.get_mut(start..end), bins.get(start..end)) else { continue };
            let (variance, n) = settle(curve, bins);
            ranges.push(Range { start, end, variance, freedom: (n - 1.0).max(1.0) });
        }
        Some(Self { sums: bins.iter().map(|bin| bin.right + bin.wrong).sum(), promised, ranges })
    }

    /// Accuracy by bin.
    pub(super) fn promised(&self) -> &[f64] {
        &self.promised
    }

    /// Of the mean of what is promised when bins count by these shares: its variance `V = Σ v_g`, and `Σ v_g²/ν_g`, from
    /// which follow the degrees of freedom (Satterthwaite 1946).
    pub(super) fn variance(&self, shares: &[f64]) -> [f64; 2] {
        let share = |range: &Range| shares.get(range.start..range.end).map_or(0.0, |shares| shares.iter().sum());
        self.ranges.iter().fold([0.0, 0.0], |[sum, squares], range| {
            let v = f64::powi(share(range), 2) * range.variance;
            [sum + v, squares + v * v / range.freedom]
        })
    }
}

/// Ranges with enough labels, from the lowest bin up; what is left over at the top joins the last.
fn joined(bins: &[ScoreBin]) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let (mut start, mut sums) = (0, WeightSums::default());
    for (at, bin) in bins.iter().enumerate() {
        sums += bin.right + bin.wrong;
        if sums.effective() >= RANGE {
            ranges.push((start, at + 1));
            (start, sums) = (at + 1, WeightSums::default());
        }
    }
    match ranges.last_mut() {
        Some(last) => last.1 = bins.len(),
        None => ranges.push((0, bins.len())),
    }
    ranges
}

/// Moves the curve of a range to where its labels are in the mean; how uncertain that is, and the effective labels.
///
/// A range whose labels are all right, or all wrong, has not shown how it varies: its variance is then that of a share
/// of `(x + 2)/(n + 4)` (Agresti and Coull 1998).
fn settle(curve: &mut [f64], bins: &[ScoreBin]) -> (f64, f64) {
    let right: WeightSums = bins.iter().map(|bin| bin.right).sum();
    let wrong: WeightSums = bins.iter().map(|bin| bin.wrong).sum();
    let (total, n) = (right.total() + wrong.total(), (right + wrong).effective());
    let weight = |bin: &ScoreBin| bin.right.total() + bin.wrong.total();
    let off = (right.total() - curve.iter().zip(bins).map(|(q, bin)| q * weight(bin)).sum::<f64>()) / total;
    if !off.is_finite() || n <= 0.0 {
        return (0.0, 0.0);
    }
    curve.iter_mut().for_each(|q| *q = (*q + off).clamp(0.0, 1.0));
    if right.n == 0 || wrong.n == 0 {
        let steady = (n * (right.total() / total).clamp(0.0, 1.0) + 2.0) / (n + 4.0);
        return (steady * (1.0 - steady) / n, n);
    }
    let square = |(q, bin): (&f64, &ScoreBin)| bin.right.squares() * (1.0 - q).powi(2) + bin.wrong.squares() * q * q;
    let plain = curve.iter().zip(bins).map(square).sum::<f64>() / (total * total);
    (plain * n / (n - 1.0).max(1.0), n)
}
