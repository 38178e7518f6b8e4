//! What each threshold of the confidence would accept automatically, and how right that is.

use super::{
    assisted::{Stratum, assisted},
    proportion::Estimate,
};

/// What one threshold would do to the predictions of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdPoint {
    /// Number of the lowest bin that is accepted.
    pub bin: usize,
    /// Predictions that would be accepted, and that would go to people.
    pub accepted: u64,
    pub rest: u64,
    /// Labelled ones among the accepted.
    pub labels: u64,
    /// Accuracy of the accepted ones, model-assisted.
    pub quality: Estimate,
    /// What the model got right of the rest; `None` where nothing is known of them.
    pub rest_accuracy: Option<f64>,
}

/// Labels below which no threshold is judged.
const LEAST_LABELS: u64 = 50;

/// Every threshold between bins, from accepting all to accepting the highest bin.
///
/// Labels count by their design weight, whichever route drew them: those of the manual route say what a lower threshold
/// would let through, those of the automatic one what a higher one would keep. The quality is that of
/// [`assisted`], over the bins that would be accepted.
pub fn curve(strata: &[Stratum], confidence_level: f64) -> Vec<ThresholdPoint> {
    let point = |bin: usize| {
        let (above, below) = (split(strata, |at| at >= bin), split(strata, |at| at < bin));
        let found = assisted(&above, confidence_level);
        ThresholdPoint {
            bin,
            accepted: size(&above),
            rest: size(&below),
            labels: found.n,
            quality: found.estimate,
            rest_accuracy: assisted(&below, confidence_level).estimate.estimate,
        }
    };
    (0..bins(strata)).map(point).collect()
}

/// The lowest threshold that keeps the quality at `least` or above, with confidence `confidence_level`: the number of its
/// lowest accepted bin.
///
/// Looks at one threshold after the other, from the highest with 50 labels down, and stops at the first whose one-sided
/// lower bound is below `least`. Each look has the full level, since the order is fixed beforehand and does not depend on
/// what labels say (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; Angelopoulos et al. 2021, "Learn then
/// Test"). `None` where not even the first will do.
pub fn lowest_safe(strata: &[Stratum], least: f64, confidence_level: f64) -> Option<usize> {
    // a two-sided interval of this level has the wanted one-sided bound
    let two_sided = 2.0 * confidence_level - 1.0;
    let mut safe = None;
    for bin in (0..bins(strata)).rev() {
        let found = assisted(&split(strata, |at| at >= bin), two_sided);
        if found.n < LEAST_LABELS {
            continue;
        }
        if found.estimate.lower.is_none_or(|lower| lower < least) {
            break;
        }
        safe = Some(bin);
    }
    safe
}

fn split(strata: &[Stratum], keep: impl Fn(usize) -> bool) -> Vec<Stratum> {
    strata.iter().map(|stratum| stratum.only(&keep)).collect()
}

fn bins(strata: &[Stratum]) -> usize {
    strata.iter().map(Stratum::width).max().unwrap_or(0)
}

fn size(strata: &[Stratum]) -> u64 {
    strata.iter().map(Stratum::predictions).sum()
}
