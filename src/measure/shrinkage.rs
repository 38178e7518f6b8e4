//! Shares of rare groups, steadied by those of their parents.

use std::{collections::BTreeMap, ops::Range};

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
/// far as data show. From the coarsest level down each node gets a Beta posterior whose prior is at its parent's mean (made
/// without the node itself), with as many pseudo-rows `κ` as all nodes of that level speak for (beta-binomial likelihood):
///
/// `p = (κ p_parent + x) / (κ + n)`, `n = (Σw)²/Σw²` effective rows, `x = n · Hájek share`.
///
/// How codes differ from their parent is seldom known well: a leaf's estimate and interval are those of the Beta law with mean
/// and variance of its posteriors over all `κ`, each with its likelihood; a level above takes one `κ`. How little the parent's
/// mean is known makes `κ` smaller. *Assumes* that codes of one parent are exchangeable: intervals cover over many codes, not for
/// the odd one that is nothing like its parent. All `None` without any label.
///
/// Efron and Morris (1975), JASA 70; Casella (1985), American Statistician 39; Rao and Molina (2015), Small Area Estimation;
/// Gelman (2006), Bayesian Analysis 1, on what to expect of a spread that few groups tell.
pub fn shrunk(leaves: &[Leaf], confidence_level: f64) -> Vec<Estimate> {
    let mut tree = Tree::new(leaves);
    if tree.rows() <= 0.0 || !(confidence_level > 0.0 && confidence_level < 1.0) {
        return vec![Estimate::default(); leaves.len()];
    }
    (0..PASSES).for_each(|_| tree.settle());
    let tail = (1.0 - confidence_level) / 2.0;
    let bounds = |(a, b): (f64, f64)| {
        let mean = a / (a + b);
        // of a law that is all at one end the mean may be beyond a quantile
        let (lower, upper) = (beta_quantile(tail, a, b).min(mean), (1.0 - beta_quantile(tail, b, a)).max(mean));
        Estimate { estimate: Some(mean), lower: Some(lower), upper: Some(upper) }
    };
    tree.leaves().map(bounds).collect()
}

/// Times that all levels are looked at: how far the children of a node differ says how well its mean is known, and the other way
/// round.
const PASSES: usize = 3;

/// The classification, from its root to the leaves, with what is known of every node.
struct Tree {
    nodes: Vec<Node>,
    /// Nodes of each level, parents before children; the first is the root alone, the last the leaves in their order.
    levels: Vec<Range<usize>>,
    /// Of each level, how far its nodes differ from their parents.
    spreads: Vec<Spread>,
}

/// A node of the classification.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    parent: usize,
    /// Its rows; of a parent as many as would say as much of its mean, if its children were alike.
    own: Rows,
    /// The mean that its parent gives it, made without it, and the rows that this is known from. With one labelled child a parent
    /// would only repeat that child, and codes would look alike that never were compared.
    prior: f64,
    known: f64,
}

impl Tree {
    fn new(leaves: &[Leaf]) -> Self {
        let depth = leaves.iter().map(|leaf| leaf.groups.len()).max().unwrap_or(0);
        let mut tree = Tree {
            nodes: vec![Node::default()],
            levels: vec![Range { start: 0, end: 1 }],
            spreads: vec![Spread::none()],
        };
        let mut at = vec![0; leaves.len()];
        for level in 0..=depth {
            let first = tree.nodes.len();
            let mut met: BTreeMap<(usize, Option<usize>), usize> = BTreeMap::new();
            for (leaf, at) in leaves.iter().zip(&mut at) {
                let parent = *at;
                let next = tree.nodes.len();
                *at = match leaf.groups.get(level) {
                    group if level < depth => *met.entry((parent, group.copied())).or_insert(next),
                    _ => next,
                };
                if *at == next {
                    let own = if level < depth { Rows::default() } else { Rows::of(leaf) };
                    tree.nodes.push(Node { parent, own, ..Node::default() });
                }
            }
            tree.levels.push(first..tree.nodes.len());
            tree.spreads.push(Spread::none());
        }
        tree.gather();
        tree
    }

    /// Rows of all leaves, as far as they say something of their mean.
    fn rows(&self) -> f64 {
        self.nodes[0].own.n
    }

    /// Adds up what children say of their parents' means.
    fn gather(&mut self) {
        for level in (1..self.levels.len()).rev() {
            for parent in self.levels[level - 1].clone() {
                self.nodes[parent].own = Rows::default();
            }
            for at in self.levels[level].clone() {
                let Node { parent, own, .. } = self.nodes[at];
                let own = own.of_parent(&self.spreads[level]);
                let sum = &mut self.nodes[parent].own;
                *sum = Rows { x: sum.x + own.x, n: sum.n + own.n };
            }
        }
    }

    /// From the root down: what parents say of their children, and how far these differ from it.
    fn settle(&mut self) {
        let root = self.nodes[0].own;
        self.nodes[0].prior = root.x / root.n;
        for level in 1..self.levels.len() {
            for at in self.levels[level].clone() {
                let parent = self.nodes[self.nodes[at].parent];
                let own = self.nodes[at].own.of_parent(&self.spreads[level]);
                let others = Rows { x: (parent.own.x - own.x).max(0.0), n: (parent.own.n - own.n).max(0.0) };
                let kappa = if level == 1 { 0.0 } else { self.spreads[level - 1].rows(parent.known) };
                let (a, b) = others.posterior(parent.prior, kappa);
                let node = &mut self.nodes[at];
                (node.prior, node.known) = if a + b > 1e-9 { (a / (a + b), a + b) } else { (parent.prior, 0.0) };
            }
            self.spreads[level] = Spread::of(&self.nodes[self.levels[level].clone()]);
        }
        self.gather();
    }

