use serde::{Deserialize, Serialize};

use super::Plan;
use crate::measure::{
    assisted::{ScoreBin, Stratum},
    isotonic::isotonic,
    review_design::{ReviewStratum as Drawn, half_width, labels_for, neyman, scaled},
};

/// Predictions of a route whose confidence lies in a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewStratum {
    /// Route and range, such as `auto 0.90-0.92`.
    pub stratum: String,
    pub route: Option<String>,
    pub lower: f64,
    pub upper: f64,
    pub predictions: u64,
    pub labelled: u64,
    /// Share of right ones, as far as labels tell.
    pub accuracy: f64,
    /// labelled / predictions.
    pub present_rate: f64,
    /// Review probability under Neyman's allocation of as many labels.
    pub proposed_rate: f64,
}

/// How narrow the interval of the model-assisted accuracy is, as the review is and as it could be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewPrecision {
    /// Half-width that is wanted.
    pub goal: f64,
    /// Labels in the period.
    pub labels: u64,
    pub present: ReviewWay,
    /// With as many labels, drawn as proposed.
    pub proposed: ReviewWay,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewWay {
    /// Expected half-width with [`ReviewPrecision::labels`]; `null` where a range of the confidence has no label.
    pub half_width: Option<f64>,
    /// Labels that the goal takes; `null` where it cannot be reached.
    pub labels_for_goal: Option<u64>,
}

/// Strata: at most a tenth of the confidence, or a fortieth of all predictions where those lie dense.
const RANGES: usize = 10;
const DENSE: u64 = 40;

/// What the present review tells and what a better one would; empty without labels.
pub fn review(plan: &Plan, routes: &[(Option<String>, Stratum)]) -> (Vec<ReviewStratum>, ReviewPrecision) {
    let goal = plan.request.half_width;
    let level = plan.request.confidence_level;
    let (mut rows, mut strata) = (Vec::new(), Vec::new());
    let all: u64 = routes.iter().map(|(_, s)| s.predictions()).sum();
    for (route, stratum) in routes {
        for range in ranges(stratum, all) {
            let (lower, upper) = range.bounds;
            let name = route.as_deref().unwrap_or("none");
            let present_rate = range.stratum.labelled as f64 / range.stratum.predictions as f64;
            rows.push(ReviewStratum {
                stratum: format!("{name} {lower:.2}-{upper:.2}"),
                route: route.clone(),
                lower,
                upper,
                predictions: range.stratum.predictions,
                labelled: range.stratum.labelled,
                accuracy: range.stratum.right,
                present_rate,
                proposed_rate: 0.0,
            });
            strata.push(range.stratum);
        }
    }
    let labels: u64 = strata.iter().map(|s| s.labelled).sum();
    if labels == 0 {
        return (Vec::new(), ReviewPrecision { goal, ..ReviewPrecision::default() });
    }
    let present: Vec<f64> = rows.iter().map(|r| r.present_rate).collect();
    let proposed = neyman(&strata, labels as f64);
    for (row, rate) in rows.iter_mut().zip(&proposed) {
        row.proposed_rate = *rate;
    }
    let way = |rates: &[f64], needed: Option<f64>| ReviewWay {
        half_width: half_width(&strata, rates, level),
        labels_for_goal: needed.map(|n| n.ceil() as u64),
    };
    let precision = ReviewPrecision {
        goal,
        labels,
        present: way(&present, labels_for(&strata, goal, level, |n| scaled(&strata, &present, n))),
        proposed: way(&proposed, labels_for(&strata, goal, level, |n| neyman(&strata, n))),
    };
    (rows, precision)
}

struct Range {
    bounds: (f64, f64),
    stratum: Drawn,
}

/// Neighbouring bins, up to `to`.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    from: usize,
    to: usize,
    of: ScoreBin,
}

/// Ranges of the confidence with predictions; what is right in one is as an isotonic regression over all has it.
fn ranges(stratum: &Stratum, all: u64) -> Vec<Range> {
    let bins = stratum.width();
    let width = bins.div_ceil(RANGES).max(1);
    let mut sums: Vec<Sum> = Vec::new();
    for at in 0..bins {
        if at % width == 0 || sums.last().is_none_or(|s| s.of.n * DENSE >= all) {
            sums.push(Sum { from: at, ..Sum::default() });
        }
        let Some(sum) = sums.last_mut() else { continue };
        sum.to = at + 1;
        sum.of += stratum.at(at);
    }
    let points = sums.iter().map(|s| (s.of.right.total(), s.of.right.total() + s.of.wrong.total()));
    let right = isotonic(&points.collect::<Vec<_>>());
    let bound = |at: usize| at as f64 / bins as f64;
    sums.iter()
        .enumerate()
        .filter(|(_, s)| s.of.n > 0)
        .map(|(at, s)| Range {
            bounds: (bound(s.from), bound(s.to)),
            // a route without labels: nothing is known, so everything is open
            stratum: Drawn {
                predictions: s.of.n,
                labelled: s.of.labelled(),
                right: right.as_ref().map_or(0.5, |r| r[at]),
            },
        })
        .collect()
}
