use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Plan,
    assessment::{AssistedAccuracy, VersionAccuracy},
    design::Design,
    draws::Draws,
    specimens::Specimen,
};
use crate::{
    measure::{
        comparison::{
            Difference, Verdict,
            code::{Change, CodeChange, Confusion, changes},
            difference,
            standardised::{Labelled, Stratum, standardised},
        },
        mcnemar::{LEAST_DISCORDANT, Pairs, paired},
        proportion::Estimate,
        weight::WeightSums,
    },
    nomenclature::{Nomenclature, RollUp},
    query::Answer,
};

/// The last version of the period against the one before it. Every difference is `after` less `before`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    pub before: String,
    pub after: String,
    /// Labelled rows that say something at the finest level.
    pub n_before: u64,
    pub n_after: u64,
    /// Accuracy at the finest level, each version on the texts that it coded.
    pub plain: Difference,
    pub standardised: StandardisedDifference,
    /// Of the model-assisted accuracies, of the codes as they are.
    pub assisted: Difference,
    /// On texts that both coded; `null` where those with a label on which they differ stand for too few
    /// ([`LEAST_DISCORDANT`]).
    pub paired: Option<PairedTexts>,
    /// Codes whose precision or recall changed, surest first: those of [`Scope::level`](super::assessment::Scope::level),
    /// then the groups, where codes have too few labels each.
    pub codes: Vec<VersionChange>,
    /// Expected share of `codes` at a level that did not change, at most.
    pub false_discovery_rate: f64,
}

/// As if both versions had coded the same mix of true codes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StandardisedDifference {
    /// Level of the true codes that are the strata (1 = coarsest), the finest; `null` where a version has fewer labels than it takes
    /// ([`LEAST_LABELS`](crate::measure::comparison::standardised::LEAST_LABELS)).
    pub level: Option<u32>,
    pub level_name: Option<String>,
    pub difference: Difference,
    /// Share of the mix that one version met next to nothing of: nothing is said of it.
    pub uncovered: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairedTexts {
    /// Texts with a label that both versions coded.
    pub texts: u64,
    /// Of these, right with one version only.
    pub only_before: u64,
    pub only_after: u64,
    /// By what the labels stand for.
    pub difference: Difference,
    /// Of McNemar's exact test, at effective counts.
    pub p_value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeShare {
    Precision,
    Recall,
}

/// One share of one code that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionChange {
    pub code: String,
    /// Empty when the nomenclature has none.
    pub label: String,
    pub level: u32,
    pub level_name: String,
    pub share: CodeShare,
    pub verdict: Verdict,
    pub before: Estimate,
    pub after: Estimate,
    pub difference: Difference,
    /// Labelled rows behind the share.
    pub n_before: u64,
    pub n_after: u64,
    pub q_value: f64,
}

/// What is needed to compare versions.
pub struct Compared<'a> {
    /// Oldest first.
    pub versions: &'a [String],
    /// Of `version_outcome.sql`.
    pub outcome: &'a Answer,
    /// Of `version_volume.sql`.
    pub volume: &'a Answer,
    pub design: &'a Design,
    pub accuracy: (&'a [VersionAccuracy], &'a [AssistedAccuracy]),
    pub specimens: &'a [Specimen<'a>],
}

/// Mean number of labels of a node, in each version, from which nodes are looked at one by one.
const ENOUGH: u64 = 30;
const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// One of a code's two shares.
type ChangeOf = fn(&CodeChange) -> &Change;

/// `None` with fewer than two versions.
pub fn compare(plan: &Plan, of: &Compared<'_>) -> Option<Versions> {
    let [.., before, after] = of.versions else { return None };
    let names = [before.as_str(), after.as_str()];
    let draws =
        names.map(|name| Draws::new(of.outcome, of.design, |row| of.outcome.text(row, "version") == Some(name)));
    let rows = rows((of.outcome, of.design), names, &draws);
    let (finest, level) = (plan.nomenclature.depth(), plan.request.confidence_level);
    let (strata, labels) = strata(&plan.nomenclature, &rows, &draws);
    let found = standardised(&strata, level);
    // where a route has no label at all, the other one's figure does not stand for both
    let tells = names.iter().all(|name| {
        let mut at = of.accuracy.0.iter().filter(|row| row.version == *name && row.level == u32::from(finest));
        at.any(|row| row.accuracy.estimate.estimate.is_some())
    });
    let said = |difference| if tells { difference } else { Difference::default() };
    let on_one_mix = match found.difference.estimate.filter(|_| tells) {
        Some(_) => StandardisedDifference {
            level: Some(u32::from(finest)),
            level_name: name_of(plan, finest),
            difference: found.difference,
            uncovered: found.uncovered,
        },
        None => StandardisedDifference::default(),
    };
    let assisted = names.map(|name| {
        let mut rows = of.accuracy.1.iter();
        rows.find(|row| row.version.as_deref() == Some(name)).map(|row| row.assisted.estimate).unwrap_or_default()
    });
    let group = finest_with_labels(&plan.nomenclature, &rows).unwrap_or(1);
    let levels = std::iter::once(plan.level).chain((group < plan.level).then_some(group));
    Some(Versions {
        before: before.clone(),
        after: after.clone(),
        n_before: labels[0],
        n_after: labels[1],
        plain: said(found.plain),
        standardised: on_one_mix,
        assisted: difference(assisted[0], assisted[1]),
        paired: pairs(plan, of.specimens, names),
        codes: levels.flat_map(|at| changed(plan, (&rows, &draws), (of.volume, names), at)).collect(),
        false_discovery_rate: FALSE_DISCOVERY_RATE,
    })
}

