//! Priors by expectation and maximisation.

/// Predictions that share what the model says of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// How many.
    pub weight: f64,
    /// The probability of each code under the priors of the reference, up to a factor.
    pub posterior: Vec<f64>,
}

/// The mix of codes under which the predictions are most likely, when only the mix has changed.
///
/// `p_j ← Σ_i m_i r_ij (p_j/π_j) / Σ_k r_ik (p_k/π_k)`, divided by `Σ m_i`, from `p = π` until nothing moves: `r_i`
/// what the model says of cell `i` under the reference's mix `π`. Of hard predictions a cell is a predicted code, and
/// `r_i` its row of the confusion.
///
/// *Assumes* label shift and posteriors that are calibrated: an overconfident model gets a mix that is too extreme.
/// *Edge cases*: a code that the reference does not have stays at 0; a cell of which nothing is said has no part.
/// `None` without cells or a mix. Stops after 100,000 steps, which close codes may need.
///
/// Saerens, Latinne and Decaestecker (2002), Neural Computation 14.
///
/// ```
/// use vigie::measure::label_shift::em::{Cell, em};
/// let cell = |weight, posterior: [f64; 2]| Cell { weight, posterior: posterior.to_vec() };
/// // hard predictions of a model that is right 9 times in 10
/// let found = em(&[0.5, 0.5], &[cell(740.0, [0.9, 0.1]), cell(260.0, [0.1, 0.9])]).unwrap();
/// assert!((found[0] - 0.8).abs() < 1e-9);
/// ```
pub fn em(prior: &[f64], cells: &[Cell]) -> Option<Vec<f64>> {
    let mut mix = prior.to_vec();
    for _ in 0..100_000 {
        let factors: Vec<f64> =
            mix.iter().zip(prior).map(|(p, before)| if *before > 0.0 { p / before } else { 0.0 }).collect();
        let mut next = vec![0.0; mix.len()];
        let mut total = 0.0;
        for cell in cells {
            let sum: f64 = cell.posterior.iter().zip(&factors).map(|(r, f)| r * f).sum();
            if sum > 0.0 {
                let parts = cell.posterior.iter().zip(&factors).map(|(r, f)| cell.weight * r * f / sum);
                next.iter_mut().zip(parts).for_each(|(to, part)| *to += part);
                total += cell.weight;
            }
        }
        if !(total > 0.0 && total.is_finite()) {
            return None;
        }
        next.iter_mut().for_each(|p| *p /= total);
        let moved = next.iter().zip(&mix).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        mix = next;
        if moved < 1e-14 {
            break;
        }
    }
    mix.iter().all(|p| p.is_finite()).then_some(mix)
}
