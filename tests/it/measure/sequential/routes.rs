//! Labels of two routes that are reviewed at different rates: accuracy of one falls by five points.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vigie::{
    decide::rings,
    measure::{
        detector::adwin,
        sequential::{
            Direction,
            accuracy::LabelCell,
            accuracy_change::accuracy_changed_by_look,
            share::{Count, share_changed_by_look},
            start::Starts,
        },
    },
};

use super::stream::{Statistic, at_length, drift_detection, hinkley, lowest_level, mean, rising_windows, rng, runs};

const ALPHA: f64 = 0.05;

/// Automatic and manual, as everywhere in docs/statistics.md: share of rows, chance of review, accuracy.
const ROUTES: [(f64, f64, f64); 2] = [(0.72, 0.05, 0.95), (0.28, 0.6, 0.34)];

/// Looks of a day; rows of all routes between two looks.
const LOOKS: usize = 4;
const ROWS: usize = 250;

/// A labelled row: its route, and whether it is wrong.
type Label = (usize, bool);

struct Labels {
    reference: Vec<Label>,
    looks: Vec<Vec<Label>>,
}

impl Labels {
    fn draw(rng: &mut ChaCha8Rng, looks: usize, change: usize, fall: [f64; 2]) -> Self {
        let rows = |rng: &mut ChaCha8Rng, n: usize, fall: [f64; 2]| {
            let mut labels = Vec::new();
            for _ in 0..n {
                let route = usize::from(!rng.random_bool(ROUTES[0].0));
                let (_, reviewed, accuracy) = ROUTES[route];
                if rng.random_bool(reviewed) {
                    labels.push((route, !rng.random_bool(accuracy - fall[route])));
                }
            }
            labels
        };
        // thirty days
        let reference = rows(rng, 30 * LOOKS * ROWS, [0.0; 2]);
        let looks = (0..looks).map(|look| rows(rng, ROWS, if look < change { [0.0; 2] } else { fall })).collect();
        Self { reference, looks }
    }

    fn count(labels: &[Label], route: usize) -> Count {
        let of = labels.iter().filter(|label| label.0 == route);
        Count::new(of.clone().filter(|label| label.1).count() as u64, of.count() as u64)
    }

    fn cells(labels: &[Label]) -> Vec<LabelCell> {
        let cell = |route: usize| {
            let count = Self::count(labels, route);
            LabelCell { weight: 1.0 / ROUTES[route].1, right: count.rows - count.of, wrong: count.of }
        };
        (0..ROUTES.len()).map(cell).collect()
    }

    /// All rows by their weights, automatic and manual rows each by their own errors: rung together, as the product does.
    fn series(&self) -> Vec<Vec<f64>> {
        let starts = Starts { horizon: 120.0, looks: LOOKS };
        let all: Vec<Vec<LabelCell>> = self.looks.iter().map(|labels| Self::cells(labels)).collect();
        let reference = Self::cells(&self.reference);
        let found = accuracy_changed_by_look(&reference, &all, 20.0, starts, Direction::Fallen).expect("sound cells");
        let mut series = vec![found];
        for route in 0..ROUTES.len() {
            let counts: Vec<Count> = self.looks.iter().map(|labels| Self::count(labels, route)).collect();
            let reference = Self::count(&self.reference, route);
            series.push(share_changed_by_look(reference, &counts, starts, Direction::Risen));
        }
        series
    }

    /// The highest of a detector's statistics, and the first look by whose end one was above `limit`. Each route has its
    /// own detector, or all labels one.
    fn follow(&self, apart: bool, limit: f64, start: &dyn Fn() -> Statistic) -> (f64, Option<usize>) {
        let mut each: Vec<_> = ROUTES.iter().map(|_| start()).collect();
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

/// `1/δ` is its limit.
fn windows(limit: f64) -> Statistic {
    rising_windows(adwin::Settings { delta: 1.0 / limit, ..Default::default() })
}

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Rings,
    /// At the level that rings in as many years without change as the limits of the others.
    RingsTuned,
    Adwin {
        apart: bool,
    },
    Hinkley {
        apart: bool,
    },
    Ddm {
        apart: bool,
    },
}

impl Method {
    fn name(self) -> String {
        let of = |apart| if apart { "each route, one limit" } else { "all labels" };
        match self {
            Self::Rings => "e-BH over all (weighted), automatic, manual".to_owned(),
            Self::RingsTuned => "the same, tuned".to_owned(),
            Self::Adwin { apart } => format!("ADWIN, {}", of(apart)),
            Self::Hinkley { apart } => format!("Page-Hinkley, {}", of(apart)),
            Self::Ddm { apart } => format!("DDM, {}", of(apart)),
        }
    }

