//! Accuracy falls for one, for twenty or for all of 732 codes: how many labels until it is seen?

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vigie::{
    decide::rings,
    measure::{
        detector::adwin,
        sequential::{
            Direction,
            e_bh::{code_stakes, staked},
            share::{Count, share_changed_by_look},
            start::Starts,
        },
    },
};

use super::stream::{
    Statistic, at_length, drift_detection, hinkley, lowest_level, mean, multinomial, rising_windows, rng, runs, zipf,
};

const ALPHA: f64 = 0.05;
const ACCURACY: f64 = 0.9;

/// Labels of a look, looks of a day.
const LABELS: u64 = 50;
const LOOKS: usize = 4;

/// A labelled row: the code it was given, and whether that is wrong.
type Label = (usize, bool);

struct Labels {
    codes: usize,
    reference: Vec<Label>,
    looks: Vec<Vec<Label>>,
}

impl Labels {
    /// `accuracy` by code, from the look of the change on.
    fn draw(rng: &mut ChaCha8Rng, shares: &[f64], looks: usize, change: usize, accuracy: &[f64]) -> Self {
        let rows = |rng: &mut ChaCha8Rng, n: u64, changed: bool| {
            let counts = multinomial(rng, n, shares);
            let mut rows: Vec<Label> = Vec::new();
            for (code, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                let right = if changed { accuracy[code] } else { ACCURACY };
                rows.extend((0..count).map(|_| (code, !rng.random_bool(right))));
            }
            // in no order that says something
            for i in (1..rows.len()).rev() {
                rows.swap(i, rng.random_range(0..=i));
            }
            rows
        };
        // ninety days
        let reference = rows(rng, 90 * LOOKS as u64 * LABELS, false);
        let looks = (0..looks).map(|look| rows(rng, LABELS, look >= change)).collect();
        Self { codes: shares.len(), reference, looks }
    }

    /// `ln E` of more errors among all labels, and among those of each code.
    fn evidence(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let starts = Starts { horizon: 120.0, looks: LOOKS };
        let watch =
            |reference: Count, looks: &[Count]| share_changed_by_look(reference, looks, starts, Direction::Risen);
        let count = |labels: &[Label]| Count::new(labels.iter().filter(|l| l.1).count() as u64, labels.len() as u64);
        let all: Vec<Count> = self.looks.iter().map(|labels| count(labels)).collect();
        let by_code = |labels: &[Label]| {
            let mut counts = vec![Count::default(); self.codes];
            for &(code, wrong) in labels {
                counts[code].rows += 1;
                counts[code].of += u64::from(wrong);
            }
            counts
        };
        let reference = by_code(&self.reference);
        let looks: Vec<Vec<Count>> = self.looks.iter().map(|labels| by_code(labels)).collect();
        let of_code = |code: usize| {
            let looks: Vec<Count> = looks.iter().map(|counts| counts[code]).collect();
            watch(reference[code], &looks)
        };
        (watch(count(&self.reference), &all), (0..self.codes).map(of_code).collect())
    }

    /// All labels and those of each code, with the stakes of one family.
    fn staked(&self, all: Vec<f64>, codes: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let mut labels = vec![0; self.codes];
        self.reference.iter().for_each(|label| labels[label.0] += 1);
        let stakes = code_stakes(&labels);
        let mut series = vec![all];
        series.extend(codes);
        for look in 0..self.looks.len() {
            let now: Vec<f64> = series.iter().map(|of| of[look]).collect();
            series.iter_mut().zip(staked(&now, &stakes)).for_each(|(of, log_e)| of[look] = log_e);
        }
        series
    }

