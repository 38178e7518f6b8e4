//! Many tests at once.

/// Benjamini-Hochberg adjusted p-values ("q-values"), in the order given.
///
/// `q_(i) = min_{j ≥ i} min(1, m p_(j) / j)` over the sorted p-values. Calling everything with `q ≤ α` a discovery
/// keeps the expected share of false ones at or below `α` when the tests are independent or positively dependent.
///
/// *Edge cases*: empty in, empty out; ties share a value; a p-value that is NaN counts as 1, others are clipped to [0, 1].
///
/// Benjamini and Hochberg (1995), JRSS B 57.
///
/// ```
/// use vigie::measure::multiple_testing::benjamini_hochberg;
/// assert_eq!(benjamini_hochberg(&[0.03, 0.005, 0.5, 0.02]), [0.04, 0.02, 0.5, 0.04]);
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let clean = |p: f64| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) };
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| clean(p_values[i]).total_cmp(&clean(p_values[j])));
    let m = p_values.len() as f64;
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(clean(p_values[i]) * m / (rank + 1) as f64);
        adjusted[i] = smallest;
    }
    adjusted
}
