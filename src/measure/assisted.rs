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
    accuracy::accuracy_of_part,
    isotonic::isotonic,
    proportion::{Estimate, normal_quantile, wilson},
    ratio::LIKE_WHOLE,
    weight::WeightSums,
    whole::Whole,
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
    /// Hájek's, from the labels alone: what the estimate falls back to.
    pub unassisted: Estimate,
    /// Labelled rows used.
    pub n: u64,
    /// Labels that would make an interval as narrow without assistance; `None` where a census leaves nothing to chance.
    pub worth: Option<u64>,
    /// Regression coefficient of the labels on what the confidence promises, over all strata; 0 where it does not help.
    pub lambda: Option<f64>,
}

/// Share of predictions of which nothing may be known: what is said of the others is said of all up to it.
pub const MOST_BLIND: f64 = 0.01;

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
}

/// Model-assisted accuracy over strata whose sizes are known.
///
/// 1. What the confidence promises, `f`, is an isotonic regression of right or not on the bins of the confidence, weighted
///    by design, fitted for each fold on the labels of all other folds.
/// 2. In each stratum the difference estimator with its own `λ`; strata count by their size.
/// 3. Wilson's interval at the effective number of rows: that of the labels alone ([`accuracy`](super::accuracy::accuracy), steadied where few rows
///    speak), times what the assistance gains, which is steadied by as many rows that gain nothing.
///
/// *Target*: the accuracy of these predictions, as in [`accuracy`](super::accuracy::accuracy). *Assumes* labels that are right, known and independent
/// inclusion probabilities, and nothing of the confidence: a useless one costs nothing but its `λ`.
///
/// *Edge cases*: strata with predictions and without labels make everything `None` when they are more than a hundredth
/// ([`MOST_BLIND`]), since nothing is known of them.
/// Where the assistance would widen the interval, or there are fewer than two folds with labels, the estimate is the
/// Hájek one.
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

/// As [`assisted_by`], of strata that are each part of a route of the whole.
fn assisted_of_part(
    strata: &[Stratum],
    learnt_from: &[Stratum],
    whole: Option<&Whole>,
    confidence_level: f64,
) -> Assisted {
    let all: u64 = strata.iter().map(Stratum::predictions).sum();
    let promises = promises(learnt_from);
    let (mut parts, mut blind) = (Vec::new(), 0);
    for (at, stratum) in strata.iter().enumerate() {
        let route = whole.and_then(|whole| whole.route(at));
        match (stratum.predictions(), part(stratum, &promises, route, confidence_level)) {
            (0, _) => {}
            (n, Some(part)) => parts.push((n as f64, part)),
            (n, None) => blind += n,
        }
    }
    if blind as f64 > MOST_BLIND * all as f64 {
        return Assisted::default();
    }
    parts.iter_mut().for_each(|(share, _)| *share /= (all - blind) as f64);
    let bins = || strata.iter().flat_map(Stratum::bins);
    let rows = [bins().map(|b| b.right).sum(), bins().map(|b| b.wrong).sum()];
    let sizes: Vec<u64> = strata.iter().map(Stratum::predictions).collect();
    let alone = accuracy_of_part(rows, whole.map(|whole| whole.of_predictions(&sizes)), confidence_level);
    let n = alone.n;
    let (helped, rows) = combine(&parts, confidence_level);
    let worth = alone.n_eff.map(|alone| n as f64 * rows / alone).filter(|worth| worth.is_finite());
    let lambda = parts.iter().map(|(share, p)| share * p.lambda).sum();
    match worth {
        _ if parts.is_empty() => Assisted::default(),
        Some(worth) if worth > n as f64 => Assisted {
            estimate: helped,
            unassisted: alone.estimate,
            n,
            worth: Some(worth.round() as u64),
            lambda: Some(lambda),
        },
        _ => Assisted {
            estimate: alone.estimate,
            unassisted: alone.estimate,
            n,
            worth: worth.map(|_| n),
            lambda: Some(0.0),
        },
    }
}

/// One stratum.
struct Part {
    estimate: f64,
    /// Effective rows, infinite for a census.
    n_eff: f64,
    lambda: f64,
    /// Of the larger stratum that this one is part of, the share of right labels.
    elsewhere: Option<f64>,
}

fn part(
    stratum: &Stratum,
    promises: &[Option<Vec<f64>>],
    whole: Option<[WeightSums; 2]>,
    confidence_level: f64,
) -> Option<Part> {
    let right: WeightSums = stratum.bins().map(|b| b.right).sum();
    let wrong: WeightSums = stratum.bins().map(|b| b.wrong).sum();
    let plain = accuracy_of_part([right, wrong], whole, confidence_level);
    let p = plain.estimate.estimate?;
    let plain_n = plain.n_eff.unwrap_or(f64::INFINITY);
    let elsewhere = whole.map(|[right, wrong]| right.total() / (right + wrong).total());
    let unassisted = Part { estimate: p, n_eff: plain_n, lambda: 0.0, elsewhere: elsewhere.filter(|p| p.is_finite()) };
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
    // what the assistance leaves of the variance; few labels say little about that, so rows that gain nothing join in
    let pseudo = normal_quantile(confidence_level).unwrap_or(1.96).powi(2) / 2.0;
    let gains_nothing = pseudo * (right.sampling() + wrong.sampling()) / plain.n.max(1) as f64 * p * (1.0 - p);
    let left = (found.variance * m.total * m.total + gains_nothing) / (m.yy + gains_nothing);
    let outside = !(0.0..=1.0).contains(&found.estimate);
    if !left.is_finite() || left <= 0.0 || outside {
        return Some(unassisted);
    }
    Some(Part { estimate: found.estimate, n_eff: plain_n / left, lambda, ..unassisted })
}

/// Strata by their shares: the estimate with Wilson's interval, and its effective rows.
fn combine(parts: &[(f64, Part)], confidence_level: f64) -> (Estimate, f64) {
    let estimate: f64 = parts.iter().map(|(share, part)| share * part.estimate).sum();
    // a stratum at 0 or 1 is not certain either, for its variance alone
    let variance = |part: &Part| {
        let (p, n) = (part.estimate, part.n_eff);
        if n.is_infinite() {
            return 0.0;
        }
        let among = |rows: f64, share: f64| (p * n + rows * share) / (n + rows);
        match part.elsewhere {
            Some(share) => {
                let steady = among(LIKE_WHOLE, share);
                steady * (1.0 - steady) / n
            }
            // Agresti and Coull's two rows on each side
            None => {
                let steady = among(4.0, 0.5);
                (p * (1.0 - p)).max(steady * (1.0 - steady) * n / (n + 4.0)) / n
            }
        }
    };
    let n = match parts {
        // one stratum has its own
        [(_, part)] => part.n_eff,
        _ => {
            let total: f64 = parts.iter().map(|(share, part)| share * share * variance(part)).sum();
            if total == 0.0 { f64::INFINITY } else { estimate * (1.0 - estimate) / total }
        }
    };
    (wilson(estimate.clamp(0.0, 1.0), n, confidence_level), n)
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
