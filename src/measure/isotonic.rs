//! Isotonic regression of a share on ordered bins.

/// The shares that rise (or stay) from bin to bin and are closest to the observed ones, by weighted least squares.
///
/// `bins` are (weight of successes, weight) in order. A bin without weight lies on the line between its neighbours with
/// some, at the nearest one's share at either end. `None` without any weight.
///
/// Pool-adjacent-violators: Ayer et al. (1955), Annals of Mathematical Statistics 26; Robertson, Wright and Dykstra (1988).
///
/// ```
/// use vigie::measure::isotonic::isotonic;
/// // the second and third bin disagree with the order: they are pooled
/// let found = isotonic(&[(1.0, 10.0), (6.0, 10.0), (4.0, 10.0), (9.0, 10.0)]).unwrap();
/// assert_eq!(found, [0.1, 0.5, 0.5, 0.9]);
/// assert_eq!(isotonic(&[(0.0, 0.0), (2.0, 4.0), (0.0, 0.0), (1.0, 1.0)]).unwrap(), [0.5, 0.5, 0.75, 1.0]);
/// assert_eq!(isotonic(&[(0.0, 0.0)]), None);
/// ```
pub fn isotonic(bins: &[(f64, f64)]) -> Option<Vec<f64>> {
    /// Bins up to `end` that share one value.
    struct Block {
        success: f64,
        weight: f64,
        end: usize,
    }
    let mut blocks: Vec<Block> = Vec::new();
    let mut seen = Vec::new();
    for (at, (success, weight)) in bins.iter().enumerate() {
        if !(*weight > 0.0 && success.is_finite() && weight.is_finite()) {
            continue;
        }
        seen.push(at);
        let mut block = Block { success: *success, weight: *weight, end: seen.len() };
        while let Some(before) = blocks.pop_if(|b| b.success * block.weight >= block.success * b.weight) {
            block =
                Block { success: before.success + block.success, weight: before.weight + block.weight, end: block.end };
        }
        blocks.push(block);
    }
    let mut values = Vec::with_capacity(seen.len());
    for block in &blocks {
        values.resize(block.end, (block.success / block.weight).clamp(0.0, 1.0));
    }
    let (first, last) = (*values.first()?, *values.last()?);
    let between = |at: usize| {
        let after = seen.partition_point(|s| *s < at);
        match (after.checked_sub(1), seen.get(after)) {
            (_, Some(s)) if *s == at => values[after],
            (Some(before), Some(s)) => {
                let along = (at - seen[before]) as f64 / (s - seen[before]) as f64;
                values[before] + along * (values[after] - values[before])
            }
            (None, _) => first,
            (Some(_), None) => last,
        }
    };
    Some((0..bins.len()).map(between).collect())
}
