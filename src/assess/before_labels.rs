use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Plan, accuracy::levels, assisted::Cells, design::Design};
use crate::{
    fact::CONFIDENCE_BINS,
    measure::{
        assisted::Stratum,
        estimated::{Check, Estimated, checked, estimated},
        label_shift::{Refusal, label_shift},
        proportion::Estimate,
        recalibration::{Loss, fit::Method, quality::Quality, recalibrated},
        weight::WeightSums,
    },
    query::Answer,
};

/// What can be said before labels come, from the labels of the reference; and what the labels that did come say to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BeforeLabels {
    /// Of the confidence, learnt from all labels of the period; `null` with too few.
    pub recalibration: Option<Recalibrated>,
    /// Accuracy of the compared period, as the confidence alone would have it; `null` without labels in the reference.
    pub estimated: Option<Estimated>,
    /// What labels of the compared period say it is off by.
    pub check: Option<Check>,
    pub label_shift: Option<TrueMix>,
}

/// A map from the confidence to the probability of being right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalibrated {
    pub method: Method,
    /// What a stated logit must be divided by; of the method `temperature`.
    pub temperature: Option<f64>,
    pub n: u64,
    /// Out of fold: on labels that the map did not see.
    pub before: Quality,
    pub after: Quality,
    /// By how much the log loss of a prediction falls.
    pub gain: Option<f64>,
    /// Whether the map is better than the confidence as it is, beyond chance.
    pub helps: bool,
    pub points: Vec<RecalibratedPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecalibratedPoint {
    pub confidence: f64,
    pub probability: Estimate,
}

/// True shares of the compared period's codes, if texts of one code look as they did in the reference and only their mix is
/// another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueMix {
    pub level: u32,
    pub level_name: String,
    /// Why there is none.
    pub refused: Option<Refused>,
    /// Share of the reference that belongs to codes with too few labels; said where that is why.
    pub rare: Option<f64>,
    /// Of the confusion matrix: errors of the predicted shares grow by up to so much.
    pub condition: Option<f64>,
    /// Whether the predicted shares can come from the reference's confusions at all.
    pub plausible: bool,
    pub codes: Vec<TrueShare>,
}

/// Why the true mix cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// No labels in the reference, no predictions now, or a single code.
    Empty,
    /// Too many labels of the reference belong to codes with few.
    Sparse,
    /// Codes are confused so much that the mix cannot be read backwards.
    IllPosed,
    /// The same, for so few labels.
    Unsettled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueShare {
    /// Several where they have too few labels each.
    pub codes: Vec<String>,
    pub label: String,
    /// Shares: true ones of the reference, predicted ones now, and true ones now.
    pub before: f64,
    pub predicted: f64,
    pub now: Estimate,
}

/// Codes above which the true mix is not asked for: a matrix of more cannot be learnt from labels.
const MOST_CODES: usize = 40;
/// Points of the map that are listed.
const POINTS: usize = 20;

/// Answers that are needed besides the period's own.
pub struct Compared<'a> {
    /// Of `assisted.sql`, over the reference and over what is compared with it.
    pub reference: &'a Cells,
    pub current: &'a Cells,
    /// Of `outcome.sql` at the level of [`mix_level`], over the reference.
    pub outcome: &'a Answer,
    pub design: &'a Design,
    /// Of `volume_by_code.sql`.
    pub volume: &'a Answer,
}

pub fn before_labels(plan: &Plan, routes: &[(Option<String>, Stratum)], compared: &Compared<'_>) -> BeforeLabels {
    let level = plan.request.confidence_level;
    let bins = CONFIDENCE_BINS as usize;
    let scores: Vec<f64> = (0..bins).map(|bin| (bin as f64 + 0.5) / bins as f64).collect();
    let strata = |cells: &Cells| cells.by_route(0, |_, _| true).into_iter().map(|(_, s)| s).collect::<Vec<Stratum>>();
    let period: Vec<Stratum> = routes.iter().map(|(_, s)| s.clone()).collect();
    let recalibration = recalibrated(&scores, &period, Loss::Log, level).map(|found| Recalibrated {
        method: found.fit.method(),
        temperature: found.fit.temperature(),
        n: found.fit.n,
        helps: found.helps,
        before: found.before,
        after: found.after,
        gain: found.gain,
        points: (0..=POINTS)
            .map(|i| {
                let confidence = i as f64 / POINTS as f64;
                RecalibratedPoint { confidence, probability: found.fit.at(confidence, level) }
            })
            .collect(),
    });
    if plan.reference.is_none() {
        return BeforeLabels { recalibration, ..BeforeLabels::default() };
    }
    let (reference, current) = (strata(compared.reference), strata(compared.current));
    let counts: Vec<u64> = (0..bins).map(|bin| current.iter().map(|s| s.at(bin).n).sum()).collect();
    BeforeLabels {
        recalibration,
        estimated: estimated(&scores, &reference, &counts, level),
        check: checked(&scores, &reference, &current, level),
        label_shift: true_mix(plan, compared),
    }
}

