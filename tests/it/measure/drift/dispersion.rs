//! Days that vary without drift: tests that take rows for independent alarm, scaled ones keep their level.

use proptest::prelude::*;
use rand::{Rng, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::drift::{
    categorical_drift,
    day_permutation::day_test,
    dispersion::{Dispersion, dispersion, share_dispersion, share_test, tree_dispersion},
    fisher::fisher_exact,
    hierarchy::tree_drift,
};

use super::population::{Population, Sampler, at_length};

/// How days come to differ.
#[derive(Clone, Copy, PartialEq)]
enum Days {
    Alike,
    /// Rows come in batches of four of one code.
    Batches,
    /// Every day draws its own shares: each code's by a factor exp(.35 z).
    Own,
    /// Saturdays and Sundays have other shares, by factors exp(±.5).
    Weekends,
}

const NAMES: [(Days, &str); 4] = [
    (Days::Alike, "independent rows"),
    (Days::Batches, "batches of four"),
    (Days::Own, "each day its own shares"),
    (Days::Weekends, "weekends differ"),
];

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

fn day(naf: &Population, days: Days, weekend: bool, rows: u64, rng: &mut ChaCha8Rng) -> Vec<u64> {
    match days {
        Days::Alike => Sampler::new(&naf.shares).draw(rng, rows),
        Days::Batches => Sampler::new(&naf.shares).draw(rng, rows / 4).into_iter().map(|n| 4 * n).collect(),
        Days::Own => {
            let shares: Vec<f64> = naf.shares.iter().map(|p| p * (0.35 * normal(rng)).exp()).collect();
            Sampler::new(&shares).draw(rng, rows)
        }
        Days::Weekends => {
            let tilt = |i: usize| if i.is_multiple_of(2) { 0.5_f64 } else { -0.5 };
            let shift = |(i, p): (usize, &f64)| if weekend { p * tilt(i).exp() } else { *p };
            let shares: Vec<f64> = naf.shares.iter().enumerate().map(shift).collect();
            Sampler::new(&shares).draw(rng, rows)
        }
    }
}

fn added(days: &[Vec<u64>]) -> Vec<u64> {
    let width = days.iter().map(Vec::len).max().unwrap_or(0);
    (0..width).map(|i| days.iter().map(|day| day[i]).sum()).collect()
}

/// Mean factor, and share of alarms without drift: test of the codes by dealing
/// rows and days, by the one that a report chooses, tree without and with factors.
fn alarms(days: Days, rows: u64, runs: u32, replicates: u32) -> [f64; 6] {
    let naf = Population::naf();
    let mut rng = ChaCha8Rng::seed_from_u64(rows + days as u64);
    let mut sums = [0.0; 6];
    for _ in 0..runs {
        let before: Vec<Vec<u64>> = (0..28).map(|d| day(&naf, days, d % 7 >= 5, rows, &mut rng)).collect();
        // any three days of a week
        let mut week: Vec<usize> = (0..7).collect();
        week.shuffle(&mut rng);
        let now: Vec<Vec<u64>> = week[..3].iter().map(|&d| day(&naf, days, d >= 5, rows, &mut rng)).collect();
        let (reference, current) = (added(&before), added(&now));
        let between = dispersion(&before).unwrap();
        let seed = rng.random();
        let by_rows = categorical_drift(&reference, &current, replicates, seed).unwrap().chi2.p_value;
        let by_days = day_test(&before, &now, replicates, seed).unwrap();
        let by_node: Vec<Vec<u64>> = before.iter().map(|day| naf.rolled_up(day)).collect();
        let factors = tree_dispersion(&naf.parents, &by_node);
        let tree = naf.tree(&reference, &current);
        let flagged = |factors: &[Option<Dispersion>]| tree_drift(&tree, factors, 0.05).splits_moved > 0;
        let chosen = if between.p_value() <= 0.05 { by_days } else { by_rows };
        let rang = [by_rows <= 0.05, by_days <= 0.05, chosen <= 0.05, flagged(&[]), flagged(&factors)];
        sums[0] += between.factor / f64::from(runs);
        for (sum, rang) in sums[1..].iter_mut().zip(rang) {
            *sum += f64::from(u8::from(rang)) / f64::from(runs);
        }
    }
    sums
}

#[test]
fn tests_by_days_keep_their_level_where_days_vary() {
    let (sizes, runs, replicates): (&[u64], _, _) =
        if at_length() { (&[200, 1_000], 300, 199) } else { (&[200], 8, 39) };
    println!(
        "| rows a day | days | mean factor | chi2, rows dealt | chi2, days dealt | chosen | tree | tree, scaled |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for &rows in sizes {
        for (days, name) in NAMES {
            if !at_length() && days == Days::Weekends {
                continue;
            }
            let [factor, level, by_days, chosen, tree, scaled] = alarms(days, rows, runs, replicates);
            println!(
                "| {rows} | {name} | {factor:.2} | {level:.3} | {by_days:.3} | {chosen:.3} | {tree:.3} | {scaled:.3} |"
            );
            let noise = 3.0 * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
            assert!(by_days <= 0.06 + noise, "{name}: {by_days}");
            assert!(chosen <= 0.07 + noise, "{name}: {chosen}");
            assert!(scaled <= 0.06 + noise, "{name}: {scaled}");
            assert!(days != Days::Batches || level > 0.9 && tree > 0.5, "{name}: {level} {tree}");
        }
    }
}

/// Hand-computed: 20, 30, 10 of 100, 100, 50 rows; p = .24.
#[test]
fn matches_a_hand_computation() {
    let term = |x: f64, n: f64| (x - 0.24 * n).powi(2) / (n * 0.24 * 0.76);
    let chi2 = term(20.0, 100.0) + term(30.0, 100.0) + term(10.0, 50.0);
    let one = share_dispersion(&[20, 30, 10, 0], &[100, 100, 50, 0]).unwrap();
    assert!((one.chi2 - chi2).abs() < 1e-12 && one.df == 2 && (one.factor - chi2 / 2.0).abs() < 1e-12, "{one:?}");
    let table = [vec![20, 80], vec![30, 70, 0], vec![10, 40], vec![]];
    let both = dispersion(&table).unwrap();
    assert!((both.chi2 - one.chi2).abs() < 1e-9 && both.df == 2, "{both:?}");
}

#[test]
fn edges() {
    assert_eq!(dispersion(&[]), None);
    assert_eq!(dispersion(&[vec![], vec![0, 0]]), None);
    assert_eq!(dispersion(&[vec![5], vec![9]]), None);
    assert_eq!(share_dispersion(&[0, 0], &[5, 5]), None);
    assert_eq!(share_dispersion(&[5, 5], &[5, 5]), None);
    assert_eq!(share_dispersion(&[], &[]), None);
    assert!(tree_dispersion(&[None, Some(0)], &[vec![5, 2]]).iter().all(Option::is_none));
    assert_eq!(day_test(&[], &[vec![1]], 9, 1), None);
    assert_eq!(day_test(&[vec![0, 0]], &[vec![1]], 9, 1), None);
    assert_eq!(day_test(&[vec![1, 5]], &[vec![2]], 0, 1), None);
    // one against one: the two ways to deal them look alike
    assert_eq!(day_test(&[vec![9, 0]], &[vec![0, 9]], 99, 1), Some(1.0));
    assert!(day_test(&[vec![u64::MAX], vec![1, u64::MAX]], &[vec![3, 3, 3]], 9, 1).is_some_and(f64::is_finite));
}

/// One day against nineteen: its rank among them, whatever the numbers.
#[test]
fn a_single_day_is_judged_by_its_rank() {
    let before: Vec<Vec<u64>> = (0..19).map(|i| vec![40 + i, 60 - i]).collect();
    let p = |n| day_test(&before, &[vec![n, 100 - n]], 4_999, 1).unwrap();
    assert!((p(90) - 1.0 / 20.0).abs() < 0.01, "{}", p(90));
    assert!((p(49) - 1.0).abs() < 0.01, "{}", p(49));
}

/// A shift that days do not explain is found though they vary.
#[test]
fn a_shift_is_found_among_days_that_vary() {
    let naf = Population::naf();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let before: Vec<Vec<u64>> = (0..28).map(|_| day(&naf, Days::Own, false, 1_000, &mut rng)).collect();
    let grown = Population { shares: naf.grown(naf.ranked(100), 0.05), ..Population::naf() };
    let now: Vec<Vec<u64>> = (0..7).map(|_| day(&grown, Days::Own, false, 1_000, &mut rng)).collect();
    assert!(day_test(&before, &now, 199, 1).unwrap() < 0.02);
    let rolled: Vec<Vec<u64>> = before.iter().map(|day| naf.rolled_up(day)).collect();
    let found = tree_drift(&naf.tree(&added(&before), &added(&now)), &tree_dispersion(&naf.parents, &rolled), 0.05);
    let path = std::iter::successors(Some(naf.leaves[naf.ranked(100)]), |&at| naf.parents[at]);
    assert!(path.filter(|&at| found.nodes[at].flagged).count() >= 1, "{} splits", found.splits_moved);
}

proptest! {
    #[test]
    fn more_dispersion_never_makes_it_more_certain(a in 0..500_u64, b in 0..500_u64, factor in 1.0..20.0_f64, df in 1..200_u64) {
        let between = Dispersion { chi2: factor * df as f64, df, factor };
        let scaled = share_test(a, 500, b, 700, Some(&between));
        prop_assert!((0.0..=1.0).contains(&scaled));
        // rounding of effective counts may move a p-value that says nothing
        let plain = fisher_exact(a, 500, b, 700);
        prop_assert!(scaled >= plain || plain > 0.01, "{scaled} below {plain}");
    }
}
