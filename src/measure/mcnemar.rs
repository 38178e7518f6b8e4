//! Two versions that coded the same rows: which of them is right where they differ?
//!
//! Rows on which both are right, or both wrong, say nothing of which is better. [`mcnemar`] tests the others;
//! [`paired`] says how far apart the two accuracies are, under the review design.

use serde::{Deserialize, Serialize};
use statrs::function::{beta::beta_reg, erf::erfc, gamma::ln_gamma};

use super::{
    accuracy::ratio,
    comparison::{Difference, Joint, moved},
    proportion::Estimate,
    weight::WeightSums,
};

/// McNemar's test in its usual forms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Two-sided binomial test at one half. Keeps its level, and is conservative.
    pub exact_p: f64,
    /// The same with half of the probability of what was seen: close to its level, rarely above it.
    pub mid_p: f64,
    /// `(b − c)²/(b + c)`; `None`, with its p-value, without a row on which the versions differ.
    pub chi2: Option<f64>,
    pub chi2_p: Option<f64>,
    /// With Edwards's continuity correction, `(|b − c| − 1)²/(b + c)`.
    pub chi2_corrected: Option<f64>,
    pub chi2_corrected_p: Option<f64>,
}

/// McNemar's test from the rows that only A, and only B, has right.
///
/// Given that the versions differ on a row, each is as often the right one when they are equally good: `b` of `b + c` is
/// binomial with one half. `exact_p = min(1, 2 P(X ≤ min(b, c)))`, `mid_p = exact_p − P(X = min(b, c))`; the two
/// chi-squared forms are its normal approximation with 1 degree of freedom. Report `mid_p` or `exact_p`.
///
/// *Assumes* independent rows that count the same; else see [`paired`]. *Edge cases*: without a row on which they differ
/// both p-values are 1.
///
/// McNemar (1947), Psychometrika 12; Edwards (1948), Psychometrika 13; Fagerland, Lydersen and Laake (2013), BMC Medical
/// Research Methodology 13.
///
/// ```
/// use vigie::measure::mcnemar::mcnemar;
/// let test = mcnemar(10, 25);
/// assert!((test.exact_p - 0.0166738).abs() < 1e-7);
/// assert!((test.mid_p - 0.0113310).abs() < 1e-7);
/// assert_eq!(mcnemar(0, 0).exact_p, 1.0);
/// ```
pub fn mcnemar(only_a: u64, only_b: u64) -> McNemar {
    let (b, c) = (only_a as f64, only_b as f64);
    let (exact_p, mid_p) = sign_test(b, c);
    let statistic = |correction: f64| {
        let chi2 = ((b - c).abs() - correction).powi(2) / (b + c);
        chi2.is_finite().then_some(chi2)
    };
    // upper tail with 1 degree of freedom
    let p = |chi2: Option<f64>| chi2.map(|chi2| erfc((chi2 / 2.0).sqrt()));
    let (chi2, chi2_corrected) = (statistic(0.0), statistic(1.0));
    McNemar { exact_p, mid_p, chi2, chi2_p: p(chi2), chi2_corrected, chi2_corrected_p: p(chi2_corrected) }
}

/// Exact and mid p-value that `b` and `c` are halves of `b + c` rows, which need not be whole numbers.
fn sign_test(b: f64, c: f64) -> (f64, f64) {
    let (few, many) = (b.min(c), b.max(c));
    let n = few + many;
    // also where one is not a number
    if !(n > 0.0 && n.is_finite()) {
        return (1.0, 1.0);
    }
    if few == many {
        return (1.0, 1.0 - at_one_half(few, many) / 2.0);
    }
    // P(X ≤ few)
    let tail = 2.0 * beta_reg(many, few + 1.0, 0.5);
    (tail.min(1.0), (tail - at_one_half(few, many)).clamp(0.0, 1.0))
}

/// Binomial probability of `few` of `few + many` at one half.
fn at_one_half(few: f64, many: f64) -> f64 {
    let n = few + many;
    (ln_gamma(n + 1.0) - ln_gamma(few + 1.0) - ln_gamma(many + 1.0) - n * std::f64::consts::LN_2).exp()
}

/// What the rows must stand for on which only one version is right, in [`Paired::discordant_typical`], for an interval to be
/// shown: with less it hardly ever misses (`docs/statistics.md`).
pub const LEAST_DISCORDANT: f64 = 12.0;

/// Labelled rows by which of two versions has them right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pairs {
    pub both: WeightSums,
    pub only_a: WeightSums,
    pub only_b: WeightSums,
    pub neither: WeightSums,
}

