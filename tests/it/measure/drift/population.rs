//! The tree of NAF rev. 2 with Zipf shares on its 732 leaves, samples of it, and shifts of known size.

use std::{collections::HashMap, fs, path::PathBuf};

use rand::{Rng, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::drift::hierarchy::TreeNode;

/// Whether the long tables of docs/statistics.md are wanted.
pub fn at_length() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok()
}

pub struct Population {
    /// Parent of each node, coarsest first; the leaves are codes.
    pub parents: Vec<Option<usize>>,
    pub levels: Vec<usize>,
    /// Node of each code.
    pub leaves: Vec<usize>,
    pub shares: Vec<f64>,
}

impl Population {
    /// Shares of rank 1, 2, .. dealt to codes at random.
    pub fn naf() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/nomenclatures/naf-rev2.csv");
        let text = fs::read_to_string(path).expect("a fixture");
        let rows: Vec<(&str, &str)> = text
            .lines()
            .skip(1)
            .map(|line| (line.split(',').next().unwrap(), line.rsplit(',').next().unwrap()))
            .collect();
        let up: HashMap<&str, &str> = rows.iter().copied().collect();
        let level =
            |code: &str| std::iter::successors(Some(code), |c| up.get(c).copied().filter(|p| !p.is_empty())).count();
        let mut codes: Vec<(usize, &str)> = rows.iter().map(|(code, _)| (level(code), *code)).collect();
        codes.sort_unstable();
        let at: HashMap<&str, usize> = codes.iter().enumerate().map(|(i, (_, code))| (*code, i)).collect();
        let parents: Vec<Option<usize>> = codes.iter().map(|(_, code)| at.get(up[code]).copied()).collect();
        let levels: Vec<usize> = codes.iter().map(|(level, _)| *level).collect();
        let leaves: Vec<usize> = (0..codes.len()).filter(|&i| levels[i] == 5).collect();
        let mut shares: Vec<f64> = (1..=leaves.len()).map(|rank| 1.0 / rank as f64).collect();
        shares.shuffle(&mut ChaCha8Rng::seed_from_u64(732));
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        Self { parents, levels, leaves, shares }
    }

    /// The code of a rank.
    pub fn ranked(&self, rank: usize) -> usize {
        let mut order: Vec<usize> = (0..self.shares.len()).collect();
        order.sort_by(|&i, &j| self.shares[j].total_cmp(&self.shares[i]));
        order[rank]
    }

    /// Shares after one code has taken `mass` from all others, in proportion.
    pub fn grown(&self, code: usize, mass: f64) -> Vec<f64> {
        let rest = 1.0 - self.shares[code];
        let moved = |(i, share): (usize, &f64)| if i == code { share + mass } else { share * (1.0 - mass / rest) };
        self.shares.iter().enumerate().map(moved).collect()
    }

    /// Shares after a total variation of about `mass` was spread over all codes.
    pub fn spread(&self, mass: f64) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.shares.len()).collect();
        order.sort_by(|&i, &j| self.shares[j].total_cmp(&self.shares[i]));
        let mut shares = self.shares.clone();
        // pairs of like codes, so that what one gains the other loses
        for pair in order.chunks_exact(2) {
            let gain = mass * 2.0 * self.shares[pair[1]];
            shares[pair[0]] += gain;
            shares[pair[1]] -= gain;
        }
        shares
    }

    /// Counts of every node from counts of codes.
    pub fn rolled_up(&self, counts: &[u64]) -> Vec<u64> {
        let mut nodes = vec![0; self.parents.len()];
        for (&leaf, n) in self.leaves.iter().zip(counts) {
            nodes[leaf] += n;
        }
        for i in (0..nodes.len()).rev() {
            if let Some(parent) = self.parents[i] {
                nodes[parent] += nodes[i];
            }
        }
        nodes
    }

    pub fn tree(&self, reference: &[u64], current: &[u64]) -> Vec<TreeNode> {
        let (reference, current) = (self.rolled_up(reference), self.rolled_up(current));
        let both = reference.into_iter().zip(current);
        self.parents
            .iter()
            .zip(both)
            .map(|(&parent, (reference, current))| TreeNode { parent, reference, current })
            .collect()
    }

    /// Of the nodes at a level.
    pub fn at_level(&self, counts: &[u64], level: usize) -> Vec<u64> {
        let nodes = self.rolled_up(counts);
        (0..nodes.len()).filter(|&i| self.levels[i] == level).map(|i| nodes[i]).collect()
    }
}

/// Draws rows from fixed shares.
pub struct Sampler {
    sums: Vec<f64>,
    /// Where to begin the search for each part of the unit interval.
    start: Vec<usize>,
}

impl Sampler {
    pub fn new(shares: &[f64]) -> Self {
        let total: f64 = shares.iter().sum();
        let sums: Vec<f64> = shares
            .iter()
            .scan(0.0, |sum, share| {
                *sum += share / total;
                Some(*sum)
            })
            .collect();
        let parts = 4 * shares.len();
        let start = (0..parts).map(|i| sums.partition_point(|&sum| sum < i as f64 / parts as f64)).collect();
        Self { sums, start }
    }

    pub fn draw(&self, rng: &mut ChaCha8Rng, rows: u64) -> Vec<u64> {
        let mut counts = vec![0; self.sums.len()];
        for _ in 0..rows {
            let u = rng.random::<f64>();
            let mut at = self.start[(u * self.start.len() as f64) as usize];
            while at + 1 < self.sums.len() && self.sums[at] < u {
                at += 1;
            }
            counts[at] += 1;
        }
        counts
    }
}

pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}
