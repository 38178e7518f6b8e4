//! Logistic regression of right or not on one feature, by weighted maximum likelihood.

use serde::{Deserialize, Serialize};

use crate::measure::weight::WeightSums;

/// Labelled rows with one value of the feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub right: WeightSums,
    pub wrong: WeightSums,
}

/// `p = 1 / (1 + exp(−(intercept + slope x)))`
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    pub intercept: f64,
    pub slope: f64,
    /// Sandwich variances of intercept and slope, and their covariance between them.
    pub covariance: [f64; 3],
    /// Sums over rows of what each adds to the variance of [`Logistic::linear`], squared: coefficients of `x⁰` to `x⁴`.
    #[serde(skip)]
    squares: [f64; 5],
}

impl Logistic {
    pub fn linear(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }

    pub fn probability(&self, x: f64) -> f64 {
        sigmoid(self.linear(x))
    }

    /// Variance of [`Logistic::linear`] at `x`.
    pub fn variance(&self, x: f64) -> f64 {
        let [aa, ab, bb] = self.covariance;
        (aa + 2.0 * ab * x + bb * x * x).max(0.0)
    }

    /// Degrees of freedom of that variance, which few heavy rows may make: Satterthwaite's `(Σ v)²/Σ v²`, `v` the
    /// expectation of what a row adds to it. What it did add, `u`, is a square: of normal residuals `E u² = 3 v²` and
    /// `E (Σ u)² = (Σ v)² + 2 Σ v²`, so the ratio of what is free of bias for either is `3 (Σ u)²/Σ u² − 2`.
    pub fn degrees(&self, x: f64) -> f64 {
        3.0 * self.variance(x).powi(2) / self.squares.iter().rev().fold(0.0, |sum, of| sum * x + of) - 2.0
    }
}

/// What a fit leaves free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// Intercept and slope, targets smoothed: Platt's.
    Both,
    /// The slope alone, through 0: temperature scaling when `x` is a logit.
    Slope,
}

/// Maximum likelihood by Newton's method with a halved step where a whole one does not help.
///
/// Rows count by their design weight. With both parameters free, the targets are Platt's: `(N₊ + 1)/(N₊ + 2)` for a
/// right row and `1/(N₋ + 2)` for a wrong one, `N` the effective number `(Σw)²/Σw²` on each side, so that separable
/// labels give a finite slope. The covariance is the sandwich `H⁻¹ G H⁻¹`, `G = Σ w² (y − p)² x x' / (1 − h)²`: it
/// holds under unequal weights and when the true curve is another. `h = w p (1−p) x' H⁻¹ x` is how much a row pulls the
/// curve to itself ("HC3"); few rows of large weight would make it look too sure.
///
/// `None` without labels, with one value of `x` only (two parameters), and where the likelihood has no maximum.
///
/// Platt (1999), Advances in Large Margin Classifiers; Lin, Lin and Weng (2007), Machine Learning 68; Guo et al.
/// (2017), ICML; MacKinnon and White (1985), Journal of Econometrics 29, on the sandwich.
///
/// ```
/// use vigie::measure::{recalibration::logistic::{Free, Point, maximise}, weight::WeightSums};
/// let point = |x, right, wrong| Point { x, right: WeightSums::certain(right), wrong: WeightSums::certain(wrong) };
/// // at logit 2 the odds are e, not e²: a temperature of 2
/// let found = maximise(&[point(2.0, 731_059, 268_941)], Free::Slope).unwrap();
/// assert!((1.0 / found.slope - 2.0).abs() < 1e-5);
/// assert_eq!(maximise(&[point(2.0, 7, 3)], Free::Both), None);
/// ```
pub fn maximise(points: &[Point], free: Free) -> Option<Logistic> {
    let effective = |side: fn(&Point) -> WeightSums| points.iter().map(side).sum::<WeightSums>().effective();
    let (right, wrong) = (effective(|p| p.right), effective(|p| p.wrong));
    let (high, low) = match free {
        Free::Both => ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0)),
        Free::Slope => (1.0, 0.0),
    };
    let rows: Vec<Row> = points
        .iter()
        .map(|p| (p, p.right.total() + p.wrong.total()))
        .filter(|(p, weight)| *weight > 0.0 && p.x.is_finite())
        .map(|(p, weight)| Row { x: p.x, weight, target: (p.right.total() * high + p.wrong.total() * low) / weight })
        .collect();
    let total: f64 = rows.iter().map(|row| row.weight).sum();
    let start = ((right + 1.0) / (wrong + 1.0)).ln();
    let mut at = if free == Free::Both { [start, 0.0] } else { [0.0, 1.0] };
    let mut loss = negative_log_likelihood(&rows, at);
    for _ in 0..100 {
        let (gradient, curvature) = derivatives(&rows, at, free);
        let [intercept, slope] = solve(curvature, gradient)?;
        let mut step = 1.0;
        // the likelihood is concave, so a short enough step helps unless this is the maximum
        let moved = loop {
            let there = [at[0] - step * intercept, at[1] - step * slope];
            let found = negative_log_likelihood(&rows, there);
            if found < loss {
                break Some((there, found));
            }
            step /= 2.0;
            if step < 1e-10 {
                break None;
            }
        };
        let Some((there, found)) = moved else { break };
        (at, loss) = (there, found);
        if gradient[0].abs().max(gradient[1].abs()) <= 1e-12 * total {
            break;
        }
    }
    let (gradient, curvature) = derivatives(&rows, at, free);
    // separable labels send a slope without smoothed targets to infinity, where all is flat
    let separable = free == Free::Slope && loss <= 1e-6 * total;
    if separable || gradient[0].abs().max(gradient[1].abs()) > 1e-6 * total || !loss.is_finite() {
        return None;
    }
    let fitted = Logistic { intercept: at[0], slope: at[1], covariance: [0.0; 3], squares: [0.0; 5] };
    let (covariance, squares) = sandwich(points, &fitted, curvature, free)?;
    Some(Logistic { covariance, squares, ..fitted })
}

