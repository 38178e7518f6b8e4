//! Shares of rare codes, steadied by their parents.

use proptest::prelude::*;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    shrinkage::{Leaf, shrunk},
    weight::WeightSums,
};

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn share(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// About normal: a sum of twelve uniform numbers.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// 720 codes: 20 sections of 12 groups of 3 codes; volumes fall as Zipf has it.
struct Scene {
    mean: f64,
    /// Spread of log-odds between sections, groups of a section, codes of a group.
    spread: [f64; 3],
    /// Labels of the largest code.
    labels: f64,
}

/// How often a nominal 95 % interval may hold: where labels cannot tell a spread of codes from none, an interval that allows for
/// it holds more.
const TOLD: [f64; 2] = [0.935, 0.97];
const NOT_TOLD: [f64; 2] = [0.935, 1.0];

#[test]
fn shrunken_shares_are_closer_and_cover() {
    let usual = [0.6, 0.5, 0.7];
    let scenes = [
        (0.78, usual, 400.0, TOLD),
        (0.78, usual, 4_000.0, TOLD),
        (0.78, usual, 60.0, TOLD),
        (0.95, usual, 400.0, TOLD),
        (0.5, [1.0; 3], 400.0, TOLD),
        (0.78, [0.1, 0.1, 1.5], 400.0, TOLD),
        (0.78, [1.5, 0.5, 0.5], 400.0, TOLD),
        (0.78, [1.5, 0.1, 0.1], 400.0, NOT_TOLD),
        (0.78, [0.3; 3], 400.0, TOLD),
        (0.78, [0.1; 3], 400.0, NOT_TOLD),
        (0.9, [0.3, 0.8, 0.4], 800.0, TOLD),
        (0.65, [0.8, 0.3, 1.0], 140.0, TOLD),
        (0.97, [0.5; 3], 1_500.0, TOLD),
        (0.6, [0.2, 0.6, 0.2], 200.0, TOLD),
    ];
    println!(
        "| mean share | spread of sections, groups, codes | labels in all | covered % | of those shown | squared error |"
    );
    println!("|---|---|---|---|---|---|");
    for (at, (mean, spread, labels, bounds)) in scenes.into_iter().enumerate() {
        let found = simulated(&Scene { mean, spread, labels }, if at == 0 { 8 } else { 1 });
        found.print(&format!("{mean} | {}", spread.map(|s| s.to_string()).join(", ")));
        found.check(bounds, &format!("{mean} {spread:?} {labels}"));
        assert!(found.error < 0.5, "{spread:?}: {}", found.error);
    }
}

/// Codes that differ by so much and groups that do not: how wide must an interval be?
#[test]
fn spreads_that_cannot_be_told_are_allowed_for() {
    println!(
        "| spread of codes | the best test finds it | labels in all | covered % | of those shown | squared error |"
    );
    println!("|---|---|---|---|---|---|");
    let spreads: &[f64] = if long() { &[0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0] } else { &[0.0, 0.7] };
    for labels in [60.0, 400.0, 4_000.0] {
        for spread in spreads {
            let scene = Scene { mean: 0.78, spread: [0.0, 0.0, *spread], labels };
            let (found, power) = (simulated(&scene, 1), power(&scene));
            found.print(&format!("{spread} | {:.0} %", 100.0 * power));
            found.check(if power > 0.8 { TOLD } else { NOT_TOLD }, &format!("{spread} {labels}"));
        }
    }
}

fn long() -> bool {
    std::env::var_os("VIGIE_SIMULATE").is_some()
}

/// How often the likelihood-ratio test at 5 % tells this spread of codes from none, where it knows both and the mean: no test does
/// better. Of rows that say as much as labels of unequal weights do.
fn power(scene: &Scene) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let middle = logit(scene.mean);
    let nodes: Vec<f64> = (-20..=20).map(|i| f64::from(i) / 5.0).collect();
    let weight: f64 = nodes.iter().map(|z| (-z * z / 2.0).exp()).sum();
    let sizes: Vec<u64> =
        (1..=720).map(|rank| (EFFECTIVE * scene.labels / f64::from(rank)) as u64).filter(|n| *n > 0).collect();
    let ratio = |x: u64, n: u64| {
        let (x, y) = (x as f64, (n - x) as f64);
        let term = |z: &f64| {
            let p = share(middle + scene.spread[2] * z);
            (x * (p / scene.mean).ln() + y * ((1.0 - p) / (1.0 - scene.mean)).ln() - z * z / 2.0).exp()
        };
        (nodes.iter().map(term).sum::<f64>() / weight).ln()
    };
    let mut drawn = |spread: f64| -> Vec<f64> {
        let mut of_run = || -> f64 {
            let code = |n: &u64| {
                let p = share(middle + spread * normal(&mut rng));
                ratio((0..*n).filter(|_| rng.random::<f64>() < p).count() as u64, *n)
            };
            sizes.iter().map(code).sum()
        };
        let mut all: Vec<f64> = (0..if long() { 400 } else { 60 }).map(|_| of_run()).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (none, some) = (drawn(0.0), drawn(scene.spread[2]));
    let bar = none[none.len() * 19 / 20];
    some.iter().filter(|ratio| **ratio > bar).count() as f64 / some.len() as f64
}

/// Kish's effective part of labels, three in ten of which weigh 20 and the others 1/0.6.
const EFFECTIVE: f64 = 0.42;

/// What shrunken shares say of many classifications.
struct Found {
    /// Intervals that hold and all, of codes with no label, with one to nine, with more.
    covered: [[f64; 2]; 3],
    labels: f64,
    /// Squared error of codes with one to nine labels, of the raw share's.
    error: f64,
    runs: u32,
}

impl Found {
    fn covered(&self, classes: &[usize]) -> f64 {
        let sum = |i: usize| classes.iter().map(|class| self.covered[*class][i]).sum::<f64>();
        sum(0) / sum(1)
    }

    fn print(&self, scene: &str) {
        let [all, shown] = [self.covered(&[0, 1, 2]), self.covered(&[0, 1])].map(|x| format!("{:.1}", 100.0 * x));
        println!("| {scene} | {:.0} | {all} | {shown} | {:.2} |", self.labels, self.error);
    }

    /// One classification has groups in common: allows for it.
    fn check(&self, [least, most]: [f64; 2], scene: &str) {
        let slack = match self.runs {
            100.. => 0.003,
            8.. => 0.01,
            _ => 0.06,
        };
        let all = self.covered(&[0, 1, 2]);
        assert!((least - slack..=most + slack).contains(&all), "{scene}: {all}");
    }
}

fn simulated(scene: &Scene, runs: u32) -> Found {
    let runs = if long() { 100 } else { runs };
    let mut rng = ChaCha8Rng::seed_from_u64(732);
    let mut covered = [[0.0; 2]; 3];
    let (mut labelled, mut raw_error, mut error) = (0.0, 0.0, 0.0);
    for _ in 0..runs {
        let sections: Vec<f64> = (0..20).map(|_| logit(scene.mean) + scene.spread[0] * normal(&mut rng)).collect();
        let groups: Vec<f64> = (0..240).map(|g| sections[g / 12] + scene.spread[1] * normal(&mut rng)).collect();
        let truths: Vec<f64> = (0..720).map(|c| share(groups[c / 3] + scene.spread[2] * normal(&mut rng))).collect();
        let leaves: Vec<Leaf> = truths
            .iter()
            .enumerate()
            .map(|(code, truth)| {
                let labels = (scene.labels / ((code * 389 % 720) + 1) as f64) as u64;
                let mut leaf = Leaf { groups: vec![code / 36, code / 3], ..Leaf::default() };
                for _ in 0..labels {
                    let row = WeightSums::of(if rng.random::<f64>() < 0.3 { 0.05 } else { 0.6 }).expect("a rate");
                    if rng.random::<f64>() < *truth { leaf.success += row } else { leaf.failure += row }
                }
                leaf
            })
            .collect();
        for ((leaf, truth), found) in leaves.iter().zip(&truths).zip(shrunk(&leaves, 0.95)) {
            let (point, lower, upper) =
                (found.estimate.expect("all"), found.lower.expect("all"), found.upper.expect("all"));
            assert!(lower <= point && point <= upper, "{found:?}");
            let labels = leaf.success.n + leaf.failure.n;
            let class = match labels {
                0 => 0,
                1..10 => 1,
                _ => 2,
            };
            covered[class][0] += f64::from(u8::from(lower <= *truth && *truth <= upper));
            covered[class][1] += 1.0;
            labelled += labels as f64;
            if class == 1 {
                let total = leaf.success.total() + leaf.failure.total();
                raw_error += (leaf.success.total() / total - truth).powi(2);
                error += (point - truth).powi(2);
            }
        }
    }
    Found { covered, labels: labelled / f64::from(runs), error: error / raw_error, runs }
}

#[test]
fn many_labels_keep_their_own_share_and_none_takes_the_parents() {
    let certain = |right, wrong, groups: Vec<usize>| Leaf {
        success: WeightSums::certain(right),
        failure: WeightSums::certain(wrong),
        groups,
    };
    // five codes of a group are right alike, those of another are not; one of them has no label
    let mut leaves = vec![certain(9_000, 1_000, vec![0]); 5];
    leaves.extend(vec![certain(2_000, 8_000, vec![1]); 5]);
    leaves.push(certain(0, 0, vec![1]));
    leaves.push(certain(0, 0, vec![2]));
    let found = shrunk(&leaves, 0.95);
    assert!((found[0].estimate.expect("a share") - 0.9).abs() < 0.005, "{found:?}");
    assert!((found[10].estimate.expect("a share") - 0.2).abs() < 0.02, "{found:?}");
    let width = |i: usize| found[i].upper.expect("a bound") - found[i].lower.expect("a bound");
    assert!(width(10) > width(9));
    // of a group without labels its parent's mean, and next to nothing of how far it is from it
    assert!((found[11].estimate.expect("a share") - 0.55).abs() < 0.05, "{found:?}");
    assert!(width(11) > 0.9);
    // two codes with labels, each alone in its group: whether groups differ or codes do is not known
    let few = shrunk(&[certain(9_000, 1_000, vec![0]), certain(2_000, 8_000, vec![1]), certain(0, 0, vec![1])], 0.95);
    assert!((0.2..0.55).contains(&few[2].estimate.expect("a share")), "{few:?}");
    assert_eq!(shrunk(&[Leaf::default()], 0.95)[0].estimate, None);
    assert!(shrunk(&[], 0.95).is_empty());
}

proptest! {
    #[test]
    fn any_leaves_have_an_estimate_within_its_bounds(
        leaves in prop::collection::vec((0..2_000_000_u64, 0..50_u64, 0..4_usize, 0..6_usize, 0..3_usize), 1..40)
    ) {
        let leaves: Vec<Leaf> = leaves
            .into_iter()
            .map(|(right, wrong, section, group, depth)| Leaf {
                success: WeightSums::certain(right * u64::from(section < 3)),
                failure: WeightSums::certain(wrong * u64::from(group < 4)),
                groups: [section, 10 * section + group][..depth.min(2)].to_vec(),
            })
            .collect();
        let found = shrunk(&leaves, 0.95);
        prop_assert_eq!(found.len(), leaves.len());
        let any = leaves.iter().any(|leaf| leaf.success.n + leaf.failure.n > 0);
        for of in found {
            match (of.lower, of.estimate, of.upper) {
                (Some(lower), Some(p), Some(upper)) => {
                    prop_assert!(any && 0.0 <= lower && lower <= p && p <= upper && upper <= 1.0, "{of:?}");
                }
                none => prop_assert_eq!((none, any), ((None, None, None), false)),
            }
        }
    }
}
