//! Terms that are more frequent in the current period than in the reference.

use std::ops::Range;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{
    Side, TermOptions, TextRow, Texts,
    codes::{Given, RisingCode},
    counts::{Count, count, once},
    exact::{Margins, UpperTail},
    population::{Pair, Population, add, sum},
    postings::{Posting, postings},
    redundancy::independent,
    rise::Rise,
    selection::select,
    witness::Witness,
    words::Map,
};

/// Significant terms that are looked at closely, per kind: the strongest.
const FOLLOWED: usize = 4096;

/// Among which rows a term rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All texts.
    Share,
    /// Texts that the model doubts.
    LowConfidence,
    /// Texts whose code people found wrong, by design weight.
    Errors,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Share, Self::LowConfidence, Self::Errors];

    fn has(self, row: &TextRow) -> bool {
        match self {
            Self::Share => true,
            Self::LowConfidence => row.low_confidence,
            Self::Errors => row.wrong == Some(true) && row.label().is_some(),
        }
    }

    fn weight(self, row: &TextRow) -> f64 {
        if self == Self::Errors { row.label().unwrap_or(1.0) } else { 1.0 }
    }
}

/// A term that rises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RisingTerm {
    /// As most people write it, in lower case.
    pub term: String,
    pub kind: Kind,
    /// Among the rows of the kind.
    #[serde(flatten)]
    pub rise: Rise,
    /// Its current rows of the kind.
    pub witness: Witness,
}

/// Terms that rise, and what they were chosen from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rising {
    /// By kind, then strongest first.
    pub terms: Vec<RisingTerm>,
    /// Codes that people give more often, strongest first.
    pub codes: Vec<RisingCode>,
    /// Tests whose margins allow a discovery; terms that are always in the same texts share one.
    pub tested: u64,
    /// Tests significant at the level asked for, before those that rise by the same texts were merged.
    pub significant: u64,
}

/// Terms whose share rises from the reference to the current period, among all texts, doubted ones and errors.
///
/// 1. Terms are counted once a text ([`count`]), and those always in the same texts are one test.
/// 2. Each test is one-sided and exact ([`super::upper_tail`]); for errors it is stratified by design weight, so that
///    neither a changed review rate nor one heavy row makes a term rise.
/// 3. [`select`] keeps the expected share of false discoveries, all kinds together.
/// 4. Of terms that rise by the same texts the most specific is kept, and each must rise on its own.
///
/// The strength of a term is its p-value, then its z.
///
/// *Assumes* that rows are independent draws. Someone who sends one text again and again breaks that: look at the
/// distinct texts and days of the [`Witness`].
///
/// *Edge cases*: nothing where a period is empty. All errors rise together where a model gets worse: a term is compared
/// with other errors, not with right rows. A term in a few rows cannot be significant, however new.
///
/// ```
/// use vigie::measure::terms::{Kind, Periods, TermOptions, TextRow, Texts, rising, stop_words::StopWords};
/// let row = |text, day| {
///     TextRow { text, day, low_confidence: false, wrong: None, weight: 1.0, code: 1, actual: None }
/// };
/// let usual = (0..200).map(|n| row(["coiffure", "taxi", "boulangerie", "plomberie"][n % 4], n as i32 / 100));
/// let new = (0..20).map(|_| row("réparation de vélos", 1));
/// let rows: Vec<TextRow> = usual.chain(new).collect();
/// let stop = StopWords::default();
/// let texts = Texts::new(&rows, &Periods { reference: 0..1, current: 1..2 }, &stop);
/// let found = rising(&texts, &TermOptions::default());
/// assert_eq!(found.terms.len(), 1);
/// assert_eq!((found.terms[0].term.as_str(), found.terms[0].kind), ("réparation de vélos", Kind::Share));
/// assert_eq!((found.terms[0].rise.n_reference, found.terms[0].rise.n_current), (0, 20));
/// ```
pub fn rising(texts: &Texts, options: &TermOptions) -> Rising {
    let mut parts: Vec<Part> = Kind::ALL.into_iter().map(|kind| Part::new(texts, kind, options)).collect();
    let mut given = Given::new(texts, options);
    let of_terms = parts.iter().flat_map(|part| part.tests.iter().map(|test| test.tail));
    let tests: Vec<UpperTail> = of_terms.chain(given.tests.iter().copied()).collect();
    let mut margins: Vec<Margins> = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.margins)).collect();
    margins.append(&mut given.margins);
    let found = select(&tests, &margins, options.false_discovery_rate);
    let is_found = |q: &Option<f64>| q.is_some_and(|q| q <= options.false_discovery_rate);
    let significant = found.q_values.iter().filter(|q| is_found(q)).count() as u64;
    let mut rising = Rising { tested: found.tested as u64, significant, ..Rising::default() };
    let mut q_values = found.q_values.iter();
    for part in parts {
        let these = part.tests.iter().zip(q_values.by_ref().take(part.tests.len()));
        let strong: Vec<(&Test, f64)> =
            these.filter(|(_, q)| is_found(q)).filter_map(|(test, q)| Some((test, (*q)?))).collect();
        rising.terms.extend(part.shown(texts, strong, found.cutoff, options));
    }
    rising.codes = given.shown(texts, q_values.as_slice(), options);
    rising
}

