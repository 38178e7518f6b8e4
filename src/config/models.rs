use std::path::PathBuf;

use super::section::{Section, suggest};
use crate::{
    ingest::{Policies, Policy, ReviewRates},
    nomenclature::{builtin, builtin_names},
};

/// `[models.default]`, and `[models."name"]` for those that differ from it in some keys.
pub(super) fn read(top: &Section<'_>, own: &[(String, PathBuf)]) -> Policies {
    let mut named = top.entries("models");
    let default = named.iter().position(|(name, _)| *name == "default").map(|i| named.remove(i));
    let default = default.and_then(|(_, found)| found.section(|s| policy(s, &Policy::default(), own)));
    let default = default.unwrap_or_default();
    let models = named.into_iter().filter_map(|(name, found)| {
        let policy = found.section(|s| policy(s, &default, own))?;
        Some((name.to_owned(), policy))
    });
    Policies { models: models.collect(), default: default.clone() }
}

fn policy(s: &Section<'_>, default: &Policy, own: &[(String, PathBuf)]) -> Policy {
    let threshold = s.number("threshold", "a confidence from 0 to 1", |x| (0.0..=1.0).contains(&x));
    let review_rates = s.section("review_rates", |rates| {
        let rate = |key| rates.number(key, "a probability above 0, at most 1", |x| x > 0.0 && x <= 1.0);
        ReviewRates {
            auto: rate("auto").or(default.review_rates.auto),
            manual: rate("manual").or(default.review_rates.manual),
        }
    });
    Policy {
        threshold: threshold.or(default.threshold),
        review_rates,
        nomenclature: nomenclature(s, own).or_else(|| default.nomenclature.clone()),
        texts: s.number("texts", "a share from 0 to 1", |x| (0.0..=1.0).contains(&x)).or(default.texts),
        annotators: s.flag("annotators").unwrap_or(default.annotators),
    }
}

/// A misspelt name would make every code stand for itself at one level, so it must be a known one.
fn nomenclature(s: &Section<'_>, own: &[(String, PathBuf)]) -> Option<String> {
    let found = s.value("nomenclature")?;
    let name = found.name()?;
    if builtin(name).is_none() && own.iter().all(|(n, _)| n != name) {
        let known: Vec<&str> = own.iter().map(|(n, _)| n.as_str()).chain(builtin_names()).collect();
        found.note(format!(
            "there is no nomenclature {name:?}; {}, or add it under [nomenclatures]",
            suggest(name, &known)
        ));
    }
    Some(name.to_owned())
}
