//! The model-assisted estimator against an independent program, and against the truth over many reviews.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::fact::GRADE_STARTS;
use vigie::measure::{
    accuracy::accuracy,
    assisted::{Promise, ScoreBin, Stratum, assisted, difference, parts::assisted_parts, tuned},
    classification::{LEAST_LABELS, classification},
    post_stratification::post_stratified,
    proportion::Estimate,
    review_design::{ReviewStratum, half_width, labels_for, neyman, scaled},
    threshold::{curve, lowest_safe},
    weight::WeightSums,
    whole::{Met, Whole},
};

use super::{
    naf2025::{Known, naf2025},
    oracle::{assert_close, number, workshop_rows},
    unnamed::unnamed,
};

#[test]
fn the_difference_estimator_equals_an_independent_program() {
    let sample = workshop_rows("ppi_sample.csv");
    let mean_f = sample.iter().map(|row| number(row, "f")).sum::<f64>() / sample.len() as f64;
    let labelled: Vec<Promise> = sample
        .iter()
        .filter(|row| row["labelled"] == "True")
        .map(|row| {
            let weight = WeightSums::of(number(row, "pi")).expect("an inclusion probability");
            let (right, wrong) = match number(row, "y") {
                1.0 => (weight, WeightSums::default()),
                _ => (WeightSums::default(), weight),
            };
            Promise { f: number(row, "f"), right, wrong }
        })
        .collect();
    for row in workshop_rows("ppi_golden.csv").iter().filter(|row| row["source"] == "numpy-survey") {
        let lambda = number(row, "lam");
        let found = difference(&labelled, mean_f, lambda).expect("labels");
        assert_close(found.estimate, number(row, "estimate"), 1e-9, "estimate");
        assert_close(found.variance.sqrt(), number(row, "se"), 1e-9, "standard error");
        if lambda > 1.0 {
            assert_close(tuned(&labelled).expect("it varies"), lambda, 1e-9, "tuned");
        }
    }
}

const THRESHOLD: f64 = 0.7;
const FOLDS: usize = 5;
const BINS: usize = 50;

/// What many reviews of one population say.
struct Tally {
    covered: f64,
    hajek_covered: f64,
    /// Mean width of the assisted interval over that of the Hájek one.
    width: f64,
    labels: f64,
}

/// Reviews the population again and again; `said` is the confidence that the estimator is given, which decides nothing.
fn reviewed(
    all: &[Known],
    rates: [f64; 2],
    reviews: u32,
    seed: u64,
    named: bool,
    said: impl Fn(&Known, &mut ChaCha8Rng) -> f64,
) -> Tally {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let truth = all.iter().filter(|k| k.right).count() as f64 / all.len() as f64;
    let mut t = Tally { covered: 0.0, hajek_covered: 0.0, width: 0.0, labels: 0.0 };
    let (mut wide, mut narrow) = (0.0, 0.0);
    let said: Vec<f64> = all.iter().map(|k| said(k, &mut rng)).collect();
    for _ in 0..reviews {
        let strata = review(all, &said, rates, &mut rng);
        let strata = if named { strata } else { vec![unnamed(&strata)] };
        let bins = || strata.iter().flat_map(Stratum::bins);
        let (right, wrong) = (bins().map(|b| b.right).sum(), bins().map(|b| b.wrong).sum());
        let (found, hajek) = (assisted(&strata, 0.95), accuracy(right, wrong, 0.95).estimate);
        let inside = |e: Estimate| {
            f64::from(u8::from(e.lower.is_some_and(|l| l <= truth) && e.upper.is_some_and(|u| truth <= u)))
        };
        t.covered += inside(found.estimate);
        t.hajek_covered += inside(hajek);
        narrow += found.estimate.upper.unwrap_or(1.0) - found.estimate.lower.unwrap_or(0.0);
        wide += hajek.upper.unwrap_or(1.0) - hajek.lower.unwrap_or(0.0);
        t.labels += found.n as f64;
    }
    let n = f64::from(reviews);
    Tally { covered: t.covered / n, hajek_covered: t.hajek_covered / n, width: narrow / wide, labels: t.labels / n }
}

