//! Which codes a version helped, and which it hurt.

use serde::{Deserialize, Serialize};

use super::{
    Difference, difference,
    melded::{Counts, melded},
};
use crate::measure::{
    accuracy::accuracy_of_part,
    classification::LEAST_LABELS,
    factorial::ln_factorial,
    multiple_testing::benjamini_hochberg,
    proportion::Estimate,
    weight::WeightSums,
    whole::{Met, Whole},
};

/// Labelled rows of one code under one version, on one route.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Confusion {
    /// Predictions of the code, with a label or not.
    pub predictions: u64,
    pub true_positives: WeightSums,
    pub false_positives: WeightSums,
    pub false_negatives: WeightSums,
}

impl Confusion {
    /// As [`Whole`] asks it.
    pub fn met(&self) -> Met {
        Met {
            predictions: self.predictions,
            predicted: self.true_positives.n + self.false_positives.n,
            actual: self.true_positives.n + self.false_negatives.n,
            right: self.true_positives.n,
        }
    }
}

/// One share of a code under both versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub a: Estimate,
    pub b: Estimate,
    pub difference: Difference,
    /// Labelled rows of A and of B.
    pub n: [u64; 2],
    /// Of no difference; `None` where so few labels could not show any, or none are there.
    pub p_value: Option<f64>,
    /// Benjamini-Hochberg adjusted over everything that was tested.
    pub q_value: Option<f64>,
}

/// Precision and recall of one code under both versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeChange {
    pub precision: Change,
    pub recall: Change,
}

/// Precision and recall of every code, B against A, in input order: `[code][version][route]`.
///
/// Both are Hájek shares with Wilson's interval at the effective n, steadied by all codes of the version as
/// in [`crate::measure::classification::classification`]; their difference has [`difference`]'s. The p-value is [`melded`]'s
/// at the same effective counts: with equal weights an exact test. A code's own labels would not do for it: where by chance
/// they hold no heavy mistake, they look like many. Only what so many labels could show is
/// tested at all: with fewer than [`LEAST_LABELS`] of a version, or if all right against all wrong would have `p > level`, there is no p-value. That looks at numbers of labels, never at who was right, so
/// the level holds, and hundreds of codes with two labels do not weigh on the others. q-values are
/// [`benjamini_hochberg`]'s over both shares of all codes that were tested: calling everything with `q ≤ level` changed
/// keeps the expected share of false calls at or below `level`.
///
/// The interval is not the test: it holds its level on average, the test in each case, so an interval without 0 may go
/// with a p-value above 5 %. *Target*: the versions, see [`super`]. *Assumes* independent rows and right labels.
/// One code among hundreds needs many labels: a loss of 20 points was called in 64 % of simulations with some 120
/// effective rows of the code under each version, and in 93 % with some 230. Pass groups of codes for a coarser, stronger look, or leave out the codes with few labels.
/// Precision also depends on what arrived; recall depends on it through the texts of the code alone.
///
/// *Edge cases*: a version without a labelled row for a share has `None` there, and no difference. A `level` outside
/// (0, 1) tests nothing.
///
/// Fay, Proschan and Brittain (2015), Biometrics 71; Gilbert (2005), JRSS C 54, on tests that cannot reject.
///
/// ```
/// use vigie::measure::{comparison::code::{Confusion, changed, changes}, weight::WeightSums};
/// let of = |right, wrong| Confusion {
///     predictions: right + 1,
///     true_positives: WeightSums::certain(right),
///     false_positives: WeightSums::certain(1),
///     false_negatives: WeightSums::certain(wrong),
/// };
/// let (same, worse) = ([vec![of(40, 10)], vec![of(41, 9)]], [vec![of(40, 10)], vec![of(20, 30)]]);
/// let codes = changes(&[worse, same], 0.95, 0.05);
/// assert_eq!(changed(&codes, |code| &code.recall, 0.05).hurt, [0]);
/// assert!(codes[1].recall.q_value.unwrap() > 0.5);
/// ```
pub fn changes(codes: &[[Vec<Confusion>; 2]], confidence_level: f64, level: f64) -> Vec<CodeChange> {
    let missed: [fn(&Confusion) -> WeightSums; 2] = [|code| code.false_positives, |code| code.false_negatives];
    let sides = |code: &Confusion, share: usize| [code.true_positives, missed[share](code)];
    let routes = codes.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let whole = |version: usize, share: usize| {
        let of = |route: usize| sum(codes.iter().filter_map(|code| Some(sides(code[version].get(route)?, share))));
        Whole::new((0..routes).map(of).collect()).with_replacement()
    };
    let wholes = [0, 1].map(|version| [0, 1].map(|share| whole(version, share)));
    let mut found: Vec<CodeChange> = codes
        .iter()
        .map(|versions| {
            let of = |share: usize| {
                let rows = [0, 1].map(|version| sum(versions[version].iter().map(|route| sides(route, share))));
                let like = [0, 1].map(|version| {
                    let met: Vec<Met> = versions[version].iter().map(Confusion::met).collect();
                    let whole = &wholes[version][share];
                    if share == 0 { whole.of_predictions(&met) } else { whole.of_truth(&met) }
                });
                change(rows, like, confidence_level, level)
            };
            CodeChange { precision: of(0), recall: of(1) }
        })
        .collect();
    let mut tested: Vec<&mut Change> = found
        .iter_mut()
        .flat_map(|code| [&mut code.precision, &mut code.recall])
        .filter(|change| change.p_value.is_some())
        .collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|change| change.p_value).collect();
    for (change, q) in tested.iter_mut().zip(benjamini_hochberg(&p_values)) {
        change.q_value = Some(q);
    }
    found
}

