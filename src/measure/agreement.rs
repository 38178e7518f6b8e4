//! How far people agree on labels, and what that leaves of a measured accuracy.

pub mod cohen;
pub mod noise;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::proportion::{Estimate, student_widening, wilson};

/// Items that were given the same labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Votes {
    /// Labels by code, codes counted from 0, each once.
    pub labels: Vec<(usize, u32)>,
    pub items: u64,
}

impl Votes {
    /// Labels on one item.
    fn size(&self) -> f64 {
        self.labels.iter().map(|(_, n)| f64::from(*n)).sum()
    }
}

/// Agreement of two or more annotators who may be different people on each item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Items with at least two labels.
    pub items: u64,
    /// Labels on them.
    pub labels: f64,
    /// Share of pairs of labels on one item that are equal.
    pub observed: Estimate,
    /// Fleiss' kappa: agreement beyond that of labels dealt at random, 1 when all agree; may be below 0.
    pub kappa: Estimate,
    /// Krippendorff's alpha for names: the same with a correction for few labels.
    pub alpha: Estimate,
    /// At the code's number, as far as codes were met.
    pub codes: Vec<OfCode>,
}

/// Agreement on one code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OfCode {
    /// Labels that gave it, on items with at least two.
    pub labels: f64,
    /// Of the other labels on items that somebody gave it, the share that have it, too.
    pub agreement: Estimate,
    /// What the others most often said instead.
    pub instead: Option<usize>,
}

