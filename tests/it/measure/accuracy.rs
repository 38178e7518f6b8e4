use proptest::prelude::*;
use vigie::measure::{
    accuracy::{Accuracy, accuracy, routes::accuracy_of_routes, variance},
    proportion::{wilson, wilson_rows},
    weight::WeightSums,
};

use super::oracle::{Row, assert_close, count, number, rows, workshop_rows};

/// Sums of the right and of the wrong labelled rows.
fn sums(rows: impl IntoIterator<Item = (f64, bool)>) -> (WeightSums, WeightSums) {
    let mut sums = (WeightSums::default(), WeightSums::default());
    for (inclusion_probability, right) in rows {
        let row = WeightSums::of(inclusion_probability).unwrap();
        if right { sums.0 += row } else { sums.1 += row }
    }
    sums
}

/// numpy, from the survey formulas: two review rates, a continuous one, a small sample, one that is all right.
#[test]
fn matches_numpy_on_poisson_samples() {
    let labels = rows("hajek_sample.csv");
    for expected in rows("hajek_expected.csv") {
        let labels = labels.iter().filter(|row| row["sample"] == expected["sample"]);
        let (right, wrong) = sums(labels.map(|row| (1.0 / number(row, "w"), row["correct"] == "1")));
        let found = accuracy(right, wrong, 0.95);
        assert_eq!(found.n, count(&expected, "labels"));
        assert_close(found.naive.unwrap(), number(&expected, "naive"), 1e-12, "naive");
        assert_close(found.estimate.estimate.unwrap(), number(&expected, "hajek"), 1e-12, "hajek");
        let se = |found: Option<f64>, column: &str| {
            assert!((found.unwrap().sqrt() - number(&expected, column)).abs() < 1e-9, "{column}: {found:?}");
        };
        se(variance(right, wrong), "se_poisson");
        se(variance(right.with_replacement(), wrong.with_replacement()), "se_with_replacement");
        if wrong.n == 0 {
            let kish = accuracy(right.with_replacement(), wrong, 0.95).n_eff.unwrap();
            assert_close(kish, number(&expected, "kish_n"), 1e-9, "kish");
        }
    }
}

/// numpy again, on a file with ten times the rows (lambda = 0 is the Hájek estimate).
#[test]
fn matches_numpy_on_the_model_assisted_sample() {
    let sample = workshop_rows("ppi_sample.csv");
    let labelled = sample.iter().filter(|row| row["labelled"] == "True");
    let (right, wrong) = sums(labelled.map(|row| (number(row, "pi"), number(row, "y") == 1.0)));
    let golden = workshop_rows("ppi_golden.csv");
    for expected in golden.iter().filter(|row| row["source"] == "numpy-survey" && row["lam"] == "0.0") {
        let found = accuracy(right, wrong, 0.95);
        assert_close(found.estimate.estimate.unwrap(), number(expected, "estimate"), 1e-12, "estimate");
        assert_close(variance(right, wrong).unwrap().sqrt(), number(expected, "se"), 1e-12, "se");
        // Wilson at the steadied effective n and Wald differ by little at this size
        assert!((found.estimate.lower.unwrap() - number(expected, "lower")).abs() < 0.01);
        assert!((found.estimate.upper.unwrap() - number(expected, "upper")).abs() < 0.01);
    }
}

/// The naf2025 stream: 7,961 labels, rates .05 (auto) and .6 (manual); figures of the stream's own generator (numpy).
#[test]
fn undoes_the_selection_of_reviews() {
    // 1,352 of 1,420 auto rows right, 2,210 of 6,541 manual rows
    let rows = |n: u64, rate: f64| WeightSums { n, w: n as f64 / rate, w2: n as f64 / (rate * rate) };
    let (right, wrong) = (rows(1352, 0.05) + rows(2210, 0.6), rows(68, 0.05) + rows(4331, 0.6));
    let found = accuracy(right, wrong, 0.95);
    assert_eq!(found.n, 7961);
    assert_close(found.naive.unwrap(), 0.4474312272327597, 1e-12, "naive");
    assert_close(found.estimate.estimate.unwrap(), 0.7817310546626501, 1e-9, "hajek");
    // its Wald interval is .771351 .. .792111
    assert!((found.estimate.lower.unwrap() - 0.771351).abs() < 1e-3, "{found:?}");
    assert!((found.estimate.upper.unwrap() - 0.792111).abs() < 1e-3, "{found:?}");
    let half = 1.96 * variance(right, wrong).unwrap().sqrt();
    assert_close(half, (0.7921114469125251 - 0.7713506624127752) / 2.0, 1e-9, "half width");
}

