use proptest::prelude::*;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    classification::classification,
    proportion::Estimate,
    weight::WeightSums,
    whole::{Met, Whole},
};

use super::oracle::{Row, assert_close, number, rows, workshop_rows};

/// No labels of other codes.
const NOTHING: [[WeightSums; 2]; 2] = [[WeightSums { n: 0, w: 0.0, w2: 0.0 }; 2]; 2];

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
            NOTHING,
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
        let found = classification(tp, fp, fn_, NOTHING, 0.95);
        assert_close(found.precision.estimate.unwrap(), precision, 1e-12, "precision");
        assert_close(found.recall.estimate.unwrap(), recall, 1e-12, "recall");
        assert_close(found.f1.estimate.unwrap(), number(row, "f1-score"), 1e-12, "f1");
    }
}

#[test]
fn empty_denominators_say_nothing() {
    let none = WeightSums::default();
    let found = classification(none, none, none, NOTHING, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (None, None, None));
    let found = classification(none, certain(3), none, NOTHING, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (Some(0.0), None, Some(0.0)));
    let found = classification(certain(3), none, none, NOTHING, 0.95);
    assert_eq!((found.precision.estimate, found.recall.estimate, found.f1.estimate), (Some(1.0), Some(1.0), Some(1.0)));
    // nine labels tell no interval, ten do
    assert_eq!((found.precision.lower, found.f1.upper), (None, None));
    let found = classification(certain(9), none, certain(1), NOTHING, 0.95);
    assert_eq!((found.precision.estimate, found.precision.lower), (Some(1.0), None));
    assert!(found.recall.lower.unwrap() < 0.65 && found.f1.upper.unwrap() > 0.97);
}

/// Rows of 732 codes by Zipf's law, on two routes, reviewed at .05 and at .6.
struct Scene {
    name: &'static str,
    /// Share of automatic rows, and by how much it differs between codes.
    automatic: f64,
    differs: f64,
    /// Right on automatic and on other rows.
    right: [f64; 2],
}

/// Predictions and labels of a code: right, predicted in vain, missed.
type Rows = [[f64; 3]; 2];

fn holds(found: Estimate, truth: f64) -> f64 {
    f64::from(u8::from(found.lower.is_some_and(|l| l <= truth) && found.upper.is_some_and(|u| truth <= u)))
}

/// Intervals in a cell of the table: fewer are codes that happened to have so few labels, and show nothing.
const ENOUGH: f64 = 500.0;

fn share([held, all]: [f64; 2]) -> String {
    if all < ENOUGH { "few".to_owned() } else { format!("{:.1}", 100.0 * held / all) }
}

