//! Days that differ more than chance: how much, and tests that allow for it.
//!
//! Weekly rhythm, batches and campaigns make daily counts vary more than independent rows would. A test that takes rows
//! for independent then alarms without drift. Here the days of the reference say by how much their variance is larger, for
//! one code at a time; a whole level is tested by [`super::day_permutation`].

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::{fisher::fisher_exact, homogeneity::chi_squared_sf};

/// How many times larger the variance between days is than that of independent rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    /// Pearson's X² of the table of days by codes.
    pub chi2: f64,
    /// (days − 1)(codes − 1), of those with any row.
    pub df: u64,
    /// X² / df, at least 1.
    pub factor: f64,
}

impl Dispersion {
    fn new(chi2: f64, df: u64) -> Option<Self> {
        (df > 0 && chi2.is_finite()).then(|| Self { chi2, df, factor: (chi2 / df as f64).max(1.0) })
    }

    /// p-value that days differ no more than independent rows would: the upper tail of χ² at `df`. Close where rows are many
    /// beside the codes, since X² then has the law's mean and variance even if most cells are nearly empty (Dawson 1954).
    ///
    /// ```
    /// use vigie::measure::drift::dispersion::dispersion;
    /// assert!(dispersion(&[vec![52, 48], vec![47, 53]]).unwrap().p_value() > 0.4);
    /// assert!(dispersion(&[vec![80, 20], vec![20, 80]]).unwrap().p_value() < 1e-6);
    /// ```
    pub fn p_value(&self) -> f64 {
        chi_squared_sf(self.chi2, u32::try_from(self.df).unwrap_or(u32::MAX))
    }
}

/// Variance inflation factor of all codes between days: one row of counts a day, the same codes in the same order.
///
/// Pearson's X² of homogeneity of the days over its degrees of freedom, floored at 1. If every day draws its own shares
/// around the mean ones, a sum over days has about `factor` times the multinomial variance. Its mean under independent
/// rows is 1 however sparse the table (exactly, `N / (N − 1)` before the floor).
///
/// *Assumes* days that are independent of each other, and of about the same size. A period of whole weeks against whole
/// weeks has no weekly rhythm between them, so the factor overstates and tests are conservative there; a trend inside the
/// reference counts as dispersion too. *Edge cases*: `None` with fewer than two days or codes that have rows; a shorter
/// row's missing counts are zeros.
///
/// Pearson X² as a dispersion estimate: McCullagh and Nelder (1989), *Generalized Linear Models*, 4.5 and 5.5.
///
/// ```
/// use vigie::measure::drift::dispersion::dispersion;
/// assert_eq!(dispersion(&[vec![50, 50], vec![50, 50]]).unwrap().factor, 1.0);
/// // weekday and weekend: X² = 2 · (30² + 30²) / 50 on one degree of freedom
/// assert!((dispersion(&[vec![80, 20], vec![20, 80]]).unwrap().factor - 72.0).abs() < 1e-9);
/// assert_eq!(dispersion(&[vec![80, 20]]), None);
/// ```
pub fn dispersion(days: &[Vec<u64>]) -> Option<Dispersion> {
    let codes = days.iter().map(Vec::len).max()?;
    let sizes: Vec<f64> = days.iter().map(|day| day.iter().map(|&n| n as f64).sum()).collect();
    let rows: f64 = sizes.iter().sum();
    let (mut chi2, mut seen) = (0.0, 0_u64);
    for code in 0..codes {
        let counts = || days.iter().map(move |day| day.get(code).map_or(0.0, |&n| n as f64));
        let total: f64 = counts().sum();
        if total > 0.0 {
            seen += 1;
            chi2 += pearson(counts().zip(sizes.iter().copied()), total / rows);
        }
    }
    let days = sizes.iter().filter(|&&n| n > 0.0).count() as u64;
    Dispersion::new(chi2, days.saturating_sub(1) * seen.saturating_sub(1))
}

