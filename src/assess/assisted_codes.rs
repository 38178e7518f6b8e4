use std::collections::{BTreeMap, BTreeSet};

use super::design::{Design, grade_of};
use crate::{
    fact::GRADES,
    measure::assisted::{Assisted, ScoreBin, parts::assisted_parts},
    query::Answer,
};

/// Precision of the codes that the confidence helps to know. `volume` answers `volume_by_grade.sql`, `outcome`
/// `outcome.sql`, both at one level.
pub fn assisted_precision(
    volume: &Answer,
    (outcome, design): (&Answer, &Design),
    confidence_level: f64,
) -> BTreeMap<String, Assisted> {
    let mut codes: BTreeMap<&str, BTreeMap<Option<&str>, Vec<ScoreBin>>> = BTreeMap::new();
    let none = || vec![ScoreBin::default(); GRADES];
    for row in 0..volume.rows() {
        let Some(code) = volume.text(row, "code") else { continue };
        let bins = codes.entry(code).or_default().entry(volume.text(row, "route")).or_insert_with(none);
        bins[grade_of(volume, row)].n += volume.count(row, "n");
    }
    for row in 0..outcome.rows() {
        let predicted = outcome.text(row, "predicted");
        let Some(routes) = predicted.and_then(|code| codes.get_mut(code)) else { continue };
        let bin = &mut routes.entry(outcome.text(row, "route")).or_insert_with(none)[grade_of(outcome, row)];
        let side = if predicted == outcome.text(row, "actual") { &mut bin.right } else { &mut bin.wrong };
        *side += design.sums(outcome, row);
    }
    let routes: BTreeSet<Option<&str>> = codes.values().flat_map(|of| of.keys().copied()).collect();
    let parts: Vec<Vec<Vec<ScoreBin>>> = codes
        .values()
        .map(|of| routes.iter().map(|route| of.get(route).cloned().unwrap_or_else(none)).collect())
        .collect();
    let found = assisted_parts(&parts, confidence_level);
    codes.into_keys().zip(found).filter_map(|(code, found)| Some((code.to_owned(), found?))).collect()
}
