//! A year of looks in which nothing changes: how often does anything alarm?

use rand::Rng;
use vigie::measure::detector::{Adwin, Ddm, PageHinkley, State};
use vigie::measure::sequential::{
    Direction,
    accuracy::{LabelCell, confidence_sequence, floor},
    accuracy_change::accuracy_changed_by_look,
    distribution::{codes, universal},
    e_bh, mean,
    share::{Count, share_changed, share_changed_by_look},
    start::Starts,
    threshold,
};

use super::stream::{at_length, binomial, multinomial, rng, runs, zipf};

const LEVELS: [f64; 2] = [0.05, 0.2];

/// Runs in which something ever alarmed, at each level.
#[derive(Default)]
struct Alarms {
    runs: u64,
    ever: [u64; 2],
}

impl Alarms {
    fn add(&mut self, highest: f64) {
        self.add_where(|alpha| highest >= threshold(alpha));
    }

    fn add_where(&mut self, alarmed: impl Fn(f64) -> bool) {
        self.runs += 1;
        for (ever, alpha) in self.ever.iter_mut().zip(LEVELS) {
            *ever += u64::from(alarmed(alpha));
        }
    }

    /// Not more than the level allows, by three standard deviations.
    fn check(&self, name: &str) {
        let share = self.ever.map(|ever| ever as f64 / self.runs as f64);
        println!("| {name} | {} | {:.3} | {:.3} |", self.runs, share[0], share[1]);
        for (share, alpha) in share.into_iter().zip(LEVELS) {
            let noise = (alpha * (1.0 - alpha) / self.runs as f64).sqrt();
            assert!(share <= alpha + 3.0 * noise, "{name}: {share} at {alpha}");
        }
    }
}

