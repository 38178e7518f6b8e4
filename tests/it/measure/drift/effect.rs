//! Effects of one code against statsmodels, and their intervals by simulation.

use proptest::prelude::*;
use rand::{Rng, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::{
        effect::{difference, effect, enough, ratio},
        verdict::{Change, change, size},
    },
    proportion::Estimate,
};

use super::{
    super::oracle::assert_close,
    population::{Sampler, at_length},
};

/// statsmodels 0.15.0: `confint_proportions_2indep(x1, n1, x2, n2, compare="ratio", method="score", correction=False)`.
/// The first is Koopman's own example.
#[test]
fn the_ratio_matches_statsmodels() {
    for ([x1, n1, x2, n2], lower, upper) in [
        ([36.0, 40.0, 16.0, 80.0], 2.9395691922149965, 7.15222343486603),
        ([80.0, 100.0, 70.0, 100.0], 0.9731251484887933, 1.3544077418468323),
        ([8.0, 10.0, 5.0, 10.0], 0.8215637753050224, 3.5192828832311926),
        ([800.0, 1000.0, 760.0, 1000.0], 1.0047537978835428, 1.1032771958384835),
        ([900.0, 1000.0, 85.0, 100.0], 0.988215860554635, 1.1750705840470004),
        ([5.0, 731.0, 9.0, 700.0], 0.1878145741145498, 1.5052219934714952),
        ([120.0, 100_000.0, 80.0, 90_000.0], 1.0184585270778794, 1.789487033179136),
    ] {
        let found = ratio((x2, n2), (x1, n1), 0.95);
        assert_close(found.lower.unwrap(), lower, 1e-7, "lower");
        assert_close(found.upper.unwrap(), upper, 1e-7, "upper");
    }
    let gone = ratio((5.0, 50.0), (0.0, 40.0), 0.95);
    assert_eq!((gone.estimate, gone.lower), (Some(0.0), Some(0.0)));
    assert_close(gone.upper.unwrap(), 0.9096820802011082, 1e-7, "upper");
}

/// How the shares of codes change from one period to the next.
#[derive(Debug, Clone, Copy)]
enum Scene {
    None,
    /// So many of the codes, drawn anew each time, grow by so much.
    Some(usize, f64),
    /// Each by a factor of its own.
    All(f64),
}

const CODES: usize = 732;

impl Scene {
    /// Shares of Zipf's law, before and after.
    fn shares(self, rng: &mut ChaCha8Rng) -> [Vec<f64>; 2] {
        let before: Vec<f64> = (1..=CODES).map(|rank| 1.0 / rank as f64).collect();
        let mut after = before.clone();
        match self {
            Scene::None => {}
            Scene::Some(codes, times) => {
                let mut all: Vec<usize> = (0..CODES).collect();
                all.shuffle(rng);
                all[..codes].iter().for_each(|code| after[*code] *= times);
            }
            Scene::All(far) => {
                after.iter_mut().for_each(|share| *share *= (far * rng.random_range(-1.0..1.0_f64)).exp())
            }
        }
        [before, after].map(|shares| {
            let all: f64 = shares.iter().sum();
            shares.into_iter().map(|share| share / all).collect()
        })
    }
}

