//! What a well-known library's defaults make of the same data.
//!
//! Evidently 0.7.23 (Apache-2.0), reimplemented from the description of its rules and checked against its own figures in
//! ../shared/oracles: PSI with zero shares replaced, Jensen-Shannon distance in base e, both against 0.1, and chi-square
//! goodness of fit, which takes the reference for the exact law, against .05.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::super::oracle::{assert_close, count, number, workshop_rows};

fn shares(counts: &[u64]) -> Vec<f64> {
    let total: u64 = counts.iter().sum();
    counts.iter().map(|&n| n as f64 / total as f64).collect()
}

fn seen(reference: &[u64], current: &[u64]) -> (Vec<u64>, Vec<u64>) {
    reference.iter().zip(current).filter(|(a, b)| **a + **b > 0).map(|(a, b)| (*a, *b)).unzip()
}

/// A zero share becomes .0001, or a millionth of the smallest share above zero where that is no larger.
fn filled(mut shares: Vec<f64>) -> Vec<f64> {
    let smallest = shares.iter().copied().filter(|&p| p > 0.0).fold(1.0, f64::min);
    let fill = if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 };
    shares.iter_mut().filter(|p| **p == 0.0).for_each(|p| *p = fill);
    shares
}

pub fn psi(reference: &[u64], current: &[u64]) -> f64 {
    let (reference, current) = seen(reference, current);
    let (p, q) = (filled(shares(&reference)), filled(shares(&current)));
    p.iter().zip(&q).map(|(p, q)| (p - q) * (p / q).ln()).sum()
}

pub fn jensen_shannon(reference: &[u64], current: &[u64]) -> f64 {
    let (reference, current) = seen(reference, current);
    let part = |x: f64, middle: f64| if x > 0.0 { x * (x / middle).ln() } else { 0.0 };
    let both = shares(&reference).into_iter().zip(shares(&current));
    let sum: f64 = both.map(|(p, q)| part(p, f64::midpoint(p, q)) + part(q, f64::midpoint(p, q))).sum();
    (sum / 2.0).max(0.0).sqrt()
}

/// p-value of its goodness of fit.
pub fn goodness_of_fit(reference: &[u64], current: &[u64]) -> f64 {
    let (reference, current) = seen(reference, current);
    let scale = current.iter().sum::<u64>() as f64 / reference.iter().sum::<u64>() as f64;
    let terms =
        reference.iter().zip(&current).map(|(&a, &b)| (b as f64 - a as f64 * scale).powi(2) / (a as f64 * scale));
    let chi2: f64 = terms.sum();
    if chi2.is_finite() { ChiSquared::new(reference.len() as f64 - 1.0).unwrap().sf(chi2) } else { 0.0 }
}

#[test]
fn the_reimplementation_gives_the_peers_own_figures() {
    let table = workshop_rows("k732_counts.csv");
    for row in workshop_rows("k732_evidently_drift.csv").iter().filter(|row| row["column"] == "y_pred") {
        let other = row["pair"].strip_prefix("ref_vs_").unwrap();
        let cells = table.iter().filter(|cell| count(cell, "n") == count(row, "n"));
        let (reference, current): (Vec<u64>, Vec<u64>) =
            cells.map(|cell| (count(cell, "ref"), count(cell, other))).unzip();
        assert_close(psi(&reference, &current), number(row, "ev_psi"), 1e-9, "psi");
        assert_close(jensen_shannon(&reference, &current), number(row, "ev_jensenshannon_base_e"), 1e-9, "js");
        let (found, expected) = (goodness_of_fit(&reference, &current), number(row, "ev_chisquare_gof_p"));
        assert!((found - expected).abs() <= 1e-6 * expected + 1e-300, "{found} is not {expected}");
    }
}
