//! Bets on a share, placed on a lattice of angles `asin √p`, so that one table per period serves all nulls.

use std::{f64::consts::FRAC_PI_2, ops::Range};

use super::{Direction, share::Count};

/// Width of a cell of nulls in standard errors of the reference: finer for a reference of hundreds of rows, since
/// those before a change are then many times as many.
const STEP: f64 = 0.4;
const FINE_STEP: f64 = 0.25;
const HUNDREDS: Range<u64> = 500..5_000;

/// Places that a cell is wide; its middle is halfway.
const PLACES: usize = 2;

/// How many places the share before the start may be from the null, on the other side of it than the share since.
const SHIFTS: [usize; 8] = [0, 1, 2, 4, 7, 12, 20, 34];

/// How many cells the share since the start may be from the null: about `3 · 1.7^k`, so that no change is far from one of
/// them, and less, for changes that are only seen when the rows since are more than those before.
const MOVES: [usize; 12] = [1, 2, 3, 5, 9, 15, 25, 43, 73, 123, 209, 355];

/// What is staked evenly on all moves, and on each of the two least, beside 1 on likely ones.
const EVEN: f64 = 0.03;
const LEAST: f64 = 0.03;

/// Likely moves: lognormal with this spread about `LIKELY` times the null's angle and [`RARE`] more, so that for a share
/// of .01 one by a half is likely, and for a rarer one a multiple. Of common ones (angles beyond [`COMMON`], shares above
/// .15) it is no more: a few points are likely there too.
const LIKELY: f64 = 0.2;
const RARE: f64 = 0.01;
const COMMON: f64 = 0.4;
const SPREAD: f64 = 0.9;

/// Half of `z²` at which a change is expected to ring, and how closely the shifts of a move are bet on.
const ENOUGH: f64 = 8.0;
const CLOSELY: f64 = 0.35;

/// What keeps ratios of shifts near 0 finite, in standard errors, and the weight that every shift has.
const OFFSET: f64 = 0.3;
const FLOOR: f64 = 0.01;

/// Exponents up to this stay well within the range of a double, also twice it.
const LARGE: f64 = 250.0;

/// Values below this are taken for 0, which only lessens `E`: far smaller ones would make arithmetic slow.
const NOTHING: f64 = 1e-150;

/// The stakes on shifts, for each move.
type Shifts = [[f64; MOVES.len()]; SHIFTS.len()];

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
    /// Width of a cell, in standard errors of the reference, and its rows.
    step: f64,
    reference: f64,
    /// Stakes on starts that are still to be placed, and the last `ln E`.
    pending: f64,
    lowest: f64,
}

impl Lattice {
    /// Cells over the angles of `from` to `to`. Where they lie is for the rows of the reference alone to decide: bets on
    /// the reference must not depend on its counts.
    pub(super) fn new(reference: Count, (from, to): (f64, f64), direction: Direction) -> Self {
        let step = if HUNDREDS.contains(&reference.rows) { FINE_STEP } else { STEP };
        let width = step * 0.5 / (reference.rows as f64).sqrt();
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
        let middle = places.angle(Places::middle(usize::midpoint(first, end - 1)));
        let bets: Vec<Bet> = used.iter().map(|&at| Bet::new(places.angle(at as usize), middle)).collect();
        let (logs, factors) = (vec![0.0; bets.len()], vec![0.0; bets.len()]);
        let reference_rows = reference.rows as f64;
        Self {
            cells,
            bets,
            logs,
            factors,
            all: reference,
            step,
            reference: reference_rows,
            pending: 0.0,
            lowest: f64::NAN,
        }
    }

    /// More rows: the stake on a change that begins with them, and the lowest `ln E` of all nulls. What is staked on later
    /// starts counts for nothing yet.
    pub(super) fn step(&mut self, period: Count, start: f64) -> f64 {
        self.pending += start;
        // without rows a start waits for the next ones: it is the same bet
        if period.rows == 0 && self.lowest.is_finite() {
            return self.lowest;
        }
        if self.pending > 0.0 {
            let (start, shifts) = (std::mem::take(&mut self.pending), self.shifts());
            self.cells.iter_mut().for_each(|cell| cell.place(start, &shifts));
        }
        if period.rows > 0 {
            self.grow(period);
        }
        self.lowest = self.logs_of_cells().fold(f64::INFINITY, f64::min);
        self.lowest
    }

