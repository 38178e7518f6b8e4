//! Coverage of 95 % intervals for the accuracy of a finite population under Poisson sampling.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    accuracy::{accuracy, routes::accuracy_of_routes, variance},
    assisted::{self, ScoreBin},
    proportion::{Estimate, clopper_pearson, wilson},
    weight::WeightSums,
};

use super::super::unnamed::unnamed;

/// Rows that are reviewed at one rate.
struct Stratum {
    rows: u32,
    rate: f64,
    accuracy: f64,
}

const fn stratum(rows: u32, rate: f64, accuracy: f64) -> Stratum {
    Stratum { rows, rate, accuracy }
}

type Design = (&'static str, &'static [Stratum]);

const DESIGNS: [Design; 24] = [
    ("rate .05, accuracy .95, n 5", &[stratum(100, 0.05, 0.95)]),
    ("rate .05, accuracy .95, n 30", &[stratum(600, 0.05, 0.95)]),
    ("rate .05, accuracy .95, n 200", &[stratum(4000, 0.05, 0.95)]),
    ("rate .05, accuracy .99, n 30", &[stratum(600, 0.05, 0.99)]),
    ("rate .05, accuracy .99, n 200", &[stratum(4000, 0.05, 0.99)]),
    ("rate .6, accuracy .34, n 5", &[stratum(8, 0.6, 0.34)]),
    ("rate .6, accuracy .34, n 30", &[stratum(50, 0.6, 0.34)]),
    ("rate .6, accuracy .34, n 200", &[stratum(333, 0.6, 0.34)]),
    ("both routes, n 5", &[stratum(18, 0.05, 0.95), stratum(7, 0.6, 0.34)]),
    ("both routes, n 30", &[stratum(106, 0.05, 0.95), stratum(41, 0.6, 0.34)]),
    ("both routes, n 200", &[stratum(706, 0.05, 0.95), stratum(275, 0.6, 0.34)]),
    ("both routes, n 1000", &[stratum(3530, 0.05, 0.95), stratum(1375, 0.6, 0.34)]),
    ("both routes, n 8000", &[stratum(28_800, 0.05, 0.95), stratum(11_200, 0.6, 0.34)]),
    ("both routes, a million rows", &[stratum(720_000, 0.05, 0.95), stratum(280_000, 0.6, 0.34)]),
    ("both routes, auto .99, n 200", &[stratum(706, 0.05, 0.99), stratum(275, 0.6, 0.34)]),
    ("both routes, .8 and .8, n 60", &[stratum(212, 0.05, 0.8), stratum(82, 0.6, 0.8)]),
    ("both routes, auto .99, n 30", &[stratum(106, 0.05, 0.99), stratum(41, 0.6, 0.34)]),
    ("both routes, .99 and .9, n 200", &[stratum(706, 0.05, 0.99), stratum(275, 0.6, 0.9)]),
    ("40 % automatic, n 200", &[stratum(210, 0.05, 0.95), stratum(316, 0.6, 0.34)]),
    ("40 % automatic, .8 and .8, n 200", &[stratum(210, 0.05, 0.8), stratum(316, 0.6, 0.8)]),
    ("40 % automatic, .9 and .6, n 200", &[stratum(210, 0.05, 0.9), stratum(316, 0.6, 0.6)]),
    (
        "four rates, n 60",
        &[stratum(43, 0.6, 0.34), stratum(64, 0.3, 0.6), stratum(107, 0.1, 0.85), stratum(215, 0.02, 0.97)],
    ),
    (
        "four rates, n 200",
        &[stratum(143, 0.6, 0.34), stratum(214, 0.3, 0.6), stratum(357, 0.1, 0.85), stratum(715, 0.02, 0.97)],
    ),
    (
        "four rates, n 1000",
        &[stratum(714, 0.6, 0.34), stratum(1_071, 0.3, 0.6), stratum(1_786, 0.1, 0.85), stratum(3_571, 0.02, 0.97)],
    ),
];

fn size(design: &[Stratum]) -> u32 {
    design.iter().map(|stratum| stratum.rows).sum()
}

