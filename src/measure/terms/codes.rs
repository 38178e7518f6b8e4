//! Codes that people give more often than before.

use serde::{Deserialize, Serialize};

use super::{
    TermOptions, TextRow, Texts,
    exact::{Margins, UpperTail},
    log_odds::{LogOdds, log_odds, ratio},
    population::{Population, sum},
    witness::Witness,
};
use crate::measure::proportion::Estimate;

/// A code that rises among the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RisingCode {
    pub code: u32,
    /// Labels that give it.
    pub n_reference: u64,
    pub n_current: u64,
    /// Shares of all labels that give a code, by design weight.
    pub share_reference: f64,
    pub share_current: f64,
    /// Current share over reference share; no estimate and no upper bound where the reference has none.
    pub ratio: Estimate,
    pub log_odds: LogOdds,
    /// One-sided, exact.
    pub p_value: f64,
    /// Over codes and terms of all kinds.
    pub q_value: f64,
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
        let mut codes: Vec<RisingCode> =
            found.filter_map(|((place, test), q)| self.described(place, test.p_value, q?, options)).collect();
        codes.sort_by(|a, b| {
            a.p_value.total_cmp(&b.p_value).then(b.log_odds.z.total_cmp(&a.log_odds.z)).then(a.code.cmp(&b.code))
        });
        codes.truncate(options.most_rising);
        for code in &mut codes {
            let gives = |row: &TextRow| row.actual == Some(code.code) && row.label().is_some();
            let has = |text: &u32| texts.rows(*text).any(|(_, row)| gives(row));
            let numbers: Vec<u32> = (0..texts.len() as u32).filter(has).collect();
            code.witness = Witness::new(texts, &numbers, gives);
        }
        codes
    }

    /// Without its witness.
    fn described(&self, place: u32, p_value: f64, q_value: f64, options: &TermOptions) -> Option<RisingCode> {
        let with = self.population.cells(place);
        let [reference, current] = self.population.weighed(with);
        let (now, then) = (current.rows, reference.rows);
        let [n_reference, n_current] = sum(with).map(u64::from);
        Some(RisingCode {
            code: self.population.text(place),
            n_reference,
            n_current,
            share_reference: reference.share,
            share_current: current.share,
            ratio: ratio(now, then, options.confidence_level),
            log_odds: log_odds((now.with, now.all), (then.with, then.all))?,
            p_value,
            q_value,
            witness: Witness::default(),
        })
    }
}
