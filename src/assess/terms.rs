use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Plan,
    plan::Side,
    specimens::{Specimen, spread},
};
use crate::{
    measure::terms::{
        Cluster, Kind, Periods, Rise, RisingCode, RisingTerm, TermOptions, TextRow, Texts, Witness, clusters, rising,
        stop_words::StopWords, words::words,
    },
    nomenclature::RollUp,
};

/// New activities, as the texts show them: terms that rise, and what the model doubts now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Emerging {
    /// Greatest expected share of listed terms that do not rise.
    pub false_discovery_rate: f64,
    /// Predictions whose text was read, of the reference and of the period compared with it.
    pub n_reference: u64,
    pub n_current: u64,
    /// There are more than were read: days and texts keep their shares.
    pub sampled: bool,
    /// Terms in enough texts that a rise could be told from chance; all kinds together.
    pub tested: u64,
    /// Of these, significant; those that rise by the same texts are one in `terms`.
    pub significant: u64,
    /// By kind, then strongest first; at most 100 a kind.
    pub terms: Vec<EmergingTerm>,
    /// Codes that people give more often, strongest first; at most 100.
    pub codes_given: Vec<EmergingCode>,
    /// Groups of texts that the model doubts, the most striking first; at most 15.
    pub clusters: Vec<DoubtedTexts>,
    /// Texts of the period that it doubts: sent to people, or with a confidence below the threshold.
    pub doubted: u64,
    /// Of these, in no group.
    pub rest: u64,
}

/// A word or phrase whose share rose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmergingTerm {
    /// As most people write it, in lower case.
    pub term: String,
    /// Among which texts it rises.
    pub kind: Kind,
    /// Among the predictions of the kind.
    #[serde(flatten)]
    pub rise: Rise,
    #[serde(flatten)]
    pub texts: TermTexts,
}

/// A code whose share of people's labels rose, whatever the model says of the texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmergingCode {
    pub code: String,
    /// Empty when the nomenclature has none.
    pub label: String,
    /// Among the labels that give a code.
    #[serde(flatten)]
    pub rise: Rise,
    /// Of the labelled predictions.
    #[serde(flatten)]
    pub texts: TermTexts,
}

/// Doubted texts that share a term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoubtedTexts {
    /// The term that all have, then up to two other words of at least half of them.
    pub terms: Vec<String>,
    /// Doubted predictions.
    pub n: u64,
    /// Predictions with the term that the model does not doubt.
    pub confident: u64,
    /// `n / (n + confident)`.
    pub share_doubted: f64,
    /// Doubted predictions with the term in the reference.
    pub n_reference: u64,
    #[serde(flatten)]
    pub texts: TermTexts,
}

/// The predictions of the period that have a term.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TermTexts {
    /// Distinct texts.
    pub texts: u64,
    /// Days with at least one.
    pub days: u32,
    /// The most typical texts, cut at 160 characters; at most three.
    pub examples: Vec<String>,
    /// Codes that the model gives them most often; at most three.
    pub predicted: Vec<TermCode>,
    /// Predictions to which people gave a code.
    pub labelled: u64,
    /// Codes that people give them most often, by design weight; at most three.
    pub actual: Vec<TermCode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermCode {
    pub code: String,
    /// Empty when the nomenclature has none.
    pub label: String,
    pub n: u64,
    /// Of the term's predictions; of the labelled ones, by design weight, for codes of people.
    pub share: f64,
}

/// Rows that are read: about a second a hundred thousand where all texts differ, and a sixth of that where they repeat.
const MOST: u64 = 200_000;
/// Characters of an example.
const LONGEST_EXAMPLE: usize = 160;
/// A term belongs to a code that at least this share of its texts gets.
const BELONGS: f64 = 0.1;

