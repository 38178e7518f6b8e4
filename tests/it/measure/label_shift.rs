//! The true mix of codes against NumPy, abstention and QuaPy, and against the truth over many periods.

use proptest::prelude::*;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    label_shift::{
        Refusal,
        em::{Cell, em},
        importance_weights, label_shift,
    },
    weight::WeightSums,
};

use super::oracle::{assert_close, number, rows, workshop_rows};

const CARDS: [&str; 3] = ["highstreet_card", "prepaid_card", "upmarket_card"];

fn simulate() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|v| v == "1")
}

/// Shares of the reference, `[predicted][actual]`.
fn joint() -> Vec<Vec<f64>> {
    let table = workshop_rows("label_shift_confusion_pred_x_true.csv");
    table.iter().map(|row| CARDS.iter().map(|code| number(row, code)).collect()).collect()
}

#[test]
fn the_solve_equals_numpy() {
    let (joint, golden) = (joint(), workshop_rows("label_shift_golden.csv"));
    let Some(expected) = golden.iter().find(|row| row["method"] == "bbse_hard_numpy_solve") else { return };
    let codes = rows("label_shift_expected.csv");
    let counts: Vec<u64> = codes.iter().map(|row| number(row, "predicted") as u64).collect();
    let size = counts.iter().sum::<u64>() as f64;
    let predicted: Vec<f64> = counts.iter().map(|n| *n as f64 / size).collect();
    let weights = importance_weights(&joint, &predicted).expect("a solution");
    // the reference has 60,000 rows
    let confusion: Vec<Vec<WeightSums>> = joint
        .iter()
        .map(|row| row.iter().map(|share| WeightSums::certain((share * 60_000.0).round() as u64)).collect())
        .collect();
    let found = label_shift(&confusion, &counts, 0.95).expect("a mix");
    assert!(found.plausible);
    for ((code, weight), of) in CARDS.iter().zip(&weights).zip(&found.codes) {
        assert_close(*weight, number(expected, &format!("w_{code}")), 1e-9, code);
        assert_close(of.now.estimate.unwrap(), number(expected, &format!("prev_{code}")), 1e-9, code);
        assert_close(of.weight, *weight, 1e-9, code);
    }
    for (of, row) in found.codes.iter().zip(&codes) {
        let (lower, upper, truth) = (of.now.lower.unwrap(), of.now.upper.unwrap(), number(row, "actual") / size);
        assert!(lower < truth && truth < upper, "{}: {truth} in {lower} to {upper}", row["code"]);
    }
}

/// The posteriors of that target, in hundredths and counted; NumPy on the same, and on the exact ones what three
/// programs agree on.
#[test]
fn expectation_and_maximisation_equal_numpy() {
    let expected = rows("label_shift_expected.csv");
    let prior: Vec<f64> = expected.iter().map(|row| number(row, "prior")).collect();
    let cells: Vec<Cell> = rows("label_shift_posteriors.csv")
        .iter()
        .map(|row| Cell {
            weight: number(row, "rows"),
            posterior: CARDS.iter().map(|code| number(row, code)).collect(),
        })
        .collect();
    let found = em(&prior, &cells).expect("a mix");
    for (found, row) in found.iter().zip(&expected) {
        assert_close(*found, number(row, "em_rounded"), 1e-8, &row["code"]);
        assert!((found - number(row, "em_exact")).abs() < 1e-3, "{}: hundredths are nearly exact", row["code"]);
    }
}

/// A model over codes with Zipf's shares that mixes up neighbours.
struct World {
    before: Vec<f64>,
    now: Vec<f64>,
    right: Vec<f64>,
}