/// Agreement from the labels of each item.
///
/// An item with `m` labels, `x_c` of them `c`, adds `1/(m−1)` for each of its `m(m−1)` ordered pairs (Krippendorff's
/// coincidences). With `V` their sum, which is the number of labels, `v_c` the labels `c`, `e_c = Σ x_c(x_c−1)/(m−1)`
/// the pairs of equal ones and `P_e = Σ (v_c/V)²`:
/// - observed `P_o = Σ e_c / V`,
/// - Fleiss' `κ = (P_o − P_e)/(1 − P_e)`; with as many labels on every item it is his formula,
/// - Krippendorff's `α = 1 − (1 − 1/V)(1 − κ)`,
/// - of a code, `e_c / v_c` (specific agreement).
///
/// *Intervals* are Wilson's at the number of items `p(1−p)/s²` at which a proportion has the linearised variance `s²` of
/// the figure, a sum over items. With `a = Σ x_c(x_c−1)/(m(m−1))` an item moves `P_o` by `m (a − P_o)/V`, `κ` by
/// `(m/V) [(a − P_o)/(1−P_e) − 2(1−P_o)(Σ p_c x_c/m − P_e)/(1−P_e)²]` and `e_c/v_c = q` by `[x_c(x_c−1)/(m−1) − q x_c]/v_c`.
/// `s²` is pooled with what few items would show if they were typical: two items of the variance `p(1−p)/k`, with
/// `k = (Σ m)²/Σ m²` items (Kish). Of a code four, of items that give it to all their labels or to one: `q(1−q) [m̄(1−q) + q]/v_c`,
/// `m̄` their labels. (An item that differs takes one label from each of two codes: near `q = 1` it is labels that count,
/// not items.) Where all agree or none, the typical variance alone says how many. Fewer than [`LEAST_ITEMS`] have no interval.
///
/// *Assumes* items independent of each other and drawn alike; labels of one item may depend on each other. *Edge cases*:
/// items with fewer than two labels are left out, `None` without any other; one code only leaves `κ` and `α` without a
/// value, as chance would agree, too.
///
/// Fleiss (1971), Psychological Bulletin 76; Krippendorff (2004), Content Analysis, chapter 11; Cicchetti and Feinstein
/// (1990), Journal of Clinical Epidemiology 43, for single codes; Gwet (2008), British Journal of Mathematical and
/// Statistical Psychology 61, for variances by linearisation; Kish (1965), Survey Sampling.
///
/// ```
/// use vigie::measure::agreement::{Votes, agreement};
/// // two labels on each of 100 items: 45 twice the first code, 35 twice the second, 20 differ
/// let votes = |labels: &[(usize, u32)], items| Votes { labels: labels.to_vec(), items };
/// let all = [votes(&[(0, 2)], 45), votes(&[(1, 2)], 35), votes(&[(0, 1), (1, 1)], 20)];
/// let found = agreement(&all, 0.95).unwrap();
/// assert_eq!(found.observed.estimate, Some(0.8));
/// assert!((found.kappa.estimate.unwrap() - (0.8 - 0.505) / 0.495).abs() < 1e-12);
/// assert!((found.codes[0].agreement.estimate.unwrap() - 90.0 / 110.0).abs() < 1e-12);
/// ```
pub fn agreement(votes: &[Votes], confidence_level: f64) -> Option<Agreement> {
    let votes: Vec<&Votes> = votes.iter().filter(|v| v.items > 0 && v.size() >= 2.0).collect();
    let mut codes: Vec<Code> = Vec::new();
    let (mut total, mut squares) = (0.0, 0.0);
    for v in &votes {
        let (n, m) = (v.items as f64, v.size());
        total += n * m;
        squares += n * m * m;
        for (at, x) in &v.labels {
            if codes.len() <= *at {
                codes.resize_with(*at + 1, Code::default);
            }
            let others = v.labels.iter().filter(|(other, _)| other != at);
            if let Some(code) = codes.get_mut(*at) {
                code.add(n, f64::from(*x), m, others);
            }
        }
    }
    if total <= 0.0 {
        return None;
    }
    let share: Vec<f64> = codes.iter().map(|code| code.labels / total).collect();
    let observed = (codes.iter().map(|code| code.equal).sum::<f64>() / total).clamp(0.0, 1.0);
    let chance: f64 = share.iter().map(|p| p * p).sum();
    let (mut of_observed, mut of_kappa) = (0.0, 0.0);
    for v in &votes {
        let (n, m) = (v.items as f64, v.size());
        let equal: f64 = v.labels.iter().map(|(_, x)| equal(f64::from(*x), m)).sum::<f64>() / m;
        let margin: f64 = v.labels.iter().map(|(at, x)| share.get(*at).unwrap_or(&0.0) * f64::from(*x) / m).sum();
        let weight = n * (m / total).powi(2);
        of_observed += weight * (equal - observed).powi(2);
        of_kappa += weight * moves(equal, observed, chance, 2.0 * (margin - chance)).powi(2);
    }
    let effective = total * total / squares;
    let items = votes.iter().fold(0, |sum: u64, v| sum.saturating_add(v.items));
    let agreed = interval(observed, of_observed, effective, Typical::of_items(effective), confidence_level);
    let beyond = beyond_chance(observed, chance, of_kappa, effective, confidence_level);
    let kappa = of_enough(beyond, items as f64);
    let fewer = |kappa: f64| 1.0 - (1.0 - 1.0 / total) * (1.0 - kappa);
    Some(Agreement {
        items,
        labels: total,
        observed: of_enough(agreed, items as f64),
        kappa,
        alpha: Estimate {
            estimate: kappa.estimate.map(fewer),
            lower: kappa.lower.map(fewer),
            upper: kappa.upper.map(fewer),
        },
        codes: codes.into_iter().map(|code| code.read(confidence_level)).collect(),
    })
}

/// Items that an interval needs, of a code those on which somebody gave it: a handful has so few tables that intervals
/// hold in 92 or in 99 % of cases, whatever they are made of.
pub const LEAST_ITEMS: f64 = 10.0;

/// A variance to be expected before items are seen, and how many of them it counts for: few items seldom show how much
/// they differ.
#[derive(Clone, Copy)]
struct Typical {
    items: f64,
    /// Of the figure, in parts of `p(1−p)`.
    variance: f64,
}