/// Terms whose share rises against the reference, and groups of what the model doubts. `complete` says whether
/// `specimens` are all there are.
pub fn emerging(plan: &Plan, specimens: &[Specimen<'_>], complete: bool) -> Emerging {
    // without a reference nothing rises, and what is doubted is that of the whole period
    let whole = |one: &Specimen<'_>| (plan.from.0..=plan.to.0).contains(&one.day).then_some(Side::Current);
    let side = |one: &Specimen<'_>| match plan.reference {
        Some(_) => plan.side(one.day, one.version),
        None => whole(one),
    };
    let with_text = specimens.iter().filter(|one| !one.text.is_empty());
    let (now, before): (Vec<&Specimen<'_>>, Vec<_>) =
        with_text.filter(|one| side(one).is_some()).partition(|one| side(one) == Some(Side::Current));
    let rows = |of: &[&Specimen<'_>]| of.iter().map(|one| one.n).sum::<u64>();
    let (there_before, there_now) = (rows(&before), rows(&now));
    // the shorter period decides what can be told: the longer one is cut first
    let most_now = MOST - there_before.min(MOST / 2);
    let n_current = there_now.min(most_now);
    let n_reference = there_before.min(MOST - n_current);
    let codes = Codes::new(specimens);
    // versions share days, so days of the reference are numbered below 0
    let before = spread(before, n_reference).map(|(one, n)| (TextRow { day: -one.day, ..row(plan, &codes, one) }, n));
    let now = spread(now, n_current).map(|(one, n)| (row(plan, &codes, one), n));
    let many = |(row, n)| std::iter::repeat_n(row, usize::try_from(n).unwrap_or(usize::MAX));
    let rows: Vec<TextRow<'_>> = before.chain(now).flat_map(many).collect();
    let stop = &plan.request.stop_words;
    let texts = Texts::new(&rows, &Periods { reference: i32::MIN..0, current: 0..i32::MAX }, stop);
    let options = TermOptions { confidence_level: plan.request.confidence_level, ..TermOptions::default() };
    let (risen, groups) = (rising(&texts, &options), clusters(&texts, &options));
    let mut spellings = BTreeMap::new();
    let term = |found: RisingTerm| {
        let spelling = spellings.entry(folded(&found.term, stop)).or_insert_with(|| found.term.clone());
        EmergingTerm { term: spelling.clone(), ..term(plan, &codes, found) }
    };
    Emerging {
        false_discovery_rate: options.false_discovery_rate,
        n_reference,
        n_current,
        sampled: !complete || there_before > n_reference || there_now > n_current,
        tested: risen.tested,
        significant: risen.significant,
        terms: risen.terms.into_iter().map(term).collect(),
        codes_given: risen.codes.into_iter().filter_map(|found| given(plan, &codes, found)).collect(),
        clusters: groups.clusters.into_iter().map(|group| doubted(plan, &codes, group)).collect(),
        doubted: groups.doubted,
        rest: groups.rest,
    }
}

impl Emerging {
    /// The terms, strongest first, and the codes that a good part of their texts gets from the model or from people.
    pub fn codes(&self) -> Vec<(String, Vec<String>)> {
        let mut strongest: Vec<&EmergingTerm> = self.terms.iter().collect();
        strongest.sort_by(|a, b| a.rise.by_certainty(&b.rise));
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for one in strongest {
            let codes = one.texts.predicted.iter().chain(&one.texts.actual).filter(|code| code.share >= BELONGS);
            let codes = codes.map(|code| code.code.clone());
            match found.iter_mut().find(|(term, _)| *term == one.term) {
                Some((_, known)) => known.extend(codes),
                None => found.push((one.term.clone(), codes.collect())),
            }
        }
        found
    }
}

/// Numbers of codes, in the order of the codes; one more for none.
struct Codes<'a>(Vec<&'a str>);

impl<'a> Codes<'a> {
    fn new(specimens: &[Specimen<'a>]) -> Self {
        let mut codes: Vec<&str> = specimens.iter().flat_map(|one| [one.predicted, one.actual]).flatten().collect();
        codes.sort_unstable();
        codes.dedup();
        Self(codes)
    }

    fn number(&self, code: &str) -> u32 {
        self.0.partition_point(|known| *known < code) as u32
    }

    fn none(&self) -> u32 {
        self.0.len() as u32
    }

    fn code(&self, plan: &Plan, number: u32, n: u64, share: f64) -> Option<TermCode> {
        let code = self.0.get(number as usize)?;
        Some(TermCode { code: (*code).to_owned(), label: plan.nomenclature.label(code).to_owned(), n, share })
    }
}

fn row<'a>(plan: &Plan, codes: &Codes<'_>, one: &Specimen<'a>) -> TextRow<'a> {
    TextRow {
        text: one.text,
        day: one.day,
        low_confidence: one.route == Some("manual") || plan.threshold.is_some_and(|least| one.confidence < least),
        wrong: one.actual.map(|actual| is_wrong(plan, one.predicted, actual)),
        weight: one.weight.unwrap_or(1.0),
        code: one.predicted.map_or(codes.none(), |code| codes.number(code)),
        actual: one.actual.map(|code| codes.number(code)),
    }
}

/// People may give a coarser code: it is another one only where the prediction is not below it.
fn is_wrong(plan: &Plan, predicted: Option<&str>, actual: &str) -> bool {
    let Some(predicted) = predicted else { return true };
    let level = plan.nomenclature.level_of(actual);
    let above = level.is_some_and(|level| plan.nomenclature.roll_up(predicted, level) == RollUp::At(actual));
    predicted != actual && !above
}

/// The same for all spellings of a term.
fn folded(term: &str, stop: &StopWords) -> Vec<u64> {
    words(term, stop).iter().map(|word| word.key >> 1).collect()
}

fn term(plan: &Plan, codes: &Codes<'_>, found: RisingTerm) -> EmergingTerm {
    EmergingTerm { texts: texts(plan, codes, &found.witness), term: found.term, kind: found.kind, rise: found.rise }
}

/// `None` for no code.
fn given(plan: &Plan, codes: &Codes<'_>, found: RisingCode) -> Option<EmergingCode> {
    let TermCode { code, label, .. } = codes.code(plan, found.code, found.rise.n_current, found.rise.share_current)?;
    Some(EmergingCode { texts: texts(plan, codes, &found.witness), code, label, rise: found.rise })
}

fn doubted(plan: &Plan, codes: &Codes<'_>, group: Cluster) -> DoubtedTexts {
    let n = group.witness.rows;
    DoubtedTexts {
        texts: texts(plan, codes, &group.witness),
        terms: group.terms,
        n,
        confident: group.confident,
        share_doubted: n as f64 / (n + group.confident).max(1) as f64,
        n_reference: group.n_reference,
    }
}

fn texts(plan: &Plan, codes: &Codes<'_>, of: &Witness) -> TermTexts {
    let predicted = of.predicted.iter().filter_map(|&(code, n)| codes.code(plan, code, n, n as f64 / of.rows as f64));
    let actual = of.actual.iter().filter_map(|&(code, n, share)| codes.code(plan, code, n, share));
    TermTexts {
        texts: of.texts,
        days: of.days,
        examples: of.examples.iter().map(|text| shortened(text)).collect(),
        predicted: predicted.collect(),
        labelled: of.labelled,
        actual: actual.collect(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXAMPLE) {
        Some(_) => text.chars().take(LONGEST_EXAMPLE - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
