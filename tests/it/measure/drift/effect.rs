//! Effects of one code against statsmodels, and their intervals by simulation.

use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::{
        effect::{difference, effect, ratio},
        verdict::{Change, change, size},
    },
    proportion::Estimate,
};

use super::{
    super::oracle::{assert_close, count, number, workshop_rows},
    population::Sampler,
};

#[test]
fn the_difference_matches_statsmodels() {
    for row in workshop_rows("two_proportions.csv") {
        let [k1, n1, k2, n2] = ["k1", "n1", "k2", "n2"].map(|column| count(&row, column));
        // theirs is p1 - p2
        let found = difference(k2, n2, k1, n1, 0.95);
        let close = |found: Option<f64>, column: &str| {
            assert!((found.unwrap() - number(&row, column)).abs() < 1e-9, "{column}: {found:?} in {row:?}");
        };
        close(found.lower, "ci_newcomb_lo");
        close(found.upper, "ci_newcomb_hi");
    }
}

/// statsmodels 0.15.0: `confint_proportions_2indep(x1, n1, x2, n2, compare="ratio", method="score", correction=False)`.
/// The first is Koopman's own example.
#[test]
fn the_ratio_matches_statsmodels() {
    for ([x1, n1, x2, n2], lower, upper) in [
        ([36, 40, 16, 80], 2.9395691922149965, 7.15222343486603),
        ([80, 100, 70, 100], 0.9731251484887933, 1.3544077418468323),
        ([8, 10, 5, 10], 0.8215637753050224, 3.5192828832311926),
        ([800, 1000, 760, 1000], 1.0047537978835428, 1.1032771958384835),
        ([900, 1000, 85, 100], 0.988215860554635, 1.1750705840470004),
        ([5, 731, 9, 700], 0.1878145741145498, 1.5052219934714952),
        ([120, 100_000, 80, 90_000], 1.0184585270778794, 1.789487033179136),
    ] {
        let found = ratio(x2, n2, x1, n1, 0.95);
        assert_close(found.lower.unwrap(), lower, 1e-7, "lower");
        assert_close(found.upper.unwrap(), upper, 1e-7, "upper");
    }
    let gone = ratio(5, 50, 0, 40, 0.95);
    assert_eq!((gone.estimate, gone.lower), (Some(0.0), Some(0.0)));
    assert_close(gone.upper.unwrap(), 0.9096820802011082, 1e-7, "upper");
}

/// A rare code that doubles, and a frequent one: both intervals of nominal 95 % cover.
#[test]
fn intervals_cover() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for (p, q, n) in [(0.002, 0.004, 1_000), (0.002, 0.002, 10_000), (0.1, 0.12, 500), (0.001, 0.003, 5_000)] {
        let (old, new) = (Sampler::new(&[p, 1.0 - p]), Sampler::new(&[q, 1.0 - q]));
        let (mut covered, runs) = ([0.0; 2], 100);
        for _ in 0..runs {
            let found = effect(old.draw(&mut rng, n)[0], n, new.draw(&mut rng, n)[0], n, 0.95);
            let inside = |e: Estimate, truth: f64| {
                let above = e.lower.is_none_or(|lower| lower <= truth);
                f64::from(u8::from(above && e.upper.is_none_or(|upper| truth <= upper)))
            };
            covered[0] += inside(found.difference, q - p) / f64::from(runs);
            covered[1] += inside(found.ratio, q / p) / f64::from(runs);
        }
        // three standard errors of 100 runs
        assert!(covered.iter().all(|&c| c > 0.88), "{p} to {q}, {n} rows: {covered:?}");
    }
}

#[test]
fn a_change_needs_both_answers() {
    let rows = |n: u64, a: u64, b: u64| size(difference(a, n, b, n, 0.95));
    // ten million rows: real, and of no consequence
    let small = rows(10_000_000, 100_000, 101_000);
    assert_eq!(change(Some(1e-3), 0.05, small, 0.005), Change::RealButSmall);
    assert_eq!(change(Some(1e-3), 0.05, rows(10_000, 100, 300), 0.005), Change::Real);
    assert_eq!(change(Some(0.3), 0.05, rows(10, 1, 9), 0.005), Change::None);
    assert_eq!(change(None, 0.05, small, 0.0), Change::None);
    assert_eq!(change(Some(f64::NAN), 0.05, small, 0.0), Change::None);
    assert_eq!(change(Some(0.0), 0.05, Estimate::point(0.5), 0.0), Change::RealButSmall);
}

proptest! {
    #[test]
    fn any_counts_give_an_interval_around_the_estimate(a in any::<u64>(), n in any::<u64>(), b in 0..20_u64, m in 0..30_u64) {
        let found = effect(a, n, b, m, 0.95);
        for e in [found.difference, found.ratio] {
            let values = [e.estimate, e.lower, e.upper];
            prop_assert!(values.iter().flatten().all(|x| x.is_finite()), "{e:?}");
            if let (Some(x), Some(lower)) = (e.estimate, e.lower) {
                prop_assert!(lower <= x + 1e-9 * x.abs(), "{e:?}");
            }
            if let (Some(x), Some(upper)) = (e.estimate, e.upper) {
                prop_assert!(x <= upper + 1e-9 * x.abs(), "{e:?}");
            }
        }
        prop_assert_eq!(found.difference.estimate.is_some(), n > 0 && m > 0);
    }

    #[test]
    fn swapping_the_periods_turns_the_effect_around(a in 1..40_u64, b in 1..40_u64) {
        let (one, other) = (effect(a, 50, b, 70, 0.9), effect(b, 70, a, 50, 0.9));
        prop_assert!((one.difference.lower.unwrap() + other.difference.upper.unwrap()).abs() < 1e-9);
        prop_assert!((one.ratio.lower.unwrap() * other.ratio.upper.unwrap() - 1.0).abs() < 1e-7);
    }
}
