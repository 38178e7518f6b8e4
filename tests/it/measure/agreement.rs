//! Agreement against statsmodels and krippendorff, coverage, and what noisy labels leave of an accuracy.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    agreement::{
        agreement,
        cohen::cohen,
        noise::{label_noise, true_accuracy},
    },
    proportion::{Estimate, wilson},
};

use super::oracle::{assert_close, count, number, rows};

fn simulate() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|v| v == "1")
}

/// Adds an item with these counts of labels.
fn add(pairs: &mut [Vec<f64>], counts: &[u64]) {
    let labels: u64 = counts.iter().sum();
    if labels < 2 {
        return;
    }
    for (a, row) in pairs.iter_mut().enumerate() {
        for (b, cell) in row.iter_mut().enumerate() {
            let ordered = counts[a] * if a == b { counts[a].saturating_sub(1) } else { counts[b] };
            *cell += ordered as f64 / (labels - 1) as f64;
        }
    }
}

#[test]
fn two_annotators_equal_statsmodels() {
    let tables = rows("cohen_tables.csv");
    for expected in rows("cohen_expected.csv") {
        let codes = count(&expected, "codes") as usize;
        let mut table = vec![vec![0; codes]; codes];
        let mut pairs = vec![vec![0.0; codes]; codes];
        for cell in tables.iter().filter(|cell| cell["case"] == expected["case"]) {
            let (a, b, n) = (count(cell, "a") as usize, count(cell, "b") as usize, count(cell, "n"));
            table[a][b] = n;
            pairs[a][b] += n as f64;
            pairs[b][a] += n as f64;
        }
        let close = |found: f64, column: &str| assert_close(found, number(&expected, column), 1e-9, column);
        let found = cohen(&table, 0.95).unwrap();
        close(found.kappa.estimate.unwrap(), "kappa");
        close(found.standard_error.unwrap(), "se");
        assert_eq!(found.items, count(&expected, "items"));
        let both = agreement(&pairs, found.items, 0.95).unwrap();
        close(both.kappa.estimate.unwrap(), "fleiss");
        close(both.alpha.estimate.unwrap(), "alpha");
        assert_close(both.observed.estimate.unwrap(), found.observed.estimate.unwrap(), 1e-12, "observed");
        // away from 1, Wilson's interval is nearly theirs
        let (low, high) = (found.kappa.lower.unwrap(), found.kappa.upper.unwrap());
        assert!(high <= 1.0, "a normal one would go to {}", expected["high"]);
        if expected["case"] == "five" {
            assert!((low - number(&expected, "low")).abs() < 0.01 && (high - number(&expected, "high")).abs() < 0.01);
        }
    }
}

#[test]
fn several_annotators_equal_statsmodels_and_krippendorff() {
    let sample = rows("annotations_sample.csv");
    for expected in rows("annotations_expected.csv") {
        let codes = count(&expected, "codes") as usize;
        let mut pairs = vec![vec![0.0; codes]; codes];
        let mut items = 0;
        for row in sample.iter().filter(|row| row["case"] == expected["case"]) {
            let counts: Vec<u64> = (0..codes).map(|code| count(row, &format!("n{code}"))).collect();
            add(&mut pairs, &counts);
            items += 1;
        }
        let found = agreement(&pairs, items, 0.95).unwrap();
        assert_close(found.alpha.estimate.unwrap(), number(&expected, "alpha"), 1e-9, "alpha");
        if expected["case"] == "three" {
            assert_close(found.kappa.estimate.unwrap(), number(&expected, "fleiss"), 1e-9, "fleiss");
        }
    }
}

/// Annotators who see the true code, or with some probability draw another by its share.
struct Annotators {
    shares: Vec<f64>,
    error: f64,
}

impl Annotators {
    fn code(&self, rng: &mut ChaCha8Rng) -> usize {
        let mut left = rng.random::<f64>();
        for (at, share) in self.shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return at;
            }
        }
        self.shares.len() - 1
    }

    fn label(&self, truth: usize, rng: &mut ChaCha8Rng) -> usize {
        if rng.random::<f64>() < self.error { self.code(rng) } else { truth }
    }

    /// Observed agreement, kappa and the first code's agreement in the long run.
    fn truth(&self) -> [f64; 3] {
        let chance: f64 = self.shares.iter().map(|p| p * p).sum();
        let same = (1.0 - self.error).powi(2);
        let first = self.shares[0];
        [same + (1.0 - same) * chance, same, same + (1.0 - same) * first]
    }
}

