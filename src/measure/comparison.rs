//! Two versions of a model side by side: did B help, and where did it hurt?
//!
//! Every difference is B's share less A's, so that above 0 is better. Versions usually code the texts of different days:
//! [`standardised`] takes what differs between the days out of the comparison, [`code`] looks at each code. Where both
//! coded the same texts, [`super::mcnemar`] says more.
//!
//! *Target*: the versions, not the rows of these days. Sums are seen as
//! [`super::weight::WeightSums::with_replacement`], so pass them as they are.

pub mod code;
pub mod melded;
pub mod score;
pub mod standardised;

use serde::{Deserialize, Serialize};

use super::proportion::Estimate;

/// A difference of two shares with its interval, in [−1, 1]; `None` where the data says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub estimate: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Difference {
    /// What the interval leaves no doubt of; `None` where it holds 0, or there is none.
    pub fn verdict(&self) -> Option<Verdict> {
        match (self.lower, self.upper) {
            (Some(lower), _) if lower > 0.0 => Some(Verdict::Helped),
            (_, Some(upper)) if upper < 0.0 => Some(Verdict::Hurt),
            _ => None,
        }
    }
}

/// B against A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Helped,
    Hurt,
}

/// Difference `b − a` of two independent estimates, from their intervals alone.
///
/// MOVER, the "method of variance estimates recovery": a bound's distance from its estimate stands for `z` standard
/// errors, on that side and there. `lower = D − √((b − l_b)² + (u_a − a)²)`, `upper = D + √((u_b − b)² + (a − l_a)²)`.
/// With two Wilson intervals it is Newcombe's method 10. Keeps the skewness of the intervals, so it holds near 0 and 1,
/// and takes any interval: a Hájek one, or a model-assisted one ([`super::assisted`]).
///
/// *Assumes* independent estimates, with intervals of one level, which the difference then has. *Edge cases*: no
/// estimate, no difference; a bound that is missing leaves the ones that need it `None`.
///
/// Newcombe (1998), Statistics in Medicine 17, 873-890; Zou and Donner (2008), Statistics in Medicine 27.
///
/// ```
/// use vigie::measure::{comparison::difference, proportion::wilson};
/// let found = difference(wilson(0.7, 100.0, 0.95), wilson(0.8, 100.0, 0.95));
/// assert!((found.estimate.unwrap() - 0.1).abs() < 1e-12);
/// assert!((found.lower.unwrap() + 0.0202494).abs() < 1e-7);
/// assert!((found.upper.unwrap() - 0.2167344).abs() < 1e-7);
/// ```
pub fn difference(a: Estimate, b: Estimate) -> Difference {
    moved(a, b, Joint::default())
}

/// What two estimates share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Joint {
    pub correlation: f64,
    /// Of the difference, in none of the two intervals.
    pub variance: f64,
}

/// [`difference`] with what the two share. `joint.variance` is in units of the margins: times z².
pub(super) fn moved(a: Estimate, b: Estimate, joint: Joint) -> Difference {
    let (Some(from), Some(to)) = (a.estimate, b.estimate) else { return Difference::default() };
    let d = to - from;
    // rounding must not let a margin fall below 0
    let margin = |x: f64, y: f64| (x * x + y * y - 2.0 * joint.correlation * x * y + joint.variance).max(0.0).sqrt();
    let lower = b.lower.zip(a.upper).map(|(l, u)| (d - margin(to - l, u - from)).max(-1.0));
    let upper = b.upper.zip(a.lower).map(|(u, l)| (d + margin(u - to, from - l)).min(1.0));
    Difference { estimate: Some(d), lower, upper }
}