    fn first(self, labels: &Labels, limit: f64) -> (f64, Option<usize>) {
        match self {
            Self::Rings | Self::RingsTuned => {
                let rung = rings(&labels.series(), limit);
                (0.0, rung.into_iter().flatten().map(|ring| ring.first).min())
            }
            Self::Adwin { apart } => labels.follow(apart, 1.0, &|| windows(limit)),
            Self::Hinkley { apart } => labels.follow(apart, limit, &hinkley),
            Self::Ddm { apart } => labels.follow(apart, limit, &drift_detection),
        }
    }

    /// The limit that a share `ALPHA` of years without change exceeds.
    fn tune(self, null: &[Labels]) -> f64 {
        match self {
            Self::Rings => ALPHA,
            Self::RingsTuned => {
                let mut levels: Vec<f64> = null.iter().map(|year| lowest_level(&year.series())).collect();
                levels.sort_by(f64::total_cmp);
                // so many years ring
                levels[(ALPHA * null.len() as f64) as usize - 1]
            }
            Self::Adwin { .. } => {
                let (mut low, mut high) = (0.5_f64, 4_000.0_f64);
                for _ in 0..8 {
                    let middle = (low * high).sqrt();
                    let alarms = null.iter().filter(|year| self.first(year, middle).1.is_some()).count() as f64;
                    if alarms <= ALPHA * null.len() as f64 { high = middle } else { low = middle }
                }
                high
            }
            _ => {
                let mut highest: Vec<f64> = null.iter().map(|year| self.first(year, f64::INFINITY).0).collect();
                highest.sort_by(f64::total_cmp);
                highest[((1.0 - ALPHA) * null.len() as f64) as usize]
            }
        }
    }
}

#[test]
fn a_route_that_falls_is_seen_through_labels_of_unequal_weight() {
    let (year, change, followed) = if at_length() { (365, 60, 300) } else { (40, 20, 40) };
    let mut seed = rng(61);
    let null: Vec<Labels> =
        (0..runs(6, 200)).map(|_| Labels::draw(&mut seed, year * LOOKS, usize::MAX, [0.0; 2])).collect();
    let mut methods = vec![Method::Rings, Method::Adwin { apart: false }];
    if at_length() {
        methods.extend([Method::RingsTuned, Method::Adwin { apart: true }]);
        for apart in [false, true] {
            methods.extend([Method::Hinkley { apart }, Method::Ddm { apart }]);
        }
    }
    println!(
        "| falls | method | limit | years without change that ring | mean days | median | 90 % | mean labels | not found | before |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for &method in &methods {
        let limit = method.tune(&null);
        let false_alarms = null.iter().filter(|year| method.first(year, limit).1.is_some()).count();
        for (name, fall) in [("automatic", [0.05, 0.0]), ("manual", [0.0, 0.05]), ("both", [0.05, 0.05])] {
            let mut seed = rng(62);
            let (mut days, mut rows, mut early, mut missed) = (Vec::new(), Vec::new(), 0, 0);
            for _ in 0..runs(2, 100) {
                let labels = Labels::draw(&mut seed, (change + followed) * LOOKS, change * LOOKS, fall);
                let first = method.first(&labels, limit).1;
                if first.is_some_and(|look| look < change * LOOKS) {
                    early += 1;
                    continue;
                }
                missed += usize::from(first.is_none());
                let end = first.map_or(labels.looks.len(), |look| look + 1);
                days.push((end - change * LOOKS) as f64 / LOOKS as f64);
                rows.push(labels.looks[change * LOOKS..end].iter().map(Vec::len).sum::<usize>() as f64);
            }
            days.sort_by(f64::total_cmp);
            println!(
                "| {name} | {} | {limit:.3} | {:.3} | {:.1} | {:.1} | {:.1} | {:.0} | {missed} | {early} |",
                method.name(),
                false_alarms as f64 / null.len() as f64,
                mean(&days),
                days.get(days.len() / 2).unwrap_or(&f64::NAN),
                days.get(days.len() * 9 / 10).unwrap_or(&f64::NAN),
                mean(&rows)
            );
            if method == Method::Rings && name == "both" {
                assert!(missed == 0, "not seen");
            }
        }
    }
}
