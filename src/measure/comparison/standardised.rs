//! Accuracies of two versions as if both had coded the same mix of texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Difference, difference, melded::Counts, score::score_difference};
use crate::measure::{
    accuracy::{Accuracy, routes::accuracy_of_routes},
    proportion::{Estimate, normal_quantile},
    weight::WeightSums,
};

/// Labelled rows of one version in one stratum, right and wrong ones of each route: automatic, manual. Routes have the same
/// place in all.
pub type Labelled = Vec<[WeightSums; 2]>;

/// Adds the rows as `seen`, route by route.
fn add(to: &mut Labelled, rows: &Labelled, seen: impl Fn(WeightSums) -> WeightSums) {
    if to.len() < rows.len() {
        to.resize(rows.len(), Default::default());
    }
    let pairs = to.iter_mut().flatten().zip(rows.iter().flatten());
    pairs.for_each(|(to, rows)| *to += seen(*rows));
}

fn sum(of: &Labelled) -> WeightSums {
    of.iter().flatten().copied().sum()
}

/// Rows of both versions that are alike in what neither of them decides: the origin of the text, or its true code. Not
/// the code that was predicted nor the confidence, which are the version's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stratum {
    /// The groups that it belongs to, coarsest first: a number for each, unique within its level. Strata of few rows
    /// lean on them.
    pub groups: Vec<usize>,
    /// Predictions of A and of B, labelled or not, where the stratum of each is known. The labels say it where `None`, as
    /// they must for true codes.
    pub rows: Option<[u64; 2]>,
    pub a: Labelled,
    pub b: Labelled,
}

/// A version that met a stratum less than so many times as often as it met others does not stand for it.
pub const LEAST_OVERLAP: f64 = 0.05;

/// Times what it would that a row counts at most.
const MOST_TIMES: f64 = 8.0;

/// Labels of each version from which they are put on one mix: so many, or five for each of a few strata. Of fewer, hundreds of
/// strata learn next to nothing of what they met: with 50 labels of a version intervals covered 92 to 94 %.
pub const LEAST_LABELS: u64 = 60;

/// Rows that a group counts for in each of its strata.
const LEAN: f64 = 4.0;

/// Part of what noise in `e` adds to `1/e`, to the second order, that is taken out. The rest makes up for what leaning leaves in:
/// without it, codes unlike those of their group were covered 89 to 92 % (`docs/statistics.md`, "Versions").
const NOISE: f64 = 0.33;

/// Standard errors that half the leaning's change counts as.
const LEFT_IN: f64 = 0.8;

/// What `n Σw²/(Σw)²` may be of labels that weigh about the same; 1 where all weigh the same.
const ALIKE: f64 = 1.1;

/// Two accuracies and their difference, as they are and over one mix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Standardised {
    /// Each version's accuracy on its own texts.
    pub plain_a: Accuracy,
    pub plain_b: Accuracy,
    pub plain: Difference,
    /// Each version's accuracy on the mix of both.
    pub a: Accuracy,
    pub b: Accuracy,
    pub difference: Difference,
    /// Share of the mix left out, as one version met next to nothing of it: the difference says nothing of that.
    pub uncovered: f64,
}

