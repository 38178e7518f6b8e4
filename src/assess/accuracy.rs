use std::collections::BTreeMap;

use super::{
    Plan,
    assessment::{OverallAccuracy, VersionAccuracy},
    design::Design,
    traffic::{Sums, TrafficTable},
};
use crate::{
    event::MAX_RANK,
    measure::{
        accuracy::{Accuracy, routes::accuracy_of_routes},
        assisted::MOST_BLIND,
        proportion::Estimate,
        weight::WeightSums,
    },
    query::Answer,
};

/// The design sums of one row of an answer.
pub fn weight_sums(answer: &Answer, row: usize) -> WeightSums {
    WeightSums { n: answer.count(row, "n"), w: answer.number(row, "w"), w2: answer.number(row, "w2") }
}

/// Sums of labelled rows by the rank of the truth, at one level: index 0 = not among the candidates.
type Ranks = [WeightSums; MAX_RANK + 1];

/// Labelled rows by version, route, level, class of the weight and rank.
#[derive(Debug, Default)]
pub struct RankTable {
    rows: BTreeMap<(String, Option<String>, u8, u8), Ranks>,
    /// Labelled rows without an inclusion probability.
    pub unweighted: u64,
}

impl RankTable {
    /// `answer` is that of `accuracy.sql`.
    pub fn new(answer: &Answer, design: &Design) -> Self {
        let mut table = RankTable::default();
        for row in 0..answer.rows() {
            let level = answer.int(row, "level") as u8;
            let rank = (answer.int(row, "rank") as usize).min(MAX_RANK);
            let version = answer.text(row, "version").unwrap_or_default().to_owned();
            let route = answer.text(row, "route").map(str::to_owned);
            let (_, class) = design.draw(answer, row);
            table.rows.entry((version, route, level, class)).or_default()[rank] += design.sums(answer, row);
            // every labelled row says something at the first level
            if level == 1 {
                table.unweighted += answer.count(row, "unweighted");
            }
        }
        table
    }

    /// Of each route and class of weights.
    fn ranks(&self, level: u8, keep: impl Fn(&str, Option<&str>) -> bool) -> Vec<Ranks> {
        let mut draws: BTreeMap<(Option<&str>, u8), Ranks> = BTreeMap::new();
        for ((version, route, of, class), ranks) in &self.rows {
            if *of == level && keep(version, route.as_deref()) {
                let sums = draws.entry((route.as_deref(), *class)).or_default();
                sums.iter_mut().zip(ranks).for_each(|(sum, rows)| *sum += *rows);
            }
        }
        draws.into_values().collect()
    }

    /// Labelled rows of a route (`None` = all).
    pub fn labelled(&self, route: Option<&str>) -> u64 {
        self.count(|_, r| route.is_none() || r == route)
    }

    /// Every labelled row says something at the first level.
    fn count(&self, keep: impl Fn(&str, Option<&str>) -> bool) -> u64 {
        self.ranks(1, keep).iter().flatten().map(|s| s.n).sum()
    }

    pub fn labelled_by_version(&self) -> BTreeMap<String, u64> {
        let mut by_version = BTreeMap::new();
        for ((version, _, level, _), ranks) in &self.rows {
            if *level == 1 {
                *by_version.entry(version.clone()).or_default() += ranks.iter().map(|s| s.n).sum::<u64>();
            }
        }
        by_version
    }

    pub fn overall(&self, plan: &Plan, traffic: &TrafficTable) -> Vec<OverallAccuracy> {
        let mut rows = Vec::new();
        let blind = self.blind(&traffic.total, |_| true);
        for (level, level_name) in levels(plan) {
            for route in ["all", "auto", "manual"] {
                let ranks = self.ranks(level, |_, r| route == "all" || r == Some(route));
                for k in 1..=MAX_RANK {
                    rows.push(OverallAccuracy {
                        level: u32::from(level),
                        level_name: level_name.clone(),
                        route: route.to_owned(),
                        k: k as u32,
                        accuracy: identified(
                            among(&ranks, k, plan.request.confidence_level),
                            !(blind && route == "all"),
                        ),
                    });
                }
            }
        }
        rows
    }

    /// Of both routes at the plan's level, with another level of confidence.
    pub fn all(&self, plan: &Plan, traffic: &TrafficTable, confidence_level: f64) -> Estimate {
        let ranks = self.ranks(plan.level, |_, _| true);
        identified(among(&ranks, 1, confidence_level), self.tell_of_both(traffic)).estimate
    }

    /// Whether the labels tell of both routes together.
    pub fn tell_of_both(&self, traffic: &TrafficTable) -> bool {
        !self.blind(&traffic.total, |_| true)
    }

    /// Whether a route has more than a few of the predictions and no label: the other route's figure must not stand for
    /// both.
    fn blind(&self, traffic: &Sums, version: impl Fn(&str) -> bool) -> bool {
        let labelled = |route| self.count(|v, r| version(v) && r == Some(route));
        let routed = (traffic.auto + traffic.manual) as f64;
        let routes = [("auto", traffic.auto), ("manual", traffic.manual)];
        routes.into_iter().any(|(route, n)| n as f64 > MOST_BLIND * routed && labelled(route) == 0)
    }

    pub fn by_version(&self, plan: &Plan, traffic: &TrafficTable, versions: &[String]) -> Vec<VersionAccuracy> {
        let mut rows = Vec::new();
        for version in versions {
            let of = traffic.by_version.get(version).copied().unwrap_or_default();
            let blind = self.blind(&of.sums, |v| v == version);
            for (level, level_name) in levels(plan) {
                let ranks = self.ranks(level, |v, _| v == version);
                rows.push(VersionAccuracy {
                    version: version.clone(),
                    level: u32::from(level),
                    level_name,
                    accuracy: identified(among(&ranks, 1, plan.request.confidence_level), !blind),
                });
            }
        }
        rows
    }
}

/// Without an estimate where the labels cannot tell; how many there are, and what a naive reader would see, stays.
pub fn identified(found: Accuracy, tells: bool) -> Accuracy {
    if tells { found } else { Accuracy { estimate: Estimate::default(), n_eff: None, ..found } }
}

/// Accuracy over draws: right when the truth is among the first `k`.
fn among(draws: &[Ranks], k: usize, confidence_level: f64) -> Accuracy {
    let sum = |ranks: &[WeightSums]| ranks.iter().copied().sum::<WeightSums>();
    let sides = |ranks: &Ranks| [sum(&ranks[1..=k]), sum(&ranks[..1]) + sum(&ranks[k + 1..])];
    accuracy_of_routes(&draws.iter().map(sides).collect::<Vec<_>>(), confidence_level)
}

/// Levels with their names, coarsest first.
pub fn levels(plan: &Plan) -> impl Iterator<Item = (u8, String)> + '_ {
    plan.nomenclature.level_names().iter().enumerate().map(|(i, name)| (i as u8 + 1, name.clone()))
}
