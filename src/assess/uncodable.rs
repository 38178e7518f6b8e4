use serde::{Deserialize, Serialize};

use super::{Plan, accuracy::identified, design::Design};
use crate::{
    measure::{
        accuracy::{Accuracy, accuracy},
        weight::WeightSums,
    },
    query::Answer,
};

/// Texts of which people say that no code fits: neither right nor wrong, so they are in no accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uncodable {
    /// `all`, `auto` or `manual`.
    pub route: String,
    /// Labels that say so.
    pub uncodable: u64,
    /// Their share of what was reviewed, weighted by design; `n` counts all labels.
    #[serde(flatten)]
    pub share: Accuracy,
}

/// Of every route with labels; empty where nobody called a text uncodable. `both`: labels tell of both routes together.
pub fn uncodable(plan: &Plan, (answer, design): (&Answer, &Design), both: bool) -> Vec<Uncodable> {
    let of = |route: &str| {
        let rows = (0..answer.rows()).filter(|row| route == "all" || answer.text(*row, "route") == Some(route));
        let (none, some): (Vec<usize>, Vec<usize>) = rows.partition(|row| answer.int(*row, "is_uncodable") == 1);
        let sum = |rows: Vec<usize>| rows.into_iter().map(|row| design.sums(answer, row)).sum::<WeightSums>();
        let (none, some) = (sum(none), sum(some));
        let share = identified(accuracy(none, some, plan.request.confidence_level), both || route != "all");
        Uncodable { route: route.to_owned(), uncodable: none.n, share }
    };
    let rows: Vec<Uncodable> = ["all", "auto", "manual"].map(of).into_iter().filter(|row| row.share.n > 0).collect();
    if rows.iter().any(|row| row.uncodable > 0) { rows } else { Vec::new() }
}
