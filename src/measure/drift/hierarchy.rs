//! Which nodes of a classification moved, at every level at once.
//!
//! The same rows are counted at five levels, so a parent and its child are tested on the same counts. Tests of each node
//! against the whole would depend on each other in a way that no procedure for trees allows for, and one leaf that grows
//! would be found five times. Here each node is tested WITHIN its parent: given the counts of a parent, how they split
//! among its children says nothing about how they came to be there. So the splits are independent of each other if
//! nothing has changed, which is what the procedure assumes, and a finding reads as an attribution: division 56 grew;
//! within it, 5610Y did.

use serde::{Deserialize, Serialize};

use super::dispersion::{Dispersion, share_test};
use crate::measure::multiple_testing::benjamini_hochberg;

/// One node of the tree with its rows, those of its descendants included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeNode {
    /// Position of its parent, which comes before it; `None` at the coarsest level.
    pub parent: Option<usize>,
    pub reference: u64,
    pub current: u64,
}

/// What is found of one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeDrift {
    /// 1 = coarsest.
    pub level: u32,
    /// Share of its parent's rows (of all rows at the coarsest level); `None` where the parent has none.
    pub within_reference: Option<f64>,
    pub within_current: Option<f64>,
    /// Of its share within its parent; `None` where that cannot change: an only child, or no rows at all.
    pub p_value: Option<f64>,
    /// The smallest `alpha` at which it would be flagged.
    pub q_value: Option<f64>,
    pub flagged: bool,
    /// The nearest ancestor that is flagged as well.
    pub under: Option<usize>,
}

/// Drift over a whole tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TreeDrift {
    /// In input order.
    pub nodes: Vec<NodeDrift>,
    /// Splits (a parent among its children) that were tested, and those of them that moved.
    pub splits: u32,
    pub splits_moved: u32,
}

/// Tests every node's share within its parent, with the false discovery rate kept over the whole tree.
///
/// Each node: [`share_test`] of its rows among its parent's, Fisher's exact test unless days vary more than rows would
/// (`dispersion` of each node within its parent, in the same order; none where empty). Each split: Simes' combination of
/// its children. Benjamini-Hochberg at `alpha` chooses `R` of the `S` splits; within each of those, Benjamini-Hochberg at
/// `alpha R / S` flags children. This is TreeBH with splits as the first level and children as the second, which is
/// Benjamini and Bogomolov's procedure.
///
/// *Promises*, if splits are independent: at most `alpha` of the splits said to have moved did not, on average; and the
/// share of false flags, averaged over the splits said to have moved, is at most `alpha` on average. If nothing moved,
/// something is flagged with probability at most `alpha`. A split said to have moved always has a flagged child.
///
/// No node waits for its ancestors to be flagged: two codes of a division may swap their rows while the division's share
/// stands still.
///
/// Splits are independent but for their grain: how a parent fared decides which values the exact test below it can take,
/// never how likely a p-value is to be small.
///
/// *Assumes* rows drawn independently within each period (up to `dispersion`), and siblings for which Simes and
/// Benjamini-Hochberg hold: shares that sum to 1 are slightly negatively dependent, which a simulation shows to be
/// harmless. *Edge cases*: a node whose parent does not come before it counts as one of the coarsest; children may have
/// fewer rows than their parent (rows coded no finer), not more.
///
/// Bogomolov, Peterson, Benjamini and Sabatti (2021), Biometrika 108 (TreeBH); Benjamini and Bogomolov (2014), JRSS B 76;
/// Simes (1986), Biometrika 73.
///
/// ```
/// use vigie::measure::drift::hierarchy::{TreeNode, tree_drift};
/// let node = |parent, reference, current| TreeNode { parent, reference, current };
/// // I > 55 and 56 > 5610A, 5610Y; G
/// let tree = [
///     node(None, 1000, 1200), node(None, 9000, 8800),
///     node(Some(0), 400, 400), node(Some(0), 600, 800),
///     node(Some(3), 500, 500), node(Some(3), 100, 300),
/// ];
/// let found = tree_drift(&tree, &[], 0.05);
/// assert!(found.nodes.iter().all(|node| node.flagged));
/// assert_eq!((found.nodes[5].level, found.nodes[5].under), (3, Some(3)));
/// assert_eq!(found.nodes[5].within_current, Some(0.375));
/// ```
pub fn tree_drift(nodes: &[TreeNode], dispersion: &[Option<Dispersion>], alpha: f64) -> TreeDrift {
    let parents: Vec<Option<usize>> = nodes.iter().enumerate().map(|(i, n)| n.parent.filter(|&p| p < i)).collect();
    let roots = || nodes.iter().zip(&parents).filter(|(_, parent)| parent.is_none()).map(|(node, _)| node);
    let whole = (
        roots().fold(0_u64, |sum, node| sum.saturating_add(node.reference)),
        roots().fold(0_u64, |sum, node| sum.saturating_add(node.current)),
    );
    let mut found: Vec<NodeDrift> = Vec::with_capacity(nodes.len());
    for (i, (node, parent)) in nodes.iter().zip(&parents).enumerate() {
        let above = parent.and_then(|p| nodes.get(p)).map_or(whole, |p| (p.reference, p.current));
        let level = parent.and_then(|p| found.get(p)).map_or(1, |p: &NodeDrift| p.level + 1);
        let within = |count: u64, of: u64| (of > 0).then(|| (count as f64 / of as f64).min(1.0));
        let between = dispersion.get(i).and_then(Option::as_ref);
        found.push(NodeDrift {
            level,
            within_reference: within(node.reference, above.0),
            within_current: within(node.current, above.1),
            p_value: can_change(node, above)
                .then(|| share_test(node.reference, above.0, node.current, above.1, between)),
            ..NodeDrift::default()
        });
    }
    let splits = Splits::new(&found, &parents);
    let mut drift = TreeDrift { splits: splits.count(), splits_moved: splits.moved(alpha), nodes: found };
    for (i, q) in splits.q_values() {
        if let Some(node) = drift.nodes.get_mut(i) {
            (node.q_value, node.flagged) = (Some(q), q <= alpha);
        }
    }
    for (i, parent) in parents.iter().enumerate() {
        let above = parent.and_then(|p| drift.nodes.get(p).map(|node| if node.flagged { Some(p) } else { node.under }));
        if let Some(node) = drift.nodes.get_mut(i) {
            node.under = above.flatten();
        }
    }
    drift
}

