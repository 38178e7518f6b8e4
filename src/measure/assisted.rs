//! Accuracy with the help of the confidence of *all* predictions, labelled or not.
//!
//! The review gives labels to few rows; the confidence is known of every one. The survey statistician's difference
//! estimator (Särndal, Swensson and Wretman 1992, sections 6.3 and 6.4; "prediction-powered inference" elsewhere) takes the
//! mean of what the confidence promises over all rows, and adds what the labelled rows say it is off by:
//!
//! `θ = λ · mean_N(f) + Σ_L w (y − λ f) / Σ_L w`
//!
//! It is right whatever `f` is, since the second term corrects the first. A good `f` makes it precise: only what `f`
//! leaves unexplained is uncertain. `λ` is the regression coefficient of `y` on `f` ("power tuning"); a useless `f` gets
//! `λ` near 0, and 0 is the Hájek estimate.

pub mod parts;

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{
    accuracy::{accuracy, accuracy_of_part, routes::accuracy_of_routes},
    isotonic::isotonic,
    mixture::mixture,
    proportion::{Estimate, jeffreys, normal_quantile, wilson, wilson_rows},
    weight::WeightSums,
    whole::{Met, Whole},
};

/// The predictions of one bin of the confidence: how many, and the labelled ones by whether they were right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ScoreBin {
    /// Predictions, labelled or not.
    pub n: u64,
    pub right: WeightSums,
    pub wrong: WeightSums,
    /// Labelled rows whose inclusion probability nobody knows.
    pub unknown: u64,
}

impl ScoreBin {
    pub fn labelled(&self) -> u64 {
        self.right.n + self.wrong.n
    }
}

impl AddAssign for ScoreBin {
    fn add_assign(&mut self, other: Self) {
        self.n += other.n;
        self.right += other.right;
        self.wrong += other.wrong;
        self.unknown += other.unknown;
    }
}

/// The predictions of one route, `[fold][bin]`; bins rise with the confidence. Folds are what `f` is fitted without: any
/// split that does not look at labels, such as the hour of the prediction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stratum {
    pub folds: Vec<Vec<ScoreBin>>,
}

impl Stratum {
    /// Of all folds.
    pub fn bins(&self) -> impl Iterator<Item = &ScoreBin> {
        self.folds.iter().flatten()
    }

    /// Bins of a fold.
    pub fn width(&self) -> usize {
        self.folds.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// One bin over all folds.
    pub fn at(&self, bin: usize) -> ScoreBin {
        let mut sum = ScoreBin::default();
        self.folds.iter().filter_map(|fold| fold.get(bin)).for_each(|of| sum += *of);
        sum
    }

    pub fn predictions(&self) -> u64 {
        self.bins().map(|bin| bin.n).sum()
    }

    /// Right and wrong ones.
    pub fn labels(&self) -> [WeightSums; 2] {
        [self.bins().map(|bin| bin.right).sum(), self.bins().map(|bin| bin.wrong).sum()]
    }

    /// The same with every bin as `change` has it, which hears its number.
    pub fn map(&self, change: impl Fn(usize, &ScoreBin) -> ScoreBin) -> Stratum {
        let fold = |bins: &Vec<ScoreBin>| bins.iter().enumerate().map(|(at, bin)| change(at, bin)).collect();
        Stratum { folds: self.folds.iter().map(fold).collect() }
    }
}

/// Model-assisted accuracy beside the Hájek estimate from the same labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Assisted {
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Hájek's, from the labels alone.
    pub unassisted: Estimate,
    /// Labelled rows used.
    pub n: u64,
    /// Labels that would make an interval as narrow without assistance, fewer than `n` where luck made that the narrower; `None`
    /// where a census leaves nothing to chance.
    pub worth: Option<u64>,
    /// Regression coefficient of the labels on what the confidence promises, over all strata; 0 where it does not help.
    pub lambda: Option<f64>,
}

/// Share of predictions of which nothing may be known: what is said of the others is said of all up to it.
pub const MOST_BLIND: f64 = 0.01;

