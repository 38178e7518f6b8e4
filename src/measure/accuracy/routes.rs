//! Accuracy of several routes together, each reviewed at rates of its own.

use super::{Accuracy, accuracy, ratio};
use crate::measure::{
    mixture::mixture,
    proportion::{Estimate, jeffreys, normal_quantile, wilson_rows},
    weight::WeightSums,
};

/// Hájek estimate of accuracy over routes, `[right, wrong]` of each, with an interval that knows of each how sure it is.
///
/// `p = Σ_right w / Σ w` over all labelled rows, as [`accuracy`] has it: a route counts by what its labels stand for. Two
/// things are uncertain:
/// - the accuracy of each route: Jeffreys' interval at its effective rows, weighed by the route's share and joined by MOVER
///   ([`mixture`]). One automatic mistake may count as twelve manual ones; how often it comes is asked of automatic rows.
/// - the shares, since how many rows of a route were drawn is left to chance: normal on the log-odds of the routes above
///   `p` against those below, from `Σ(w² − w)` of each.
///
/// `n_eff` is the number of equally likely rows whose Wilson interval is as wide.
///
/// *Target*, *assumes* and *edge cases* as of [`accuracy`], which it is where one route alone has labels. A route without
/// any is not seen.
///
/// ```
/// use vigie::measure::{accuracy::routes::accuracy_of_routes, weight::WeightSums};
/// let rows = WeightSums::weighted;
/// // 39 automatic labels, none wrong, 165 manual ones
/// let both = accuracy_of_routes(&[[rows(39, 20.0), rows(0, 20.0)], [rows(56, 1.67), rows(109, 1.67)]], 0.95);
/// let bounds = both.estimate;
/// assert!((bounds.estimate.unwrap() - 0.828).abs() < 1e-3);
/// assert!((bounds.lower.unwrap() - 0.765).abs() < 1e-3 && (bounds.upper.unwrap() - 0.867).abs() < 1e-3);
/// ```
pub fn accuracy_of_routes(routes: &[[WeightSums; 2]], confidence_level: f64) -> Accuracy {
    let total = |[right, wrong]: &[WeightSums; 2]| right.total() + wrong.total();
    let labelled: Vec<&[WeightSums; 2]> = routes.iter().filter(|route| total(route) > 0.0).collect();
    let [right, wrong] = [0, 1].map(|side| labelled.iter().map(|route| route[side]).sum::<WeightSums>());
    let plain = accuracy(right, wrong, confidence_level);
    let (Some(p), Some(z), true) = (plain.estimate.estimate, normal_quantile(confidence_level), labelled.len() > 1)
    else {
        return plain;
    };
    let all = right.total() + wrong.total();
    let parts: Option<Vec<Route>> = labelled.into_iter().map(|route| Route::of(route, z)).collect();
    let Some(parts) = parts else { return plain };
    let own: Vec<_> =
        parts.iter().map(|route| (route.size / all, jeffreys(route.p, route.rows, confidence_level))).collect();
    let joined = mixture(&own, shares(&parts, p, z));
    // sums at the ends of what numbers can hold may leave nothing in order
    let in_order = joined.lower.is_some_and(|lower| lower <= p) && joined.upper.is_some_and(|upper| p <= upper);
    if !in_order {
        return plain;
    }
    // the sum over routes is the same but for rounding
    let estimate = Estimate { estimate: Some(p), ..joined };
    Accuracy { estimate, n_eff: wilson_rows(&estimate, confidence_level), ..plain }
}

/// Labels of a route.
pub(in crate::measure) struct Route {
    /// Share of right ones; the mean of anything else will do for [`shares`].
    pub p: f64,
    /// What they stand for.
    pub size: f64,
    /// Variance of `size`.
    pub sampling: f64,
    /// Effective ones, infinite where all rows have one.
    pub rows: f64,
}

impl Route {
    pub(in crate::measure) fn of([right, wrong]: &[WeightSums; 2], z: f64) -> Option<Self> {
        let ratio = ratio(right, wrong);
        Some(Route {
            p: ratio.estimate()?,
            size: right.total() + wrong.total(),
            sampling: right.sampling() + wrong.sampling(),
            rows: ratio.effective_n(z * z / 2.0)?,
        })
    }
}

/// How far below and above their mean `p` the shares of the routes may put it.
pub(in crate::measure) fn shares(routes: &[Route], p: f64, z: f64) -> [f64; 2] {
    let all: f64 = routes.iter().map(|route| route.size).sum();
    let (better, worse): (Vec<&Route>, Vec<&Route>) = routes.iter().partition(|route| route.p > p);
    if better.is_empty() || worse.is_empty() {
        return [0.0; 2];
    }
    let size = |side: &[&Route]| side.iter().map(|route| route.size).sum::<f64>();
    let sampling = |side: &[&Route]| side.iter().map(|route| route.sampling).sum::<f64>();
    let mean = |side: &[&Route]| side.iter().map(|route| route.size * route.p).sum::<f64>() / size(side);
    let apart = mean(&better) - mean(&worse);
    let share = size(&better) / all;
    let odds = share / (1.0 - share);
    let off = (z * (sampling(&better) / size(&better).powi(2) + sampling(&worse) / size(&worse).powi(2)).sqrt()).exp();
    let at = |odds: f64| odds / (1.0 + odds);
    // of three routes two are on one side, and need not be alike
    let within =
        |side: &[&Route]| side.iter().map(|route| route.sampling * (route.p - mean(side)).powi(2)).sum::<f64>();
    let rest = z * (within(&better) + within(&worse)).sqrt() / all;
    [share - at(odds / off), at(odds * off) - share].map(|moved| (apart * moved).hypot(rest))
}
