//! The labels of a whole, by route: how heavy the few rows of one of its parts may be.

use super::weight::WeightSums;

/// Rows that the mix of the whole counts for beside the labels of a part.
const MIX: f64 = 2.0;

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

    /// The same for recall, which is about rows that truly are of the part: known of those with a label alone, `labels` their
    /// weights `Σw` by route. Few labels may miss a route altogether, so two typical rows of the whole join them, and of
    /// this mix and that of the predictions the one with the heavier rows counts, on each side.
    ///
    /// ```
    /// # use vigie::measure::{weight::WeightSums, whole::Whole};
    /// # let rows = WeightSums::weighted;
    /// # let whole = Whole::new(vec![[rows(95, 20.0), rows(5, 20.0)], [rows(200, 2.0), rows(400, 2.0)]]);
    /// # let typical = |rows: WeightSums| rows.w2 / rows.w;
    /// // five manual labels of a code that is coded automatically
    /// assert!(typical(whole.of_truth(&[0.0, 10.0], &[500, 0])[1]) > 19.0);
    /// // many automatic labels of a code whose predictions are manual
    /// assert!(typical(whole.of_truth(&[2_000.0, 0.0], &[0, 80])[1]) > 15.0);
    /// ```
    pub fn of_truth(&self, labels: &[f64], predictions: &[u64]) -> [WeightSums; 2] {
        let sizes = self.sizes();
        let size: f64 = sizes.iter().sum();
        let squares: f64 = self.routes.iter().flatten().map(WeightSums::squares).sum();
        let joined = MIX * squares / size / size;
        let joined = if joined.is_finite() { joined } else { 0.0 };
        let own = |at: usize| labels.get(at).copied().unwrap_or(0.0);
        let seen = self.mixed(&sizes.iter().enumerate().map(|(at, of)| own(at) + joined * of).collect::<Vec<_>>());
        let predicted = self.of_predictions(predictions);
        let heavy = |rows: &WeightSums| rows.squares() / rows.total();
        [0, 1].map(|side| if heavy(&predicted[side]) > heavy(&seen[side]) { predicted[side] } else { seen[side] })
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
