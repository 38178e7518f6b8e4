use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use jiff::tz::TimeZone;

use super::{InputArgs, ScopeArgs};
use crate::{
    assess::{MOST_TEXTS, NamedCrosswalk, Naming, ReferenceWish, Request},
    config::Config,
    ingest::{FileFormat, InputFormat, expand},
    nomenclature::{Nomenclature, builtin, builtin_names, crosswalk::Crosswalk, from_csv},
    pipeline::{NomenclatureBook, Sources},
};

/// Nomenclatures and policies: the configuration's, with what the flags say on top.
pub fn naming(config: &Config, scope: &ScopeArgs) -> Result<Naming> {
    let mut policies = config.policies.clone();
    if let Some(threshold) = scope.threshold {
        if !(0.0..=1.0).contains(&threshold) {
            bail!("--threshold is {threshold}; expected 0 to 1");
        }
        policies.default.threshold = Some(threshold);
        policies.models.iter_mut().for_each(|(_, p)| p.threshold = Some(threshold));
    }
    let mut book = NomenclatureBook::default();
    for (name, path) in &config.nomenclatures {
        book.add(name, Arc::new(from_csv(path, name)?));
    }
    if let Some(wanted) = &scope.nomenclature {
        book.force(nomenclature(wanted, config)?);
        policies.default.nomenclature = None;
        policies.models.iter_mut().for_each(|(_, p)| p.nomenclature = None);
    }
    Ok(Naming { book, policies })
}

fn nomenclature(wanted: &str, config: &Config) -> Result<Arc<Nomenclature>> {
    let path = Path::new(wanted);
    if let Some((name, path)) = config.nomenclatures.iter().find(|(name, _)| name == wanted) {
        return Ok(Arc::new(from_csv(path, name)?));
    }
    if let Some(found) = builtin(wanted).filter(|_| !path.is_file()) {
        return Ok(found);
    }
    if path.is_file() {
        let name = path.file_stem().map_or_else(|| wanted.to_owned(), |s| s.to_string_lossy().into_owned());
        return Ok(Arc::new(from_csv(path, &name)?));
    }
    bail!(
        "--nomenclature {wanted}: no such file, and not one of {} or the configuration's own",
        builtin_names().join(", ")
    )
}

/// What the flags ask for.
pub fn request(config: &Config, scope: &ScopeArgs) -> Result<Request> {
    let day = |text: &Option<String>, flag: &str| {
        text.as_deref().map(|t| t.parse().with_context(|| format!("--{flag}"))).transpose()
    };
    let (reference_from, reference_to) =
        (day(&scope.reference_from, "reference-from")?, day(&scope.reference_to, "reference-to")?);
    let days = reference_from.zip(reference_to).map(|(from, to)| ReferenceWish::Days(from, to));
    let named = scope.reference.as_deref().map(|text| text.parse().context("--reference")).transpose()?;
    let (time_zone, time_zone_name) = match &scope.time_zone {
        Some(name) => (zone(name)?, name.clone()),
        None => (config.time_zone.clone(), config.time_zone_name.clone()),
    };
    let confidence_level = scope.confidence_level.unwrap_or(config.confidence_level);
    if !(0.5..1.0).contains(&confidence_level) {
        bail!("--confidence-level is {confidence_level}; expected 0.5 to 0.999");
    }
    let mut crosswalks = config.crosswalks.clone();
    if let Some(path) = &scope.crosswalk {
        let name = || format!("--crosswalk {}", path.display());
        let walk = Crosswalk::from_csv(&std::fs::read_to_string(path).with_context(name)?).with_context(name)?;
        crosswalks.insert(0, NamedCrosswalk { names: None, walk: Arc::new(walk) });
    }
    let level = scope.level.as_deref().or(config.level.as_deref());
    Ok(Request {
        workspace: scope.workspace.clone(),
        model: scope.model.clone(),
        version: scope.version.clone(),
        from: day(&scope.from, "from")?,
        to: day(&scope.to, "to")?,
        reference: days.or(named).or_else(|| config.reference.clone()),
        level: level.and_then(|l| l.parse().ok()),
        confidence_level,
        half_width: config.half_width,
        auto_quality: config.auto_quality,
        alarm_rate: config.alarm_rate,
        detectors: config.detectors.clone(),
        least_drift: config.least_drift,
        crosswalks,
        sensitive_codes: config.sensitive_codes.clone(),
        stop_words: config.stop_words.clone(),
        most_texts: MOST_TEXTS,
        time_zone,
        time_zone_name,
        exclude_sources: config.exclude_sources.clone(),
    })
}

pub fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).with_context(|| format!("--time-zone {name}: expected an IANA name such as Europe/Paris"))
}

/// The files that the flags name, with the layouts that the configuration describes.
pub fn sources(config: &Config, input: &InputArgs) -> Result<Sources> {
    let laid_out = |format: &FileFormat| {
        let named: InputFormat = input.input_format.into();
        let format = format.clone();
        if named == InputFormat::Auto { format } else { FileFormat { format: named, ..format } }
    };
    Ok(Sources {
        predictions: expand(&input.predictions)?,
        corrections: expand(&input.corrections)?,
        events: expand(&input.events)?,
        predictions_format: laid_out(&config.predictions),
        corrections_format: laid_out(&config.corrections),
    })
}
