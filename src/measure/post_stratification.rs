//! Weights for labels whose inclusion probability nobody knows.

use super::{
    assisted::{ScoreBin, Stratum},
    weight::WeightSums,
};

/// Labels of a group at least.
const LEAST_LABELS: u64 = 10;

/// What a label counts in each part of a stratum, as its confidence says: `N / n` in each group of neighbouring parts, of
/// `N` predictions and `n` labels, and at least 1. `None` where all inclusion probabilities are known.
///
/// `starts` are the first bins of the parts, from 0 up; parts are joined until each group has ten labels. In a stratum with
/// some unknown probabilities the known ones are passed over, too: within a route and a range of the confidence they tell
/// little that the counts do not.
///
/// *Assumes* that, among the predictions of a route with a like confidence, which are reviewed has nothing to do with
/// which are right. Nothing in the labels can show that it is so.
///
/// Holt and Smith (1979), JRSS A 142; Särndal, Swensson and Wretman (1992), section 7.6.
pub fn post_weights(stratum: &Stratum, starts: &[usize]) -> Option<Vec<f64>> {
    if stratum.bins().all(|bin| bin.unknown == 0) {
        return None;
    }
    let mut groups: Vec<Group> = Vec::new();
    for (part, start) in starts.iter().enumerate() {
        let end = starts.get(part + 1).copied().unwrap_or(stratum.width());
        if groups.last().is_none_or(|g| g.labels >= LEAST_LABELS) {
            groups.push(Group::default());
        }
        let Some(group) = groups.last_mut() else { continue };
        group.parts += 1;
        for bin in *start..end {
            let bin = stratum.at(bin);
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
        before.parts += last.parts;
        groups.pop();
    }
    Some(groups.iter().flat_map(|g| std::iter::repeat_n(g.weight(), g.parts)).collect())
}

/// The stratum with every label counting as [`post_weights`] say; as it is where all probabilities are known.
///
/// ```
/// use vigie::measure::{assisted::{ScoreBin, Stratum}, post_stratification::post_stratified, weight::WeightSums};
/// // people reviewed 20 of 1000 where the model is sure, 20 of 40 where it is not
/// let unit = |n| WeightSums::certain(n);
/// let bin = |n, right, wrong| ScoreBin { n, right: unit(right), wrong: unit(wrong), unknown: right + wrong };
/// let weighted = post_stratified(&Stratum::new(vec![vec![bin(40, 4, 16), bin(1000, 19, 1)]]), &[0, 1]);
/// assert_eq!(weighted.folds[0][1].right.w, 950.0);
/// assert_eq!(weighted.folds[0][0].wrong.w, 32.0);
/// ```
pub fn post_stratified(stratum: &Stratum, starts: &[usize]) -> Stratum {
    let Some(weights) = post_weights(stratum, starts) else { return stratum.clone() };
    let weight = |bin: usize| {
        let part = starts.partition_point(|start| *start <= bin).saturating_sub(1);
        weights.get(part).copied().unwrap_or(1.0)
    };
    let mut counted = Stratum::new(stratum.folds.clone());
    for (fold, bins) in stratum.folds.iter().enumerate() {
        for (at, bin) in bins.iter().enumerate() {
            let labels = [bin.right, bin.wrong].map(|side| WeightSums::weighted(side.n, weight(at)));
            let [right, wrong] = labels;
            counted.folds[fold][at] = ScoreBin { right, wrong, ..*bin };
            // by factors of two, as known weights are
            counted.add_class(weight(at).log2() as usize, (fold, at), labels);
        }
    }
    counted
}

/// Neighbouring parts.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    parts: usize,
    predictions: u64,
    labels: u64,
}

impl Group {
    fn weight(&self) -> f64 {
        (self.predictions as f64 / self.labels.max(1) as f64).max(1.0)
    }
}