/// Sums of the labelled right and wrong rows of each stratum, and the accuracy of all. `None` where one has no label: the
/// product says nothing of all then.
fn review(rng: &mut ChaCha8Rng, design: &[Stratum]) -> Option<(Vec<[WeightSums; 2]>, f64)> {
    let (mut labels, mut hits, mut rows) = (Vec::new(), 0_u32, 0_u32);
    for stratum in design {
        let row = WeightSums::of(stratum.rate).unwrap();
        let mut sides = [WeightSums::default(); 2];
        for _ in 0..stratum.rows {
            let hit = rng.random::<f64>() < stratum.accuracy;
            hits += u32::from(hit);
            rows += 1;
            if rng.random::<f64>() < stratum.rate {
                sides[usize::from(!hit)] += row;
            }
        }
        labels.push(sides);
    }
    let told = labels.iter().all(|[right, wrong]| right.n + wrong.n > 0);
    told.then(|| (labels, f64::from(hits) / f64::from(rows)))
}

fn kish(right: WeightSums, wrong: WeightSums) -> f64 {
    let all = right + wrong;
    all.w * all.w / (all.w2 - all.w)
}

/// `p(1−p)/V`, Kish's where that is 0/0.
fn plug_in_n(right: WeightSums, wrong: WeightSums, p: f64) -> f64 {
    match variance(right, wrong) {
        Some(v) if v > 0.0 => p * (1.0 - p) / v,
        _ => kish(right, wrong),
    }
}

fn logit(p: f64, n: f64) -> Estimate {
    if p == 0.0 || p == 1.0 {
        return clopper_pearson(p, n, 0.95);
    }
    let (center, half) = ((p / (1.0 - p)).ln(), 1.96 / (n * p * (1.0 - p)).sqrt());
    let back = |x: f64| Some(1.0 / (1.0 + (-x).exp()));
    Estimate { estimate: Some(p), lower: back(center - half), upper: back(center + half) }
}

const METHODS: [&str; 8] = [
    "wald",
    "logit",
    "wilson, plug-in n",
    "korn-graubard, plug-in n",
    "wilson, kish n",
    "korn-graubard, steadied n",
    "wilson, steadied n",
    "vigie",
];

fn intervals(labels: &[[WeightSums; 2]]) -> Option<[Estimate; 8]> {
    let [right, wrong] = [0, 1].map(|side| labels.iter().map(|sides| sides[side]).sum::<WeightSums>());
    let together = accuracy(right, wrong, 0.95);
    let p = together.estimate.estimate?;
    let (plug_in, steadied) = (plug_in_n(right, wrong, p), together.n_eff?);
    let half = 1.96 * variance(right, wrong)?.sqrt();
    let wald = Estimate { estimate: Some(p), lower: Some(p - half), upper: Some(p + half) };
    Some([
        wald,
        logit(p, plug_in),
        wilson(p, plug_in, 0.95),
        clopper_pearson(p, plug_in, 0.95),
        wilson(p, kish(right, wrong), 0.95),
        clopper_pearson(p, steadied, 0.95),
        together.estimate,
        accuracy_of_routes(labels, 0.95).estimate,
    ])
}

#[derive(Default, Clone, Copy)]
struct Tally {
    covered: f64,
    width: f64,
    /// Runs in which the truth was below the interval, and above it.
    missed: [f64; 2],
}

/// Coverage and mean width of each method, over the runs that had a label on each route.
fn simulate(design: &[Stratum], runs: u32, seed: u64) -> [Tally; 8] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tallies = [Tally::default(); 8];
    let mut told = 0.0;
    for _ in 0..runs {
        let Some((labels, truth)) = review(&mut rng, design) else { continue };
        let Some(intervals) = intervals(&labels) else { continue };
        told += 1.0;
        for (tally, interval) in tallies.iter_mut().zip(intervals) {
            let (lower, upper) = (interval.lower.unwrap(), interval.upper.unwrap());
            // a bound computed to the last bit must not decide
            let missed = [truth < lower - 1e-12, truth > upper + 1e-12];
            tally.covered += f64::from(u8::from(missed == [false; 2]));
            tally.missed.iter_mut().zip(missed).for_each(|(sum, one)| *sum += f64::from(u8::from(one)));
            tally.width += upper - lower;
        }
    }
    let mean = |sum: f64| sum / told;
    tallies.map(|t| Tally { covered: mean(t.covered), width: mean(t.width), missed: t.missed.map(mean) })
}