fn highest(log_e: &[f64]) -> f64 {
    log_e.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Hours of a year at length, days of a quarter otherwise; rows of one look.
fn looks() -> (usize, u64, f64) {
    if at_length() { (8_760, 10, 120.0 * 24.0) } else { (40, 100, 120.0) }
}

/// Two routes, as everywhere in docs/statistics.md: 72 % automatic, accuracy .95, reviewed at .05; 28 % manual, accuracy
/// .34, reviewed at .6.
#[test]
fn a_year_of_looks_at_an_unchanged_accuracy() {
    let (looks, rows, horizon) = looks();
    let routes = [(0.05, 0.95, 0.72), (0.6, 0.34, 0.28)];
    let truth: f64 = routes.iter().map(|(_, accuracy, share)| accuracy * share).sum();
    let mut rng = rng(21);
    let (mut at_floor, mut against, mut never_left) = (Alarms::default(), Alarms::default(), Alarms::default());
    for _ in 0..runs(16, 400) {
        let draw = |rng: &mut _, rows: u64| {
            let in_first = binomial(rng, rows, routes[0].2);
            let cell = |rng: &mut _, n, (pi, accuracy, _): (f64, f64, f64)| {
                let reviewed = binomial(rng, n, pi);
                let right = binomial(rng, reviewed, accuracy);
                LabelCell { weight: 1.0 / pi, right, wrong: reviewed - right }
            };
            vec![cell(rng, in_first, routes[0]), cell(rng, rows - in_first, routes[1])]
        };
        let reference = draw(&mut rng, 5_000);
        let periods: Vec<_> = (0..looks).map(|_| draw(&mut rng, rows)).collect();
        at_floor.add(highest(&floor(&periods, truth, 20.0, horizon, Direction::Fallen).unwrap()));
        // hours within days, or days
        let starts = Starts { horizon: 120.0, looks: if at_length() { 24 } else { 1 } };
        let log_e = accuracy_changed_by_look(&reference, &periods, 20.0, starts, Direction::Either).unwrap();
        against.add(highest(&log_e));
        let days: Vec<Vec<LabelCell>> =
            if at_length() { periods.chunks(24).map(sum).collect() } else { periods.clone() };
        let mut sofar: Vec<LabelCell> = Vec::new();
        let mut left = [false; 2];
        for day in days {
            sofar = sum(&[sofar, day]);
            for (left, alpha) in left.iter_mut().zip(LEVELS) {
                let found = confidence_sequence(&sofar, 20.0, 1.0 - alpha).unwrap();
                *left |= !(found.lower.unwrap()..=found.upper.unwrap()).contains(&truth);
            }
        }
        never_left.add_where(|alpha| left[usize::from(alpha == LEVELS[1])]);
    }
    at_floor.check("accuracy at the floor, weighted labels");
    against.check("accuracy against a reference, at each hour the full days and today so far");
    never_left.check("confidence sequence ever without the truth, daily");
}

/// Cells of the same weight added up.
fn sum(days: &[Vec<LabelCell>]) -> Vec<LabelCell> {
    let mut all: Vec<LabelCell> = Vec::new();
    for cell in days.iter().flatten() {
        match all.iter_mut().find(|sum| sum.weight == cell.weight) {
            Some(sum) => {
                sum.right += cell.right;
                sum.wrong += cell.wrong;
            }
            None => all.push(*cell),
        }
    }
    all
}

#[test]
fn a_year_of_looks_at_an_unchanged_share() {
    let (looks, rows, horizon) = looks();
    for (share, n) in [(0.0005, 5_000), (0.01, 5_000), (0.01, 100_000)] {
        let mut rng = rng(22);
        let mut alarms = Alarms::default();
        for _ in 0..runs(20, 200) {
            let reference = Count::new(binomial(&mut rng, n, share), n);
            let periods: Vec<Count> = (0..looks).map(|_| Count::new(binomial(&mut rng, rows, share), rows)).collect();
            alarms.add(highest(&share_changed(reference, &periods, horizon, Direction::Either)));
        }
        alarms.check(&format!("share {share}, reference {n}"));
    }
}

/// 732 codes by Zipf's law: any discovery is a false one.
#[test]
fn a_year_of_looks_at_732_unchanged_codes() {
    let (k, days) = if at_length() { (732, 365) } else { (30, 10) };
    let shares = zipf(k);
    let mut rng = rng(23);
    let (mut by_e_bh, mut by_mean, mut by_universal) = (Alarms::default(), Alarms::default(), Alarms::default());
    for _ in 0..runs(6, 60) {
        let reference = multinomial(&mut rng, 20_000, &shares);
        let periods: Vec<Vec<u64>> = (0..days).map(|_| multinomial(&mut rng, 1_000, &shares)).collect();
        let logs = codes(&reference, &periods, 120.0, Direction::Either);
        let each: Vec<Vec<f64>> = (0..days).map(|day| logs.iter().map(|code| code[day]).collect()).collect();
        by_e_bh.add_where(|alpha| each.iter().any(|day| e_bh(day, alpha).iter().any(|found| found.discovery)));
        by_mean.add(highest(&each.iter().map(|day| mean(day).unwrap()).collect::<Vec<_>>()));
        by_universal.add(highest(&universal(&reference, &periods)));
    }
    by_e_bh.check(&format!("e-BH over {k} codes, daily"));
    by_mean.check(&format!("whole distribution, mean over {k} codes, daily"));
    by_universal.check(&format!("whole distribution, universal inference over {k} codes, daily"));
}

/// The same at each hour: the full days and today so far, as one who looks every hour sees it. Starts are those of days.
#[test]
fn a_year_of_hours_at_732_unchanged_codes() {
    let (k, days, hours) = if at_length() { (732, 365, 24) } else { (20, 6, 4) };
    let rows_of_an_hour = 1_000 / hours as u64;
    let shares = zipf(k);
    let mut rng = rng(25);
    let mut by_e_bh = Alarms::default();
    // a run takes most of a minute at length
    for _ in 0..runs(4, 20) {
        let reference = multinomial(&mut rng, 20_000, &shares);
        let looks: Vec<Vec<u64>> = (0..days * hours).map(|_| multinomial(&mut rng, rows_of_an_hour, &shares)).collect();
        let starts = Starts { horizon: 120.0, looks: hours };
        let code = |i: usize| {
            let counts: Vec<Count> = looks.iter().map(|look| Count::new(look[i], rows_of_an_hour)).collect();
            share_changed_by_look(Count::new(reference[i], 20_000), &counts, starts, Direction::Either)
        };
        let logs: Vec<Vec<f64>> = (0..k).map(code).collect();
        let mut lowest = f64::INFINITY;
        for look in 0..looks.len() {
            let now: Vec<f64> = logs.iter().map(|code| code[look]).collect();
            lowest = e_bh(&now, 1.0).iter().fold(lowest, |lowest, found| lowest.min(found.adjusted));
        }
        println!("the lowest level at which any code rang: {lowest:.4}");
        by_e_bh.add_where(|alpha| lowest <= alpha);
    }
    by_e_bh.check(&format!("e-BH over {k} codes, at each hour the full days and today so far"));
}

/// The classical detectors with the defaults of their libraries on the same kinds of streams: they promise nothing, so
/// nothing is asserted but that DDM alarms, which is the point.
#[test]
fn a_year_of_looks_by_the_classical_detectors() {
    let year = if at_length() { 87_600 } else { 9_000 };
    for (name, p) in [("errors .10", 0.1), ("a code of .01", 0.01), ("a code of .0005", 0.0005)] {
        let mut rng = rng(24);
        let (mut ddm, mut hinkley, mut adwin) = (0, 0, 0);
        let runs = runs(20, 200);
        for _ in 0..runs {
            let (mut d, mut h, mut a) = (Ddm::default(), PageHinkley::default(), Adwin::default());
            let mut alarmed = [false; 3];
            for _ in 0..year {
                let hit = rng.random_bool(p);
                let x = f64::from(u8::from(hit));
                let states = [d.update(hit), h.update(x), a.update(x)];
                alarmed.iter_mut().zip(states).for_each(|(alarmed, state)| *alarmed |= state == State::Drift);
            }
            ddm += u64::from(alarmed[0]);
            hinkley += u64::from(alarmed[1]);
            adwin += u64::from(alarmed[2]);
        }
        let share = |alarms: u64| alarms as f64 / runs as f64;
        println!("| {name} | DDM {:.3} | Page-Hinkley {:.3} | ADWIN {:.3} |", share(ddm), share(hinkley), share(adwin));
        assert!(share(ddm) > 0.2, "{name}");
    }
}
