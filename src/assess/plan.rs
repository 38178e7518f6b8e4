use std::{str::FromStr, sync::Arc};

use jiff::tz::TimeZone;

use super::{
    Day, NamedCrosswalk, ReferenceWish,
    assessment::{DetectorName, Period, Reference, ReferenceChoice},
    crossed::{Crossed, one_nomenclature},
    reference::planned,
};
use crate::{
    event::{Series, SeriesId, Symbols},
    measure::terms::stop_words::StopWords,
    nomenclature::Nomenclature,
};

/// What the asker wants to see; everything but the zone may be left open.
#[derive(Debug, Clone)]
pub struct Request {
    pub workspace: Option<String>,
    pub model: Option<String>,
    pub version: Option<String>,
    pub from: Option<Day>,
    pub to: Option<Day>,
    pub reference: Option<ReferenceWish>,
    pub level: Option<LevelChoice>,
    pub confidence_level: f64,
    /// Half-width of accuracy's interval that a review is to be planned for.
    pub half_width: f64,
    /// Least accuracy of automatic coding that thresholds are judged by.
    pub auto_quality: f64,
    /// Expected share of alarms that ring in vain.
    pub alarm_rate: f64,
    /// Classical detectors that run beside the alarms.
    pub detectors: Vec<DetectorName>,
    /// Least total variation that a drift must surpass to matter.
    pub least_drift: f64,
    /// From older nomenclatures to newer ones.
    pub crosswalks: Vec<NamedCrosswalk>,
    /// Codes that are shown and watched one by one, however rare.
    pub sensitive_codes: Vec<String>,
    /// Words of texts that say nothing of an activity.
    pub stop_words: StopWords,
    /// About how many texts are read at most; see [`MOST_TEXTS`](super::MOST_TEXTS).
    pub most_texts: u64,
    pub time_zone: TimeZone,
    pub time_zone_name: String,
    pub exclude_sources: Vec<String>,
}

/// A level by its name or its number (1 = coarsest).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelChoice {
    Name(String),
    Number(u8),
}

impl FromStr for LevelChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| LevelChoice::Name(text.replace(['-', ' '], "_")), LevelChoice::Number))
    }
}

/// Where facts are looked up: files read at once, or a store.
pub trait FactSource {
    fn symbols(&self) -> &Symbols;
    /// First and last hour (since 1970, UTC) with a prediction.
    fn hours(&self, series: SeriesId) -> Option<(i64, i64)>;
    fn nomenclature(&self, series: SeriesId) -> Arc<Nomenclature>;
    /// The threshold in force for a model.
    fn threshold(&self, model: &str) -> Option<f64>;
}

/// What will be assessed.
#[derive(Clone)]
pub struct Plan {
    pub workspace: String,
    pub model: String,
    pub series: Vec<SeriesId>,
    /// Series of an older nomenclature that a crosswalk joins to this one.
    pub crossed: Option<Crossed>,
    pub nomenclature: Arc<Nomenclature>,
    /// Confidence from which the model's predictions are accepted automatically.
    pub threshold: Option<f64>,
    pub from: Day,
    pub to: Day,
    pub reference: Option<PlannedReference>,
    /// The only version in the reference, which then is not in what is compared with it.
    pub reference_version: Option<String>,
    pub level: u8,
    pub request: Request,
}

#[derive(Debug, Clone, Copy)]
pub struct PlannedReference {
    pub from: Day,
    pub to: Day,
    pub current_from: Day,
    pub current_to: Day,
    pub chosen: ReferenceChoice,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("there are several models: {}. Choose one with --model", .0.join(", "))]
    SeveralModels(Vec<String>),
    #[error("no prediction of model `{wanted}`; there {}", there_are(.known))]
    UnknownModel { wanted: String, known: Vec<String> },
    #[error("the period ends ({to}) before it begins ({from})")]
    Backwards { from: String, to: String },
    #[error("`{wanted}` is not a level of {nomenclature}; its levels are {}", .known.join(", "))]
    UnknownLevel { wanted: String, nomenclature: String, known: Vec<String> },
    #[error("the model's events name several nomenclatures ({}); choose one with --nomenclature, or join the older to the newer with --crosswalk", .0.join(", "))]
    SeveralNomenclatures(Vec<String>),
}

fn there_are(models: &[String]) -> String {
    if models.is_empty() { "is none at all".to_owned() } else { format!("are {}", models.join(", ")) }
}

/// A series with its first and last hour.
pub(super) type Found = (SeriesId, Series, (i64, i64));