impl World {
    fn new(codes: usize, accuracy: f64, rng: &mut ChaCha8Rng) -> Self {
        let shares = |of: Vec<f64>| {
            let total: f64 = of.iter().sum();
            of.into_iter().map(|x| x / total).collect::<Vec<f64>>()
        };
        let before = shares((0..codes).map(|at| 1.0 / (at as f64 + 2.0)).collect());
        let now = shares(before.iter().map(|p| p * (1.2 * (rng.random::<f64>() - 0.5)).exp()).collect());
        let right = (0..codes).map(|_| accuracy + 0.2 * (rng.random::<f64>() - 0.5)).collect();
        Self { before, now, right }
    }

    fn code(shares: &[f64], rng: &mut ChaCha8Rng) -> usize {
        let mut left = rng.random::<f64>();
        for (at, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return at;
            }
        }
        shares.len() - 1
    }

    fn predicted(&self, actual: usize, worse: f64, rng: &mut ChaCha8Rng) -> usize {
        if rng.random::<f64>() < self.right[actual] - worse {
            return actual;
        }
        (actual + 1 + (rng.random::<f64>().powi(2) * (self.right.len() - 1) as f64) as usize) % self.right.len()
    }

    /// Labelled rows; those that are right are sure, and reviewed less.
    fn reference(&self, labels: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<WeightSums>> {
        let mut table = vec![vec![WeightSums::default(); self.right.len()]; self.right.len()];
        let mut seen = 0;
        while seen < labels {
            let actual = Self::code(&self.before, rng);
            let predicted = self.predicted(actual, 0.0, rng);
            let sure = rng.random::<f64>() < if actual == predicted { 0.8 } else { 0.2 };
            let rate = if sure { 0.2 } else { 0.6 };
            if rng.random::<f64>() < rate {
                table[predicted][actual] += WeightSums::of(rate).expect("a rate");
                seen += 1;
            }
        }
        table
    }

    /// Predicted and true counts of now.
    fn current(&self, n: usize, worse: f64, rng: &mut ChaCha8Rng) -> [Vec<u64>; 2] {
        let (mut predicted, mut actual) = (vec![0; self.right.len()], vec![0; self.right.len()]);
        for _ in 0..n {
            let code = Self::code(&self.now, rng);
            actual[code] += 1;
            predicted[self.predicted(code, worse, rng)] += 1;
        }
        [predicted, actual]
    }
}

/// Coverage of the mix over all codes, the mean condition and half-width, and how far counting is off.
struct Tally {
    refused: u32,
    covered: f64,
    least: f64,
    condition: f64,
    width: f64,
    off: f64,
    counting: f64,
    implausible: u32,
}

fn periods(world: &World, labels: usize, worse: f64, runs: u32, seed: u64) -> Tally {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut t = Tally {
        refused: 0,
        covered: 0.0,
        least: 1.0,
        condition: 0.0,
        width: 0.0,
        off: 0.0,
        counting: 0.0,
        implausible: 0,
    };
    let size = if simulate() { 20_000 } else { 5_000 };
    let mut by_code = vec![(0_u32, 0_u32); world.right.len()];
    for _ in 0..runs {
        let confusion = world.reference(labels, &mut rng);
        let [predicted, actual] = world.current(size, worse, &mut rng);
        let Ok(found) = label_shift(&confusion, &predicted, 0.95) else {
            t.refused += 1;
            continue;
        };
        t.implausible += u32::from(!found.plausible);
        t.condition += found.condition;
        for of in &found.codes {
            let truth = of.codes.iter().map(|code| actual[*code]).sum::<u64>() as f64 / size as f64;
            let (Some(now), Some(lower), Some(upper)) = (of.now.estimate, of.now.lower, of.now.upper) else { continue };
            let inside = lower <= truth && truth <= upper;
            if let [code] = of.codes[..] {
                by_code[code].0 += u32::from(inside);
                by_code[code].1 += 1;
            }
            t.width += (upper - lower) / 2.0 / found.codes.len() as f64;
            t.off += (now - truth).abs() / found.codes.len() as f64;
            t.counting += (of.predicted - truth).abs() / found.codes.len() as f64;
        }
    }
    let told = f64::from((runs - t.refused).max(1));
    let (inside, all) = by_code.iter().fold((0, 0), |(a, b), (x, n)| (a + x, b + n));
    t.covered = f64::from(inside) / f64::from(all.max(1));
    t.least = by_code
        .iter()
        .filter(|(_, n)| *n > runs / 2)
        .map(|(inside, n)| f64::from(*inside) / f64::from(*n))
        .fold(1.0, f64::min);
    [&mut t.condition, &mut t.width, &mut t.off, &mut t.counting].into_iter().for_each(|x| *x /= told);
    t
}

