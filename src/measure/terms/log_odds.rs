//! How much more frequent is a term, steadied for rare ones?

use serde::{Deserialize, Serialize};

/// A log-odds ratio with an informative Dirichlet prior.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogOdds {
    /// `ln` of the odds of the term in the current sample over those in the reference.
    pub log_odds: f64,
    /// The same over its standard deviation.
    pub z: f64,
}

/// Log-odds ratio with an informative Dirichlet prior ("Fightin' Words").
///
/// `δ = ln((y₁+α)/(n₁+A−y₁−α)) − ln((y₀+α)/(n₀+A−y₀−α))`, `z = δ/√(1/(y₁+α) + 1/(y₀+α))`, with `α = A s`, `s` the term's
/// share in both samples together and `A` a tenth of the smaller sample: what the prior is worth, in rows. Draws rare
/// terms towards no difference, so that terms of any frequency can be put in one order.
///
/// `y` and `n` are rows here, not words: a term counts once a text. The paper's `A` is the analyst's choice too.
///
/// *Edge cases*: `None` when a sample is empty, the term is nowhere, or it is in every row of both.
///
/// Monroe, Colaresi and Quinn (2008), Political Analysis 16, equations 15, 16, 20 and 22.
///
/// ```
/// use vigie::measure::terms::log_odds;
/// let new = log_odds((30.0, 2_000.0), (0.0, 20_000.0)).unwrap();
/// assert!(new.z > 3.0 && new.log_odds > 5.0);
/// let same = log_odds((30.0, 2_000.0), (300.0, 20_000.0)).unwrap();
/// assert!(same.z.abs() < 1e-9);
/// assert_eq!(log_odds((0.0, 2_000.0), (0.0, 20_000.0)), None);
/// ```
pub fn log_odds((y1, n1): (f64, f64), (y0, n0): (f64, f64)) -> Option<LogOdds> {
    let prior = n1.min(n0) / 10.0;
    let alpha = prior * ((y1 + y0) / (n1 + n0));
    let odds = |y: f64, n: f64| (y + alpha) / (n + prior - y - alpha);
    let log_odds = odds(y1, n1).ln() - odds(y0, n0).ln();
    let z = log_odds / (1.0 / (y1 + alpha) + 1.0 / (y0 + alpha)).sqrt();
    (log_odds.is_finite() && z.is_finite()).then_some(LogOdds { log_odds, z })
}
