//! Shares of rare codes, steadied by their parents.

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

#[test]
fn shrunken_shares_are_closer_and_cover() {
    let long = std::env::var_os("VIGIE_SIMULATE").is_some();
    let usual = [0.6, 0.5, 0.7];
    let scenes = [
        Scene { mean: 0.78, spread: usual, labels: 400.0 },
        Scene { mean: 0.78, spread: usual, labels: 4_000.0 },
        Scene { mean: 0.78, spread: usual, labels: 60.0 },
        Scene { mean: 0.95, spread: usual, labels: 400.0 },
        Scene { mean: 0.5, spread: [1.0; 3], labels: 400.0 },
        Scene { mean: 0.78, spread: [0.1, 0.1, 1.5], labels: 400.0 },
        Scene { mean: 0.78, spread: [1.5, 0.1, 0.1], labels: 400.0 },
        Scene { mean: 0.78, spread: [0.1; 3], labels: 400.0 },
        Scene { mean: 0.78, spread: [0.0; 3], labels: 400.0 },
    ];
    println!(
        "| mean share | spread of sections, groups, codes | labels in all | covered % | no label | 1 to 9 | 10 and more | squared error, of the raw share's |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (at, scene) in scenes.iter().enumerate() {
        let runs = if long {
            100
        } else if at == 0 {
            8
        } else {
            1
        };
        let found = simulated(scene, runs);
        let covered = |classes: &[usize]| {
            let sum = |i: usize| classes.iter().map(|class| found.covered[*class][i]).sum::<f64>();
            sum(0) / sum(1)
        };
        let all = covered(&[0, 1, 2]);
        let percent = |class: usize| match covered(&[class]) {
            none if none.is_nan() => "-".to_owned(),
            share => format!("{:.1}", 100.0 * share),
        };
        println!(
            "| {} | {:?} | {:.0} | {:.1} | {} | {} | {} | {:.2} |",
            scene.mean,
            scene.spread,
            found.labels,
            100.0 * all,
            percent(0),
            percent(1),
            percent(2),
            found.error
        );
        // one run has groups in common: allow for it
        let slack = if long {
            0.003
        } else if at == 0 {
            0.01
        } else {
            0.06
        };
        // where codes do not differ at all every interval holds the one share
        let most = if scene.spread[2] <= 0.1 { 1.0 } else { 0.97 + slack };
        assert!((0.935 - slack..=most).contains(&all), "{:?}: {all}", scene.spread);
        assert!(found.error < 0.5, "{:?}: {}", scene.spread, found.error);
    }
}

/// What shrunken shares say of many classifications.
struct Found {
    /// Intervals that hold and all, of codes with no label, with one to nine, with more.
    covered: [[f64; 2]; 3],
    labels: f64,
    /// Squared error of codes with one to nine labels, of the raw share's.
    error: f64,
}

fn simulated(scene: &Scene, runs: u32) -> Found {
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
    Found { covered, labels: labelled / f64::from(runs), error: error / raw_error }
}

#[test]
fn many_labels_keep_their_own_share_and_none_takes_the_parents() {
    let certain = |right, wrong, groups: Vec<usize>| Leaf {
        success: WeightSums::certain(right),
        failure: WeightSums::certain(wrong),
        groups,
    };
    let leaves = [certain(9_000, 1_000, vec![0]), certain(2_000, 8_000, vec![1]), certain(0, 0, vec![1])];
    let found = shrunk(&leaves, 0.95);
    assert!((found[0].estimate.expect("a share") - 0.9).abs() < 0.005, "{found:?}");
    assert!((found[2].estimate.expect("a share") - 0.2).abs() < 0.02, "{found:?}");
    let width = |i: usize| found[i].upper.expect("a bound") - found[i].lower.expect("a bound");
    assert!(width(2) > width(1));
    assert_eq!(shrunk(&[Leaf::default()], 0.95)[0].estimate, None);
    assert!(shrunk(&[], 0.95).is_empty());
}
