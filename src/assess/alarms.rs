//! What rings when a model is looked at day after day, with the evidence for it.

mod accuracy;
mod actual;
mod attributes;
mod classical;
mod counted;
mod errors;
mod evidence;
mod shares;

use serde::{Deserialize, Serialize};

pub use self::classical::{Classical, DetectorName};
use self::counted::Counted;
use super::{Day, Plan, plan::Side, specimens::Specimen};
use crate::{
    decide::Ring,
    measure::{
        proportion::Estimate,
        sequential::{share::MOST, start::HORIZON_DAYS},
    },
    query::Answer,
};

/// Alarms of the days after the reference, each against it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarms {
    /// Expected share of alarms that ring in vain at any look, over the codes, over the attributes, over the routes and over the errors of codes.
    pub alpha: f64,
    /// Days looked at.
    pub looks: u64,
    /// Codes (at every level), attribute values and routes that were watched.
    pub watched: u64,
    /// Earliest first.
    pub raised: Vec<Alarm>,
    /// Alarms of groups that one of their codes explains: not listed.
    pub explained: u64,
    /// Detectors that the configuration asks for; none of them promises how often it rings in vain.
    pub classical: Vec<Classical>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub kind: AlarmKind,
    /// A code (also of what people say), an attribute, or a route (`all`, `auto`, `manual`).
    pub subject: String,
    /// Of the code.
    pub label: String,
    /// Of the code; 1 = coarsest.
    pub level: Option<u32>,
    /// Of the attribute; of a code's errors the route.
    pub value: Option<String>,
    pub rose: bool,
    /// Day from which it most likely is so.
    pub since: String,
    /// Day on which the evidence first was enough.
    pub first_day: String,
    /// Whether it still is on the last day.
    pub stands: bool,
    /// Last day on which it was.
    pub last_day: String,
    /// E-value on the last day: by how much a bet against "nothing has changed" has grown; stops at e^25.
    pub e_value: f64,
    /// Rows (labelled ones for accuracy) of the reference, and from `since` to `last_day`.
    pub n_reference: u64,
    pub n_current: u64,
    pub reference: Estimate,
    pub current: Estimate,
    /// `current - reference`.
    pub difference: Estimate,
    pub evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The share of predictions that get a code.
    CodeShare,
    /// The share of a route's labels in which people give a code: it shows what the model does not know, too.
    ActualShare,
    /// The share of predictions with a value of an attribute.
    AttributeShare,
    /// Accuracy of a route.
    Accuracy,
    /// The share of wrong ones among the labels of a code in one route.
    CodeErrors,
}

/// What moved it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Codes that carry it, most first: below the code, of the attribute's texts, or those with more errors.
    pub codes: Vec<Carrier>,
    pub versions: Vec<Carrier>,
    /// Attribute values that stand out among its predictions, as `name=value`.
    pub attributes: Vec<Carrier>,
    /// Rising terms in its texts.
    pub terms: Vec<String>,
    /// Frequent texts among its predictions since then.
    pub examples: Vec<String>,
    /// Codes that people give these texts.
    pub humans_say: Vec<Carrier>,
    /// SQL for `vigie query` that shows the rows.
    pub query: String,
}

/// A part of an alarm, with its share in the reference and since; for accuracy the shares are of errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carrier {
    pub name: String,
    pub label: String,
    /// Rows since then.
    pub n: u64,
    pub share_reference: Option<f64>,
    pub share_current: Option<f64>,
}

/// What alarms are made of.
pub struct Watched<'a> {
    /// Answer of `volume_daily.sql`.
    pub volume: &'a Answer,
    /// Answer of `labels_daily.sql`.
    pub labels: &'a Answer,
    pub specimens: &'a [Specimen<'a>],
    /// Rising terms and the codes that their texts get.
    pub terms: &'a [(String, Vec<String>)],
}

/// Days over which a change that begins late still costs little evidence.
const HORIZON: f64 = HORIZON_DAYS;

