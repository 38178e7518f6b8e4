//! Bets on a share, placed on a lattice of angles `asin √p`, so that one table per period serves all nulls.

use std::f64::consts::FRAC_PI_2;

use super::{Direction, share::Count};

/// Width of the lattice in standard errors of the reference.
const STEP: f64 = 0.4;

/// How many steps the reference may be from the null, on the other side of it than the current share, and the stakes on
/// that.
const SHIFTS: [(usize, f64); 4] = [(0, 0.2), (2, 0.42), (4, 0.28), (8, 0.1)];

/// How many steps the current share may be from the null: about `3 · 1.7^k`, so that no change is far from one of them.
const MOVES: [usize; 9] = [3, 5, 9, 15, 25, 43, 73, 123, 209];

/// Part of the stake that is the same on every move.
const EVEN: f64 = 0.2;

/// Exponents up to this stay well within the range of a double.
const LARGE: f64 = 300.0;

/// A share to bet on, by what a row that is, or is not, of the category gives against another share.
#[derive(Clone, Copy)]
struct Bet {
    of: f64,
    other: f64,
}

impl Bet {
    fn new(phi: f64, null: f64) -> Self {
        let (p, null) = (share_at(phi), share_at(null));
        Self { of: (p / null).ln(), other: ((1.0 - p) / (1.0 - null)).ln() }
    }

    fn gain(self, count: Count) -> f64 {
        count.of as f64 * self.of + (count.rows - count.of) as f64 * self.other
    }
}

/// All nulls that the reference does not exclude, and the bets against them.
pub(super) struct Lattice {
    cells: Vec<Cell>,
    /// Places that anything is bet on, and what a row gives there.
    bets: Vec<Bet>,
    logs: Vec<f64>,
    factors: Vec<f64>,
    all: Count,
}

impl Lattice {
    /// Cells over the angles of `from` to `to`. Where they lie is for the rows of the reference alone to decide: bets on
    /// the reference must not depend on its counts.
    pub(super) fn new(reference: Count, (from, to): (f64, f64), direction: Direction) -> Self {
        let width = STEP * 0.5 / (reference.rows as f64).sqrt();
        let last = ((FRAC_PI_2 / width).ceil() as usize).saturating_sub(1);
        let first = ((from / width).floor() as usize).min(last);
        let end = ((to / width).ceil() as usize).clamp(first + 1, last + 1);
        let mut places = Places { width, last, used: Vec::new() };
        let mut cells: Vec<Cell> = (first..end).map(|at| Cell::new(at, &mut places, reference, direction)).collect();
        let mut used = std::mem::take(&mut places.used);
        used.sort_unstable();
        used.dedup();
        for cell in &mut cells {
            cell.look_up(&used);
        }
        let middle = places.angle(usize::midpoint(first, end - 1));
        let bets: Vec<Bet> = used.iter().map(|&at| Bet::new(places.angle(at), middle)).collect();
        let (logs, factors) = (vec![0.0; bets.len()], vec![0.0; bets.len()]);
        Self { cells, bets, logs, factors, all: reference }
    }

    /// One more period: the stake on a change that begins with it, the stake still left on later ones, and the lowest
    /// `ln E` of all nulls.
    pub(super) fn step(&mut self, period: Count, start: f64, left: f64) -> f64 {
        self.all = Count { of: self.all.of.saturating_add(period.of), rows: self.all.rows.saturating_add(period.rows) };
        let mut largest = 0.0_f64;
        for ((log, factor), bet) in self.logs.iter_mut().zip(&mut self.factors).zip(&self.bets) {
            *log = bet.gain(period);
            *factor = log.exp();
            largest = largest.max(log.abs());
        }
        for cell in &mut self.cells {
            cell.place(start);
            if largest <= LARGE {
                cell.multiply(&self.factors);
            } else {
                cell.add(&self.logs);
            }
        }
        self.logs_of_cells(left).fold(f64::INFINITY, f64::min)
    }

    fn logs_of_cells(&self, left: f64) -> impl Iterator<Item = f64> {
        self.cells.iter().map(move |cell| cell.log(left, self.all))
    }
}

/// The lattice, and which of its places are used.
struct Places {
    width: f64,
    last: usize,
    used: Vec<usize>,
}

impl Places {
    /// The middle of a cell.
    fn angle(&self, at: usize) -> f64 {
        (at as f64 + 0.5) * self.width
    }

    fn use_at(&mut self, at: usize) -> usize {
        self.used.push(at);
        at
    }

    fn beside(&self, at: usize, steps: usize, up: bool) -> usize {
        if up { (at + steps).min(self.last) } else { at.saturating_sub(steps) }
    }

