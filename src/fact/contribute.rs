use std::sync::Arc;

use hashbrown::HashMap;

use super::{Cell, Facts, Moments, Opinions, PageKey, ScoreKind, Specimen, Table, Tally, grade};
use crate::{
    event::{Fixed, NO_LATENCY, PredictionEntry, Route, SeriesId, Symbol, Symbols, Weight},
    join::{Held, Joined, Label},
    nomenclature::{Nomenclature, RollUp},
};

/// What facts need to know of a series besides its events.
#[derive(Debug, Clone)]
pub struct LevelTable {
    pub nomenclature: Arc<Nomenclature>,
    /// Weights of labels that name no inclusion probability, by route.
    pub auto: Option<Weight>,
    pub manual: Option<Weight>,
    /// Whether facts say who gave which opinion.
    pub annotators: bool,
    /// For each code its ancestors, coarsest first; shorter where the code is coarser. Filled as codes are met.
    /// At the code's number.
    paths: Vec<Option<Path>>,
}

#[derive(Debug, Clone)]
struct Path {
    known: bool,
    /// Symbols cannot be made here, so ancestors are told by a number of their own: node index, or past them the code.
    nodes: Vec<u32>,
}

impl LevelTable {
    pub fn new(nomenclature: Arc<Nomenclature>, auto: Option<f64>, manual: Option<f64>) -> Self {
        let weight = |rate: Option<f64>| rate.filter(|r| *r > 0.0 && *r <= 1.0).map(Weight::from_inclusion);
        LevelTable { nomenclature, auto: weight(auto), manual: weight(manual), annotators: false, paths: Vec::new() }
    }

    /// The same where facts say who gave which opinion.
    pub fn with_annotators(self, annotators: bool) -> Self {
        LevelTable { annotators, ..self }
    }

    fn learn(&mut self, code: Symbol, symbols: &Symbols) {
        let at = code.0 as usize;
        if self.paths.get(at).is_some_and(Option::is_some) {
            return;
        }
        let n = &self.nomenclature;
        let text = symbols.text(code);
        let own = u32::MAX - code.0;
        let mut nodes = Vec::with_capacity(usize::from(n.depth()));
        for level in 1..=n.depth() {
            match n.roll_up(text, level) {
                RollUp::At(ancestor) => {
                    nodes.push(n.index(ancestor).unwrap_or(own));
                }
                RollUp::Unknown => nodes.push(own),
                RollUp::Coarser => break,
            }
        }
        let path = Path { known: n.knows(text), nodes };
        if self.paths.len() <= at {
            self.paths.resize(symbols.len().max(at + 1), None);
        }
        self.paths[at] = Some(path);
    }

    fn path(&self, code: Symbol) -> &[u32] {
        self.paths.get(code.0 as usize).and_then(Option::as_ref).map_or(&[], |p| &p.nodes)
    }

    fn known(&self, code: Symbol) -> bool {
        self.paths.get(code.0 as usize).and_then(Option::as_ref).is_none_or(|p| p.known)
    }
}

/// Turns what the join holds into facts.
#[derive(Debug, Default)]
pub struct Contribution {
    series: HashMap<SeriesId, LevelTable>,
}

impl Contribution {
    /// Whether the series was introduced.
    pub fn knows(&self, series: SeriesId) -> bool {
        self.series.contains_key(&series)
    }

    pub fn introduce(&mut self, series: SeriesId, table: LevelTable) {
        self.series.insert(series, table);
    }

    /// Adds what `after` says of a key and takes back what `before` said.
    ///
    /// Series must have been introduced; rows of others are counted without levels.
    pub fn change(&mut self, facts: &mut Facts, before: Option<&Held>, after: &Held, symbols: &Symbols) {
        // most often a label came: what was counted of the prediction stays
        let same = before.is_some_and(|before| before.predictions == after.predictions);
        for (held, sign) in before.map(|before| (before, -1)).into_iter().chain([(after, 1)]) {
            if !same {
                held.predictions.iter().for_each(|p| self.prediction(facts, &p.entry, symbols, sign));
            }
            self.labels(facts, held, symbols, sign);
        }
    }

    /// What is known of the labels of one key, and the specimens, which say what became of a prediction.
    fn labels(&mut self, facts: &mut Facts, held: &Held, symbols: &Symbols, sign: i64) {
        for joined in held.joined() {
            let label = joined.label.filter(|l| !l.retracted);
            let weight = label.and_then(|l| l.weight.or_else(|| self.rate(joined.prediction)));
            if let Some(label) = &label {
                self.label(facts, &joined, label, weight, symbols, sign);
                self.opinions(facts, held, joined.prediction, sign);
            }
            if let Some(specimen) = Specimen::of(&joined, label.as_ref(), weight) {
                let p = joined.prediction;
                facts.specimen(specimen.page(p.series, p.hour(), p.route), specimen, sign);
            }
        }
        if !held.corrections.is_empty() {
            facts.ledger.stand(&held.standing(), sign);
        }
    }