/// `H⁻¹ v` for `H = [[h₀, h₁], [h₁, h₂]]`; `None` where `H` is singular.
fn solve([aa, ab, bb]: [f64; 3], [a, b]: [f64; 2]) -> Option<[f64; 2]> {
    let determinant = aa * bb - ab * ab;
    let singular = determinant <= 1e-12 * aa * bb;
    let found = [(bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant];
    (!singular && found.iter().all(|x| x.is_finite())).then_some(found)
}

struct Row {
    x: f64,
    weight: f64,
    target: f64,
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

fn negative_log_likelihood(rows: &[Row], [intercept, slope]: [f64; 2]) -> f64 {
    let term = |row: &Row| {
        let z = intercept + slope * row.x;
        // log(1 + exp(z)) − target z, without overflow
        row.weight * (z.max(0.0) + (-z.abs()).exp().ln_1p() - row.target * z)
    };
    rows.iter().map(term).sum()
}

/// Gradient and curvature of the negative log likelihood. An intercept that is not free has neither, and stays.
fn derivatives(rows: &[Row], [intercept, slope]: [f64; 2], free: Free) -> ([f64; 2], [f64; 3]) {
    let (mut gradient, mut curvature) = ([0.0; 2], [0.0; 3]);
    for row in rows {
        let p = sigmoid(intercept + slope * row.x);
        let (error, spread) = (row.weight * (p - row.target), row.weight * p * (1.0 - p));
        gradient = [gradient[0] + error, gradient[1] + error * row.x];
        curvature = [curvature[0] + spread, curvature[1] + spread * row.x, curvature[2] + spread * row.x * row.x];
    }
    match free {
        Free::Both => (gradient, curvature),
        Free::Slope => ([0.0, gradient[1]], [1.0, 0.0, curvature[2]]),
    }
}

/// [`Logistic::covariance`] and its `squares`.
fn sandwich(points: &[Point], fitted: &Logistic, curvature: [f64; 3], free: Free) -> Option<([f64; 3], [f64; 5])> {
    let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
    let mut squares = [0.0; 5];
    let one = if free == Free::Both { 1.0 } else { 0.0 };
    for point in points.iter().filter(|p| p.x.is_finite()) {
        let p = fitted.probability(point.x);
        let [intercept, slope] = solve(curvature, [one, point.x])?;
        let leverage = p * (1.0 - p) * (intercept + slope * point.x);
        let side = |sums: WeightSums, residual: f64| {
            if sums.total() <= 0.0 {
                return 0.0;
            }
            let seen = (1.0 - leverage * sums.squares() / sums.total()).max(0.1);
            sums.squares() * (residual / seen).powi(2)
        };
        let sides = [(point.right, 1.0 - p), (point.wrong, p)].map(|(sums, residual)| (sums.n, side(sums, residual)));
        let meat: f64 = sides.iter().map(|(_, meat)| meat).sum();
        let fourth: f64 = sides.iter().filter(|(n, _)| *n > 0).map(|(n, meat)| meat * meat / *n as f64).sum();
        // (intercept + slope x)⁴
        for (k, (sum, times)) in squares.iter_mut().zip([1.0, 4.0, 6.0, 4.0, 1.0]).enumerate() {
            *sum += fourth * times * intercept.powi(4 - k as i32) * slope.powi(k as i32);
        }
        aa += meat * one;
        ab += meat * one * point.x;
        bb += meat * point.x * point.x;
    }
    let [left, right] = [solve(curvature, [aa, ab])?, solve(curvature, [ab, bb])?];
    // the rows of H⁻¹ G are its columns transposed: once more from the other side
    let [first, second] = [solve(curvature, [left[0], right[0]])?, solve(curvature, [left[1], right[1]])?];
    Some(([first[0], first[1], second[1]], squares))
}
