//! The tree procedure: its level and power over NAF, its q-values against its own definition, its edges.

use std::time::Instant;

use proptest::prelude::*;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::{
        categorical_drift,
        day_permutation::day_test,
        excess::excess_variation,
        fisher::fisher_exact,
        hierarchy::{TreeDrift, TreeNode, tree_drift},
    },
    multiple_testing::benjamini_hochberg,
};

use super::{
    peer_defaults::{goodness_of_fit, jensen_shannon, psi},
    population::{Population, Sampler, at_length},
};

const LEVELS: [&str; 5] = ["section", "division", "group", "class", "sub-class"];

fn rings(alarm: bool) -> f64 {
    f64::from(u8::from(alarm))
}

/// Share of windows without drift in which each alarm rings: the five levels, the tree, and three peers' defaults.
fn false_alarms(n: u64, m: u64, runs: u32, replicates: u32, peers: bool) -> [f64; 9] {
    let naf = Population::naf();
    let law = Sampler::new(&naf.shares);
    let mut rng = ChaCha8Rng::seed_from_u64(n + m);
    let mut alarms = [0.0; 9];
    for _ in 0..runs {
        let (reference, current) = (law.draw(&mut rng, n), law.draw(&mut rng, m));
        let mut found = [0.0; 9];
        for (level, found) in (1..=5).zip(&mut found) {
            let (reference, current) = (naf.at_level(&reference, level), naf.at_level(&current, level));
            let drift = categorical_drift(&reference, &current, replicates, rng.random()).unwrap();
            *found = rings(drift.chi2.p_value <= 0.05);
        }
        let tree = tree_drift(&naf.tree(&reference, &current), &[], 0.05);
        found[5] = rings(tree.nodes.iter().any(|node| node.flagged));
        if peers {
            found[6] = rings(psi(&reference, &current) > 0.1);
            found[7] = rings(jensen_shannon(&reference, &current) > 0.1);
            found[8] = rings(goodness_of_fit(&reference, &current) < 0.05);
        }
        alarms.iter_mut().zip(found).for_each(|(sum, found)| *sum += found / f64::from(runs));
    }
    alarms
}

#[test]
fn levels_and_tree_keep_their_level_where_peers_do_not() {
    let (sizes, runs, replicates): (&[(u64, u64)], _, _) = if at_length() {
        (&[(1_000, 1_000), (10_000, 1_000), (10_000, 10_000), (100_000, 10_000), (100_000, 100_000)], 600, 199)
    } else {
        (&[(1_000, 1_000)], 30, 39)
    };
    println!("| n | m | {} | tree | PSI > .1 | JS > .1 | chi-square GOF |", LEVELS.join(" | "));
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for &(n, m) in sizes {
        let found = false_alarms(n, m, runs, replicates, true);
        println!("| {n} | {m} | {} |", found.map(|rate| format!("{rate:.3}")).join(" | "));
        // 1.2 alpha at length; a short run has three standard errors more
        let noise = if at_length() { 2.0 } else { 3.0 } * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
        assert!(found[..6].iter().all(|&rate| rate <= 0.06 + noise), "{n} {m}: {found:?}");
        assert!(found[8] > 0.5, "the peer's own figures: {found:?}");
        assert!(n > 10_000 || found[6] > 0.9 && found[7] > 0.9, "the peer's own figures: {found:?}");
    }
}

/// What is found when one code takes some mass from all others, so that just the splits above it move.
#[derive(Default)]
struct Found {
    /// The level tests of the codes and of the sections.
    codes: f64,
    sections: f64,
    /// The code itself is flagged; the deepest flagged node is it or an ancestor.
    code: f64,
    path: f64,
    /// Mean share of false ones among splits said to have moved, and of flags not above or beside the code.
    false_splits: f64,
    flags: f64,
}

