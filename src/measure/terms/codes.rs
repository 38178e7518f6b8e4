//! Codes that people give more often than before.

use serde::{Deserialize, Serialize};

use super::{
    TermOptions, TextRow, Texts,
    exact::{Margins, UpperTail},
    population::{Population, sum},
    rise::Rise,
    witness::Witness,
};

/// A code that rises among the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RisingCode {
    pub code: u32,
    /// Among the labels that give a code.
    #[serde(flatten)]
    pub rise: Rise,
    /// Its current rows.
    pub witness: Witness,
}

/// A test for each code that people gave, stratified by design weight as errors are.
///
/// A new activity of which no two texts share a rare word, or one that the model takes for all sorts of codes, still
/// gets one code from people.
pub(super) struct Given {
    population: Population,
    pub tests: Vec<UpperTail>,
    pub margins: Vec<Margins>,
}

impl Given {
    pub(super) fn new(texts: &Texts, options: &TermOptions) -> Self {
        let population = Population::by_actual(texts);
        let [n_reference, n_current] = sum(population.totals());
        let (mut tests, mut margins) = (Vec::new(), Vec::new());
        if n_reference > 0 && n_current > 0 {
            let places = 0..population.len() as u32;
            tests = places.map(|place| population.test(population.cells(place), population.totals())).collect();
            margins = population.margins(population.all_cells(), options.false_discovery_rate);
        }
        Self { population, tests, margins }
    }

    /// The discoveries among the codes, by their q-values; the strongest first.
    pub(super) fn shown(&self, texts: &Texts, q_values: &[Option<f64>], options: &TermOptions) -> Vec<RisingCode> {
        let q_values = q_values.iter().copied().map(|q| q.filter(|q| *q <= options.false_discovery_rate));
        let found = (0..).zip(&self.tests).zip(q_values);
        let described = |((place, test), q_value): ((u32, &UpperTail), Option<f64>)| {
            let with = self.population.cells(place);
            let rise = Rise::new(&self.population, with, test.p_value, q_value?, options)?;
            Some(RisingCode { code: self.population.text(place), rise, witness: Witness::default() })
        };
        let mut codes: Vec<RisingCode> = found.filter_map(described).collect();
        codes.sort_by(|a, b| a.rise.by_certainty(&b.rise).then(a.code.cmp(&b.code)));
        codes.truncate(options.most_rising);
        for code in &mut codes {
            let gives = |row: &TextRow| row.actual == Some(code.code) && row.label().is_some();
            let has = |text: &u32| texts.rows(*text).any(|(_, row)| gives(row));
            let numbers: Vec<u32> = (0..texts.len() as u32).filter(has).collect();
            code.witness = Witness::new(texts, &numbers, gives);
        }
        codes
    }
}
