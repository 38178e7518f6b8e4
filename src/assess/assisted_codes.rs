use std::collections::BTreeMap;

use super::{
    design::{Design, grade_of},
    draws::Draws,
};
use crate::{
    fact::GRADES,
    measure::assisted::{Assisted, ScoreBin, parts::assisted_parts},
    query::Answer,
};

/// Precision of the codes that the confidence helps to know. `volume` answers `volume_by_grade.sql`, `outcome`
/// `outcome.sql`, both at one level.
pub fn assisted_precision(
    volume: &Answer,
    (outcome, design, draws): (&Answer, &Design, &Draws),
    confidence_level: f64,
) -> BTreeMap<String, Assisted> {
    let mut codes: BTreeMap<&str, Vec<Vec<ScoreBin>>> = BTreeMap::new();
    let none = || vec![vec![ScoreBin::default(); GRADES]; draws.len()];
    // of each code and draw: predictions of all grades so far, of which bins have got whole ones
    let mut met: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in 0..volume.rows() {
        let Some(code) = volume.text(row, "code") else { continue };
        let bins = codes.entry(code).or_insert_with(none);
        let met = met.entry(code).or_insert_with(|| vec![0.0; draws.len()]);
        for (draw, share) in draws.of_predictions(volume, row) {
            let before = met[*draw].round();
            met[*draw] += share * volume.count(row, "n") as f64;
            bins[*draw][grade_of(volume, row)].n += (met[*draw].round() - before) as u64;
        }
    }
    for row in 0..outcome.rows() {
        let predicted = outcome.text(row, "predicted");
        let Some(bins) = predicted.and_then(|code| codes.get_mut(code)) else { continue };
        let bin = &mut bins[draws.number(design.draw(outcome, row))][grade_of(outcome, row)];
        let side = if predicted == outcome.text(row, "actual") { &mut bin.right } else { &mut bin.wrong };
        *side += design.sums(outcome, row);
    }
    let (names, parts): (Vec<&str>, Vec<_>) = codes.into_iter().unzip();
    let found = assisted_parts(&parts, confidence_level);
    names.into_iter().zip(found).filter_map(|(code, found)| Some((code.to_owned(), found?))).collect()
}
