use std::collections::BTreeMap;

use super::{
    Plan,
    assessment::{CodeQuality, Confusion},
    assisted_codes::assisted_precision,
    design::Design,
    draws::Draws,
    traffic::share,
};
use crate::{
    measure::{
        assisted::Assisted,
        classification::classification,
        proportion::Estimate,
        shrinkage::{Leaf, shrunk},
        weight::WeightSums,
        whole::{Met, Whole},
    },
    nomenclature::{RollUp, canonical},
    query::Answer,
};

/// Pairs listed as confusions.
const CONFUSIONS: usize = 100;

#[derive(Debug, Default, Clone)]
struct Code {
    label: String,
    known: bool,
    predicted: u64,
    auto: u64,
    /// Of the predictions, those with a route.
    routed: u64,
    right: WeightSums,
    /// Predicted as this code, truly another.
    false_positive: WeightSums,
    /// Truly this code, predicted as another.
    false_negative: WeightSums,
    /// What is known of each draw.
    draws: Vec<Met>,
}

/// Quality of every code of the plan's level, and the pairs that are confused. `graded` answers `volume_by_grade.sql`.
pub fn by_code(
    plan: &Plan,
    (volume, graded): (&Answer, &Answer),
    (outcome, design): (&Answer, &Design),
) -> (Vec<CodeQuality>, Vec<Confusion>) {
    let draws = Draws::new(outcome, design, |_| true);
    let none = || Code { draws: vec![Met::default(); draws.len()], ..Code::default() };
    let mut codes: BTreeMap<String, Code> = BTreeMap::new();
    for row in 0..volume.rows() {
        if volume.int(row, "level") != i64::from(plan.level) || volume.count(row, "n") == 0 {
            continue;
        }
        let code = codes.entry(volume.text(row, "code").unwrap_or_default().to_owned()).or_insert_with(none);
        code.label = volume.text(row, "label").unwrap_or_default().to_owned();
        code.known = volume.int(row, "known") == 1;
        code.predicted = volume.count(row, "n");
        code.auto = volume.count(row, "auto");
    }
    let mut volumes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in 0..graded.rows() {
        volumes.entry(graded.text(row, "code").unwrap_or_default()).or_default().push(row);
    }
    for (code, rows) in &volumes {
        let Some(code) = codes.get_mut(*code) else { continue };
        let routed = rows.iter().filter(|row| graded.text(**row, "route").is_some());
        code.routed = routed.map(|row| graded.count(*row, "n")).sum();
        let predictions = draws.predictions(graded, rows);
        code.draws.iter_mut().zip(predictions).for_each(|(met, n)| met.predictions = n);
    }
    // right and wrong labels of all codes
    let mut whole = vec![[WeightSums::default(); 2]; draws.len()];
    let mut pairs: BTreeMap<(String, String), WeightSums> = BTreeMap::new();
    for row in 0..outcome.rows() {
        let sums = design.sums(outcome, row);
        let predicted = outcome.text(row, "predicted");
        let actual = outcome.text(row, "actual").unwrap_or_default();
        let truth = codes.entry(actual.to_owned()).or_insert_with(|| Code {
            label: outcome.text(row, "actual_label").unwrap_or_default().to_owned(),
            known: plan.nomenclature.knows(actual),
            ..none()
        });
        let draw = draws.number(design.draw(outcome, row));
        truth.draws[draw].actual += sums.n;
        whole[draw][usize::from(predicted != Some(actual))] += sums;
        if predicted == Some(actual) {
            truth.right += sums;
            truth.draws[draw].predicted += sums.n;
            truth.draws[draw].right += sums.n;
            continue;
        }
        truth.false_negative += sums;
        if let Some(predicted) = predicted {
            let given = codes.entry(predicted.to_owned()).or_insert_with(none);
            given.false_positive += sums;
            given.draws[draw].predicted += sums.n;
            *pairs.entry((predicted.to_owned(), actual.to_owned())).or_default() += sums;
        }
    }
    // they have a row even when nobody met them
    for code in sensitive(plan) {
        let label = plan.nomenclature.label(&code).to_owned();
        codes.entry(code).or_insert_with(|| Code { label, known: true, ..none() });
    }
    let confusions = confusions(&codes, pairs);
    let groups = groups(plan, codes.keys());
    let steady = |failure: fn(&Code) -> WeightSums| {
        let leaf = |(of, groups): (&Code, &Vec<usize>)| Leaf {
            success: of.right,
            failure: failure(of),
            groups: groups.clone(),
        };
        let leaves: Vec<Leaf> = codes.values().zip(&groups).map(leaf).collect();
        shrunk(&leaves, plan.request.confidence_level)
    };
    let assisted = assisted_precision(graded, (outcome, design, &draws), plan.request.confidence_level);
    let (precisions, recalls) = (steady(|of| of.false_positive), steady(|of| of.false_negative));
    let whole = Whole::new(whole);
    let mut table: Vec<CodeQuality> = codes
        .into_iter()
        .zip(precisions.into_iter().zip(recalls))
        .map(|((code, of), shrunk)| {
            let assisted = assisted.get(&code).copied();
            quality(plan, code, (&of, &whole), (shrunk, assisted))
        })
        .collect();
    table.sort_by(|a, b| b.n_predicted.cmp(&a.n_predicted).then_with(|| a.code.cmp(&b.code)));
    (table, confusions)
}

