/// The point at which a rising condition stops being true, between `low`, where it is, and `high`, where it is not: the upper
/// end of the last bracket, no wider than `tolerance` or the numbers' own grain. Halves it 200 times at most: next to 0 the
/// grain has no end.
pub(super) fn bisect((mut low, mut high): (f64, f64), tolerance: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if high - low <= tolerance || middle <= low || middle >= high {
            break;
        }
        if below(middle) { low = middle } else { high = middle }
    }
    high
}