/// Difference of two accuracies over one mix of texts.
///
/// The days of two versions differ in what arrived, so their accuracies do. `e_h` is A's part of the rows of both in
/// stratum `h`. Every labelled row of A counts `w/e_h` and every one of B `w/(1 − e_h)`: both then have the mix of the
/// two together, and each accuracy is Hájek's with its interval over routes ([`accuracy_of_routes`]). With `e_h` as counted
/// this is direct standardisation, `p_v = Σ_h s_h p_vh`, `s_h` the stratum's share of all rows; with true codes as strata
/// it weighs recalls by prevalences.
///
/// In hundreds of strata most have few labels, and then `e_h` as counted misleads twice over. It is mostly noise, so each
/// stratum leans on its group, and that on its own, as on 4 effective rows: `e = (4 e_group + n share)/(4 + n)`,
/// `n = (Σw)²/Σw²`. And it depends on the very rows that it weighs: one row of high weight raises its version's part and
/// so lowers its own weight, and a version without one looks worse than it is. So rows are weighed by what the *others*
/// say: a typical row of their version, stratum and result is taken out first. Without that, intervals over 732 codes
/// covered 34 % instead of 96 (8,000 labels). What is noise in `e` makes `1/e` too large in the mean, by `V/e³` for a variance
/// `V = n e(1 − e)/(4 + n)²`, so that strata that a version met seldom would count too much: a third of that is taken out
/// (`NOISE`). Nor does a row count more than eight times what it would: a single row of A among hundreds of B must not stand
/// for all of them.
///
/// *Interval of the difference*: [`difference`]'s, with the `e_h` as known. That they are estimated makes the shares
/// surer rather than less sure, as it brings both samples closer to the mix (Lunceford and Davidian 2004). Leaning does
/// not: it leaves in what strata of a group differ by. How much is not known, but what half the leaning changes is of its
/// size, and counts as .8 standard errors more, independent of the others.
///
/// A stratum with `e_h` below [`LEAST_OVERLAP`] times A's part of all rows, or the same for B, is left out on both sides.
///
/// *Assumes* independent rows with known inclusion probabilities, right labels, and that within a stratum the texts of
/// both versions are alike. What strata do not tell apart is not taken out, of rare strata only what their groups tell,
/// and of large ones all but what the leaning leaves (1 point of 40 in the example). *Edge cases*: a version without labels is `None`, and with it the
/// difference, which takes [`LEAST_LABELS`] of each.
///
/// Intervals cover 93.5 to 96 % of the time, with a few strata as with 732, least where codes of a group are not alike.
/// Coarser strata are no safer: with groups of four codes that are not alike and 32,000 labels they cover 59 %.
///
/// Rosenbaum (1987), JASA 82, on weighting as direct standardisation; Lunceford and Davidian (2004), Statistics in
/// Medicine 23; Crump et al. (2009), Biometrika 96, on overlap.
///
/// ```
/// use vigie::measure::{comparison::standardised::{Stratum, standardised}, weight::WeightSums};
/// let of = |right, wrong| vec![[WeightSums::certain(right), WeightSums::certain(wrong)]];
/// // B is as good as A in both, and got more of what is hard
/// let easy = Stratum { a: of(900, 100), b: of(90, 10), ..Stratum::default() };
/// let hard = Stratum { a: of(50, 50), b: of(500, 500), ..Stratum::default() };
/// let found = standardised(&[easy, hard], 0.95);
/// assert!(found.plain.upper.unwrap() < -0.2);
/// assert!(found.difference.estimate.unwrap().abs() < 0.02, "{found:?}");
/// assert!((found.a.estimate.estimate.unwrap() - 0.7).abs() < 0.01);
/// ```
pub fn standardised(strata: &[Stratum], confidence_level: f64) -> Standardised {
    let of = |routes: &Labelled| {
        let routes: Vec<_> = routes.iter().map(|sides| sides.map(WeightSums::with_replacement)).collect();
        accuracy_of_routes(&routes, confidence_level)
    };
    let nodes = nodes(strata);
    let (mixed, left_out) = on_one_mix(strata, &nodes, LEAN);
    let [a, b] = mixed.each_ref().map(of);
    let less = on_one_mix(strata, &nodes, LEAN / 2.0).0.each_ref().map(of);
    let all = [0, 1].map(|version| {
        let mut all = Labelled::new();
        strata.iter().for_each(|stratum| add(&mut all, [&stratum.a, &stratum.b][version], |rows| rows));
        all
    });
    let [plain_a, plain_b] = all.each_ref().map(of);
    let z = normal_quantile(confidence_level).unwrap_or(0.0);
    let surely = |of: Accuracy, less: Accuracy| {
        let Estimate { estimate, lower, upper } = of.estimate;
        let [lower, upper] = widened([estimate, lower, upper], less.estimate.estimate, z, 0.0);
        Accuracy { estimate: Estimate { estimate, lower, upper }, ..of }
    };
    let Difference { estimate, lower, upper } = difference(a.estimate, b.estimate);
    let less_by = difference(less[0].estimate, less[1].estimate).estimate;
    let [lower, upper] = widened([estimate, lower, upper], less_by, z, -1.0);
    let least = LEAST_LABELS.min(5 * strata.len() as u64);
    let told = all.iter().all(|labels| sum(labels).n >= least);
    Standardised {
        plain_a,
        plain_b,
        plain: plain(&all, [plain_a, plain_b], confidence_level),
        a: surely(a, less[0]),
        b: surely(b, less[1]),
        difference: if told { Difference { estimate, lower, upper } } else { Difference::default() },
        uncovered: left_out,
    }
}

/// Each version on its own texts. Where labels weigh about the same, how many they count for says more than two intervals do.
fn plain(labels: &[Labelled; 2], [a, b]: [Accuracy; 2], confidence_level: f64) -> Difference {
    let alike = |of: &Labelled| {
        let all = sum(of);
        all.n as f64 * all.squares() <= ALIKE * all.total().powi(2)
    };
    match (Counts::effective(&a), Counts::effective(&b)) {
        (Some(a), Some(b)) if labels.iter().all(alike) => score_difference(a, b, confidence_level),
        _ => difference(a.estimate, b.estimate),
    }
}

/// Bounds, within `least` and 1, that hold another error beside their own: `LEFT_IN` `z` times what half the leaning would change.
fn widened([found, lower, upper]: [Option<f64>; 3], less: Option<f64>, z: f64, least: f64) -> [Option<f64>; 2] {
    let (Some(found), Some(less)) = (found, less) else { return [lower, upper] };
    let reach = |bound: f64| (bound - found).hypot(LEFT_IN * z * (found - less));
    [lower.map(|bound| (found - reach(bound)).max(least)), upper.map(|bound| (found + reach(bound)).min(1.0))]
}

