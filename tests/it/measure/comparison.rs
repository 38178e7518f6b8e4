//! Two versions on different texts: against statsmodels, and by simulation. `VIGIE_SIMULATE=1` prints the long tables.

mod code;

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    comparison::{
        Difference, Verdict, difference,
        melded::{Counts, melded},
        score::score_difference,
        standardised::{LEAST_LABELS, Labelled, Standardised, Stratum, standardised},
    },
    proportion::{Estimate, wilson},
    weight::WeightSums,
};

use super::{
    naf2025::naf2025,
    oracle::{assert_close, number, rows, workshop_rows},
};

const RATES: [f64; 2] = [0.05, 0.6];

fn long() -> bool {
    std::env::var_os("VIGIE_SIMULATE").is_some()
}

fn holds(found: Difference, truth: f64) -> f64 {
    f64::from(u8::from(found.lower.is_some_and(|l| l <= truth) && found.upper.is_some_and(|u| truth <= u)))
}

fn width(found: Difference) -> f64 {
    found.upper.unwrap_or(1.0) - found.lower.unwrap_or(-1.0)
}

#[test]
fn two_wilson_intervals_give_newcombes() {
    for row in workshop_rows("two_proportions.csv") {
        let of = |k: &str, n: &str| wilson(number(&row, k) / number(&row, n), number(&row, n), 0.95);
        let found = difference(of("k2", "n2"), of("k1", "n1"));
        assert!((found.lower.expect("a bound") - number(&row, "ci_newcomb_lo")).abs() < 1e-10, "{found:?} {row:?}");
        assert!((found.upper.expect("a bound") - number(&row, "ci_newcomb_hi")).abs() < 1e-10, "{found:?} {row:?}");
        let back = difference(of("k1", "n1"), of("k2", "n2"));
        assert_eq!((back.lower.map(|x| -x), back.upper.map(|x| -x)), (found.upper, found.lower), "mirrored");
    }
    let (known, half) = (Estimate::point(0.25), Estimate { estimate: Some(0.5), lower: Some(0.4), upper: None });
    assert_eq!(difference(known, half), Difference { estimate: Some(0.25), lower: None, upper: None });
    assert_eq!(difference(known, half).verdict(), None);
    assert_eq!(difference(wilson(0.2, 100.0, 0.95), wilson(0.8, 100.0, 0.95)).verdict(), Some(Verdict::Helped));
    assert_eq!(difference(Estimate::default(), known), Difference::default());
}

fn fisher_less([x, n]: [u64; 2], [y, m]: [u64; 2]) -> f64 {
    let ln_factorial = |n: u64| (1..=n).map(|i| (i as f64).ln()).sum::<f64>();
    let choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let all = x + y;
    (all.saturating_sub(m)..=x).map(|i| (choose(n, i) + choose(m, all - i) - choose(n + m, all)).exp()).sum()
}

#[test]
fn melding_whole_counts_is_fishers_test() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut cases: Vec<[u64; 4]> =
        vec![[0, 5, 5, 5], [1, 1, 0, 1], [3, 400, 40, 401], [0, 3, 700, 700], [90, 100, 20_000, 21_000]];
    cases.extend((0..60).map(|_| {
        let (n, m) = (rng.random_range(1..60), rng.random_range(1..60));
        [rng.random_range(0..=n), n, rng.random_range(0..=m), m]
    }));
    for [x, n, y, m] in cases {
        let of = |x: u64, n: u64| Counts { right: x as f64, wrong: (n - x) as f64 };
        let exact = fisher_less([x, n], [y, m]).min(fisher_less([y, m], [x, n]));
        let found = melded(of(x, n), of(y, m));
        assert_close(found, (2.0 * exact).min(1.0), 1e-5, &format!("{x}/{n} {y}/{m}"));
        assert_eq!(found, melded(of(y, m), of(x, n)), "either way round");
    }
    let some = Counts { right: 2.5, wrong: 7.25 };
    for odd in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(melded(some, Counts { right: odd, wrong: 1.0 }), 1.0);
    }
    assert_eq!(melded(some, Counts { right: 0.0, wrong: 0.0 }), 1.0);
}

