use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::{
    measure::{
        agreement::{
            agreement as measure,
            noise::{LabelNoise, TrueAccuracy, label_noise, true_accuracy},
        },
        proportion::Estimate,
    },
    query::Answer,
};

/// How far people agree who coded the same prediction, each on their own, at [`super::assessment::Scope::level`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HumanAgreement {
    /// Predictions with several opinions; one with m counts m/2 times.
    pub predictions: u64,
    /// Pairs of opinions that are equal.
    pub observed: Estimate,
    /// Fleiss' kappa, and Krippendorff's alpha for names.
    pub kappa: Estimate,
    pub alpha: Estimate,
    /// What the disagreement says of labels: the rate at which they are wrong.
    pub noise: Option<LabelNoise>,
    /// Bounds of the accuracy against the truth, given that labels are wrong so often.
    pub true_accuracy: Option<TrueAccuracy>,
    /// Codes that people disagree on, most opinions first.
    pub codes: Vec<CodeAgreement>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeAgreement {
    /// `null` = uncodable.
    pub code: Option<String>,
    pub label: String,
    pub opinions: u64,
    /// Of the other opinions on predictions that somebody gave it, the share that gave it, too.
    pub agreement: Estimate,
    /// What the others most often said instead; `null` = uncodable.
    pub instead: Option<String>,
}

/// Codes listed.
const CODES: usize = 30;

/// `None` where no prediction has two opinions. `accuracy` gives that of the model at a level of confidence.
pub fn agreement(plan: &Plan, answer: &Answer, accuracy: impl Fn(f64) -> Estimate) -> Option<HumanAgreement> {
    let mut numbers: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for row in 0..answer.rows() {
        for column in ["one", "other"] {
            let next = numbers.len();
            numbers.entry(answer.text(row, column)).or_insert(next);
        }
    }
    let mut pairs = vec![vec![0.0; numbers.len()]; numbers.len()];
    let mut items = 0.0;
    for row in 0..answer.rows() {
        let at = |column| numbers.get(&answer.text(row, column)).copied().unwrap_or_default();
        let (one, other, w) = (at("one"), at("other"), answer.number(row, "w"));
        // each pair in both orders
        pairs[one][other] += w;
        pairs[other][one] += w;
        items += w;
    }
    let level = plan.request.confidence_level;
    let found = measure(&pairs, items.round() as u64, level)?;
    // two intervals are put together: each has half of what may go wrong
    let narrow = (1.0 + level) / 2.0;
    let observed = measure(&pairs, items.round() as u64, narrow).map(|a| a.observed).unwrap_or_default();
    let turned = |x: Option<f64>| x.map(|x| 1.0 - x);
    let disagreement =
        Estimate { estimate: turned(observed.estimate), lower: turned(observed.upper), upper: turned(observed.lower) };
    let noise = label_noise(disagreement);
    let names: Vec<Option<&str>> = {
        let mut by_number = vec![None; numbers.len()];
        numbers.iter().for_each(|(name, at)| by_number[*at] = *name);
        by_number
    };
    let mut codes: Vec<CodeAgreement> = names
        .iter()
        .zip(&found.codes)
        .enumerate()
        .map(|(at, (name, agreement))| {
            let others = pairs[at].iter().enumerate().filter(|(other, w)| *other != at && **w > 0.0);
            let instead =
                others.max_by(|a, b| a.1.total_cmp(b.1)).and_then(|(other, _)| names.get(other).copied().flatten());
            CodeAgreement {
                code: name.map(str::to_owned),
                label: name.map_or(String::new(), |code| plan.nomenclature.label(code).to_owned()),
                opinions: pairs[at].iter().sum::<f64>().round() as u64,
                agreement: *agreement,
                instead: instead.map(str::to_owned),
            }
        })
        .filter(|code| code.agreement.estimate.is_some_and(|x| x < 1.0))
        .collect();
    codes.sort_by(|a, b| b.opinions.cmp(&a.opinions).then_with(|| a.code.cmp(&b.code)));
    codes.truncate(CODES);
    Some(HumanAgreement {
        predictions: items.round() as u64,
        observed: found.observed,
        kappa: found.kappa,
        alpha: found.alpha,
        true_accuracy: noise.and_then(|noise| true_accuracy(accuracy(narrow), noise.error)),
        noise,
        codes,
    })
}
