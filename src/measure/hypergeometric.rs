//! The hypergeometric distribution: how many of `marked` rows fall into a sample of `sample` out of `rows`.

use rand::Rng;

use super::factorial::ln_factorial;

/// Below this, rows are dealt one by one.
const URN: u64 = 10;

/// Above this many rows `ln n!` is too coarse: the normal law takes over (its error is far smaller there).
const COARSE: u64 = 1 << 40;

/// One draw. Arguments beyond `rows` count as `rows`.
///
/// By urn for small tables, else by ratio of uniforms: Stadlober (1990), Computing 44 (algorithm HRUA).
pub(super) fn draw(rng: &mut impl Rng, rows: u64, marked: u64, sample: u64) -> u64 {
    let (marked, sample) = (marked.min(rows), sample.min(rows));
    // the complements of both are drawn more cheaply when smaller
    let few_marked = marked.min(rows - marked);
    let few_sample = sample.min(rows - sample);
    let (small, large) = (few_marked.min(few_sample), few_marked.max(few_sample));
    let x = if small <= URN {
        urn(rng, rows, small, large)
    } else if rows > COARSE {
        normal(rng, rows, small, large)
    } else {
        ratio_of_uniforms(rng, rows, small, large)
    };
    let x = if few_sample == sample { x } else { few_marked - x };
    if few_marked == marked { x } else { sample - x }
}

fn urn(rng: &mut impl Rng, mut rows: u64, draws: u64, mut marked: u64) -> u64 {
    let before = marked;
    for _ in 0..draws {
        marked -= u64::from(rng.random_range(0..rows) < marked);
        rows -= 1;
    }
    before - marked
}

fn ratio_of_uniforms(rng: &mut impl Rng, rows: u64, marked: u64, sample: u64) -> u64 {
    const D1: f64 = 1.715_527_769_921_413_5; // 2 √(2/e)
    const D2: f64 = 0.898_916_162_058_898_8; // 3 − 2 √(3/e)
    let (mean, variance) = moments(rows, marked, sample);
    let center = mean + 0.5;
    let spread = (variance + 0.5).sqrt();
    let width = D1 * spread + D2;
    let others = rows - marked - sample;
    let ln_inverse =
        |x: u64| ln_factorial(x) + ln_factorial(marked - x) + ln_factorial(sample - x) + ln_factorial(others + x);
    let mode = ((sample + 1) as f64 * (marked + 1) as f64 / (rows + 2) as f64) as u64;
    let at_mode = ln_inverse(mode.min(marked));
    let end = ((marked + 1) as f64).min((center + 16.0 * spread).floor());
    loop {
        let u = 1.0 - rng.random::<f64>();
        let y = center + width * (rng.random::<f64>() - 0.5) / u;
        if !(0.0..end).contains(&y) {
            continue;
        }
        let x = y as u64;
        let t = at_mode - ln_inverse(x);
        if u * (4.0 - u) - 3.0 <= t {
            return x;
        }
        if u * (u - t) < 1.0 && 2.0 * u.ln() <= t {
            return x;
        }
    }
}

/// By the polar method, rounded and kept in the support.
fn normal(rng: &mut impl Rng, rows: u64, marked: u64, sample: u64) -> u64 {
    let (mean, variance) = moments(rows, marked, sample);
    loop {
        let (x, y) = (2.0 * rng.random::<f64>() - 1.0, 2.0 * rng.random::<f64>() - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            let z = x * (-2.0 * square.ln() / square).sqrt();
            return ((mean + z * variance.sqrt()).round().max(0.0) as u64).min(marked);
        }
    }
}

fn moments(rows: u64, marked: u64, sample: u64) -> (f64, f64) {
    let (n, k, m) = (rows as f64, marked as f64, sample as f64);
    let mean = m * (k / n);
    let variance = mean * (1.0 - k / n) * ((n - m) / (n - 1.0).max(1.0));
    (mean, variance)
}

/// `1 + r₁ + r₁r₂ + ...` until terms no longer count: a tail whose terms have these ratios, over its first.
pub(super) fn series(ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::{draw, ln_factorial};

    /// Chi-squared of many draws against the probability function.
    #[test]
    fn draws_follow_the_law() {
        let choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        let cases =
            [(30, 12, 9), (30, 25, 20), (1000, 40, 500), (1000, 300, 40), (5000, 4600, 4000), (100_000, 400, 3000)];
        for (rows, marked, sample) in cases {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let draws = 100_000;
            let mut seen = std::collections::BTreeMap::<u64, u64>::new();
            for _ in 0..draws {
                *seen.entry(draw(&mut rng, rows, marked, sample)).or_default() += 1;
            }
            let (low, high) = ((marked + sample).saturating_sub(rows), marked.min(sample));
            assert!(seen.keys().all(|x| (low..=high).contains(x)));
            let (mut chi2, mut cells) = (0.0, 0.0);
            for x in low..=high {
                let p = (choose(marked, x) + choose(rows - marked, sample - x) - choose(rows, sample)).exp();
                let expected = p * f64::from(draws);
                if expected >= 5.0 {
                    chi2 += (seen.get(&x).copied().unwrap_or(0) as f64 - expected).powi(2) / expected;
                    cells += 1.0;
                }
            }
            let z = (chi2 - cells) / (2.0_f64 * cells).sqrt();
            assert!(z < 4.0, "{rows} {marked} {sample}: chi2 {chi2} over {cells}");
        }
    }

    #[test]
    fn extreme_arguments_stay_in_the_support() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for rows in [0, 1, 2, 100, u64::MAX] {
            for marked in [0, 1, rows / 2, rows] {
                for sample in [0, 1, rows / 3, rows] {
                    let x = u128::from(draw(&mut rng, rows, marked, sample));
                    let (n, k, m) = (u128::from(rows), u128::from(marked.min(rows)), u128::from(sample.min(rows)));
                    assert!(x <= k.min(m) && x + n >= k + m, "{rows} {marked} {sample} -> {x}");
                }
            }
        }
    }
}
