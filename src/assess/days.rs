use std::collections::BTreeMap;

use super::{Plan, plan::Side};
use crate::{
    nomenclature::{Nomenclature, RollUp},
    query::Answer,
};

/// Predictions of one day, by code.
pub type Codes<'a> = BTreeMap<&'a str, u64>;

/// Predictions by day and code, of a reference and of what is compared with it.
#[derive(Debug)]
pub struct DailyVolume<'a> {
    pub reference: Vec<Codes<'a>>,
    pub current: Vec<Codes<'a>>,
}

/// Days with predictions on one side of the plan's comparison, of an answer of `volume_daily.sql`.
pub fn within<'a>(daily: &'a Answer, plan: &Plan, side: Side) -> Vec<Codes<'a>> {
    let mut days: BTreeMap<i32, Codes<'_>> = BTreeMap::new();
    for row in 0..daily.rows() {
        let day = daily.int(row, "day") as i32;
        if plan.side(day, daily.text(row, "version").unwrap_or_default()) == Some(side) {
            let code = daily.text(row, "code").unwrap_or_default();
            *days.entry(day).or_default().entry(code).or_default() += daily.count(row, "n");
        }
    }
    days.into_values().collect()
}

impl<'a> DailyVolume<'a> {
    /// From the answer of `volume_daily.sql`.
    pub fn new(daily: &'a Answer, plan: &Plan) -> Self {
        DailyVolume { reference: within(daily, plan, Side::Reference), current: within(daily, plan, Side::Current) }
    }

    /// Counts of each day at a level, of both periods over the same codes; rows that are coded coarser are left out.
    pub fn level(&self, book: &Nomenclature, level: u8) -> (Vec<Vec<u64>>, Vec<Vec<u64>>) {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut at: BTreeMap<&str, Option<usize>> = BTreeMap::new();
        for code in self.reference.iter().chain(&self.current).flat_map(BTreeMap::keys) {
            at.entry(*code).or_insert_with(|| {
                let ancestor = match book.roll_up(code, level) {
                    RollUp::At(ancestor) => ancestor,
                    RollUp::Unknown => code,
                    RollUp::Coarser => return None,
                };
                let next = places.len();
                Some(*places.entry(ancestor.to_owned()).or_insert(next))
            });
        }
        let counts = |day: &Codes<'a>| {
            let mut counts = vec![0; places.len()];
            for (code, n) in day {
                if let Some(count) = at.get(code).copied().flatten().and_then(|i| counts.get_mut(i)) {
                    *count += n;
                }
            }
            counts
        };
        (self.reference.iter().map(counts).collect(), self.current.iter().map(counts).collect())
    }
}
