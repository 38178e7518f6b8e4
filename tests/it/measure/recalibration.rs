//! Recalibration against SciPy and scikit-learn, and what its intervals and its choice are worth.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    assisted::{ScoreBin, Stratum},
    recalibration::{
        Loss,
        fit::{Map, Method, fit},
        logistic::Logistic,
        quality::{Graded, quality},
        recalibrated,
    },
    weight::WeightSums,
};

use super::oracle::{assert_close, count, number, rows};

/// Probability of being right by confidence.
type Curve = fn(f64) -> f64;

const BINS: usize = 50;
const FOLDS: usize = 5;

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn simulate() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|v| v == "1")
}

fn scores() -> Vec<f64> {
    (0..BINS).map(|at| (at as f64 + 0.5) / BINS as f64).collect()
}

/// Labels of `n` predictions whose confidence leans to 1, reviewed at 60 % below 0.7 and 5 % above.
fn reviewed(n: usize, rng: &mut ChaCha8Rng, truth: impl Fn(f64) -> f64) -> Stratum {
    let scores = scores();
    let mut folds = vec![vec![ScoreBin::default(); BINS]; FOLDS];
    for row in 0..n {
        let at = ((1.0 - rng.random::<f64>().powf(2.0)) * BINS as f64) as usize;
        let at = at.min(BINS - 1);
        let score = scores[at];
        let rate = if score < 0.7 { 0.6 } else { 0.05 };
        let bin = &mut folds[row % FOLDS][at];
        bin.n += 1;
        if rng.random::<f64>() < rate {
            let weight = WeightSums::of(rate).expect("a rate");
            if rng.random::<f64>() < truth(score) { bin.right += weight } else { bin.wrong += weight }
        }
    }
    Stratum::new(folds)
}

#[test]
fn fits_equal_scipy_and_scikit_learn() {
    let sample = rows("recalibration_sample.csv");
    for expected in rows("recalibration_expected.csv") {
        let mine = sample.iter().filter(|r| r["case"] == expected["case"] && r["weights"] == expected["weights"]);
        let (scores, bins): (Vec<f64>, Vec<ScoreBin>) = mine
            .map(|row| {
                let w = number(row, "w");
                let sums = |n: u64| WeightSums { n, w: w * n as f64, w2: w * w * n as f64 };
                let (right, wrong) = (sums(count(row, "right")), sums(count(row, "wrong")));
                (number(row, "score"), ScoreBin { n: right.n + wrong.n, right, wrong, unknown: 0 })
            })
            .unzip();
        let close = |found: f64, column: &str, tolerance: f64| {
            assert_close(found, number(&expected, column), tolerance, &format!("{} {column}", expected["case"]));
        };
        for (kind, method) in [("platt", Method::Platt), ("logit", Method::LogitPlatt)] {
            let found = fit(method, &scores, &bins).expect("a fit");
            close(found.n_eff, "n_eff", 1e-9);
            let (Map::Platt(Logistic { intercept, slope, covariance, .. })
            | Map::LogitPlatt(Logistic { intercept, slope, covariance, .. })) = found.map
            else {
                panic!("{found:?}");
            };
            close(intercept, &format!("{kind}_intercept"), 1e-5);
            close(slope, &format!("{kind}_slope"), 1e-5);
            for (value, name) in covariance.into_iter().zip(["var_intercept", "cov", "var_slope"]) {
                close(value, &format!("{kind}_{name}"), 1e-4);
            }
            let graded: Vec<Graded> = scores
                .iter()
                .zip(&bins)
                .enumerate()
                .map(|(bin, (score, b))| Graded {
                    bin,
                    p: found.map.probability(*score),
                    right: b.right,
                    wrong: b.wrong,
                })
                .collect();
            let quality = quality(&graded).expect("labels");
            close(quality.log_loss, &format!("{kind}_log_loss"), 1e-6);
            close(quality.brier, &format!("{kind}_brier"), 1e-6);
        }
        close(fit(Method::Temperature, &scores, &bins).unwrap().temperature().unwrap(), "temperature", 1e-5);
        let found = fit(Method::Isotonic, &scores, &bins).unwrap();
        for (at, score) in scores.iter().enumerate() {
            let column = format!("isotonic_{at}");
            let surest = 1.0 / (found.n_eff + 2.0);
            let expected = number(&expected, &column).clamp(surest, 1.0 - surest);
            assert_close(found.map.probability(*score), expected, 1e-9, &column);
        }
    }
}