fn print(name: &str, codes: usize, labels: usize, runs: u32, t: &Tally) {
    let percent = |n: u32| 100.0 * f64::from(n) / f64::from(runs);
    println!(
        "| {name} | {codes} | {labels} | {:.1} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {:.0} |",
        t.condition,
        percent(t.refused),
        100.0 * t.covered,
        100.0 * t.least,
        100.0 * t.width,
        100.0 * t.off,
        100.0 * t.counting,
        percent(t.implausible)
    );
}

#[test]
fn intervals_cover_the_mix_of_now() {
    let runs: u32 = if simulate() { 1_000 } else { 14 };
    let sizes: &[(usize, usize)] = if simulate() {
        &[(5, 500), (5, 1_000), (5, 2_000), (5, 5_000), (20, 2_000), (20, 4_000), (20, 10_000)]
    } else {
        &[(5, 500), (20, 2_000)]
    };
    println!(
        "| model | codes | labels | condition | refused % | coverage % | least of a code | half-width, points | off | counting off | implausible % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, accuracy) in [("good", 0.85), ("middling", 0.65), ("poor", 0.45)] {
        for &(codes, labels) in sizes {
            let mut rng = ChaCha8Rng::seed_from_u64(41);
            let world = World::new(codes, accuracy, &mut rng);
            let t = periods(&world, labels, 0.0, runs, 42);
            print(name, codes, labels, runs, &t);
            // codes of one period go up and down together, so periods are what is counted
            let noise = 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt();
            let told = 10 * (runs - t.refused) > runs;
            assert!(!told || (0.935 - noise..0.97 + noise).contains(&t.covered), "{name}, {codes}: {}", t.covered);
            assert!(t.off < t.counting || labels < 2_000 || accuracy < 0.5, "{name}: no better than counting");
        }
    }
}

/// When the model has become worse, predictions alone do not show it, and the mix is read wrongly.
#[test]
fn a_change_that_is_no_label_shift_breaks_it() {
    let runs: u32 = if simulate() { 1_000 } else { 30 };
    let world = World::new(5, 0.85, &mut ChaCha8Rng::seed_from_u64(41));
    let t = periods(&world, 5_000, 0.15, runs, 43);
    print("15 points worse now", 5, 5_000, runs, &t);
    assert!(t.covered < 0.7, "the limit is stated because it is there: {}", t.covered);
}

#[test]
fn what_cannot_be_told_is_refused() {
    let w = WeightSums::certain;
    let none = WeightSums::default();
    let refusal =
        |confusion: &[Vec<WeightSums>], predicted: &[u64]| label_shift(confusion, predicted, 0.95).unwrap_err();
    assert_eq!(refusal(&[], &[]), Refusal::Empty);
    assert_eq!(refusal(&[vec![w(90)]], &[10]), Refusal::Empty, "one code has no mix");
    assert_eq!(refusal(&[vec![w(90), w(5)], vec![w(5)]], &[10, 10]), Refusal::Empty, "a table with a hole");
    assert_eq!(refusal(&[vec![w(90), w(5)], vec![w(5), w(90)]], &[0, 0]), Refusal::Empty);
    // a model that does not tell the codes apart
    assert_eq!(refusal(&[vec![w(50), w(50)], vec![w(50), w(50)]], &[9, 9]), Refusal::IllPosed { condition: None });
    let nearly = refusal(&[vec![w(51), w(49)], vec![w(49), w(51)]], &[9, 9]);
    assert!(matches!(nearly, Refusal::IllPosed { condition: Some(c) } if c > 20.0), "{nearly:?}");
    // one that tells them apart, by how much these labels do not say
    let table = |n: u64| [vec![w(6 * n), w(4 * n)], vec![w(4 * n), w(6 * n)]];
    assert!(matches!(refusal(&table(4), &[9, 9]), Refusal::Unsettled { condition } if (condition - 5.0).abs() < 1e-9));
    assert!(label_shift(&table(400), &[9, 9], 0.95).is_ok());
    // 732 codes with five labels each
    let diagonal = |at: usize| (0..732).map(|code| if code == at { w(5) } else { none }).collect();
    let many: Vec<Vec<WeightSums>> = (0..732).map(diagonal).collect();
    assert_eq!(refusal(&many, &[1; 732]), Refusal::Sparse { share: 1.0 });
}

