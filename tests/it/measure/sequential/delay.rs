//! How soon is a change seen, beside the classical detectors tuned to the same rate of false alarms?

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vigie::measure::detector::{Cusum, PageHinkley, adwin, page_hinkley};
use vigie::measure::sequential::{
    Direction,
    accuracy::{LabelCell, floor},
    accuracy_change::accuracy_changed,
    share::{Count, errors_risen, share_changed},
    threshold,
};

use super::stream::{at_length, drift_detection, mean, rising_windows, rng, runs};

/// False alarms in a year.
const ALPHA: f64 = 0.05;

/// What the e-processes turn out to have in a year: that ADWIN is tuned to as well.
const REALISED: f64 = 0.02;

/// `1/δ` of ADWIN as the long run tunes it for errors.
const FROM_THE_TABLE: f64 = 50.0;

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

    /// Of so many rows after the reference.
    fn looks(&self, rows: usize) -> Vec<Count> {
        let after = &self.hits[self.watch.reference..];
        after[..rows.min(after.len())].chunks(self.watch.look).map(count).collect()
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
                break;
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
    Errors,
    /// At the limit that as many years without change exceed as those of the others.
    ErrorsTuned,
    Weighted,
    WeightedTuned,
    Share(Direction),
    ShareTuned,
    Cusum,
    PageHinkley,
    PageHinkleyTold,
    Ddm,
    Adwin,
    AdwinRare,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Floor => "e-process, the floor is known",
            Self::Errors => "e-process of errors, against the reference",
            Self::ErrorsTuned => "e-process of errors, tuned",
            Self::Weighted => "e-process for weighted labels, against the reference",
            Self::WeightedTuned => "e-process for weighted labels, tuned",
            Self::ShareTuned => "e-process of a share, risen, tuned",
            Self::Share(Direction::Risen) => "e-process of a share, risen",
            Self::Share(_) => "e-process of a share, either way",
            Self::Cusum => "CUSUM told both shares",
            Self::PageHinkley => "Page-Hinkley, δ .005, α .9999",
            Self::PageHinkleyTold => "Page-Hinkley told half the change, α 1",
            Self::Ddm => "DDM",
            Self::Adwin => "ADWIN",
            Self::AdwinRare => "ADWIN at the rate of the e-process",
        }
    }

    /// It knows the size of the change.
    fn is_told(self) -> bool {
        matches!(self, Self::Cusum | Self::PageHinkleyTold)
    }

    /// It keeps its promise without being tuned.
    fn promises(self) -> bool {
        matches!(self, Self::Floor | Self::Errors | Self::Weighted | Self::Share(_))
    }

    fn is_e_process(self) -> bool {
        self.promises() || matches!(self, Self::ErrorsTuned | Self::WeightedTuned | Self::ShareTuned)
    }

    /// `ln E` at the looks of so many rows after the reference.
    fn log_e(self, rows: &Rows, upto: usize) -> Vec<f64> {
        let horizon = rows.watch.year as f64 / 3.0 / rows.watch.look as f64;
        let cells = || rows.looks(upto).into_iter().map(labels).collect::<Vec<_>>();
        match self {
            Self::Floor => {
                floor(&cells(), 1.0 - rows.watch.share, 1.0, horizon, Direction::Fallen).expect("sound cells")
            }
            Self::Errors | Self::ErrorsTuned => errors_risen(rows.reference(), &rows.looks(upto), horizon),
            Self::Share(direction) => share_changed(rows.reference(), &rows.looks(upto), horizon, direction),
            Self::ShareTuned => share_changed(rows.reference(), &rows.looks(upto), horizon, Direction::Risen),
            _ => accuracy_changed(&labels(rows.reference()), &cells(), 1.0, horizon, Direction::Fallen)
                .expect("sound cells"),
        }
    }

    /// Highest statistic, and first row above `limit`.
    fn run(self, rows: &Rows, limit: f64) -> (f64, Option<usize>) {
        if self.is_e_process() {
            // most have long rung by a tenth of what is followed
            let tries = [rows.watch.change + rows.watch.followed / 10, usize::MAX];
            let ring = |upto| self.log_e(rows, upto).iter().position(|&e| e >= limit);
            return (limit, tries.into_iter().find_map(ring).map(|at| (at + 1) * rows.watch.look));
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
                let mut test = drift_detection();
                rows.follow(|_, hit| test(hit), limit)
            }
            Self::Adwin | Self::AdwinRare => {
                // tuned by its δ, here 1/limit; a window cut after a fall of the share is no alarm
                let mut windows = rising_windows(adwin::Settings { delta: 1.0 / limit, ..Default::default() });
                rows.follow(|_, hit| windows(hit), limit)
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
        if self.promises() {
            return threshold(ALPHA);
        }
        if null.is_empty() {
            return FROM_THE_TABLE;
        }
        if matches!(self, Self::Adwin | Self::AdwinRare) {
            let rate = if self == Self::Adwin { ALPHA } else { REALISED };
            let kept = |limit| {
                let alarms = null.iter().filter(|year| self.run(year, limit).1.is_some()).count() as f64;
                alarms <= rate * null.len() as f64
            };
            // between no guarantee at all and far too much of it
            let (mut low, mut high) = (0.5_f64, 4_000.0_f64);
            for _ in 0..8 {
                let middle = (low * high).sqrt();
                if kept(middle) { high = middle } else { low = middle }
            }
            return high;
        }
        let highest = |year: &Rows| match self.is_e_process() {
            true => self.log_e(year, usize::MAX).into_iter().fold(0.0, f64::max),
            false => self.run(year, f64::INFINITY).0,
        };
        let mut highest: Vec<f64> = null.iter().map(highest).collect();
        highest.sort_by(f64::total_cmp);
        highest[((1.0 - ALPHA) * null.len() as f64) as usize]
    }
}