    fn grow(&mut self, period: Count) {
        self.all = Count { of: self.all.of.saturating_add(period.of), rows: self.all.rows.saturating_add(period.rows) };
        for ((log, factor), bet) in self.logs.iter_mut().zip(&mut self.factors).zip(&self.bets) {
            *log = bet.gain(period);
            *factor = if *log > -2.0 * LARGE { log.exp() } else { 0.0 };
        }
        // what a bet loses may be all, what it wins or a null gives must be a number
        let wins = self.logs.iter().fold(0.0_f64, |top, log| top.max(*log));
        let nulls = self.cells.iter().filter_map(|cell| self.logs.get(cell.null as usize));
        let within = nulls.fold(wins, |top, log| top.max(-log)) <= LARGE;
        for cell in &mut self.cells {
            if within {
                cell.multiply(&self.factors);
            } else {
                cell.add(&self.logs);
            }
        }
    }

    /// Which shift goes with which move. Where `m` rows since a start are just enough after `n` before it, the worst null
    /// is the share of all: with `d` for the move and `z` for the shift in standard errors of the `n`, `m/n = z/d` and
    /// `z d + z² = z²_enough`. So far as rows go this is known when the start comes, and nothing else is used.
    fn shifts(&self) -> Shifts {
        let unit = self.step * (self.all.rows as f64 / self.reference).sqrt();
        let mut stakes = [[0.0; MOVES.len()]; SHIFTS.len()];
        for (k, steps) in MOVES.into_iter().enumerate() {
            let d = steps as f64 * unit;
            let z = 4.0 * ENOUGH / ((d * d + 8.0 * ENOUGH).sqrt() + d);
            let each = SHIFTS.map(|shift| {
                let at = shift as f64 * unit / PLACES as f64;
                FLOOR + (-0.5 * (((at + OFFSET) / (z + OFFSET)).ln() / CLOSELY).powi(2)).exp()
            });
            let sum: f64 = each.iter().sum();
            stakes
                .iter_mut()
                .zip(each)
                .filter_map(|(of, x)| Some((of.get_mut(k)?, x)))
                .for_each(|(to, x)| *to = x / sum);
        }
        stakes
    }

    fn logs_of_cells(&self) -> impl Iterator<Item = f64> {
        self.cells.iter().map(|cell| cell.log(self.all))
    }
}

/// The lattice, and which of its places are used.
struct Places {
    width: f64,
    /// The last cell.
    last: usize,
    used: Vec<u32>,
}

impl Places {
    fn angle(&self, place: usize) -> f64 {
        place as f64 * self.width / PLACES as f64
    }

    fn middle(cell: usize) -> usize {
        PLACES * cell + PLACES / 2
    }

    fn use_at(&mut self, place: usize) -> u32 {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.used.push(place);
        place
    }

    /// A place so many from the middle of a cell.
    fn beside(&self, cell: usize, places: usize, up: bool) -> usize {
        let from = Self::middle(cell);
        if up { (from + places).min(Self::middle(self.last)) } else { from.saturating_sub(places).max(Self::middle(0)) }
    }

    /// Where to bet on a move. Far ones are on a coarser lattice, so that neighbouring nulls share them.
    fn moved(&self, cell: usize, steps: usize, up: bool) -> usize {
        let grain = 1 << (steps / 8).max(1).ilog2();
        let exact = if up { (cell + steps).min(self.last) } else { cell.saturating_sub(steps) };
        let at_end = exact == 0 || exact == self.last;
        Self::middle(if at_end { exact } else { (exact / grain * grain + grain / 2).min(self.last) })
    }
}

/// Bets on one side of a null: what the rows before a start gave by shift, and those of all starts by move.
struct Side {
    before: [f64; SHIFTS.len()],
    after: [f64; MOVES.len()],
    stakes: [f64; MOVES.len()],
    shifted: [u32; SHIFTS.len()],
    moved: [u32; MOVES.len()],
}