#[test]
fn the_assisted_interval_is_narrower_and_covers() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let reviews = std::env::var("VIGIE_REVIEWS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    println!("confidence       labels  assisted  hajek  width");
    for share in [1.0, 0.25, 0.05] {
        let rates = [0.05 * share, 0.6 * share];
        let as_is = reviewed(&all, rates, reviews, 1, true, |k, _| k.confidence);
        let useless = reviewed(&all, rates, reviews, 2, true, |_, rng| rng.random());
        let miscalibrated = reviewed(&all, rates, reviews, 3, true, |k, _| 1.0 - 0.3 * k.confidence.powi(6));
        let unnamed = reviewed(&all, rates, reviews, 4, false, |k, _| k.confidence);
        let neither = reviewed(&all, rates, reviews, 5, false, |_, rng| rng.random());
        let tallies = [
            ("as it is", &as_is),
            ("useless", &useless),
            ("upside down", &miscalibrated),
            ("routes not named", &unnamed),
            ("useless, too", &neither),
        ];
        for (name, t) in tallies {
            println!("{name:<16} {:>6.0}  {:>8.3}  {:>5.3}  {:.3}", t.labels, t.covered, t.hajek_covered, t.width);
            // 93.5 % to 97 %, give or take three standard errors of so many reviews
            let error = 3.0 * (0.05 * 0.95 / f64::from(reviews)).sqrt();
            assert!(
                t.covered > 0.935 - error && t.covered < 0.97 + error,
                "{name}, {:.0} labels: {}",
                t.labels,
                t.covered
            );
        }
        assert!(as_is.width <= 0.85, "{:.0} labels: {}", as_is.labels, as_is.width);
        assert!(useless.width <= 1.0 && miscalibrated.width <= 1.0, "{} {}", useless.width, miscalibrated.width);
    }
}

/// Where the truth is known, what the design promises is what reviews then give.
#[test]
fn a_better_review_keeps_its_promise() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let range = |k: &Known| ((k.confidence * 10.0) as usize).min(9);
    let mut strata = vec![ReviewStratum { predictions: 0, labelled: 0, right: 0.0 }; 10];
    for known in &all {
        let s = &mut strata[range(known)];
        s.predictions += 1;
        s.right += f64::from(u8::from(known.right));
    }
    for s in &mut strata {
        s.right /= s.predictions as f64;
        s.labelled = s.predictions;
    }
    let present: Vec<f64> = (0..10).map(|at| if at < 7 { 0.6 } else { 0.05 }).collect();
    let labels: f64 = strata.iter().zip(&present).map(|(s, rate)| s.predictions as f64 * rate).sum();
    let proposed = neyman(&strata, labels);
    let [wide, narrow] = [&present, &proposed].map(|rates| half_width(&strata, rates, 0.95).expect("a width"));
    println!(
        "{labels:.0} labels: ±{wide:.5} as now, ±{narrow:.5} as proposed; {:.2} times the variance",
        (wide / narrow).powi(2)
    );
    assert!(wide / narrow > 1.3, "{wide} to {narrow}");
    let drawn: f64 = strata.iter().zip(&proposed).map(|(s, rate)| s.predictions as f64 * rate).sum();
    assert!((drawn - labels).abs() < 1.0, "{drawn} labels of {labels}");
    // the difference estimator over many reviews, with what is known of each range as its promise
    let truth = all.iter().filter(|k| k.right).count() as f64 / all.len() as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (rates, promised) in [(&present, wide), (&proposed, narrow)] {
        let errors: Vec<f64> = (0..100)
            .map(|_| {
                let mut labelled: Vec<Promise> = strata
                    .iter()
                    .map(|s| Promise { f: s.right, right: WeightSums::default(), wrong: WeightSums::default() })
                    .collect();
                for known in &all {
                    let at = range(known);
                    if rng.random::<f64>() < rates[at] {
                        let weight = WeightSums::of(rates[at]).expect("a rate");
                        let promise = &mut labelled[at];
                        if known.right { promise.right += weight } else { promise.wrong += weight }
                    }
                }
                difference(&labelled, truth, 1.0).expect("labels").estimate - truth
            })
            .collect();
        let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        let ratio = 1.96 * deviation / promised;
        assert!((0.8..1.2).contains(&ratio), "promised ±{promised}, found ±{}", 1.96 * deviation);
    }
    let needed = labels_for(&strata, narrow, 0.95, |n| scaled(&strata, &present, n)).expect("there are enough");
    assert!(needed > 1.3 * labels, "as precise without the design: {needed} labels instead of {labels}");
}