/// Intervals of codes with few labels, of which most are of the route that is reviewed more: of the period's own rows,
/// and of the model.
#[test]
fn intervals_of_codes_with_few_labels_cover() {
    const CODES: usize = 732;
    const RATES: [f64; 2] = [0.05, 0.6];
    let long = std::env::var_os("VIGIE_SIMULATE").is_some();
    let volume: Vec<f64> = (0..CODES).map(|code| 1.0 / ((code * 389 % CODES) + 1) as f64).collect();
    let running: Vec<f64> = (1..=CODES).map(|end| volume[..end].iter().sum()).collect();
    let total = running[CODES - 1];
    let pick = |rng: &mut ChaCha8Rng| {
        let at = rng.random::<f64>() * total;
        running.partition_point(|x| *x < at).min(CODES - 1)
    };
    println!("covered %, at 10-29 / 30-199 / 200+ labels");
    println!(
        "| scene | predictions | of | precision | recall | F1 | precision, own labels alone |\n|---|---|---|---|---|---|---|"
    );
    for scene in [
        Scene { name: "both routes", automatic: 0.72, differs: 0.0, right: [0.95, 0.34] },
        Scene { name: "automatic .99", automatic: 0.72, differs: 0.0, right: [0.99, 0.34] },
        Scene { name: "automatic .9, others .6", automatic: 0.72, differs: 0.0, right: [0.9, 0.6] },
        Scene { name: "from .47 to .97 automatic", automatic: 0.72, differs: 0.25, right: [0.95, 0.34] },
        Scene { name: "from .22 to 1 automatic", automatic: 0.61, differs: 0.39, right: [0.95, 0.34] },
        Scene { name: "a fifth automatic", automatic: 0.2, differs: 0.0, right: [0.95, 0.5] },
        Scene { name: "rate .6 only", automatic: 0.0, differs: 0.0, right: [0.78, 0.78] },
    ]
    .into_iter()
    .take(if long { 7 } else { 2 })
    {
        let auto = |code: usize| scene.automatic + scene.differs * ((code % 11) as f64 / 5.0 - 1.0);
        let right = |code: usize| auto(code) * scene.right[0] + (1.0 - auto(code)) * scene.right[1];
        let missed: f64 = (0..CODES).map(|code| volume[code] * (1.0 - right(code))).sum();
        for (rows, runs) in [(20_000, 1_000), (160_000, 200)].into_iter().take(if long { 2 } else { 1 }) {
            let runs = if long { runs } else { 40 };
            let mut rng = ChaCha8Rng::seed_from_u64(41);
            // covered and all, by target, share and number of labels
            let mut sums = [[[[0.0_f64; 2]; 3]; 4]; 2];
            for _ in 0..runs {
                let mut known = vec![Rows::default(); CODES];
                let mut labels = vec![[[WeightSums::default(); 3]; 2]; CODES];
                let mut predicted = vec![[0_u64; 2]; CODES];
                for _ in 0..rows {
                    let code = pick(&mut rng);
                    let route = usize::from(rng.random::<f64>() >= auto(code));
                    let is_right = rng.random::<f64>() < scene.right[route];
                    let cells = if is_right { vec![(code, 0)] } else { vec![(pick(&mut rng), 1), (code, 2)] };
                    predicted[cells[0].0][route] += 1;
                    let reviewed = rng.random::<f64>() < RATES[route];
                    for (code, cell) in cells {
                        known[code][0][cell] += 1.0;
                        if reviewed {
                            labels[code][route][cell] += WeightSums::of(RATES[route]).expect("a rate");
                        }
                    }
                }
                let side = |route: usize, cell: usize| labels.iter().map(|code| code[route][cell]).sum();
                let whole = Whole::new([0, 1].map(|route| [side(route, 0), side(route, 2)]).to_vec());
                for (code, (known, labels)) in known.iter_mut().zip(&labels).enumerate() {
                    known[1] =
                        [right(code) * volume[code], missed * volume[code] / total, (1.0 - right(code)) * volume[code]];
                    let met = [0, 1].map(|route| {
                        let [tp, fp, fn_] = labels[route].map(|of| of.n);
                        Met { predictions: predicted[code][route], predicted: tp + fp, actual: tp + fn_, right: tp }
                    });
                    let labels = [0, 1, 2].map(|cell| labels[0][cell] + labels[1][cell]);
                    for (target, [tp, fp, fn_]) in known.iter().enumerate() {
                        let seen = |of: WeightSums| if target == 1 { of.with_replacement() } else { of };
                        let [a, b, c] = labels.map(seen);
                        let whole = if target == 1 { whole.with_replacement() } else { whole.clone() };
                        let wholes = [whole.of_predictions(&met), whole.of_truth(&met)];
                        let found = classification(a, b, c, wholes, 0.95);
                        let alone = classification(a, b, c, NOTHING, 0.95);
                        let each = [
                            (found.precision, tp / (tp + fp), a.n + b.n),
                            (found.recall, tp / (tp + fn_), a.n + c.n),
                            (found.f1, 2.0 * tp / (2.0 * tp + fp + fn_), a.n + b.n + c.n),
                            (alone.precision, tp / (tp + fp), a.n + b.n),
                        ];
                        for ((found, truth, n), sums) in each.into_iter().zip(&mut sums[target]) {
                            let class = [30, 200].iter().filter(|least| n >= **least).count();
                            if n >= 10 {
                                sums[class][0] += holds(found, truth);
                                sums[class][1] += 1.0;
                            }
                        }
                    }
                }
            }
            for (target, sums) in ["the rows", "the model"].into_iter().zip(&sums) {
                let shown = sums.map(|of| of.map(share).join(" / "));
                println!("| {} | {rows} | {target} | {} |", scene.name, shown.join(" | "));
                for [held, all] in sums[..3].iter().flatten().filter(|of| of[1] >= ENOUGH) {
                    let error = 3.0 * (0.05 * 0.95 / all).sqrt();
                    let fits = (0.935 - error..0.9725 + error).contains(&(held / all));
                    assert!(fits, "{}: {held} of {all}", scene.name);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn f1_is_the_harmonic_mean(counts in prop::array::uniform3(1..1000_u64), rates in prop::array::uniform3(0.01..1.0_f64)) {
        let [tp, fp, fn_] = [0, 1, 2].map(|i| {
            let (n, w) = (counts[i], 1.0 / rates[i]);
            WeightSums { n, w: n as f64 * w, w2: n as f64 * w * w }
        });
        let found = classification(tp, fp, fn_, NOTHING, 0.95);
        let (p, r) = (found.precision.estimate.unwrap(), found.recall.estimate.unwrap());
        prop_assert!((found.f1.estimate.unwrap() - 2.0 * p * r / (p + r)).abs() < 1e-12);
        match (found.f1.lower, found.f1.upper) {
            (Some(lower), Some(upper)) => prop_assert!(lower <= found.f1.estimate.unwrap() && upper <= 1.0),
            none => prop_assert!(none == (None, None) && counts.iter().sum::<u64>() < 10),
        }
    }
}
