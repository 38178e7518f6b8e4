use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{
    TermOptions,
    log_odds::{LogOdds, log_odds},
    population::{Pair, Population, sum},
};
use crate::measure::{
    drift::effect::{enough, ratio},
    proportion::Estimate,
};

/// By how much something rose among the rows it is looked for in, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rise {
    /// Rows that have it.
    pub n_reference: u64,
    pub n_current: u64,
    /// Their shares; by design weight where the rows are labels.
    pub share_reference: f64,
    pub share_current: f64,
    /// Current share over reference share; no estimate and no upper bound where the reference has none, no bounds at all where
    /// both together have few.
    pub ratio: Estimate,
    /// With a prior worth a tenth of the smaller period (Monroe et al. 2008).
    #[serde(flatten)]
    pub log_odds: LogOdds,
    /// One-sided, exact.
    pub p_value: f64,
    /// The same, adjusted over terms of all kinds and codes.
    pub q_value: f64,
}

impl Rise {
    /// Of the rows `with` it among all of a population; `None` where the log-odds cannot be told.
    pub(super) fn new(
        population: &Population,
        with: &[Pair],
        p_value: f64,
        q_value: f64,
        options: &TermOptions,
    ) -> Option<Self> {
        let [reference, current] = population.weighed(with);
        let (now, then) = (current.rows, reference.rows);
        let [n_reference, n_current] = sum(with).map(u64::from);
        let found = ratio(then, now, options.confidence_level);
        Some(Self {
            n_reference,
            n_current,
            share_reference: reference.share,
            share_current: current.share,
            ratio: if enough(then, now) { found } else { found.without_bounds() },
            log_odds: log_odds(now, then)?,
            p_value,
            q_value,
        })
    }

    /// The surest first; of equal p-values the one with the greater z.
    pub fn by_certainty(&self, other: &Self) -> Ordering {
        self.p_value.total_cmp(&other.p_value).then(other.log_odds.z.total_cmp(&self.log_odds.z))
    }
}
