//! Maps from confidence to the probability of being right.

use serde::{Deserialize, Serialize};

use super::logistic::{Free, Logistic, Point, maximise};
use crate::measure::{
    assisted::ScoreBin,
    isotonic::isotonic,
    proportion::{Estimate, normal_quantile, student_widening},
    weight::WeightSums,
};

/// A family of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The confidence is the probability.
    AsIs,
    /// The logit of the confidence divided by one number.
    Temperature,
    /// Logistic in the confidence.
    Platt,
    /// Logistic in the logit of the confidence: a temperature and a bias.
    LogitPlatt,
    /// Any map that does not fall.
    Isotonic,
}

impl Method {
    /// The simplest first.
    pub const ALL: [Method; 5] =
        [Method::AsIs, Method::Temperature, Method::Platt, Method::LogitPlatt, Method::Isotonic];
}

/// A fitted map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Map {
    AsIs,
    /// Divides the logit by `1 / slope`.
    Temperature(Logistic),
    Platt(Logistic),
    LogitPlatt(Logistic),
    /// The probability at the mean confidence of each bin, and on lines between.
    Isotonic {
        scores: Vec<f64>,
        values: Vec<f64>,
    },
}

impl Map {
    /// The probability of being right at this confidence.
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Map::AsIs => score,
            Map::Platt(logistic) => logistic.probability(score),
            Map::Temperature(logistic) | Map::LogitPlatt(logistic) => logistic.probability(logit(score)),
            Map::Isotonic { scores, values } => between(scores, values, score).unwrap_or(score),
        }
    }

    /// The logistic curve and its feature at this confidence, of a map that has one.
    pub fn logistic(&self, score: f64) -> Option<(&Logistic, f64)> {
        match self {
            Map::Platt(logistic) => Some((logistic, score)),
            Map::Temperature(logistic) | Map::LogitPlatt(logistic) => Some((logistic, logit(score))),
            Map::AsIs | Map::Isotonic { .. } => None,
        }
    }
}

/// A map and the labels behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    #[serde(flatten)]
    pub map: Map,
    /// Labelled rows.
    pub n: u64,
    /// How many rows of equal weight would say as much, `(Σw)²/Σw²` (Kish 1965).
    pub n_eff: f64,
}

impl Fit {
    pub fn method(&self) -> Method {
        match self.map {
            Map::AsIs => Method::AsIs,
            Map::Temperature(_) => Method::Temperature,
            Map::Platt(_) => Method::Platt,
            Map::LogitPlatt(_) => Method::LogitPlatt,
            Map::Isotonic { .. } => Method::Isotonic,
        }
    }

    /// The temperature, above 1 for a confidence that says too much; `None` for other maps.
    pub fn temperature(&self) -> Option<f64> {
        match &self.map {
            Map::Temperature(logistic) => Some(1.0 / logistic.slope),
            _ => None,
        }
    }

    /// The probability at this confidence with a pointwise interval: Student's on the logit scale, from the sandwich and
    /// its degrees of freedom.
    ///
    /// *Assumes* that the true curve is one of the family; where it is not, the interval is about the curve that is
    /// closest. An isotonic map has no bounds here: its error at a point is not normal, and shrinks with the cube root
    /// of the labels.
    pub fn at(&self, score: f64, confidence_level: f64) -> Estimate {
        let p = self.map.probability(score);
        match (self.map.logistic(score), normal_quantile(confidence_level)) {
            (Some((logistic, x)), Some(z)) => {
                let variance = logistic.variance(x) * student_widening(confidence_level, logistic.degrees(x));
                let (at, reach) = (logistic.linear(x), z * variance.sqrt());
                let bound = |linear: f64| 1.0 / (1.0 + (-linear).exp());
                Estimate { estimate: Some(p), lower: Some(bound(at - reach)), upper: Some(bound(at + reach)) }
            }
            _ => Estimate::point(p),
        }
    }
}