/// Decides what to look at.
///
/// # Errors
/// When the request names something that is not there, or leaves a choice open that only the asker can make.
pub fn plan(source: &dyn FactSource, request: Request) -> Result<Plan, PlanError> {
    let symbols = source.symbols();
    let matches = |s: &Series| {
        let asked = |wish: &Option<String>, symbol| wish.as_deref().is_none_or(|w| w == symbols.text(symbol));
        asked(&request.workspace, s.workspace) && asked(&request.version, s.version)
    };
    // a series without a prediction was only named by a refused event
    let mut found: Vec<Found> = symbols
        .all_series()
        .filter(|(_, s)| matches(s))
        .filter_map(|(id, s)| Some((id, s, source.hours(id)?)))
        .collect();
    let mut models: Vec<String> = found.iter().map(|(_, s, _)| symbols.text(s.model).to_owned()).collect();
    models.sort_unstable();
    models.dedup();
    let model = match &request.model {
        Some(wanted) if models.contains(wanted) => wanted.clone(),
        Some(wanted) => return Err(PlanError::UnknownModel { wanted: wanted.clone(), known: models }),
        None if models.len() > 1 => return Err(PlanError::SeveralModels(models)),
        None => models.pop().unwrap_or_default(),
    };
    found.retain(|(_, s, _)| symbols.text(s.model) == model);
    // by their texts: the numbers tell who came first, which differs between copies and sums of stores
    found.sort_by_key(|(_, s, _)| [s.workspace, s.version, s.nomenclature].map(|symbol| symbols.text(symbol)));
    let other = match &request.reference {
        Some(ReferenceWish::Version(version)) => Some(version.clone()),
        _ => None,
    };
    let (of_other, rest): (Vec<&Found>, Vec<_>) =
        found.iter().partition(|(_, s, _)| other.as_deref() == Some(symbols.text(s.version)));
    let hours_of_other = of_other.iter().map(|(.., hours)| *hours).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let first_of_rest = rest.iter().map(|(.., (first, _))| *first).min();
    let hours_of_other = hours_of_other.filter(|_| first_of_rest.is_some());
    let ever = found.iter().map(|(.., (first, _))| *first).min();
    let crossed = one_nomenclature(source, &request.crosswalks, &mut found)?;
    let nomenclature = found.first().map(|(id, ..)| source.nomenclature(*id));
    let nomenclature = nomenclature.unwrap_or_else(|| Arc::new(Nomenclature::flat("")));
    let threshold = source.threshold(&model);
    let zone = &request.time_zone;
    let first = found.iter().map(|(.., (first, _))| Day::of_hour(*first, zone)).min();
    let last = found.iter().map(|(.., (_, last))| Day::of_hour(*last, zone)).max();
    let (data_from, data_to) = (first.unwrap_or(Day(0)), last.unwrap_or(Day(0)));
    let from = request.from.unwrap_or_else(|| if first.is_some() { data_from } else { request.to.unwrap_or(Day(0)) });
    let to = request.to.unwrap_or(data_to.max(from));
    if to < from {
        return Err(PlanError::Backwards { from: from.to_string(), to: to.to_string() });
    }
    let day = |hour| Day::of_hour(hour, zone);
    let of_version = hours_of_other.map(|(first, last)| (day(first), day(last)));
    let mut reference = planned(&request, (from, to), ever.map(day), of_version)?;
    // days on which nobody else coded are none to compare
    if let (Some(r), Some(first), true) = (&mut reference, first_of_rest, other.is_some()) {
        r.current_from = r.current_from.max(day(first)).min(r.current_to);
    }
    let level = level(&request, &nomenclature)?;
    Ok(Plan {
        workspace: found.first().map_or("default", |(_, s, _)| symbols.text(s.workspace)).to_owned(),
        model,
        series: found.iter().map(|(id, ..)| *id).collect(),
        crossed,
        nomenclature,
        threshold,
        from,
        to,
        reference_version: reference.and(other),
        reference,
        level,
        request,
    })
}

fn level(request: &Request, nomenclature: &Nomenclature) -> Result<u8, PlanError> {
    let names = nomenclature.level_names();
    let found = match &request.level {
        None => Some(nomenclature.depth()),
        Some(LevelChoice::Number(n)) => (1..=nomenclature.depth()).contains(n).then_some(*n),
        Some(LevelChoice::Name(name)) => names.iter().position(|n| n.eq_ignore_ascii_case(name)).map(|i| i as u8 + 1),
    };
    found.ok_or_else(|| PlanError::UnknownLevel {
        wanted: match &request.level {
            Some(LevelChoice::Number(n)) => n.to_string(),
            Some(LevelChoice::Name(name)) => name.clone(),
            None => String::new(),
        },
        nomenclature: nomenclature.name().to_owned(),
        known: names.iter().enumerate().map(|(i, n)| format!("{} ({n})", i + 1)).collect(),
    })
}

/// Which side of a comparison a row is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Reference,
    Current,
}

impl Plan {
    /// Where a row of a day (since 1970) and version belongs; `None` without a reference, and for rows of neither side.
    pub fn side(&self, day: i32, version: &str) -> Option<Side> {
        let r = self.reference?;
        let current = (r.current_from.0..=r.current_to.0).contains(&day);
        let reference = (r.from.0..=r.to.0).contains(&day);
        match &self.reference_version {
            Some(other) if other == version => reference.then_some(Side::Reference),
            Some(_) => current.then_some(Side::Current),
            None if current => Some(Side::Current),
            None => reference.then_some(Side::Reference),
        }
    }

    /// Whether facts of a series are looked at.
    pub fn reads(&self, series: SeriesId) -> bool {
        self.series.contains(&series) || self.crossed.as_ref().is_some_and(|c| c.series.contains(&series))
    }

    pub fn period(&self) -> Period {
        Period { from: self.from.to_string(), to: self.to.to_string() }
    }

    pub fn reference(&self) -> Option<Reference> {
        self.reference.map(|r| Reference {
            period: Period { from: r.from.to_string(), to: r.to.to_string() },
            current: Period { from: r.current_from.to_string(), to: r.current_to.to_string() },
            chosen: r.chosen,
            version: self.reference_version.clone(),
        })
    }

    /// Hours (since 1970, UTC; end excluded) that hold all days of the period and the reference, whatever the zone.
    pub fn hours(&self) -> Vec<(i64, i64)> {
        let run = |from: Day, to: Day| ((i64::from(from.0) - 1) * 24, (i64::from(to.0) + 2) * 24);
        let mut runs = vec![run(self.from, self.to)];
        if let Some(r) = self.reference {
            runs.push(run(r.from, r.to));
        }
        runs.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in runs {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from.max(0), to)),
            }
        }
        merged
    }
}
