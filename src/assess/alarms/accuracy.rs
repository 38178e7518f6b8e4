use std::collections::{BTreeMap, BTreeSet};

use super::{Alarm, AlarmKind, Carrier, Evidence, Family, HORIZON, Place, Run, Span, Watched, alarm, evidence};
use crate::{
    assess::{Plan, accuracy::weight_sums},
    decide::{onset, rings},
    measure::{
        accuracy::routes::accuracy_of_routes,
        comparison::{Difference, difference},
        proportion::Estimate,
        sequential::{
            Direction,
            accuracy::LabelCell,
            accuracy_change::accuracy_changed,
            share::{Count, errors_risen},
        },
        weight::WeightSums,
    },
    query::Answer,
};

#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    right: WeightSums,
    wrong: WeightSums,
}

impl Sides {
    fn sum<'a>(all: impl Iterator<Item = &'a Sides>) -> Self {
        all.fold(Sides::default(), |sum, one| Sides { right: sum.right + one.right, wrong: sum.wrong + one.wrong })
    }

    fn pair(&self) -> [WeightSums; 2] {
        [self.right, self.wrong]
    }

    /// Rows of one side with their mean weight: those of a day are drawn alike.
    fn cells(&self) -> impl Iterator<Item = LabelCell> + use<> {
        let cell = |sums: WeightSums, right: bool| {
            let n = if right { (sums.n, 0) } else { (0, sums.n) };
            (sums.n > 0).then(|| LabelCell { weight: (sums.w / sums.n as f64).max(1.0), right: n.0, wrong: n.1 })
        };
        [cell(self.right, true), cell(self.wrong, false)].into_iter().flatten()
    }
}

/// Labels of one route that weigh about the same.
#[derive(Debug, Clone)]
struct Labels {
    reference: Sides,
    looks: Vec<Sides>,
}

/// Falling accuracy of both routes together and of each, where labels say something of it before and after.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Family {
    let answer = watched.labels;
    // by route and class of weights
    let mut draws: BTreeMap<(String, i64), Labels> = BTreeMap::new();
    for row in 0..answer.rows() {
        let Some(place) = span.place_of(answer, row) else { continue };
        let route = answer.text(row, "route").unwrap_or("none").to_owned();
        let none = || Labels { reference: Sides::default(), looks: vec![Sides::default(); span.looks()] };
        let of = draws.entry((route, answer.int(row, "weight_class"))).or_insert_with(none);
        let side = match place {
            Place::Reference => &mut of.reference,
            Place::Look(look) => &mut of.looks[look],
        };
        let sums = weight_sums(answer, row);
        if is_right(answer, row) { side.right += sums } else { side.wrong += sums }
    }
    // labels of unknown weight say nothing of both routes together: each is watched alone
    let unknown = (0..answer.rows()).any(|row| answer.count(row, "unweighted") > 0);
    let routes: BTreeSet<&str> = draws.keys().map(|(route, _)| route.as_str()).collect();
    let both = ["auto", "manual"].iter().all(|route| routes.contains(*route)) && !unknown || routes.len() == 1;
    let groups: Vec<(&str, Vec<&Labels>)> = ["all", "auto", "manual"]
        .into_iter()
        .filter(|group| *group != "all" || both)
        .map(|group| {
            (group, draws.iter().filter(|((r, _), _)| group == "all" || *r == group).map(|(_, l)| l).collect())
        })
        .filter(|(_, labels): &(&str, Vec<&Labels>)| !labels.is_empty())
        .collect();
    let mut series = Vec::new();
    for (_, labels) in &groups {
        let reference: Vec<LabelCell> = labels.iter().flat_map(|l| l.reference.cells()).collect();
        let looks: Vec<Vec<LabelCell>> =
            (0..span.looks()).map(|look| labels.iter().flat_map(|l| l.looks[look].cells()).collect()).collect();
        if let Some(found) = alike(&reference, &looks) {
            series.push(found);
            continue;
        }
        let heaviest = reference.iter().chain(looks.iter().flatten()).map(|cell| cell.weight).fold(1.0, f64::max);
        let found = accuracy_changed(&reference, &looks, heaviest, HORIZON, Direction::Fallen);
        series.push(found.unwrap_or_else(|| vec![0.0; span.looks()]));
    }
    let mut raised = Vec::new();
    for ((group, labels), ring) in groups.iter().zip(rings(&series, plan.request.alarm_rate)) {
        let Some(ring) = ring else { continue };
        let counts = |s: Sides| (s.wrong.total() as u64, (s.right.total() + s.wrong.total()) as u64);
        let reference = counts(Sides::sum(labels.iter().map(|draw| &draw.reference)));
        let looks = (0..span.looks()).map(|look| counts(Sides::sum(labels.iter().map(|draw| &draw.looks[look]))));
        let since = onset(reference, &looks.collect::<Vec<_>>(), ring.first);
        let run = Run { since, until: ring.until };
        let of = |draws: Vec<[WeightSums; 2]>| accuracy_of_routes(&draws, plan.request.confidence_level);
        let before = of(labels.iter().map(|draw| draw.reference.pair()).collect());
        let now = of(labels.iter().map(|draw| Sides::sum(run.of(&draw.looks)).pair()).collect());
        let Difference { estimate, lower, upper } = difference(before.estimate, now.estimate);
        let route = if *group == "all" { String::new() } else { format!(" AND route = '{group}'") };
        let query = evidence::query(span, run, &format!("actual IS NOT NULL AND actual <> predicted{route}"));
        raised.push(Alarm {
            n_reference: before.n,
            n_current: now.n,
            reference: before.estimate,
            current: now.estimate,
            difference: Estimate { estimate, lower, upper },
            evidence: Evidence {
                codes: carriers(span, watched, group, run, "predicted", plan),
                versions: carriers(span, watched, group, run, "version", plan),
                query,
                ..evidence::of_rows(plan, span, watched, run, |one| {
                    let of_route = *group == "all" || one.route == Some(*group);
                    of_route && one.actual.is_some() && one.actual != one.predicted
                })
            },
            ..alarm(AlarmKind::Accuracy, (*group).to_owned(), span, &ring, run)
        });
    }
    Family { watched: groups.len() as u64, explained: 0, raised }
}