/// The labelled rows of each version over the mix of both, each stratum leaning on its group as on `lean` rows; and the
/// share of the mix that is left out.
fn on_one_mix(strata: &[Stratum], nodes: &Nodes, lean: f64) -> ([Labelled; 2], f64) {
    let whole = nodes.get(&(0, 0)).copied().unwrap_or_default();
    let all = whole.rows();
    let overall = whole.a.total() / all;
    let mut mixed = [Labelled::new(), Labelled::new()];
    let mut left_out = 0.0;
    for (at, stratum) in strata.iter().enumerate() {
        let path: Vec<Met> = stratum.path(at).filter_map(|node| nodes.get(&node).copied()).collect();
        let size = stratum.met().rows();
        let (e, _) = part(&path, overall, Met::default(), lean);
        if e < LEAST_OVERLAP * overall || 1.0 - e < LEAST_OVERLAP * (1.0 - overall) {
            left_out += size;
            continue;
        }
        let apart = (1.0 - size / all).max(0.0);
        for ((version, side), mixed) in [&stratum.a, &stratum.b].into_iter().enumerate().zip(&mut mixed) {
            let times = |rows: WeightSums| {
                let own = if stratum.rows.is_some() { Met::default() } else { Met::typical(rows, version) };
                let overall = whole.without(&own).part(overall);
                // nothing is known of `overall` without the row itself: these let a NaN pass, `clamp` would not
                let (e, noise) = part(&path, overall, own, lean);
                let e = e.max(overall / MOST_TIMES).min(1.0 - (1.0 - overall) / MOST_TIMES);
                let (own, overall) = if version == 0 { (e, overall) } else { (1.0 - e, 1.0 - overall) };
                // a stratum that is all there is has no noise of its own
                overall / (own + NOISE * noise * apart / own)
            };
            add(mixed, side, |rows| {
                let times = times(rows);
                let counts = rows.n > 0 && times.is_finite();
                if counts {
                    WeightSums { n: rows.n, w: times * rows.w, w2: times * times * rows.w2 }
                } else {
                    WeightSums::default()
                }
            });
        }
    }
    (mixed, if left_out > 0.0 { left_out / all } else { 0.0 })
}

/// Rows of A and of B.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    a: WeightSums,
    b: WeightSums,
}

impl Met {
    fn rows(&self) -> f64 {
        self.a.total() + self.b.total()
    }

    /// One row of this version, as heavy as its like.
    fn typical(rows: WeightSums, version: usize) -> Self {
        let one = WeightSums::weighted(1, rows.squares() / rows.total());
        if version == 0 { Met { a: one, b: WeightSums::default() } } else { Met { a: WeightSums::default(), b: one } }
    }

    /// A's part, or what is said where there is none.
    fn part(&self, before: f64) -> f64 {
        let part = self.a.total() / self.rows();
        if part.is_finite() { part } else { before }
    }

    fn without(&self, own: &Self) -> Self {
        Met { a: self.a - own.a, b: self.b - own.b }
    }
}

/// A's part of the rows at the end of a path, each node leaning on the one before as on `lean` rows, and its variance, as the rows
/// of the last node are a sample; `own` is taken out of all.
fn part(path: &[Met], overall: f64, own: Met, lean: f64) -> (f64, f64) {
    path.iter().fold((overall, 0.0), |(before, _), node| {
        let met = node.without(&own);
        let n = met.rows() * met.rows() / (met.a.squares() + met.b.squares());
        if !n.is_finite() {
            return (before, 0.0);
        }
        let e = (lean * before + n * met.part(before)) / (lean + n);
        (e, n * e * (1.0 - e) / (lean + n).powi(2))
    })
}

/// All groups and strata by level and number: the whole is `(0, 0)`.
type Nodes = BTreeMap<(usize, usize), Met>;

fn nodes(strata: &[Stratum]) -> Nodes {
    let mut nodes = Nodes::new();
    for (at, stratum) in strata.iter().enumerate() {
        let met = stratum.met();
        for node in std::iter::once((0, 0)).chain(stratum.path(at)) {
            let sum = nodes.entry(node).or_default();
            sum.a += met.a;
            sum.b += met.b;
        }
    }
    nodes
}

impl Stratum {
    /// Its groups and itself, coarsest first.
    fn path(&self, at: usize) -> impl Iterator<Item = (usize, usize)> {
        let groups = self.groups.iter().enumerate().map(|(level, group)| (level + 1, *group));
        groups.chain(std::iter::once((usize::MAX, at)))
    }

    fn met(&self) -> Met {
        let [a, b] = match self.rows {
            Some(rows) => rows.map(WeightSums::certain),
            None => [sum(&self.a), sum(&self.b)],
        };
        Met { a, b }
    }
}
