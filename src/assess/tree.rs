use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{days::DailyVolume, drift::ALPHA};
use crate::{
    measure::drift::{
        dispersion::tree_dispersion,
        hierarchy::{TreeNode, tree_drift},
    },
    nomenclature::{Nomenclature, RollUp},
};

/// Where in the classification the predicted codes moved: each node is tested within its parent, all levels at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TreeFindings {
    /// Parents whose rows could be split otherwise among their children, the whole included.
    pub splits: u32,
    /// Of these, the ones that moved.
    pub splits_moved: u32,
    /// Nodes that moved within their parents, each after its ancestors.
    pub nodes: Vec<MovedNode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovedNode {
    pub code: String,
    /// Empty when the nomenclature has none.
    pub label: String,
    /// 1 = coarsest, where codes that the nomenclature does not know stand too.
    pub level: u32,
    /// `null` at the coarsest level: then its share is of all predictions.
    pub parent: Option<String>,
    pub n_reference: u64,
    pub n_current: u64,
    /// Shares of the parent's predictions; `null` where it has none.
    pub within_reference: Option<f64>,
    pub within_current: Option<f64>,
    /// Of the share within the parent, allowing for days that differ.
    pub p_value: f64,
    /// Adjusted over the whole tree (TreeBH).
    pub q_value: f64,
    /// The nearest ancestor that moved as well.
    pub under: Option<String>,
}

/// A code and its ancestors, coarsest first.
type Path = Vec<String>;

pub fn tree(book: &Nomenclature, days: &DailyVolume<'_>) -> TreeFindings {
    let mut paths: BTreeMap<&str, Path> = BTreeMap::new();
    for code in days.reference.iter().chain(&days.current).flat_map(BTreeMap::keys) {
        paths.entry(*code).or_insert_with(|| path(book, code));
    }
    // in order, each path comes after those that it begins with: parents before children
    let all = paths.values().flat_map(|path| (1..=path.len()).map(move |n| &path[..n]));
    let mut places: BTreeMap<&[String], usize> = all.map(|path| (path, 0)).collect();
    places.values_mut().enumerate().for_each(|(i, place)| *place = i);
    let along = |path: &Path| (1..=path.len()).filter_map(|n| places.get(&path[..n]).copied()).collect();
    let places_of: BTreeMap<&str, Vec<usize>> = paths.iter().map(|(code, path)| (*code, along(path))).collect();
    let counts = |day: &BTreeMap<&str, u64>| {
        let mut counts = vec![0; places.len()];
        for (code, n) in day {
            places_of.get(code).into_iter().flatten().for_each(|place| counts[*place] += n);
        }
        counts
    };
    let reference: Vec<Vec<u64>> = days.reference.iter().map(counts).collect();
    let current: Vec<Vec<u64>> = days.current.iter().map(counts).collect();
    let sum = |days: &[Vec<u64>], i: usize| days.iter().map(|day| day[i]).sum::<u64>();
    let parents: Vec<Option<usize>> = places.keys().map(|path| places.get(&path[..path.len() - 1]).copied()).collect();
    let nodes: Vec<TreeNode> = parents
        .iter()
        .enumerate()
        .map(|(i, parent)| TreeNode { parent: *parent, reference: sum(&reference, i), current: sum(&current, i) })
        .collect();
    let found = tree_drift(&nodes, &tree_dispersion(&parents, &reference), ALPHA);
    let codes: Vec<&String> = places.keys().filter_map(|path| path.last()).collect();
    let named = |i: Option<usize>| i.and_then(|i| codes.get(i)).map(|code| (*code).clone());
    let moved = codes.iter().zip(&nodes).zip(&found.nodes).filter_map(|((code, node), drift)| {
        let (p_value, q_value) = drift.p_value.zip(drift.q_value).filter(|_| drift.flagged)?;
        Some(MovedNode {
            code: (*code).clone(),
            label: book.label(code).to_owned(),
            level: drift.level,
            parent: named(node.parent),
            n_reference: node.reference,
            n_current: node.current,
            within_reference: drift.within_reference,
            within_current: drift.within_current,
            p_value,
            q_value,
            under: named(drift.under),
        })
    });
    TreeFindings { splits: found.splits, splits_moved: found.splits_moved, nodes: moved.collect() }
}

fn path(book: &Nomenclature, code: &str) -> Path {
    let mut path = Path::new();
    for level in 1..=book.depth() {
        match book.roll_up(code, level) {
            RollUp::At(ancestor) => path.push(ancestor.to_owned()),
            // nothing is known of it but itself
            RollUp::Unknown => return vec![code.to_owned()],
            RollUp::Coarser => break,
        }
    }
    path
}
