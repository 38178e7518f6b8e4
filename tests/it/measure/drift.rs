//! Drift of a distribution: distances, tests, and in the files below its tree, effects, days and revisions.

mod crosswalk;
mod dispersion;
mod effect;
mod excess;
mod hierarchy;
mod peer_defaults;
mod population;
mod reference;

use std::time::Instant;

use proptest::prelude::*;
use vigie::measure::drift::{PValueMethod, categorical_drift, category_drift, fisher::fisher_exact};

use super::oracle::{assert_close, count, number, rows, workshop_rows};

/// SciPy and NumPy, with 20,000 tables drawn by NumPy for the null: sparse and dense, no drift and drift.
#[test]
fn matches_scipy_and_its_permutations() {
    let counts = rows("two_sample_counts.csv");
    for row in rows("two_sample_distances.csv") {
        let other = row["pair"].strip_prefix("ref_").unwrap();
        let cells = counts.iter().filter(|cell| cell["table"] == row["table"]);
        let (reference, current): (Vec<u64>, Vec<u64>) =
            cells.map(|cell| (count(cell, "ref"), count(cell, other))).unzip();
        let asymptotic = categorical_drift(&reference, &current, 0, 0).unwrap();
        let close = |found: f64, column: &str| assert_close(found, number(&row, column), 1e-9, column);
        close(f64::from(asymptotic.categories), "cells");
        close(asymptotic.distances.total_variation, "tvd");
        close(asymptotic.distances.hellinger, "hellinger");
        close(asymptotic.distances.jensen_shannon, "js_distance_base2");
        // that file smooths cells which neither sample has, too; the file below does not
        if u64::from(asymptotic.categories) == reference.len() as u64 {
            close(asymptotic.distances.psi, "psi_half");
        }
        close(asymptotic.chi2.statistic, "chi2");
        close(f64::from(asymptotic.chi2.df), "df");
        close(asymptotic.g.statistic, "g");
        assert_close(asymptotic.chi2.p_value, number(&row, "chi2_p"), 1e-6, "chi2_p");
        assert_close(asymptotic.g.p_value, number(&row, "g_p"), 1e-6, "g_p");

        let drift = categorical_drift(&reference, &current, 2_000, 1).unwrap();
        assert_close(drift.null.total_variation, number(&row, "null_tvd_mean"), 0.01, "null tv");
        if drift.p_value_method == PValueMethod::Permutation {
            let p = number(&row, "permutation_p");
            let noise = 4.0 * (p * (1.0 - p) / 2_000.0).sqrt() + 1e-3;
            assert!((drift.chi2.p_value - p).abs() < noise, "{}: {row:?}", drift.chi2.p_value);
        }
    }
}

/// SciPy and NumPy over 732 codes, up to a million rows.
#[test]
fn matches_scipy_over_732_codes() {
    let table = workshop_rows("k732_counts.csv");
    for row in workshop_rows("k732_drift_scipy.csv") {
        let other = row["pair"].strip_prefix("ref_vs_").unwrap();
        let cells = table.iter().filter(|cell| count(cell, "n") == count(&row, "n"));
        let (reference, current): (Vec<u64>, Vec<u64>) =
            cells.map(|cell| (count(cell, "ref"), count(cell, other))).unzip();
        let found = categorical_drift(&reference, &current, 0, 0).unwrap();
        let close = |found: f64, column: &str| assert_close(found, number(&row, column), 1e-9, column);
        close(f64::from(found.categories), "bins");
        close(found.distances.total_variation, "tvd");
        close(found.distances.hellinger, "hellinger");
        close(found.distances.jensen_shannon, "js_dist_base2");
        close(found.distances.psi, "psi_half_smoothed");
        close(found.chi2.statistic, "chi2");
        close(f64::from(found.chi2.df), "dof");
        close(found.g.statistic, "g");
        for (found, column) in [(found.chi2.p_value, "chi2_p"), (found.g.p_value, "g_p")] {
            assert!((found - number(&row, column)).abs() < 1e-8, "{column}: {found} in {row:?}");
        }
    }
}