/// Sensitive codes of the plan's level, as the nomenclature writes them.
pub fn sensitive(plan: &Plan) -> Vec<String> {
    let codes = plan.request.sensitive_codes.iter().map(|code| canonical(code).into_owned());
    codes.filter(|code| plan.nomenclature.roll_up(code, plan.level) == RollUp::At(code.as_str())).collect()
}

fn quality(
    plan: &Plan,
    code: String,
    (of, whole): (&Code, &Whole),
    (shrunk, assisted): ((Estimate, Estimate), Option<Assisted>),
) -> CodeQuality {
    let wholes = [whole.of_predictions(&of.draws), whole.of_truth(&of.draws)];
    let measured =
        classification(of.right, of.false_positive, of.false_negative, wholes, plan.request.confidence_level);
    CodeQuality {
        sensitive: plan.request.sensitive_codes.iter().any(|s| canonical(s) == code),
        code,
        label: of.label.clone(),
        level: u32::from(plan.level),
        known: of.known,
        n_predicted: of.predicted,
        n_labelled: of.right.n + of.false_positive.n,
        n_actual: of.right.n + of.false_negative.n,
        automation_rate: share(of.auto, of.routed),
        precision: measured.precision,
        recall: measured.recall,
        f1: measured.f1,
        assisted_precision: assisted.map(|found| found.estimate).unwrap_or_default(),
        worth: assisted.and_then(|found| found.worth),
        shrunk_precision: shrunk.0,
        shrunk_recall: shrunk.1,
    }
}

/// A number for each ancestor of each code, coarsest first.
fn groups<'c>(plan: &Plan, codes: impl Iterator<Item = &'c String>) -> Vec<Vec<usize>> {
    let mut numbers: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); usize::from(plan.level.max(1)) - 1];
    let of = |code: &String| {
        let ancestors = numbers.iter_mut().enumerate().map(|(i, numbers)| {
            let ancestor = match plan.nomenclature.roll_up(code, i as u8 + 1) {
                RollUp::At(ancestor) => ancestor,
                // codes that nobody knows are alike in that
                RollUp::Unknown | RollUp::Coarser => "",
            };
            let next = numbers.len();
            *numbers.entry(ancestor.to_owned()).or_insert(next)
        });
        ancestors.collect()
    };
    codes.map(of).collect()
}

fn confusions(codes: &BTreeMap<String, Code>, pairs: BTreeMap<(String, String), WeightSums>) -> Vec<Confusion> {
    let mut pairs: Vec<_> = pairs.into_iter().map(|((predicted, actual), sums)| (predicted, actual, sums)).collect();
    pairs.sort_by(|a, b| b.2.w.total_cmp(&a.2.w).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
    pairs.truncate(CONFUSIONS);
    let label = |code: &str| codes.get(code).map_or(String::new(), |c| c.label.clone());
    pairs
        .into_iter()
        .map(|(predicted, actual, sums)| {
            let of = codes.get(&predicted).map_or(0.0, |c| c.right.w + c.false_positive.w);
            Confusion {
                predicted_label: label(&predicted),
                actual_label: label(&actual),
                n: sums.n,
                weighted: sums.w,
                share_of_predicted: if of > 0.0 { sums.w / of } else { 0.0 },
                predicted,
                actual,
            }
        })
        .collect()
}