fn name_of(plan: &Plan, level: u8) -> Option<String> {
    plan.nomenclature.level_names().get(usize::from(level.saturating_sub(1))).cloned()
}

/// Labelled rows of one version (0 = before) with one pair of codes.
struct Row<'a> {
    version: usize,
    /// Number of the draw.
    draw: usize,
    predicted: &'a str,
    actual: &'a str,
    sums: WeightSums,
}

fn rows<'a>((outcome, design): (&'a Answer, &Design), names: [&str; 2], draws: &[Draws; 2]) -> Vec<Row<'a>> {
    let of = |row: usize| {
        let version = names.iter().position(|name| outcome.text(row, "version") == Some(name))?;
        let (predicted, actual) = (outcome.text(row, "predicted")?, outcome.text(row, "actual")?);
        let draw = draws[version].number(design.draw(outcome, row));
        Some(Row { version, draw, predicted, actual, sums: design.sums(outcome, row) })
    };
    let mut rows: Vec<Row<'_>> = (0..outcome.rows()).filter_map(of).collect();
    // sums of floats depend on their order, and answers come in none
    rows.sort_unstable_by(|x, y| {
        let key = |row: &Row<'a>| (row.version, row.predicted, row.actual, row.draw, row.sums.n);
        key(x).cmp(&key(y)).then(x.sums.w.total_cmp(&y.sums.w))
    });
    rows
}

/// Its ancestor, or itself where nobody knows it; `None` where it is coarser than the level.
fn at<'a>(nomenclature: &'a Nomenclature, code: &'a str, level: u8) -> Option<&'a str> {
    match nomenclature.roll_up(code, level) {
        RollUp::At(ancestor) => Some(ancestor),
        RollUp::Unknown => Some(code),
        RollUp::Coarser => None,
    }
}