/// Fits one map on labelled bins; `scores[bin]` is their mean confidence, rising with the bin.
///
/// Logits are taken of confidences within [0.0001, 0.9999]. A temperature must be positive: a confidence that points
/// the wrong way has none. The values of an isotonic map stay `1/(n_eff + 2)` away from 0 and 1, as Platt's targets do:
/// labels that are all right do not make it sure.
///
/// *Edge cases*: `None` where the family has no best member ([`maximise`]), and without labels.
///
/// Platt (1999); Zadrozny and Elkan (2002), KDD, for isotonic maps; Guo et al. (2017), ICML, for temperatures.
///
/// ```
/// use vigie::measure::{assisted::ScoreBin, recalibration::fit::{Method, fit}, weight::WeightSums};
/// let bin = |right, wrong| ScoreBin {
///     right: WeightSums::certain(right),
///     wrong: WeightSums::certain(wrong),
///     ..ScoreBin::default()
/// };
/// let (scores, bins) = ([0.2, 0.8], [bin(2, 8), bin(8, 2)]);
/// // the labels are as the confidence says
/// let found = fit(Method::Temperature, &scores, &bins).unwrap();
/// assert!((found.temperature().unwrap() - 1.0).abs() < 1e-9);
/// assert_eq!((found.n, found.n_eff), (20, 20.0));
/// ```
pub fn fit(method: Method, scores: &[f64], bins: &[ScoreBin]) -> Option<Fit> {
    let sums: WeightSums = bins.iter().map(|bin| bin.right + bin.wrong).sum();
    let n_eff = Some(sums.effective()).filter(|n| *n > 0.0)?;
    let curve = |feature: fn(f64) -> f64, free: Free| {
        let point = |(score, bin): (&f64, &ScoreBin)| Point { x: feature(*score), right: bin.right, wrong: bin.wrong };
        maximise(&scores.iter().zip(bins).map(point).collect::<Vec<_>>(), free)
    };
    let map = match method {
        Method::AsIs => Map::AsIs,
        Method::Temperature => Map::Temperature(curve(logit, Free::Slope).filter(|found| found.slope > 0.0)?),
        Method::Platt => Map::Platt(curve(|score| score, Free::Both)?),
        Method::LogitPlatt => Map::LogitPlatt(curve(logit, Free::Both)?),
        Method::Isotonic => {
            let points: Vec<(f64, f64)> =
                bins.iter().map(|b| (b.right.total(), b.right.total() + b.wrong.total())).collect();
            let surest = 1.0 / (n_eff + 2.0);
            let values = isotonic(&points)?.into_iter().map(|p| p.clamp(surest, 1.0 - surest)).collect();
            Map::Isotonic { scores: scores.to_vec(), values }
        }
    };
    Some(Fit { map, n: sums.n, n_eff })
}

/// The sum of several rows of bins.
pub(in crate::measure) fn merged(rows: &[Vec<ScoreBin>]) -> Vec<ScoreBin> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut sum = vec![ScoreBin::default(); width];
    rows.iter().for_each(|row| sum.iter_mut().zip(row).for_each(|(to, from)| *to += *from));
    sum
}

fn logit(score: f64) -> f64 {
    let score = score.clamp(1e-4, 1.0 - 1e-4);
    (score / (1.0 - score)).ln()
}

/// The value on the line between two neighbours, the nearest one's at either end.
fn between(scores: &[f64], values: &[f64], score: f64) -> Option<f64> {
    let after = scores.partition_point(|s| *s < score);
    let right = scores.get(after).zip(values.get(after));
    let left = after.checked_sub(1).and_then(|at| scores.get(at).zip(values.get(at)));
    match (left, right) {
        (Some((s0, v0)), Some((s1, v1))) if s1 > s0 => Some(v0 + (score - s0) / (s1 - s0) * (v1 - v0)),
        (_, Some((_, value))) | (Some((_, value)), None) => Some(*value),
        (None, None) => None,
    }
}
