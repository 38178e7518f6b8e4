//! Shares of rare groups, steadied by those of their parents.

use std::collections::BTreeMap;

use statrs::function::beta::ln_beta;

use super::{
    proportion::{Estimate, beta_quantile},
    weight::WeightSums,
};

/// Successes and failures of one code, and the groups that it belongs to, coarsest first: a number for each, unique within
/// its level.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leaf {
    pub success: WeightSums,
    pub failure: WeightSums,
    pub groups: Vec<usize>,
}

/// Empirical-Bayes estimate of every leaf's share of successes.
///
/// A code with three labels says little; its class, its group and its section say more, and codes of one parent are alike as
/// far as data show. From the coarsest level down each node gets the mean of a Beta posterior whose prior is at its
/// parent's mean (made without the node itself), with as many pseudo-rows `κ` as all nodes of that level speak for (beta-binomial likelihood, `1/(κ + 1)` averaged
/// over it):
///
/// `p = (κ p_parent + x) / (κ + n)`, `n = (Σw)²/Σw²` effective rows, `x = n · Hájek share`.
///
/// The interval is the posterior's; how little the parent's mean is known makes its `κ` smaller. *Assumes* that codes of one
/// parent are exchangeable: intervals cover over many codes, not for the odd one that is nothing like its parent. All `None`
/// without any label.
///
/// Efron and Morris (1975), JASA 70; Casella (1985), American Statistician 39; Rao and Molina (2015), Small Area Estimation.
pub fn shrunk(leaves: &[Leaf], confidence_level: f64) -> Vec<Estimate> {
    let whole = Node::of(leaves.iter());
    if whole.n <= 0.0 || !(confidence_level > 0.0 && confidence_level < 1.0) {
        return vec![Estimate::default(); leaves.len()];
    }
    let levels = leaves.iter().map(|leaf| leaf.groups.len()).max().unwrap_or(0);
    let all: Vec<usize> = (0..leaves.len()).collect();
    let root = Branch { members: all, prior: whole.x / whole.n, kappa: 0.0 };
    let mut branches = vec![root];
    for level in 0..levels {
        let groups = branches.iter().flat_map(|parent| {
            let mut members: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
            for at in &parent.members {
                members.entry(leaves[*at].groups.get(level).copied()).or_default().push(*at);
            }
            members.into_values().map(move |members| (parent, members))
        });
        branches = settled(leaves, groups);
    }
    let single = branches.iter().flat_map(|parent| parent.members.iter().map(move |at| (parent, vec![*at])));
    let mut nodes = vec![(Node { x: 0.0, n: 0.0 }, whole.x / whole.n, 1.0); leaves.len()];
    for leaf in settled(leaves, single) {
        if let [at] = leaf.members[..] {
            nodes[at] = (Node::of(std::iter::once(&leaves[at])), leaf.prior, leaf.kappa);
        }
    }
    let tail = (1.0 - confidence_level) / 2.0;
    nodes
        .iter()
        .map(|(node, prior, kappa)| {
            let (a, b) = node.posterior(*prior, *kappa);
            let bounds = (beta_quantile(tail, a, b), 1.0 - beta_quantile(tail, b, a));
            Estimate { estimate: Some(a / (a + b)), lower: Some(bounds.0), upper: Some(bounds.1) }
        })
        .collect()
}

/// A node of the classification: its leaves, the mean that its parent gives it, and how many rows that mean counts for.
struct Branch {
    members: Vec<usize>,
    prior: f64,
    kappa: f64,
}