    fn prediction(&mut self, facts: &mut Facts, p: &PredictionEntry, symbols: &Symbols, sign: i64) {
        let (series, hour, route) = (p.series, p.hour(), p.route);
        let code = p.candidates.first().filter(|_| !p.failed);
        let unknown = code.zip(self.series.get_mut(&series)).is_some_and(|(code, table)| {
            table.learn(*code, symbols);
            !table.known(*code)
        });
        let scored = i64::from(code.is_some());
        let tallies = [
            (Tally::Predictions, 1),
            (Tally::Errors, i64::from(p.failed)),
            (Tally::Clipped, i64::from(p.clips)),
            (Tally::Confidence, scored * i64::from(p.confidence.0)),
            (Tally::Probability, scored * i64::from(p.probability.0)),
            (Tally::UnknownCode, i64::from(unknown)),
        ];
        let tallies = tallies.into_iter().filter(|(_, n)| *n != 0);
        facts.count_together(tallies.map(|(what, n)| (Cell::Tally { series, hour, route, what }, sign * n)));
        if let Some(code) = code {
            facts.count(Cell::Volume { series, hour, route, code: *code, grade: grade_of(p) }, sign);
            let scores = scores(p.probability, p.confidence).into_iter();
            let cells = scores.map(|(kind, score)| Cell::Score { series, hour, route, kind, bin: kind.bin(score) });
            facts.count_together(cells.map(|cell| (cell, sign)));
        }
        if p.latency != NO_LATENCY {
            facts.count(Cell::Latency { series, hour, route, bin: p.latency }, sign);
        }
        facts.ledger.errors += sign * i64::from(p.failed);
    }

    /// What people said of the prediction, where there are several.
    fn opinions(&self, facts: &mut Facts, held: &Held, p: &PredictionEntry, sign: i64) {
        let named = self.series.get(&p.series).is_some_and(|table| table.annotators);
        if let Some(opinions) = Opinions::of(held, p.model, named) {
            facts.opinions(PageKey::new(Table::Opinion, p.series, p.hour(), p.route), opinions, sign);
        }
    }

    /// Weight of a label that names none, where the configuration says how its route is drawn.
    fn rate(&self, p: &PredictionEntry) -> Option<Weight> {
        let table = self.series.get(&p.series)?;
        match p.route? {
            Route::Auto => table.auto,
            Route::Manual => table.manual,
        }
    }

    fn label(
        &mut self,
        facts: &mut Facts,
        joined: &Joined<'_>,
        label: &Label,
        weight: Option<Weight>,
        symbols: &Symbols,
        sign: i64,
    ) {
        let p = joined.prediction;
        let (series, hour, route, source) = (p.series, p.hour(), p.route, label.source);
        let predicted = p.candidates.first().copied().filter(|_| !p.failed);
        let row = Moments::row(weight, Fixed(0));
        let grade = if p.failed { 0 } else { grade_of(p) };
        let weight_class = weight.map_or(0, Weight::class);
        let outcome = Cell::Outcome { series, hour, route, predicted, actual: label.code, source, grade, weight_class };
        facts.moments_together([(outcome, &row)], sign);
        let Some(actual) = label.code else {
            facts.count(Cell::Tally { series, hour, route, what: Tally::Uncodable }, sign);
            return;
        };
        let Some(predicted) = predicted else { return };
        let scores = scores(p.probability, p.confidence);
        let rows = scores.map(|(_, score)| Moments::row(weight, score));
        let cell = |(kind, score): (ScoreKind, Fixed), level: u8, right: bool| Cell::Reliability {
            series,
            hour,
            route,
            kind,
            bin: kind.bin(score),
            level,
            right,
            source,
            weight_class,
        };
        let as_they_are = || scores.into_iter().map(|score| cell(score, 0, predicted == actual)).zip(&rows);
        let Some(table) = self.series.get_mut(&series) else {
            facts.moments_together(as_they_are(), sign);
            return;
        };
        table.learn(actual, symbols);
        for code in p.candidates.iter() {
            table.learn(*code, symbols);
        }
        let table = &*table;
        // a truth coarser than a level has no say there, and its path ends before it
        let ranks = || {
            table.path(actual).iter().enumerate().map(|(i, truth)| {
                let found = p.candidates.iter().position(|c| table.path(*c).get(i) == Some(truth));
                (i as u8 + 1, found.map_or(0, |r| r as u8 + 1))
            })
        };
        let (confidence, of_confidence) = (scores[1], &rows[1]);
        let rolled_up = ranks().map(|(level, rank)| (cell(confidence, level, rank == 1), of_confidence));
        facts.moments_together(as_they_are().chain(rolled_up), sign);
        let ranked =
            |(level, rank)| (Cell::Rank { series, hour, route, level, rank, source, grade, weight_class }, &row);
        facts.moments_together(ranks().map(ranked), sign);
    }
}

fn grade_of(p: &PredictionEntry) -> u8 {
    grade(ScoreKind::Confidence.bin(p.confidence))
}

/// The probability and the confidence.
fn scores(probability: Fixed, confidence: Fixed) -> [(ScoreKind, Fixed); 2] {
    [(ScoreKind::Probability, probability), (ScoreKind::Confidence, confidence)]
}
