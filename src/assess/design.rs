//! What a label counts where its event names no inclusion probability and the configuration no review rate.

use std::collections::BTreeMap;

use super::accuracy::weight_sums;
use crate::{
    fact::{CONFIDENCE_BINS, GRADE_STARTS, GRADES, ScoreKind, grade},
    measure::{assisted::Stratum, post_stratification::post_weights, weight::WeightSums},
    query::Answer,
};

/// Weights of labels by version, route and grade of the confidence, for the routes in which some are unknown.
#[derive(Debug, Default)]
pub struct Design(BTreeMap<(String, Option<String>), Weights>);

#[derive(Debug)]
struct Weights {
    by_grade: Vec<f64>,
    /// Over the whole route.
    mean: f64,
}

impl Design {
    /// From the predictions and labels of each version and route, as they are.
    pub fn new<'a>(strata: impl Iterator<Item = (&'a str, Option<&'a str>, &'a Stratum)>) -> Self {
        let of = |(version, route, stratum): (&str, Option<&str>, &Stratum)| {
            let by_grade = post_weights(stratum, &GRADE_STARTS)?;
            let labels: u64 = stratum.bins().map(|bin| bin.labelled()).sum();
            let mean = (stratum.predictions() as f64 / labels.max(1) as f64).max(1.0);
            Some(((version.to_owned(), route.map(str::to_owned)), Weights { by_grade, mean }))
        };
        Design(strata.filter_map(of).collect())
    }

    /// The design sums of one row of an answer with the columns `version`, `route` and `grade`.
    pub fn sums(&self, answer: &Answer, row: usize) -> WeightSums {
        let own = weight_sums(answer, row);
        let graded = |w: &Weights| w.by_grade.get(grade_of(answer, row)).copied().unwrap_or(w.mean);
        self.of(answer, row).map_or(own, |w| WeightSums::weighted(own.n, graded(w)))
    }

    /// Of one row of `reliability.sql`, and by what its sums of weight times score grow.
    pub fn binned(&self, answer: &Answer, row: usize) -> (WeightSums, f64) {
        let own = weight_sums(answer, row);
        let Some(weights) = self.of(answer, row) else { return (own, 1.0) };
        let bin = (answer.int(row, "bin").max(0) as u32).min(CONFIDENCE_BINS - 1);
        // a bin of the probability says nothing of the confidence
        let by_confidence = answer.text(row, "kind") == Some(ScoreKind::Confidence.as_str());
        let graded = by_confidence.then(|| weights.by_grade.get(usize::from(grade(bin)))).flatten();
        let sums = WeightSums::weighted(own.n, graded.copied().unwrap_or(weights.mean));
        (sums, if own.w > 0.0 { sums.w / own.w } else { 1.0 })
    }

    fn of(&self, answer: &Answer, row: usize) -> Option<&Weights> {
        if self.0.is_empty() {
            return None;
        }
        let version = answer.text(row, "version").unwrap_or_default();
        self.0.get(&(version.to_owned(), answer.text(row, "route").map(str::to_owned)))
    }
}

/// The grade of a row of an answer with that column.
pub fn grade_of(answer: &Answer, row: usize) -> usize {
    (answer.int(row, "grade").max(0) as usize).min(GRADES - 1)
}

/// Automatic, manual, and what names neither.
pub const ROUTES: usize = 3;

/// Which of them a row of an answer with that column is of.
pub fn route_at(answer: &Answer, row: usize) -> usize {
    match answer.text(row, "route") {
        Some("auto") => 0,
        Some("manual") => 1,
        _ => 2,
    }
}