/// Pointwise intervals of each family where it holds, at few and at many labels, with weights of 1.7 to 20 and more.
#[test]
fn pointwise_intervals_cover_where_the_family_holds() {
    let runs: u32 = if simulate() { 4_000 } else { 200 };
    let sizes: &[usize] = if simulate() { &[2_000, 20_000] } else { &[2_000] };
    println!("| map | labels | score | coverage % |\n|---|---|---|---|");
    let truths: [(Method, Curve); 3] = [
        (Method::Temperature, |s| sigmoid(logit(s) / 1.8)),
        (Method::Platt, |s| sigmoid(3.0 * s - 0.5)),
        (Method::LogitPlatt, |s| sigmoid(0.4 + 0.6 * logit(s))),
    ];
    for (method, truth) in truths {
        for &n in sizes {
            let mut rng = ChaCha8Rng::seed_from_u64(21);
            let at = [0.3, 0.7, 0.95];
            let (mut covered, mut labels) = ([0_u32; 3], 0);
            for _ in 0..runs {
                let stratum = reviewed(n, &mut rng, truth);
                let bins: Vec<ScoreBin> = (0..BINS).map(|bin| stratum.at(bin)).collect();
                let found = fit(method, &scores(), &bins).expect("a fit");
                labels += found.n;
                for (score, covered) in at.iter().zip(&mut covered) {
                    let e = found.at(*score, 0.95);
                    let truth = truth(*score);
                    *covered += u32::from(e.lower.unwrap() <= truth && truth <= e.upper.unwrap());
                }
            }
            for (score, covered) in at.iter().zip(covered) {
                let share = f64::from(covered) / f64::from(runs);
                println!("| {method:?} | {} | {score} | {:.1} |", labels / u64::from(runs), 100.0 * share);
                let error = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
                assert!(share > 0.935 - error && share < 0.97 + error, "{method:?} at {score}: {share}");
            }
        }
    }
}

/// How often a map is chosen and said to help, by truth; where the confidence is right, that is a false alarm.
#[test]
fn the_choice_follows_the_truth() {
    let runs: u32 = if simulate() { 1_000 } else { 15 };
    let cases: &[(usize, Loss)] = if simulate() {
        &[(2_000, Loss::Log), (20_000, Loss::Log), (20_000, Loss::Brier)]
    } else {
        &[(20_000, Loss::Log)]
    };
    println!(
        "| truth | labels | said to help % | mean ECE before | after | noise | Brier before | after | chosen most |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let truths: [(&str, Curve); 4] = [
        ("calibrated", |s| s),
        ("temperature 2", |s| sigmoid(logit(s) / 2.0)),
        ("10 points too sure", |s| (s - 0.1).max(0.02)),
        ("a step", |s| if s < 0.6 { 0.35 } else { 0.92 }),
    ];
    for (name, truth) in truths {
        for &(n, by) in cases {
            let mut rng = ChaCha8Rng::seed_from_u64(22);
            let (mut helps, mut labels) = (0_u32, 0);
            let mut sums = [0.0; 5];
            let mut chosen = std::collections::BTreeMap::new();
            for _ in 0..runs {
                let stratum = reviewed(n, &mut rng, truth);
                let found = recalibrated(&scores(), &[stratum], by, 0.95).expect("labels");
                helps += u32::from(found.helps);
                labels += found.fit.n;
                let (before, after) = (found.before, found.after);
                let told =
                    [before.ece.unwrap(), after.ece.unwrap(), after.ece_noise.unwrap(), before.brier, after.brier];
                sums.iter_mut().zip(told).for_each(|(sum, x)| *sum += x / f64::from(runs));
                *chosen.entry(format!("{:?}", found.fit.method())).or_insert(0_u32) += 1;
            }
            let most = chosen.iter().max_by_key(|(_, n)| **n).unwrap().0;
            let share = f64::from(helps) / f64::from(runs);
            println!(
                "| {name}, by {by:?} | {} | {:.1} | {:.3} | {:.3} | {:.3} | {:.4} | {:.4} | {most} |",
                labels / u64::from(runs),
                100.0 * share,
                sums[0],
                sums[1],
                sums[2],
                sums[3],
                sums[4]
            );
            let error = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
            if name == "calibrated" {
                assert!(share <= 0.05 + error, "said to help in {share}");
            } else if n == 20_000 {
                assert!(share > 0.9, "{name}: {share}");
                assert!(sums[1] < sums[0] && sums[4] < sums[3], "{name}: {sums:?}");
            }
        }
    }
}

#[test]
fn what_the_labels_cannot_say_is_none() {
    let some = |right, wrong| ScoreBin {
        right: WeightSums::certain(right),
        wrong: WeightSums::certain(wrong),
        ..ScoreBin::default()
    };
    assert_eq!(recalibrated(&[0.5], &[], Loss::Log, 0.95), None);
    assert_eq!(fit(Method::Isotonic, &[0.5], &[ScoreBin::default()]), None);
    // one confidence only: no slope
    assert_eq!(fit(Method::Platt, &[0.5], &[some(3, 4)]), None);
    // a confidence that points the wrong way has no temperature
    assert_eq!(fit(Method::Temperature, &[0.2, 0.8], &[some(80, 20), some(20, 80)]), None);
    // separable labels: Platt's targets keep the slope finite, a temperature has no best value
    let apart = [some(0, 30), some(30, 0)];
    assert!(fit(Method::Platt, &[0.3, 0.7], &apart).is_some());
    assert_eq!(fit(Method::Temperature, &[0.3, 0.7], &apart), None);
    // one fold cannot be judged by another
    let stratum = Stratum::new(vec![vec![some(50, 50), some(50, 50)]]);
    let found = recalibrated(&[0.3, 0.7], &[stratum], Loss::Log, 0.95).unwrap();
    assert_eq!((found.fit.method(), found.gain, found.candidates.len()), (Method::AsIs, Some(0.0), 1));
    assert!(!found.helps);
}