#[test]
fn score_intervals_are_miettinen_and_nurminens() {
    for row in rows("score_expected.csv") {
        let of = |right: &str, wrong: &str| Counts { right: number(&row, right), wrong: number(&row, wrong) };
        let found = score_difference(of("right_a", "wrong_a"), of("right_b", "wrong_b"), 0.95);
        for (found, column) in [(found.estimate, "difference"), (found.lower, "lower"), (found.upper, "upper")] {
            let (found, expected) = (found.expect("rows"), number(&row, column));
            assert!((found - expected).abs() < 1e-9, "{column}: {found}, {row:?}");
        }
    }
    let of = |right, wrong| Counts { right, wrong };
    for (a, b) in [(of(0.0, 12.5), of(7.25, 0.0)), (of(3.0, 0.0), of(9.0, 0.0)), (of(0.3, 0.2), of(0.0, 0.4))] {
        let (found, back) = (score_difference(a, b, 0.95), score_difference(b, a, 0.95));
        let bounds = [found.lower, found.estimate, found.upper].map(|x| x.expect("rows"));
        assert!(-1.0 <= bounds[0] && bounds[0] <= bounds[1] && bounds[1] <= bounds[2] && bounds[2] <= 1.0, "{found:?}");
        assert!((bounds[0] + back.upper.expect("rows")).abs() < 1e-9, "either way round");
    }
    assert_eq!(score_difference(of(1.0, 1.0), of(0.0, 0.0), 0.95), Difference::default());
    assert_eq!(score_difference(of(f64::NAN, 1.0), of(1.0, 1.0), 0.95), Difference::default());
}

/// Labels of two versions with so many of each, and what the difference is.
struct Scene {
    name: &'static str,
    /// Share of automatic rows.
    automatic: f64,
    /// Accuracy on automatic and on other rows.
    a: [f64; 2],
    b: [f64; 2],
}

impl Scene {
    fn rate(&self) -> f64 {
        self.automatic * RATES[0] + (1.0 - self.automatic) * RATES[1]
    }

    /// The route of a reviewed row.
    fn route(&self, rng: &mut ChaCha8Rng) -> usize {
        usize::from(rng.random::<f64>() >= self.automatic * RATES[0] / self.rate())
    }
}

fn add(to: &mut Labelled, right: bool, route: usize) {
    to.resize(2, Default::default());
    to[route][usize::from(!right)] += WeightSums::of(RATES[route]).expect("a rate");
}

/// On one mix as on their own texts.
fn nothing_is_taken_out(found: &Standardised) -> bool {
    let plain = difference(found.plain_a.estimate, found.plain_b.estimate);
    found.difference.lower.zip(plain.lower).is_some_and(|(x, y)| (x - y).abs() < 1e-9)
}

#[test]
fn plain_differences_cover() {
    let runs = if long() { 20_000 } else { 120 };
    let scenes = [
        Scene { name: "rate .05, .95 and .95", automatic: 1.0, a: [0.95; 2], b: [0.95; 2] },
        Scene { name: "rate .05, .99 and .99", automatic: 1.0, a: [0.99; 2], b: [0.99; 2] },
        Scene { name: "rate .05, .90 and .99", automatic: 1.0, a: [0.9; 2], b: [0.99; 2] },
        Scene { name: "rate .6, .34 and .44", automatic: 0.0, a: [0.34; 2], b: [0.44; 2] },
        Scene { name: "both routes, equal", automatic: 0.72, a: [0.95, 0.34], b: [0.95, 0.34] },
        Scene { name: "both routes, +3 points", automatic: 0.72, a: [0.95, 0.34], b: [0.97, 0.3957] },
        Scene { name: "both routes, automatic .99", automatic: 0.72, a: [0.99, 0.34], b: [0.99, 0.44] },
    ];
    println!("| two versions, each | labels | covered % | width |\n|---|---|---|---|");
    for scene in &scenes {
        let share = |of: [f64; 2]| scene.automatic * of[0] + (1.0 - scene.automatic) * of[1];
        let truth = share(scene.b) - share(scene.a);
        for labels in [30, 200, 1_000] {
            let mut rng = ChaCha8Rng::seed_from_u64(13);
            let (mut covered, mut wide) = (0.0, 0.0);
            for _ in 0..runs {
                let mut stratum = Stratum::default();
                for (side, right) in [(&mut stratum.a, scene.a), (&mut stratum.b, scene.b)] {
                    for _ in 0..labels {
                        let route = scene.route(&mut rng);
                        add(side, rng.random::<f64>() < right[route], route);
                    }
                }
                let found = standardised(std::slice::from_ref(&stratum), 0.95);
                assert!(nothing_is_taken_out(&found), "{found:?}");
                covered += holds(found.plain, truth);
                wide += width(found.plain);
            }
            let n = f64::from(runs);
            println!("| {} | {labels} | {:.1} | {:.3} |", scene.name, 100.0 * covered / n, wide / n);
            let error = 3.0 * (0.05 * 0.95 / n).sqrt();
            assert!(covered / n > 0.935 - error, "{} {labels}: {}", scene.name, covered / n);
        }
    }
}

