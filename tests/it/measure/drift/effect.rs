//! Effects of one code against statsmodels, and their intervals by simulation.

use proptest::prelude::*;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::{
        effect::{difference, effect, ratio},
        verdict::{Change, change, size},
    },
    proportion::Estimate,
};

use super::super::oracle::assert_close;

/// statsmodels 0.15.0: `confint_proportions_2indep(x1, n1, x2, n2, compare="ratio", method="score", correction=False)`.
/// The first is Koopman's own example.
#[test]
fn the_ratio_matches_statsmodels() {
    for ([x1, n1, x2, n2], lower, upper) in [
        ([36.0, 40.0, 16.0, 80.0], 2.9395691922149965, 7.15222343486603),
        ([80.0, 100.0, 70.0, 100.0], 0.9731251484887933, 1.3544077418468323),
        ([8.0, 10.0, 5.0, 10.0], 0.8215637753050224, 3.5192828832311926),
        ([800.0, 1000.0, 760.0, 1000.0], 1.0047537978835428, 1.1032771958384835),
        ([900.0, 1000.0, 85.0, 100.0], 0.988215860554635, 1.1750705840470004),
        ([5.0, 731.0, 9.0, 700.0], 0.1878145741145498, 1.5052219934714952),
        ([120.0, 100_000.0, 80.0, 90_000.0], 1.0184585270778794, 1.789487033179136),
    ] {
        let found = ratio((x2, n2), (x1, n1), 0.95);
        assert_close(found.lower.unwrap(), lower, 1e-7, "lower");
        assert_close(found.upper.unwrap(), upper, 1e-7, "upper");
    }
    let gone = ratio((5.0, 50.0), (0.0, 40.0), 0.95);
    assert_eq!((gone.estimate, gone.lower), (Some(0.0), Some(0.0)));
    assert_close(gone.upper.unwrap(), 0.9096820802011082, 1e-7, "upper");
}

/// Successes among rows of which few are one: from one to the next it is a geometric number of rows.
fn binomial(rng: &mut ChaCha8Rng, rows: u64, p: f64) -> u64 {
    let next = |rng: &mut ChaCha8Rng| ((1.0 - rng.random::<f64>()).ln() / (1.0 - p).ln()).floor() + 1.0;
    let mut at = next(rng);
    let mut found = 0;
    while at <= rows as f64 {
        found += 1;
        at += next(rng);
    }
    found
}

/// Codes of which so many rows are expected in the current period, that grow or do not.
#[test]
fn intervals_cover() {
    let runs: u32 = if std::env::var_os("VIGIE_SIMULATE").is_some() { 20_000 } else { 300 };
    println!(
        "| rows before | now | share grows | 1 expected | 2 | 5 | 10 | 20 | 100 |\n|---|---|---|---|---|---|---|---|---|"
    );
    for (n, m) in [(1_000_u64, 1_000_u64), (10_000, 1_000), (10_000, 10_000), (100_000, 10_000)] {
        for grows in [1.0, 1.5, 3.0] {
            let cells = [1.0, 2.0, 5.0, 10.0, 20.0, 100.0].map(|expected| {
                let q = expected / m as f64;
                let p = q / grows;
                let mut rng = ChaCha8Rng::seed_from_u64(11);
                let mut covered = [0.0; 2];
                for _ in 0..runs {
                    let found = effect(binomial(&mut rng, n, p), n, binomial(&mut rng, m, q), m, 0.95);
                    let inside = |e: Estimate, truth: f64| {
                        let above = e.lower.is_none_or(|lower| lower <= truth + 1e-12);
                        f64::from(u8::from(above && e.upper.is_none_or(|upper| truth <= upper + 1e-12)))
                    };
                    covered[0] += inside(found.difference, q - p) / f64::from(runs);
                    covered[1] += inside(found.ratio, grows) / f64::from(runs);
                }
                let error = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
                // of a single row nothing that can come out says far too little
                let most = if expected < 2.0 { 1.0 } else { 0.97 + error };
                assert!(
                    covered.iter().all(|c| (0.935 - error..=most).contains(c)),
                    "{n}, {m}, {expected}: {covered:?}"
                );
                format!("{:.1} / {:.1}", 100.0 * covered[0], 100.0 * covered[1])
            });
            println!("| {n} | {m} | {grows} | {} |", cells.join(" | "));
        }
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