#[test]
fn a_route_without_labels_leaves_everything_unknown() {
    let some = |n, right, wrong| {
        let bin = ScoreBin { n, right: WeightSums::certain(right), wrong: WeightSums::certain(wrong), unknown: 0 };
        Stratum::new(vec![vec![bin]; 2])
    };
    let found = assisted(&[some(100, 0, 0), some(50, 30, 20)], 0.95);
    assert_eq!(found.estimate.estimate, None);
    // one without predictions has no say
    let found = assisted(&[some(0, 0, 0), some(50, 30, 20)], 0.95);
    assert_eq!((found.estimate.estimate, found.worth), (Some(0.6), None), "a census leaves nothing to chance");
    assert_eq!(assisted(&[], 0.95).estimate.estimate, None);
}

#[test]
fn one_fold_falls_back_to_the_labels_alone() {
    let half = WeightSums { n: 40, w: 400.0, w2: 4000.0 };
    let bins = vec![
        ScoreBin { n: 500, right: half, wrong: WeightSums::default(), unknown: 0 },
        ScoreBin { n: 500, right: WeightSums::default(), wrong: half, unknown: 0 },
    ];
    let found = assisted(&[Stratum::new(vec![bins])], 0.95);
    assert_eq!(found.estimate, found.unassisted);
    assert_eq!((found.worth, found.lambda), (Some(80), Some(0.0)));
}

/// The bin of a confidence; one that is written as 0.70 belongs to the bin that begins there.
fn bin(confidence: f64) -> usize {
    ((confidence * BINS as f64 + 1e-9) as usize).min(BINS - 1)
}

/// Strata of one review; `said` is the confidence that the estimator is given for each.
fn review(all: &[Known], said: &[f64], rates: [f64; 2], rng: &mut ChaCha8Rng) -> Vec<Stratum> {
    let weights = rates.map(|rate| WeightSums::of(rate).expect("a rate"));
    let mut strata = vec![Stratum::new(vec![vec![ScoreBin::default(); BINS]; FOLDS]); 2];
    for (known, said) in all.iter().zip(said) {
        let route = usize::from(known.confidence < THRESHOLD);
        let bin = &mut strata[route].folds[known.hour % FOLDS][bin(*said)];
        bin.n += 1;
        if rng.random::<f64>() < rates[route] {
            if known.right { bin.right += weights[route] } else { bin.wrong += weights[route] }
        }
    }
    strata
}

fn confidences(all: &[Known]) -> Vec<f64> {
    all.iter().map(|known| known.confidence).collect()
}

/// What the model got right of those that a threshold accepts.
fn truth_from(all: &[Known], lowest: usize) -> f64 {
    let accepted: Vec<&Known> = all.iter().filter(|known| bin(known.confidence) >= lowest).collect();
    accepted.iter().filter(|known| known.right).count() as f64 / accepted.len() as f64
}

#[test]
fn the_safe_threshold_is_safe() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let reviews: u32 = std::env::var("VIGIE_REVIEWS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let said = confidences(&all);
    for least in [0.93, 0.95, 0.97] {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let found: Vec<Option<usize>> =
            (0..reviews).map(|_| lowest_safe(&review(&all, &said, [0.05, 0.6], &mut rng), least, 0.95)).collect();
        let broken = found.iter().flatten().filter(|bin| truth_from(&all, **bin) < least).count();
        let told = found.iter().flatten().count();
        let mean = found.iter().flatten().sum::<usize>() as f64 / told.max(1) as f64 / BINS as f64;
        println!(
            "{least}: a threshold in {told} of {reviews} reviews, {mean:.3} in the mean; {broken} break the promise"
        );
        let allowed = 0.05 * f64::from(reviews) + 3.0 * (0.05 * 0.95 * f64::from(reviews)).sqrt();
        assert!(broken as f64 <= allowed, "{least}: {broken} of {reviews}");
        assert!(least > 0.95 || told > 0, "{least}: labels must be able to show it");
    }
}