/// The same for one code: `counts[d]` of `totals[d]` rows of day `d`, where the total is that of its parent or of all.
///
/// *Edge cases*: `None` if no row or every row has the code.
pub fn share_dispersion(counts: &[u64], totals: &[u64]) -> Option<Dispersion> {
    let days = || counts.iter().zip(totals).map(|(&a, &n)| (a.min(n) as f64, n as f64)).filter(|&(_, n)| n > 0.0);
    let p = days().map(|day| day.0).sum::<f64>() / days().map(|day| day.1).sum::<f64>();
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    // both cells of a day: (x − np)² / np(1 − p)
    Dispersion::new(pearson(days(), p) / (1.0 - p), (days().count() as u64).saturating_sub(1))
}

/// Of each node of a tree within its parent, from the counts of all nodes on each day (roots within their sum).
///
/// A node whose own factor is below that of all nodes together takes the latter: in a small parent the days of the
/// reference may show one code only, which says nothing of how days vary. The parent of a node comes before it, as in
/// [`super::hierarchy::tree_drift`]. All `None` with fewer than two days.
pub fn tree_dispersion(parents: &[Option<usize>], days: &[Vec<u64>]) -> Vec<Option<Dispersion>> {
    let of = |i: usize| days.iter().map(move |day| day.get(i).copied().unwrap_or(0));
    let roots = |day: &Vec<u64>| parents.iter().zip(day).filter(|(p, _)| p.is_none()).map(|(_, &n)| n).sum::<u64>();
    let whole: Vec<u64> = days.iter().map(roots).collect();
    let own: Vec<Option<Dispersion>> = parents
        .iter()
        .enumerate()
        .map(|(i, parent)| {
            let totals = parent.map_or_else(|| whole.clone(), |p| of(p).collect());
            share_dispersion(&of(i).collect::<Vec<u64>>(), &totals)
        })
        .collect();
    // siblings share their degrees of freedom: at worst, two of them have one between them
    let sum = own.iter().flatten().fold((0.0, 0), |sum, one| (sum.0 + one.chi2 / 2.0, sum.1 + one.df));
    let all = Dispersion::new(sum.0, (sum.1 / 2).max(u64::from(sum.1 > 0)));
    own.into_iter().map(|one| one.filter(|one| all.is_none_or(|all| one.factor > all.factor)).or(all)).collect()
}

/// `Σ (x − n p)² / n p` over days with rows.
fn pearson(days: impl Iterator<Item = (f64, f64)>, p: f64) -> f64 {
    days.filter(|&(_, n)| n > 0.0).map(|(x, n)| (x - n * p).powi(2) / (n * p)).sum()
}

/// Two-sided p-value that `a` of `n` and `b` of `m` have one share, where days vary `between` times as much as rows would.
///
/// Fisher's exact test on effective counts, all four divided by the factor and rounded (Rao and Scott). As the factor is
/// an estimate itself, the p-value is read as a normal deviate and looked up in Student's law with the factor's degrees of
/// freedom: with four weeks of days a code needs 6.3 standard errors instead of 4.9 for p = 10⁻⁶. Without dispersion it is
/// [`fisher_exact`].
///
/// Rao and Scott (1992), Biometrics 48, on effective counts; Lund et al. (2012), SAGMB 11, on the law with an estimated
/// dispersion.
///
/// ```
/// use vigie::measure::drift::dispersion::{Dispersion, share_test};
/// let rhythm = Dispersion { chi2: 108.0, df: 27, factor: 4.0 };
/// assert!(share_test(100, 1000, 140, 1000, None) < 0.01);
/// assert!(share_test(100, 1000, 140, 1000, Some(&rhythm)) > 0.1);
/// ```
pub fn share_test(a: u64, n: u64, b: u64, m: u64, between: Option<&Dispersion>) -> f64 {
    let Some(between) = between.filter(|d| d.factor > 1.0) else {
        return fisher_exact(a, n, b, m);
    };
    let effective = |count: u64| (count as f64 / between.factor).round() as u64;
    let p = fisher_exact(effective(a), effective(n), effective(b), effective(m));
    let deviate = -Normal::standard().inverse_cdf(p / 2.0);
    match StudentsT::new(0.0, 1.0, between.df as f64) {
        Ok(law) if deviate > 0.0 && deviate.is_finite() => (2.0 * law.cdf(-deviate)).clamp(p, 1.0),
        _ => p,
    }
}
