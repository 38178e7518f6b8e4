use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::{
    measure::{
        agreement::{
            Votes, agreement as measure,
            cohen::cohen,
            noise::{LabelNoise, TrueAccuracy, label_noise, true_accuracy},
        },
        proportion::Estimate,
    },
    query::Answer,
};

/// How far people agree who coded the same prediction, each on their own, at [`super::assessment::Scope::level`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HumanAgreement {
    /// Predictions with several opinions.
    pub predictions: u64,
    /// Opinions on them.
    pub opinions: u64,
    /// Pairs of opinions that are equal.
    pub observed: Estimate,
    /// Fleiss' kappa, and Krippendorff's alpha for names.
    pub kappa: Estimate,
    pub alpha: Estimate,
    /// What the disagreement says of labels: the rate at which they are wrong; `null` of fewer than ten predictions.
    pub noise: Option<LabelNoise>,
    /// Bounds of the accuracy against the truth, given that labels are wrong so often.
    pub true_accuracy: Option<TrueAccuracy>,
    /// Codes that people disagree on, most opinions first.
    pub codes: Vec<CodeAgreement>,
    /// Who agrees with whom; `null` where facts do not name people.
    pub annotators: Option<Annotators>,
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

/// Pairs of the people who coded the same predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotators {
    /// Everybody with an opinion beside another's.
    pub people: u64,
    /// Of the 50 people with most opinions; pairs with most predictions in common first, at most 30.
    pub pairs: Vec<AnnotatorPair>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnnotatorPair {
    pub one: String,
    pub other: String,
    /// Predictions that both coded.
    pub predictions: u64,
    /// Of these, the same code.
    pub observed: Estimate,
    /// Cohen's kappa.
    pub kappa: Estimate,
}

/// Codes listed.
const CODES: usize = 30;
/// Pairs of people listed.
const PAIRS: usize = 30;
/// People looked at pair by pair, so that pairs stay few whatever is in the field of the annotator.
const PEOPLE: usize = 50;

/// Opinions of one prediction: who, and the code by its number.
type Item<'a> = Vec<(Option<&'a str>, usize)>;

/// Predictions by the code of the one and of the other.
type Cells = BTreeMap<(usize, usize), u64>;

/// `None` where no prediction has two opinions. `accuracy` gives that of the model at a level of confidence.
pub fn agreement(plan: &Plan, answer: &Answer, accuracy: impl Fn(f64) -> Estimate) -> Option<HumanAgreement> {
    let codes: BTreeSet<Option<&str>> = (0..answer.rows()).map(|row| answer.text(row, "code")).collect();
    let codes: Vec<Option<&str>> = codes.into_iter().collect();
    let items = items(answer, &codes);
    // the same whatever order the facts come in
    let mut same: BTreeMap<Vec<(usize, u32)>, u64> = BTreeMap::new();
    for (item, n) in &items {
        let mut labels: BTreeMap<usize, u32> = BTreeMap::new();
        item.iter().for_each(|(_, code)| *labels.entry(*code).or_default() += 1);
        *same.entry(labels.into_iter().collect()).or_default() += n;
    }
    let votes: Vec<Votes> = same.into_iter().map(|(labels, items)| Votes { labels, items }).collect();
    let level = plan.request.confidence_level;
    let found = measure(&votes, level)?;
    // two intervals are put together: each has half of what may go wrong
    let narrow = (1.0 + level) / 2.0;
    let observed = measure(&votes, narrow).map(|a| a.observed).unwrap_or_default();
    let turned = |x: Option<f64>| x.map(|x| 1.0 - x);
    let disagreement =
        Estimate { estimate: turned(observed.estimate), lower: turned(observed.upper), upper: turned(observed.lower) };
    let noise = disagreement.lower.and_then(|_| label_noise(disagreement));
    let named = |at: usize| codes.get(at).copied().flatten();
    let disputed = found.codes.iter().enumerate().filter(|(_, of)| of.agreement.estimate.is_some_and(|x| x < 1.0));
    let mut disputed: Vec<CodeAgreement> = disputed
        .map(|(at, of)| CodeAgreement {
            code: named(at).map(str::to_owned),
            label: named(at).map_or(String::new(), |code| plan.nomenclature.label(code).to_owned()),
            opinions: of.labels.round() as u64,
            agreement: of.agreement,
            instead: of.instead.and_then(named).map(str::to_owned),
        })
        .collect();
    disputed.sort_by(|a, b| b.opinions.cmp(&a.opinions).then_with(|| a.code.cmp(&b.code)));
    disputed.truncate(CODES);
    Some(HumanAgreement {
        predictions: found.items,
        opinions: found.labels.round() as u64,
        observed: found.observed,
        kappa: found.kappa,
        alpha: found.alpha,
        true_accuracy: noise.and_then(|noise| true_accuracy(accuracy(narrow), noise.error)),
        noise,
        codes: disputed,
        annotators: annotators(&items, level),
    })
}

