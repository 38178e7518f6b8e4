use super::{Alarm, AlarmKind, HORIZON, Place, Run, Span, alarm};
use crate::{
    assess::Plan,
    decide::{Ring, onset},
    measure::{
        drift::effect::effect,
        proportion::wilson,
        sequential::{
            Direction,
            share::{Count, share_changed_to},
            threshold,
        },
    },
};

/// Rows of the reference, and of every look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Counted {
    pub reference: u64,
    pub looks: Vec<u64>,
}

impl Counted {
    pub fn new(span: &Span<'_>) -> Self {
        Counted { reference: 0, looks: vec![0; span.looks()] }
    }

    pub fn add(&mut self, place: &Place, n: u64) {
        match place {
            Place::Reference => self.reference += n,
            Place::Look(look) => self.looks[*look] += n,
        }
    }

    /// Adds rows of the same span.
    pub fn join(&mut self, other: &Counted) {
        self.reference += other.reference;
        self.looks.iter_mut().zip(&other.looks).for_each(|(to, n)| *to += n);
    }

    pub fn in_run(&self, run: Run) -> u64 {
        run.of(&self.looks).sum()
    }

    /// `ln E` after each look that these are another share of all rows than in the reference; what never rings at `alpha`
    /// may be nearer to it than said.
    pub fn log_e(&self, all: &Counted, alpha: f64) -> Vec<f64> {
        let (reference, looks) = self.among(all);
        share_changed_to(threshold(alpha), reference, &looks, HORIZON, Direction::Either)
    }

    /// The reference and each look, as parts of all rows.
    pub fn among(&self, all: &Counted) -> (Count, Vec<Count>) {
        let looks = self.looks.iter().zip(&all.looks).map(|(b, m)| Count::new(*b, *m));
        (Count::new(self.reference, all.reference), looks.collect())
    }

    /// The alarm of a share that rang, without its evidence.
    pub fn alarm(
        &self,
        all: &Counted,
        kind: AlarmKind,
        subject: &str,
        ring: &Ring,
        span: &Span<'_>,
        plan: &Plan,
    ) -> (Alarm, Run) {
        let looks: Vec<(u64, u64)> = self.looks.iter().copied().zip(all.looks.iter().copied()).collect();
        let run = Run { since: onset((self.reference, all.reference), &looks, ring.first), until: ring.until };
        let (b, m) = (self.in_run(run), all.in_run(run));
        let level = plan.request.confidence_level;
        let share = |x: u64, n: u64| wilson(x as f64 / n.max(1) as f64, n as f64, level);
        let change = effect(self.reference, all.reference, b, m, level).difference;
        let found = Alarm {
            rose: change.estimate.is_some_and(|d| d > 0.0),
            n_reference: all.reference,
            n_current: m,
            reference: share(self.reference, all.reference),
            current: share(b, m),
            difference: change,
            ..alarm(kind, subject.to_owned(), span, ring, run)
        };
        (found, run)
    }
}