fn search(n: u64, rank: usize, mass: f64, runs: u32, replicates: u32) -> Found {
    let naf = Population::naf();
    let code = naf.ranked(rank);
    let (before, after) = (Sampler::new(&naf.shares), Sampler::new(&naf.grown(code, mass)));
    let above: Vec<usize> = std::iter::successors(Some(naf.leaves[code]), |&at| naf.parents[at]).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(n * 7 + rank as u64);
    let mut sum = Found::default();
    for _ in 0..runs {
        let (reference, current) = (before.draw(&mut rng, n), after.draw(&mut rng, n));
        for (level, hit) in [(5, &mut sum.codes), (1, &mut sum.sections)] {
            let (reference, current) = (naf.at_level(&reference, level), naf.at_level(&current, level));
            let drift = categorical_drift(&reference, &current, replicates, rng.random()).unwrap();
            *hit += rings(drift.chi2.p_value <= 0.05);
        }
        let tree = tree_drift(&naf.tree(&reference, &current), &[], 0.05);
        let finest = above.iter().find(|&&at| tree.nodes[at].p_value.is_some()).unwrap();
        sum.code += rings(tree.nodes[*finest].flagged);
        sum.path += rings(above.iter().any(|&at| tree.nodes[at].flagged));
        let moved = moved_splits(&tree, &naf.parents);
        let wrong = moved.iter().filter(|split| split.is_some_and(|at| !above.contains(&at))).count();
        sum.false_splits += wrong as f64 / moved.len().max(1) as f64;
        sum.flags += tree.nodes.iter().filter(|node| node.flagged).count() as f64;
    }
    for value in
        [&mut sum.codes, &mut sum.sections, &mut sum.code, &mut sum.path, &mut sum.false_splits, &mut sum.flags]
    {
        *value /= f64::from(runs);
    }
    sum
}

/// Parents with a flagged child.
fn moved_splits(tree: &TreeDrift, parents: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut splits: Vec<Option<usize>> =
        tree.nodes.iter().zip(parents).filter(|(node, _)| node.flagged).map(|(_, parent)| *parent).collect();
    splits.sort_unstable();
    splits.dedup();
    splits
}

#[test]
fn a_code_that_grows_is_found_and_little_else() {
    let (sizes, runs): (&[u64], _) = if at_length() { (&[1_000, 10_000, 100_000], 200) } else { (&[1_000], 30) };
    println!(
        "| n = m | rank | mass moved | codes, chi2 | sections, chi2 | code found | code or ancestor | false splits | flags |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for &n in sizes {
        for rank in [3, 200] {
            for mass in [0.01, 0.02, 0.05] {
                if !at_length() && mass < 0.05 {
                    continue;
                }
                let f = search(n, rank, mass, runs, if at_length() { 99 } else { 39 });
                println!(
                    "| {n} | {} | {mass} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} | {:.1} |",
                    rank + 1,
                    f.codes,
                    f.sections,
                    f.code,
                    f.path,
                    f.false_splits,
                    f.flags
                );
                let noise = 3.0 * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
                assert!(f.false_splits <= 0.05 + noise, "{n} {rank} {mass}: {}", f.false_splits);
                assert!(mass < 0.05 || rank < 100 || f.path > 0.9, "{n} {rank} {mass}: {}", f.path);
            }
        }
    }
}

/// Families of every size, as sparse as they come: Simes over shares that sum to 1 keeps its level.
#[test]
fn simes_holds_over_shares_of_one_parent() {
    let runs = if at_length() { 20_000 } else { 500 };
    println!("| children | rows of each period | alarms at .05 |");
    println!("|---|---|---|");
    for children in [2_usize, 3, 5, 21, 80] {
        for rows in [20_u64, 200, 5_000] {
            let law = Sampler::new(&vec![1.0; children]);
            let mut rng = ChaCha8Rng::seed_from_u64(rows + children as u64);
            let mut alarms = 0.0;
            let runs = if rows == 5_000 { runs / 10 } else { runs };
            for _ in 0..runs {
                let (reference, current) = (law.draw(&mut rng, rows), law.draw(&mut rng, rows));
                let nodes: Vec<TreeNode> = (0..children)
                    .map(|i| TreeNode { parent: None, reference: reference[i], current: current[i] })
                    .collect();
                alarms += rings(tree_drift(&nodes, &[], 0.05).splits_moved > 0) / f64::from(runs);
            }
            println!("| {children} | {rows} | {alarms:.4} |");
            let noise = 3.0 * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
            assert!(alarms <= 0.05 + noise, "{children} children, {rows} rows: {alarms}");
        }
    }
}

