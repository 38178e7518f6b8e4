//! Numbers out of samples, and numbers as people read them.

use std::time::Duration;

/// The value that a share of all does not exceed (nearest rank); 0 of nothing.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}

/// The middle one, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// Of the least-squares line through these points; 0 where they do not make one.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let together: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

pub fn mb(bytes: u64) -> f64 {
    tenths(bytes as f64 / 1e6)
}

pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Events a second.
pub fn rate(events: u64, time: Duration) -> f64 {
    (events as f64 / time.as_secs_f64().max(1e-9)).round()
}

pub fn millis(time: Duration) -> f64 {
    tenths(time.as_secs_f64() * 1000.0)
}
