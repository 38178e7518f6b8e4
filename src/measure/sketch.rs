//! DDSketch: latency quantiles with a guaranteed relative error, from bins that add up.

/// Relative error of every quantile.
pub const ALPHA: f64 = 0.01;

/// Smallest value told from zero, in the unit of the values (1 µs for milliseconds).
pub const SMALLEST: f64 = 1e-3;

/// Greatest value told from infinity (11 days for milliseconds).
pub const LARGEST: f64 = 1e9;

/// The bin of values below [`SMALLEST`]; comes before every other bin.
pub const ZERO_BIN: i32 = -346;

/// `ln γ` with `γ = (1 + α)/(1 − α)`.
fn ln_gamma() -> f64 {
    ((1.0 + ALPHA) / (1.0 - ALPHA)).ln()
}

/// The bin of a value: the `i` with `γ^(i−1) < value ≤ γ^i`, `γ = (1 + α)/(1 − α)`.
///
/// Below [`SMALLEST`] (negative and NaN too) it is [`ZERO_BIN`], above [`LARGEST`] the bin of that value. Two sketches
/// merge by adding the counts of equal bins. Masson, Rim and Lee (2019), PVLDB 12(12).
///
/// ```
/// use vigie::measure::sketch::{ALPHA, bin, value};
/// let latency = 123.4;
/// assert!((value(bin(latency)) - latency).abs() <= ALPHA * latency);
/// ```
pub fn bin(value: f64) -> i32 {
    if value.is_nan() || value < SMALLEST {
        return ZERO_BIN;
    }
    (value.min(LARGEST).ln() / ln_gamma()).ceil() as i32
}

/// The value that stands for a bin, `2 γ^i / (γ + 1)`: within [`ALPHA`] of everything in it. 0 for [`ZERO_BIN`].
pub fn value(bin: i32) -> f64 {
    if bin <= ZERO_BIN {
        return 0.0;
    }
    let bin = bin.min(self::bin(LARGEST));
    (1.0 - ALPHA) * (f64::from(bin) * ln_gamma()).exp()
}

/// The nearest-rank `q`-quantile of a sketch: the value of the bin that holds the row of rank `max(1, ⌈q n⌉)`.
///
/// Within a relative error of [`ALPHA`] of the exact nearest-rank quantile (an absolute error of [`SMALLEST`] below
/// that). `bins` are (bin, count), sorted by bin, each bin once or more. `None` when empty or when `q` is outside
/// [0, 1].
///
/// ```
/// use vigie::measure::sketch::{bin, quantile};
/// let bins = [(bin(10.0), 98), (bin(1000.0), 2)];
/// assert!((quantile(&bins, 0.5).unwrap() - 10.0).abs() <= 0.1);
/// assert!((quantile(&bins, 0.99).unwrap() - 1000.0).abs() <= 10.0);
/// assert_eq!(quantile(&[], 0.5), None);
/// ```
pub fn quantile(bins: &[(i32, u64)], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let n: u128 = bins.iter().map(|&(_, count)| u128::from(count)).sum();
    let rank = ((q * n as f64).ceil() as u128).clamp(1, n.max(1));
    let mut seen = 0_u128;
    for &(bin, count) in bins {
        seen += u128::from(count);
        if seen >= rank {
            return Some(value(bin));
        }
    }
    None
}