#[test]
fn variances_match_a_hand_computation() {
    // p = (1/.5 + 1/.25) / (1/.5 + 1/.25 + 1/.1) = 6/16
    let (right, wrong) = sums([(0.5, true), (0.25, true), (0.1, false)]);
    let p = 0.375_f64;
    let poisson = ((1.0 - p).powi(2) * (2.0 + 12.0) + p * p * 90.0) / 256.0;
    assert_close(variance(right, wrong).unwrap(), poisson, 1e-12, "Poisson");
    let sandwich = ((1.0 - p).powi(2) * (4.0 + 16.0) + p * p * 100.0) / 256.0;
    let found = variance(right.with_replacement(), wrong.with_replacement()).unwrap();
    assert_close(found, sandwich, 1e-12, "with replacement");
}

#[test]
fn nothing_is_said_without_labels() {
    let none = WeightSums::default();
    let found = accuracy(none, none, 0.95);
    assert_eq!((found.n, found.n_eff, found.naive, found.estimate.estimate), (0, None, None, None));
    assert_eq!(variance(none, none), None);
    // what subtraction leaves behind is not a label
    let residue = WeightSums { n: 0, w: 1e-12, w2: -1e-9 };
    assert_eq!(accuracy(residue, none, 0.95), found);
}

#[test]
fn a_census_has_no_sampling_error() {
    let found = accuracy(WeightSums::certain(3), WeightSums::certain(1), 0.95);
    let estimate = found.estimate;
    assert_eq!((estimate.estimate, estimate.lower, estimate.upper), (Some(0.75), Some(0.75), Some(0.75)));
    assert_eq!(found.n_eff, None);
}

/// With equal weights and replacement the design is the binomial one.
#[test]
fn equal_weights_give_the_plain_wilson_interval() {
    for (right, wrong) in [(1, 0), (0, 2), (4, 1), (99, 1), (500, 500)] {
        let n = right + wrong;
        let plain = wilson(right as f64 / n as f64, n as f64, 0.95);
        let sums = |n: u64| WeightSums::certain(n).with_replacement();
        let found = accuracy(sums(right), sums(wrong), 0.95);
        assert_close(found.n_eff.unwrap(), n as f64, 1e-12, "n_eff");
        assert!((found.estimate.lower.unwrap() - plain.lower.unwrap()).abs() < 1e-12);
        assert!((found.estimate.upper.unwrap() - plain.upper.unwrap()).abs() < 1e-12);
    }
}

/// SciPy's Beta law, put together by another program.
#[test]
fn routes_are_joined_as_another_program_joins_them() {
    let rows = rows("routes_expected.csv");
    for case in rows.chunks(2) {
        let sides =
            |row: &Row| ["right", "wrong"].map(|side| WeightSums::weighted(count(row, side), number(row, "weight")));
        let routes: Vec<_> = case.iter().map(sides).collect();
        let found = accuracy_of_routes(&routes, 0.95);
        let all = accuracy(routes[0][0] + routes[1][0], routes[0][1] + routes[1][1], 0.95);
        assert_eq!((found.n, found.naive, found.estimate.estimate), (all.n, all.naive, all.estimate.estimate));
        let bounds =
            [(found.estimate.estimate, "estimate"), (found.estimate.lower, "lower"), (found.estimate.upper, "upper")];
        for (bound, column) in bounds {
            assert!((bound.unwrap() - number(&case[0], column)).abs() < 1e-9, "{column} {found:?}: {case:?}");
        }
        assert_eq!(found.n_eff, wilson_rows(&found.estimate, 0.95));
    }
}