/// The rows of one kind, their terms, and a test for each class of terms in the same texts.
struct Part {
    kind: Kind,
    population: Population,
    /// Class by class.
    terms: Vec<Count>,
    tests: Vec<Test>,
    margins: Vec<Margins>,
}

/// The test of terms that are always in the same texts.
struct Test {
    terms: Range<usize>,
    tail: UpperTail,
}

impl Part {
    fn new(texts: &Texts, kind: Kind, options: &TermOptions) -> Self {
        let population =
            Population::new(texts, |side: Side, row: &TextRow| kind.has(row).then(|| (side, kind.weight(row))));
        let [n_reference, n_current] = sum(population.totals());
        let (mut terms, mut tests, mut margins) = (Vec::new(), Vec::new(), Vec::new());
        if n_reference > 0 && n_current > 0 {
            terms = count(population.counts(texts), options.least_texts, options.most_terms).terms;
            terms.sort_unstable_by_key(|term| (term.texts, term.key));
            let cells = by_class(texts, &population, &terms);
            let (mut start, mut of_tests) = (0, Vec::new());
            for same in terms.chunk_by(|a, b| a.texts == b.texts) {
                let width = population.totals().len();
                let with = cells.get(start * width..(start + 1) * width).unwrap_or(&[]);
                let tail = population.test(with, population.totals());
                tests.push(Test { terms: start..start + same.len(), tail });
                of_tests.extend_from_slice(with);
                start += same.len();
            }
            margins = population.margins(&of_tests, options.false_discovery_rate);
        }
        Self { kind, population, terms, tests, margins }
    }

    fn terms_of(&self, test: &Test) -> &[Count] {
        self.terms.get(test.terms.clone()).unwrap_or(&[])
    }

    fn shown(
        &self,
        texts: &Texts,
        mut strong: Vec<(&Test, f64)>,
        cutoff: f64,
        options: &TermOptions,
    ) -> Vec<RisingTerm> {
        let population = &self.population;
        strong.sort_by(|a, b| a.0.tail.p_value.total_cmp(&b.0.tail.p_value));
        strong.truncate(FOLLOWED);
        let keys = strong.iter().flat_map(|(test, _)| self.terms_of(test)).map(|term| term.key);
        let mut found = postings(texts, population, keys).into_iter();
        let mut candidates: Vec<Candidate> = Vec::new();
        for (test, q_value) in strong {
            let same = found.by_ref().take(test.terms.len());
            let Some(posting) = same.min_by_key(Posting::preference) else { continue };
            let with = posting.cells(population);
            let Some(rise) = Rise::new(population, &with, test.tail.p_value, q_value, options) else { continue };
            candidates.push(Candidate { posting, rise });
        }
        candidates.sort_by(Candidate::stronger);
        let followed: Vec<Posting> = candidates.iter().map(|candidate| candidate.posting.clone()).collect();
        let kept = independent(texts, population, &followed, cutoff, options.most_rising);
        kept.into_iter().filter_map(|at| candidates.get(at)).map(|kept| self.described(texts, kept)).collect()
    }

    fn described(&self, texts: &Texts, candidate: &Candidate) -> RisingTerm {
        let numbers: Vec<u32> = candidate.posting.places.iter().map(|&place| self.population.text(place)).collect();
        RisingTerm {
            term: candidate.posting.spelling(texts, &self.population),
            kind: self.kind,
            rise: candidate.rise,
            witness: Witness::new(texts, &numbers, |row| self.kind.has(row)),
        }
    }
}

/// A significant term.
struct Candidate {
    posting: Posting,
    rise: Rise,
}

impl Candidate {
    fn stronger(&self, other: &Self) -> std::cmp::Ordering {
        let longer = || other.posting.words.cmp(&self.posting.words);
        let key = || self.posting.key.cmp(&other.posting.key);
        self.rise.by_certainty(&other.rise).then_with(longer).then_with(key)
    }
}

/// Rows with each term by class of weight, in the order of `terms`.
fn by_class(texts: &Texts, population: &Population, terms: &[Count]) -> Vec<Pair> {
    let width = population.totals().len();
    if width == 1 {
        return terms.iter().map(|term| [term.reference, term.current]).collect();
    }
    let numbers: HashMap<u64, usize, Map> = (0..).zip(terms).map(|(at, term)| (term.key, at)).collect();
    let mut cells = vec![[0; 2]; width * terms.len()];
    let mut seen = Vec::new();
    for (place, text) in (0..).zip(population.counts(texts)) {
        for key in once(text.words, &mut seen) {
            let Some(at) = numbers.get(key) else { continue };
            if let Some(cells) = cells.get_mut(at * width..(at + 1) * width) {
                add(cells, population.cells(place));
            }
        }
    }
    cells
}