/// Predictions with at least two opinions, and how many of each.
fn items<'a>(answer: &'a Answer, codes: &[Option<&str>]) -> Vec<(Item<'a>, u64)> {
    let mut items: Vec<(Item<'a>, u64)> = Vec::new();
    let mut last = None;
    for row in 0..answer.rows() {
        let item = answer.int(row, "item");
        let code = codes.binary_search(&answer.text(row, "code")).unwrap_or_default();
        let opinion = (answer.text(row, "annotator"), code);
        match items.last_mut().filter(|_| last == Some(item)) {
            Some((opinions, _)) => opinions.push(opinion),
            None => items.push((vec![opinion], answer.count(row, "n"))),
        }
        last = Some(item);
    }
    items.retain(|(opinions, n)| opinions.len() > 1 && *n > 0);
    items
}

/// `None` where nobody is named.
fn annotators(items: &[(Item<'_>, u64)], confidence_level: f64) -> Option<Annotators> {
    let mut opinions: BTreeMap<&str, u64> = BTreeMap::new();
    for (item, n) in items {
        item.iter().filter_map(|(who, _)| *who).for_each(|who| *opinions.entry(who).or_default() += n);
    }
    let mut people: Vec<(&str, u64)> = opinions.into_iter().collect();
    let known = people.len() as u64;
    people.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    people.truncate(PEOPLE);
    let looked_at: BTreeSet<&str> = people.into_iter().map(|(who, _)| who).collect();
    let mut pairs: BTreeMap<(&str, &str), Cells> = BTreeMap::new();
    for (item, n) in items {
        let mut named: Vec<(&str, usize)> =
            item.iter().filter_map(|(who, code)| Some(((*who)?, *code))).filter(|o| looked_at.contains(o.0)).collect();
        named.sort_unstable();
        for (i, (one, a)) in named.iter().enumerate() {
            for (other, b) in named.iter().skip(i + 1) {
                *pairs.entry((*one, *other)).or_default().entry((*a, *b)).or_default() += n;
            }
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().map(|(who, cells)| (who, cells.values().sum::<u64>(), cells)).collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let pairs = pairs.into_iter().take(PAIRS).filter_map(|((one, other), predictions, cells)| {
        let found = cohen(&table(&cells), confidence_level)?;
        let (one, other) = (one.to_owned(), other.to_owned());
        Some(AnnotatorPair { one, other, predictions, observed: found.observed, kappa: found.kappa })
    });
    (known > 0).then(|| Annotators { people: known, pairs: pairs.collect() })
}

/// The same as a square over the codes that the two gave.
fn table(cells: &Cells) -> Vec<Vec<u64>> {
    let codes: BTreeSet<usize> = cells.keys().flat_map(|(a, b)| [*a, *b]).collect();
    let codes: Vec<usize> = codes.into_iter().collect();
    let of = |a: &usize, b: &usize| cells.get(&(*a, *b)).copied().unwrap_or(0);
    codes.iter().map(|a| codes.iter().map(|b| of(a, b)).collect()).collect()
}
