use std::collections::{BTreeMap, HashMap};

use super::{Alarm, AlarmKind, Carrier, Counted, Family, Run, Span, Watched, evidence};
use crate::{
    assess::{Plan, accuracy::levels},
    decide::rings,
    nomenclature::{RollUp, canonical},
};

/// Predictions of one code of one level.
#[derive(Debug, Clone)]
struct Node<'a> {
    all: Counted,
    versions: BTreeMap<&'a str, Counted>,
    parent: Option<Key>,
}

type Key = (u8, String);
type Nodes<'a> = BTreeMap<Key, Node<'a>>;

impl<'a> Node<'a> {
    /// Adds predictions of the same span.
    fn join(&mut self, other: &Node<'a>) {
        self.all.join(&other.all);
        for (version, of) in &other.versions {
            let none = || Counted { reference: 0, looks: vec![0; of.looks.len()] };
            self.versions.entry(version).or_insert_with(none).join(of);
        }
    }
}

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
fn nodes<'a>(plan: &Plan, span: &Span<'_>, watched: &Watched<'a>) -> (Nodes<'a>, Node<'a>) {
    let empty = |parent| Node { all: Counted::new(span), versions: BTreeMap::new(), parent };
    let answer = watched.volume;
    // a code comes again every day, its ancestors need not
    let mut codes: BTreeMap<&str, Node<'_>> = BTreeMap::new();
    for row in 0..answer.rows() {
        let Some(place) = span.place_of(answer, row) else { continue };
        let (code, n) = (answer.text(row, "code").unwrap_or_default(), answer.count(row, "n"));
        let version = answer.text(row, "version").unwrap_or_default();
        let node = codes.entry(code).or_insert_with(|| empty(None));
        node.all.add(&place, n);
        node.versions.entry(version).or_insert_with(|| Counted::new(span)).add(&place, n);
    }
    let (mut nodes, mut whole) = (Nodes::new(), empty(None));
    for (code, of) in codes {
        whole.join(&of);
        let mut parent: Option<Key> = None;
        for key in path(plan, code) {
            nodes.entry(key.clone()).or_insert_with(|| empty(parent)).join(&of);
            parent = Some(key);
        }
    }
    (nodes, whole)
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
fn children(nodes: &Nodes<'_>, whole: &Node<'_>, key: &Key, run: Run, plan: &Plan) -> Vec<Carrier> {
    let below = nodes.iter().filter(|(_, child)| child.parent.as_ref() == Some(key));
    let carriers =
        below.map(|((_, name), child)| carrier(name, plan.nomenclature.label(name), Some(&child.all), &whole.all, run));
    evidence::most_moved(carriers.collect(), MOST_CARRIERS)
}

/// The code's share among the predictions of each version.
fn versions(node: &Node<'_>, whole: &Node<'_>, run: Run) -> Vec<Carrier> {
    let of = |(version, all): (&&str, &Counted)| carrier(version, "", node.versions.get(version), all, run);
    whole.versions.iter().map(of).filter(|c| c.share_current.is_some()).collect()
}
