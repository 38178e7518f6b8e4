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
mod stratum;

use serde::{Deserialize, Serialize};

pub use stratum::{ScoreBin, Stratum};

use super::{
    accuracy::{
        accuracy_of_part,
        routes::{Route, accuracy_of_routes, shares},
    },
    isotonic::isotonic,
    mixture::mixture,
    proportion::{Estimate, jeffreys, normal_quantile, wilson, wilson_rows},
    weight::WeightSums,
    whole::{Met, Whole},
};

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

/// Rows that must tell `λ` where labels are of several classes of weights.
const LEAST_ROWS: f64 = 30.0;

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
        let left = self.left_by(lambda);
        Difference { estimate: self.y + lambda * (mean_f - self.f), variance: left / (self.total * self.total) }
    }

    /// What `λ f` leaves of the sum of squares of the labels.
    fn left_by(&self, lambda: f64) -> f64 {
        (self.yy - 2.0 * lambda * self.yf + lambda * lambda * self.ff).max(0.0)
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
        let labels = right + wrong;
        let n = labels.effective().max(1.0);
        let odds = p * (1.0 - p);
        let pseudo = normal_quantile(confidence_level).unwrap_or(1.96).powi(2);
        let gains_nothing = pseudo * (right.sampling() + wrong.sampling()) / labels.n.max(1) as f64 * odds;
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
/// 3. Each stratum has as many effective rows as the labels alone give it ([`accuracy_of_routes`]), divided by what the assistance
///    leaves of the variance, as far as so few labels can tell. Jeffreys' intervals at these, joined by MOVER ([`mixture`]);
///    of a single stratum Wilson's. Where a stratum's labels are of several classes of weights, each class has its own
///    interval, shorter by what `λ` leaves of its variance, and they are joined as routes are ([`accuracy_of_routes`]): how many
///    predictions are of each class is not known.
///
/// *Target*: the accuracy of these predictions, as in [`accuracy_of_routes`]. *Assumes* labels that are right, known and independent
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
    let alone = match whole {
        Some(whole) => {
            let routes: Vec<[WeightSums; 2]> = strata.iter().map(Stratum::labels).collect();
            let sides = [0, 1].map(|side| routes.iter().map(|route| route[side]).sum());
            let met = strata.iter().zip(&routes).map(|(stratum, [right, wrong])| Met {
                predictions: stratum.predictions(),
                predicted: right.n + wrong.n,
                right: right.n,
                actual: 0,
            });
            accuracy_of_part(sides, Some(whole.of_predictions(&met.collect::<Vec<_>>())), confidence_level)
        }
        None => {
            let classes: Vec<_> = strata.iter().flat_map(Stratum::labels_by_class).collect();
            accuracy_of_routes(&classes, confidence_level)
        }
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
    sure: Sure,
    lambda: f64,
}

/// How sure a part is.
enum Sure {
    /// As so many effective rows, infinite for a census.
    Rows(f64),
    /// Of labels of several classes of weights: how far below and above the estimate its bounds are.
    Reach([f64; 2]),
}

impl Part {
    fn interval(&self, of_rows: fn(f64, f64, f64) -> Estimate, confidence_level: f64) -> Estimate {
        match self.sure {
            Sure::Rows(n) => of_rows(self.estimate, n, confidence_level),
            Sure::Reach([below, above]) => Estimate {
                estimate: Some(self.estimate),
                lower: Some((self.estimate - below).max(0.0)),
                upper: Some((self.estimate + above).min(1.0)),
            },
        }
    }
}

/// Effective rows of an interval, infinite where it is one point.
fn rows_of(interval: &Estimate, confidence_level: f64) -> f64 {
    wilson_rows(interval, confidence_level).unwrap_or(f64::INFINITY)
}

fn part(stratum: &Stratum, promises: &[Option<Vec<f64>>], confidence_level: f64) -> Option<Part> {
    let [right, wrong] = stratum.labels();
    let classes = stratum.labels_by_class();
    let plain = accuracy_of_routes(&classes, confidence_level);
    let p = plain.estimate.estimate?;
    let several = classes.iter().filter(|[right, wrong]| right.n + wrong.n > 0).count() > 1;
    let sure = match (plain.estimate.lower, plain.estimate.upper) {
        (Some(lower), Some(upper)) if several => Sure::Reach([p - lower, upper - p]),
        _ => Sure::Rows(plain.n_eff.unwrap_or(f64::INFINITY)),
    };
    let unassisted = Part { estimate: p, sure, lambda: 0.0 };
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
    if !(0.0..=1.0).contains(&found.estimate) {
        return Some(unassisted);
    }
    let helped = match unassisted.sure {
        Sure::Rows(n) => m.left(&found, [right, wrong], p, confidence_level).map(|left| Sure::Rows(n / left)),
        Sure::Reach([below, above]) => reach_of_classes(stratum, promises, (&m, lambda), confidence_level)
            .filter(|reach| reach[0] + reach[1] < below + above)
            .map(Sure::Reach),
    };
    Some(helped.map_or(unassisted, |sure| Part { estimate: found.estimate, sure, lambda }))
}

/// How far below and above the estimate with this `λ` its bounds are, where labels are of several classes of weights: each
/// class's own bounds, as much nearer as `λ f` explains of its labels, and what is left of the differences between classes,
/// whose shares are uncertain. `None` where so few labels cannot tell.
fn reach_of_classes(
    stratum: &Stratum,
    promises: &[Option<Vec<f64>>],
    (all, lambda): (&Moments, f64),
    confidence_level: f64,
) -> Option<[f64; 2]> {
    let z = normal_quantile(confidence_level)?;
    let (mut own, mut residuals) = ([0.0; 2], Vec::new());
    // of the rows that tell λ, few heavy ones count more than many light ones (Satterthwaite)
    let (mut spread, mut squares) = (0.0, 0.0);
    for (folds, labels) in stratum.classes.iter().zip(stratum.labels_by_class()) {
        let n = (labels[0].n + labels[1].n) as f64;
        if n == 0.0 {
            continue;
        }
        let labelled = folds.iter().zip(promises).flat_map(|(bins, f)| bins.iter().zip(f.iter().flatten()));
        let labelled: Vec<Promise> =
            labelled.map(|([right, wrong], f)| Promise { f: *f, right: *right, wrong: *wrong }).collect();
        let (m, route) = (Moments::of(&labelled)?, Route::of(&labels, z)?);
        let steady = (route.p * n + 2.0) / (n + 4.0);
        let odds = steady * (1.0 - steady);
        let gains_nothing = z * z * route.sampling / n * odds;
        let left = (m.left_by(lambda) + gains_nothing) / (m.yy + gains_nothing);
        // a census leaves nothing, of which nothing is explained
        let left = if left.is_nan() { 1.0 } else { left };
        let part = route.sampling * (odds + (route.p - all.y).powi(2));
        spread += part;
        squares += part * part / (4.0 * odds * n);
        let bounds = jeffreys(route.p, route.rows, confidence_level);
        for (sum, bound) in own.iter_mut().zip([bounds.lower?, bounds.upper?]) {
            *sum += left * (route.size / all.total * (bound - route.p)).powi(2);
        }
        residuals.push(Route { p: m.y - lambda * m.f, ..route });
    }
    let between = shares(&residuals, all.y - lambda * all.f, z);
    let rows = spread * spread / squares;
    let fitted = rows / (rows - FITTED);
    (rows >= LEAST_ROWS).then(|| [0, 1].map(|side| fitted.sqrt() * own[side].sqrt().hypot(between[side])))
}

/// Strata by their shares: the estimate with its interval, and its effective rows.
fn combine(parts: &[(f64, Part)], confidence_level: f64) -> (Estimate, f64) {
    // one stratum has its own
    if let [(_, part)] = parts {
        let own = part.interval(wilson, confidence_level);
        let rows = if let Sure::Rows(n) = part.sure { n } else { rows_of(&own, confidence_level) };
        return (own, rows);
    }
    let own = |(share, part): &(f64, Part)| (*share, part.interval(jeffreys, confidence_level));
    let joined = mixture(&parts.iter().map(own).collect::<Vec<_>>(), [0.0; 2]);
    (joined, rows_of(&joined, confidence_level))
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
