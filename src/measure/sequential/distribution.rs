//! Has the whole distribution of codes changed?

use statrs::function::gamma::ln_gamma;

use super::{
    Direction, mean,
    share::{Count, share_changed},
};

/// `ln E` after each period, against shares that are known.
///
/// The Dirichlet-multinomial likelihood with prior `κ θ` over that of the known shares `θ`:
/// `E = Γ(κ)/Γ(κ + N) Π_i Γ(κ θ_i + x_i)/Γ(κ θ_i) / Π_i θ_i^{x_i}` with counts `x` so far, `N` in all. The larger `κ`, the
/// smaller the changes it bets on: `κ` rows' worth of belief in the known shares.
///
/// *Assumes* independent rows and exactly known shares: with shares estimated from a reference this alarms for the
/// reference's own error, use [`codes_changed`] then.
///
/// *Edge cases*: shares are scaled to sum to 1; a row in a category without a share is proof, infinite; a shorter row of
/// counts is filled with zeros, counts past the known shares are in a category without a share; `None` unless the shares
/// are not negative with a positive sum, and `κ` is positive.
///
/// Lindon and Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS 35.
///
/// ```
/// use vigie::measure::sequential::distribution::against_known;
/// let log_e = against_known(&[0.5, 0.5], &[vec![6, 4], vec![0, 60]], 2.0).unwrap();
/// // B(7, 5) / B(1, 1) · 2^10, then B(7, 65) · 2^70
/// assert!((log_e[0] - (1024.0_f64 / 2310.0).ln()).abs() < 1e-9);
/// assert!(log_e[1] > 20.0);
/// ```
pub fn against_known<P: AsRef<[u64]>>(shares: &[f64], periods: &[P], concentration: f64) -> Option<Vec<f64>> {
    let sum: f64 = shares.iter().sum();
    let sound = concentration > 0.0 && concentration.is_finite() && sum > 0.0 && sum.is_finite();
    if !sound || shares.iter().any(|&share| share < 0.0) {
        return None;
    }
    let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
    let mut sofar = Vec::new();
    let log_e = periods.iter().map(|period| {
        add(&mut sofar, period.as_ref());
        let cell = |(i, &x): (usize, &u64)| {
            let share = shares.get(i).copied().unwrap_or(0.0);
            match x {
                0 => 0.0,
                _ if share <= 0.0 => f64::INFINITY,
                _ => ln_rising(concentration * share, x) - x as f64 * share.ln(),
            }
        };
        sofar.iter().enumerate().map(cell).sum::<f64>() - ln_rising(concentration, total(&sofar))
    });
    Some(log_e.collect())
}

/// `ln E` after each period, against "the same shares in the reference and ever since": the mean over the categories of
/// [`share_changed`], each with the same stake.
///
/// Strong where a few codes move, which is what a model or a nomenclature does when it changes: the price over one code
/// watched alone is `ln K`, and nothing for not knowing the other shares. Weak where all codes move a little.
///
/// *Edge cases*: shorter counts are filled with zeros; no categories or an empty reference give 0.
///
/// ```
/// use vigie::measure::sequential::distribution::codes_changed;
/// let days = vec![vec![150, 130, 20]; 20];
/// let log_e = codes_changed(&[6_000, 4_000, 0], &days, 120.0);
/// assert!(log_e[0] > 20.0);
/// ```
pub fn codes_changed<P: AsRef<[u64]>>(reference: &[u64], periods: &[P], horizon: f64) -> Vec<f64> {
    let logs = codes(reference, periods, horizon, Direction::Either);
    let at = |period: usize| logs.iter().filter_map(|code| code.get(period)).copied().collect::<Vec<_>>();
    (0..periods.len()).map(|period| mean(&at(period)).unwrap_or(0.0)).collect()
}

/// [`share_changed`] of every category: what [`super::e_bh()`] takes, one day of it at a time.
pub fn codes<P: AsRef<[u64]>>(reference: &[u64], periods: &[P], horizon: f64, direction: Direction) -> Vec<Vec<f64>> {
    let categories = periods.iter().map(|p| p.as_ref().len()).max().unwrap_or(0).max(reference.len());
    let rows: Vec<u64> = periods.iter().map(|p| total(p.as_ref())).collect();
    let n = total(reference);
    let code = |i: usize| {
        let of = |counts: &[u64], rows| Count::new(counts.get(i).copied().unwrap_or(0), rows);
        let counts: Vec<Count> = periods.iter().zip(&rows).map(|(p, &rows)| of(p.as_ref(), rows)).collect();
        share_changed(of(reference, n), &counts, horizon, direction)
    };
    (0..categories).map(code).collect()
}

/// `ln E` after each period by universal inference: Dirichlet-multinomial likelihoods of the reference and of what came
/// since, over the largest likelihood of common shares. Changes are taken to begin with the first period.
///
/// Valid, but it pays for not knowing any of the shares, about `K/2 · ln` of the rows: with hundreds of categories it says
/// nothing where [`codes_changed`] has long alarmed. Kept for few categories (the letters of a nomenclature, routes),
/// where all may move at once. Prior: `1/2` per category (Jeffreys).
///
/// *Edge cases*: categories that nothing was counted in still cost; an empty reference is no reference, at most 0.
///
/// Wasserman, Ramdas and Balakrishnan (2020), PNAS 117.
///
/// ```
/// use vigie::measure::sequential::distribution::universal;
/// let log_e = universal(&[500, 300, 200], &[vec![50, 30, 20], vec![50, 300, 20]]);
/// assert!(log_e[0] < 0.0 && log_e[1] > 20.0);
/// ```
pub fn universal<P: AsRef<[u64]>>(reference: &[u64], periods: &[P]) -> Vec<f64> {
    let categories = periods.iter().map(|p| p.as_ref().len()).max().unwrap_or(0).max(reference.len());
    let marginal = |counts: &[u64]| {
        counts.iter().map(|&x| ln_rising(0.5, x)).sum::<f64>() - ln_rising(0.5 * categories as f64, total(counts))
    };
    let first = marginal(reference);
    let mut sofar = Vec::new();
    let mut all = reference.to_vec();
    let log_e = periods.iter().map(|period| {
        add(&mut sofar, period.as_ref());
        add(&mut all, period.as_ref());
        let n = total(&all) as f64;
        let best: f64 = all.iter().filter(|&&x| x > 0).map(|&x| x as f64 * (x as f64 / n).ln()).sum();
        first + marginal(&sofar) - best
    });
    log_e.collect()
}

fn total(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, &x| sum.saturating_add(x))
}

fn add(sums: &mut Vec<u64>, counts: &[u64]) {
    sums.resize(sums.len().max(counts.len()), 0);
    for (sum, x) in sums.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*x);
    }
}

/// `ln Γ(a + x)/Γ(a)`
fn ln_rising(a: f64, x: u64) -> f64 {
    if x == 0 { 0.0 } else { ln_gamma(a + x as f64) - ln_gamma(a) }
}