/// Whether some but not all rows of the parent, over both periods, are the node's. Looks at sums over both periods alone,
/// as the test does: choosing what to test must not favour any outcome. Where a period has no rows of the parent p is 1.
fn can_change(node: &TreeNode, above: (u64, u64)) -> bool {
    let (rows, of) = (node.reference.saturating_add(node.current), above.0.saturating_add(above.1));
    rows > 0 && rows < of
}

/// Children of one parent that were tested, with their adjusted p-values.
#[derive(Default)]
struct Split {
    children: Vec<usize>,
    adjusted: Vec<f64>,
}

struct Splits {
    tested: Vec<Split>,
    /// Benjamini-Hochberg adjusted, of each split.
    q: Vec<f64>,
}

impl Splits {
    fn new(nodes: &[NodeDrift], parents: &[Option<usize>]) -> Self {
        // the last one is that of the whole
        let mut splits: Vec<Split> = std::iter::repeat_with(Split::default).take(nodes.len() + 1).collect();
        for (i, parent) in parents.iter().enumerate() {
            let tested = nodes.get(i).is_some_and(|node| node.p_value.is_some());
            if let (true, Some(split)) = (tested, splits.get_mut(parent.unwrap_or(nodes.len()))) {
                split.children.push(i);
            }
        }
        splits.retain(|split| !split.children.is_empty());
        for split in &mut splits {
            let p_values: Vec<f64> =
                split.children.iter().filter_map(|&i| nodes.get(i).and_then(|node| node.p_value)).collect();
            split.adjusted = benjamini_hochberg(&p_values);
        }
        // Simes' p-value is the smallest adjusted one
        let simes: Vec<f64> = splits.iter().map(|split| split.adjusted.iter().copied().fold(1.0, f64::min)).collect();
        Self { q: benjamini_hochberg(&simes), tested: splits }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.tested.len()).unwrap_or(u32::MAX)
    }

    fn moved(&self, alpha: f64) -> u32 {
        u32::try_from(self.q.iter().filter(|&&q| q <= alpha).count()).unwrap_or(u32::MAX)
    }

    /// Of every child. It is flagged at `alpha` if its split is chosen, `q_split ≤ alpha`, and it stands within it,
    /// `adjusted ≤ alpha R / S`, where `R` splits are chosen at that `alpha`. Both get easier as `alpha` grows, so the
    /// smallest one is the least of `max(q_split, q_(r), adjusted S / r)` over all `r`.
    fn q_values(&self) -> impl Iterator<Item = (usize, f64)> {
        let mut sorted = self.q.clone();
        sorted.sort_by(f64::total_cmp);
        let splits = sorted.len() as f64;
        self.tested.iter().zip(&self.q).flat_map(move |(split, &own)| {
            let smallest = |adjusted: f64| {
                let at = |(r, &q): (usize, &f64)| own.max(q).max(adjusted * splits / (r + 1) as f64);
                sorted.iter().enumerate().map(at).fold(1.0, f64::min)
            };
            let found: Vec<(usize, f64)> =
                split.children.iter().zip(&split.adjusted).map(|(&i, &adjusted)| (i, smallest(adjusted))).collect();
            found
        })
    }
}
