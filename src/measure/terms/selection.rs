//! Which of many exact tests are discoveries.

use super::exact::UpperTail;
use crate::measure::multiple_testing::benjamini_hochberg;

/// Discoveries among many tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Discoveries {
    /// q-value of each test; `None` where its margins rule a discovery out.
    pub q_values: Vec<Option<f64>>,
    /// Tests that could have been a discovery.
    pub tested: usize,
    /// The greatest p-value of a discovery; 0 without one.
    pub cutoff: f64,
}

/// Benjamini-Hochberg over the tests that can be significant at all (Tarone's subset, after Gilbert).
///
/// An exact test of a term in few rows cannot give a small p-value whatever it finds, and only makes the correction of
/// the others heavier. Such tests are set aside by their smallest attainable p-value, which depends on margins only and
/// so not on what is tested: the subset is that with `least ≤ α/K`, for the smallest `K` such that no more than `K`
/// tests are in it. Calling `q ≤ α` a discovery within the subset keeps the expected share of false ones at `α`.
///
/// Why Benjamini-Hochberg: terms depend on each other, mostly positively (the words of one text rise together), where
/// its promise holds. Shares compete, which is a dependence of the order of 1/n the other way. Benjamini-Yekutieli would
/// hold under any dependence, at the price of p-values about nine times smaller among 4,000 tests. That the share of
/// false discoveries keeps to `α` on texts as they are is shown by simulation, for this choice.
///
/// *Edge cases*: no test, no discovery.
///
/// Benjamini and Hochberg (1995), JRSS B 57; Benjamini and Yekutieli (2001), Annals of Statistics 29; Tarone (1990),
/// Biometrics 46; Gilbert (2005), Applied Statistics 54.
///
/// ```
/// use vigie::measure::terms::{UpperTail, select};
/// let tests = [(0.001, 1e-9), (0.03, 1e-9), (0.5, 0.5)].map(|(p_value, least)| UpperTail { p_value, least });
/// let found = select(&tests, 0.05);
/// assert_eq!((found.tested, found.q_values[0], found.q_values[2]), (2, Some(0.002), None));
/// assert_eq!(found.cutoff, 0.03);
/// ```
pub fn select(tests: &[UpperTail], alpha: f64) -> Discoveries {
    let bar = tarone(tests, alpha);
    let tested: Vec<usize> = (0..).zip(tests).filter(|(_, test)| test.least <= bar).map(|(at, _)| at).collect();
    let p_value = |at: usize| tests.get(at).map_or(1.0, |test| test.p_value);
    let p_values: Vec<f64> = tested.iter().map(|&at| p_value(at)).collect();
    let mut found = Discoveries { q_values: vec![None; tests.len()], tested: tested.len(), cutoff: 0.0 };
    for (at, q) in tested.into_iter().zip(benjamini_hochberg(&p_values)) {
        if let Some(place) = found.q_values.get_mut(at) {
            *place = Some(q);
        }
        if q <= alpha {
            found.cutoff = found.cutoff.max(p_value(at));
        }
    }
    found
}

/// The bar `α/K` for the smallest attainable p-value.
fn tarone(tests: &[UpperTail], alpha: f64) -> f64 {
    let mut least: Vec<f64> = tests.iter().map(|test| test.least).collect();
    least.sort_unstable_by(f64::total_cmp);
    let within = |k: usize| least.partition_point(|&p| p <= alpha / k as f64);
    (1..=tests.len()).find(|&k| within(k) <= k).map_or(alpha, |k| alpha / k as f64)
}