/// None without a reference.
pub fn alarms(plan: &Plan, watched: &Watched<'_>) -> Alarms {
    let alpha = plan.request.alarm_rate;
    let Some(span) = Span::of(plan) else { return Alarms { alpha, ..Alarms::default() } };
    let shares = shares::watch(plan, &span, watched);
    let actual = actual::watch(plan, &span, watched);
    let attributes = attributes::watch(plan, &span, watched);
    let accuracy = accuracy::watch(plan, &span, watched);
    let errors = errors::watch(plan, &span, watched);
    let mut raised: Vec<Alarm> = Vec::new();
    let (mut seen, mut explained) = (0, 0);
    for family in [shares, actual, attributes, accuracy, errors] {
        seen += family.watched;
        explained += family.explained;
        raised.extend(family.raised);
    }
    raised.sort_by(|a, b| {
        let order = |x: &Alarm| {
            (x.first_day.clone(), std::cmp::Reverse((x.difference.estimate.unwrap_or(0.0).abs() * 1e9) as i64))
        };
        order(a).cmp(&order(b)).then_with(|| (&a.subject, &a.value).cmp(&(&b.subject, &b.value)))
    });
    let classical = classical::watch(plan, &span, watched);
    Alarms { alpha, looks: span.looks() as u64, watched: seen, raised, explained, classical }
}

/// Alarms of one kind.
#[derive(Debug, Default)]
struct Family {
    watched: u64,
    explained: u64,
    raised: Vec<Alarm>,
}

/// The days of a reference, and those that are looked at.
#[derive(Clone, Copy)]
struct Span<'p> {
    plan: &'p Plan,
    current: (i32, i32),
}

/// Looks of an alarm: from where it most likely is so to where it last was heard.
#[derive(Debug, Clone, Copy)]
struct Run {
    since: usize,
    until: usize,
}

impl Run {
    fn holds(&self, look: usize) -> bool {
        (self.since..=self.until).contains(&look)
    }

    fn of<'l, T>(&self, looks: &'l [T]) -> impl Iterator<Item = &'l T> + use<'l, T> {
        let run = *self;
        looks.iter().enumerate().filter(move |(look, _)| run.holds(*look)).map(|(_, value)| value)
    }
}

/// Where a day belongs.
enum Place {
    Reference,
    /// Number of the look.
    Look(usize),
}

impl<'p> Span<'p> {
    fn of(plan: &'p Plan) -> Option<Self> {
        let r = plan.reference?;
        Some(Span { plan, current: (r.current_from.0, r.current_to.0) })
    }

    fn looks(&self) -> usize {
        (self.current.1 - self.current.0 + 1).max(0) as usize
    }

    fn place(&self, day: i32, version: &str) -> Option<Place> {
        Some(match self.plan.side(day, version)? {
            Side::Reference => Place::Reference,
            Side::Current => Place::Look((day - self.current.0) as usize),
        })
    }

    /// Of a row of an answer with the columns `day` and `version`.
    fn place_of(&self, answer: &Answer, row: usize) -> Option<Place> {
        self.place(answer.int(row, "day") as i32, answer.text(row, "version").unwrap_or_default())
    }

    fn day(&self, look: usize) -> Day {
        Day(self.current.0 + look as i32)
    }
}

/// An alarm without its evidence.
fn alarm(kind: AlarmKind, subject: String, span: &Span<'_>, ring: &Ring, run: Run) -> Alarm {
    Alarm {
        kind,
        subject,
        label: String::new(),
        level: None,
        value: None,
        rose: false,
        since: span.day(run.since).to_string(),
        first_day: span.day(ring.first).to_string(),
        last_day: span.day(ring.until).to_string(),
        stands: ring.stands,
        e_value: ring.last.min(MOST).exp(),
        n_reference: 0,
        n_current: 0,
        reference: Estimate::default(),
        current: Estimate::default(),
        difference: Estimate::default(),
        evidence: Evidence::default(),
    }
}