/// Hand-computed: p = (.5, .3, .2), q = (.25, .25, .5) of 100 and 200 rows.
#[test]
fn matches_a_hand_computation() {
    let drift = categorical_drift(&[50, 30, 20], &[50, 50, 100], 99, 1).unwrap();
    assert_close(drift.distances.total_variation, 0.3, 1e-12, "tv");
    // chi2: expected 33.33, 26.67, 40 and twice that
    let chi2 = 1.5
        * (16.666_666_666_666_668_f64.powi(2) / 33.333_333_333_333_336
            + 3.333_333_333_333_333_f64.powi(2) / 26.666_666_666_666_668
            + 400.0 / 40.0);
    assert_close(drift.chi2.statistic, chi2, 1e-12, "chi2");
    // df = 2: the tail is exp(-x/2)
    assert_close(drift.chi2.p_value, (-chi2 / 2.0).exp(), 1e-9, "p");
    let g = 2.0
        * (50.0 * 1.5_f64.ln()
            + 30.0 * 1.125_f64.ln()
            + 20.0 * 0.5_f64.ln()
            + 50.0 * 0.75_f64.ln()
            + 50.0 * 0.9375_f64.ln()
            + 100.0 * 1.25_f64.ln());
    assert_close(drift.g.statistic, g, 1e-12, "g");
    let affinity = 0.125_f64.sqrt() + 0.075_f64.sqrt() + 0.1_f64.sqrt();
    assert_close(drift.distances.hellinger, (1.0 - affinity).sqrt(), 1e-12, "hellinger");
    let js = 0.5 * (0.5 * (0.5 / 0.375_f64).log2() + 0.3 * (0.3 / 0.275_f64).log2() + 0.2 * (0.2 / 0.35_f64).log2())
        + 0.5 * (0.25 * (0.25 / 0.375_f64).log2() + 0.25 * (0.25 / 0.275_f64).log2() + 0.5 * (0.5 / 0.35_f64).log2());
    assert_close(drift.distances.jensen_shannon, js.sqrt(), 1e-12, "js");
    let (p, q) = ([50.5 / 101.5, 30.5 / 101.5, 20.5 / 101.5_f64], [50.5 / 201.5, 50.5 / 201.5, 100.5 / 201.5_f64]);
    let psi: f64 = p.iter().zip(&q).map(|(p, q)| (p - q) * (p / q).ln()).sum();
    assert_close(drift.distances.psi, psi, 1e-12, "psi");
    assert_eq!(drift.p_value_method, PValueMethod::Asymptotic);
}

/// A 2 x 2 table's permutation p-value is Fisher's, here by one-sided symmetry 2 P(X >= 8).
#[test]
fn permutation_agrees_with_the_exact_test() {
    // scipy.stats.fisher_exact([[8, 2], [3, 7]]) = 0.06977851869492728
    let drift = categorical_drift(&[8, 2], &[3, 7], 20_000, 3).unwrap();
    assert_eq!(drift.p_value_method, PValueMethod::Permutation);
    assert!((drift.chi2.p_value - 0.06977851869492728).abs() < 0.006, "{drift:?}");
    assert!((fisher_exact(8, 10, 3, 10) - 0.06977851869492728).abs() < 1e-12);
}

/// For a dense table the mean of chi2 under the null is known: df N / (N − 1); of TV, by the normal law.
#[test]
fn null_distances_have_their_known_mean() {
    let even = [1000_u64; 50];
    let drift = categorical_drift(&even, &even, 400, 5).unwrap();
    // E|p − q| with p − q of variance 2/K (1 − 1/K)/n each
    let n = 50_000.0_f64;
    let spread = (2.0 / 50.0 * (1.0 - 1.0 / 50.0) / n).sqrt();
    let tv = 50.0 / 2.0 * spread * (2.0 / std::f64::consts::PI).sqrt();
    assert_close(drift.null.total_variation, tv, 0.02, "total variation");
    // PSI ~ chi2 (1/n + 1/m)
    assert_close(drift.null.psi, 49.0 * 2.0 / n, 0.04, "psi");
    assert_close(drift.null.hellinger, (49.0 / 4.0 / n).sqrt(), 0.04, "hellinger");
    assert_eq!((drift.distances.total_variation, drift.distances.jensen_shannon), (0.0, 0.0));
}

#[test]
fn same_seed_same_answer_whatever_the_order() {
    let (reference, current) = ([9, 0, 4, 100, 1], [3, 2, 4, 120, 0]);
    let one = categorical_drift(&reference, &current, 199, 42).unwrap();
    assert_eq!(one, categorical_drift(&reference, &current, 199, 42).unwrap());
    let back = |x: [u64; 5]| x.into_iter().rev().collect::<Vec<_>>();
    let other = categorical_drift(&back(reference), &back(current), 199, 42).unwrap();
    assert_eq!((one.chi2.p_value, one.g.p_value), (other.chi2.p_value, other.g.p_value));
}

#[test]
fn edges() {
    assert_eq!(categorical_drift(&[], &[], 99, 1), None);
    assert_eq!(categorical_drift(&[0, 0], &[1, 2], 99, 1), None);
    let one = categorical_drift(&[3, 0], &[5, 0], 99, 1).unwrap();
    assert_eq!((one.categories, one.chi2.df, one.chi2.statistic, one.chi2.p_value), (1, 0, 0.0, 1.0));
    let apart = categorical_drift(&[10, 0], &[0, 10], 0, 1).unwrap();
    assert_eq!((apart.distances.total_variation, apart.null.total_variation), (1.0, 0.0));
    assert!(category_drift(&[], &[]).is_empty());
    assert_eq!(category_drift(&[0, 0], &[1, 2])[1].p_value, 1.0);
}