    /// Where to bet on a move. Far ones are on a coarser lattice, so that neighbouring nulls share them.
    fn moved(&self, at: usize, steps: usize, up: bool) -> usize {
        let grain = 1 << (steps / 8).max(1).ilog2();
        let exact = self.beside(at, steps, up);
        if exact == 0 || exact == self.last { exact } else { (exact / grain * grain + grain / 2).min(self.last) }
    }
}

/// One bet within the mixture: its place, what is staked on it, and what that has become.
struct Running {
    place: usize,
    stake: f64,
    value: f64,
}

/// Bets on one side of a null: the reference is on the other side of it, or as it says.
struct Side {
    before: Vec<Running>,
    after: Vec<Running>,
}

/// Nulls with the same bets.
struct Cell {
    null: usize,
    sides: Vec<Side>,
    /// All values are to be multiplied by `exp(scale)`.
    scale: f64,
    /// Its two ends against its middle.
    low: (f64, Bet),
    high: (f64, Bet),
    middle: f64,
}

impl Cell {
    fn new(at: usize, places: &mut Places, reference: Count, direction: Direction) -> Self {
        let null = places.angle(at);
        let sides = [true, false].into_iter().zip(direction.stakes()).filter(|&(_, stake)| stake > 0.0);
        let sides = sides.map(|(up, stake)| Side::new(at, places, reference, up, stake)).collect();
        let end = |at: usize| at as f64 * places.width;
        let ends = [end(at), end(at + 1)].map(|phi| (share_at(phi), Bet::new(phi, null)));
        let [low, high] = ends;
        Self { null: places.use_at(at), sides, scale: 0.0, low, high, middle: share_at(null) }
    }

    /// From places of the lattice to places of the table.
    fn look_up(&mut self, used: &[usize]) {
        let find = |place: &mut usize| *place = used.binary_search(place).unwrap_or(0);
        find(&mut self.null);
        for running in self.sides.iter_mut().flat_map(|side| side.before.iter_mut().chain(&mut side.after)) {
            find(&mut running.place);
        }
    }

    /// Shiryaev's recursion: `S ← (S + w R) G`, `R ← R F` gives the sum over all starts. This is the first half.
    fn place(&mut self, start: f64) {
        for side in &mut self.sides {
            let fresh = start * side.before.iter().map(|running| running.value).sum::<f64>();
            side.after.iter_mut().for_each(|running| running.value += running.stake * fresh);
        }
    }

    fn running(&mut self) -> impl Iterator<Item = &mut Running> {
        self.sides.iter_mut().flat_map(|side| side.before.iter_mut().chain(&mut side.after))
    }

    fn multiply(&mut self, factors: &[f64]) {
        let factor = |place: usize| factors.get(place).copied().unwrap_or(0.0);
        let inverse = 1.0 / factor(self.null);
        let mut highest = 0.0_f64;
        for running in self.running() {
            running.value *= factor(running.place) * inverse;
            highest = highest.max(running.value);
        }
        if highest > 0.0 && !(1e-60..1e60).contains(&highest) {
            self.scale += highest.ln();
            self.running().for_each(|running| running.value /= highest);
        }
    }

    /// The same for a period so large that factors would leave the range of a double.
    fn add(&mut self, logs: &[f64]) {
        let log = |place: usize| logs.get(place).copied().unwrap_or(0.0);
        let null = log(self.null);
        self.running().for_each(|running| running.value = running.value.ln() + log(running.place) - null);
        let top = self.running().fold(f64::NEG_INFINITY, |top, running| top.max(running.value));
        let base = if top.is_finite() { top } else { 0.0 };
        self.running().for_each(|running| running.value = (running.value - base).exp());
        self.scale += base;
    }

    /// `ln E` of the worst null of the cell: the mixture against the middle, less what the best null has over the middle.
    fn log(&self, left: f64, all: Count) -> f64 {
        self.mixture(left) - self.best(all)
    }

    fn mixture(&self, left: f64) -> f64 {
        let sum = |bets: &[Running]| bets.iter().map(|running| running.value).sum::<f64>();
        let total: f64 = self.sides.iter().map(|side| sum(&side.after) + left * sum(&side.before)).sum();
        self.scale + total.ln()
    }

    fn best(&self, all: Count) -> f64 {
        let share = all.of as f64 / all.rows as f64;
        if share <= self.low.0 {
            self.low.1.gain(all)
        } else if share >= self.high.0 {
            self.high.1.gain(all)
        } else {
            log_ratio(all, share.clamp(self.low.0, self.high.0), self.middle)
        }
    }
}