/// `ln E` of more errors where all labels count alike, as those of one route mostly do: less is lost than with weights.
fn alike(reference: &[LabelCell], looks: &[Vec<LabelCell>]) -> Option<Vec<f64>> {
    let mut weights = reference.iter().chain(looks.iter().flatten()).map(|cell| cell.weight);
    let first = weights.next()?;
    if weights.any(|weight| (weight - first).abs() > 1e-6 * first) {
        return None;
    }
    let count = |cells: &[LabelCell]| {
        let sum = |of: fn(&LabelCell) -> u64| cells.iter().map(of).sum::<u64>();
        Count::new(sum(|c| c.wrong), sum(|c| c.right + c.wrong))
    };
    let looks: Vec<Count> = looks.iter().map(|cells| count(cells)).collect();
    Some(errors_risen(count(reference), &looks, HORIZON))
}

/// By code or version: which part of all (weighted) errors it has among the labelled, before and since.
fn carriers(span: &Span<'_>, watched: &Watched<'_>, group: &str, run: Run, by: &str, plan: &Plan) -> Vec<Carrier> {
    let answer = watched.labels;
    let mut sums: BTreeMap<&str, (f64, f64, u64)> = BTreeMap::new();
    let mut all = (0.0, 0.0);
    for row in 0..answer.rows() {
        if group != "all" && answer.text(row, "route") != Some(group) {
            continue;
        }
        let (w, n) = (answer.number(row, "w"), answer.count(row, "n"));
        let wrong = f64::from(u8::from(!is_right(answer, row)));
        let sum = sums.entry(answer.text(row, by).unwrap_or_default()).or_default();
        match span.place_of(answer, row) {
            Some(Place::Reference) => {
                sum.0 += w * wrong;
                all.0 += w;
            }
            Some(Place::Look(look)) if run.holds(look) => {
                sum.1 += w * wrong;
                sum.2 += if wrong > 0.0 { n } else { 0 };
                all.1 += w;
            }
            _ => {}
        }
    }
    let share = |x: f64, of: f64| (of > 0.0).then(|| x / of);
    let carriers = sums.into_iter().map(|(name, (before, now, n))| Carrier {
        name: name.to_owned(),
        label: if by == "predicted" { plan.nomenclature.label(name).to_owned() } else { String::new() },
        n,
        share_reference: share(before, all.0),
        share_current: share(now, all.1),
    });
    evidence::most_moved(carriers.collect(), 3)
}

fn is_right(answer: &Answer, row: usize) -> bool {
    answer.text(row, "predicted") == answer.text(row, "actual")
}