    /// The Beta law of each leaf's share, in their order.
    fn leaves(&self) -> impl Iterator<Item = (f64, f64)> {
        let last = self.levels.len() - 1;
        self.nodes[self.levels[last].clone()].iter().map(move |node| self.spreads[last].posterior(node))
    }
}

/// Effective rows, and successes among them.
#[derive(Debug, Clone, Copy, Default)]
struct Rows {
    x: f64,
    n: f64,
}

impl Rows {
    fn of(leaf: &Leaf) -> Self {
        let all = leaf.success + leaf.failure;
        let n = all.effective();
        if n > 0.0 { Rows { x: n * leaf.success.total() / all.total(), n } } else { Rows::default() }
    }

    /// What they say of the mean of their node's parent, from which the node differs: `1/(1/n + 1/(κ + 1))` rows.
    fn of_parent(self, spread: &Spread) -> Self {
        let part = 1.0 / (1.0 + self.n / (spread.kappa + 1.0));
        Rows { x: part * self.x, n: part * self.n }
    }

    fn posterior(self, prior: f64, kappa: f64) -> (f64, f64) {
        let prior = prior.clamp(0.001, 0.999);
        (kappa * prior + self.x, kappa * (1.0 - prior) + (self.n - self.x).max(0.0))
    }
}

/// How far the nodes of a level differ from their parents.
struct Spread {
    /// Pseudo-rows of a prior, and how much the nodes speak for them; together 1.
    kappas: Vec<(f64, f64)>,
    /// Those whose `1/(κ + 1)`, the spread, is the mean one.
    kappa: f64,
    /// Part of the uncertainty of a parent's mean that `κ` holds already.
    held: f64,
}

/// That part where all nodes have labels, as `κ` was found with these very means. Chosen by simulation: 0 covers more, 1 less
/// (`docs/statistics.md`, "Rare codes").
const HELD: f64 = 0.3;

/// Before nodes speak, a standard deviation `s` between them is as likely as `s^-½`: halfway between all orders of magnitude alike,
/// which takes codes that differ a little to be equal (91 % covered), and all sizes alike.
const EXPECTED: f64 = 0.25;

impl Spread {
    /// Before anything was looked at: none.
    fn none() -> Self {
        Spread { kappas: Vec::new(), kappa: f64::INFINITY, held: 0.0 }
    }

    /// Between a half and five thousand pseudo-rows: the likelihood of each for these nodes with their priors.
    fn of(nodes: &[Node]) -> Self {
        let spoken: Vec<&Node> = nodes.iter().filter(|node| node.own.n > 0.0).collect();
        let likelihood = |log_kappa: f64| -> f64 {
            let kappa = log_kappa.exp();
            let term = |node: &&Node| {
                let (a, b) = node.own.posterior(node.prior, kappa);
                let (c, d) = Rows::default().posterior(node.prior, kappa);
                ln_beta(a, b) - ln_beta(c, d)
            };
            spoken.iter().map(term).sum::<f64>() - EXPECTED * (kappa + 1.0).ln()
        };
        const STEPS: usize = 48;
        let (low, high) = (0.5_f64.ln(), 5_000_f64.ln());
        let at = |i: usize| low + (high - low) * i as f64 / STEPS as f64;
        let found: Vec<(f64, f64)> = (0..=STEPS).map(|i| (at(i).exp(), likelihood(at(i)))).collect();
        let top = found.iter().map(|(_, likelihood)| *likelihood).fold(f64::NEG_INFINITY, f64::max);
        let mut kappas: Vec<(f64, f64)> = found
            .iter()
            .map(|(kappa, likelihood)| (*kappa, (likelihood - top).exp()))
            .filter(|of| of.1 > 1e-4)
            .collect();
        let all: f64 = kappas.iter().map(|(_, weight)| weight).sum();
        kappas.iter_mut().for_each(|(_, weight)| *weight /= all);
        let spread: f64 = kappas.iter().map(|(kappa, weight)| weight / (kappa + 1.0)).sum();
        let held = HELD * spoken.len() as f64 / nodes.len().max(1) as f64;
        Spread { kappas, kappa: 1.0 / spread - 1.0, held }
    }

    /// Pseudo-rows of a prior whose mean is itself known from so many rows: variances add, how codes differ from their parent
    /// and how little the parent's mean is known.
    fn rows(&self, known: f64) -> f64 {
        self.with(self.kappa, known)
    }

    fn with(&self, kappa: f64, known: f64) -> f64 {
        (1.0 / (1.0 / (kappa + 1.0) + (1.0 - self.held) / (known + 1.0)) - 1.0).max(0.05)
    }

    /// The Beta law with mean and variance of the posteriors over all `κ`.
    fn posterior(&self, node: &Node) -> (f64, f64) {
        let laws = self.kappas.iter().map(|(kappa, weight)| {
            let (a, b) = node.own.posterior(node.prior, self.with(*kappa, node.known));
            (weight, a / (a + b), a + b)
        });
        let mean: f64 = laws.clone().map(|(weight, mean, _)| weight * mean).sum();
        let of_law = |m: f64, rows: f64| m * (1.0 - m) / (rows + 1.0) + (m - mean).powi(2);
        let variance: f64 = laws.map(|(weight, m, rows)| weight * of_law(m, rows)).sum();
        let rows = mean * (1.0 - mean) / variance - 1.0;
        (mean * rows, (1.0 - mean) * rows)
    }
}