/// One route with labels is what its labels are; a census leaves nothing to chance, also beside a sample.
#[test]
fn routes_without_labels_and_censuses() {
    let rows = WeightSums::weighted;
    let (auto, manual, none) = ([rows(38, 20.0), rows(2, 20.0)], [rows(30, 1.0), rows(70, 1.0)], [rows(0, 1.0); 2]);
    assert_eq!(accuracy_of_routes(&[none, auto, none], 0.95), accuracy(auto[0], auto[1], 0.95));
    assert_eq!(accuracy_of_routes(&[], 0.95), accuracy(none[0], none[0], 0.95));
    let census = accuracy_of_routes(&[manual, manual], 0.95);
    assert_eq!((census.estimate.lower, census.estimate.upper, census.n_eff), (Some(0.3), Some(0.3), None));
    // the manual rows are all known, so what is uncertain is uncertain of the automatic ones and of their share
    let both = accuracy_of_routes(&[auto, manual], 0.95);
    let more = accuracy_of_routes(&[[rows(3800, 20.0), rows(200, 20.0)], manual], 0.95);
    let width = |found: Accuracy| found.estimate.upper.unwrap() - found.estimate.lower.unwrap();
    assert!(width(both) > 0.05 && width(more) < 0.02, "{both:?} {more:?}");
    assert_eq!(accuracy_of_routes(&[auto, manual], 2.0).estimate.lower, None);
}

#[test]
fn inclusion_probabilities_must_be_probabilities() {
    for bad in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY, 1e-300] {
        assert_eq!(WeightSums::of(bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn finite_sums_never_give_nan(
        n in any::<(u64, u64)>(),
        w in any::<[f64; 4]>(),
        level in -0.5..1.5_f64,
    ) {
        let right = WeightSums { n: n.0, w: w[0], w2: w[1] };
        let wrong = WeightSums { n: n.1, w: w[2], w2: w[3] };
        let found = accuracy(right, wrong, level);
        let estimate = found.estimate;
        let numbers = [estimate.estimate, estimate.lower, estimate.upper, found.n_eff, found.naive];
        prop_assert!(numbers.iter().flatten().all(|x| x.is_finite()), "{found:?}");
        if let (Some(p), Some(lower), Some(upper)) = (estimate.estimate, estimate.lower, estimate.upper) {
            prop_assert!(0.0 <= lower && lower <= p && p <= upper && upper <= 1.0, "{found:?}");
        }
    }

    #[test]
    fn finite_routes_never_give_nan(
        n in any::<[[u64; 2]; 3]>(),
        w in any::<[[[f64; 2]; 2]; 3]>(),
        plain in any::<bool>(),
        level in 0.01..0.999_f64,
    ) {
        // as sums of rows are, and as nothing but a broken store would have them
        let of = |n: u64, [w, w2]: [f64; 2]| match plain {
            true => WeightSums::weighted(n % 1_000, 1.0 + (w.abs() % 50.0)),
            false => WeightSums { n, w, w2 },
        };
        let routes: Vec<_> = (0..3).map(|at| [0, 1].map(|side| of(n[at][side], w[at][side]))).collect();
        let found = accuracy_of_routes(&routes, level);
        let estimate = found.estimate;
        let numbers = [estimate.estimate, estimate.lower, estimate.upper, found.n_eff, found.naive];
        prop_assert!(numbers.iter().flatten().all(|x| x.is_finite()), "{found:?}");
        if let (Some(p), Some(lower), Some(upper)) = (estimate.estimate, estimate.lower, estimate.upper) {
            prop_assert!(0.0 <= lower && lower <= p && p <= upper && upper <= 1.0, "{found:?}");
        }
        if plain {
            let turned: Vec<_> = routes.iter().rev().map(|[right, wrong]| [*wrong, *right]).collect();
            let mirror = accuracy_of_routes(&turned, level).estimate;
            let close = |x: Option<f64>, y: Option<f64>| x.zip(y).is_none_or(|(x, y)| (x + y - 1.0).abs() < 1e-6);
            prop_assert!(close(estimate.lower, mirror.upper) && close(estimate.upper, mirror.lower), "{found:?} {mirror:?}");
        }
    }

    /// Sums add: two halves say what the whole says.
    #[test]
    fn sums_are_additive(rows in prop::collection::vec((0.01..=1.0_f64, any::<bool>()), 1..50), cut in 0..50_usize) {
        let cut = cut.min(rows.len());
        let whole = sums(rows.iter().copied());
        let (left, right) = (sums(rows[..cut].iter().copied()), sums(rows[cut..].iter().copied()));
        let one = accuracy(whole.0, whole.1, 0.95);
        let two = accuracy(left.0 + right.0, left.1 + right.1, 0.95);
        prop_assert_eq!(one.n, two.n);
        prop_assert!((one.estimate.estimate.unwrap() - two.estimate.estimate.unwrap()).abs() < 1e-9);
    }
}
