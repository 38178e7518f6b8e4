//! Many e-values at once.

use serde::{Deserialize, Serialize};

use super::bank::log_add;

/// What the e-BH procedure says of one hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The lowest `α` at which this is a discovery, at most 1: to e-values what a q-value is to p-values.
    pub adjusted: f64,
    pub discovery: bool,
}

/// The e-BH procedure over log e-values, in the order given.
///
/// With `e_(1) ≥ … ≥ e_(m)`, the discoveries at `α` are the `k` largest, for the largest `k` with `e_(k) ≥ m / (α k)`.
/// `adjusted_(i) = min_{j ≥ i} min(1, m / (j e_(j)))`.
///
/// The expected share of false discoveries is at most `α m₀/m` *however the e-values depend on each other*. This holds
/// for e-processes at one common stopping time: take the values of now, not the highest ever reached.
///
/// *Edge cases*: empty in, empty out; NaN counts as no evidence; nothing is a discovery for `α` not above 0.
///
/// Wang and Ramdas (2022), JRSS B 84.
///
/// ```
/// use vigie::measure::sequential::e_bh;
/// let logs: Vec<f64> = [1.0_f64, 50.0, 90.0, 0.2].map(f64::ln).to_vec();
/// let found = e_bh(&logs, 0.05);
/// // 4 / (0.05 · 1) = 80 for the largest, 40 each for two
/// assert_eq!(found.iter().map(|f| f.discovery).collect::<Vec<_>>(), [false, true, true, false]);
/// assert!((found[1].adjusted - 0.04).abs() < 1e-12 && (found[2].adjusted - 0.04).abs() < 1e-12);
/// ```
pub fn e_bh(log_e_values: &[f64], alpha: f64) -> Vec<Finding> {
    let mut order: Vec<(usize, f64)> =
        log_e_values.iter().map(|&e| if e.is_nan() { f64::NEG_INFINITY } else { e }).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let log_m = (order.len() as f64).ln();
    let mut found = vec![Finding { adjusted: 1.0, discovery: false }; order.len()];
    let mut smallest = 0.0_f64;
    for (rank, &(at, log_e)) in order.iter().enumerate().rev() {
        smallest = smallest.min(log_m - ((rank + 1) as f64).ln() - log_e);
        if let Some(finding) = found.get_mut(at) {
            // compared as logarithms: an adjusted value may underflow
            *finding = Finding { adjusted: smallest.exp(), discovery: alpha > 0.0 && smallest <= alpha.ln() };
        }
    }
    found
}

/// `ln E + ln w` with weights `w = m · stake / Σ stakes`: what [`fn@e_bh`] takes where some hypotheses are given more of what
/// is staked than others. One with a part `s` of all stakes is a discovery by itself from `E = 1/(α s)`.
///
/// Stakes must not depend on what is tested: for errors by code, the labels of the reference are known before it is known
/// which are wrong. *Edge cases*: a stake that is negative or no number is 0, which never is a discovery; nothing staked at
/// all gives no evidence.
///
/// Wang and Ramdas (2022), JRSS B 84, on weighted e-values.
///
/// ```
/// use vigie::measure::sequential::{e_bh, e_bh::staked};
/// let logs = [30_f64.ln(), 0.0];
/// assert!(e_bh(&logs, 0.05).iter().all(|found| !found.discovery));
/// let found = e_bh(&staked(&logs, &[9.0, 1.0]), 0.05);
/// assert_eq!(found.iter().map(|f| f.discovery).collect::<Vec<_>>(), [true, false]);
/// ```
pub fn staked(log_e_values: &[f64], stakes: &[f64]) -> Vec<f64> {
    let stake = |at: usize| stakes.get(at).copied().filter(|stake| *stake > 0.0 && stake.is_finite()).unwrap_or(0.0);
    let sum: f64 = (0..log_e_values.len()).map(stake).sum();
    let weight =
        |at: usize| if sum > 0.0 { (log_e_values.len() as f64 * stake(at) / sum).ln() } else { f64::NEG_INFINITY };
    log_e_values.iter().enumerate().map(|(at, log_e)| log_e + weight(at)).collect()
}

/// Stakes on all labels and on those of each code, by the labels of the reference: a third on all, a third evenly over
/// codes, a third by their labels. A code with few labels loses a factor of three at most; one with many rings almost as
/// soon as if it were watched alone.
///
/// ```
/// use vigie::measure::sequential::e_bh::code_stakes;
/// assert_eq!(code_stakes(&[6, 2]), [1.0, 0.5 + 0.75, 0.5 + 0.25]);
/// assert_eq!(code_stakes(&[]), [1.0]);
/// ```
pub fn code_stakes(reference_labels: &[u64]) -> Vec<f64> {
    let codes = reference_labels.len() as f64;
    let sum: f64 = reference_labels.iter().map(|&n| n as f64).sum();
    let stake = |&n: &u64| 1.0 / codes + if sum > 0.0 { n as f64 / sum } else { 1.0 / codes };
    std::iter::once(1.0).chain(reference_labels.iter().map(stake)).collect()
}

/// `ln` of the mean of e-values given as logarithms: an e-value again, that all of their nulls hold. `None` without any.
///
/// Large as soon as one of them is: the price is `ln m`. Vovk and Wang (2021), Annals of Statistics 49: among the
/// symmetric ways to merge e-values, however dependent, none is better.
///
/// ```
/// use vigie::measure::sequential::mean;
/// assert!((mean(&[0.0, 3_f64.ln()]).unwrap() - 2_f64.ln()).abs() < 1e-12);
/// assert_eq!(mean(&[]), None);
/// ```
pub fn mean(log_e_values: &[f64]) -> Option<f64> {
    let count = log_e_values.len() as f64;
    let finite = log_e_values.iter().copied().filter(|e| !e.is_nan());
    finite.reduce(log_add).map(|sum| sum - count.ln())
}