/// The nodes of one level, under their parents. A node's prior is what its parent says **without it**: with one labelled
/// child a parent would only repeat that child, and codes would look alike that never were compared.
fn settled<'b>(leaves: &[Leaf], groups: impl Iterator<Item = (&'b Branch, Vec<usize>)>) -> Vec<Branch> {
    let mut nodes = Vec::new();
    let mut branches = Vec::new();
    for (parent, members) in groups {
        let others = parent.members.iter().filter(|at| !members.contains(at)).map(|at| &leaves[*at]);
        let (a, b) = Node::of(others).posterior(parent.prior, parent.kappa);
        let prior = if a + b > 0.0 { a / (a + b) } else { parent.prior };
        nodes.push((Node::of(members.iter().map(|at| &leaves[*at])), prior));
        branches.push(Branch { members, prior, kappa: a + b });
    }
    let kappa = spoken_for(&nodes);
    let spoken = nodes.iter().filter(|(node, _)| node.n > 0.0).count() as f64 / nodes.len().max(1) as f64;
    branches.iter_mut().for_each(|branch| branch.kappa = together(kappa, branch.kappa, spoken));
    branches
}

/// Effective rows, and successes among them.
#[derive(Debug, Clone, Copy)]
struct Node {
    x: f64,
    n: f64,
}

impl Node {
    fn of<'a>(leaves: impl Iterator<Item = &'a Leaf>) -> Self {
        let (mut success, mut failure) = (WeightSums::default(), WeightSums::default());
        for leaf in leaves {
            success += leaf.success;
            failure += leaf.failure;
        }
        let (total, squares) = (success.total() + failure.total(), success.squares() + failure.squares());
        let n = total * total / squares;
        if n.is_finite() { Node { x: n * success.total() / total, n } } else { Node { x: 0.0, n: 0.0 } }
    }

    fn posterior(self, prior: f64, kappa: f64) -> (f64, f64) {
        let prior = prior.clamp(0.001, 0.999);
        (kappa * prior + self.x, kappa * (1.0 - prior) + (self.n - self.x).max(0.0))
    }
}

/// Part of the uncertainty of a parent's mean that `κ` holds already where all nodes have labels. Chosen by simulation: at
/// 0 intervals cover 97.7 % of nominal 95 %, at 1 91 %.
const HELD: f64 = 0.4;

/// Pseudo-rows of a prior whose mean is itself known from so many rows: variances add, how codes differ from their parent and
/// how little the parent's mean is known. That second one is in part in `κ`, too, which was found with these very means:
/// with those of the nodes that have labels, `spoken` of all.
fn together(kappa: f64, known: f64, spoken: f64) -> f64 {
    (1.0 / (1.0 / (kappa + 1.0) + (1.0 - HELD * spoken) / (known + 1.0)) - 1.0).max(0.05)
}

/// Pseudo-rows that the nodes with their priors speak for, between a half and five thousand: those whose `1/(κ + 1)`, the
/// spread of codes about their parent, is its posterior mean (a flat prior on `ln κ`). The likeliest `κ` alone is often
/// far too large where codes hardly differ, and intervals then covered 83 %.
fn spoken_for(nodes: &[(Node, f64)]) -> f64 {
    let spoken: Vec<&(Node, f64)> = nodes.iter().filter(|(node, _)| node.n > 0.0).collect();
    let likelihood = |log_kappa: f64| -> f64 {
        let kappa = log_kappa.exp();
        let term = |(node, prior): &&(Node, f64)| {
            let (a, b) = node.posterior(*prior, kappa);
            let (c, d) = (kappa * prior.clamp(0.001, 0.999), kappa * (1.0 - prior.clamp(0.001, 0.999)));
            ln_beta(a, b) - ln_beta(c, d)
        };
        spoken.iter().map(term).sum()
    };
    const STEPS: usize = 48;
    let (low, high) = (0.5_f64.ln(), 5_000_f64.ln());
    let at = |i: usize| low + (high - low) * i as f64 / STEPS as f64;
    let found: Vec<(f64, f64)> = (0..=STEPS).map(|i| (likelihood(at(i)), at(i).exp())).collect();
    let top = found.iter().map(|(likelihood, _)| *likelihood).fold(f64::NEG_INFINITY, f64::max);
    let (mut all, mut spread) = (0.0, 0.0);
    for (likelihood, kappa) in found {
        let weight = (likelihood - top).exp();
        all += weight;
        spread += weight / (kappa + 1.0);
    }
    let kappa = all / spread - 1.0;
    if kappa.is_finite() { kappa } else { 1.0 }
}
