use vigie::measure::multiple_testing::benjamini_hochberg;

use super::oracle::{Row, number, rows, workshop_rows};

/// SciPy `false_discovery_control` and statsmodels `multipletests`, with ties, 0 and 1.
#[test]
fn matches_scipy_and_statsmodels() {
    check(&rows("benjamini_hochberg.csv"), "bh");
    check(&workshop_rows("multiple_testing_732.csv"), "fdr_bh_adj");
}

fn check(golden: &[Row], column: &str) {
    let p_values: Vec<f64> = golden.iter().map(|row| number(row, "p")).collect();
    for (row, q) in golden.iter().zip(benjamini_hochberg(&p_values)) {
        assert!((q - number(row, column)).abs() < 1e-12, "{row:?}: {q}");
    }
}

/// The 15 p-values of Benjamini and Hochberg (1995), section 2.2: four discoveries at .05.
#[test]
fn finds_the_four_discoveries_of_the_paper() {
    let p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ];
    let q_values = benjamini_hochberg(&p_values);
    assert_eq!(q_values.iter().filter(|&&q| q <= 0.05).count(), 4);
    assert!((q_values[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15);
}

#[test]
fn odd_input_is_kept_in_range() {
    assert!(benjamini_hochberg(&[]).is_empty());
    assert_eq!(benjamini_hochberg(&[f64::NAN, -1.0, 2.0]), [1.0, 0.0, 1.0]);
}
