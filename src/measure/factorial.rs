//! `ln n!`, the one special function on the hot path of the permutation test.

use std::sync::LazyLock;

const TABLE: usize = 1 << 17;

/// 1 MiB, filled at the first use: a look-up is several times faster than the series.
static KNOWN: LazyLock<Box<[f64]>> = LazyLock::new(|| (0..TABLE as u64).map(stirling).collect());

/// `ln n!`
pub(super) fn ln_factorial(n: u64) -> f64 {
    match KNOWN.get(n as usize) {
        Some(known) => *known,
        None => stirling(n),
    }
}

/// Stirling's series from 16 on (relative error below 1e-15), the product before.
fn stirling(n: u64) -> f64 {
    const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;
    if n < 16 {
        const FACTORIAL: [f64; 16] = [
            1.0,
            1.0,
            2.0,
            6.0,
            24.0,
            120.0,
            720.0,
            5_040.0,
            40_320.0,
            362_880.0,
            3_628_800.0,
            39_916_800.0,
            479_001_600.0,
            6_227_020_800.0,
            87_178_291_200.0,
            1_307_674_368_000.0,
        ];
        return FACTORIAL[n as usize].ln();
    }
    let x = n as f64;
    let r = 1.0 / x;
    let r2 = r * r;
    let tail = r * (1.0 / 12.0 - r2 * (1.0 / 360.0 - r2 * (1.0 / 1260.0 - r2 / 1680.0)));
    (x + 0.5) * x.ln() - x + HALF_LN_TAU + tail
}

#[cfg(test)]
mod tests {
    use super::ln_factorial;

    #[test]
    fn agrees_with_the_product() {
        let mut exact = 0.0_f64;
        assert_eq!(ln_factorial(0), 0.0);
        for n in 1..200_000_u64 {
            exact += (n as f64).ln();
            let error = (ln_factorial(n) - exact).abs();
            assert!(error <= 1e-12 * exact.max(1.0), "{n}: {error}");
        }
    }
}
