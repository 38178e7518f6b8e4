//! The null: what statistics are when rows are dealt to the two samples at random.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    Distances, Table,
    distance::{Scale, Sums},
};
use crate::measure::hypergeometric;

pub(super) struct Null {
    pub mean: Distances,
    pub chi2: Vec<f64>,
    pub g: Vec<f64>,
}

/// Draws tables with both margins fixed: the current sample is a simple random sample of all rows, so its counts are
/// multivariate hypergeometric, drawn one category after the other given what is left.
///
/// All replicates go through a category together: what a category adds depends only on its total and the draw, so
/// each term is computed once. Categories are taken by size, so that their order does not matter.
pub(super) fn permute(table: &Table, replicates: u32, seed: u64) -> Null {
    let scale = Scale::new(table);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut totals: Vec<u64> = table.cells.iter().map(|&(a, b)| a + b).collect();
    totals.sort_unstable();
    let mut sums = vec![Sums::default(); replicates as usize];
    let mut wanted = vec![table.n_current; replicates as usize];
    let mut rows = table.n();
    let mut terms = Terms::default();
    for total in totals {
        terms.start(total, table);
        for (left, sums) in wanted.iter_mut().zip(&mut sums) {
            let drawn = hypergeometric::draw(&mut rng, rows, total, *left);
            *left -= drawn;
            sums.add(terms.get(&scale, drawn));
        }
        rows -= total;
    }
    Null { mean: mean(&sums), chi2: sums.iter().map(|s| s.chi2).collect(), g: sums.iter().map(|s| s.g).collect() }
}

/// `(1 + #{null ≥ observed}) / (B + 1)`; equal up to rounding counts as equal.
pub(super) fn p_value(null: &[f64], observed: f64) -> f64 {
    let bar = observed - observed.abs() * 1e-10;
    let as_large = null.iter().filter(|&&x| x >= bar).count();
    (1 + as_large) as f64 / (1 + null.len()) as f64
}

fn mean(sums: &[Sums]) -> Distances {
    let n = sums.len().max(1) as f64;
    sums.iter().fold(Distances::default(), |mean, one| {
        let one = one.distances();
        Distances {
            total_variation: mean.total_variation + one.total_variation / n,
            hellinger: mean.hellinger + one.hellinger / n,
            jensen_shannon: mean.jensen_shannon + one.jensen_shannon / n,
            psi: mean.psi + one.psi / n,
        }
    })
}

/// Terms of one category total, by draw, over the draws that are likely; the others are computed as they come.
#[derive(Default)]
struct Terms {
    total: u64,
    first: u64,
    known: Vec<Option<Sums>>,
    last: Sums,
}

impl Terms {
    const WINDOW: u64 = 4096;

    fn start(&mut self, total: u64, table: &Table) {
        if total == self.total {
            return;
        }
        let share = table.n_current as f64 / table.n() as f64;
        let mean = total as f64 * share;
        let reach = 6.0 * (mean * (1.0 - share)).sqrt() + 6.0;
        let last = ((mean + reach) as u64).min(total);
        self.total = total;
        self.first = (mean - reach).max(0.0) as u64;
        self.known.clear();
        let width = last.saturating_sub(self.first).min(Self::WINDOW);
        self.known.resize(width as usize + 1, None);
    }

    fn get(&mut self, scale: &Scale, drawn: u64) -> &Sums {
        let compute = || scale.terms(self.total - drawn, drawn);
        match drawn.checked_sub(self.first).and_then(|i| self.known.get_mut(i as usize)) {
            Some(known) => known.get_or_insert_with(compute),
            None => {
                self.last = compute();
                &self.last
            }
        }
    }
}
