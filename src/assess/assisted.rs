use std::collections::BTreeMap;

use super::{
    Plan,
    accuracy::{levels, weight_sums},
    assessment::AssistedAccuracy,
    design::Design,
};
use crate::{
    fact::{CONFIDENCE_BINS, GRADE_STARTS},
    measure::{
        assisted::{Assisted, MOST_BLIND, ScoreBin, Stratum, assisted as measure, assisted_by},
        post_stratification::post_stratified,
        weight::WeightSums,
    },
    query::Answer,
};

/// Folds of `queries/assisted.sql`.
const FOLDS: usize = 5;

/// Model-assisted accuracy of every route, of every version where there are several, and of every route at every level.
pub fn assisted(plan: &Plan, cells: &Cells, versions: &[String]) -> Vec<AssistedAccuracy> {
    let of = |version: Option<&str>, route: &str, level: u8, level_name: Option<String>| {
        let routes = |r: Option<&str>| route == "all" || r == Some(route);
        let strata = cells.by_route(level, |v, r| version.is_none_or(|version| version == v) && routes(r));
        let strata: Vec<Stratum> = strata.into_iter().map(|(_, stratum)| stratum).collect();
        AssistedAccuracy {
            version: version.map(str::to_owned),
            route: route.to_owned(),
            level: u32::from(level),
            level_name,
            post_stratified: strata.iter().flat_map(Stratum::bins).map(|bin| bin.unknown).sum(),
            assisted: measure(&strata, plan.request.confidence_level),
        }
    };
    const ROUTES: [&str; 3] = ["all", "auto", "manual"];
    let routes = ROUTES.map(|route| of(None, route, 0, None));
    let each = versions.iter().filter(|_| versions.len() > 1).map(|version| of(Some(version), "all", 0, None));
    let levels = levels(plan)
        .flat_map(|(level, name)| ROUTES.map(|route| of(None, route, level, Some(name.clone()))))
        .filter(|row| row.assisted.n > 0);
    routes.into_iter().chain(each).chain(levels).collect()
}

type Version = String;
type Route = Option<String>;

/// Bins by version, route and level, by fold and number. How many predictions there are stands at level 0 only.
#[derive(Debug, Default)]
pub struct Cells(BTreeMap<(Version, Route, u8), Stratum>);

impl Cells {
    pub fn new(answer: &Answer) -> Self {
        let mut cells = Cells::default();
        for row in 0..answer.rows() {
            let version = answer.text(row, "version").unwrap_or_default().to_owned();
            let route = answer.text(row, "route").map(str::to_owned);
            let level = answer.int(row, "level") as u8;
            add(cells.0.entry((version, route, level)).or_insert_with(empty), answer, row);
        }
        cells
    }

    /// A stratum for each route, over the versions and routes that are wanted; labels without an inclusion probability are
    /// weighted by their version, route and confidence.
    pub fn by_route(&self, level: u8, keep: impl Fn(&str, Option<&str>) -> bool) -> Vec<(Option<String>, Stratum)> {
        let mut parts: BTreeMap<(&Route, &Version), Stratum> = BTreeMap::new();
        for ((version, route, of), stratum) in self.0.iter().filter(|((v, r, _), _)| keep(v, r.as_deref())) {
            let part = match (*of, level) {
                (0, 0) => stratum.clone(),
                // at another level only the sizes hold
                (0, _) => stratum.sizes(),
                (of, level) if of == level => stratum.clone(),
                _ => continue,
            };
            *parts.entry((route, version)).or_insert_with(empty) += &part;
        }
        let mut strata: BTreeMap<&Route, Stratum> = BTreeMap::new();
        for ((route, _), part) in &parts {
            *strata.entry(route).or_insert_with(empty) += &post_stratified(part, &GRADE_STARTS);
        }
        strata.into_iter().map(|(route, stratum)| (route.clone(), stratum)).collect()
    }

    /// Without other versions.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(version, ..), _| wanted(version));
    }

    /// What labels count by version, route and grade.
    pub fn design(&self) -> Design {
        let plain = self.0.iter().filter(|((.., level), _)| *level == 0);
        Design::new(plain.map(|((version, route, _), stratum)| (version.as_str(), route.as_deref(), stratum)))
    }
}

/// Weeks by their Monday, each with the bins of its routes.
#[derive(Debug, Default)]
pub struct Weeks {
    weeks: BTreeMap<i32, BTreeMap<Route, Stratum>>,
    /// The routes of all weeks together: what the confidence promises is learnt from them.
    period: Vec<Stratum>,
}

impl Weeks {
    pub fn new(answer: &Answer) -> Self {
        let mut weeks: BTreeMap<i32, BTreeMap<Route, Stratum>> = BTreeMap::new();
        for row in 0..answer.rows() {
            let of = weeks.entry(answer.int(row, "week") as i32).or_default();
            let route = answer.text(row, "route").map(str::to_owned);
            add(of.entry(route).or_insert_with(empty), answer, row);
        }
        let mut period: BTreeMap<&Route, Stratum> = BTreeMap::new();
        for (of, stratum) in weeks.values().flatten() {
            *period.entry(of).or_insert_with(empty) += stratum;
        }
        Weeks { period: period.values().map(|s| post_stratified(s, &GRADE_STARTS)).collect(), weeks }
    }

    /// What a week's labels count by route and grade.
    pub fn design(&self, week: i32) -> Design {
        let routes = self.weeks.get(&week).into_iter().flatten();
        Design::new(routes.map(|(route, stratum)| ("", route.as_deref(), stratum)))
    }

    /// Of one week and route (`all` = every route). What the confidence promises is learnt from the whole period.
    pub fn assisted(&self, week: i32, route: &str, confidence_level: f64) -> Assisted {
        let week = self.weeks.get(&week).into_iter().flatten();
        let strata = week.filter(|(of, _)| route == "all" || of.as_deref() == Some(route));
        let strata: Vec<Stratum> = strata.map(|(_, s)| post_stratified(s, &GRADE_STARTS)).collect();
        assisted_by(&strata, &self.period, confidence_level)
    }

    /// Whether a route has more than a few of the week's predictions and no label.
    pub fn blind(&self, week: i32) -> bool {
        let Some(routes) = self.weeks.get(&week) else { return false };
        let all: u64 = routes.values().map(Stratum::predictions).sum();
        let few = |n: u64| n as f64 <= MOST_BLIND * all as f64;
        routes.values().any(|s| !few(s.predictions()) && s.bins().all(|bin| bin.labelled() == 0))
    }
}

fn add(stratum: &mut Stratum, answer: &Answer, row: usize) {
    let fold = (answer.int(row, "fold").max(0) as usize).min(FOLDS - 1);
    let bin = (answer.int(row, "bin").max(0) as usize).min(CONFIDENCE_BINS as usize - 1);
    let cell = &mut stratum.folds[fold][bin];
    cell.unknown += answer.count(row, "unweighted");
    let (sums, none) = (weight_sums(answer, row), WeightSums::default());
    let labels = match answer.text(row, "what") {
        Some("right") => [sums, none],
        Some("wrong") => [none, sums],
        _ => {
            cell.n += answer.count(row, "n");
            return;
        }
    };
    cell.right += labels[0];
    cell.wrong += labels[1];
    stratum.add_class(answer.int(row, "weight_class").max(0) as usize, (fold, bin), labels);
}

fn empty() -> Stratum {
    Stratum::new(vec![vec![ScoreBin::default(); CONFIDENCE_BINS as usize]; FOLDS])
}