/// Rows that tuning costs.
const FITTED: f64 = 4.0;

/// What a labelled sample says with one value of `λ`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub estimate: f64,
    /// Linearised variance under Poisson sampling.
    pub variance: f64,
}

/// The labelled rows with one value of `f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// What the confidence promises: the probability of being right.
    pub f: f64,
    pub right: WeightSums,
    pub wrong: WeightSums,
}

/// The difference estimator with a given `λ`; `None` without labels.
///
/// `mean_f` is the mean of `f` over all rows. Variance: `Σ_L (1−π) w² (e − ē)² / (Σ_L w)²` with `e = y − λ f`.
///
/// ```
/// use vigie::measure::{assisted::{Promise, difference}, weight::WeightSums};
/// let half = WeightSums { n: 50, w: 100.0, w2: 200.0 };
/// // a confidence that says nothing changes nothing, whatever λ
/// let promise = Promise { f: 0.5, right: half, wrong: half };
/// assert_eq!(difference(&[promise], 0.5, 1.0).unwrap().estimate, 0.5);
/// assert_eq!(difference(&[promise], 0.5, 1.0).unwrap().variance, 0.00125);
/// ```
pub fn difference(labelled: &[Promise], mean_f: f64, lambda: f64) -> Option<Difference> {
    Some(Moments::of(labelled)?.difference(mean_f, lambda))
}

/// The `λ` with the least variance, `Σ v ẏ ḟ / Σ v ḟ²` with `v = (1−π) w²` and deviations from weighted means; `None` where
/// `f` does not vary.
pub fn tuned(labelled: &[Promise]) -> Option<f64> {
    Moments::of(labelled)?.tuned()
}

/// Weighted means of labels and promises, and sums of squares and products about them.
struct Moments {
    total: f64,
    y: f64,
    f: f64,
    yy: f64,
    yf: f64,
    ff: f64,
}

impl Moments {
    fn of(labelled: &[Promise]) -> Option<Self> {
        let total: f64 = labelled.iter().map(|p| p.right.total() + p.wrong.total()).sum();
        let right: f64 = labelled.iter().map(|p| p.right.total()).sum();
        let y = right / total;
        let f = labelled.iter().map(|p| p.f * (p.right.total() + p.wrong.total())).sum::<f64>() / total;
        if !y.is_finite() || !f.is_finite() {
            return None;
        }
        let mut m = Moments { total, y, f, yy: 0.0, yf: 0.0, ff: 0.0 };
        for p in labelled {
            for (v, dy) in [(p.right.sampling(), 1.0 - y), (p.wrong.sampling(), -y)] {
                m.yy += v * dy * dy;
                m.yf += v * dy * (p.f - f);
                m.ff += v * (p.f - f).powi(2);
            }
        }
        Some(m)
    }
}

impl Moments {
    fn difference(&self, mean_f: f64, lambda: f64) -> Difference {
        let left = (self.yy - 2.0 * lambda * self.yf + lambda * lambda * self.ff).max(0.0);
        Difference { estimate: self.y + lambda * (mean_f - self.f), variance: left / (self.total * self.total) }
    }

    fn tuned(&self) -> Option<f64> {
        let lambda = self.yf / self.ff;
        lambda.is_finite().then_some(lambda)
    }

    /// What the tuned `λ` leaves of the variance, as far as so many labels, of which a share `p` is right, can tell; `None`
    /// where they cannot tell that it leaves less.
    ///
    /// `λ` is fitted to the labels that it is judged by, so it looks better than it is, and its own error adds to the
    /// estimate's: each by about one row (Cochran 1977, *Sampling Techniques*, chapter 7). Where one side is rare it is
    /// rows of that side that count, so of `n` rows `4 p(1−p) n` are taken, and two for each; and `z²/2` rows on each side
    /// gain nothing.
    fn left(&self, found: &Difference, [right, wrong]: [WeightSums; 2], p: f64, confidence_level: f64) -> Option<f64> {
        let n = (right.n + wrong.n).max(1) as f64;
        let odds = p * (1.0 - p);
        let pseudo = normal_quantile(confidence_level).unwrap_or(1.96).powi(2);
        let gains_nothing = pseudo * (right.sampling() + wrong.sampling()) / n * odds;
        let seen = (found.variance * self.total * self.total + gains_nothing) / (self.yy + gains_nothing);
        let rows = 4.0 * odds * n;
        let left = seen * rows / (rows - FITTED);
        (rows > FITTED && left > 0.0 && left < 1.0).then_some(left)
    }
}

