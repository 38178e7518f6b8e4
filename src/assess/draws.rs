//! How labels were drawn for review: by route, and within it at which rate.

use std::collections::BTreeMap;

use super::design::{Design, grade_of};
use crate::{fact::GRADES, query::Answer};

/// A route ([`route_at`]) and a class of weights ([`Weight::class`](crate::event::Weight::class)). Labels of one are drawn at about
/// the same rate, as all labels of a route often are; a route that nobody names has at least two.
pub type Draw = (usize, u8);

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

/// The draws of some labels, numbered, and which of them the predictions without a label are of.
#[derive(Debug, Default)]
pub struct Draws {
    numbers: BTreeMap<Draw, usize>,
    /// By route and grade: the draws with the share of each.
    shares: Vec<Vec<Vec<(usize, f64)>>>,
}

impl Draws {
    /// Of the wanted rows of an answer with the columns `version`, `route`, `grade` and `weight_class`.
    pub fn new(outcome: &Answer, design: &Design, wanted: impl Fn(usize) -> bool) -> Self {
        let mut weights: BTreeMap<Draw, [f64; GRADES]> = BTreeMap::new();
        for row in (0..outcome.rows()).filter(|row| wanted(*row)) {
            let by_grade = weights.entry(design.draw(outcome, row)).or_default();
            by_grade[grade_of(outcome, row)] += design.sums(outcome, row).total();
        }
        for route in 0..ROUTES {
            if weights.range((route, 0)..=(route, u8::MAX)).next().is_none() {
                weights.insert((route, 0), [1.0; GRADES]);
            }
        }
        let numbers = weights.keys().enumerate().map(|(number, draw)| (*draw, number)).collect();
        let of_route = |route: usize| {
            let draws: Vec<(usize, &[f64; GRADES])> = weights
                .iter()
                .enumerate()
                .filter(|(_, ((of, _), _))| *of == route)
                .map(|(number, (_, by_grade))| (number, by_grade))
                .collect();
            (0..GRADES).map(|grade| nearest_shares(&draws, grade)).collect()
        };
        Draws { numbers, shares: (0..ROUTES).map(of_route).collect() }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of a draw that was met; the first one's of its route otherwise.
    pub fn number(&self, draw: Draw) -> usize {
        let of_route = || self.numbers.range((draw.0, 0)..).next().map_or(0, |(_, number)| *number);
        self.numbers.get(&draw).copied().unwrap_or_else(of_route)
    }

    /// Numbers of the draws that predictions of a row's route and grade are of, and the share of each, as labels of that grade
    /// say, or of the grade nearest to it that has some: what is decided by the confidence is drawn by it, too.
    pub fn of_predictions(&self, answer: &Answer, row: usize) -> &[(usize, f64)] {
        &self.shares[route_at(answer, row)][grade_of(answer, row)]
    }

    /// Predictions of each draw over some such rows, which have the column `n`; a part of one is one.
    pub fn predictions(&self, answer: &Answer, rows: &[usize]) -> Vec<u64> {
        let mut all = vec![0.0; self.len()];
        for row in rows {
            for (number, share) in self.of_predictions(answer, *row) {
                all[*number] += share * answer.count(*row, "n") as f64;
            }
        }
        all.into_iter().map(|rows| rows.ceil() as u64).collect()
    }
}

/// Of the draws of a route, their shares of what labels of a grade, or of those nearest to it, stand for.
fn nearest_shares(draws: &[(usize, &[f64; GRADES])], grade: usize) -> Vec<(usize, f64)> {
    for far in 0..GRADES {
        let sum = |by_grade: &[f64; GRADES]| -> f64 {
            by_grade.iter().enumerate().filter(|(at, _)| at.abs_diff(grade) == far).map(|(_, weight)| weight).sum()
        };
        let all: f64 = draws.iter().map(|(_, by_grade)| sum(by_grade)).sum();
        if all > 0.0 {
            let shares = draws.iter().map(|(number, by_grade)| (*number, sum(by_grade) / all));
            return shares.filter(|(_, share)| *share > 0.0).collect();
        }
    }
    Vec::new()
}