/// Positions of the codes whose share changed, surest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub helped: Vec<usize>,
    pub hurt: Vec<usize>,
}

/// The codes with `q ≤ level`, by the sign of their difference; `of` says which share.
pub fn changed(codes: &[CodeChange], of: impl Fn(&CodeChange) -> &Change, level: f64) -> Changed {
    let mut sure: Vec<(f64, f64, usize)> = codes
        .iter()
        .enumerate()
        .filter_map(|(at, code)| Some((of(code).q_value?, of(code).difference.estimate?, at)))
        .filter(|(q, _, _)| *q <= level)
        .collect();
    sure.sort_by(|x, y| x.0.total_cmp(&y.0).then(y.1.abs().total_cmp(&x.1.abs())));
    let with = |sign: f64| sure.iter().filter(|(_, d, _)| d * sign > 0.0).map(|(_, _, at)| *at).collect();
    Changed { helped: with(1.0), hurt: with(-1.0) }
}

/// Right and wrong rows, each apart.
fn sum(rows: impl Iterator<Item = [WeightSums; 2]>) -> [WeightSums; 2] {
    rows.fold([WeightSums::default(); 2], |sum, rows| [sum[0] + rows[0], sum[1] + rows[1]])
}

/// Right and wrong rows of A and of B, and of all codes of each.
fn change(rows: [[WeightSums; 2]; 2], wholes: [[WeightSums; 2]; 2], confidence_level: f64, level: f64) -> Change {
    let found = [0, 1].map(|version| {
        let rows = rows[version].map(WeightSums::with_replacement);
        accuracy_of_part(rows, Some(wholes[version]), confidence_level)
    });
    let n = found.map(|of| of.n);
    if n.iter().any(|n| *n < LEAST_LABELS) {
        let [a, b] = found.map(|of| of.estimate.without_bounds());
        return Change { a, b, difference: difference(a, b), n, ..Change::default() };
    }
    let counts = found.each_ref().map(Counts::effective);
    let p_value = match counts {
        [Some(a), Some(b)] if could_show(n, level) => Some(melded(a, b)),
        _ => None,
    };
    let [a, b] = found.map(|of| of.estimate);
    Change { a, b, difference: difference(a, b), n, p_value, q_value: None }
}

/// All right against all wrong would have a two-sided p-value of at most `level`.
fn could_show([a, b]: [u64; 2], level: f64) -> bool {
    let least = 2.0 * (ln_factorial(a) + ln_factorial(b) - ln_factorial(a.saturating_add(b))).exp();
    least <= level && level < 1.0
}
