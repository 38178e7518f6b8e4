use proptest::prelude::*;
use vigie::measure::{classification::classification, weight::WeightSums};

use super::oracle::{Row, assert_close, number, rows, workshop_rows};

fn certain(n: u64) -> WeightSums {
    WeightSums::certain(n).with_replacement()
}

/// scikit-learn on six classes with design weights: one is never predicted, one never found.
#[test]
fn matches_scikit_learn_with_weights() {
    let confusion = rows("confusion.csv");
    let total = |keep: &dyn Fn(&Row) -> bool| -> WeightSums {
        let cells = confusion.iter().filter(|row| keep(row));
        cells
            .map(|row| (number(row, "n"), number(row, "weight")))
            .map(|(n, w)| WeightSums { n: n as u64, w: n * w, w2: n * w * w })
            .sum()
    };
    for row in rows("per_class_expected.csv") {
        let code = &row["code"];
        let found = classification(
            total(&|cell| cell["true"] == *code && cell["predicted"] == *code),
            total(&|cell| cell["true"] != *code && cell["predicted"] == *code),
            total(&|cell| cell["true"] == *code && cell["predicted"] != *code),
            0.95,
        );
        for (found, column) in [(found.precision, "precision"), (found.recall, "recall"), (found.f1, "f1")] {
            match found.estimate {
                Some(found) => assert!((found - number(&row, column)).abs() < 1e-12, "{column} {found}: {row:?}"),
                None => assert_eq!(row[column], ""),
            }
        }
    }
}

/// scikit-learn's report over 732 codes: counts follow from precision, recall and support.
#[test]
fn matches_scikit_learn_over_732_codes() {
    let golden = workshop_rows("k732_classification_report_10000.csv");
    for row in golden.iter().filter(|row| !["accuracy", "macro avg", "weighted avg"].contains(&row["label"].as_str())) {
        let (precision, recall, support) = (number(row, "precision"), number(row, "recall"), number(row, "support"));
        let right = (recall * support).round();
        if right == 0.0 {
            continue;
        }
        let predicted = (right / precision).round();
        let [tp, fp, fn_] = [right, predicted - right, support - right].map(|n| certain(n as u64));
        let found = classification(tp, fp, fn_, 0.95);
        assert_close(found.precision.estimate.unwrap(), precision, 1e-12, "precision");
        assert_close(found.recall.estimate.unwrap(), recall, 1e-12, "recall");
        assert_close(found.f1.estimate.unwrap(), number(row, "f1-score"), 1e-12, "f1");
    }
}

#[test]
fn empty_denominators_say_nothing() {
    let none = WeightSums::default();
    let found = classification(none, none, none, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (None, None, None));
    let found = classification(none, certain(3), none, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (Some(0.0), None, Some(0.0)));
    let found = classification(certain(3), none, none, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (Some(1.0), Some(1.0), Some(1.0)));
    assert!(found.f1.lower.unwrap() < 0.7);
}

proptest! {
    #[test]
    fn f1_is_the_harmonic_mean(counts in prop::array::uniform3(1..1000_u64), rates in prop::array::uniform3(0.01..1.0_f64)) {
        let [tp, fp, fn_] = [0, 1, 2].map(|i| {
            let (n, w) = (counts[i], 1.0 / rates[i]);
            WeightSums { n, w: n as f64 * w, w2: n as f64 * w * w }
        });
        let found = classification(tp, fp, fn_, 0.95);
        let (p, r) = (found.precision.estimate.unwrap(), found.recall.estimate.unwrap());
        prop_assert!((found.f1.estimate.unwrap() - 2.0 * p * r / (p + r)).abs() < 1e-12);
        prop_assert!(found.f1.lower.unwrap() <= found.f1.estimate.unwrap());
        prop_assert!(found.f1.upper.unwrap() <= 1.0);
    }
}