/// Model-assisted accuracy over strata whose sizes are known.
///
/// 1. What the confidence promises, `f`, is an isotonic regression of right or not on the bins of the confidence, weighted
///    by design, fitted for each fold on the labels of all other folds.
/// 2. In each stratum the difference estimator with its own `λ`; strata count by their size.
/// 3. Each stratum has as many effective rows as the labels alone give it ([`accuracy`]), divided by what the assistance
///    leaves of the variance, as far as so few labels can tell. Jeffreys' intervals at these, joined by MOVER ([`mixture`]);
///    of a single stratum Wilson's.
///
/// *Target*: the accuracy of these predictions, as in [`accuracy`]. *Assumes* labels that are right, known and independent
/// inclusion probabilities, and nothing of the confidence: a useless one costs nothing but its `λ`.
///
/// *Edge cases*: strata with predictions and without labels make everything `None` when they are more than a hundredth
/// ([`MOST_BLIND`]), since nothing is known of them.
/// Where the assistance does not help, or there are fewer than two folds with labels, `λ` is 0: of one stratum that is the
/// Hájek estimate, of several the Hájek estimates by their known sizes. The narrower of two intervals is never chosen: what
/// is narrow by luck covers too little (93.3 instead of 95.5 % with 30 labels of two routes).
///
/// Särndal, Swensson and Wretman (1992); Angelopoulos et al. (2023), Science 382; Zrnic and Candès (2024), PNAS 121, on
/// cross-fitting.
pub fn assisted(strata: &[Stratum], confidence_level: f64) -> Assisted {
    assisted_by(strata, strata, confidence_level)
}

/// As [`assisted`], with what the confidence promises learnt from other strata with the same folds and bins: of a week, say,
/// from the whole period. A label must be in the same fold of both, so that it never is its own judge.
pub fn assisted_by(strata: &[Stratum], learnt_from: &[Stratum], confidence_level: f64) -> Assisted {
    assisted_of_part(strata, learnt_from, None, confidence_level)
}

/// As [`assisted_by`], of strata that are each part of a route of the whole, whose labels say how heavy those of the part may
/// be where the labels alone speak.
fn assisted_of_part(
    strata: &[Stratum],
    learnt_from: &[Stratum],
    whole: Option<&Whole>,
    confidence_level: f64,
) -> Assisted {
    let all: u64 = strata.iter().map(Stratum::predictions).sum();
    let promises = promises(learnt_from);
    let (mut parts, mut blind) = (Vec::new(), 0);
    for stratum in strata {
        match (stratum.predictions(), part(stratum, &promises, confidence_level)) {
            (0, _) => {}
            (n, Some(part)) => parts.push((n as f64, part)),
            (n, None) => blind += n,
        }
    }
    if parts.is_empty() || blind as f64 > MOST_BLIND * all as f64 {
        return Assisted::default();
    }
    parts.iter_mut().for_each(|(share, _)| *share /= (all - blind) as f64);
    let routes: Vec<[WeightSums; 2]> = strata.iter().map(Stratum::labels).collect();
    let alone = match whole {
        Some(whole) => {
            let sides = [0, 1].map(|side| routes.iter().map(|route| route[side]).sum());
            let met = strata.iter().zip(&routes).map(|(stratum, [right, wrong])| Met {
                predictions: stratum.predictions(),
                predicted: right.n + wrong.n,
                right: right.n,
                actual: 0,
            });
            accuracy_of_part(sides, Some(whole.of_predictions(&met.collect::<Vec<_>>())), confidence_level)
        }
        None => accuracy_of_routes(&routes, confidence_level),
    };
    let (n, unassisted) = (alone.n, alone.estimate);
    let (helped, rows) = combine(&parts, confidence_level);
    match alone.n_eff {
        Some(alone) => Assisted {
            estimate: helped,
            unassisted,
            n,
            worth: Some(n as f64 * rows / alone).filter(|worth| worth.is_finite()).map(|worth| worth.round() as u64),
            lambda: Some(parts.iter().map(|(share, p)| share * p.lambda).sum()),
        },
        // nothing is left to chance
        None => Assisted { estimate: unassisted, unassisted, n, worth: None, lambda: Some(0.0) },
    }
}