fn inside(e: Estimate, truth: f64) -> u32 {
    u32::from(e.lower.is_some_and(|l| l <= truth + 1e-12) && e.upper.is_some_and(|u| truth <= u + 1e-12))
}

#[test]
fn intervals_of_agreement_cover() {
    let runs: u32 = if simulate() { 10_000 } else { 70 };
    println!("| annotators | codes | items | error | observed | kappa | alpha | first code | Cohen's kappa |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (least, most) in [(2, 2), (3, 3), (2, 5)] {
        for (codes, items, error) in
            [(2, 100, 0.2), (2, 1_000, 0.05), (10, 100, 0.2), (10, 1_000, 0.05), (10, 50, 0.05)]
        {
            let total: f64 = (0..codes).map(|at| 1.0 / (at as f64 + 1.0)).sum();
            let people = Annotators { shares: (0..codes).map(|at| 1.0 / (at as f64 + 1.0) / total).collect(), error };
            let [observed, kappa, first] = people.truth();
            let mut rng = ChaCha8Rng::seed_from_u64(51);
            let mut covered = [0_u32; 5];
            for _ in 0..runs {
                let mut pairs = vec![vec![0.0; codes]; codes];
                let mut table = vec![vec![0; codes]; codes];
                for _ in 0..items {
                    let truth = people.code(&mut rng);
                    let mut counts = vec![0; codes];
                    let labels = rng.random_range(least..=most);
                    let given: Vec<usize> = (0..labels).map(|_| people.label(truth, &mut rng)).collect();
                    given.iter().for_each(|code| counts[*code] += 1);
                    table[given[0]][given[1]] += 1;
                    add(&mut pairs, &counts);
                }
                let found = agreement(&pairs, items, 0.95).unwrap();
                let two = cohen(&table, 0.95).unwrap();
                let hits = [
                    inside(found.observed, observed),
                    inside(found.kappa, kappa),
                    inside(found.alpha, kappa),
                    inside(found.codes[0], first),
                    inside(two.kappa, kappa),
                ];
                covered.iter_mut().zip(hits).for_each(|(sum, hit)| *sum += hit);
            }
            let share = covered.map(|n| f64::from(n) / f64::from(runs));
            let [o, k, a, c, two] = share.map(|s| 100.0 * s);
            println!(
                "| {least} to {most} | {codes} | {items} | {error} | {o:.1} | {k:.1} | {a:.1} | {c:.1} | {two:.1} |"
            );
            let noise = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
            // more than two labels an item: at least the level
            for share in share {
                assert!(share > 0.93 - noise, "{least} to {most}, {codes}, {items}, {error}: {covered:?}");
                assert!(most > 2 || share < 0.98 + noise, "{codes}, {items}, {error}: {covered:?}");
            }
        }
    }
}

/// How a wrong label comes to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Errors {
    /// Independent of the model, seldom the model's wrong code.
    Scattered,
    /// Independent of the model, always the model's wrong code where it is wrong, and the same for both annotators.
    Coinciding,
    /// The annotator follows the model: errs only where the model is wrong, and then gives its code.
    Following,
    /// Errs only where the model is right.
    Against,
}

