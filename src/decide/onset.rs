/// The look from which a share most likely is another: the start of the run of looks, up to `until`, that differs most from
/// the reference.
///
/// Maximises `m (q̂ ln(q̂/p) + (1 − q̂) ln((1 − q̂)/(1 − p)))` over starts, with `q̂` the share since the start and `p` that of
/// reference and earlier looks. `looks` are (rows with it, rows). An estimate for the reader, not a test; 0 where there is
/// nothing to tell.
///
/// Hinkley (1970), Biometrika 57.
///
/// ```
/// use vigie::decide::onset;
/// assert_eq!(onset((10, 1000), &[(1, 100), (0, 100), (9, 100), (11, 100)], 3), 2);
/// assert_eq!(onset((10, 1000), &[(0, 0), (0, 0), (9, 100), (11, 100)], 3), 2);
/// ```
pub fn onset(reference: (u64, u64), looks: &[(u64, u64)], until: usize) -> usize {
    let looks = &looks[..looks.len().min(until.saturating_add(1))];
    let whole = looks.iter().fold((0.0, 0.0), |sum, (b, m)| (sum.0 + *b as f64, sum.1 + *m as f64));
    let (mut before, mut since) = ((reference.0 as f64 + 0.5, reference.1 as f64 + 1.0), whole);
    let mut best = (0, f64::NEG_INFINITY);
    for (start, (b, m)) in looks.iter().enumerate() {
        let (p, q) = (before.0 / before.1, since.0 / since.1);
        let gain = since.1 * (part(q, p) + part(1.0 - q, 1.0 - p));
        // nothing begins on a look without rows
        if *m > 0 && gain.is_finite() && gain > best.1 {
            best = (start, gain);
        }
        let (b, m) = (*b as f64, *m as f64);
        before = (before.0 + b, before.1 + m);
        since = (since.0 - b, since.1 - m);
    }
    best.0
}

fn part(q: f64, p: f64) -> f64 {
    if q > 0.0 { q * (q / p).ln() } else { 0.0 }
}