/// One stratum.
struct Part {
    estimate: f64,
    /// Effective rows, infinite for a census.
    n_eff: f64,
    lambda: f64,
}

fn part(stratum: &Stratum, promises: &[Option<Vec<f64>>], confidence_level: f64) -> Option<Part> {
    let [right, wrong] = stratum.labels();
    let plain = accuracy(right, wrong, confidence_level);
    let p = plain.estimate.estimate?;
    let plain_n = plain.n_eff.unwrap_or(f64::INFINITY);
    let unassisted = Part { estimate: p, n_eff: plain_n, lambda: 0.0 };
    let mut labelled = Vec::new();
    let (mut promised, mut size) = (0.0, 0.0);
    for (fold, bins) in stratum.folds.iter().enumerate() {
        let Some(Some(f)) = promises.get(fold) else { return Some(unassisted) };
        for (bin, f) in bins.iter().zip(f) {
            promised += bin.n as f64 * f;
            size += bin.n as f64;
            if bin.labelled() > 0 {
                labelled.push(Promise { f: *f, right: bin.right, wrong: bin.wrong });
            }
        }
    }
    let Some(m) = Moments::of(&labelled) else { return Some(unassisted) };
    let Some(lambda) = m.tuned() else { return Some(unassisted) };
    let found = m.difference(promised / size, lambda);
    let Some(left) = m.left(&found, [right, wrong], p, confidence_level) else { return Some(unassisted) };
    let inside = (0.0..=1.0).contains(&found.estimate);
    Some(if inside { Part { estimate: found.estimate, n_eff: plain_n / left, lambda } } else { unassisted })
}

/// Strata by their shares: the estimate with its interval, and its effective rows.
fn combine(parts: &[(f64, Part)], confidence_level: f64) -> (Estimate, f64) {
    // one stratum has its own
    if let [(_, part)] = parts {
        return (wilson(part.estimate, part.n_eff, confidence_level), part.n_eff);
    }
    let own = |(share, part): &(f64, Part)| (*share, jeffreys(part.estimate, part.n_eff, confidence_level));
    let joined = mixture(&parts.iter().map(own).collect::<Vec<_>>(), [0.0; 2]);
    (joined, wilson_rows(&joined, confidence_level).unwrap_or(f64::INFINITY))
}

/// What the confidence promises in each bin, for each fold, from the labels of the other folds; `None` where those are too
/// few.
fn promises(strata: &[Stratum]) -> Vec<Option<Vec<f64>>> {
    let folds = strata.iter().map(|s| s.folds.len()).max().unwrap_or(0);
    (0..folds)
        .map(|fold| {
            let others = strata.iter().flat_map(|s| s.folds.iter().enumerate().filter(move |(k, _)| *k != fold));
            let mut bins: Vec<ScoreBin> = Vec::new();
            for (_, cells) in others {
                if bins.len() < cells.len() {
                    bins.resize(cells.len(), ScoreBin::default());
                }
                bins.iter_mut().zip(cells).for_each(|(bin, cell)| *bin += *cell);
            }
            let points: Vec<(f64, f64)> =
                bins.iter().map(|b| (b.right.total(), b.right.total() + b.wrong.total())).collect();
            isotonic(&points)
        })
        .collect()
}