#[test]
fn bounds_contain_the_true_accuracy() {
    let runs: u32 = if simulate() { 5_000 } else { 60 };
    println!(
        "| labels err | true accuracy | error rate | measured | error rate covered % | independent % | worst case % | mean width, independent | worst |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for errors in [Errors::Scattered, Errors::Coinciding, Errors::Following, Errors::Against] {
        for (truth, e) in [(0.8, 0.05), (0.9, 0.02), (0.6, 0.15)] {
            let mut rng = ChaCha8Rng::seed_from_u64(61);
            let mut covered = [0_u32; 3];
            let (mut measured, mut widths) = (0.0, [0.0; 2]);
            for _ in 0..runs {
                let (mut agreed, mut differ) = (0, 0);
                let (labels, doubles) = (2_000, 1_000);
                for row in 0..labels {
                    let right = rng.random::<f64>() < truth;
                    // of all rows the rate is e, whichever rows it falls on
                    let rate = match errors {
                        Errors::Scattered | Errors::Coinciding => e,
                        Errors::Following => {
                            if right {
                                0.0
                            } else {
                                e / (1.0 - truth)
                            }
                        }
                        Errors::Against => {
                            if right {
                                e / truth
                            } else {
                                0.0
                            }
                        }
                    };
                    let wrong = [rng.random::<f64>() < rate, rng.random::<f64>() < rate];
                    let model = match errors {
                        Errors::Scattered => right && !wrong[0],
                        Errors::Coinciding | Errors::Following => right != wrong[0],
                        Errors::Against => right && !wrong[0],
                    };
                    agreed += u32::from(model);
                    // codes are many: two wrong labels differ unless they coincide
                    let same = !wrong[0] && !wrong[1] || wrong[0] && wrong[1] && errors == Errors::Coinciding;
                    differ += u32::from(row < doubles && !same);
                }
                let a = wilson(f64::from(agreed) / f64::from(labels), f64::from(labels), 0.975);
                let d = wilson(f64::from(differ) / f64::from(doubles), f64::from(doubles), 0.975);
                let noise = label_noise(d).unwrap();
                let found = true_accuracy(a, noise.error).unwrap();
                let independent = found.independent.unwrap();
                measured += a.estimate.unwrap() / f64::from(runs);
                covered[0] += inside(noise.error, e);
                covered[1] += u32::from(independent.lower <= truth && truth <= independent.upper);
                covered[2] += u32::from(found.worst.lower <= truth && truth <= found.worst.upper);
                widths[0] += (independent.upper - independent.lower) / f64::from(runs);
                widths[1] += (found.worst.upper - found.worst.lower) / f64::from(runs);
            }
            let share = covered.map(|n| f64::from(n) / f64::from(runs));
            let [of_e, independent, worst] = share.map(|s| 100.0 * s);
            println!(
                "| {errors:?} | {truth} | {e} | {measured:.3} | {of_e:.1} | {independent:.1} | {worst:.1} | {:.3} | {:.3} |",
                widths[0], widths[1]
            );
            if matches!(errors, Errors::Scattered | Errors::Coinciding) {
                assert!(share[1] >= 0.95 && share[2] >= 0.95, "{errors:?} {truth} {e}: {covered:?}");
            } else if e < 0.1 {
                // errors that cluster are seen less by disagreement, little at these rates
                assert!(share[2] >= 0.95, "{errors:?} {truth} {e}: {covered:?}");
            }
        }
    }
}

#[test]
fn edges_say_nothing_rather_than_something_wrong() {
    assert_eq!(agreement(&[], 0, 0.95), None);
    assert_eq!(agreement(&[vec![0.0, 0.0], vec![0.0, 0.0]], 10, 0.95), None);
    assert_eq!(cohen(&[], 0.95), None);
    // one code only: chance agrees as well
    let one = agreement(&[vec![20.0]], 10, 0.95).unwrap();
    assert_eq!((one.observed.estimate, one.kappa.estimate, one.alpha.estimate), (Some(1.0), None, None));
    assert_eq!(cohen(&[vec![10]], 0.95).unwrap().kappa.estimate, None);
    // all agree: the interval leaves doubt
    let all = agreement(&[vec![20.0, 0.0], vec![0.0, 20.0]], 20, 0.95).unwrap();
    assert_eq!((all.kappa.estimate, all.kappa.upper), (Some(1.0), Some(1.0)));
    assert!(all.kappa.lower.unwrap() < 0.8);
    assert_eq!(all.codes[0].estimate, Some(1.0));
    // a code that nobody gave has no agreement
    let unused = agreement(&[vec![20.0, 0.0], vec![0.0, 0.0]], 10, 0.95).unwrap();
    assert_eq!(unused.codes[1].estimate, None);
    // labels that may be wrong half the time say nothing of the model when errors are independent
    let known = |x| Estimate { estimate: Some(x), lower: Some(x), upper: Some(x) };
    assert_eq!(true_accuracy(known(0.6), known(0.5)).unwrap().independent, None);
    assert_eq!(true_accuracy(Estimate::point(0.6), known(0.1)), None);
    assert_eq!(label_noise(Estimate::default()), None);
    assert!(label_noise(known(0.7)).unwrap().error.upper.unwrap() >= 0.5);
}