/// Nulls with the same bets.
struct Cell {
    null: u32,
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
        let null = places.angle(Places::middle(at));
        let sides = [true, false].into_iter().zip(direction.stakes()).filter(|&(_, stake)| stake > 0.0);
        let sides = sides.map(|(up, stake)| Side::new(at, places, reference, up, stake)).collect();
        let end = |at: usize| at as f64 * places.width;
        let ends = [end(at), end(at + 1)].map(|phi| (share_at(phi), Bet::new(phi, null)));
        let [low, high] = ends;
        Self { null: places.use_at(Places::middle(at)), sides, scale: 0.0, low, high, middle: share_at(null) }
    }

    /// From places of the lattice to places of the table.
    fn look_up(&mut self, used: &[u32]) {
        let find = |place: &mut u32| *place = used.binary_search(place).map_or(0, |at| at as u32);
        find(&mut self.null);
        for side in &mut self.sides {
            side.shifted.iter_mut().chain(&mut side.moved).for_each(find);
        }
    }

    /// Shiryaev's recursion: `S ← (S + w R) G`, `R ← R F` gives the sum over all starts. This is the first half.
    fn place(&mut self, start: f64, shifts: &Shifts) {
        for side in &mut self.sides {
            let mut fresh = [0.0; MOVES.len()];
            for (value, stakes) in side.before.iter().zip(shifts) {
                fresh.iter_mut().zip(stakes).for_each(|(sum, stake)| *sum += stake * value);
            }
            for ((value, stake), fresh) in side.after.iter_mut().zip(side.stakes).zip(fresh) {
                *value += start * stake * fresh;
            }
        }
    }

    fn multiply(&mut self, factors: &[f64]) {
        let factor = |place: u32| factors.get(place as usize).copied().unwrap_or(0.0);
        let inverse = 1.0 / factor(self.null);
        let mut sum = 0.0_f64;
        for side in &mut self.sides {
            let grow = |value: &mut f64, place: u32| {
                let grown = *value * (factor(place) * inverse);
                *value = if grown < NOTHING { 0.0 } else { grown };
                *value
            };
            for (value, &place) in side.before.iter_mut().zip(&side.shifted) {
                sum += grow(value, place);
            }
            for (value, &place) in side.after.iter_mut().zip(&side.moved) {
                sum += grow(value, place);
            }
        }
        if sum > 0.0 && !(1e-60..1e60).contains(&sum) {
            self.scale += sum.ln();
            self.values().for_each(|(value, _)| *value /= sum);
        }
    }

    /// The same for a period so large that factors would leave the range of a double.
    fn add(&mut self, logs: &[f64]) {
        let log = |place: u32| logs.get(place as usize).copied().unwrap_or(0.0);
        let null = log(self.null);
        self.values().for_each(|(value, place)| *value = value.ln() + log(place) - null);
        let top = self.values().fold(f64::NEG_INFINITY, |top, (value, _)| top.max(*value));
        let base = if top.is_finite() { top } else { 0.0 };
        self.values().for_each(|(value, _)| *value = (*value - base).exp());
        self.scale += base;
    }

    fn values(&mut self) -> impl Iterator<Item = (&mut f64, u32)> {
        self.sides
            .iter_mut()
            .flat_map(|side| side.before.iter_mut().zip(side.shifted).chain(side.after.iter_mut().zip(side.moved)))
    }

    /// `ln E` of the worst null of the cell: the mixture against the middle, less what the best null has over the middle.
    fn log(&self, all: Count) -> f64 {
        self.mixture() - self.best(all)
    }

    fn mixture(&self) -> f64 {
        let total: f64 = self.sides.iter().map(|side| side.after.iter().sum::<f64>()).sum();
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
        let null = places.angle(Places::middle(at));
        let shifted = SHIFTS.map(|shift| places.beside(at, shift, !up));
        let before = shifted.map(|place| stake * Bet::new(places.angle(place), null).gain(reference).exp());
        let moved = MOVES.map(|steps| places.moved(at, steps, up));
        let stakes = stakes(&moved.map(|place| (places.angle(place) - null).abs()), null);
        let (shifted, moved) = (shifted.map(|at| places.use_at(at)), moved.map(|at| places.use_at(at)));
        Self { before, after: [0.0; MOVES.len()], stakes, shifted, moved }
    }
}

