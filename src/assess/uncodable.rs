use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Plan, accuracy::identified, design::Design, draws::Draw};
use crate::{
    measure::{
        accuracy::{Accuracy, routes::accuracy_of_routes},
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
        let mut sides: BTreeMap<Draw, [WeightSums; 2]> = BTreeMap::new();
        for row in (0..answer.rows()).filter(|row| route == "all" || answer.text(*row, "route") == Some(route)) {
            let side = usize::from(answer.int(row, "is_uncodable") != 1);
            sides.entry(design.draw(answer, row)).or_default()[side] += design.sums(answer, row);
        }
        let sides: Vec<_> = sides.into_values().collect();
        let share = accuracy_of_routes(&sides, plan.request.confidence_level);
        Uncodable {
            route: route.to_owned(),
            uncodable: sides.iter().map(|[uncodable, _]| uncodable.n).sum(),
            share: identified(share, both || route != "all"),
        }
    };
    let rows: Vec<Uncodable> = ["all", "auto", "manual"].map(of).into_iter().filter(|row| row.share.n > 0).collect();
    if rows.iter().any(|row| row.uncodable > 0) { rows } else { Vec::new() }
}
