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

#[test]
fn shrunken_shares_are_closer_and_cover() {
    let mut rng = ChaCha8Rng::seed_from_u64(732);
    let (mut covered, mut judged, mut raw_error, mut error) = (0, 0, 0.0, 0.0);
    for _ in 0..20 {
        // 20 sections of 12 groups of 3 codes; volumes fall as Zipf has it
        let sections: Vec<f64> = (0..20).map(|_| logit(0.78) + 0.6 * normal(&mut rng)).collect();
        let groups: Vec<f64> = (0..240).map(|g| sections[g / 12] + 0.5 * normal(&mut rng)).collect();
        let truths: Vec<f64> = (0..720).map(|c| share(groups[c / 3] + 0.7 * normal(&mut rng))).collect();
        let leaves: Vec<Leaf> = truths
            .iter()
            .enumerate()
            .map(|(code, truth)| {
                let labels = (400.0 / ((code * 389 % 720) + 1) as f64) as u64;
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
            covered += u32::from(lower <= *truth && *truth <= upper);
            judged += 1;
            let total = leaf.success.total() + leaf.failure.total();
            if (1..10).contains(&(leaf.success.n + leaf.failure.n)) {
                raw_error += (leaf.success.total() / total - truth).powi(2);
                error += (point - truth).powi(2);
            }
        }
    }
    let coverage = f64::from(covered) / f64::from(judged);
    println!(
        "coverage {coverage:.3}; squared error of codes with 1 to 9 labels {:.2} of the raw share's",
        error / raw_error
    );
    assert!((0.92..0.98).contains(&coverage), "{coverage}");
    assert!(error < 0.5 * raw_error, "{error} {raw_error}");
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
