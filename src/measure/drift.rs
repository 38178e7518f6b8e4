//! Has the distribution of codes changed, is it more than chance, and which codes carry it?
//!
//! Distances say how much ([`distance`]), tests say whether it can be chance ([`mod@homogeneity`], [`permutation`]), and
//! [`category`] says where, [`hierarchy`] at which level of a classification. [`excess`] and [`effect`] say how large it is
//! with an interval, [`verdict`] whether that matters, [`dispersion`] and [`day_permutation`] allow for days that differ without drift, and
//! [`mod@reference`] names the days to compare with. Counts are slices over the same categories in the same order.

pub mod category;
pub mod day_permutation;
pub mod dispersion;
pub mod distance;
pub mod effect;
pub mod excess;
pub mod fisher;
pub mod hierarchy;
pub mod homogeneity;
pub mod permutation;
pub mod reference;
pub mod verdict;

use serde::{Deserialize, Serialize};

pub use self::{
    category::{CategoryDrift, category_drift},
    distance::{Distances, distances},
    homogeneity::Test,
};
use self::{homogeneity::homogeneity, permutation::permute};

/// Drift of a categorical distribution between two samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CategoricalDrift {
    /// Categories seen in either period.
    pub categories: u32,
    #[serde(flatten)]
    pub distances: Distances,
    /// What the same distances are on average when nothing has changed, at these sample sizes.
    pub null: Distances,
    pub chi2: Test,
    pub g: Test,
    pub p_value_method: PValueMethod,
}

/// Where p-values come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PValueMethod {
    /// The chi-squared distribution: every expected count is at least 5.
    #[default]
    Asymptotic,
    /// Tables drawn with both margins as observed: valid however sparse.
    Permutation,
}

/// Distances, what they are worth when nothing has changed, and tests of homogeneity.
///
/// The null is the permutation of rows between the two samples: tables with both margins as observed, drawn
/// `replicates` times with `seed`. Their mean distances are `null` (on a sparse table a distance is far from 0 with no
/// drift at all). p-values are `(1 + #{null ≥ observed}) / (replicates + 1)` when some expected count is below 5
/// (Cochran's rule), so never below `1 / (replicates + 1)`, and those of the chi-squared distribution otherwise.
/// Neither the order of the categories nor swapping the samples changes distances or statistics.
///
/// *Assumes* rows drawn independently within each sample. Trust chi2 first; G is more sensitive to codes that appear
/// from nothing.
///
/// *Edge cases*: `None` if either sample is empty; categories without any count do not count; the longer slice's
/// excess counts against zeros; one category only gives statistics of 0 with p = 1.
///
/// Cochran (1954), Biometrics 10; Phipson and Smyth (2010), SAGMB 9, on the `+ 1`.
///
/// ```
/// use vigie::measure::drift::{PValueMethod, categorical_drift};
/// let drift = categorical_drift(&[500, 300, 200, 0], &[450, 350, 197, 3], 499, 1).unwrap();
/// assert_eq!(drift.categories, 4);
/// assert!((drift.distances.total_variation - 0.053).abs() < 1e-12);
/// assert!(drift.null.total_variation < 0.03);
/// assert_eq!(drift.p_value_method, PValueMethod::Permutation);
/// assert!(drift.chi2.p_value < 0.05);
/// assert_eq!(categorical_drift(&[1, 2], &[0, 0], 499, 1), None);
/// ```
pub fn categorical_drift(reference: &[u64], current: &[u64], replicates: u32, seed: u64) -> Option<CategoricalDrift> {
    let table = Table::new(reference, current)?;
    let observed = table.observed();
    let (mut chi2, mut g) = homogeneity(&table, &observed);
    let null = permute(&table, replicates, seed);
    let sparse = table.is_sparse() && replicates > 0;
    if sparse {
        chi2.p_value = permutation::p_value(&null.chi2, chi2.statistic);
        g.p_value = permutation::p_value(&null.g, g.statistic);
    }
    Some(CategoricalDrift {
        categories: u32::try_from(table.cells.len()).unwrap_or(u32::MAX),
        distances: observed.distances(),
        null: null.mean,
        chi2,
        g,
        p_value_method: if sparse { PValueMethod::Permutation } else { PValueMethod::Asymptotic },
    })
}

/// A 2 x K table of counts without its empty categories.
pub(crate) struct Table {
    /// (reference, current) of each category seen.
    cells: Vec<(u64, u64)>,
    n_reference: u64,
    n_current: u64,
}

impl Table {
    fn new(reference: &[u64], current: &[u64]) -> Option<Self> {
        let k = reference.len().max(current.len());
        let cells: Vec<(u64, u64)> =
            (0..k).map(|i| (count(reference, i, k), count(current, i, k))).filter(|&cell| cell != (0, 0)).collect();
        let n_reference = cells.iter().map(|cell| cell.0).sum();
        let n_current = cells.iter().map(|cell| cell.1).sum();
        (n_reference > 0 && n_current > 0).then_some(Self { cells, n_reference, n_current })
    }

    fn n(&self) -> u64 {
        self.n_reference + self.n_current
    }

    /// Cochran's rule: the smallest expected count is below 5.
    fn is_sparse(&self) -> bool {
        let smallest = self.cells.iter().map(|&(a, b)| a + b).min().unwrap_or(0);
        let share = self.n_reference.min(self.n_current) as f64 / self.n() as f64;
        smallest as f64 * share < 5.0
    }
}

/// The `i`-th of `k` counts; 0 past the end of a shorter slice, and capped so that the totals of both samples fit.
fn count(counts: &[u64], i: usize, k: usize) -> u64 {
    counts.get(i).map_or(0, |&n| n.min(u64::MAX / 4 / k as u64))
}
