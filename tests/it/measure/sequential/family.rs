//! Some mass moves to a few of 732 codes: how many events until it is seen?

use rand_chacha::ChaCha8Rng;
use vigie::measure::detector::{Adwin, Cusum, PageHinkley, State, adwin, page_hinkley};
use vigie::measure::sequential::{
    Direction,
    distribution::{codes, universal},
    e_bh, mean, threshold,
};

use super::stream::{at_length, mean as average, multinomial, rng, runs, zipf};

const ROWS: u64 = 1_000;
const ALPHA: f64 = 0.05;

/// Counts of the reference and of each day.
struct Days {
    reference: Vec<u64>,
    days: Vec<Vec<u64>>,
}

impl Days {
    fn draw(rng: &mut ChaCha8Rng, n: u64, before: &[f64], days: usize, after: &[f64], followed: usize) -> Self {
        let reference = multinomial(rng, n, before);
        let days =
            (0..days + followed).map(|i| multinomial(rng, ROWS, if i < days { before } else { after })).collect();
        Self { reference, days }
    }

    /// Each code's counts in standard deviations, by the square root, which is steadier for rare codes.
    fn scores(&self, code: usize) -> impl Iterator<Item = f64> + '_ {
        let n: u64 = self.reference.iter().sum();
        let expected = (self.reference[code] as f64 + 0.5) / n as f64 * ROWS as f64;
        self.days.iter().map(move |day| 2.0 * ((day[code] as f64 + 0.375).sqrt() - (expected + 0.375).sqrt()))
    }

    /// The first day on which a statistic of any code is above the limit, and the highest of all.
    fn any(&self, limit: f64, mut start: impl FnMut() -> Box<dyn FnMut(f64) -> f64>) -> (Option<usize>, f64) {
        let (mut first, mut highest) = (None::<usize>, 0.0_f64);
        for code in 0..self.reference.len() {
            let mut statistic = start();
            for (day, x) in self.scores(code).enumerate() {
                let now = statistic(x);
                highest = highest.max(now);
                if now > limit && first.is_none_or(|first| day < first) {
                    first = Some(day);
                }
            }
        }
        (first, highest)
    }
}

fn cusum(days: &Days, limit: f64) -> (Option<usize>, f64) {
    days.any(limit, || {
        let mut cusum = Cusum::new(0.0, 0.5, f64::INFINITY);
        Box::new(move |x| {
            cusum.update(x);
            cusum.statistic()
        })
    })
}

fn hinkley(days: &Days, limit: f64) -> (Option<usize>, f64) {
    let settings =
        page_hinkley::Settings { least_rows: 1, delta: 0.5, threshold: f64::INFINITY, alpha: 1.0, only_up: true };
    days.any(limit, || {
        let mut test = PageHinkley::new(settings);
        Box::new(move |x| {
            test.update(x);
            test.statistic()
        })
    })
}

fn windows(days: &Days, limit: f64) -> (Option<usize>, f64) {
    days.any(1.0, || {
        let mut adwin = Adwin::new(adwin::Settings { delta: 1.0 / limit, clock: 1, ..Default::default() });
        Box::new(move |x| if adwin.update(x) == State::Drift { 2.0 } else { 0.0 })
    })
}

fn tuned(null: &[Days], statistic: fn(&Days, f64) -> (Option<usize>, f64)) -> f64 {
    let mut highest: Vec<f64> = null.iter().map(|year| statistic(year, f64::INFINITY).1).collect();
    highest.sort_by(f64::total_cmp);
    highest[((1.0 - ALPHA) * null.len() as f64) as usize]
}

#[test]
fn mass_that_moves_to_a_few_codes_is_found() {
    let k = if at_length() { 732 } else { 30 };
    let references: &[u64] = if at_length() { &[5_000, 100_000] } else { &[20_000] };
    println!(
        "| reference | moved | method | mean delay, events | median | found | alarms before |\n|---|---|---|---|---|---|---|"
    );
    for &n in references {
        let (change, followed) = if at_length() { (60, 90) } else { (15, 15) };
        let before = zipf(k);
        let mut seed = rng(31);
        let null: Vec<Days> =
            (0..runs(5, 60)).map(|_| Days::draw(&mut seed, n, &before, runs(60, 365) as usize, &before, 0)).collect();
        let limits = [tuned(&null, cusum), tuned(&null, hinkley)];
        let tries = (0..12).map(|i| 1e3 * 10.0_f64.powi(i));
        let alarms = |limit: &f64| null.iter().filter(|year| windows(year, *limit).0.is_some()).count() as f64;
        let limit = tries.into_iter().find(|limit| alarms(limit) <= ALPHA * null.len() as f64);
        for &moved in if at_length() { &[0.01, 0.02, 0.05][..] } else { &[0.05] } {
            let mut after: Vec<f64> = before.iter().map(|share| share * (1.0 - moved)).collect();
            // three codes of the middle and of the tail
            for code in [k / 8, k / 3, k - 5] {
                after[code] += moved / 3.0;
            }
            let names = [
                "e-BH over all codes",
                "e-process, mean over codes",
                "e-process, universal inference",
                "CUSUM of each code, daily",
                "Page-Hinkley of each code, daily",
                "ADWIN of each code, daily",
            ];
            let mut delays: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
            let (mut early, mut missed) = (vec![0; names.len()], vec![0; names.len()]);
            let mut seed = rng(32);
            for _ in 0..runs(2, 30) {
                let days = Days::draw(&mut seed, n, &before, change, &after, followed);
                let logs = codes(&days.reference, &days.days, 120.0, Direction::Risen);
                let each: Vec<Vec<f64>> =
                    (0..days.days.len()).map(|day| logs.iter().map(|code| code[day]).collect()).collect();
                let discovered = |day: &Vec<f64>| e_bh(day, ALPHA).iter().any(|found| found.discovery);
                let sure = |log_e: f64| log_e >= threshold(ALPHA);
                let first = [
                    each.iter().position(discovered),
                    each.iter().position(|day| sure(mean(day).unwrap())),
                    universal(&days.reference, &days.days).into_iter().position(sure),
                    cusum(&days, limits[0]).0,
                    hinkley(&days, limits[1]).0,
                    limit.and_then(|limit| windows(&days, limit).0),
                ];
                for (i, first) in first.into_iter().enumerate() {
                    match first {
                        Some(day) if day < change => early[i] += 1,
                        Some(day) => delays[i].push(((day + 1 - change) as u64 * ROWS) as f64),
                        None => {
                            missed[i] += 1;
                            delays[i].push((followed as u64 * ROWS) as f64);
                        }
                    }
                }
            }
            for (i, name) in names.iter().enumerate() {
                delays[i].sort_by(f64::total_cmp);
                let found = delays[i].len() - missed[i];
                let median = delays[i].get(delays[i].len() / 2).copied().unwrap_or(f64::NAN);
                println!(
                    "| {n} | {moved} | {name} | {:.0} | {median:.0} | {found}/{} | {} |",
                    average(&delays[i]),
                    delays[i].len(),
                    early[i]
                );
            }
            // at 5 % nobody may take long; small samples by default
            assert!(moved < 0.05 || average(&delays[0]) <= 6_000.0, "{:?}", delays[0]);
        }
    }
}