/// The finest level whose true codes have enough labels in each version.
fn finest_with_labels(nomenclature: &Nomenclature, rows: &[Row<'_>]) -> Option<u8> {
    (1..=nomenclature.depth()).rev().find(|level| {
        let (mut nodes, mut labels) = (BTreeSet::new(), [0; 2]);
        for row in rows {
            if let Some(code) = at(nomenclature, row.actual, *level) {
                nodes.insert(code);
                labels[row.version] += row.sums.n;
            }
        }
        !nodes.is_empty() && labels[0].min(labels[1]) >= ENOUGH * nodes.len() as u64
    })
}

/// A stratum for each true code, with its ancestors, and the labels of each version. Few labels a code are no reason for
/// coarser strata: in simulations those covered 0 to 92 % where codes of a group are not alike, the finest 92 to 96 %.
fn strata(nomenclature: &Nomenclature, rows: &[Row<'_>], draws: &[Draws; 2]) -> (Vec<Stratum>, [u64; 2]) {
    let finest = nomenclature.depth();
    let mut numbers: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    let mut strata: BTreeMap<&str, Stratum> = BTreeMap::new();
    let mut labels = [0; 2];
    for row in rows {
        let Some(actual) = at(nomenclature, row.actual, finest) else { continue };
        let stratum = strata.entry(actual).or_insert_with(|| {
            let groups = (1..finest).map(|above| {
                let next = numbers.len();
                *numbers.entry((above, at(nomenclature, actual, above).unwrap_or_default())).or_insert(next)
            });
            Stratum { groups: groups.collect(), ..Stratum::default() }
        });
        labels[row.version] += row.sums.n;
        let side: &mut Labelled = if row.version == 0 { &mut stratum.a } else { &mut stratum.b };
        let right = at(nomenclature, row.predicted, finest) == Some(actual);
        side.resize(draws[row.version].len(), Default::default());
        side[row.draw][usize::from(!right)] += row.sums;
    }
    (strata.into_values().collect(), labels)
}

/// Codes of a level whose precision or recall changed.
fn changed(
    plan: &Plan,
    (rows, draws): (&[Row<'_>], &[Draws; 2]),
    (volume, names): (&Answer, [&str; 2]),
    level: u8,
) -> Vec<VersionChange> {
    let nomenclature = &plan.nomenclature;
    let mut codes: BTreeMap<&str, [Vec<Confusion>; 2]> = BTreeMap::new();
    let none = || draws.each_ref().map(|draws| vec![Confusion::default(); draws.len()]);
    for row in rows {
        let Some(actual) = at(nomenclature, row.actual, level) else { continue };
        let predicted = at(nomenclature, row.predicted, level);
        let truth = &mut codes.entry(actual).or_insert_with(none)[row.version][row.draw];
        if predicted == Some(actual) {
            truth.true_positives += row.sums;
            continue;
        }
        truth.false_negatives += row.sums;
        if let Some(predicted) = predicted {
            codes.entry(predicted).or_insert_with(none)[row.version][row.draw].false_positives += row.sums;
        }
    }
    let mut volumes: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for row in 0..volume.rows() {
        let version = names.iter().position(|name| volume.text(row, "version") == Some(name));
        let code = volume.text(row, "code").and_then(|code| at(nomenclature, code, level));
        // without a label nothing is said of a code
        if let (Some(version), Some(code)) = (version, code.filter(|code| codes.contains_key(code))) {
            volumes.entry((version, code)).or_default().push(row);
        }
    }
    for ((version, code), rows) in &volumes {
        let of = codes.get_mut(code).into_iter().flat_map(|versions| &mut versions[*version]);
        of.zip(draws[*version].predictions(volume, rows)).for_each(|(confusion, n)| confusion.predictions = n);
    }
    let confusions: Vec<[Vec<Confusion>; 2]> = codes.values().cloned().collect();
    let found = changes(&confusions, plan.request.confidence_level, FALSE_DISCOVERY_RATE);
    let mut changed: Vec<VersionChange> = Vec::new();
    for (code, change) in codes.keys().zip(&found) {
        let shares: [(CodeShare, ChangeOf); 2] =
            [(CodeShare::Precision, |c| &c.precision), (CodeShare::Recall, |c| &c.recall)];
        changed.extend(shares.into_iter().filter_map(|(share, of)| {
            let change = of(change);
            let q_value = change.q_value.filter(|q| *q <= FALSE_DISCOVERY_RATE)?;
            let verdict = match change.difference.estimate? {
                d if d > 0.0 => Verdict::Helped,
                d if d < 0.0 => Verdict::Hurt,
                _ => return None,
            };
            Some(VersionChange {
                code: (*code).to_owned(),
                label: nomenclature.label(code).to_owned(),
                level: u32::from(level),
                level_name: name_of(plan, level).unwrap_or_default(),
                share,
                verdict,
                before: change.a,
                after: change.b,
                difference: change.difference,
                n_before: change.n[0],
                n_after: change.n[1],
                q_value,
            })
        }));
    }
    let size = |change: &VersionChange| change.difference.estimate.unwrap_or_default().abs();
    changed.sort_by(|x, y| x.q_value.total_cmp(&y.q_value).then(size(y).total_cmp(&size(x))));
    changed
}

/// What is known of one text.
#[derive(Default)]
struct Text<'a> {
    predicted: [BTreeSet<Option<&'a str>>; 2],
    actual: BTreeSet<&'a str>,
    /// What its labels stand for.
    weight: f64,
}

/// Texts of the period that both versions coded. A text is one case however often it came, as a version gives it the same
/// code each time; it counts as many predictions as its labels stand for, since what is doubted is labelled more often. Texts
/// to which a version gave several codes, or people did, say nothing.
fn pairs(plan: &Plan, specimens: &[Specimen<'_>], names: [&str; 2]) -> Option<PairedTexts> {
    let nomenclature = &plan.nomenclature;
    let finest = nomenclature.depth();
    let mut texts: BTreeMap<&str, Text<'_>> = BTreeMap::new();
    for one in specimens.iter().filter(|one| (plan.from.0..=plan.to.0).contains(&one.day)) {
        let Some(version) = names.iter().position(|name| *name == one.version) else { continue };
        let text = texts.entry(one.text).or_default();
        text.predicted[version].insert(one.predicted.and_then(|code| at(nomenclature, code, finest)));
        if let Some(actual) = one.actual.and_then(|code| at(nomenclature, code, finest)) {
            text.actual.insert(actual);
            text.weight += one.n as f64 * one.weight.unwrap_or(1.0);
        }
    }
    let mut pairs = Pairs::default();
    for text in texts.values() {
        let [before, after] = &text.predicted;
        let (Some(actual), 1, 1, 1) = (text.actual.first(), text.actual.len(), before.len(), after.len()) else {
            continue;
        };
        let [before, after] = [before, after].map(|codes| codes.contains(&Some(*actual)));
        let cell = match (before, after) {
            (true, true) => &mut pairs.both,
            (true, false) => &mut pairs.only_a,
            (false, true) => &mut pairs.only_b,
            (false, false) => &mut pairs.neither,
        };
        *cell += WeightSums { n: 1, w: text.weight, w2: text.weight * text.weight };
    }
    let found = paired(&pairs, plan.request.confidence_level);
    (found.discordant_typical >= LEAST_DISCORDANT).then_some(PairedTexts {
        texts: found.n,
        only_before: pairs.only_a.n,
        only_after: pairs.only_b.n,
        difference: found.difference,
        p_value: found.p_value?,
    })
}
