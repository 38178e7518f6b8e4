use super::NomenclatureBook;
use crate::{
    event::{Entry, Intake, JoinKey, Kind, Reason, Reject, SeriesId},
    fact::{Contribution, Facts, LevelTable},
    ingest::{Admission, Admitted, Policies, Row},
    join::JoinVerdict,
    store::{State, StoreError},
};

/// Takes rows one by one: admits, joins, and adds what changed to `facts`.
#[derive(Debug)]
pub struct Tabulator {
    pub admission: Admission,
    facts: Facts,
    /// Predictions and corrections accepted since the facts were taken: nearly every event is one, and the ledger's rows
    /// are found by their words.
    accepted: [i64; 2],
    policies: Policies,
    contribution: Contribution,
    book: NomenclatureBook,
}

/// A row that was refused, for the dead letters.
#[derive(Debug, Clone)]
pub struct Rejected {
    pub kind: Option<Kind>,
    pub reject: Reject,
}

impl Tabulator {
    pub fn new(admission: Admission, policies: Policies, book: NomenclatureBook) -> Self {
        Tabulator {
            admission,
            facts: Facts::default(),
            accepted: [0, 0],
            policies,
            contribution: Contribution::default(),
            book,
        }
    }

    /// Counts an event that was refused before it came to the join.
    pub fn refuse(&mut self, kind: Option<Kind>, reason: Reason) {
        self.facts.ledger.receive(kind, Intake::Rejected(reason));
    }

    /// What was added since the last call.
    pub fn take_facts(&mut self) -> Facts {
        let mut facts = std::mem::take(&mut self.facts);
        for (kind, n) in [Kind::Prediction, Kind::Correction].into_iter().zip(std::mem::take(&mut self.accepted)) {
            if n > 0 {
                facts.ledger.receive_many(Some(kind), Intake::Accepted, n);
            }
        }
        facts
    }

    /// # Errors
    /// When the state cannot be read or kept; a bad row is not an error but a [`Rejected`].
    pub fn take<S: State>(
        &mut self,
        state: &mut S,
        row: &Row<'_>,
        kind: Option<Kind>,
    ) -> Result<Option<Rejected>, StoreError> {
        let received = self.admission.receive(row, kind);
        let (key, entry) = match received.admitted {
            Ok(admitted) => admitted,
            Err(reject) => {
                self.refuse(received.kind, reject.reason);
                return Ok(Some(Rejected { kind: received.kind, reject }));
            }
        };
        let kind = entry.kind();
        let verdict = self.join(state, key, entry)?;
        Ok((verdict == JoinVerdict::Conflict).then(|| Rejected { kind: Some(kind), reject: conflict() }))
    }

    /// Joins an admitted event and adds what changed.
    ///
    /// # Errors
    /// When the state cannot be read or kept.
    pub fn join<S: State>(&mut self, state: &mut S, key: JoinKey, entry: Entry) -> Result<JoinVerdict, StoreError> {
        let kind = entry.kind();
        if let Entry::Prediction(p) = &entry {
            self.introduce(p.series);
        }
        let before = state.get(key)?;
        let mut after = before.clone().unwrap_or_default();
        let verdict = after.apply(entry);
        match verdict {
            JoinVerdict::Accepted => self.accepted[usize::from(kind == Kind::Correction)] += 1,
            JoinVerdict::Duplicate => self.facts.ledger.receive(Some(kind), Intake::Duplicate),
            JoinVerdict::Conflict => self.refuse(Some(kind), Reason::Conflict),
        }
        if verdict != JoinVerdict::Duplicate {
            self.contribution.change(&mut self.facts, before.as_ref(), &after, &self.admission.symbols);
            state.put(key, after)?;
        }
        Ok(verdict)
    }

    /// Joins the events of a batch and takes them out of it; gives the conflicts among them, by offset.
    ///
    /// # Errors
    /// When the state cannot be read or kept.
    pub fn join_all<S: State>(
        &mut self,
        state: &mut S,
        admitted: &mut Vec<Admitted>,
    ) -> Result<Vec<(u64, Kind)>, StoreError> {
        // the join does not mind the order of events; the store does: neighbouring keys are found from each other
        // events are large: keys are sorted apart, and each event is moved once
        admitted.sort_by_cached_key(|a| a.key);
        let mut conflicts = Vec::new();
        for Admitted { key, offset, entry } in admitted.drain(..) {
            let kind = entry.kind();
            if self.join(state, key, entry)? == JoinVerdict::Conflict {
                conflicts.push((offset, kind));
            }
        }
        Ok(conflicts)
    }

    fn introduce(&mut self, id: SeriesId) {
        if self.contribution.knows(id) {
            return;
        }
        let symbols = &self.admission.symbols;
        let model = symbols.series(id).map_or("", |s| symbols.text(s.model));
        let policy = self.policies.of(model);
        let rates = policy.review_rates;
        let nomenclature = self.book.of_series(symbols, &self.policies, id);
        let table = LevelTable::new(nomenclature, rates.auto, rates.manual).with_annotators(policy.annotators);
        self.contribution.introduce(id, table);
    }

    /// Introduces every series known so far: after a restart, a correction may come before any new prediction does.
    pub fn introduce_known(&mut self) {
        let known: Vec<SeriesId> = self.admission.symbols.all_series().map(|(id, _)| id).collect();
        for id in known {
            self.introduce(id);
        }
    }
}

/// What the dead letter of a conflict says.
pub(super) fn conflict() -> Reject {
    Reject::new(Reason::Conflict, "another body under a known id; the earliest of them holds")
}
