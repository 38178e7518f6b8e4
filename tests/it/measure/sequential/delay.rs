//! How soon is a change seen, beside the classical detectors tuned to the same rate of false alarms?

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vigie::measure::detector::{Adwin, Cusum, Ddm, PageHinkley, State, adwin, ddm, page_hinkley};
use vigie::measure::sequential::{
    Direction,
    accuracy::{LabelCell, floor},
    accuracy_change::accuracy_changed,
    share::{Count, share_changed},
    threshold,
};

use super::stream::{at_length, mean, rng};

/// False alarms in a year.
const ALPHA: f64 = 0.05;

/// `1/δ` of ADWIN as the long run tunes it for errors.
const FROM_THE_TABLE: f64 = 64.0;

/// What is watched: the share of rows that are wrong, or have one code.
#[derive(Clone, Copy)]
struct Watch {
    share: f64,
    after: f64,
    reference: usize,
    /// Rows of a year, rows until the change, rows after it that are looked at.
    year: usize,
    change: usize,
    followed: usize,
    /// Rows of one look of an e-process.
    look: usize,
}

/// Rows of the reference and since: which are wrong, or have the code.
struct Rows {
    watch: Watch,
    hits: Vec<bool>,
}

impl Rows {
    fn unchanged(watch: Watch, rng: &mut ChaCha8Rng) -> Self {
        let hits = (0..watch.reference + watch.year).map(|_| rng.random_bool(watch.share)).collect();
        Self { watch, hits }
    }

    fn changed(watch: Watch, rng: &mut ChaCha8Rng) -> Self {
        let change = watch.reference + watch.change;
        let share = |i| if i < change { watch.share } else { watch.after };
        Self { watch, hits: (0..change + watch.followed).map(|i| rng.random_bool(share(i))).collect() }
    }

    fn reference(&self) -> Count {
        count(&self.hits[..self.watch.reference])
    }

    fn looks(&self) -> Vec<Count> {
        self.hits[self.watch.reference..].chunks(self.watch.look).map(count).collect()
    }

    /// The highest a statistic comes after the reference, and how many rows after it that is first above a limit.
    fn follow(&self, mut statistic: impl FnMut(usize, bool) -> f64, limit: f64) -> (f64, Option<usize>) {
        let (mut highest, mut first) = (0.0_f64, None);
        for (i, &hit) in self.hits.iter().enumerate() {
            let now = statistic(i, hit);
            if i < self.watch.reference {
                continue;
            }
            highest = highest.max(now);
            if first.is_none() && now > limit {
                first = Some(i - self.watch.reference + 1);
            }
        }
        (highest, first)
    }
}

fn count(hits: &[bool]) -> Count {
    Count::new(hits.iter().filter(|&&hit| hit).count() as u64, hits.len() as u64)
}

fn labels(count: Count) -> Vec<LabelCell> {
    vec![LabelCell { weight: 1.0, right: count.rows - count.of, wrong: count.of }]
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Method {
    Floor,
    Accuracy,
    Share(Direction),
    Cusum,
    PageHinkley,
    PageHinkleyTold,
    Ddm,
    Adwin,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Floor => "e-process, the floor is known",
            Self::Accuracy => "e-process, against the reference",
            Self::Share(Direction::Risen) => "e-process of a share, risen",
            Self::Share(_) => "e-process of a share, either way",
            Self::Cusum => "CUSUM told both shares",
            Self::PageHinkley => "Page-Hinkley, δ .005, α .9999",
            Self::PageHinkleyTold => "Page-Hinkley told half the change, α 1",
            Self::Ddm => "DDM",
            Self::Adwin => "ADWIN",
        }
    }

    fn is_e_process(self) -> bool {
        matches!(self, Self::Floor | Self::Accuracy | Self::Share(_))
    }

    fn log_e(self, rows: &Rows) -> Vec<f64> {
        let horizon = rows.watch.year as f64 / 3.0 / rows.watch.look as f64;
        let cells = || rows.looks().into_iter().map(labels).collect::<Vec<_>>();
        match self {
            Self::Floor => {
                floor(&cells(), 1.0 - rows.watch.share, 1.0, horizon, Direction::Fallen).expect("sound cells")
            }
            Self::Share(direction) => share_changed(rows.reference(), &rows.looks(), horizon, direction),
            _ => accuracy_changed(&labels(rows.reference()), &cells(), 1.0, horizon, Direction::Fallen)
                .expect("sound cells"),
        }
    }

    /// Highest statistic, and first row above `limit`.
    fn run(self, rows: &Rows, limit: f64) -> (f64, Option<usize>) {
        if self.is_e_process() {
            let log_e = self.log_e(rows);
            let first = log_e.iter().position(|&e| e >= limit).map(|at| (at + 1) * rows.watch.look);
            return (log_e.iter().copied().fold(f64::NEG_INFINITY, f64::max), first);
        }
        let Watch { share, after, reference, .. } = rows.watch;
        let x = |hit: bool| f64::from(u8::from(hit));
        // the reference value of the likelihood ratio, about halfway
        let (up, down) = ((after / share).ln(), ((1.0 - after) / (1.0 - share)).ln());
        let half = -down / (up - down) - share;
        match self {
            Self::Cusum => {
                let mut cusum = Cusum::new(share, half, f64::INFINITY);
                let statistic = |i, hit| {
                    if i >= reference {
                        cusum.update(x(hit));
                    }
                    cusum.statistic()
                };
                rows.follow(statistic, limit)
            }
            Self::Ddm => {
                let mut ddm = Ddm::new(ddm::Settings { drift: f64::INFINITY, ..Default::default() });
                let statistic = |_, hit| {
                    ddm.update(hit);
                    ddm.statistic()
                };
                rows.follow(statistic, limit)
            }
            Self::Adwin => {
                // tuned by its δ, here 1/limit
                let mut adwin = Adwin::new(adwin::Settings { delta: 1.0 / limit, ..Default::default() });
                let mut last = 0.0;
                let statistic = |_, hit| {
                    let state = adwin.update(x(hit));
                    // a window cut after a fall of the share is no alarm
                    let risen = state == State::Drift && adwin.estimate() > last;
                    last = adwin.estimate();
                    if risen { f64::INFINITY } else { 0.0 }
                };
                rows.follow(statistic, limit)
            }
            _ => {
                let (delta, alpha) = if self == Self::PageHinkley { (0.005, 0.9999) } else { (half, 1.0) };
                let (threshold, only_up) = (f64::INFINITY, true);
                let settings = page_hinkley::Settings { delta, alpha, threshold, only_up, ..Default::default() };
                let mut test = PageHinkley::new(settings);
                let statistic = |i, hit| {
                    test.update(x(hit));
                    // the mean is of the reference too, the sum begins after it
                    if i + 1 == reference {
                        test.restart();
                    }
                    test.statistic()
                };
                rows.follow(statistic, limit)
            }
        }
    }

    /// The limit that a share of `ALPHA` of years without change exceeds.
    fn tune(self, null: &[Rows]) -> f64 {
        if self.is_e_process() {
            return threshold(ALPHA);
        }
        if null.is_empty() {
            return FROM_THE_TABLE;
        }
        if self == Self::Adwin {
            let limits = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 125.0, 250.0, 500.0, 1000.0];
            let alarms = |limit| null.iter().filter(|year| self.run(year, limit).1.is_some()).count() as f64;
            let kept = |limit: &f64| alarms(*limit) <= ALPHA * null.len() as f64;
            return limits.into_iter().find(kept).unwrap_or(1000.0);
        }
        let mut highest: Vec<f64> = null.iter().map(|year| self.run(year, f64::INFINITY).0).collect();
        highest.sort_by(f64::total_cmp);
        highest[((1.0 - ALPHA) * null.len() as f64) as usize]
    }
}