/// The finest level with few enough codes.
pub fn mix_level(plan: &Plan) -> Option<(u8, String)> {
    levels(plan).filter(|(level, _)| (2..=MOST_CODES).contains(&plan.nomenclature.count(*level))).last()
}

fn true_mix(plan: &Plan, compared: &Compared<'_>) -> Option<TrueMix> {
    let (level, level_name) = mix_level(plan)?;
    let (outcome, volume) = (compared.outcome, compared.volume);
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = |code: &str| {
        let next = numbers.len();
        *numbers.entry(code.to_owned()).or_insert(next)
    };
    let mut cells: Vec<(usize, usize, WeightSums)> = Vec::new();
    for row in 0..outcome.rows() {
        let (Some(predicted), Some(actual)) = (outcome.text(row, "predicted"), outcome.text(row, "actual")) else {
            continue;
        };
        if plan.reference_version.as_deref().is_some_and(|v| outcome.text(row, "version") != Some(v)) {
            continue;
        }
        cells.push((number(predicted), number(actual), compared.design.sums(outcome, row)));
    }
    let mut counted: Vec<(usize, u64)> = Vec::new();
    for row in (0..volume.rows()).filter(|row| volume.int(*row, "level") == i64::from(level)) {
        counted.push((number(volume.text(row, "code").unwrap_or_default()), volume.count(row, "current")));
    }
    let mut names: Vec<String> = vec![String::new(); numbers.len()];
    numbers.into_iter().for_each(|(name, at)| names[at] = name);
    let mut confusion = vec![vec![WeightSums::default(); names.len()]; names.len()];
    cells.into_iter().for_each(|(predicted, actual, sums)| confusion[predicted][actual] += sums);
    let mut predicted = vec![0; names.len()];
    counted.into_iter().for_each(|(at, n)| predicted[at] += n);
    let mix = TrueMix {
        level: u32::from(level),
        level_name,
        refused: None,
        rare: None,
        condition: None,
        plausible: false,
        codes: Vec::new(),
    };
    let found = match label_shift(&confusion, &predicted, plan.request.confidence_level) {
        Ok(found) => found,
        Err(Refusal::Empty) => return Some(TrueMix { refused: Some(Refused::Empty), ..mix }),
        Err(Refusal::Sparse { share }) => {
            return Some(TrueMix { refused: Some(Refused::Sparse), rare: Some(share), ..mix });
        }
        Err(Refusal::IllPosed { condition }) => {
            return Some(TrueMix { refused: Some(Refused::IllPosed), condition, ..mix });
        }
        Err(Refusal::Unsettled { condition }) => {
            return Some(TrueMix { refused: Some(Refused::Unsettled), condition: Some(condition), ..mix });
        }
    };
    let of = |one: &crate::measure::label_shift::Prevalence| {
        let mut codes: Vec<String> = one.codes.iter().filter_map(|at| names.get(*at)).cloned().collect();
        codes.sort_unstable();
        let label = match codes.as_slice() {
            [code] => plan.nomenclature.label(code).to_owned(),
            _ => String::new(),
        };
        TrueShare { codes, label, before: one.before, predicted: one.predicted, now: one.now }
    };
    let mut codes: Vec<TrueShare> = found.codes.iter().map(of).collect();
    codes.sort_by(|a, b| b.now.estimate.unwrap_or(0.0).total_cmp(&a.now.estimate.unwrap_or(0.0)));
    Some(TrueMix { condition: Some(found.condition), plausible: found.plausible, codes, ..mix })
}