#[test]
fn intervals_cover() {
    for (name, design) in DESIGNS.into_iter().filter(|(_, design)| size(design) <= 5_000) {
        let [.., vigie] = simulate(design, 1_000, 20_260_601);
        assert!((0.92..0.99).contains(&vigie.covered), "{name}: {}", vigie.covered);
    }
}

const BINS: usize = 50;

/// What the assisted interval is made of.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// Whether the confidence says of each row how likely it is right, or nothing.
    tells: bool,
    /// Whether predictions name their route.
    named: bool,
}

const SCENES: [Scene; 4] = [
    Scene { tells: true, named: true },
    Scene { tells: false, named: true },
    Scene { tells: true, named: false },
    Scene { tells: false, named: false },
];

/// Coverage and mean width of the assisted interval of a design, over the runs that had a label on each route.
fn assisted_coverage(design: &[Stratum], Scene { tells, named }: Scene, runs: u32, seed: u64) -> (f64, f64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut covered, mut width, mut told) = (0.0, 0.0, 0.0);
    for _ in 0..runs {
        let (mut hits, mut rows) = (0.0, 0.0);
        let mut strata = vec![assisted::Stratum::new(vec![vec![ScoreBin::default(); BINS]; 5]); design.len()];
        for (stratum, of) in strata.iter_mut().zip(design) {
            let row = WeightSums::of(of.rate).unwrap();
            for at in 0..of.rows as usize {
                // one row in three has twice the mistakes, or half of what is right, whichever is less; the others fewer
                let apart = of.accuracy.min(1.0 - of.accuracy) * if at % 3 == 0 { 1.0 } else { -0.5 };
                let chance = of.accuracy - apart;
                let said = if tells { chance } else { rng.random() };
                let hit = rng.random::<f64>() < chance;
                hits += f64::from(u8::from(hit));
                rows += 1.0;
                let bin = &mut stratum.folds[at / 3 % 5][((said * BINS as f64) as usize).min(BINS - 1)];
                bin.n += 1;
                if rng.random::<f64>() < of.rate {
                    if hit { bin.right += row } else { bin.wrong += row }
                }
            }
        }
        if strata.iter().any(|stratum| stratum.bins().all(|bin| bin.labelled() == 0)) {
            continue;
        }
        let strata = if named { strata } else { vec![unnamed(&strata)] };
        let Estimate { lower: Some(lower), upper: Some(upper), .. } = assisted::assisted(&strata, 0.95).estimate else {
            continue;
        };
        told += 1.0;
        covered += f64::from(u8::from((lower - 1e-12..=upper + 1e-12).contains(&(hits / rows))));
        width += upper - lower;
    }
    (covered / told, width / told)
}

#[test]
fn assisted_intervals_cover() {
    for (name, design) in DESIGNS.into_iter().filter(|(_, design)| size(design) <= 5_000) {
        for scene in SCENES {
            let (covered, _) = assisted_coverage(design, scene, 1_000, 20_261_127);
            // two designs cannot miss on one side
            assert!((0.92..0.995).contains(&covered), "{name}, {scene:?}: {covered}");
        }
    }
}

#[test]
#[ignore = "prints the table of docs/statistics.md"]
fn coverage_table() {
    println!("| design | {} | of it, truth below / above |", METHODS.join(" | "));
    println!("|---|{}---|", "---|".repeat(METHODS.len()));
    for (name, design) in DESIGNS {
        let runs = (400_000_000 / size(design)).clamp(2_000, 40_000);
        let tallies = simulate(design, runs, 20_260_602);
        let cells = tallies.map(|tally| format!("{:.1} ({:.3})", 100.0 * tally.covered, tally.width));
        let [.., vigie] = tallies.map(|tally| tally.missed.map(|share| format!("{:.1}", 100.0 * share)).join(" / "));
        println!("| {name} | {} | {vigie} |", cells.join(" | "));
    }
}

#[test]
#[ignore = "prints the table of docs/statistics.md"]
fn assisted_coverage_table() {
    println!("| design | assisted | with a useless confidence | routes not named | nor a confidence of use |");
    println!("|---|---|---|---|---|");
    for (name, design) in DESIGNS {
        let runs = (200_000_000 / size(design)).clamp(2_000, 20_000);
        let cells = SCENES.map(|scene| {
            let (covered, width) = assisted_coverage(design, scene, runs, 20_261_127);
            format!("{:.1} ({width:.3})", 100.0 * covered)
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
}