impl Typical {
    /// Of the agreement on all codes: every item as uncertain as one pair of labels.
    fn of_items(items: f64) -> Self {
        Typical { items: 2.0, variance: 1.0 / items }
    }
}

/// Pairs of a label and an equal one, of `x` equal labels among `m`.
fn equal(x: f64, m: f64) -> f64 {
    x * (x - 1.0) / (m - 1.0)
}

/// Sums over the items on which somebody gave a code.
#[derive(Debug, Default)]
struct Code {
    items: f64,
    labels: f64,
    equal: f64,
    labels_squared: f64,
    /// Labels with their items' labels of all codes.
    company: f64,
    equal_squared: f64,
    product: f64,
    /// Pairs with another code.
    others: BTreeMap<usize, f64>,
}

impl Code {
    fn add<'a>(&mut self, n: f64, x: f64, m: f64, others: impl Iterator<Item = &'a (usize, u32)>) {
        let equal = equal(x, m);
        self.items += n;
        self.labels += n * x;
        self.company += n * x * m;
        self.equal += n * equal;
        self.labels_squared += n * x * x;
        self.equal_squared += n * equal * equal;
        self.product += n * x * equal;
        for (other, y) in others {
            *self.others.entry(*other).or_default() += n * x * f64::from(*y) / (m - 1.0);
        }
    }

    fn read(self, confidence_level: f64) -> OfCode {
        let instead = self.others.iter().rev().max_by(|a, b| a.1.total_cmp(b.1)).map(|(other, _)| *other);
        if self.labels <= 0.0 {
            return OfCode::default();
        }
        let p = (self.equal / self.labels).clamp(0.0, 1.0);
        let squares = self.equal_squared - 2.0 * p * self.product + p * p * self.labels_squared;
        let items = self.labels.powi(2) / self.labels_squared;
        let variance = squares.max(0.0) / self.labels.powi(2);
        let crowd = self.company / self.labels;
        let typical = Typical { items: 4.0, variance: (crowd * (1.0 - p) + p) / self.labels };
        let agreement = of_enough(interval(p, variance, items, typical, confidence_level), self.items);
        OfCode { labels: self.labels, agreement, instead }
    }
}

/// Wilson's interval at the number of items that gives a variance, once steadied.
fn interval(p: f64, variance: f64, items: f64, typical: Typical, confidence_level: f64) -> Estimate {
    let one = p * (1.0 - p);
    let n = one * (items + typical.items) / (items * variance + typical.items * typical.variance * one);
    // all agree, or none: no variance is seen
    let n = if n.is_finite() && n > 0.0 { n } else { 1.0 / typical.variance };
    wilson(p, n, confidence_level)
}

/// Without bounds where items are few.
fn of_enough(found: Estimate, items: f64) -> Estimate {
    if items >= LEAST_ITEMS { found } else { found.without_bounds() }
}

/// How much an item moves kappa, given how far it agrees (`equal`) and how much it moves chance (`margins`).
fn moves(equal: f64, observed: f64, chance: f64, margins: f64) -> f64 {
    (equal - observed) / (1.0 - chance) - (1.0 - observed) * margins / (1.0 - chance).powi(2)
}

/// Kappa with Wilson's interval for the observed agreement, at the number of items that gives kappa's own variance, made
/// as much larger as Student's quantile of so many items is than the normal one: few items say little of what chance gives.
fn beyond_chance(observed: f64, chance: f64, variance: f64, items: f64, confidence_level: f64) -> Estimate {
    if chance >= 1.0 - 1e-12 {
        return Estimate::default();
    }
    let scale = |agreed: f64| (agreed - chance) / (1.0 - chance);
    let wider = student_widening(confidence_level, items - 1.0);
    let variance = wider * variance * (1.0 - chance).powi(2);
    let found = interval(observed, variance, items, Typical::of_items(items), confidence_level);
    Estimate { estimate: found.estimate.map(scale), lower: found.lower.map(scale), upper: found.upper.map(scale) }
}