    /// The highest of a detector's statistics, and the first look by whose end one was above `limit`: over all labels, or
    /// over those of each code.
    fn follow(&self, apart: bool, limit: f64, start: &dyn Fn() -> Statistic) -> (f64, Option<usize>) {
        let mut each: Vec<_> = (0..if apart { self.codes } else { 1 }).map(|_| start()).collect();
        let mut at = |label: &Label| each[if apart { label.0 } else { 0 }](label.1);
        self.reference.iter().for_each(|label| {
            at(label);
        });
        let mut highest = 0.0_f64;
        for (look, labels) in self.looks.iter().enumerate() {
            highest = labels.iter().map(&mut at).fold(highest, f64::max);
            if highest > limit {
                return (highest, Some(look));
            }
        }
        (highest, None)
    }
}

/// `ln(1/δ)` is its limit.
fn windows(limit: f64) -> Statistic {
    rising_windows(adwin::Settings { delta: (-limit).exp(), clock: 8, ..Default::default() })
}

const NAMES: [&str; 10] = [
    "e-process of all labels",
    "e-BH over codes",
    "all and codes, staked",
    "all and codes, staked, tuned",
    "ADWIN, all labels",
    "ADWIN of each code",
    "Page-Hinkley, all labels",
    "Page-Hinkley of each code",
    "DDM, all labels",
    "DDM of each code",
];

/// Limits of the detectors, and the level of the staked family.
struct Limits {
    detectors: [f64; 6],
    level: f64,
}

/// The first look at which each of `NAMES` rings.
fn firsts(labels: &Labels, limits: &Limits) -> [Option<usize>; 10] {
    let (all, codes) = labels.evidence();
    let at = |series: &[Vec<f64>], level| rings(series, level).into_iter().flatten().map(|ring| ring.first).min();
    let first = |series: &[Vec<f64>]| at(series, ALPHA);
    let staked = labels.staked(all.clone(), codes.clone());
    let [a, b, c, d, e, f] = limits.detectors;
    [
        first(std::slice::from_ref(&all)),
        first(&codes),
        first(&staked),
        at(&staked, limits.level),
        labels.follow(false, 1.0, &|| windows(a)).1,
        labels.follow(true, 1.0, &|| windows(b)).1,
        labels.follow(false, c, &hinkley).1,
        labels.follow(true, d, &hinkley).1,
        labels.follow(false, e, &drift_detection).1,
        labels.follow(true, f, &drift_detection).1,
    ]
}

/// Limits that a share `ALPHA` of years without change exceeds: for all codes together where each has a detector.
fn tune(null: &[Labels]) -> Limits {
    let level = |year: &Labels| {
        let (all, codes) = year.evidence();
        lowest_level(&year.staked(all, codes))
    };
    let mut levels: Vec<f64> = null.iter().map(level).collect();
    levels.sort_by(f64::total_cmp);
    println!("lowest levels at which the staked family rings in a year without change: {:?}", &levels[..10]);
    // so many years ring
    let level = levels[(ALPHA * null.len() as f64) as usize - 1];

    let windows_at = |apart| {
        let (mut low, mut high) = (0.0_f64, 25.0_f64);
        for _ in 0..7 {
            let middle = 0.5 * (low + high);
            let rang = |year: &&Labels| year.follow(apart, 1.0, &|| windows(middle)).1.is_some();
            let alarms = null.iter().filter(rang).count() as f64;
            if alarms <= ALPHA * null.len() as f64 { high = middle } else { low = middle }
        }
        high
    };
    let highest = |apart, start: &dyn Fn() -> Statistic| {
        let mut all: Vec<f64> = null.iter().map(|year| year.follow(apart, f64::INFINITY, start).0).collect();
        all.sort_by(f64::total_cmp);
        all[((1.0 - ALPHA) * null.len() as f64) as usize]
    };
    let detectors = [
        windows_at(false),
        windows_at(true),
        highest(false, &hinkley),
        highest(true, &hinkley),
        highest(false, &drift_detection),
        highest(true, &drift_detection),
    ];
    Limits { detectors, level }
}