/// Mean delay of each method, by change; prints a row of the table for each.
fn compare(watch: Watch, afters: &[f64], methods: &[Method], null_runs: u64, change_runs: u64) -> Vec<Vec<f64>> {
    let mut found = vec![Vec::new(); afters.len()];
    for &method in methods {
        let mut seed = rng(1_007);
        let null_runs = if method.promises() { 0 } else { null_runs };
        let mut null: Vec<Rows> = (0..null_runs).map(|_| Rows::unchanged(watch, &mut seed)).collect();
        let mut tuned = None;
        for (&after, found) in afters.iter().zip(&mut found) {
            let watch = Watch { after, ..watch };
            null.iter_mut().for_each(|rows| rows.watch = watch);
            let limit = tuned.filter(|_| !method.is_told()).unwrap_or_else(|| method.tune(&null));
            tuned = Some(limit);
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
            let never = delays.iter().filter(|&&delay| delay >= watch.followed as f64).count();
            println!(
                "| {} | {} to {after} | {} | {limit:.3} | {early} | {:.0} | {:.0} | {:.0} | {never} |",
                watch.reference,
                watch.share,
                method.name(),
                mean(&delays),
                at(0.5),
                at(0.9)
            );
            found.push(mean(&delays));
        }
    }
    found
}

const HEAD: &str = "| reference | share | method | limit | alarms before | mean delay, rows | median | 90 % | not within what was followed |\n|---|---|---|---|---|---|---|---|---|";

const OTHERS: [Method; 6] =
    [Method::Adwin, Method::AdwinRare, Method::PageHinkley, Method::PageHinkleyTold, Method::Ddm, Method::Cusum];

/// The share of errors rises from .10 on the 60th day of 100 labels each. Rows are followed for long, so that means are
/// those of all runs.
#[test]
fn a_fall_of_accuracy_is_seen_about_as_soon_as_by_tuned_detectors() {
    let mut watch =
        Watch { share: 0.1, after: 0.15, reference: 5_000, year: 36_500, change: 6_000, followed: 60_000, look: 25 };
    println!("{HEAD}");
    if at_length() {
        let methods = [&[Method::Errors, Method::ErrorsTuned, Method::Floor], &OTHERS[..]].concat();
        for reference in [1_000, 5_000, 20_000] {
            watch = Watch { reference, ..watch };
            compare(watch, &[0.12, 0.15, 0.2], &methods, 400, 400);
            let weighted = [Method::Weighted, Method::WeightedTuned];
            compare(Watch { followed: 6_000, ..watch }, &[0.15, 0.2], &weighted, 100, 100);
        }
    } else {
        watch = Watch { change: 3_000, followed: 3_000, look: 100, ..watch };
        let found = compare(watch, &[0.15], &[Method::Errors, Method::Weighted, Method::Adwin], 0, 5);
        // a small sample: the table has the figures
        assert!(found[0][..2].iter().all(|&mean| mean < 1.6 * found[0][2]), "{found:?}");
    }
}

/// A code of 1 % of 200 rows a day doubles, or less, or more.
#[test]
fn a_rise_of_one_code_is_seen_about_as_soon_as_by_tuned_detectors() {
    let mut watch =
        Watch { share: 0.01, after: 0.02, reference: 20_000, year: 73_000, change: 12_000, followed: 60_000, look: 25 };
    println!("{HEAD}");
    let ours = [Method::Share(Direction::Risen), Method::Share(Direction::Either)];
    if at_length() {
        for reference in [5_000, 100_000] {
            watch = Watch { reference, ..watch };
            let methods = [&ours[..], &[Method::ShareTuned], &OTHERS[..]].concat();
            compare(watch, &[0.015, 0.02, 0.05], &methods, 300, 300);
        }
    } else {
        watch = Watch { followed: 6_000, look: 200, ..watch };
        let found = compare(watch, &[0.02], &[&ours[..], &[Method::Adwin]].concat(), 0, 4);
        assert!(found[0][0] < 1.6 * found[0][2], "{found:?}");
    }
}

/// How often the e-process of errors rings in a year without change: what ADWIN is tuned to besides.
#[test]
fn errors_that_have_not_changed_ring_less_often_than_promised() {
    let year = if at_length() { 36_500 } else { 3_000 };
    for reference in [1_000, 5_000] {
        let watch = Watch { share: 0.1, after: 0.1, reference, year, change: 0, followed: 0, look: 25 };
        let mut seed = rng(1_009);
        let runs = runs(10, 400);
        let rings = |_: &u64| {
            let rows = Rows::unchanged(watch, &mut seed);
            Method::Errors.log_e(&rows, year).iter().any(|&e| e >= threshold(ALPHA))
        };
        let share = (0..runs).filter(rings).count() as f64 / runs as f64;
        println!("| errors .10, reference {reference} | {runs} | {share:.3} |");
        assert!(share <= ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / runs as f64).sqrt());
    }
}
