use std::collections::BTreeMap;

use super::{Plan, accuracy::weight_sums, assessment::AssistedAccuracy};
use crate::{
    fact::CONFIDENCE_BINS,
    measure::{
        assisted::{ScoreBin, Stratum, assisted as measure},
        post_stratification::post_stratified,
    },
    query::Answer,
};

/// Folds of `queries/assisted.sql`.
const FOLDS: usize = 5;

/// Model-assisted accuracy of every route, and of every version where there are several.
pub fn assisted(plan: &Plan, cells: &Cells, versions: &[String]) -> Vec<AssistedAccuracy> {
    let of = |version: Option<&str>, route: &str| {
        let routes = |r: Option<&str>| route == "all" || r == Some(route);
        let strata = cells.strata(|v, r| version.is_none_or(|version| version == v) && routes(r));
        AssistedAccuracy {
            version: version.map(str::to_owned),
            route: route.to_owned(),
            post_stratified: strata.iter().flat_map(Stratum::bins).map(|bin| bin.unknown).sum(),
            assisted: measure(&strata, plan.request.confidence_level),
        }
    };
    let routes = ["all", "auto", "manual"].map(|route| of(None, route));
    let each = versions.iter().filter(|_| versions.len() > 1).map(|version| of(Some(version), "all"));
    routes.into_iter().chain(each).collect()
}

type Version = String;
type Route = Option<String>;

/// Bins by version, route, fold and number.
#[derive(Debug, Default)]
pub struct Cells(BTreeMap<(Version, Route), Stratum>);

impl Cells {
    pub fn new(answer: &Answer) -> Self {
        let mut cells = Cells::default();
        for row in 0..answer.rows() {
            let version = answer.text(row, "version").unwrap_or_default().to_owned();
            let route = answer.text(row, "route").map(str::to_owned);
            let fold = (answer.int(row, "fold").max(0) as usize).min(FOLDS - 1);
            let bin = (answer.int(row, "bin").max(0) as usize).min(CONFIDENCE_BINS as usize - 1);
            let cell = &mut cells.0.entry((version, route)).or_insert_with(empty).folds[fold][bin];
            cell.unknown += answer.count(row, "unweighted");
            match answer.text(row, "what") {
                Some("right") => cell.right += weight_sums(answer, row),
                Some("wrong") => cell.wrong += weight_sums(answer, row),
                _ => cell.n += answer.count(row, "n"),
            }
        }
        cells
    }

    /// A stratum for each route, over the versions and routes that are wanted; labels without an inclusion probability are
    /// weighted by their route and confidence.
    fn strata(&self, keep: impl Fn(&str, Option<&str>) -> bool) -> Vec<Stratum> {
        self.by_route(keep).into_iter().map(|(_, stratum)| stratum).collect()
    }

    /// The same with the routes' names.
    pub fn by_route(&self, keep: impl Fn(&str, Option<&str>) -> bool) -> Vec<(Option<String>, Stratum)> {
        let mut strata: BTreeMap<&Route, Stratum> = BTreeMap::new();
        for ((_, route), stratum) in self.0.iter().filter(|((v, r), _)| keep(v, r.as_deref())) {
            let sum = strata.entry(route).or_insert_with(empty);
            sum.folds.iter_mut().flatten().zip(stratum.bins()).for_each(|(to, from)| *to += *from);
        }
        strata.into_iter().map(|(route, stratum)| (route.clone(), post_stratified(&stratum))).collect()
    }
}

fn empty() -> Stratum {
    Stratum { folds: vec![vec![ScoreBin::default(); CONFIDENCE_BINS as usize]; FOLDS] }
}
