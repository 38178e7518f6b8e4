//! Accuracy before labels: covers when only the mix changes, says when it guesses, and is contradicted when the world
//! changes.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    assisted::{ScoreBin, Stratum},
    estimated::{checked, estimated},
    weight::WeightSums,
};

/// Probability of being right by confidence.
type Curve = fn(f64) -> f64;

const BINS: usize = 50;

fn simulate() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|v| v == "1")
}

fn scores() -> Vec<f64> {
    (0..BINS).map(|at| (at as f64 + 0.5) / BINS as f64).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// What is right given the confidence; none is of a family that the fit knows.
const CURVES: [(&str, Curve); 3] = [
    ("smooth", |s| sigmoid(0.3 + 0.6 * logit(s))),
    ("a step", |s| if s < 0.6 { 0.35 } else { 0.92 }),
    ("bent", |s| 0.3 + 0.65 * s.powi(3)),
];

/// A period: labels by a review, and how many predictions each bin has and how many of all are right.
struct Period {
    stratum: Stratum,
    counts: Vec<u64>,
    accuracy: f64,
}

/// `sure` above 1 leans to high confidences, below 1 to low ones.
fn period(n: usize, sure: f64, rates: [f64; 2], rng: &mut ChaCha8Rng, truth: impl Fn(f64) -> f64) -> Period {
    let scores = scores();
    let mut bins = vec![ScoreBin::default(); BINS];
    let (mut counts, mut right) = (vec![0; BINS], 0);
    for _ in 0..n {
        let at = (rng.random::<f64>().powf(1.0 / sure) * BINS as f64) as usize;
        let at = at.min(BINS - 1);
        counts[at] += 1;
        let is_right = rng.random::<f64>() < truth(scores[at]);
        right += u32::from(is_right);
        let rate = rates[usize::from(scores[at] < 0.7)];
        if rate > 0.0 && rng.random::<f64>() < rate {
            let weight = WeightSums::of(rate).expect("a rate");
            if is_right { bins[at].right += weight } else { bins[at].wrong += weight }
        }
    }
    Period { stratum: Stratum::new(vec![bins]), counts, accuracy: f64::from(right) / n as f64 }
}

/// Nominal 95 %: what coverage may be after so many runs, three standard errors beyond 93.5 to 97.
fn promised(share: f64, runs: u32, what: &str) {
    let error = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
    assert!(share > 0.935 - error && share < 0.97 + error, "{what}: {share}");
}

#[test]
fn it_covers_when_only_the_mix_of_confidences_changes() {
    let runs: u32 = if simulate() { 8_000 } else { 35 };
    let (references, current): (&[usize], usize) =
        if simulate() { (&[3_000, 20_000], 10_000) } else { (&[3_000], 2_000) };
    println!("| truth | mix | labels | coverage % | mean error, points | mean half-width | extrapolates % |");
    println!("|---|---|---|---|---|---|---|");
    for (name, truth) in CURVES {
        for (mix, sure) in [("same", 2.0), ("less sure", 1.2), ("surer", 4.0)] {
            for &n in references {
                let mut rng = ChaCha8Rng::seed_from_u64(31);
                let (mut covered, mut extrapolates, mut labels) = (0_u32, 0_u32, 0);
                let (mut error, mut width) = (0.0, 0.0);
                for _ in 0..runs {
                    let before = period(n, 2.0, [0.05, 0.6], &mut rng, truth);
                    let now = period(current, sure, [0.0, 0.0], &mut rng, truth);
                    let found = estimated(&scores(), &[before.stratum], &now.counts, 0.95).expect("labels");
                    let (lower, upper) = (found.estimate.lower.unwrap(), found.estimate.upper.unwrap());
                    covered += u32::from(lower <= now.accuracy && now.accuracy <= upper);
                    extrapolates += u32::from(found.extrapolates);
                    labels += found.labels;
                    error += (found.estimate.estimate.unwrap() - now.accuracy) / f64::from(runs);
                    width += (upper - lower) / 2.0 / f64::from(runs);
                }
                let share = f64::from(covered) / f64::from(runs);
                println!(
                    "| {name} | {mix} | {} | {:.1} | {:+.2} | {:.2} | {:.1} |",
                    labels / u64::from(runs),
                    100.0 * share,
                    100.0 * error,
                    100.0 * width,
                    100.0 * f64::from(extrapolates) / f64::from(runs)
                );
                promised(share, runs, &format!("{name}, {mix}, {n}"));
            }
        }
    }
}

/// Labels of the reference only above 0.5, current predictions everywhere.
#[test]
fn it_says_that_it_extrapolates_and_covers_whatever_is_there() {
    let runs: u32 = if simulate() { 2_000 } else { 25 };
    println!(
        "| below 0.5, right with | extrapolates % | uncovered % | coverage % | mean half-width |\n|---|---|---|---|---|"
    );
    for below in [0.0, 0.2, 0.5] {
        let truth = |s: f64| if s < 0.5 { below } else { 0.5 + 0.45 * s };
        let mut rng = ChaCha8Rng::seed_from_u64(32);
        let (mut covered, mut told, mut uncovered, mut width) = (0_u32, 0_u32, 0.0, 0.0);
        for _ in 0..runs {
            let mut before = period(10_000, 2.0, [0.05, 0.6], &mut rng, truth);
            for (bin, score) in before.stratum.folds[0].iter_mut().zip(scores()) {
                if score < 0.5 {
                    *bin = ScoreBin::default();
                }
            }
            let now = period(10_000, 1.0, [0.0, 0.0], &mut rng, truth);
            let found = estimated(&scores(), &[before.stratum], &now.counts, 0.95).expect("labels");
            let (lower, upper) = (found.estimate.lower.unwrap(), found.estimate.upper.unwrap());
            covered += u32::from(lower <= now.accuracy && now.accuracy <= upper);
            told += u32::from(found.extrapolates);
            uncovered += found.uncovered / f64::from(runs);
            width += (upper - lower) / 2.0 / f64::from(runs);
        }
        let share = f64::from(covered) / f64::from(runs);
        println!(
            "| {below} | {:.0} | {:.1} | {:.1} | {:.2} |",
            100.0 * f64::from(told) / f64::from(runs),
            100.0 * uncovered,
            100.0 * share,
            100.0 * width
        );
        assert_eq!(told, runs);
        assert!(share >= 0.935 - 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt(), "{below}: {share}");
    }
}

/// The world changes, the model does not notice: the estimate stays where it was, the check finds the change.
#[test]
fn concept_shift_is_unseen_until_labels_check_it() {
    let runs: u32 = if simulate() { 2_000 } else { 40 };
    let reviews: &[f64] = if simulate() { &[0.1, 0.3, 1.0] } else { &[1.0] };
    println!(
        "| accuracy falls by | current labels | estimate off, points | its interval covers % | check covers % | check contradicts % |"
    );
    println!("|---|---|---|---|---|---|");
    for drop in [0.0, 0.07] {
        for &share in reviews {
            let before_truth = |s: f64| sigmoid(0.3 + 0.6 * logit(s));
            let now_truth = |s: f64| (before_truth(s) - drop).max(0.0);
            let mut rng = ChaCha8Rng::seed_from_u64(33);
            let (mut covered, mut check_covers, mut contradicts) = (0_u32, 0_u32, 0_u32);
            let (mut off, mut labels) = (0.0, 0);
            for _ in 0..runs {
                let before = period(10_000, 2.0, [0.05, 0.6], &mut rng, before_truth);
                let now = period(10_000, 3.0, [0.05 * share, 0.6 * share], &mut rng, now_truth);
                let reference = [before.stratum];
                let found = estimated(&scores(), &reference, &now.counts, 0.95).expect("labels");
                covered += u32::from(
                    found.estimate.lower.unwrap() <= now.accuracy && now.accuracy <= found.estimate.upper.unwrap(),
                );
                off += (found.estimate.estimate.unwrap() - now.accuracy) / f64::from(runs);
                let check = checked(&scores(), &reference, &[now.stratum], 0.95).expect("labels");
                labels += check.labels;
                let d = check.difference;
                check_covers += u32::from(d.lower.unwrap() <= -drop && -drop <= d.upper.unwrap());
                contradicts += u32::from(check.contradicts());
            }
            let of = |n: u32| f64::from(n) / f64::from(runs);
            println!(
                "| {drop} | {} | {:+.2} | {:.1} | {:.1} | {:.1} |",
                labels / u64::from(runs),
                100.0 * off,
                100.0 * of(covered),
                100.0 * of(check_covers),
                100.0 * of(contradicts)
            );
            if drop == 0.0 {
                promised(of(covered), runs, "no shift");
            } else {
                assert!(of(covered) < 0.5, "the limit is stated because it is there: {}", of(covered));
                assert!((off - drop).abs() < 0.01, "off by the whole change: {off}");
            }
            if share == 1.0 {
                promised(of(check_covers), runs, "the check");
                assert!(drop == 0.0 || of(contradicts) > 0.8, "{}", of(contradicts));
            }
        }
    }
}

#[test]
fn nothing_is_said_without_labels_or_predictions() {
    let some = ScoreBin { right: WeightSums::certain(20), wrong: WeightSums::certain(9), ..ScoreBin::default() };
    let period = |bin| [Stratum::new(vec![vec![bin]])];
    assert_eq!(estimated(&[0.5], &period(ScoreBin::default()), &[10], 0.95), None);
    assert_eq!(estimated(&[0.5], &period(some), &[0], 0.95), None);
    assert_eq!(estimated(&[0.5], &period(some), &[], 0.95), None);
    assert_eq!(estimated(&[], &period(some), &[10], 0.95), None);
    assert_eq!(checked(&[0.5], &period(some), &period(some), 0.95), None, "29 labels are too few");
    // labels that are all right leave doubt
    let all = ScoreBin { right: WeightSums::certain(40), ..ScoreBin::default() };
    let found = estimated(&[0.9], &period(all), &[1_000], 0.95).expect("labels");
    assert_eq!(found.estimate.estimate, Some(1.0));
    assert!(found.estimate.lower.is_some_and(|lower| lower < 0.95));
}