#[test]
fn a_fall_of_accuracy_of_one_twenty_or_all_codes_is_seen() {
    let k = if at_length() { 732 } else { 40 };
    let (year, change, followed) = if at_length() { (365, 30, 400) } else { (20, 10, 40) };
    let shares = zipf(k);
    let mut seed = rng(71);
    let unchanged = vec![ACCURACY; k];
    let null: Vec<Labels> =
        (0..runs(3, 100)).map(|_| Labels::draw(&mut seed, &shares, year * LOOKS, usize::MAX, &unchanged)).collect();
    let by_hand = Limits { detectors: [4.0, 8.0, 60.0, 60.0, 9.0, 60.0], level: 0.2 };
    let limits = if at_length() { tune(&null) } else { by_hand };
    println!("limits {:?}, level of the staked family {:.3}", limits.detectors, limits.level);
    println!(
        "| what falls | method | mean labels | median | 90 % | not found | before |\n|---|---|---|---|---|---|---|"
    );
    let own = |codes: std::ops::Range<usize>| (codes, 0.05, "own accuracy to .85");
    let borne = |codes: std::ops::Range<usize>| {
        let mass: f64 = shares[codes.clone()].iter().sum();
        (codes, 0.05 / mass, "overall to .85")
    };
    let all_cases = [own(0..1), own(0..20), own(0..k), borne(0..1), borne(0..20), borne(20..40)];
    // what carries it
    let cases = if at_length() { &all_cases[..] } else { &all_cases[3..4] };
    for (codes, fall, what) in cases {
        let mut accuracy = unchanged.clone();
        accuracy[codes.clone()].iter_mut().for_each(|a| *a -= fall);
        let mut delays: Vec<Vec<f64>> = vec![Vec::new(); NAMES.len()];
        let (mut early, mut missed) = ([0; NAMES.len()], [0; NAMES.len()]);
        let mut seed = rng(72);
        for _ in 0..runs(2, 40) {
            let labels = Labels::draw(&mut seed, &shares, (change + followed) * LOOKS, change * LOOKS, &accuracy);
            for (i, first) in firsts(&labels, &limits).into_iter().enumerate() {
                let end = first.map_or(labels.looks.len(), |look| look + 1);
                match end.checked_sub(change * LOOKS + 1) {
                    None => early[i] += 1,
                    Some(looks) => delays[i].push(((looks + 1) as u64 * LABELS) as f64),
                }
                missed[i] += usize::from(first.is_none());
            }
        }
        for (i, name) in NAMES.iter().enumerate() {
            delays[i].sort_by(f64::total_cmp);
            let at = |share: f64| delays[i].get((share * delays[i].len() as f64) as usize).copied().unwrap_or(f64::NAN);
            println!(
                "| codes {} to {}: {what} | {name} | {:.0} | {:.0} | {:.0} | {} | {} |",
                codes.start + 1,
                codes.end,
                mean(&delays[i]),
                at(0.5),
                at(0.9),
                missed[i],
                early[i]
            );
        }
        assert!(mean(&delays[3]) <= mean(&delays[2]), "a higher level rings no later");
        // one code that carries it all is found by itself
        assert!(*codes != (0..1) || *fall < 0.1 || delays[1].iter().all(|&labels| labels < 2_000.0), "{:?}", delays[1]);
    }
}

/// What the family of codes does in a year without change.
#[test]
fn codes_without_change_do_not_ring() {
    let (k, year) = if at_length() { (732, 365) } else { (40, 20) };
    let shares = zipf(k);
    let mut seed = rng(73);
    let (runs, mut rang) = (runs(4, 40), [0; 2]);
    for _ in 0..runs {
        let labels = Labels::draw(&mut seed, &shares, year * LOOKS, usize::MAX, &vec![ACCURACY; k]);
        let (all, codes) = labels.evidence();
        let series = labels.staked(all, codes);
        for (rang, alpha) in rang.iter_mut().zip([0.05, 0.2]) {
            *rang += u64::from(rings(&series, alpha).iter().any(Option::is_some));
        }
    }
    println!("| errors of all and by code, staked, e-BH over {k} codes | {runs} | {} | {} |", rang[0], rang[1]);
    let share = rang[0] as f64 / runs as f64;
    assert!(share <= ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / runs as f64).sqrt(), "{share}");
}