/// Over 732 codes, by the rows that a code has in both periods together.
#[test]
fn intervals_cover() {
    let runs: u64 = if at_length() { 3_000_000 } else { 60_000 };
    println!("| rows before | now | change | 10 to 19 rows | 20 to 49 | 50 and more |\n|---|---|---|---|---|---|");
    let scenes = [
        ("none", Scene::None),
        ("half of the codes grow by half", Scene::Some(CODES / 2, 1.5)),
        ("half of them grow threefold", Scene::Some(CODES / 2, 3.0)),
        ("a tenth of them grow threefold", Scene::Some(CODES / 10, 3.0)),
        ("all change, by up to e", Scene::All(1.0)),
    ];
    for (n, m) in [(1_000, 1_000), (10_000, 1_000), (10_000, 10_000), (100_000, 10_000), (100_000, 100_000)] {
        for (name, scene) in scenes {
            let mut rng = ChaCha8Rng::seed_from_u64(11);
            // of each class: difference covered, ratio covered, codes
            let mut classes = [[0.0; 3]; 3];
            for _ in 0..(runs / (n + m)).max(1) {
                let [before, after] = scene.shares(&mut rng);
                let [a, b] =
                    [(&before, n), (&after, m)].map(|(shares, rows)| Sampler::new(shares).draw(&mut rng, rows));
                for ((a, b), (p, q)) in a.into_iter().zip(b).zip(before.into_iter().zip(after)) {
                    let found = effect(a, n, b, m, 0.95);
                    if !enough((a as f64, n as f64), (b as f64, m as f64)) {
                        assert_eq!([found.difference.lower, found.ratio.upper], [None; 2]);
                        continue;
                    }
                    let inside = |e: Estimate, truth: f64| {
                        let above = e.lower.is_none_or(|lower| lower <= truth + 1e-12);
                        f64::from(u8::from(above && e.upper.is_none_or(|upper| truth <= upper + 1e-12)))
                    };
                    let class = &mut classes[usize::from(a + b >= 20) + usize::from(a + b >= 50)];
                    class[0] += inside(found.difference, q - p);
                    class[1] += inside(found.ratio, q / p);
                    class[2] += 1.0;
                }
            }
            let cells = classes.map(|[difference, ratio, codes]| {
                if codes < 100.0 {
                    return "-".to_owned();
                }
                let covered = [difference / codes, ratio / codes];
                let error = 3.0 * (0.05 * 0.95 / codes).sqrt();
                assert!(
                    covered.iter().all(|c| (0.935 - error..=0.97 + error).contains(c)),
                    "{n}, {m}, {name}: {covered:?} of {codes}"
                );
                covered.map(|c| format!("{:.1}", 100.0 * c)).join(" / ")
            });
            println!("| {n} | {m} | {name} | {} |", cells.join(" | "));
        }
    }
}

#[test]
fn a_change_needs_both_answers() {
    let rows = |n: u64, a: u64, b: u64| size(difference(a, n, b, n, 0.95));
    // ten million rows: real, and of no consequence
    let small = rows(10_000_000, 100_000, 101_000);
    assert_eq!(change(Some(1e-3), 0.05, small, 0.005), Change::RealButSmall);
    assert_eq!(change(Some(1e-3), 0.05, rows(10_000, 100, 300), 0.005), Change::Real);
    assert_eq!(change(Some(0.3), 0.05, rows(10, 1, 9), 0.005), Change::None);
    assert_eq!(change(None, 0.05, small, 0.0), Change::None);
    assert_eq!(change(Some(f64::NAN), 0.05, small, 0.0), Change::None);
    assert_eq!(change(Some(0.0), 0.05, Estimate::point(0.5), 0.0), Change::RealButSmall);
}

proptest! {
    #[test]
    fn any_counts_give_an_interval_around_the_estimate(a in any::<u64>(), n in any::<u64>(), b in 0..20_u64, m in 0..30_u64) {
        let found = effect(a, n, b, m, 0.95);
        for e in [found.difference, found.ratio] {
            let values = [e.estimate, e.lower, e.upper];
            prop_assert!(values.iter().flatten().all(|x| x.is_finite()), "{e:?}");
            if let (Some(x), Some(lower)) = (e.estimate, e.lower) {
                prop_assert!(lower <= x + 1e-9 * x.abs(), "{e:?}");
            }
            if let (Some(x), Some(upper)) = (e.estimate, e.upper) {
                prop_assert!(x <= upper + 1e-9 * x.abs(), "{e:?}");
            }
        }
        prop_assert_eq!(found.difference.estimate.is_some(), n > 0 && m > 0);
    }

    #[test]
    fn swapping_the_periods_turns_the_effect_around(a in 5..40_u64, b in 5..40_u64) {
        let (one, other) = (effect(a, 50, b, 70, 0.9), effect(b, 70, a, 50, 0.9));
        prop_assert!((one.difference.lower.unwrap() + other.difference.upper.unwrap()).abs() < 1e-9);
        prop_assert!((one.ratio.lower.unwrap() * other.ratio.upper.unwrap() - 1.0).abs() < 1e-7);
    }
}
