//! Does the interval of the total variation cover, for shifts in one code and for shifts spread over all?

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::{
        categorical_drift,
        excess::excess_variation,
        verdict::{Change, change},
    },
    proportion::Estimate,
};

use super::population::{Population, Sampler, at_length, total_variation};

/// Means over runs.
#[derive(Default)]
struct Tally {
    truth: f64,
    covered: f64,
    observed: f64,
    estimate: f64,
    lower: f64,
    upper: f64,
    /// Said to be real and above half a point.
    real: f64,
}

fn simulate(n: u64, m: u64, mass: f64, spread: bool, runs: u32, replicates: u32) -> Tally {
    let naf = Population::naf();
    let shares = if spread { naf.spread(mass) } else { naf.grown(naf.ranked(40), mass) };
    let (before, after) = (Sampler::new(&naf.shares), Sampler::new(&shares));
    let mut rng = ChaCha8Rng::seed_from_u64(n + m);
    let mut sum = Tally { truth: total_variation(&naf.shares, &shares), ..Tally::default() };
    for _ in 0..runs {
        let (reference, current) = (before.draw(&mut rng, n), after.draw(&mut rng, m));
        let drift = categorical_drift(&reference, &current, replicates, rng.random()).unwrap();
        let found = excess_variation(&reference, &current, &drift, 1.0, replicates, rng.random(), 0.95);
        let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
        let real = change(Some(drift.chi2.p_value), 0.05, found, 0.005) == Change::Real;
        for (sum, x) in [
            (&mut sum.covered, f64::from(u8::from((lower..=upper).contains(&sum.truth)))),
            (&mut sum.observed, drift.distances.total_variation),
            (&mut sum.estimate, found.estimate.unwrap()),
            (&mut sum.lower, lower),
            (&mut sum.upper, upper),
            (&mut sum.real, f64::from(u8::from(real))),
        ] {
            *sum += x / f64::from(runs);
        }
    }
    sum
}

#[test]
fn the_interval_covers_whatever_the_shift() {
    let (sizes, runs, replicates): (&[(u64, u64)], _, _) = if at_length() {
        (&[(1_000, 1_000), (10_000, 1_000), (10_000, 10_000), (100_000, 10_000), (100_000, 100_000)], 100, 99)
    } else {
        (&[(1_000, 1_000)], 12, 39)
    };
    println!("| n | m | shift | true | observed | estimate | lower | upper | covered | said real and > .005 |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for &(n, m) in sizes {
        for (mass, spread) in [(0.0, false), (0.01, false), (0.02, false), (0.05, false), (0.02, true), (0.05, true)] {
            if !at_length() && mass > 0.0 && mass < 0.05 {
                continue;
            }
            let t = simulate(n, m, mass, spread, runs, replicates);
            let kind = match (mass, spread) {
                (0.0, _) => "none",
                (_, true) => "all codes",
                _ => "one code",
            };
            println!(
                "| {n} | {m} | {kind} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.3} | {:.2} |",
                t.truth, t.observed, t.estimate, t.lower, t.upper, t.covered, t.real
            );
            let noise = 3.0 * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
            assert!(t.covered >= 0.95 - noise, "{n} {m} {kind} {mass}: {}", t.covered);
            assert!(mass > 0.0 || t.estimate < 0.02 && t.real <= noise, "{n} {m}: {} {}", t.estimate, t.real);
            // a shift spread thinly looks like sampling: it is not promised
            assert!(n < 100_000 || m < 100_000 || mass < 0.02 || spread || t.real > 0.9, "{kind} {mass}: {}", t.real);
        }
    }
}

