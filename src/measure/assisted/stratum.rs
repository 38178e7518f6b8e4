//! The predictions of a route, by confidence, and their labels.

use std::ops::AddAssign;

use crate::measure::weight::WeightSums;

/// The predictions of one bin of the confidence: how many, and the labelled ones by whether they were right.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ScoreBin {
    /// Predictions, labelled or not.
    pub n: u64,
    pub right: WeightSums,
    pub wrong: WeightSums,
    /// Labelled rows whose inclusion probability nobody knows.
    pub unknown: u64,
}

impl ScoreBin {
    pub fn labelled(&self) -> u64 {
        self.right.n + self.wrong.n
    }
}

impl AddAssign for ScoreBin {
    fn add_assign(&mut self, other: Self) {
        self.n += other.n;
        self.right += other.right;
        self.wrong += other.wrong;
        self.unknown += other.unknown;
    }
}

/// The predictions of one route, `[fold][bin]`; bins rise with the confidence. Folds are what `f` is fitted without: any
/// split that does not look at labels, such as the hour of the prediction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stratum {
    pub folds: Vec<Vec<ScoreBin>>,
    /// The same labels once more, right and wrong ones by class of their weight, `[class][fold][bin]`, where a route is reviewed
    /// at several rates; may be empty where it is not.
    pub classes: Vec<Vec<Vec<[WeightSums; 2]>>>,
}

impl Stratum {
    /// Of labels that weigh alike.
    pub fn new(folds: Vec<Vec<ScoreBin>>) -> Self {
        Self { folds, classes: Vec::new() }
    }

    /// Adds labels of one class of weights to a bin.
    pub fn add_class(&mut self, class: usize, (fold, bin): (usize, usize), labels: [WeightSums; 2]) {
        fn at<T: Clone + Default>(all: &mut Vec<T>, at: usize) -> &mut T {
            all.resize(all.len().max(at + 1), T::default());
            &mut all[at]
        }
        let sums = at(at(at(&mut self.classes, class), fold), bin);
        sums.iter_mut().zip(labels).for_each(|(sum, of)| *sum += of);
    }

    /// Of all folds.
    pub fn bins(&self) -> impl Iterator<Item = &ScoreBin> {
        self.folds.iter().flatten()
    }

    /// Bins of a fold.
    pub fn width(&self) -> usize {
        self.folds.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// One bin over all folds.
    pub fn at(&self, bin: usize) -> ScoreBin {
        let mut sum = ScoreBin::default();
        self.folds.iter().filter_map(|fold| fold.get(bin)).for_each(|of| sum += *of);
        sum
    }

    pub fn predictions(&self) -> u64 {
        self.bins().map(|bin| bin.n).sum()
    }

    /// Right and wrong ones.
    pub fn labels(&self) -> [WeightSums; 2] {
        [self.bins().map(|bin| bin.right).sum(), self.bins().map(|bin| bin.wrong).sum()]
    }

    /// The same, of each class of weights.
    pub(super) fn labels_by_class(&self) -> Vec<[WeightSums; 2]> {
        if self.classes.is_empty() {
            return vec![self.labels()];
        }
        let of = |folds: &Vec<Vec<[WeightSums; 2]>>| [0, 1].map(|side| folds.iter().flatten().map(|of| of[side]).sum());
        self.classes.iter().map(of).collect()
    }

    /// Without the other bins.
    pub fn only(&self, kept: impl Fn(usize) -> bool) -> Stratum {
        fn only<T: Clone + Default>(bins: &[T], kept: impl Fn(usize) -> bool) -> Vec<T> {
            bins.iter().enumerate().map(|(at, bin)| if kept(at) { bin.clone() } else { T::default() }).collect()
        }
        Stratum {
            folds: self.folds.iter().map(|bins| only(bins, &kept)).collect(),
            classes: self.classes.iter().map(|folds| folds.iter().map(|bins| only(bins, &kept)).collect()).collect(),
        }
    }

    /// The predictions alone, without their labels.
    pub fn sizes(&self) -> Stratum {
        let fold = |bins: &Vec<ScoreBin>| bins.iter().map(|bin| ScoreBin { n: bin.n, ..ScoreBin::default() }).collect();
        Stratum::new(self.folds.iter().map(fold).collect())
    }
}

/// Both have as many folds and bins.
impl AddAssign<&Stratum> for Stratum {
    fn add_assign(&mut self, other: &Stratum) {
        self.folds.iter_mut().flatten().zip(other.bins()).for_each(|(sum, bin)| *sum += *bin);
        for (class, folds) in other.classes.iter().enumerate() {
            for (fold, bins) in folds.iter().enumerate() {
                bins.iter().enumerate().for_each(|(bin, labels)| self.add_class(class, (fold, bin), *labels));
            }
        }
    }
}
