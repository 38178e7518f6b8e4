//! How sure labels are: how far people agree who coded the same prediction, and how often no code fits.

use super::{
    strip::{level_name, overall},
    texts::Texts,
    view::{Cell, Table},
};
use crate::{
    assess::assessment::{AnnotatorPair, Annotators, Assessment, CodeAgreement, HumanAgreement},
    measure::agreement::noise::Bounds,
};

/// Codes and pairs of people shown; the JSON twin has more.
const SHOWN: usize = 12;

/// Part of section 3.
pub(crate) struct Labels {
    pub uncodable: Option<Table>,
    /// Sentences on agreement; empty where nothing was coded twice.
    pub agreement: Vec<String>,
    pub disputed: Option<Table>,
    /// Who agrees with whom, where the configuration names people.
    pub people: Option<People>,
}

pub(crate) struct People {
    pub lead: String,
    pub pairs: Table,
}

impl Labels {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        let found = a.accuracy.agreement.as_ref();
        Self {
            uncodable: uncodable(t, a),
            agreement: found.map_or_else(Vec::new, |found| sentences(t, a, found)),
            disputed: found.and_then(|found| disputed(t, found)),
            people: found.and_then(|found| found.annotators.as_ref()).map(|found| people(t, found)),
        }
    }
}

fn uncodable(t: &Texts, a: &Assessment) -> Option<Table> {
    let columns = ["col.scope", "col.labelled", "labels.uncodable", "labels.uncodable_share"];
    let mut table = Table::new(t, "labels.uncodable_table", 1, &columns);
    for row in &a.accuracy.uncodable {
        table.rows.push(vec![
            Cell::text(t.route(&row.route)),
            Cell::number(t.int(row.share.n)),
            Cell::number(t.int(row.uncodable)),
            Cell::estimate(t, &row.share.estimate),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn sentences(t: &Texts, a: &Assessment, found: &HumanAgreement) -> Vec<String> {
    let level = level_name(t, a, a.scope.level);
    let mut said = vec![t.count(
        "labels.lead",
        found.predictions,
        &[
            ("level", &level),
            ("observed", &t.pct_interval(&found.observed)),
            ("kappa", &t.dec_interval(&found.kappa, 2)),
            ("alpha", &t.dec_interval(&found.alpha.without_bounds(), 2)),
        ],
    )];
    if let Some(noise) = &found.noise {
        let values = [
            ("error", t.pct(noise.error.estimate)),
            ("low", t.pct(noise.error.lower)),
            ("high", t.pct(noise.error.upper)),
            ("at_least", t.pct(Some(noise.at_least))),
        ];
        said.push(t.f("labels.noise", &values.each_ref().map(|(name, text)| (*name, text.as_str()))));
    }
    let measured = overall(a, a.scope.level, "all").map(|row| row.accuracy.estimate).unwrap_or_default();
    if let Some(truth) = &found.true_accuracy {
        let ends = |b: Bounds| (t.pct(Some(b.lower)), t.pct(Some(b.upper)));
        let (worst_low, worst_high) = ends(truth.worst);
        let mut values = vec![
            ("level", level),
            ("measured", t.pct(measured.estimate)),
            ("worst_low", worst_low),
            ("worst_high", worst_high),
        ];
        let key = if truth.independent.is_some() { "labels.truth" } else { "labels.truth_worst" };
        if let Some((low, high)) = truth.independent.map(ends) {
            values.extend([("low", low), ("high", high)]);
        }
        let values: Vec<(&str, &str)> = values.iter().map(|(name, text)| (*name, text.as_str())).collect();
        said.push(t.f(key, &values));
    }
    said
}

fn disputed(t: &Texts, found: &HumanAgreement) -> Option<Table> {
    let columns = ["col.code", "col.label", "labels.instead", "labels.opinions", "labels.same"];
    let mut table = Table::new(t, "labels.table", 3, &columns);
    for row in found.codes.iter().take(SHOWN) {
        let CodeAgreement { code, label, opinions, agreement, instead } = row;
        let uncodable = || t.s("labels.no_code").to_owned();
        table.rows.push(vec![
            Cell::text(code.clone().unwrap_or_else(uncodable)),
            Cell::text(label),
            Cell::text(instead.clone().unwrap_or_else(uncodable)),
            Cell::number(t.int(*opinions)),
            Cell::estimate(t, agreement),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn people(t: &Texts, found: &Annotators) -> People {
    let columns = ["labels.person", "labels.other_person", "labels.both", "labels.equal", "labels.kappa"];
    let mut pairs = Table::new(t, "labels.people_table", 2, &columns);
    for AnnotatorPair { one, other, predictions, observed, kappa } in found.pairs.iter().take(SHOWN) {
        pairs.rows.push(vec![
            Cell::text(one),
            Cell::text(other),
            Cell::number(t.int(*predictions)),
            Cell::estimate(t, observed),
            Cell::number(t.dec_or_dash(kappa.estimate, 2)).note(t.dec_bracket(kappa, 2)),
        ]);
    }
    People { lead: t.count("labels.people", found.people, &[]), pairs }
}