#[test]
fn counts_that_no_mix_explains_are_told() {
    let w = WeightSums::certain;
    // half of each code is predicted as itself, yet now all predictions are of one code
    let confusion = [vec![w(500), w(250), w(250)], vec![w(250), w(500), w(250)], vec![w(250), w(250), w(500)]];
    let found = label_shift(&confusion, &[900, 50, 50], 0.95).unwrap();
    assert!(!found.plausible);
    let first = &found.codes[0].now;
    assert!((first.estimate.unwrap() - 1.0).abs() < 1e-6, "the likeliest mix is all of it: {first:?}");
}

/// All of one code, and no level to speak of: no bounds, and no rounding beyond 1.
#[test]
fn a_perfect_model_is_counted() {
    let w = WeightSums::certain;
    let none = WeightSums::default();
    let confusion = [vec![w(70), none, none], vec![none, w(41), none], vec![none, none, w(33)]];
    let found = label_shift(&confusion, &[7, 0, 0], 1.0).unwrap();
    let shares: Vec<_> = found.codes.iter().map(|of| (of.now.estimate, of.now.lower)).collect();
    assert_eq!(shares, [(Some(1.0), None), (Some(0.0), None), (Some(0.0), None)]);
    assert!((found.condition, found.plausible) == (1.0, true));
}

#[test]
fn rare_codes_are_taken_together() {
    let w = WeightSums::certain;
    let mut confusion = vec![vec![WeightSums::default(); 6]; 6];
    for (at, n) in [400, 300, 200, 20, 9, 8].into_iter().enumerate() {
        confusion[at][at] = w(n);
        confusion[(at + 1) % 6][at] += w(n / 4);
    }
    let found = label_shift(&confusion, &[400, 300, 200, 50, 30, 20], 0.95).unwrap();
    let groups: Vec<&[usize]> = found.codes.iter().map(|of| of.codes.as_slice()).collect();
    assert_eq!(groups, [&[0][..], &[1], &[2], &[3, 4, 5]]);
}

proptest! {
    /// Shares are shares, whatever the tables.
    #[test]
    fn a_mix_adds_up_to_one(cells in prop::collection::vec(0_u64..200, 16), predicted in prop::collection::vec(0_u64..500, 4)) {
        let confusion: Vec<Vec<WeightSums>> =
            cells.chunks(4).map(|row| row.iter().map(|n| WeightSums::certain(*n)).collect()).collect();
        if let Ok(found) = label_shift(&confusion, &predicted, 0.95) {
            let sum: f64 = found.codes.iter().filter_map(|of| of.now.estimate).sum();
            prop_assert!((sum - 1.0).abs() < 1e-6, "{sum}");
            for of in &found.codes {
                let (lower, now, upper) = (of.now.lower.unwrap(), of.now.estimate.unwrap(), of.now.upper.unwrap());
                prop_assert!(0.0 <= lower && lower <= now && now <= upper && upper <= 1.0, "{:?}", of.now);
            }
        }
    }
}
