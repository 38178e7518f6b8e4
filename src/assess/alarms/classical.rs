use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Place, Span, Watched};
use crate::{
    assess::Plan,
    measure::detector::{Adwin, Cusum, Ddm, PageHinkley, State},
};

/// A detector of the literature over a route's errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classical {
    pub detector: DetectorName,
    pub route: String,
    /// Labelled rows that it saw.
    pub labels: u64,
    /// Days on which it said drift.
    pub days: Vec<String>,
}

/// Page (1954), Page and Hinkley, Gama et al. (2004), Bifet and Gavaldà (2007); with the settings of their papers or of
/// common libraries ([`crate::measure::detector`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorName {
    Cusum,
    PageHinkley,
    Ddm,
    Adwin,
}

impl DetectorName {
    pub const ALL: [DetectorName; 4] =
        [DetectorName::Cusum, DetectorName::PageHinkley, DetectorName::Ddm, DetectorName::Adwin];

    pub fn as_str(self) -> &'static str {
        match self {
            DetectorName::Cusum => "cusum",
            DetectorName::PageHinkley => "page_hinkley",
            DetectorName::Ddm => "ddm",
            DetectorName::Adwin => "adwin",
        }
    }

    /// What takes one row, 1 for an error, after a reference with this share of them.
    fn start(self, errors: f64) -> Box<dyn FnMut(f64) -> State> {
        match self {
            DetectorName::Cusum => {
                // in standard deviations of the reference
                let spread = (errors * (1.0 - errors)).sqrt().max(0.01);
                let mut detector = Cusum::default();
                Box::new(move |x| detector.update((x - errors) / spread))
            }
            DetectorName::PageHinkley => {
                let mut detector = PageHinkley::default();
                Box::new(move |x| detector.update(x))
            }
            DetectorName::Ddm => {
                let mut detector = Ddm::default();
                Box::new(move |x| detector.update(x > 0.5))
            }
            DetectorName::Adwin => {
                let mut detector = Adwin::default();
                Box::new(move |x| detector.update(x))
            }
        }
    }
}

/// Right and wrong labels.
#[derive(Debug, Clone, Copy, Default)]
struct Labels {
    right: u64,
    wrong: u64,
}

impl Labels {
    /// One after the other, errors spread evenly: the order inside a day is not kept.
    fn rows(self) -> impl Iterator<Item = f64> {
        let all = self.right + self.wrong;
        (0..all).map(move |i| f64::from(u8::from((i + 1) * self.wrong / all > i * self.wrong / all)))
    }
}

/// The detectors that the configuration asks for, over the labels of each route in the order of their days.
pub fn watch(plan: &Plan, span: &Span<'_>, watched: &Watched<'_>) -> Vec<Classical> {
    let answer = watched.labels;
    let mut routes: BTreeMap<&str, (Labels, Vec<Labels>)> = BTreeMap::new();
    for row in 0..answer.rows() {
        let Some(place) = span.place_of(answer, row) else { continue };
        let of = routes
            .entry(answer.text(row, "route").unwrap_or("none"))
            .or_insert_with(|| (Labels::default(), vec![Labels::default(); span.looks()]));
        let to = match place {
            Place::Reference => &mut of.0,
            Place::Look(look) => &mut of.1[look],
        };
        let n = answer.count(row, "n");
        if answer.text(row, "predicted") == answer.text(row, "actual") { to.right += n } else { to.wrong += n }
    }
    let run = |detector: DetectorName, (route, (reference, looks)): (&&str, &(Labels, Vec<Labels>))| {
        let before = reference.right + reference.wrong;
        let mut step = detector.start(reference.wrong as f64 / before.max(1) as f64);
        for x in reference.rows() {
            step(x);
        }
        let heard = |labels: &Labels, step: &mut dyn FnMut(f64) -> State| {
            labels.rows().filter(|x| step(*x) == State::Drift).count() > 0
        };
        let days = looks.iter().enumerate().filter(|(_, labels)| heard(labels, &mut step));
        Classical {
            detector,
            route: (*route).to_owned(),
            days: days.map(|(look, _)| span.day(look).to_string()).collect(),
            labels: before + looks.iter().map(|l| l.right + l.wrong).sum::<u64>(),
        }
    };
    let wanted = plan.request.detectors.iter();
    wanted.flat_map(|detector| routes.iter().map(|of| run(*detector, of)).collect::<Vec<_>>()).collect()
}