fn pick(rng: &mut ChaCha8Rng, running: &[f64]) -> usize {
    let at = rng.random::<f64>() * running.last().copied().unwrap_or(1.0);
    running.partition_point(|x| *x < at).min(running.len() - 1)
}

fn running(shares: &[f64]) -> Vec<f64> {
    (1..=shares.len()).map(|end| shares[..end].iter().sum()).collect()
}

const CODES: usize = 732;

/// Zipf's law over codes that are not in its order.
fn zipf() -> Vec<f64> {
    let total: f64 = (1..=CODES).map(|rank| 1.0 / rank as f64).sum();
    (0..CODES).map(|code| 1.0 / ((code * 389 % CODES) + 1) as f64 / total).collect()
}

/// How the texts of B differ from those of A.
struct Arrivals {
    name: &'static str,
    /// How much oftener hard codes come.
    hard: f64,
    /// So many times fewer labels.
    fewer: u32,
    /// Codes in a row that are as hard as each other: 4 is a group, 1 is none.
    alike: usize,
}

/// The days of B brought other texts: codes are harder or easier, and B met the hard ones five times as often, in a quarter
/// as many labels. Equally good versions, or B three points better everywhere.
#[test]
fn standardising_takes_out_what_arrived() {
    let runs = if long() { 4_000 } else { 60 };
    let scene = Scene { name: "", automatic: 0.72, a: [0.0; 2], b: [0.0; 2] };
    println!(
        "| arrivals | strata | labels of A | gain | plain covered % | standardised covered % | width | left out % |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    // the first chose how groups are leant on
    let all = [
        Arrivals { name: "five times as hard", hard: 5.0, fewer: 4, alike: 4 },
        Arrivals { name: "three times as hard", hard: 3.0, fewer: 2, alike: 4 },
        Arrivals { name: "five times, siblings unlike", hard: 5.0, fewer: 4, alike: 1 },
    ];
    for arrivals in all.iter().take(if long() { 3 } else { 1 }) {
        for (codes, name) in [(8, "8 origins"), (CODES, "732 true codes")] {
            let volume: Vec<f64> = if codes == CODES { zipf() } else { vec![0.125; 8] };
            // siblings are alike
            let ease: Vec<f64> = (0..codes).map(|code| ((code / arrivals.alike * 7) % 11) as f64 / 10.0).collect();
            let arrives: [Vec<f64>; 2] = [1.0, arrivals.hard].map(|hard: f64| {
                let weight = |code: usize| volume[code] * (ease[code] + hard * (1.0 - ease[code]));
                let total: f64 = (0..codes).map(weight).sum();
                (0..codes).map(|code| weight(code) / total).collect()
            });
            let right =
                |code: usize, route: usize, gain: f64| [0.85 + 0.12 * ease[code], 0.1 + 0.5 * ease[code]][route] + gain;
            for gain in [0.0, 0.03] {
                for labels in [200, 1_000, 8_000, 32_000] {
                    if !long() && labels > 1_000 {
                        continue;
                    }
                    let mut rng = ChaCha8Rng::seed_from_u64(19);
                    let picks = arrives.each_ref().map(|shares| running(shares));
                    let (mut plain, mut covered, mut wide, mut out) = (0.0, 0.0, 0.0, 0.0);
                    let runs = if labels == 200 && long() { 5 * runs } else { runs };
                    for _ in 0..runs {
                        let mut strata: Vec<Stratum> = (0..codes)
                            .map(|code| Stratum { groups: vec![code / 100, code / 16, code / 4], ..Stratum::default() })
                            .collect();
                        for (version, picks) in picks.iter().enumerate().take(2) {
                            for _ in 0..if version == 0 { labels } else { labels / arrivals.fewer } {
                                let (code, route) = (pick(&mut rng, picks), scene.route(&mut rng));
                                let better = if version == 1 { gain } else { 0.0 };
                                let is_right = rng.random::<f64>() < right(code, route, better);
                                let side = if version == 0 { &mut strata[code].a } else { &mut strata[code].b };
                                add(side, is_right, route);
                            }
                        }
                        let found = standardised(&strata, 0.95);
                        plain += holds(found.plain, gain);
                        if u64::from(labels / arrivals.fewer) < LEAST_LABELS.min(5 * codes as u64) {
                            assert_eq!(found.difference.estimate, None, "too few to be put on one mix");
                            continue;
                        }
                        covered += holds(found.difference, gain);
                        wide += width(found.difference);
                        out += found.uncovered;
                    }
                    if u64::from(labels / arrivals.fewer) < LEAST_LABELS.min(5 * codes as u64) {
                        continue;
                    }
                    let n = f64::from(runs);
                    println!(
                        "| {} | {name} | {labels} | {gain} | {:.1} | {:.1} | {:.3} | {:.1} |",
                        arrivals.name,
                        100.0 * plain / n,
                        100.0 * covered / n,
                        wide / n,
                        100.0 * out / n
                    );
                    let error = 3.0 * (0.05 * 0.95 / n).sqrt();
                    let fits = (0.935 - error..0.97 + error).contains(&(covered / n));
                    assert!(fits, "{name} {labels}: {}", covered / n);
                }
            }
        }
    }
}

/// What 2.0.0 gained over 1.4.0 on the users' stream, over redrawn reviews.
#[test]
fn the_gain_of_the_second_version_is_covered() {
    let Some(all) = naf2025() else {
        println!("skipped: no ../shared/data/naf2025");
        return;
    };
    let reviews: u32 = if long() { 4_000 } else { 30 };
    let accuracy = |second: bool| {
        let of: Vec<bool> = all.iter().filter(|k| k.second == second).map(|k| k.right).collect();
        of.iter().filter(|right| **right).count() as f64 / of.len() as f64
    };
    let truth = accuracy(true) - accuracy(false);
    let codes = all.iter().map(|k| k.truth.max(k.predicted) + 1).max().unwrap_or(0);
    // the same over the mix of both versions, of codes that both met
    let mut cells = vec![[[0.0; 2]; 2]; codes];
    all.iter().for_each(|k| cells[k.truth][usize::from(k.second)][usize::from(k.right)] += 1.0);
    let size = |cell: &[[f64; 2]; 2], at: usize| cell[at][0] + cell[at][1];
    let shared: Vec<&[[f64; 2]; 2]> = cells.iter().filter(|c| size(c, 0) > 0.0 && size(c, 1) > 0.0).collect();
    let mix: f64 = shared.iter().map(|c| size(c, 0) + size(c, 1)).sum();
    let gain = |c: &&[[f64; 2]; 2]| (size(c, 0) + size(c, 1)) / mix * (c[1][1] / size(c, 1) - c[0][1] / size(c, 0));
    let standard: f64 = shared.iter().map(gain).sum();
    println!("true gain {truth:.4} as they are, {standard:.4} over one mix of codes");
    println!("| share of labels | labels | plain covered % | width | standardised covered % | width | left out % |");
    println!("|---|---|---|---|---|---|---|");
    for share in [1.0, 0.25, 0.05] {
        let mut rng = ChaCha8Rng::seed_from_u64(23);
        let (mut plain, mut plain_width, mut covered, mut wide, mut labels, mut out) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        let mut untold = 0.0;
        for _ in 0..reviews {
            let mut strata = vec![Stratum::default(); codes];
            all.iter().for_each(|k| strata[k.truth].groups = k.above.to_vec());
            // the interval is for the versions: other rows could have come
            for _ in 0..all.len() {
                let k = &all[rng.random_range(0..all.len())];
                let route = usize::from(k.confidence < 0.7);
                let rate = share * RATES[route];
                if rng.random::<f64>() < rate {
                    let side = if k.second { &mut strata[k.truth].b } else { &mut strata[k.truth].a };
                    side.resize(2, Default::default());
                    side[route][usize::from(!k.right)] += WeightSums::of(rate).expect("a rate");
                    labels += 1.0;
                }
            }
            let found = standardised(&strata, 0.95);
            plain += holds(found.plain, truth);
            plain_width += width(found.plain);
            if found.difference.estimate.is_none() {
                untold += 1.0;
                continue;
            }
            covered += holds(found.difference, standard);
            wide += width(found.difference);
            out += found.uncovered;
        }
        let n = f64::from(reviews);
        let told = n - untold;
        println!(
            "| {share} | {:.0} | {:.1} | {:.4} | {:.1} | {:.4} | {:.0} |",
            labels / n,
            100.0 * plain / n,
            plain_width / n,
            100.0 * covered / told,
            wide / told,
            100.0 * out / told
        );
        assert!(untold < 0.02 * n, "{untold} of {n} not told");
        let error = 3.0 * (0.05 * 0.95 / n).sqrt();
        let fits = |covered: f64| (0.935 - error..0.97 + error).contains(&covered);
        assert!(fits(plain / n) && fits(covered / told), "{share}: {plain} {covered} of {reviews}");
        assert!(wide < 1.35 * plain_width, "{wide} of {plain_width}");
    }
}

/// What rare strata do: those of a group that no version lacks are its, others are left out and told.
#[test]
fn strata_that_a_version_lacks_are_told() {
    let of = |right, wrong| vec![[WeightSums::certain(right), WeightSums::certain(wrong)]];
    let stratum = |group, a, b| Stratum { groups: vec![group], rows: None, a, b };
    let none = Labelled::new();
    let both = vec![stratum(0, of(400, 100), of(450, 50)); 6];
    let mut lacking = both.clone();
    lacking.push(stratum(1, none.clone(), of(9_000, 0)));
    let found = standardised(&lacking, 0.95);
    assert!((found.uncovered - 9_000.0 / 15_000.0).abs() < 1e-12, "{found:?}");
    assert!((found.difference.estimate.expect("labels") - 0.1).abs() < 1e-6, "{found:?}");
    assert!(found.plain.estimate.expect("labels") > 0.15, "{found:?}");
    // a mix that is known needs no labels: 9 of 10 are hard
    let known = |rows, a, b| Stratum { groups: vec![], rows: Some(rows), a, b };
    let found = standardised(
        &[known([500_000, 500_000], of(90, 10), of(90, 10)), known([500_000, 8_500_000], of(50, 50), of(60, 40))],
        0.95,
    );
    let [a, b] = [found.a, found.b].map(|side| side.estimate.estimate.expect("labels"));
    // A met as much of both, so its hard rows count nine times; each version has as many labels of both
    assert!((0.5..0.6).contains(&a) && (0.6..0.9).contains(&b), "{found:?}");
    // nothing to take out, nothing reweighted
    let found = standardised(&both, 0.95);
    assert!(nothing_is_taken_out(&found), "{found:?}");
    for nothing in [vec![], vec![stratum(0, none.clone(), none.clone())], vec![stratum(0, of(9, 1), none.clone())]] {
        let found = standardised(&nothing, 0.95);
        assert_eq!(found.difference, Difference::default(), "{nothing:?}");
    }
    assert!(standardised(&[stratum(0, of(9, 1), none)], 0.95).plain_a.estimate.estimate.is_some());
}
