use std::collections::BTreeMap;

use super::design::Design;
use crate::{
    fact::GRADES,
    measure::assisted::{Assisted, ScoreBin, Stratum, assisted_by},
    query::Answer,
};

/// Labels of a code from which the confidence of its other predictions is asked for help.
const ENOUGH: u64 = 30;

/// Bins by grade of one route of one code.
type Bins = Vec<ScoreBin>;

/// Model-assisted precision of the codes that have 30 labels or more and predictions that the confidence says something of:
/// the mean of what it promises of all predictions of the code, and what their labels say it is off by.
///
/// What the confidence promises is learnt from the labels of the other codes, so that no label is its own judge.
/// `volume` answers `volume_by_grade.sql`, `outcome` `outcome.sql`, both at one level.
pub fn assisted_precision(
    volume: &Answer,
    (outcome, design): (&Answer, &Design),
    confidence_level: f64,
) -> BTreeMap<String, Assisted> {
    let mut codes: BTreeMap<&str, BTreeMap<Option<&str>, Bins>> = BTreeMap::new();
    let grade = |answer: &Answer, row: usize| (answer.int(row, "grade").max(0) as usize).min(GRADES - 1);
    let none = || vec![ScoreBin::default(); GRADES];
    for row in 0..volume.rows() {
        let Some(code) = volume.text(row, "code") else { continue };
        let routes = codes.entry(code).or_default();
        let bins = routes.entry(volume.text(row, "route")).or_insert_with(none);
        bins[grade(volume, row)].n += volume.count(row, "n");
    }
    let mut all = none();
    for row in 0..outcome.rows() {
        let Some(routes) = outcome.text(row, "predicted").and_then(|code| codes.get_mut(code)) else { continue };
        let (at, sums) = (grade(outcome, row), design.sums(outcome, row));
        let bin = &mut routes.entry(outcome.text(row, "route")).or_insert_with(none)[at];
        if outcome.text(row, "predicted") == outcome.text(row, "actual") {
            bin.right += sums;
            all[at].right += sums;
        } else {
            bin.wrong += sums;
            all[at].wrong += sums;
        }
    }
    let labelled = |routes: &BTreeMap<_, Bins>| routes.values().flatten().map(ScoreBin::labelled).sum::<u64>();
    let helped = codes.into_iter().filter(|(_, routes)| labelled(routes) >= ENOUGH).map(|(code, routes)| {
        let mut others = all.clone();
        for (of, own) in routes.values().flat_map(|bins| bins.iter().enumerate()) {
            others[of].right = others[of].right - own.right;
            others[of].wrong = others[of].wrong - own.wrong;
        }
        // the first fold is the code's own, which nothing is learnt from
        let learnt_from = [Stratum { folds: vec![none(), others] }];
        let strata: Vec<Stratum> = routes.into_values().map(|bins| Stratum { folds: vec![bins] }).collect();
        (code.to_owned(), assisted_by(&strata, &learnt_from, confidence_level))
    });
    helped.filter(|(_, found)| found.worth.is_some_and(|worth| worth > found.n)).collect()
}
