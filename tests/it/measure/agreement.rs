//! Agreement against statsmodels and krippendorff, coverage, and what noisy labels leave of an accuracy.

use proptest::{collection::vec, prelude::*};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use statrs::distribution::{Binomial, DiscreteCDF};
use vigie::measure::{
    agreement::{
        LEAST_ITEMS, Votes, agreement,
        cohen::cohen,
        noise::{label_noise, true_accuracy},
    },
    proportion::{Estimate, normal_quantile, student_quantile, wilson},
};

use super::oracle::{assert_close, count, number, rows};

fn simulate() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|v| v == "1")
}

/// An item with these counts of labels.
fn votes(counts: &[u64], items: u64) -> Votes {
    let labels = counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(code, n)| (code, *n as u32)).collect();
    Votes { labels, items }
}

#[test]
fn two_annotators_equal_statsmodels() {
    let tables = rows("cohen_tables.csv");
    for expected in rows("cohen_expected.csv") {
        let codes = count(&expected, "codes") as usize;
        let mut table = vec![vec![0; codes]; codes];
        let mut all = Vec::new();
        for cell in tables.iter().filter(|cell| cell["case"] == expected["case"]) {
            let (a, b, n) = (count(cell, "a") as usize, count(cell, "b") as usize, count(cell, "n"));
            table[a][b] = n;
            let mut counts = vec![0; codes];
            counts[a] += 1;
            counts[b] += 1;
            all.push(votes(&counts, n));
        }
        let close = |found: f64, column: &str| assert_close(found, number(&expected, column), 1e-9, column);
        let found = cohen(&table, 0.95).unwrap();
        close(found.kappa.estimate.unwrap(), "kappa");
        close(found.standard_error.unwrap(), "se");
        assert_eq!(found.items, count(&expected, "items"));
        let both = agreement(&all, 0.95).unwrap();
        assert_eq!(both.items, found.items);
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

/// The variance from which Wilson's interval was made.
fn variance(e: Estimate) -> f64 {
    let (p, low) = (e.estimate.unwrap(), e.lower.unwrap());
    (p - low).powi(2) / (low * (1.0 - low)) / normal_quantile(0.95).unwrap().powi(2) * p * (1.0 - p)
}

proptest! {
    #[test]
    fn agreement_is_within_its_bounds_and_knows_neither_order_nor_names(
        items in vec((vec(0_u64..4, 5), 1_u64..4), 1..30), seed in any::<u64>()
    ) {
        let all: Vec<Votes> = items.iter().map(|(counts, n)| votes(counts, *n)).collect();
        let found = agreement(&all, 0.95);
        let several: u64 = items.iter().filter(|(counts, _)| counts.iter().sum::<u64>() > 1).map(|(_, n)| n).sum();
        prop_assert_eq!(found.as_ref().map_or(0, |f| f.items), several);
        let Some(found) = found else { return Ok(()) };
        // few items: no interval
        let ordered = |e: Estimate, items: u64| match e.lower.zip(e.upper).zip(e.estimate) {
            Some(((lower, upper), x)) => items as f64 >= LEAST_ITEMS && lower <= x + 1e-12 && x <= upper + 1e-12,
            None => e.estimate.is_none() || (items as f64) < LEAST_ITEMS,
        };
        prop_assert!([found.observed, found.kappa, found.alpha].into_iter().all(|e| ordered(e, several)), "{found:?}");
        prop_assert!(found.kappa.upper.is_none_or(|x| x <= 1.0) && found.kappa.lower.is_none_or(|x| x >= -1e12));
        // the same items, one by one, in another order, under other names
        let mut single: Vec<Votes> = all
            .iter()
            .flat_map(|v| {
                let labels = v.labels.iter().map(|(code, n)| (4 - code, *n)).collect();
                std::iter::repeat_n(Votes { labels, items: 1 }, v.items as usize)
            })
            .collect();
        let by = seed as usize % single.len();
        single.rotate_left(by);
        let again = agreement(&single, 0.95).unwrap();
        let close = |a: Estimate, b: Estimate| {
            [(a.estimate, b.estimate), (a.lower, b.lower), (a.upper, b.upper)].into_iter().all(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-7,
                (a, b) => a == b,
            })
        };
        prop_assert!(close(found.observed, again.observed), "{:?} {:?}", found.observed, again.observed);
        prop_assert!(close(found.kappa, again.kappa), "{:?} {:?}", found.kappa, again.kappa);
        for (at, of) in found.codes.iter().enumerate() {
            let other = again.codes.get(4 - at).map_or(Estimate::default(), |of| of.agreement);
            prop_assert!(close(of.agreement, other), "{of:?} {other:?}");
            let given = items.iter().filter(|(counts, _)| counts.iter().sum::<u64>() > 1 && counts[at] > 0);
            prop_assert!(ordered(of.agreement, given.map(|(_, n)| n).sum()), "{of:?}");
        }
    }
}

#[test]
fn several_annotators_equal_statsmodels_and_krippendorff() {
    let sample = rows("annotations_sample.csv");
    for expected in rows("annotations_expected.csv") {
        let codes = count(&expected, "codes") as usize;
        let mut all = Vec::new();
        for row in sample.iter().filter(|row| row["case"] == expected["case"]) {
            let counts: Vec<u64> = (0..codes).map(|code| count(row, &format!("n{code}"))).collect();
            all.push(votes(&counts, 1));
        }
        let found = agreement(&all, 0.95).unwrap();
        assert_close(found.alpha.estimate.unwrap(), number(&expected, "alpha"), 1e-9, "alpha");
        // without the typical items that steady it, nor what Student's quantile adds to kappa's; 1e-6: theirs are numerical derivatives
        let unpooled = |e: Estimate, items: f64| {
            let p = e.estimate.unwrap();
            variance(e) * (1.0 + 2.0 / items) - 2.0 * p * (1.0 - p) / items.powi(2)
        };
        let unpooled_of_code = |e: Estimate, items: f64, labels: f64, crowd: f64| {
            let p = e.estimate.unwrap();
            variance(e) * (1.0 + 4.0 / items) - 4.0 * p * (1.0 - p) * (crowd * (1.0 - p) + p) / (labels * items)
        };
        let close = |found: f64, column: &str| assert_close(found.sqrt(), number(&expected, column), 1e-6, column);
        let squares = |of: &dyn Fn(&Votes) -> u32| all.iter().map(|v| f64::from(of(v)).powi(2)).sum::<f64>();
        let items = found.labels.powi(2) / squares(&|v| v.labels.iter().map(|(_, n)| n).sum());
        let (agreed, kappa) = (found.observed.estimate.unwrap(), found.kappa.estimate.unwrap());
        close(unpooled(found.observed, items), "observed_se");
        let chance = (agreed - kappa) / (1.0 - kappa);
        let to_agreed = |kappa: f64| chance + kappa * (1.0 - chance);
        let scaled = Estimate { estimate: Some(agreed), lower: found.kappa.lower.map(to_agreed), upper: None };
        let wider = student_quantile(0.95, items - 1.0).unwrap() / normal_quantile(0.95).unwrap();
        let of_kappa = unpooled(scaled, items) / (wider * (1.0 - chance)).powi(2);
        close(of_kappa, "kappa_se");
        let first = &found.codes[0];
        let of_first = |v: &Votes| v.labels.iter().filter(|(at, _)| *at == 0).map(|(_, n)| n).sum();
        let sizes = |v: &Votes| v.labels.iter().map(|(_, n)| n).sum::<u32>();
        let crowd = all.iter().map(|v| f64::from(of_first(v) * sizes(v))).sum::<f64>() / first.labels;
        let items = first.labels.powi(2) / squares(&of_first);
        close(unpooled_of_code(first.agreement, items, first.labels, crowd), "first_se");
        if expected["case"] == "three" {
            assert_close(found.kappa.estimate.unwrap(), number(&expected, "fleiss"), 1e-9, "fleiss");
            assert_close(of_kappa.sqrt(), number(&expected, "gwet_se"), 1e-9, "irrCAC's");
        }
    }
}

/// Annotators who see the true code, or with some probability draw another by its share; of every item in `hard` they
/// draw it with a probability of 0.6.
struct Annotators {
    shares: Vec<f64>,
    error: f64,
    hard: f64,
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

    /// Labels of one item.
    fn labels(&self, n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let truth = self.code(rng);
        let error = if self.hard > 0.0 && rng.random::<f64>() < self.hard { 0.6 } else { self.error };
        (0..n).map(|_| if rng.random::<f64>() < error { self.code(rng) } else { truth }).collect()
    }

    /// Observed agreement and kappa in the long run.
    fn truth(&self) -> [f64; 2] {
        let chance: f64 = self.shares.iter().map(|p| p * p).sum();
        let same = self.same();
        [same + (1.0 - same) * chance, same]
    }

    /// How often two see the same, whatever the code: kappa.
    fn same(&self) -> f64 {
        (1.0 - self.hard) * (1.0 - self.error).powi(2) + self.hard * 0.4_f64.powi(2)
    }

    /// Agreement on a code in the long run.
    fn of(&self, code: usize) -> f64 {
        self.same() + (1.0 - self.same()) * self.shares[code]
    }
}

fn inside(e: Estimate, truth: f64) -> u32 {
    u32::from(e.lower.is_some_and(|l| l <= truth + 1e-12) && e.upper.is_some_and(|u| truth <= u + 1e-12))
}

#[test]
fn intervals_of_agreement_cover() {
    let runs: u32 = if simulate() { 10_000 } else { 70 };
    println!(
        "| annotators | codes | items | error | hard items | observed | kappa | alpha | first code | other codes | Cohen's kappa |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (least, most) in [(2, 2), (3, 3), (2, 5)] {
        for (codes, items, error, hard) in [
            (2, 30, 0.2, 0.0),
            (2, 100, 0.2, 0.0),
            (2, 1_000, 0.05, 0.0),
            (10, 100, 0.2, 0.0),
            (10, 1_000, 0.05, 0.0),
            (10, 50, 0.05, 0.0),
            (10, 50, 0.4, 0.0),
            (10, 300, 0.02, 0.1),
        ] {
            let total: f64 = (0..codes).map(|at| 1.0 / (at as f64 + 1.0)).sum();
            let shares = (0..codes).map(|at| 1.0 / (at as f64 + 1.0) / total).collect();
            let people = Annotators { shares, error, hard };
            let [observed, kappa] = people.truth();
            let mut rng = ChaCha8Rng::seed_from_u64(51);
            // hits, and intervals
            let mut covered = [[0_u32; 2]; 6];
            for _ in 0..runs {
                let mut all = Vec::new();
                let mut table = vec![vec![0; codes]; codes];
                for _ in 0..items {
                    let mut counts = vec![0; codes];
                    let labels = rng.random_range(least..=most);
                    let given = people.labels(labels, &mut rng);
                    given.iter().for_each(|code| counts[*code] += 1);
                    table[given[0]][given[1]] += 1;
                    all.push(votes(&counts, 1));
                }
                let found = agreement(&all, 0.95).unwrap();
                let two = cohen(&table, 0.95).unwrap();
                let mut see = |at: usize, e: Estimate, truth: f64| {
                    covered[at][0] += inside(e, truth);
                    covered[at][1] += u32::from(e.lower.is_some());
                };
                see(0, found.observed, observed);
                see(1, found.kappa, kappa);
                see(2, found.alpha, kappa);
                found
                    .codes
                    .iter()
                    .enumerate()
                    .for_each(|(code, of)| see(3 + code.min(1), of.agreement, people.of(code)));
                see(5, two.kappa, kappa);
            }
            let share = covered.map(|[hits, n]| f64::from(hits) / f64::from(n));
            let [o, k, a, c, l, two] = share.map(|s| 100.0 * s);
            println!(
                "| {least} to {most} | {codes} | {items} | {error} | {hard} | {o:.1} | {k:.1} | {a:.1} | {c:.1} | {l:.1} | {two:.1} |"
            );
            for ((share, [_, n]), figure) in
                share.into_iter().zip(covered).zip(["observed", "kappa", "alpha", "first", "others", "two"])
            {
                // codes of one sample hang together
                let noise = 3.0 * (0.05 * 0.95 / f64::from(n.min(runs))).sqrt();
                assert!(
                    n == 0 || (0.935 - noise..0.97 + noise).contains(&share),
                    "{least} to {most}, {codes}, {items}, {error}, {hard}, {figure}: {share} of {n}"
                );
            }
        }
    }
}

/// Two people with few predictions in common.
#[test]
fn kappa_of_few_predictions_covers() {
    let runs: u32 = if simulate() { 40_000 } else { 1_000 };
    println!("| codes | error | 15 | 20 | 30 | 50 |\n|---|---|---|---|---|---|");
    for codes in [2, 3, 10] {
        for error in [0.05, 0.1, 0.2, 0.4] {
            let shares = vec![1.0 / codes as f64; codes];
            let people = Annotators { shares, error, hard: 0.0 };
            let covered = [15, 20, 30, 50].map(|items| {
                let mut rng = ChaCha8Rng::seed_from_u64(53);
                let (mut covered, mut told) = (0, 0);
                for _ in 0..runs {
                    let mut table = vec![vec![0; codes]; codes];
                    for _ in 0..items {
                        let given = people.labels(2, &mut rng);
                        table[given[0]][given[1]] += 1;
                    }
                    // all of one code: no kappa
                    let kappa = cohen(&table, 0.95).unwrap().kappa;
                    told += u32::from(kappa.estimate.is_some());
                    covered += inside(kappa, people.truth()[1]);
                }
                f64::from(covered) / f64::from(told)
            });
            println!("| {codes} | {error} | {} |", covered.map(|share| format!("{:.1}", 100.0 * share)).join(" | "));
            let noise = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
            for (share, items) in covered.into_iter().zip([15, 20, 30, 50]) {
                // an interval holds up to some number of predictions coded unlike: at times 92.9 or 98.5 %, and nothing between
                let unlike = Binomial::new(1.0 - people.truth()[0], items).expect("a share");
                let possible = error >= 0.1 || (0..items).any(|most| (0.935..=0.97).contains(&unlike.cdf(most)));
                let (low, high) = if possible { (0.935, 0.97) } else { (0.925, 0.975) };
                assert!((low - noise..high + noise).contains(&share), "{codes} {error} {items}: {share}");
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
    assert_eq!(agreement(&[], 0.95), None);
    assert_eq!(agreement(&[votes(&[1, 0], 10), votes(&[1, 1], 0), votes(&[], 3)], 0.95), None);
    assert_eq!(cohen(&[], 0.95), None);
    // one code only: chance agrees as well
    let one = agreement(&[votes(&[2], 10)], 0.95).unwrap();
    assert_eq!((one.observed.estimate, one.kappa.estimate, one.alpha.estimate), (Some(1.0), None, None));
    assert_eq!(cohen(&[vec![10]], 0.95).unwrap().kappa.estimate, None);
    // all agree: the interval leaves doubt
    let all = agreement(&[votes(&[2, 0], 10), votes(&[0, 2], 10)], 0.95).unwrap();
    assert_eq!((all.kappa.estimate, all.kappa.upper), (Some(1.0), Some(1.0)));
    assert!(all.kappa.lower.unwrap() < 0.8);
    assert_eq!(all.codes[0].agreement.estimate, Some(1.0));
    // a code that nobody gave has no agreement
    let unused = agreement(&[votes(&[0, 2], 10)], 0.95).unwrap();
    assert_eq!(unused.codes[0].agreement.estimate, None);
    // labels that may be wrong half the time say nothing of the model when errors are independent
    let known = |x| Estimate { estimate: Some(x), lower: Some(x), upper: Some(x) };
    assert_eq!(true_accuracy(known(0.6), known(0.5)).unwrap().independent, None);
    assert_eq!(true_accuracy(Estimate::point(0.6), known(0.1)), None);
    assert_eq!(label_noise(Estimate::default()), None);
    assert!(label_noise(known(0.7)).unwrap().error.upper.unwrap() >= 0.5);
}