/// Accuracies of two versions on the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    pub a: Estimate,
    pub b: Estimate,
    /// Of B over A.
    pub difference: Difference,
    /// Labelled rows, and those of them on which only one version is right.
    pub n: u64,
    pub discordant: u64,
    /// What those on which only one is right stand for, in rows of the usual size `Σw²/Σw`: one that counts as much as twelve
    /// others is hardly ever missed on both sides by an interval, and says little where it is the only one.
    pub discordant_typical: f64,
    /// Of no difference; `None` without labels.
    pub p_value: Option<f64>,
}

/// Paired difference of two accuracies under the review design.
///
/// `D = (Σ_{only B} w − Σ_{only A} w) / Σ w`. *Interval*: Newcombe's method 10. The two Wilson intervals, each at its
/// effective n ([`super::accuracy`]), are squared and added less what the two accuracies have in common:
/// `D − √(l_B² + u_A² − 2 φ l_B u_A)` to `D + √(u_B² + l_A² − 2 φ u_B l_A)`, with `l`, `u` the distances of the bounds
/// from their estimate. `φ` is the linearised correlation of the two estimates,
/// `Σ w² e_A e_B / √(Σ w² e_A² Σ w² e_B²)` with `e = y − p`. As Newcombe has it, a positive one is lowered, by
/// `1/(2 n √(p_A q_A p_B q_B))` but not below 0, `n` the labelled rows. Equal weights give his interval.
///
/// *Test*: [`mcnemar`]'s exact one at effective counts: `n = (Σw)²/Σw²` over the rows on which only one is right, and
/// B's share of their weight. With equal weights it is `exact_p`.
///
/// *Target*: the versions, not these rows: sums are seen as [`WeightSums::with_replacement`], so pass them as they are.
/// *Assumes* independent rows with known inclusion probabilities and right labels. *Edge cases*: no labels give `None`.
///
/// Newcombe (1998), Statistics in Medicine 17, 2635-2650; Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33.
///
/// ```
/// use vigie::measure::{mcnemar::{Pairs, paired}, weight::WeightSums};
/// let [both, only_a, only_b, neither] = [1, 1, 7, 12].map(WeightSums::certain);
/// let found = paired(&Pairs { both, only_a, only_b, neither }, 0.95);
/// assert!((found.difference.lower.unwrap() - 0.026).abs() < 5e-4);
/// assert!((found.difference.upper.unwrap() - 0.507).abs() < 5e-4);
/// assert!((found.p_value.unwrap() - 0.0703125).abs() < 1e-9);
/// ```
pub fn paired(pairs: &Pairs, confidence_level: f64) -> Paired {
    let cells = [pairs.both, pairs.only_a, pairs.only_b, pairs.neither];
    let [both, only_a, only_b, neither] = cells.map(WeightSums::with_replacement);
    let a = ratio(&(both + only_a), &(only_b + neither)).interval(confidence_level).0;
    let b = ratio(&(both + only_b), &(only_a + neither)).interval(confidence_level).0;
    let n = cells.iter().map(|cell| cell.n).sum();
    let discordant = pairs.only_a + pairs.only_b;
    let rows = discordant.effective();
    let [x, y] = [pairs.only_a, pairs.only_b].map(|side| rows * side.total() / discordant.total());
    let all: WeightSums = cells.into_iter().sum();
    let typical = discordant.total() * all.total() / all.squares();
    Paired {
        a,
        b,
        difference: moved(a, b, Joint { correlation: correlation(&cells, n, a, b), variance: 0.0 }),
        n,
        discordant: discordant.n,
        discordant_typical: if typical.is_finite() { typical } else { 0.0 },
        p_value: (n > 0).then(|| sign_test(x, y).0),
    }
}

/// Linearised, of the two accuracies, lowered as Newcombe has it; 0 where one of them does not vary.
fn correlation(cells: &[WeightSums; 4], n: u64, a: Estimate, b: Estimate) -> f64 {
    let (Some(a), Some(b)) = (a.estimate, b.estimate) else { return 0.0 };
    let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
    let residuals = [(1.0 - a, 1.0 - b), (1.0 - a, -b), (-a, 1.0 - b), (-a, -b)];
    for (cell, (of_a, of_b)) in cells.iter().zip(residuals) {
        aa += cell.squares() * of_a * of_a;
        ab += cell.squares() * of_a * of_b;
        bb += cell.squares() * of_b * of_b;
    }
    let phi = ab / (aa * bb).sqrt();
    let lowered =
        if phi > 0.0 { (phi - 0.5 / (n as f64 * (a * (1.0 - a) * b * (1.0 - b)).sqrt())).max(0.0) } else { phi };
    if lowered.is_finite() { lowered.clamp(-1.0, 1.0) } else { 0.0 }
}
