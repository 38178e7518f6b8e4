//! Which code was given for which.

use super::texts::Texts;
use crate::assess::assessment::Assessment;

/// Pairs shown; the JSON twin has them all.
const MOST: usize = 30;

/// Section 4.
pub(crate) struct Confusions {
    pub rows: Vec<Pair>,
}

/// One pair that differs.
pub(crate) struct Pair {
    pub predicted: String,
    pub predicted_label: String,
    pub actual: String,
    pub actual_label: String,
    pub n: String,
    pub weighted: String,
    pub share: String,
    /// Length of its bar beside the longest, in percent.
    pub width: String,
}

impl Confusions {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        let mut pairs: Vec<_> = a.accuracy.confusions.iter().collect();
        pairs.sort_by(|x, y| y.weighted.total_cmp(&x.weighted));
        let widest = pairs.first().map_or(1.0, |pair| pair.weighted).max(f64::MIN_POSITIVE);
        let rows = pairs
            .into_iter()
            .take(MOST)
            .map(|pair| Pair {
                predicted: pair.predicted.clone(),
                predicted_label: pair.predicted_label.clone(),
                actual: pair.actual.clone(),
                actual_label: pair.actual_label.clone(),
                n: t.int(pair.n),
                weighted: t.dec(pair.weighted, 0),
                share: t.pct(Some(pair.share_of_predicted)),
                width: format!("{:.0}", (pair.weighted / widest * 100.0).clamp(0.0, 100.0)),
            })
            .collect();
        Self { rows }
    }
}
