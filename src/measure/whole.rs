//! The labels of a whole, by route: how heavy the few rows of one of its parts may be. Where a route is drawn at several rates, each
//! rate is a route here.

use super::weight::WeightSums;

/// Labelled predictions of a part, of so many rows that truly are of it, that its own labels are joined by.
const AS_PREDICTED: f64 = 2.0;

/// Labels of the whole, on its route, that a part's own are joined by to tell how many of its rows are right.
const AS_WHOLE: f64 = 15.0;

/// What is known of a part on one route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    /// Rows that were predicted to be of it.
    pub predictions: u64,
    /// Of these, rows with a label.
    pub predicted: u64,
    /// Labelled rows that truly are of it.
    pub actual: u64,
    /// Of both, those that are right.
    pub right: u64,
}

/// Rows of a part on a route, and the labels that say how many of them are right.
struct Rows {
    rows: f64,
    right: u64,
    labels: u64,
}

impl Met {
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
    /// use vigie::measure::{weight::WeightSums, whole::{Met, Whole}};
    /// let rows = WeightSums::weighted;
    /// let met = |predictions| Met { predictions, ..Met::default() };
    /// // automatic rows stand for 20 and are seldom wrong
    /// let whole = Whole::new(vec![[rows(95, 20.0), rows(5, 20.0)], [rows(200, 2.0), rows(400, 2.0)]]);
    /// let typical = |rows: WeightSums| rows.w2 / rows.w;
    /// assert!(typical(whole.of_predictions(&[met(500), met(0)])[1]) > 19.0);
    /// assert!(typical(whole.of_predictions(&[met(0), met(80)])[1]) < 3.0);
    /// // all 60 manual ones that people saw are wrong: what is right of this code is automatic
    /// let odd = [met(40), Met { predictions: 100, predicted: 60, ..Met::default() }];
    /// assert!(typical(whole.of_predictions(&odd)[0]) > 17.0);
    /// ```
    pub fn of_predictions(&self, part: &[Met]) -> [WeightSums; 2] {
        let rows = |of: &Met| Rows { rows: of.predictions as f64, right: of.right, labels: of.predicted };
        self.mixed(&part.iter().map(rows).collect::<Vec<_>>())
    }

    /// The same for recall, which is about rows that truly are of the part. Which routes those without a label took is told by
    /// its predictions on each, and by how many labelled rows of the route are of it for one that was predicted to be.
    ///
    /// ```
    /// # use vigie::measure::{weight::WeightSums, whole::{Met, Whole}};
    /// # let rows = WeightSums::weighted;
    /// # let whole = Whole::new(vec![[rows(95, 20.0), rows(5, 20.0)], [rows(200, 2.0), rows(400, 2.0)]]);
    /// # let typical = |rows: WeightSums| rows.w2 / rows.w;
    /// // five manual labels of a code that is coded automatically
    /// let automatic = Met { predictions: 500, ..Met::default() };
    /// let manual = Met { predictions: 20, predicted: 10, actual: 5, right: 3 };
    /// assert!(typical(whole.of_truth(&[automatic, manual])[1]) > 15.0);
    /// // of many manual predictions hardly one is right: nearly all that is missed is automatic
    /// let manual = Met { predictions: 400, predicted: 200, actual: 0, right: 0 };
    /// assert!(typical(whole.of_truth(&[automatic, manual])[1]) > 18.0);
    /// // never predicted
    /// assert!(typical(whole.of_truth(&[Met::default(), Met { actual: 12, ..Met::default() }])[1]) < 3.0);
    /// ```
    pub fn of_truth(&self, part: &[Met]) -> [WeightSums; 2] {
        let rows = |([right, wrong], of): (&[WeightSums; 2], &Met)| {
            let weight = (right.total() + wrong.total()) / (right.n + wrong.n).max(1) as f64;
            Rows { rows: of.actual_rows(weight), right: of.right, labels: of.actual }
        };
        self.mixed(&self.routes.iter().zip(part).map(rows).collect::<Vec<_>>())
    }

    /// Right and wrong rows of these routes as heavy as the whole's, as many in all as the whole has.
    fn mixed(&self, part: &[Rows]) -> [WeightSums; 2] {
        let size: f64 = self.routes.iter().flatten().map(WeightSums::total).sum();
        let all: f64 = part.iter().map(|of| of.rows).sum();
        let mut mixed = [WeightSums::default(); 2];
        for (at, sides) in self.routes.iter().enumerate() {
            let own = part.get(at).filter(|_| all > 0.0).map(|of| {
                let of_all = sides[0].total() / (sides[0].total() + sides[1].total());
                let right = (of.right as f64 + AS_WHOLE * of_all) / (of.labels as f64 + AS_WHOLE);
                [right, 1.0 - right].map(|share| share * of.rows / all * size)
            });
            for (side, (sum, rows)) in mixed.iter_mut().zip(sides).enumerate() {
                // a side that the whole has no row of tells nothing
                let times = own.map_or(1.0, |own| own[side] / rows.total());
                if times.is_finite() {
                    *sum += WeightSums { n: rows.n, w: times * rows.w, w2: times * rows.w2 };
                }
            }
        }
        mixed
    }
}