/// The names that contracts and pages read.
#[test]
fn serialises_flat() {
    let drift = categorical_drift(&[5, 5], &[5, 5], 9, 1).unwrap();
    let json = serde_json::to_value(drift).unwrap();
    assert_eq!(json["p_value_method"], "asymptotic");
    assert_eq!(json["total_variation"], 0.0);
    assert!(json["null"]["psi"].is_number() && json["chi2"]["df"].is_number());
}

/// SciPy `fisher_exact`, from empty tables to 200,000 rows.
#[test]
fn fisher_matches_scipy() {
    for row in rows("fisher_exact.csv") {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|cell| count(&row, cell));
        let found = fisher_exact(a, a + b, c, c + d);
        assert_close(found, number(&row, "two_sided"), 1e-8, &format!("{row:?}"));
    }
    for row in workshop_rows("two_proportions.csv") {
        let found = fisher_exact(count(&row, "k1"), count(&row, "n1"), count(&row, "k2"), count(&row, "n2"));
        assert_close(found, number(&row, "fisher_p"), 1e-8, &format!("{row:?}"));
    }
}

/// The sum over all tables, term by term.
fn fisher_by_enumeration(a: u64, n: u64, b: u64, m: u64) -> f64 {
    let ln_choose = |n: u64, k: u64| (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum::<f64>();
    let law = |x: u64| ln_choose(n, x) + ln_choose(m, a + b - x) - ln_choose(n + m, a + b);
    let support = (a + b).saturating_sub(m)..=n.min(a + b);
    support.map(law).filter(|&p| p <= law(a) + 1e-7).map(f64::exp).sum::<f64>().min(1.0)
}

/// Just below a million expected, where the exact test gives way to chi-squared, the two agree.
#[test]
fn fisher_is_continuous_at_its_shortcut() {
    let (a, n, b, m) = (997_000, 20_000_000, 1_498_000, 30_000_000);
    let large = categorical_drift(&[a, n - a], &[b, m - b], 0, 0).unwrap().chi2.p_value;
    assert!((0.01..0.2).contains(&large), "{large}");
    assert_close(fisher_exact(a, n, b, m), large, 0.005, "p");
}

proptest! {
    #[test]
    fn fisher_matches_enumeration(n in 1..60_u64, m in 1..90_u64, share in prop::array::uniform2(0.0..=1.0_f64)) {
        let (a, b) = ((share[0] * n as f64) as u64, (share[1] * m as f64) as u64);
        let found = fisher_exact(a, n, b, m);
        prop_assert!((found - fisher_by_enumeration(a, n, b, m)).abs() < 1e-10);
        prop_assert!((found - fisher_exact(b, m, a, n)).abs() < 1e-12);
        prop_assert!((found - fisher_exact(n - a, n, m - b, m)).abs() < 1e-12);
    }

    #[test]
    fn any_counts_give_numbers(
        reference in prop::collection::vec(prop_oneof![0..5_u64, 0..10_000_u64, any::<u64>()], 0..12),
        current in prop::collection::vec(prop_oneof![0..5_u64, 0..10_000_u64, any::<u64>()], 0..12),
    ) {
        if let Some(drift) = categorical_drift(&reference, &current, 5, 1) {
            let d = drift.distances;
            let numbers = [d.total_variation, d.hellinger, d.jensen_shannon, d.psi, drift.chi2.statistic, drift.g.statistic];
            prop_assert!(numbers.iter().all(|x| x.is_finite()), "{drift:?}");
            prop_assert!((0.0..=1.0).contains(&drift.chi2.p_value) && (0.0..=1.0).contains(&drift.g.p_value));
            prop_assert!(drift.null.psi.is_finite());
        }
        for code in category_drift(&reference, &current) {
            prop_assert!((0.0..=1.0).contains(&code.p_value) && (0.0..=1.0).contains(&code.q_value));
            prop_assert!((0.0..=1.0).contains(&code.contribution) && code.difference.is_finite());
        }
    }
}

/// `cargo test --release measure::drift::timing -- --ignored --nocapture`
#[test]
#[ignore = "prints timings"]
fn timing() {
    for n in [10_000.0, 500_000.0] {
        let mut all = 0.0;
        for k in [21, 88, 272, 615, 732] {
            let weight: f64 = (1..=k).map(|i| 1.0 / f64::from(i)).sum();
            let counts = |shift: f64| -> Vec<u64> {
                (1..=k).map(|i| (n / f64::from(i) / weight * (1.0 + shift * f64::from(i % 2))) as u64).collect()
            };
            let start = Instant::now();
            let drift = categorical_drift(&counts(0.0), &counts(0.01), 499, 1).unwrap();
            let middle = Instant::now();
            let codes = category_drift(&counts(0.0), &counts(0.01));
            let (levels, tests) = ((middle - start).as_secs_f64() * 1e3, middle.elapsed().as_secs_f64() * 1e3);
            println!(
                "n {n} K {k}: {levels:.1} ms, per code {tests:.1} ms (p {} q {})",
                drift.chi2.p_value, codes[0].q_value
            );
            all += levels;
        }
        println!("n {n}, all levels: {all:.1} ms");
    }
}