#[test]
fn the_curve_has_every_threshold() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let strata = review(&all, &confidences(&all), [0.05, 0.6], &mut ChaCha8Rng::seed_from_u64(3));
    let points = curve(&strata, 0.95);
    assert_eq!(points.len(), BINS);
    assert!(points.iter().all(|p| p.accepted + p.rest == all.len() as u64));
    assert!(points.windows(2).all(|w| w[0].accepted >= w[1].accepted));
    let covered = points.iter().filter(|p| {
        let truth = truth_from(&all, p.bin);
        p.quality.lower.is_some_and(|l| l <= truth) && p.quality.upper.is_some_and(|u| truth <= u)
    });
    // neighbouring thresholds share their rows: they miss together or not at all
    assert!(covered.count() >= BINS * 4 / 5);
}

/// The band around the curve, threshold by threshold, over redrawn reviews.
#[test]
fn the_curve_covers_at_every_threshold() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let reviews: u32 = std::env::var("VIGIE_REVIEWS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let said = confidences(&all);
    let bins = [0, 10, 20, 25, 30, 35, 38, 40, 42, 44, 46, 48];
    println!("| labels | {} |", bins.map(|bin| format!("{:.2}", bin as f64 / BINS as f64)).join(" | "));
    println!("|---|{}", "---|".repeat(bins.len()));
    for part in [1.0, 0.25, 0.05] {
        let mut rng = ChaCha8Rng::seed_from_u64(15);
        let (mut covered, mut labels) = ([0_u32; 12], 0);
        for _ in 0..reviews {
            let points = curve(&review(&all, &said, [0.05 * part, 0.6 * part], &mut rng), 0.95);
            labels += points[0].labels;
            for (covered, bin) in covered.iter_mut().zip(bins) {
                let (truth, quality) = (truth_from(&all, bin), points[bin].quality);
                *covered +=
                    u32::from(quality.lower.is_some_and(|l| l <= truth) && quality.upper.is_some_and(|u| truth <= u));
            }
        }
        let shares = covered.map(|n| f64::from(n) / f64::from(reviews));
        println!("| {} | {} |", labels / u64::from(reviews), shares.map(|x| format!("{:.1}", 100.0 * x)).join(" | "));
        let error = 3.0 * (0.05 * 0.95 / f64::from(reviews)).sqrt();
        assert!(shares.iter().all(|share| (0.935 - error..0.97 + error).contains(share)), "{part}: {shares:?}");
    }
}

#[test]
fn labels_of_an_unknown_design_are_weighted_by_what_is_known() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let truth = all.iter().filter(|k| k.right).count() as f64 / all.len() as f64;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut covered, mut naive) = (0, 0.0);
    const REVIEWS: u32 = 40;
    for _ in 0..REVIEWS {
        let mut strata = vec![Stratum::new(vec![vec![ScoreBin::default(); BINS]; FOLDS]); 2];
        let (mut right, mut labels) = (0.0, 0.0);
        for known in &all {
            let route = usize::from(known.confidence < THRESHOLD);
            let bin = &mut strata[route].folds[known.hour % FOLDS][bin(known.confidence)];
            bin.n += 1;
            // the less sure the model is, the more often somebody looks; nobody says how often
            if rng.random::<f64>() < 0.04 + 0.5 * (1.0 - known.confidence) {
                let row = WeightSums { n: 1, w: 1.0, w2: 2.0 };
                if known.right {
                    bin.right += row
                } else {
                    bin.wrong += row
                }
                bin.unknown += 1;
                right += f64::from(u8::from(known.right));
                labels += 1.0;
            }
        }
        let weighted: Vec<Stratum> = strata.iter().map(|s| post_stratified(s, &GRADE_STARTS)).collect();
        let found = assisted(&weighted, 0.95).estimate;
        covered += u32::from(found.lower.is_some_and(|l| l <= truth) && found.upper.is_some_and(|u| truth <= u));
        naive += right / labels / f64::from(REVIEWS);
    }
    println!("{covered} of {REVIEWS} cover {truth:.4}; unweighted one would read {naive:.4}");
    assert!(covered >= REVIEWS * 17 / 20, "{covered} of {REVIEWS}");
    assert!((naive - truth).abs() > 0.05, "the labels are not like the whole: {naive}");
}

/// Grades of the product: the first fiftieth of each.
fn graded(confidence: f64) -> usize {
    GRADE_STARTS.partition_point(|start| *start <= bin(confidence)) - 1
}

