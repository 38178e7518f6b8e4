use proptest::prelude::*;
use vigie::measure::proportion::{
    Estimate, clopper_pearson, jeffreys, modified_wilson, normal_quantile, wilson, wilson_rows,
};

use super::oracle::{Row, number, rows, workshop_rows};

/// statsmodels `proportion_confint`, whole and real-valued sizes.
#[test]
fn intervals_match_statsmodels() {
    for row in rows("binomial_intervals.csv") {
        check(&row, number(&row, "successes"), ["lower", "upper"]);
    }
    for row in workshop_rows("binomial_intervals.csv") {
        check(&row, number(&row, "k"), ["lo", "hi"]);
    }
}

fn check(row: &Row, successes: f64, sides: [&str; 2]) {
    let (n, level) = (number(row, "n"), 1.0 - number(row, "alpha"));
    let p = successes / n;
    for (method, found) in [("wilson", wilson(p, n, level)), ("clopper_pearson", clopper_pearson(p, n, level))] {
        for (found, side) in [found.lower, found.upper].into_iter().zip(sides) {
            let expected = number(row, &format!("{method}_{side}"));
            assert!((found.unwrap() - expected).abs() < 1e-10, "{method} {side} {found:?}: {row:?}");
        }
    }
}

/// statsmodels', which has no bound of exactly 0 or 1.
#[test]
fn jeffreys_interval_matches_statsmodels() {
    for row in workshop_rows("binomial_intervals.csv") {
        let (right, n) = (number(&row, "k"), number(&row, "n"));
        let found = jeffreys(right / n, n, 1.0 - number(&row, "alpha"));
        let bounds = [(found.lower, "lo", right > 0.0, 0.0), (found.upper, "hi", right < n, 1.0)];
        for (bound, side, inside, end) in bounds {
            let expected = if inside { number(&row, &format!("jeffreys_{side}")) } else { end };
            assert!((bound.unwrap() - expected).abs() < 1e-9, "{side} {found:?}: {row:?}");
        }
    }
}

/// Half of SciPy's `chi2.ppf(0.05, 2 x)`, over n, where that is further out than Wilson's bound.
#[test]
fn the_modified_interval_has_poisson_bounds_next_to_0_and_1() {
    for (x, n, bound) in [
        (1.0, 40.0, 0.0012823323596887633),
        (2.0, 40.0, 0.00888403776746655),
        (3.0, 60.0, 0.01362819078606589),
        (0.4, 25.0, 1.6586148622861136e-5),
    ] {
        let (found, mirror) = (modified_wilson(x / n, n, 0.95), modified_wilson(1.0 - x / n, n, 0.95));
        assert!((found.lower.unwrap() / bound - 1.0).abs() < 1e-9, "{x} of {n}: {found:?}");
        assert!((mirror.upper.unwrap() - (1.0 - bound)).abs() < 1e-8, "{x} of {n}: {mirror:?}");
        assert_eq!(found.upper, wilson(x / n, n, 0.95).upper);
    }
    assert_eq!(modified_wilson(0.3, 40.0, 0.95), wilson(0.3, 40.0, 0.95));
    assert_eq!(modified_wilson(0.0, 40.0, 0.95), wilson(0.0, 40.0, 0.95));
}

#[test]
fn impossible_input_says_nothing() {
    for interval in [wilson, modified_wilson, clopper_pearson, jeffreys] {
        for (p, n) in [(f64::NAN, 5.0), (0.5, f64::NAN), (1.5, 5.0), (-0.1, 5.0), (0.5, 0.0), (0.5, -1.0)] {
            assert_eq!(interval(p, n, 0.95), Estimate::default());
        }
        for level in [0.0, 1.0, -1.0, f64::NAN] {
            assert_eq!(interval(0.5, 5.0, level), Estimate::point(0.5));
        }
        let census = interval(0.3, f64::INFINITY, 0.95);
        assert_eq!((census.lower, census.upper), (Some(0.3), Some(0.3)));
    }
    assert_eq!(normal_quantile(f64::NAN), None);
}

proptest! {
    /// Bounds are numbers, in order and within [0, 1]; a mirrored proportion has the mirrored interval.
    #[test]
    fn intervals_are_sane(p in 0.0..=1.0_f64, n in -300.0..300.0_f64, level in 0.001..0.999_f64) {
        let n = n.exp();
        for interval in [wilson, modified_wilson, clopper_pearson, jeffreys] {
            let found = interval(p, n, level);
            let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
            prop_assert!(0.0 <= lower && lower <= p && p <= upper && upper <= 1.0, "{found:?}");
        }
        if (1e-6..1e9).contains(&n) {
            let rows = wilson_rows(&wilson(p, n, level), level).unwrap();
            prop_assert!((rows / n - 1.0).abs() < 1e-4, "{rows} of {n}");
        }
        if n < 1e6 {
            let (found, mirror) = (wilson(p, n, level), wilson(1.0 - p, n, level));
            prop_assert!((found.lower.unwrap() + mirror.upper.unwrap() - 1.0).abs() < 1e-9);
        }
    }
}