/// Two codes of a division swap their rows: no share above moves, and the split is found all the same.
#[test]
fn a_swap_below_an_unmoved_parent_is_found() {
    let node = |parent, reference, current| TreeNode { parent, reference, current };
    let tree = [
        node(None, 5_000, 5_000),
        node(None, 5_000, 5_000),
        node(Some(0), 1_000, 1_000),
        node(Some(0), 4_000, 4_000),
        node(Some(2), 600, 400),
        node(Some(2), 400, 600),
        node(Some(3), 4_000, 4_000),
    ];
    let found = tree_drift(&tree, &[], 0.05);
    let flagged: Vec<usize> = (0..tree.len()).filter(|&i| found.nodes[i].flagged).collect();
    assert_eq!(flagged, [4, 5]);
    assert_eq!((found.splits, found.splits_moved), (3, 1));
    assert_eq!((found.nodes[4].under, found.nodes[4].level), (None, 3));
    // an only child has no share of its own
    assert_eq!((found.nodes[6].p_value, found.nodes[6].q_value, found.nodes[6].flagged), (None, None, false));
}

#[test]
fn edges() {
    assert_eq!(tree_drift(&[], &[], 0.05), TreeDrift::default());
    let node = |parent, reference, current| TreeNode { parent, reference, current };
    // a period without rows, a parent that comes after its child, children with more rows than their parent
    for tree in [
        vec![node(None, 0, 10), node(None, 0, 5)],
        vec![node(Some(1), 3, 4), node(None, 5, 5), node(Some(9), 1, 1)],
        vec![node(None, 1, 1), node(Some(0), 50, 2), node(Some(0), u64::MAX, u64::MAX)],
    ] {
        let found = tree_drift(&tree, &[], 0.05);
        assert!(found.nodes.iter().filter_map(|n| n.q_value).all(|q| (0.0..=1.0).contains(&q)));
        assert!(found.nodes.iter().flat_map(|n| [n.within_reference, n.within_current]).flatten().all(|x| x <= 1.0));
    }
    // a period without rows says nothing, which is not left out: it depends on the outcome
    let found = tree_drift(&[node(None, 0, 10), node(None, 0, 5), node(None, 0, 0)], &[], 0.05);
    assert_eq!((found.splits, found.nodes[0].p_value, found.nodes[2].p_value), (1, Some(1.0), None));
}

/// The procedure in the words of the paper, step by step, at one level.
fn by_the_book(tree: &[TreeNode], alpha: f64) -> Vec<bool> {
    let children =
        |parent: Option<usize>| (0..tree.len()).filter(move |&i| tree[i].parent == parent).collect::<Vec<_>>();
    let sum = |of: &[usize]| (of.iter().map(|&i| tree[i].reference).sum(), of.iter().map(|&i| tree[i].current).sum());
    let mut families: Vec<(Vec<usize>, Vec<f64>)> = Vec::new();
    for parent in std::iter::once(None).chain((0..tree.len()).map(Some)) {
        let (n, m): (u64, u64) = match parent {
            Some(p) => (tree[p].reference, tree[p].current),
            None => sum(&children(None)),
        };
        let tested: Vec<usize> = children(parent)
            .into_iter()
            .filter(|&i| (1..n + m).contains(&(tree[i].reference + tree[i].current)))
            .collect();
        let p = tested.iter().map(|&i| fisher_exact(tree[i].reference, n, tree[i].current, m)).collect();
        if !tested.is_empty() {
            families.push((tested, p));
        }
    }
    let simes: Vec<f64> = families
        .iter()
        .map(|(_, p)| {
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |(i, p): (usize, &f64)| p * sorted.len() as f64 / (i + 1) as f64;
            sorted.iter().enumerate().map(at).fold(1.0, f64::min)
        })
        .collect();
    let chosen: Vec<bool> = benjamini_hochberg(&simes).iter().map(|&q| q <= alpha).collect();
    let inner = alpha * chosen.iter().filter(|&&c| c).count() as f64 / families.len().max(1) as f64;
    let mut flagged = vec![false; tree.len()];
    for ((tested, p), _) in families.iter().zip(&chosen).filter(|(_, chosen)| **chosen) {
        for (&i, q) in tested.iter().zip(benjamini_hochberg(p)) {
            flagged[i] = q <= inner;
        }
    }
    flagged
}

