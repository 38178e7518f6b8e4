use std::collections::BTreeMap;

use super::{
    Day,
    assessment::{Daily, Traffic, VersionTraffic},
};
use crate::query::Answer;

/// Volume by day, by version and in all, from one pass over the tallies.
#[derive(Debug, Default)]
pub struct TrafficTable {
    pub total: Sums,
    pub by_version: BTreeMap<String, VersionSums>,
    pub by_day: BTreeMap<i32, Sums>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Sums {
    pub predictions: u64,
    pub errors: u64,
    pub auto: u64,
    pub manual: u64,
    pub clipped: u64,
    pub unknown_codes: u64,
    pub confidence: f64,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct VersionSums {
    pub sums: Sums,
    pub first: i32,
    pub last: i32,
}

impl Sums {
    fn add(&mut self, what: &str, route: Option<&str>, n: u64) {
        match what {
            "predictions" => {
                self.predictions += n;
                match route {
                    Some("auto") => self.auto += n,
                    Some("manual") => self.manual += n,
                    _ => {}
                }
            }
            "errors" => self.errors += n,
            "clipped" => self.clipped += n,
            "unknown_code" => self.unknown_codes += n,
            "confidence_sum" => self.confidence += n as f64 / f64::from(crate::event::Fixed::ONE),
            _ => {}
        }
    }

    pub fn automation_rate(&self) -> Option<f64> {
        share(self.auto, self.auto + self.manual)
    }
}

pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl TrafficTable {
    pub fn new(answer: &Answer) -> Self {
        let mut table = TrafficTable::default();
        for row in 0..answer.rows() {
            let day = answer.int(row, "day") as i32;
            let (what, n) = (answer.text(row, "what").unwrap_or_default(), answer.count(row, "n"));
            let route = answer.text(row, "route");
            let version = answer.text(row, "version").unwrap_or_default();
            table.total.add(what, route, n);
            table.by_day.entry(day).or_default().add(what, route, n);
            let of = table.by_version.entry(version.to_owned()).or_insert_with(|| VersionSums {
                first: day,
                last: day,
                ..VersionSums::default()
            });
            of.sums.add(what, route, n);
            (of.first, of.last) = (of.first.min(day), of.last.max(day));
        }
        table
    }

    /// Versions by the day they first predicted on.
    pub fn versions(&self) -> Vec<String> {
        let mut versions: Vec<_> = self.by_version.iter().map(|(name, v)| (v.first, name.clone())).collect();
        versions.sort_unstable();
        versions.into_iter().map(|(_, name)| name).collect()
    }

    pub fn traffic(&self, labelled: u64, labelled_by_version: &BTreeMap<String, u64>) -> Traffic {
        let t = &self.total;
        let by_version = self.versions().into_iter().map(|version| {
            let of = self.by_version.get(&version).copied().unwrap_or_default();
            VersionTraffic {
                predictions: of.sums.predictions,
                errors: of.sums.errors,
                automation_rate: of.sums.automation_rate(),
                labelled: labelled_by_version.get(&version).copied().unwrap_or(0),
                first_day: Day(of.first).to_string(),
                last_day: Day(of.last).to_string(),
                version,
            }
        });
        Traffic {
            predictions: t.predictions,
            errors: t.errors,
            error_rate: share(t.errors, t.predictions),
            auto: t.auto,
            manual: t.manual,
            automation_rate: t.automation_rate(),
            labelled,
            label_coverage: share(labelled, t.predictions - t.errors.min(t.predictions)),
            clipped: t.clipped,
            unknown_codes: t.unknown_codes,
            by_version: by_version.collect(),
        }
    }

    pub fn daily(&self, day: Day) -> Daily {
        let s = self.by_day.get(&day.0).copied().unwrap_or_default();
        let scored = s.predictions - s.errors.min(s.predictions);
        Daily {
            day: day.to_string(),
            predictions: s.predictions,
            errors: s.errors,
            auto: s.auto,
            manual: s.manual,
            automation_rate: s.automation_rate(),
            mean_confidence: (scored > 0).then(|| s.confidence / scored as f64),
            ..Daily::default()
        }
    }
}