/// Precision of codes over redrawn reviews: the assisted interval covers and is narrower than that of the labels alone.
#[test]
fn the_assisted_precision_of_codes_covers() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let reviews: u32 = std::env::var("VIGIE_REVIEWS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let codes = 1 + all.iter().map(|k| k.predicted).max().unwrap_or(0);
    let mut truth = vec![(0.0, 0.0); codes];
    for known in &all {
        truth[known.predicted].0 += f64::from(u8::from(known.right));
        truth[known.predicted].1 += 1.0;
    }
    println!("labels of the code  codes  of the labels  of these assisted  assisted  its width");
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let weights = [0.05, 0.6].map(|rate| WeightSums::of(rate).expect("a rate"));
    let mut tallies = [[0.0; 6]; 3];
    for _ in 0..reviews {
        let mut parts = vec![vec![vec![ScoreBin::default(); GRADE_STARTS.len()]; 2]; codes];
        for known in &all {
            let route = usize::from(known.confidence < THRESHOLD);
            let bin = &mut parts[known.predicted][route][graded(known.confidence)];
            bin.n += 1;
            if rng.random::<f64>() < [0.05, 0.6][route] {
                if known.right { bin.right += weights[route] } else { bin.wrong += weights[route] }
            }
        }
        let sides = |bins: &Vec<ScoreBin>| -> [WeightSums; 2] {
            [bins.iter().map(|bin| bin.right).sum(), bins.iter().map(|bin| bin.wrong).sum()]
        };
        let of_all = |route: usize, side: usize| parts.iter().map(|code| sides(&code[route])[side]).sum();
        let whole = Whole::new([0, 1].map(|route| [of_all(route, 0), of_all(route, 1)]).to_vec());
        for ((code, found), (right, all)) in parts.iter().zip(assisted_parts(&parts, 0.95)).zip(&truth) {
            let share = right / all;
            let inside = |e: Estimate| {
                f64::from(u8::from(e.lower.is_some_and(|l| l <= share) && e.upper.is_some_and(|u| share <= u)))
            };
            let width = |e: Estimate| e.upper.unwrap_or(1.0) - e.lower.unwrap_or(0.0);
            let met = |bins: &Vec<ScoreBin>| {
                let [right, wrong] = sides(bins).map(|side| side.n);
                Met { predictions: bins.iter().map(|bin| bin.n).sum(), predicted: right + wrong, right, actual: 0 }
            };
            let like = whole.of_predictions(&code.iter().map(met).collect::<Vec<_>>());
            let [right, wrong] = [0, 1].map(|side| code.iter().map(|bins| sides(bins)[side]).sum::<WeightSums>());
            let n = right.n + wrong.n;
            if n < LEAST_LABELS {
                continue;
            }
            let alone = classification(right, wrong, WeightSums::default(), [like; 2], 0.95).precision;
            let of = &mut tallies[[30, 100].iter().filter(|least| n >= **least).count()];
            let helped = found.map_or([0.0; 4], |found| {
                let e = found.estimate;
                [1.0, inside(e), width(e), width(alone)]
            });
            of.iter_mut().zip([1.0, inside(alone)].into_iter().chain(helped)).for_each(|(sum, x)| *sum += x);
        }
    }
    for (name, tally) in ["10 to 29", "30 to 99", "100 and more"].into_iter().zip(tallies) {
        let [n, alone, helped, covered, narrow, wide] = tally;
        let (per_review, alone, covered) = (n / f64::from(reviews), alone / n, covered / helped);
        let share = helped / n;
        println!("{name:<18}  {per_review:>5.1}  {alone:>13.3}  {share:>17.2}  {covered:>8.3}  {:>9.3}", narrow / wide);
        let error = 3.0 * (0.05 * 0.95 / n).sqrt();
        assert!((0.935 - error..0.97 + error).contains(&alone), "{name}: {alone}");
        if helped > 0.0 {
            let error = 3.0 * (0.05 * 0.95 / helped).sqrt();
            assert!((0.935 - error..0.97 + error).contains(&covered), "{name}: {covered}");
            assert!(narrow < 0.9 * wide, "{name}: {narrow} of {wide}");
        }
    }
    assert!(tallies[1][2] > 0.0, "no code is assisted");
}