fn trees() -> impl Strategy<Value = Vec<TreeNode>> {
    let leaf = (any::<prop::sample::Index>(), 0..60_u64, 0..60_u64, any::<bool>());
    prop::collection::vec(leaf, 1..40).prop_map(|leaves| {
        let mut tree: Vec<TreeNode> = Vec::new();
        for (i, (above, reference, current, root)) in leaves.iter().enumerate() {
            let parent = (i > 0 && !root).then(|| above.index(i));
            tree.push(TreeNode { parent, reference: *reference, current: *current });
        }
        for i in (0..tree.len()).rev() {
            if let Some(p) = tree[i].parent {
                (tree[p].reference, tree[p].current) =
                    (tree[p].reference + tree[i].reference, tree[p].current + tree[i].current);
            }
        }
        tree
    })
}

proptest! {
    #[test]
    fn q_values_are_those_of_the_procedure(tree in trees(), alpha in 0.001..0.6_f64) {
        let found = tree_drift(&tree, &[], alpha);
        // q is a bound of alpha, so a hair's breadth of it may fall on either side
        prop_assume!(found.nodes.iter().filter_map(|n| n.q_value).all(|q| (q - alpha).abs() > 1e-9));
        let flagged: Vec<bool> = found.nodes.iter().map(|n| n.flagged).collect();
        prop_assert_eq!(&flagged, &by_the_book(&tree, alpha));
        // every split that moved has a child to show for it
        let parents: Vec<Option<usize>> = tree.iter().map(|n| n.parent).collect();
        prop_assert_eq!(moved_splits(&found, &parents).len(), found.splits_moved as usize);
        for node in &found.nodes {
            prop_assert!(node.q_value.is_none_or(|q| q >= node.p_value.unwrap() - 1e-12));
        }
    }
}

/// `cargo test --release measure::drift::hierarchy::timing -- --ignored --nocapture`
#[test]
#[ignore = "prints timings"]
fn timing() {
    let naf = Population::naf();
    let law = Sampler::new(&naf.shares);
    for n in [1_000, 100_000, 1_000_000] {
        let mut rng = ChaCha8Rng::seed_from_u64(n);
        let (reference, current) = (law.draw(&mut rng, n), law.draw(&mut rng, n));
        let tree = naf.tree(&reference, &current);
        let start = Instant::now();
        let found = tree_drift(&tree, &[], 0.05);
        let whole_tree = start.elapsed();
        let start = Instant::now();
        let drift = categorical_drift(&reference, &current, 499, 1).unwrap();
        let dealt = start.elapsed();
        let start = Instant::now();
        excess_variation(&reference, &current, &drift, 1.0, 199, 1, 0.95);
        let bootstrap = start.elapsed();
        let days: Vec<Vec<u64>> = (0..35).map(|_| law.draw(&mut rng, n / 35)).collect();
        let start = Instant::now();
        day_test(&days[..28], &days[28..], 499, 1);
        println!(
            "n {n}: tree of {} splits {whole_tree:.1?}, 499 tables {dealt:.1?}, interval of the total variation {bootstrap:.1?}, 35 days {:.1?}",
            found.splits,
            start.elapsed()
        );
    }
}