/// Mean delay of each method; prints a row of the table for each.
fn compare(watch: Watch, methods: &[Method], null_runs: u64, change_runs: u64) -> Vec<f64> {
    let mut found = Vec::new();
    for &method in methods {
        let mut seed = rng(1_007);
        let null_runs = if method.is_e_process() { 0 } else { null_runs };
        let null: Vec<Rows> = (0..null_runs).map(|_| Rows::unchanged(watch, &mut seed)).collect();
        let limit = method.tune(&null);
        let mut seed = rng(1_008);
        let (mut delays, mut early) = (Vec::new(), 0);
        for _ in 0..change_runs {
            let rows = Rows::changed(watch, &mut seed);
            match method.run(&rows, limit).1 {
                Some(at) if at <= watch.change => early += 1,
                at => delays.push(at.map_or(watch.followed, |at| at - watch.change) as f64),
            }
        }
        delays.sort_by(f64::total_cmp);
        let at = |share: f64| delays[(share * (delays.len() - 1) as f64) as usize];
        println!(
            "| {} | {} to {} | {} | {limit:.3} | {early} | {:.0} | {:.0} | {:.0} |",
            watch.reference,
            watch.share,
            watch.after,
            method.name(),
            mean(&delays),
            at(0.5),
            at(0.9)
        );
        found.push(mean(&delays));
    }
    found
}

const HEAD: &str = "| reference | share | method | limit | alarms before | mean delay, rows | median | 90 % |\n|---|---|---|---|---|---|---|---|";

const LONG: [Method; 4] = [Method::PageHinkley, Method::PageHinkleyTold, Method::Ddm, Method::Cusum];

/// The share of errors rises from .10 on the 60th day of 100 labels each.
#[test]
fn a_fall_of_accuracy_is_seen_about_as_soon_as_by_tuned_detectors() {
    let mut watch =
        Watch { share: 0.1, after: 0.15, reference: 5_000, year: 36_500, change: 6_000, followed: 6_000, look: 25 };
    println!("{HEAD}");
    if at_length() {
        for reference in [1_000, 5_000, 20_000] {
            for after in [0.12, 0.15, 0.2] {
                watch = Watch { reference, after, ..watch };
                compare(watch, &[&[Method::Accuracy, Method::Floor, Method::Adwin], &LONG[..]].concat(), 300, 200);
            }
        }
    } else {
        watch = Watch { change: 3_000, followed: 2_000, look: 100, ..watch };
        let found = compare(watch, &[Method::Accuracy, Method::Adwin], 0, 5);
        // a small sample: the table has the figures
        assert!(found[0] < 1.6 * found[1], "{found:?}");
    }
}

/// A code of 1 % of 200 rows a day doubles, or less, or more.
#[test]
fn a_rise_of_one_code_is_seen_about_as_soon_as_by_tuned_detectors() {
    let mut watch =
        Watch { share: 0.01, after: 0.02, reference: 20_000, year: 73_000, change: 12_000, followed: 20_000, look: 50 };
    println!("{HEAD}");
    let ours = [Method::Share(Direction::Risen), Method::Share(Direction::Either), Method::Adwin];
    if at_length() {
        for reference in [5_000, 20_000, 100_000] {
            for after in [0.015, 0.02, 0.05] {
                watch = Watch { reference, after, ..watch };
                compare(watch, &[&ours[..], &LONG[..]].concat(), 200, 200);
            }
        }
    } else {
        watch = Watch { followed: 6_000, look: 200, ..watch };
        let found = compare(watch, &ours, 0, 4);
        assert!(found[0] < 1.6 * found[2], "{found:?}");
    }
}
