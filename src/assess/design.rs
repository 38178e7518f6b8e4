//! What a label counts where its event names no inclusion probability and the configuration no review rate.

use std::collections::BTreeMap;

use super::{
    accuracy::weight_sums,
    draws::{Draw, route_at},
};
use crate::{
    event::Weight,
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

impl Weights {
    fn of_grade(&self, answer: &Answer, row: usize) -> f64 {
        self.by_grade.get(grade_of(answer, row)).copied().unwrap_or(self.mean)
    }
}

fn class_of(weight: f64) -> u8 {
    Weight::from_inclusion(1.0 / weight).class()
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
        self.of(answer, row).map_or(own, |weights| WeightSums::weighted(own.n, weights.of_grade(answer, row)))
    }

    /// How the labels of such a row were drawn; the answer has the column `weight_class`, too.
    pub fn draw(&self, answer: &Answer, row: usize) -> Draw {
        let class = match self.of(answer, row) {
            Some(weights) => class_of(weights.of_grade(answer, row)),
            None => answer.int(row, "weight_class").clamp(0, i64::from(u8::MAX)) as u8,
        };
        (route_at(answer, row), class)
    }

    /// Of one row of `reliability.sql`, how it was drawn, and by what its sums of weight times score grow.
    pub fn binned(&self, answer: &Answer, row: usize) -> (WeightSums, Draw, f64) {
        let own = weight_sums(answer, row);
        let Some(weights) = self.of(answer, row) else { return (own, self.draw(answer, row), 1.0) };
        let bin = (answer.int(row, "bin").max(0) as u32).min(CONFIDENCE_BINS - 1);
        // a bin of the probability says nothing of the confidence
        let by_confidence = answer.text(row, "kind") == Some(ScoreKind::Confidence.as_str());
        let graded = by_confidence.then(|| weights.by_grade.get(usize::from(grade(bin)))).flatten();
        let weight = graded.copied().unwrap_or(weights.mean);
        let sums = WeightSums::weighted(own.n, weight);
        let draw = (route_at(answer, row), class_of(weight));
        (sums, draw, if own.w > 0.0 { sums.w / own.w } else { 1.0 })
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
