//! Who, what and when: the head of the report.

use super::{number::DASH, strip::unrouted, texts::Texts};
use crate::assess::assessment::{Assessment, ReferenceChoice};

/// Title and the facts under it.
pub(crate) struct Header {
    pub title: String,
    pub model: String,
    pub period: String,
    /// A term and what it is here.
    pub facts: Vec<(String, String)>,
    pub generated: String,
    pub vigie: String,
}

impl Header {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        let scope = &a.scope;
        let sizes: Vec<_> = scope
            .nomenclature
            .levels
            .iter()
            .zip(&scope.nomenclature.codes)
            .map(|(level, n)| match n {
                // a level whose codes need not be listed
                0 => t.level(level),
                n => format!("{} ({})", t.level(level), t.int(u64::from(*n))),
            })
            .collect();
        let nomenclature = if scope.nomenclature.name.is_empty() {
            // no prediction named one
            DASH.to_owned()
        } else if sizes.is_empty() {
            scope.nomenclature.name.clone()
        } else {
            t.f("header.nomenclature_value", &[("name", &scope.nomenclature.name), ("levels", &sizes.join(", "))])
        };
        let fact = |key: &str, value: String| (t.s(key).to_owned(), value);
        let mut facts = vec![fact("header.nomenclature", nomenclature)];
        if !scope.versions.is_empty() {
            facts.push(fact("header.versions", scope.versions.join(", ")));
        }
        facts.push(fact("header.reference", reference(t, a)));
        let threshold = match scope.threshold {
            Some(x) => t.f("header.threshold_value", &[("x", &t.dec(x, 2))]),
            None if unrouted(a) => t.s("header.threshold_unrouted").to_owned(),
            None => t.s("header.threshold_none").to_owned(),
        };
        facts.push(fact("header.threshold", threshold));
        facts.push(fact("header.zone", scope.time_zone.clone()));
        Self {
            title: t.f("header.title", &[("model", &scope.model)]),
            model: if scope.model.is_empty() { DASH.to_owned() } else { scope.model.clone() },
            // without a prediction and without a wish there is no period: events begin in 2000
            period: if scope.period.from.as_str() < "2000" { DASH.to_owned() } else { t.period(&scope.period) },
            facts,
            generated: t.instant(&scope.generated_at, &scope.time_zone),
            vigie: t.f("header.made_by", &[("version", &scope.vigie_version)]),
        }
    }
}

fn reference(t: &Texts, a: &Assessment) -> String {
    let Some(reference) = &a.scope.reference else { return t.s("header.reference_none").to_owned() };
    let how = chosen(reference.chosen);
    let period = t.period(&reference.period);
    if let Some(version) = &reference.version {
        return t.f("header.reference_version", &[("period", &period), ("version", version)]);
    }
    if reference.current == a.scope.period {
        t.f("header.reference_value", &[("period", &period), ("how", t.s(how))])
    } else {
        let current = t.period(&reference.current);
        t.f("header.reference_part", &[("period", &period), ("how", t.s(how)), ("current", &current)])
    }
}

/// Why nothing can be compared: no reference, none with predictions, or none where one was asked for.
pub(crate) fn no_reference(t: &Texts, a: &Assessment, wish: &str) -> String {
    match &a.scope.reference {
        Some(reference) => {
            let period = t.period(&reference.period);
            t.f("warning.no_reference_rows", &[("period", &period), ("how", t.s(chosen(reference.chosen)))])
        }
        None if wish.is_empty() => t.s("warning.no_reference").to_owned(),
        None => t.f("warning.no_reference_days", &[("subject", wish)]),
    }
}

/// The key of how a reference was chosen.
fn chosen(choice: ReferenceChoice) -> &'static str {
    match choice {
        ReferenceChoice::Given => "header.chosen_given",
        ReferenceChoice::Preceding => "header.chosen_preceding",
        ReferenceChoice::FirstHalf => "header.chosen_first_half",
        ReferenceChoice::LastYear => "header.chosen_last_year",
        ReferenceChoice::LastYearDates => "header.chosen_last_year_dates",
        ReferenceChoice::Version => "header.chosen_version",
        ReferenceChoice::Trailing => "header.chosen_trailing",
    }
}