impl Side {
    fn new(at: usize, places: &mut Places, reference: Count, up: bool, stake: f64) -> Self {
        let null = places.angle(at);
        let mut before = Vec::new();
        for (steps, part) in SHIFTS {
            let place = places.beside(at, steps, !up);
            let value = stake * part * Bet::new(places.angle(place), null).gain(reference).exp();
            before.push(Running { place: places.use_at(place), stake: part, value });
        }
        let mut targets: Vec<usize> = MOVES.iter().map(|&steps| places.moved(at, steps, up)).collect();
        // beyond the end there is only the end
        targets.dedup();
        let far: Vec<f64> = targets.iter().map(|&place| (places.angle(place) - null).abs()).collect();
        let after = targets.into_iter().zip(stakes(&far, null));
        let after = after.map(|(place, stake)| Running { place: places.use_at(place), stake, value: 0.0 }).collect();
        Self { before, after }
    }
}

/// The stakes on moves of these angles: a fifth alike on all, the rest most on those that change the share by a half to
/// threefold, which for a rare code is about 0.4 times its angle.
fn stakes(far: &[f64], null: f64) -> Vec<f64> {
    let likely = |far: &f64| (-0.5 * (far.max(1e-12) / (0.4 * null)).ln().powi(2)).exp().max(1e-9);
    let sum: f64 = far.iter().map(likely).sum();
    let even = EVEN / far.len() as f64;
    far.iter().map(|far| even + (1.0 - EVEN) * likely(far) / sum).collect()
}

/// The share at an angle, kept off 0 and 1 so that every bet can be paid.
pub(super) fn share_at(phi: f64) -> f64 {
    phi.clamp(0.0, FRAC_PI_2).sin().powi(2).clamp(1e-18, 1.0 - 1e-15)
}

/// `ln L_p − ln L_q`
pub(super) fn log_ratio(count: Count, p: f64, q: f64) -> f64 {
    count.of as f64 * (p / q).ln() + (count.rows - count.of) as f64 * ((1.0 - p) / (1.0 - q)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(count: Count, p: f64) -> f64 {
        let (n, k) = (count.rows, count.of);
        let ways: f64 = (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product();
        ways * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
    }

    /// Of each cell, over every outcome of a reference and two periods: the mixture has a mean of exactly 1 under the
    /// middle, and what is left of it a mean of at most 1 under any null of the cell.
    #[test]
    fn every_null_of_a_cell_gives_at_most_one_on_average() {
        let (n, m) = (6, 3);
        let whole = (0.0, FRAC_PI_2);
        for direction in [Direction::Either, Direction::Risen] {
            let mut means = vec![[0.0; 4]; Lattice::new(Count::new(0, n), whole, direction).cells.len()];
            for (a, b, c) in (0..=n).flat_map(|a| (0..=m).flat_map(move |b| (0..=m).map(move |c| (a, b, c)))) {
                let counts = [Count::new(a, n), Count::new(b, m), Count::new(c, m)];
                let mut lattice = Lattice::new(counts[0], whole, direction);
                lattice.step(counts[1], 0.4, 0.6);
                lattice.step(counts[2], 0.5, 0.1);
                for (mean, cell) in means.iter_mut().zip(&lattice.cells) {
                    let weight = |p| counts.map(|count| chance(count, p)).iter().product::<f64>();
                    let log_e = cell.log(0.1, lattice.all);
                    mean[0] += weight(cell.middle) * cell.mixture(0.1).exp();
                    for (mean, p) in mean[1..].iter_mut().zip([cell.low.0, cell.middle, cell.high.0]) {
                        *mean += weight(p) * log_e.exp();
                    }
                }
            }
            for (i, mean) in means.iter().enumerate() {
                assert!((mean[0] - 1.0).abs() < 1e-9, "{direction:?} {i}: {mean:?}");
                assert!(mean[1..].iter().all(|&mean| mean <= 1.0 + 1e-9), "{direction:?} {i}: {mean:?}");
            }
        }
    }

    #[test]
    fn large_periods_are_the_same_by_logarithms() {
        let reference = Count::new(20, 2_000);
        let period = Count::new(9, 300);
        let mut lattice = Lattice::new(reference, (0.05, 0.2), Direction::Either);
        lattice.step(period, 0.5, 0.5);
        let expected: Vec<f64> = lattice.logs_of_cells(0.5).collect();
        let mut lattice = Lattice::new(reference, (0.05, 0.2), Direction::Either);
        lattice.step(Count::default(), 0.5, 0.5);
        let logs: Vec<f64> = lattice.bets.iter().map(|bet| bet.gain(period)).collect();
        lattice.cells.iter_mut().for_each(|cell| cell.add(&logs));
        lattice.all = Count::new(29, 2_300);
        for (found, expected) in lattice.logs_of_cells(0.5).zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }
}
