use std::collections::BTreeMap;

use super::{
    Plan,
    assessment::{Latency, Quantiles, Throughput, VersionLatency},
};
use crate::{
    measure::sketch::{ALPHA, quantile},
    query::Answer,
};

/// Latency bins, sorted, by some key.
pub fn sketches<K: Ord>(answer: &Answer, key: impl Fn(usize) -> K) -> BTreeMap<K, Vec<(i32, u64)>> {
    let mut by_key: BTreeMap<K, BTreeMap<i32, u64>> = BTreeMap::new();
    for row in 0..answer.rows() {
        let bin = answer.int(row, "bin") as i32;
        *by_key.entry(key(row)).or_default().entry(bin).or_default() += answer.count(row, "n");
    }
    by_key.into_iter().map(|(k, bins)| (k, bins.into_iter().collect())).collect()
}

pub fn quantiles(bins: &[(i32, u64)]) -> Quantiles {
    Quantiles {
        n: bins.iter().map(|b| b.1).sum(),
        p50: quantile(bins, 0.5),
        p90: quantile(bins, 0.9),
        p95: quantile(bins, 0.95),
        p99: quantile(bins, 0.99),
        p999: quantile(bins, 0.999),
    }
}

pub fn latency(plan: &Plan, latency: &Answer, throughput: &Answer, versions: &[String]) -> Latency {
    let all = sketches(latency, |_| ());
    let by_version = sketches(latency, |row| latency.text(row, "version").unwrap_or_default().to_owned());
    Latency {
        quantiles: all.get(&()).map(|bins| quantiles(bins)).unwrap_or_default(),
        relative_error: ALPHA,
        throughput: rates(plan, throughput),
        by_version: versions
            .iter()
            .filter_map(|v| by_version.get_key_value(v))
            .map(|(version, bins)| VersionLatency { version: version.clone(), quantiles: quantiles(bins) })
            .collect(),
    }
}

/// Hours come busiest first.
fn rates(plan: &Plan, hours: &Answer) -> Throughput {
    if hours.rows() == 0 {
        return Throughput::default();
    }
    let total: u64 = (0..hours.rows()).map(|row| hours.count(row, "n")).sum();
    let seconds = f64::from(plan.from.days_until(plan.to) + 1) * 86_400.0;
    Throughput {
        mean: Some(total as f64 / seconds),
        active_mean: Some(total as f64 / (hours.rows() as f64 * 3600.0)),
        peak_hour: Some(hours.count(0, "n") as f64 / 3600.0),
        peak_at: hours.text(0, "hour").map(str::to_owned),
    }
}
