use std::collections::{BTreeMap, HashMap};

use super::{Alarm, AlarmKind, Carrier, Counted, Family, Run, Span, Watched, evidence};
use crate::{
    assess::{Plan, accuracy::levels},
    decide::rings,
    nomenclature::{RollUp, canonical},
};

/// Predictions of one code of one level.
#[derive(Debug, Clone)]
struct Node {
    all: Counted,
    versions: BTreeMap<String, Counted>,
    parent: Option<Key>,
}

type Key = (u8, String);
type Nodes = BTreeMap<Key, Node>;

/// Part of a group's change that one of its codes must carry, so that the code's alarm stands for both.
const EXPLAINS: f64 = 0.7;
const MOST_CARRIERS: usize = 3;

/// The share of every code at every level, against the reference.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Family {
    let (nodes, whole) = nodes(plan, span, watched);
    // a few codes are watched by themselves: among all others a rare one would have to move far to be heard
    let sensitive = |(_, code): &Key| plan.request.sensitive_codes.iter().any(|s| canonical(s) == *code);
    let (own, others): (Vec<_>, Vec<_>) = nodes.iter().partition(|(key, _)| sensitive(key));
    let mut raised: BTreeMap<&Key, Alarm> = BTreeMap::new();
    for part in [own, others] {
        // an only child has the counts of its parent, and there are hundreds
        let mut known: HashMap<&Counted, Vec<f64>> = HashMap::new();
        let series: Vec<Vec<f64>> = part
            .iter()
            .map(|(_, node)| {
                let log_e = || node.all.log_e(&whole.all, plan.request.alarm_rate);
                known.entry(&node.all).or_insert_with(log_e).clone()
            })
            .collect();
        for ((key, node), ring) in part.into_iter().zip(rings(&series, plan.request.alarm_rate)) {
            let Some(ring) = ring else { continue };
            let (level, code) = (key.0, &key.1);
            let (alarm, run) = node.all.alarm(&whole.all, AlarmKind::CodeShare, code, &ring, span, plan);
            let below = |predicted: &str| match plan.nomenclature.roll_up(predicted, level) {
                RollUp::At(ancestor) => ancestor == code,
                RollUp::Unknown => predicted == code,
                RollUp::Coarser => false,
            };
            let mut evidence = evidence::of_codes(plan, span, watched, run, below);
            evidence.codes = children(&nodes, &whole, key, run, plan);
            evidence.versions = versions(node, &whole, run);
            evidence.query = evidence::query(span, run, &condition(plan, level, code));
            let label = plan.nomenclature.label(code).to_owned();
            raised.insert(key, Alarm { label, level: Some(u32::from(level)), evidence, ..alarm });
        }
    }
    let count = raised.len();
    let stands_alone = |key: &Key, found: &Alarm| {
        let change = found.difference.estimate.unwrap_or(0.0);
        let below = nodes.iter().filter(|(_, node)| node.parent.as_ref() == Some(key));
        let mut heard = below.filter_map(|(key, _)| raised.get(key));
        !heard.any(|child| child.difference.estimate.is_some_and(|d| change != 0.0 && d / change >= EXPLAINS))
    };
    let kept: Vec<Alarm> = raised.iter().filter(|(key, a)| stands_alone(key, a)).map(|(_, a)| a.clone()).collect();
    Family { watched: nodes.len() as u64, explained: (count - kept.len()) as u64, raised: kept }
}

/// In SQL.
fn condition(plan: &Plan, level: u8, code: &str) -> String {
    let code = code.replace('\'', "''");
    if level == plan.nomenclature.depth() {
        format!("predicted = '{code}'")
    } else {
        format!("predicted IN (SELECT code FROM code WHERE level = {level} AND ancestor = '{code}')")
    }
}

/// Every code and its ancestors; and all predictions together.
fn nodes(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> (Nodes, Node) {
    let empty = |parent| Node { all: Counted::new(span), versions: BTreeMap::new(), parent };
    let (mut nodes, mut whole): (Vec<(Key, Node)>, _) = (Vec::new(), empty(None));
    // where a node stands, and where those of a code do: a code comes again every day
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    let answer = watched.volume;
    for row in 0..answer.rows() {
        let Some(place) = span.place_of(answer, row) else { continue };
        let (code, n) = (answer.text(row, "code").unwrap_or_default(), answer.count(row, "n"));
        let version = answer.text(row, "version").unwrap_or_default();
        let count = |node: &mut Node| {
            node.all.add(&place, n);
            match node.versions.get_mut(version) {
                Some(of) => of.add(&place, n),
                None => {
                    node.versions.entry(version.to_owned()).or_insert_with(|| Counted::new(span)).add(&place, n);
                }
            }
        };
        count(&mut whole);
        let along = || {
            let mut parent: Option<Key> = None;
            let step = |key: Key| {
                let parent = parent.replace(key.clone());
                *known.entry(key.clone()).or_insert_with(|| {
                    nodes.push((key, empty(parent)));
                    nodes.len() - 1
                })
            };
            path(plan, code).into_iter().map(step).collect()
        };
        for at in places.entry(code).or_insert_with(along) {
            count(&mut nodes[*at].1);
        }
    }
    (nodes.into_iter().collect(), whole)
}

/// A code and its ancestors, coarsest first.
fn path(plan: &Plan, code: &str) -> Vec<Key> {
    let at = |level: u8| match plan.nomenclature.roll_up(code, level) {
        RollUp::At(ancestor) => Some((level, ancestor.to_owned())),
        // nothing is known of it but itself
        RollUp::Unknown => (level == plan.nomenclature.depth()).then(|| (level, code.to_owned())),
        RollUp::Coarser => None,
    };
    levels(plan).filter_map(|(level, _)| at(level)).collect()
}

fn carrier(name: &str, label: &str, part: Option<&Counted>, all: &Counted, run: Run) -> Carrier {
    let share = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
    let n = part.map_or(0, |part| part.in_run(run));
    Carrier {
        name: name.to_owned(),
        label: label.to_owned(),
        n,
        share_reference: share(part.map_or(0, |part| part.reference), all.reference),
        share_current: share(n, all.in_run(run)),
    }
}

/// Codes one level below that carry most of the change.
fn children(nodes: &Nodes, whole: &Node, key: &Key, run: Run, plan: &Plan) -> Vec<Carrier> {
    let below = nodes.iter().filter(|(_, child)| child.parent.as_ref() == Some(key));
    let carriers =
        below.map(|((_, name), child)| carrier(name, plan.nomenclature.label(name), Some(&child.all), &whole.all, run));
    evidence::most_moved(carriers.collect(), MOST_CARRIERS)
}

/// The code's share among the predictions of each version.
fn versions(node: &Node, whole: &Node, run: Run) -> Vec<Carrier> {
    let of = |(version, all): (&String, &Counted)| carrier(version, "", node.versions.get(version), all, run);
    whole.versions.iter().map(of).filter(|c| c.share_current.is_some()).collect()
}
