use std::collections::BTreeMap;

use super::design::{Design, ROUTES, grade_of, route_at};
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
    let mut codes: BTreeMap<&str, Vec<Vec<ScoreBin>>> = BTreeMap::new();
    let none = || vec![vec![ScoreBin::default(); GRADES]; ROUTES];
    for row in 0..volume.rows() {
        let Some(code) = volume.text(row, "code") else { continue };
        let bins = &mut codes.entry(code).or_insert_with(none)[route_at(volume, row)];
        bins[grade_of(volume, row)].n += volume.count(row, "n");
    }
    for row in 0..outcome.rows() {
        let predicted = outcome.text(row, "predicted");
        let Some(routes) = predicted.and_then(|code| codes.get_mut(code)) else { continue };
        let bin = &mut routes[route_at(outcome, row)][grade_of(outcome, row)];
        let side = if predicted == outcome.text(row, "actual") { &mut bin.right } else { &mut bin.wrong };
        *side += design.sums(outcome, row);
    }
    let (names, parts): (Vec<&str>, Vec<_>) = codes.into_iter().unzip();
    let found = assisted_parts(&parts, confidence_level);
    names.into_iter().zip(found).filter_map(|(code, found)| Some((code.to_owned(), found?))).collect()
}
