//! The labels of a whole, by route: how heavy the few rows of one of its parts may be.

use super::weight::WeightSums;

/// Labelled predictions of a part, of so many rows that truly are of it, that its own labels are joined by.
const AS_PREDICTED: f64 = 2.0;

/// What is known of a part on one route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Rows that were predicted to be of it.
    pub predictions: u64,
    /// Of these, rows with a label.
    pub predicted: u64,
    /// Labelled rows that truly are of it.
    pub actual: u64,
}

impl Part {
    /// Rows that truly are of it, labelled or not, where a label stands for `weight` rows: the ratio estimator
    /// `predictions · actual / predicted`, joined by [`AS_PREDICTED`] labels that say that as many are as were predicted. Few
    /// predictions do not promise so many labels; without any, the labels alone are counted.
    fn actual_rows(&self, weight: f64) -> f64 {
        let (predictions, predicted, actual) = (self.predictions as f64, self.predicted as f64, self.actual as f64);
        let joined = AS_PREDICTED.min(predictions / weight);
        let rows = predictions * (actual + joined) / (predicted + joined);
        if rows.is_finite() { rows } else { actual * weight }
    }
}

/// Right and wrong labels of all parts, of each route. Routes are reviewed at rates of their own, so a part that is mostly
/// automatic has heavier mistakes than one that is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whole {
    routes: Vec<[WeightSums; 2]>,
}

impl Whole {
    pub fn new(routes: Vec<[WeightSums; 2]>) -> Self {
        Self { routes }
    }

    /// The same rows as [`WeightSums::with_replacement`] sees them.
    pub fn with_replacement(&self) -> Self {
        Self { routes: self.routes.iter().map(|sides| sides.map(WeightSums::with_replacement)).collect() }
    }

    /// Right and wrong rows as the whole has them on each route, in the mix of routes of a part's predictions: what its
    /// precision is about. Without predictions as the whole is.
    ///
    /// ```
    /// use vigie::measure::{weight::WeightSums, whole::Whole};
    /// let rows = WeightSums::weighted;
    /// // automatic rows stand for 20 and are seldom wrong
    /// let whole = Whole::new(vec![[rows(95, 20.0), rows(5, 20.0)], [rows(200, 2.0), rows(400, 2.0)]]);
    /// let typical = |rows: WeightSums| rows.w2 / rows.w;
    /// assert!(typical(whole.of_predictions(&[500, 0])[1]) > 19.0);
    /// assert!(typical(whole.of_predictions(&[0, 80])[1]) < 3.0);
    /// ```
    pub fn of_predictions(&self, predictions: &[u64]) -> [WeightSums; 2] {
        self.mixed(&predictions.iter().map(|n| *n as f64).collect::<Vec<_>>())
    }

    /// The same for recall, which is about rows that truly are of the part. Which routes those without a label took is told by
    /// its predictions on each, and by how many labelled rows of the route are of it for one that was predicted to be.
    ///
    /// ```
    /// # use vigie::measure::{weight::WeightSums, whole::{Part, Whole}};
    /// # let rows = WeightSums::weighted;
    /// # let whole = Whole::new(vec![[rows(95, 20.0), rows(5, 20.0)], [rows(200, 2.0), rows(400, 2.0)]]);
    /// # let typical = |rows: WeightSums| rows.w2 / rows.w;
    /// // five manual labels of a code that is coded automatically
    /// let automatic = Part { predictions: 500, ..Part::default() };
    /// let manual = Part { predictions: 20, predicted: 10, actual: 5 };
    /// assert!(typical(whole.of_truth(&[automatic, manual])[1]) > 15.0);
    /// // of many manual predictions hardly one is right: nearly all that is missed is automatic
    /// let manual = Part { predictions: 400, predicted: 200, actual: 0 };
    /// assert!(typical(whole.of_truth(&[automatic, manual])[1]) > 18.0);
    /// // never predicted
    /// assert!(typical(whole.of_truth(&[Part::default(), Part { actual: 12, ..Part::default() }])[1]) < 3.0);
    /// ```
    pub fn of_truth(&self, part: &[Part]) -> [WeightSums; 2] {
        let weight =
            |[right, wrong]: &[WeightSums; 2]| (right.total() + wrong.total()) / (right.n + wrong.n).max(1) as f64;
        self.mixed(
            &self.routes.iter().zip(part).map(|(route, part)| part.actual_rows(weight(route))).collect::<Vec<_>>(),
        )
    }

    /// `Σw` by route.
    fn sizes(&self) -> Vec<f64> {
        self.routes.iter().map(|[right, wrong]| right.total() + wrong.total()).collect()
    }

    /// The rows of each route as often as these weights say, as many as they are in all.
    fn mixed(&self, weights: &[f64]) -> [WeightSums; 2] {
        let sizes = self.sizes();
        let (size, all) = (sizes.iter().sum::<f64>(), weights.iter().sum::<f64>());
        let mut mixed = [WeightSums::default(); 2];
        for (at, (sides, of)) in self.routes.iter().zip(&sizes).enumerate() {
            let times = if all > 0.0 { weights.get(at).copied().unwrap_or(0.0) / all * size / of } else { 1.0 };
            for (sum, rows) in mixed.iter_mut().zip(sides).filter(|_| times.is_finite()) {
                *sum += WeightSums { n: rows.n, w: times * rows.w, w2: times * rows.w2 };
            }
        }
        mixed
    }
}
