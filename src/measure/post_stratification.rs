//! Weights for labels whose inclusion probability nobody knows.

use super::{
    assisted::{ScoreBin, Stratum},
    weight::WeightSums,
};

/// A group of bins has at least so many labels.
const LEAST_LABELS: u64 = 10;
/// Groups of a route at most.
const MOST_GROUPS: usize = 10;

/// The stratum with every label weighted as its route and confidence say: `N / n` in each group of neighbouring bins, of `N`
/// predictions and `n` labels. A stratum whose probabilities are all known comes back as it is.
///
/// Groups are tenths of the bins, joined until each has ten labels. In a stratum with some unknown probabilities the known
/// ones are passed over, too: within a route and a range of the confidence they tell little that the counts do not.
///
/// *Assumes* that, among the predictions of a route with a like confidence, which are reviewed has nothing to do with
/// which are right. Nothing in the labels can show that it is so.
///
/// Holt and Smith (1979), JRSS A 142; Särndal, Swensson and Wretman (1992), section 7.6.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, Stratum}, post_stratification::post_stratified, weight::WeightSums};
/// // people reviewed 20 of 1000 where the model is sure, 20 of 40 where it is not
/// let unit = |n| WeightSums::certain(n);
/// let bin = |n, right, wrong| ScoreBin { n, right: unit(right), wrong: unit(wrong), unknown: right + wrong };
/// let weighted = post_stratified(&Stratum { folds: vec![vec![bin(40, 4, 16), bin(1000, 19, 1)]] });
/// assert_eq!(weighted.folds[0][1].right.w, 950.0);
/// assert_eq!(weighted.folds[0][0].wrong.w, 32.0);
/// ```
pub fn post_stratified(stratum: &Stratum) -> Stratum {
    if stratum.bins().all(|bin| bin.unknown == 0) {
        return stratum.clone();
    }
    let bins = stratum.width();
    let width = bins.div_ceil(MOST_GROUPS).max(1);
    let mut groups: Vec<Group> = Vec::new();
    for at in 0..bins {
        let open = groups.last().is_some_and(|g| at % width != 0 || g.labels < LEAST_LABELS);
        if !open {
            groups.push(Group::default());
        }
        if let Some(group) = groups.last_mut() {
            group.end = at + 1;
            let bin = stratum.at(at);
            group.predictions += bin.n;
            group.labels += bin.labelled();
        }
    }
    // the highest group may have too few of its own
    if let [.., before, last] = groups.as_mut_slice()
        && last.labels < LEAST_LABELS
    {
        before.predictions += last.predictions;
        before.labels += last.labels;
        before.end = last.end;
        groups.pop();
    }
    stratum.map(|at, bin| {
        let group = groups.iter().find(|g| at < g.end);
        let weight = group.map_or(1.0, |g| (g.predictions as f64 / g.labels.max(1) as f64).max(1.0));
        let sums = |n: u64| WeightSums { n, w: n as f64 * weight, w2: n as f64 * weight * weight };
        ScoreBin { right: sums(bin.right.n), wrong: sums(bin.wrong.n), ..*bin }
    })
}

/// Neighbouring bins, up to `end`.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    end: usize,
    predictions: u64,
    labels: u64,
}