/// The stakes on moves of these angles. Beyond the end of the lattice there is only the end, which is bet on once.
fn stakes(far: &[f64; MOVES.len()], null: f64) -> [f64; MOVES.len()] {
    let once = |i: usize| i == 0 || far.get(i) != far.get(i - 1);
    let middle = LIKELY * null.min(COMMON) + RARE;
    let mut stakes = *far;
    for (i, stake) in stakes.iter_mut().enumerate() {
        let likely = |far: f64| (-0.5 * ((far.max(1e-12) / middle).ln() / SPREAD).powi(2)).exp().max(1e-9);
        *stake = if once(i) { likely(*stake) } else { 0.0 };
    }
    let likely: f64 = stakes.iter().sum();
    let places = (0..far.len()).filter(|&i| once(i)).count() as f64;
    for (i, stake) in stakes.iter_mut().enumerate() {
        let least = if i < 2 { LEAST } else { 0.0 };
        *stake = if once(i) { *stake / likely + EVEN / places + least } else { 0.0 };
    }
    let sum: f64 = stakes.iter().sum();
    stakes.map(|stake| stake / sum)
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

    /// Of each cell, over every outcome of a reference and two periods: the mixture has a mean of exactly the stake placed
    /// under the middle, and what is left of it at most that under any null of the cell.
    #[test]
    fn every_null_of_a_cell_gives_at_most_one_on_average() {
        let (n, m) = (6, 3);
        let whole = (0.0, FRAC_PI_2);
        for direction in [Direction::Either, Direction::Risen] {
            let mut means = vec![[0.0; 4]; Lattice::new(Count::new(0, n), whole, direction).cells.len()];
            for (a, b, c) in (0..=n).flat_map(|a| (0..=m).flat_map(move |b| (0..=m).map(move |c| (a, b, c)))) {
                let counts = [Count::new(a, n), Count::new(b, m), Count::new(c, m)];
                let mut lattice = Lattice::new(counts[0], whole, direction);
                lattice.step(counts[1], 0.4);
                lattice.step(counts[2], 0.5);
                for (mean, cell) in means.iter_mut().zip(&lattice.cells) {
                    let weight = |p| counts.map(|count| chance(count, p)).iter().product::<f64>();
                    let log_e = cell.log(lattice.all);
                    mean[0] += weight(cell.middle) * cell.mixture().exp();
                    for (mean, p) in mean[1..].iter_mut().zip([cell.low.0, cell.middle, cell.high.0]) {
                        *mean += weight(p) * log_e.exp();
                    }
                }
            }
            for (i, mean) in means.iter().enumerate() {
                assert!((mean[0] - 0.9).abs() < 1e-9, "{direction:?} {i}: {mean:?}");
                assert!(mean[1..].iter().all(|&mean| mean <= 0.9 + 1e-9), "{direction:?} {i}: {mean:?}");
            }
        }
    }

    #[test]
    fn large_periods_are_the_same_by_logarithms() {
        let reference = Count::new(20, 2_000);
        let period = Count::new(9, 300);
        let mut lattice = Lattice::new(reference, (0.05, 0.2), Direction::Either);
        lattice.step(period, 0.5);
        let expected: Vec<f64> = lattice.logs_of_cells().collect();
        let mut lattice = Lattice::new(reference, (0.05, 0.2), Direction::Either);
        lattice.step(Count::default(), 0.5);
        let logs: Vec<f64> = lattice.bets.iter().map(|bet| bet.gain(period)).collect();
        lattice.cells.iter_mut().for_each(|cell| cell.add(&logs));
        lattice.all = Count::new(29, 2_300);
        for (found, expected) in lattice.logs_of_cells().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }
}