/// Where the interval is least sure: what sampling adds to the distance is either nothing or all of `null`.
#[test]
fn it_covers_at_either_end() {
    let (runs, replicates) = if at_length() { (2_000, 99) } else { (100, 39) };
    println!("| shift | n = m | true | observed | null | covered % | missed above % | missed below % |");
    println!("|---|---|---|---|---|---|---|---|");
    let naf = Population::naf();
    let (gone, come) = (naf.ranked(100), naf.ranked(101));
    let mut moved = naf.shares.clone();
    (moved[gone], moved[come]) = (0.0, naf.shares[gone] + naf.shares[come]);
    let even = vec![1.0 / 20.0; 20];
    let halved: Vec<f64> = (0..20).map(|code| if code % 2 == 0 { 0.025 } else { 0.075 }).collect();
    let little: Vec<f64> = (0..20).map(|code| [0.048, 0.052, 0.05, 0.05][code % 4]).collect();
    for (name, n, before, after) in [
        ("half of twenty codes halve", 2_000, &even, &halved),
        ("half of twenty codes halve", 20_000, &even, &halved),
        ("one of two codes grows a little", 500, &vec![0.5; 2], &vec![0.45, 0.55]),
        ("one of two codes grows", 500, &vec![0.5; 2], &vec![0.4, 0.6]),
        ("a rare one of two codes grows", 5_000, &vec![0.98, 0.02], &vec![0.97, 0.03]),
        ("half of twenty codes move a little", 20_000, &even, &little),
        ("none, 732 codes", 2_000, &naf.shares, &naf.shares),
        ("none, 732 codes", 20_000, &naf.shares, &naf.shares),
        ("one of 732 codes becomes another", 20_000, &naf.shares, &moved),
    ] {
        let runs = if before.len() > 20 { runs / 4 } else { runs };
        if !at_length() && n * before.len() as u64 > 2_000_000 {
            continue;
        }
        let truth = total_variation(before, after);
        let (from, to) = (Sampler::new(before), Sampler::new(after));
        let mut rng = ChaCha8Rng::seed_from_u64(n);
        let (mut above, mut below, mut observed, mut null) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..runs {
            let (reference, current) = (from.draw(&mut rng, n), to.draw(&mut rng, n));
            let drift = categorical_drift(&reference, &current, replicates, rng.random()).unwrap();
            let found = excess_variation(&reference, &current, &drift, 1.0, replicates, rng.random(), 0.95);
            above += f64::from(u8::from(found.upper.unwrap() < truth));
            below += f64::from(u8::from(found.lower.unwrap() > truth));
            observed += drift.distances.total_variation;
            null += drift.null.total_variation;
        }
        let n_runs = f64::from(runs);
        let covered = 1.0 - (above + below) / n_runs;
        println!(
            "| {name} | {n} | {truth:.4} | {:.4} | {:.4} | {:.1} | {:.1} | {:.1} |",
            observed / n_runs,
            null / n_runs,
            100.0 * covered,
            100.0 * above / n_runs,
            100.0 * below / n_runs
        );
        let noise = 3.0 * (0.05 * 0.95 / n_runs).sqrt();
        assert!(covered >= 0.935 - noise, "{name}: {covered}");
    }
}

#[test]
fn edges() {
    let drift = categorical_drift(&[5, 5], &[5, 5], 9, 1).unwrap();
    assert_eq!(excess_variation(&[], &[1], &drift, 1.0, 99, 1, 0.95), Estimate::default());
    assert_eq!(excess_variation(&[5, 5], &[5, 5], &drift, 1.0, 0, 1, 0.95), Estimate::point(0.0));
    assert_eq!(excess_variation(&[5, 5], &[5, 5], &drift, 1.0, 99, 1, 1.0), Estimate::point(0.0));
    let whole = [u64::MAX, u64::MAX];
    let drift = categorical_drift(&whole, &whole, 9, 1).unwrap();
    let found = excess_variation(&whole, &whole, &drift, f64::NAN, 9, 1, 0.95);
    assert!(found.lower == Some(0.0) && found.upper.is_some_and(f64::is_finite), "{found:?}");
    // apart, and more apart than days vary
    let (a, b) = ([1_000, 0], [0, 1_000]);
    let drift = categorical_drift(&a, &b, 99, 1).unwrap();
    let wide = excess_variation(&a, &b, &drift, 9.0, 99, 1, 0.95);
    assert_eq!(wide.upper, Some(1.0));
    assert!(wide.lower.unwrap() < excess_variation(&a, &b, &drift, 1.0, 99, 1, 0.95).lower.unwrap());
}

#[test]
fn same_seed_same_answer() {
    let (a, b) = ([90, 5, 30, 1], [60, 9, 30, 0]);
    let drift = categorical_drift(&a, &b, 99, 1).unwrap();
    let found = || excess_variation(&a, &b, &drift, 1.0, 99, 4, 0.95);
    assert_eq!(found(), found());
}
