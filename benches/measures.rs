//! `cargo bench --bench measures`: what the measures of one model cost, 732 codes at five levels over 90 days, from counts.
//! Tabulation by SQL and terms, which read texts, are not in it.

use std::{collections::HashMap, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use vigie::{
    decide::{rings, rings_staked},
    measure::{
        agreement::{Votes, agreement, noise::label_noise},
        assisted::{ScoreBin, Stratum, assisted},
        classification::classification,
        comparison::{
            code::{Confusion, changes},
            standardised::{self, Labelled, standardised},
        },
        detector::{Adwin, Ddm, PageHinkley},
        drift::{
            categorical_drift, category_drift,
            day_permutation::day_test,
            effect::effect,
            excess::excess_variation,
            hierarchy::{TreeNode, tree_drift},
        },
        estimated::{checked, estimated},
        label_shift::label_shift,
        mcnemar::{Pairs, paired},
        recalibration::{Loss, recalibrated},
        review_design::{ReviewStratum, half_width, labels_for, neyman},
        sequential::{
            Direction,
            accuracy::LabelCell,
            accuracy_change::accuracy_changed,
            e_bh::code_stakes,
            share::{Count, share_changed_to},
            start::HORIZON_DAYS,
            threshold,
        },
        shrinkage::{Leaf, shrunk},
        threshold::{curve, lowest_safe},
        weight::WeightSums,
        whole::{Met, Whole},
    },
};

/// Of alarms.
const RATE: f64 = 0.05;
const DAYS: usize = 90;
const ROWS_A_DAY: f64 = 1_000.0;
/// Nodes of NAF rev. 2, coarsest first.
const LEVELS: [usize; 5] = [21, 88, 272, 615, 732];
const SEED: u64 = 1;

/// Rows of every day, by level and node: Zipf at the finest level, the same every day but for a ripple.
struct Model {
    days: Vec<Vec<Vec<u64>>>,
    parents: Vec<Vec<usize>>,
}

impl Model {
    fn new() -> Self {
        let leaves = LEVELS[4];
        let harmonic: f64 = (1..=leaves).map(|k| 1.0 / k as f64).sum();
        // nodes of a level are runs of the level below
        let parents: Vec<Vec<usize>> =
            LEVELS.windows(2).map(|pair| (0..pair[1]).map(|node| node * pair[0] / pair[1]).collect()).collect();
        let days = (0..DAYS)
            .map(|day| {
                let ripple = |k: usize| 1.0 + 0.3 * ((k * 31 + day * 17) % 11) as f64 / 11.0;
                let leaf = |k: usize| (ROWS_A_DAY * ripple(k) / (k + 1) as f64 / harmonic).round() as u64;
                let mut levels = vec![(0..leaves).map(leaf).collect::<Vec<u64>>()];
                for (above, parents) in LEVELS.iter().zip(&parents).rev() {
                    let mut counts = vec![0; *above];
                    levels[0].iter().zip(parents).for_each(|(n, parent)| counts[*parent] += n);
                    levels.insert(0, counts);
                }
                levels
            })
            .collect();
        Model { days, parents }
    }

    fn sum(&self, level: usize, days: std::ops::Range<usize>) -> Vec<u64> {
        let mut sum = vec![0; LEVELS[level]];
        for day in &self.days[days] {
            sum.iter_mut().zip(&day[level]).for_each(|(to, n)| *to += n);
        }
        sum
    }

    fn tree(&self) -> Vec<TreeNode> {
        let mut nodes = Vec::new();
        let mut first = 0;
        for level in 0..LEVELS.len() {
            let (reference, current) = (self.sum(level, 0..DAYS / 2), self.sum(level, DAYS / 2..DAYS));
            for node in 0..LEVELS[level] {
                let parent = (level > 0).then(|| first - LEVELS[level - 1] + self.parents[level - 1][node]);
                nodes.push(TreeNode { parent, reference: reference[node], current: current[node] });
            }
            first += LEVELS[level];
        }
        nodes
    }
}

fn drift(model: &Model) {
    for level in 0..LEVELS.len() {
        let (reference, current) = (model.sum(level, 0..DAYS / 2), model.sum(level, DAYS / 2..DAYS));
        let found = categorical_drift(&reference, &current, 499, SEED).expect("rows on both sides");
        black_box(excess_variation(&reference, &current, &found, 1.0, 199, SEED, 0.95));
        let days =
            |range: std::ops::Range<usize>| model.days[range].iter().map(|d| d[level].clone()).collect::<Vec<_>>();
        black_box(day_test(&days(0..DAYS / 2), &days(DAYS / 2..DAYS), 199, SEED));
        if level + 1 == LEVELS.len() {
            let (n, m) = (reference.iter().sum(), current.iter().sum());
            black_box(category_drift(&reference, &current));
            for (a, b) in reference.iter().zip(&current) {
                black_box(effect(*a, n, *b, m, 0.95));
            }
        }
    }
    black_box(tree_drift(&model.tree(), &[], 0.05));
}

/// Every node of every level, looked at on each day after the first half. As in the product, nodes with the same counts (an only
/// child and its parent) are looked at once; then the errors of every code.
fn alarms(model: &Model) {
    let (mut series, mut known) = (Vec::new(), HashMap::new());
    for level in 0..LEVELS.len() {
        let reference = model.sum(level, 0..DAYS / 2);
        let all: u64 = reference.iter().sum();
        for (node, of) in reference.iter().enumerate() {
            let day = |day: &Vec<Vec<u64>>| Count::new(day[level][node], day[level].iter().sum());
            let days: Vec<Count> = model.days[DAYS / 2..].iter().map(day).collect();
            let counts: Vec<u64> = days.iter().map(|count| count.of).collect();
            let found = known.entry((*of, counts)).or_insert_with(|| {
                share_changed_to(threshold(RATE), Count::new(*of, all), &days, HORIZON_DAYS, Direction::Either)
            });
            series.push(found.clone());
        }
    }
    black_box(rings(&series, RATE));
    // one prediction in five is labelled, and one label in ten wrong
    let labels = |n: u64| Count::new(n / 50, n / 5);
    let reference: Vec<u64> = model.sum(LEVELS.len() - 1, 0..DAYS / 2).into_iter().map(|n| n / 5).collect();
    let errors = reference.iter().enumerate().map(|(code, n)| {
        let days: Vec<Count> = model.days[DAYS / 2..].iter().map(|day| labels(day[LEVELS.len() - 1][code])).collect();
        share_changed_to(threshold(RATE), labels(5 * n), &days, HORIZON_DAYS, Direction::Risen)
    });
    black_box(rings_staked(&errors.collect::<Vec<_>>(), &code_stakes(&reference), RATE));
    let labels =
        [LabelCell { weight: 20.0, right: 15, wrong: 1 }, LabelCell { weight: 5.0 / 3.0, right: 25, wrong: 48 }];
    let reference = [
        LabelCell { weight: 20.0, right: 700, wrong: 40 },
        LabelCell { weight: 5.0 / 3.0, right: 1_100, wrong: 2_200 },
    ];
    black_box(accuracy_changed(&reference, &vec![labels; DAYS / 2], 20.0, HORIZON_DAYS, Direction::Fallen));
}

fn strata() -> Vec<Stratum> {
    let sums = WeightSums::weighted;
    let bin = |at: usize, from: usize, w: f64| {
        let n = if at >= from { 200 } else { 0 };
        let labels = (n as f64 / w) as u64;
        let right = labels * at as u64 / 50;
        ScoreBin { n, right: sums(right, w), wrong: sums(labels - right, w), unknown: 0 }
    };
    let route = |from, w| Stratum::new(vec![(0..50).map(|at| bin(at, from, w)).collect(); 5]);
    vec![route(35, 20.0), route(0, 5.0 / 3.0)]
}

fn accuracy() {
    let strata = strata();
    // routes, versions, levels and weeks
    for _ in 0..60 {
        black_box(assisted(&strata, 0.95));
    }
    black_box(curve(&strata, 0.95));
    black_box(lowest_safe(&strata, 0.95, 0.95));
    let leaf = |k: usize| Leaf {
        success: WeightSums { n: 8, w: 30.0, w2: 200.0 },
        failure: WeightSums { n: (k % 7) as u64, w: (k % 7) as f64 * 3.0, w2: (k % 7) as f64 * 12.0 },
        groups: vec![k * 21 / 732, k * 88 / 732, k * 272 / 732, k * 615 / 732],
    };
    let leaves: Vec<Leaf> = (0..732).map(leaf).collect();
    black_box((shrunk(&leaves, 0.95), shrunk(&leaves, 0.95)));
}

/// Labels of a code on the automatic and on the manual route: one in five of its predictions, by Zipf.
fn confusion(model: &Model, level: usize) -> Vec<Vec<Confusion>> {
    let of = |n: u64, w: f64, right: u64| Confusion {
        predictions: (n as f64 * w) as u64,
        true_positives: WeightSums::weighted(n * right / 100, w),
        false_positives: WeightSums::weighted(n - n * right / 100, w),
        false_negatives: WeightSums::weighted(n - n * right / 100, w),
    };
    model.sum(level, 0..DAYS).iter().map(|n| vec![of(n / 25, 20.0, 95), of(n / 6, 5.0 / 3.0, 34)]).collect()
}

/// Precision, recall and F1 of every code of every level.
fn codes(model: &Model) {
    for level in 0..LEVELS.len() {
        let codes = confusion(model, level);
        let route = |at: usize, of: fn(&Confusion) -> WeightSums| codes.iter().map(|code| of(&code[at])).sum();
        let whole =
            Whole::new([0, 1].map(|at| [route(at, |c| c.true_positives), route(at, |c| c.false_positives)]).into());
        for code in &codes {
            let all = |of: fn(&Confusion) -> WeightSums| code.iter().map(of).sum::<WeightSums>();
            let (right, missed) = (all(|c| c.true_positives), all(|c| c.false_negatives));
            let met: Vec<Met> = code.iter().map(Confusion::met).collect();
            let wholes = [whole.of_predictions(&met), whole.of_truth(&met)];
            black_box(classification(right, all(|c| c.false_positives), missed, wholes, 0.95));
        }
    }
}

/// Two versions: on one mix, over codes of the finest level, over texts that both coded.
fn versions(model: &Model) {
    let finest = LEVELS.len() - 1;
    let codes = confusion(model, finest);
    let side =
        |code: &[Confusion]| -> Labelled { code.iter().map(|c| [c.true_positives, c.false_negatives]).collect() };
    let strata = codes.iter().enumerate().map(|(k, code)| standardised::Stratum {
        groups: LEVELS[..finest].iter().map(|n| k * n / LEVELS[finest]).collect(),
        rows: None,
        a: side(code),
        b: side(&code[..1]),
    });
    black_box(standardised(&strata.collect::<Vec<_>>(), 0.95));
    let both: Vec<[Vec<Confusion>; 2]> = codes.into_iter().map(|code| [code.clone(), code]).collect();
    black_box(changes(&both, 0.95, 0.05));
    let pairs = Pairs {
        both: WeightSums::weighted(900, 5.0),
        only_a: WeightSums::weighted(40, 20.0),
        only_b: WeightSums::weighted(60, 2.0),
        neither: WeightSums::weighted(200, 2.0),
    };
    black_box(paired(&pairs, 0.95));
}

/// What the confidence says by itself, what people say of each other, and what a better review would give.
fn others() {
    let strata = strata();
    let scores: Vec<f64> = (0..50).map(|at| (at as f64 + 0.5) / 50.0).collect();
    black_box(recalibrated(&scores, &strata, Loss::Log, 0.95));
    black_box(estimated(&scores, &strata, &[2_000; 50], 0.95));
    black_box(checked(&scores, &strata, &strata, 0.95));
    let sections: Vec<Vec<WeightSums>> = (0..LEVELS[0])
        .map(|i| (0..LEVELS[0]).map(|j| WeightSums::weighted(if i == j { 400 } else { 2 }, 5.0)).collect())
        .collect();
    black_box(label_shift(&sections, &[4_000; LEVELS[0]], 0.95).ok());
    let vote = |k: usize| Votes { labels: vec![(k, 2), ((k + 1) % 732, 1)], items: 1 + 700 / (k as u64 + 1) };
    let found = agreement(&(0..732).map(vote).collect::<Vec<_>>(), 0.95).expect("votes");
    black_box(label_noise(found.observed));
    let design: Vec<ReviewStratum> =
        (0..100).map(|k| ReviewStratum { predictions: 900, labelled: 200, right: 2.0 * f64::from(k) }).collect();
    black_box(half_width(&design, &neyman(&design, 20_000.0), 0.95));
    black_box(labels_for(&design, 0.005, 0.95, |n| neyman(&design, n)));
    // the errors among 200 labels a day
    let (mut adwin, mut ddm, mut page) = (Adwin::default(), Ddm::default(), PageHinkley::default());
    for label in 0..200 * DAYS {
        let error = label % 10 == 0;
        black_box((
            adwin.update(f64::from(u8::from(error))),
            ddm.update(error),
            page.update(f64::from(u8::from(error))),
        ));
    }
}

fn measures(c: &mut Criterion) {
    let model = Model::new();
    let mut group = c.benchmark_group("732 codes, 5 levels, 90 days");
    group.sample_size(10);
    group.bench_function("drift", |b| b.iter(|| drift(&model)));
    group.bench_function("alarms", |b| b.iter(|| alarms(&model)));
    group.bench_function("accuracy", |b| b.iter(accuracy));
    group.bench_function("codes", |b| b.iter(|| codes(&model)));
    group.bench_function("versions", |b| b.iter(|| versions(&model)));
    group.bench_function("others", |b| b.iter(others));
    group.bench_function("all", |b| {
        b.iter(|| {
            drift(&model);
            alarms(&model);
            accuracy();
            codes(&model);
            versions(&model);
            others();
        });
    });
    group.finish();
}

criterion_group!(benches, measures);
criterion_main!(benches);
