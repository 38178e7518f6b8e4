//! Codes with enough labels, and the rare ones as one.

use crate::measure::weight::WeightSums;

pub(super) struct Groups {
    /// The codes of each group.
    pub codes: Vec<Vec<usize>>,
    /// Effective labels of each, and predictions now.
    pub labels: Vec<f64>,
    pub counts: Vec<f64>,
    /// Share of the reference that is of rare codes.
    pub rare: f64,
    /// `[predicted][actual]`
    cells: Vec<Vec<WeightSums>>,
    /// `Σ w` of each column.
    columns: Vec<f64>,
}

impl Groups {
    /// `None` without labels or predictions, and where tables do not fit.
    pub(super) fn of(confusion: &[Vec<WeightSums>], predicted: &[u64], least: f64) -> Option<Self> {
        let size = predicted.len();
        if confusion.len() != size || confusion.iter().any(|row| row.len() != size) {
            return None;
        }
        let column = |code: usize| -> WeightSums { confusion.iter().filter_map(|row| row.get(code).copied()).sum() };
        let mut actual: Vec<(usize, WeightSums)> = (0..size).map(|code| (code, column(code))).collect();
        actual.sort_by(|a, b| a.1.effective().total_cmp(&b.1.effective()));
        // the rare ones together need as many labels as any other
        let mut rest = WeightSums::default();
        let mut rare = Vec::new();
        for (code, sums) in &actual {
            if sums.effective() >= least && (rare.is_empty() || rest.effective() >= least) {
                break;
            }
            rest += *sums;
            rare.push(*code);
        }
        rare.sort_unstable();
        let single = (0..size).filter(|code| !rare.contains(code)).map(|code| vec![code]);
        let codes: Vec<Vec<usize>> = single.chain((!rare.is_empty()).then(|| rare.clone())).collect();
        let mut group = vec![0; size];
        for (at, code) in codes.iter().enumerate().flat_map(|(at, of)| of.iter().map(move |code| (at, *code))) {
            if let Some(to) = group.get_mut(code) {
                *to = at;
            }
        }
        let mut cells = vec![vec![WeightSums::default(); codes.len()]; codes.len()];
        let mut counts = vec![0.0; codes.len()];
        for ((row, n), to) in confusion.iter().zip(predicted).zip(&group) {
            if let Some(count) = counts.get_mut(*to) {
                *count += *n as f64;
            }
            let Some(target) = cells.get_mut(*to) else { continue };
            for (sums, at) in row.iter().zip(&group) {
                if let Some(cell) = target.get_mut(*at) {
                    *cell += *sums;
                }
            }
        }
        let sums = |at: usize| -> WeightSums { cells.iter().filter_map(|row| row.get(at).copied()).sum() };
        let columns: Vec<f64> = (0..codes.len()).map(|at| sums(at).total()).collect();
        let labels = (0..codes.len()).map(|at| sums(at).effective()).collect();
        let total: f64 = columns.iter().sum();
        let enough = columns.iter().all(|w| *w > 0.0) && counts.iter().sum::<f64>() > 0.0;
        let share = if rare.is_empty() { 0.0 } else { rest.total() / total };
        enough.then_some(Self { codes, labels, counts, rare: share, cells, columns })
    }

    /// `p(predicted | actual)`, columns add up to 1.
    pub(super) fn likelihood(&self) -> Vec<Vec<f64>> {
        let row = |row: &Vec<WeightSums>| row.iter().zip(&self.columns).map(|(cell, w)| cell.total() / w).collect();
        self.cells.iter().map(row).collect()
    }

    /// Shares of the reference.
    pub(super) fn before(&self) -> impl Iterator<Item = f64> {
        let total: f64 = self.columns.iter().sum();
        self.columns.iter().map(move |w| w / total)
    }

    /// Root mean square error that the labels leave in the shares of the groups, where all rows are of one group, each group in
    /// turn; `back` is the inverse of the likelihood.
    pub(super) fn unsettled(&self, back: &[Vec<f64>]) -> f64 {
        let groups = self.codes.len();
        let (certain, all_of_each) = (vec![vec![0.0; groups]; groups], vec![1.0; groups]);
        let errors = back.iter().enumerate().map(|(k, row)| self.variance(k, row, &certain, &all_of_each, 1.0));
        (errors.sum::<f64>() / groups as f64).sqrt()
    }

    /// Variance of the share of group `k`; `back` is its row of the inverse.
    pub(super) fn variance(&self, k: usize, back: &[f64], likelihood: &[Vec<f64>], mix: &[f64], size: f64) -> f64 {
        let mut variance = 0.0;
        for ((cells, likely), a) in self.cells.iter().zip(likelihood).zip(back) {
            let row = cells.iter().zip(likely).zip(mix).zip(self.columns.iter().zip(&self.labels)).enumerate();
            for (j, (((cell, likely), p), (w, labels))) in row {
                let off = (a - if j == k { 1.0 } else { 0.0 }).powi(2);
                // deviations from a mean that the same labels gave
                let freedom = labels / (labels - 1.0).max(1.0);
                variance += off * (p * p * cell.squares() / (w * w) * freedom + p * likely / size);
            }
        }
        variance
    }
}
