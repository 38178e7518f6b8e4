use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Intake, Kind},
    join::Standing,
};

/// What became of everything received, and how labels stand: the counts that belong to no model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// By (kind, outcome, reason), as words.
    intake: BTreeMap<(String, String, String), i64>,
    pub errors: i64,
    pub labelled: i64,
    pub uncodable: i64,
    pub retracted: i64,
    pub superseded: i64,
    pub orphans: i64,
}

/// One line of the intake table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeRow<'a> {
    pub kind: &'a str,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub n: i64,
}

impl Ledger {
    pub fn receive(&mut self, kind: Option<Kind>, intake: Intake) {
        self.receive_many(kind, intake, 1);
    }

    pub fn receive_many(&mut self, kind: Option<Kind>, intake: Intake, n: i64) {
        let (outcome, reason) = match intake {
            Intake::Accepted => ("accepted", ""),
            Intake::Duplicate => ("duplicate", ""),
            Intake::Rejected(reason) => ("rejected", reason.as_str()),
        };
        let kind = kind.map_or("unknown", Kind::as_str);
        // three allocations a time would be dear; the row nearly always exists
        let found = self.intake.iter_mut().find(|((k, o, r), _)| k == kind && o == outcome && r == reason);
        match found {
            Some((_, total)) => *total += n,
            None => *self.intake.entry((kind.into(), outcome.into(), reason.into())).or_default() += n,
        }
    }

    pub fn stand(&mut self, s: &Standing, sign: i64) {
        self.labelled += sign * s.labelled;
        self.uncodable += sign * s.uncodable;
        self.retracted += sign * s.retracted;
        self.superseded += sign * s.superseded;
        self.orphans += sign * s.orphans;
    }

    pub fn merge(&mut self, other: &Ledger) {
        for (key, n) in &other.intake {
            *self.intake.entry(key.clone()).or_default() += n;
        }
        self.errors += other.errors;
        self.labelled += other.labelled;
        self.uncodable += other.uncodable;
        self.retracted += other.retracted;
        self.superseded += other.superseded;
        self.orphans += other.orphans;
    }

    pub fn intake(&self) -> impl Iterator<Item = IntakeRow<'_>> {
        self.intake.iter().map(|((kind, outcome, reason), n)| IntakeRow { kind, outcome, reason, n: *n })
    }

    /// Events of a kind (`prediction`, `correction`, `unknown`) with an outcome.
    pub fn total(&self, kind: &str, outcome: &str) -> i64 {
        self.intake().filter(|r| r.kind == kind && r.outcome == outcome).map(|r| r.n).sum()
    }

    pub fn is_empty(&self) -> bool {
        *self == Ledger::default()
    }
}
