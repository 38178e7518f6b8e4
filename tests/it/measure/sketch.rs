use std::collections::BTreeMap;

use proptest::prelude::*;
use vigie::measure::sketch::{ALPHA, LARGEST, SMALLEST, ZERO_BIN, bin, quantile, value};

use super::oracle::{number, rows};

fn sketch(values: &[f64]) -> Vec<(i32, u64)> {
    let mut bins = BTreeMap::new();
    for &value in values {
        *bins.entry(bin(value)).or_default() += 1;
    }
    bins.into_iter().collect()
}

/// Nearest rank, by sorting.
fn exact(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted[rank - 1]
}

/// NumPy on 5,000 latencies: nearest rank lies between its `lower` and `higher`.
#[test]
fn quantiles_match_numpy() {
    let latencies: Vec<f64> = rows("latency_sample.csv").iter().map(|row| number(row, "latency_ms")).collect();
    let sketch = sketch(&latencies);
    for row in rows("latency_quantiles.csv") {
        let found = quantile(&sketch, number(&row, "q")).unwrap();
        let (lower, higher) = (number(&row, "lower"), number(&row, "higher"));
        assert!(found >= lower * (1.0 - ALPHA) && found <= higher * (1.0 + ALPHA), "{row:?}: {found}");
    }
}

#[test]
fn ends_are_bounded() {
    assert!(ZERO_BIN < bin(SMALLEST));
    for zero in [0.0, -5.0, f64::NAN, f64::NEG_INFINITY, SMALLEST / 2.0] {
        assert_eq!(bin(zero), ZERO_BIN);
    }
    assert_eq!(value(ZERO_BIN), 0.0);
    assert_eq!(bin(f64::INFINITY), bin(LARGEST));
    assert!(value(i32::MAX).is_finite());
    assert_eq!(value(i32::MIN), 0.0);
}

#[test]
fn odd_input_says_nothing() {
    assert_eq!(quantile(&[(0, 0)], 0.5), None);
    for q in [-0.1, 1.1, f64::NAN] {
        assert_eq!(quantile(&[(0, 1)], q), None);
    }
    assert!(quantile(&[(0, u64::MAX), (1, u64::MAX)], 1.0).is_some());
}

proptest! {
    #[test]
    fn quantiles_keep_the_relative_error(
        values in prop::collection::vec((-6.9..20.0_f64).prop_map(f64::exp), 1..300),
        q in 0.0..=1.0_f64,
    ) {
        let (found, exact) = (quantile(&sketch(&values), q).unwrap(), exact(&values, q));
        prop_assert!((found - exact).abs() <= ALPHA * exact * (1.0 + 1e-9), "{found} for {exact}");
    }

    #[test]
    fn merging_is_adding(a in prop::collection::vec(0.0..1e4_f64, 0..100), b in prop::collection::vec(0.0..1e4_f64, 1..100)) {
        let mut merged: BTreeMap<i32, u64> = sketch(&a).into_iter().collect();
        for (bin, n) in sketch(&b) {
            *merged.entry(bin).or_default() += n;
        }
        let together: Vec<f64> = a.iter().chain(&b).copied().collect();
        prop_assert_eq!(merged.into_iter().collect::<Vec<_>>(), sketch(&together));
    }
}
