//! Which of many exact tests are discoveries.

use super::exact::{Margins, UpperTail};

/// Discoveries among many tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Discoveries {
    /// q-value of each test; `None` where its margins rule out a p-value of `α` at all.
    pub q_values: Vec<Option<f64>>,
    /// Tests that could have been a discovery.
    pub tested: usize,
    /// The greatest p-value of a discovery; 0 without one.
    pub cutoff: f64,
}

/// Two p-values are the same within this factor: one is summed from above, the other from the value observed.
const SAME: f64 = 1.0 + 1e-9;

/// Benjamini-Hochberg over exact tests, by what each of them may give (discrete Benjamini-Hochberg).
///
/// Benjamini-Hochberg reckons with `m p` tests below `p` by chance. Exact tests of rare terms give few different
/// p-values, so there are `Σ_i F_i(p)` of them, `F_i(p)` the greatest p-value up to `p` that the margins of test `i`
/// allow: for a term in too few rows nothing at all, for most others a fraction of `p`. So
/// `q_(k) = min_{j ≥ k} Σ_i F_i(p_(j)) / ((1 − α) j)`, `1 − α` being the price of a step-up procedure, where the
/// greatest p-value of a discovery is `α`. Calling `q ≤ α` a discovery keeps the expected share of false ones at `α`
/// where tests are independent. It depends on margins only, which are not what is tested.
///
/// No q is below `Σ_i F_i(p_(1))`, Bonferroni's bound for the smallest p-value: where nothing rises, some discovery is
/// made with probability `α` at most, however tests depend on each other. Where something rises it hardly ever matters.
///
/// `margins` are those of all `tests`, each with its p-values up to `α` at least.
///
/// Why no procedure for any dependence: terms depend on each other, mostly positively (the words of one text rise
/// together). Shares compete, which is a dependence of the order of 1/n the other way. Benjamini-Yekutieli would ask
/// for p-values about nine times smaller among 4,000 tests. That the share of false discoveries keeps to `α` on texts
/// as they are is shown by simulation, for this choice.
///
/// *Edge cases*: no test, no discovery. A p-value above `α` has q = 1.
///
/// Döhler, Durand and Roquain (2018), Electronic Journal of Statistics 12, theorem 1 with all critical values up to `α`;
/// Heyse (2011), Annals of Applied Statistics 5; Benjamini and Hochberg (1995), JRSS B 57; Tarone (1990), Biometrics 46,
/// on tests without a chance.
///
/// ```
/// use vigie::measure::terms::{Margins, UpperTail, select};
/// let tests = [(0.001, 0.001), (0.03, 0.03), (0.5, 0.5)].map(|(p_value, least)| UpperTail { p_value, least });
/// let margins = tests.map(|test| Margins { tests: 1, p_values: Some(vec![test.p_value]) });
/// let found = select(&tests, &margins, 0.05);
/// assert_eq!((found.tested, found.q_values[2], found.cutoff), (2, None, 0.03));
/// assert!((found.q_values[1].unwrap() - (0.001 + 0.03) / 2.0 / 0.95).abs() < 1e-12);
/// ```
pub fn select(tests: &[UpperTail], margins: &[Margins], alpha: f64) -> Discoveries {
    let mut q_values: Vec<Option<f64>> = tests.iter().map(|test| (test.least <= alpha).then_some(1.0)).collect();
    let mut hopeful: Vec<(f64, usize)> =
        tests.iter().zip(0..).filter(|(test, _)| test.p_value <= alpha).map(|(test, at)| (test.p_value, at)).collect();
    hopeful.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let steps = steps(margins);
    let by_chance = by_chance(&steps, margins, hopeful.iter().map(|(p, _)| *p));
    let bonferroni = by_chance.first().copied().unwrap_or(1.0).min(1.0);
    let (mut smallest, mut cutoff) = (1.0_f64, 0.0);
    for (rank, (&(p, at), chance)) in hopeful.iter().zip(by_chance).enumerate().rev() {
        smallest = smallest.min(chance / ((1.0 - alpha) * (rank + 1) as f64));
        let q = smallest.max(bonferroni);
        if let Some(place) = q_values.get_mut(at) {
            *place = Some(q);
        }
        if q <= alpha && cutoff == 0.0 {
            cutoff = p;
        }
    }
    // without a discovery, those that could have been the only one
    let first = steps.iter().scan(0.0, |sum, (p, more)| {
        *sum += more;
        (*sum <= alpha).then_some(*p)
    });
    let bar = first.last().unwrap_or(0.0).max(cutoff) * SAME;
    let tested = tests.iter().filter(|test| test.least <= bar).count();
    Discoveries { q_values, tested, cutoff }
}

/// Each p-value that some test may give, rising, and what it adds to the number of tests that chance puts there.
fn steps(margins: &[Margins]) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for law in margins {
        let allowed = law.p_values.iter().flatten();
        let before = std::iter::once(&0.0).chain(allowed.clone());
        steps.extend(allowed.zip(before).map(|(p, before)| (*p, law.tests as f64 * (p - before))));
    }
    steps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    steps
}

/// How many tests chance alone puts at or below each of these p-values, which rise.
fn by_chance(steps: &[(f64, f64)], margins: &[Margins], p_values: impl Iterator<Item = f64>) -> Vec<f64> {
    let any: u64 = margins.iter().filter(|law| law.p_values.is_none()).map(|law| law.tests).sum();
    let mut steps = steps.iter().peekable();
    let mut sum = 0.0;
    let sums = p_values.map(|p| {
        while let Some((_, more)) = steps.next_if(|(step, _)| *step <= p * SAME) {
            sum += more;
        }
        sum + any as f64 * p
    });
    sums.collect()
}
