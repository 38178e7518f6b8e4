use super::Columns;
use crate::event::{
    Attributes, Candidate, Correction, EventTime, Kind, Prediction, Reason, Reject, Route, Scalar, Status, Text,
};

/// Rows of typed or textual columns, whatever the file format.
pub(super) trait Tabular {
    fn text(&self, column: usize, row: usize) -> Option<&str>;
    /// `Err` holds the text that is not a number.
    fn number(&self, column: usize, row: usize) -> Result<Option<f64>, String>;
    /// `Err` says what is wrong with the time.
    fn time(&self, column: usize, row: usize) -> Result<Option<EventTime>, String>;
    /// A nested column of candidates; text columns hold them as JSON.
    fn candidates(&self, column: usize, row: usize) -> Result<Vec<Candidate<'_>>, Reject>;
}

/// Where a field of the contract comes from: found once a file, asked for every row.
#[derive(Debug, Clone, Default)]
struct Place {
    name: &'static str,
    column: Option<usize>,
    constant: Option<String>,
}

/// Which column holds which field of the contract.
pub(super) struct Layout {
    places: Vec<Place>,
    /// (code, probability) columns, best candidate first.
    pairs: Vec<(usize, usize)>,
    attributes: Vec<(String, usize)>,
    uncodable: Vec<String>,
}

/// Fields of a prediction that a column or a constant may hold.
pub const PREDICTION_FIELDS: [&str; 12] = [
    "prediction_id",
    "model",
    "model_version",
    "nomenclature",
    "predicted_at",
    "status",
    "latency_ms",
    "candidates",
    "confidence",
    "text",
    "route",
    "workspace",
];
/// Fields of a correction that a column or a constant may hold.
pub const CORRECTION_FIELDS: [&str; 11] = [
    "correction_id",
    "prediction_id",
    "code",
    "corrected_at",
    "source",
    "inclusion_probability",
    "revision",
    "annotator",
    "retracted",
    "model",
    "workspace",
];

/// Positions of fields in [`PREDICTION_FIELDS`] and, past those they share, in [`CORRECTION_FIELDS`].
mod prediction {
    pub const ID: usize = 0;
    pub const MODEL: usize = 1;
    pub const VERSION: usize = 2;
    pub const NOMENCLATURE: usize = 3;
    pub const AT: usize = 4;
    pub const STATUS: usize = 5;
    pub const LATENCY: usize = 6;
    pub const CANDIDATES: usize = 7;
    pub const CONFIDENCE: usize = 8;
    pub const TEXT: usize = 9;
    pub const ROUTE: usize = 10;
    pub const WORKSPACE: usize = 11;
}

mod correction {
    pub const ID: usize = 0;
    pub const PREDICTION_ID: usize = 1;
    pub const CODE: usize = 2;
    pub const AT: usize = 3;
    pub const SOURCE: usize = 4;
    pub const INCLUSION: usize = 5;
    pub const REVISION: usize = 6;
    pub const ANNOTATOR: usize = 7;
    pub const RETRACTED: usize = 8;
    pub const MODEL: usize = 9;
    pub const WORKSPACE: usize = 10;
}

impl Layout {
    /// Finds the columns of `kind` among `names`.
    ///
    /// # Errors
    /// Names the required field that has neither a column nor a constant, and the columns there are.
    pub fn find(names: &[String], kind: Kind, columns: &Columns) -> Result<Self, String> {
        let at = |wanted: &str| names.iter().position(|n| n.eq_ignore_ascii_case(wanted));
        let known: &[&'static str] = match kind {
            Kind::Prediction => &PREDICTION_FIELDS,
            Kind::Correction => &CORRECTION_FIELDS,
        };
        let place = |name: &&'static str| Place {
            name,
            column: at(&columns.name(name)),
            constant: columns.constant(name).map(str::to_owned),
        };
        let places: Vec<Place> = known.iter().map(place).collect();
        let mut pairs = Vec::new();
        if kind == Kind::Prediction {
            let pair =
                |code: &str, probability: &str| Some((at(&columns.name(code))?, at(&columns.name(probability))?));
            pairs.extend(pair("code", "probability"));
            pairs.extend((1..=100).map_while(|i| pair(&format!("code_{i}"), &format!("probability_{i}"))));
        }
        let mapped = known.iter().filter(|f| columns.names.contains_key(**f)).map(|f| columns.name(f));
        if let Some(absent) = mapped.chain(columns.attributes.iter().cloned()).find(|name| at(name).is_none()) {
            return Err(format!(
                "no column `{absent}`, which the configuration names (the file has {})",
                names.join(", ")
            ));
        }
        let attributes = columns.attributes.iter().filter_map(|a| Some((a.clone(), at(a)?))).collect();
        let layout = Layout { places, pairs, attributes, uncodable: columns.uncodable.clone() };
        let required: &[&str] = match kind {
            Kind::Prediction => &["prediction_id", "model", "model_version", "nomenclature", "predicted_at"],
            Kind::Correction => &["correction_id", "prediction_id", "code", "corrected_at", "source"],
        };
        for field in required {
            if layout.places.iter().any(|p| p.name == *field && p.column.is_none() && p.constant.is_none()) {
                return Err(format!(
                    "no column for `{field}` (looked for `{}`; the file has {}). Map it in the configuration: \
                     columns = {{ {field} = \"..\" }}, or give the same value to all rows: constants = {{ {field} = \"..\" }}",
                    columns.name(field),
                    names.join(", "),
                ));
            }
        }
        if kind == Kind::Prediction && layout.pairs.is_empty() && layout.places[prediction::CANDIDATES].column.is_none()
        {
            return Err(format!(
                "no candidates: expected `candidates`, or `code_1` and `probability_1`, or `code` and `probability` \
                 (the file has {})",
                names.join(", ")
            ));
        }
        Ok(layout)
    }

    fn optional<'a, T: Tabular>(&'a self, table: &'a T, row: usize, field: usize) -> Option<Text<'a>> {
        let place = &self.places[field];
        let own = place.column.and_then(|c| table.text(c, row));
        own.or(place.constant.as_deref()).map(Text::from)
    }

    fn text<'a, T: Tabular>(&'a self, table: &'a T, row: usize, field: usize) -> Result<Text<'a>, Reject> {
        self.optional(table, row, field).ok_or_else(|| self.missing(field))
    }

    fn missing(&self, field: usize) -> Reject {
        Reject::new(Reason::MissingField, format!("missing field `{}`", self.places[field].name))
    }

    fn number<T: Tabular>(&self, table: &T, row: usize, field: usize) -> Result<Option<f64>, Reject> {
        let place = &self.places[field];
        let own = place.column.map_or(Ok(None), |c| number(table, row, c, place.name))?;
        Ok(own.or_else(|| place.constant.as_ref()?.parse().ok()))
    }

    fn time<T: Tabular>(&self, table: &T, row: usize, field: usize) -> Result<EventTime, Reject> {
        let place = &self.places[field];
        let time = place.column.map_or(Ok(None), |c| table.time(c, row));
        let wrong = |e| Reject::new(Reason::InvalidTime, format!("`{}`: {e}", place.name));
        time.map_err(wrong)?.ok_or_else(|| self.missing(field))
    }

    pub fn prediction<'a, T: Tabular>(&'a self, table: &'a T, row: usize) -> Result<Prediction<'a>, Reject> {
        let candidates = match self.places[prediction::CANDIDATES].column {
            Some(column) => table.candidates(column, row)?,
            None => self.candidate_pairs(table, row)?,
        };
        let status = match self.optional(table, row, prediction::STATUS).as_ref().map(Text::as_str) {
            Some("ok") => Status::Ok,
            Some("error") => Status::Error,
            None if candidates.is_empty() => Status::Error,
            None => Status::Ok,
            Some(other) => return Err(word("status", other, "ok, error")),
        };
        let route = match self.optional(table, row, prediction::ROUTE).as_ref().map(Text::as_str) {
            Some("auto") => Some(Route::Auto),
            Some("manual") => Some(Route::Manual),
            None => None,
            Some(other) => return Err(word("route", other, "auto, manual")),
        };
        let probability = |rank: usize| candidates.get(rank).map(|c| c.probability);
        let margin = || probability(0).map(|p1| p1 - probability(1).unwrap_or(0.0));
        let attributes: Vec<_> = self
            .attributes
            .iter()
            .filter_map(|(name, c)| Some((Text::from(name.as_str()), Scalar::Text(table.text(*c, row)?.into()))))
            .collect();
        Ok(Prediction {
            prediction_id: self.text(table, row, prediction::ID)?,
            model: self.text(table, row, prediction::MODEL)?,
            model_version: self.text(table, row, prediction::VERSION)?,
            nomenclature: self.text(table, row, prediction::NOMENCLATURE)?,
            predicted_at: self.time(table, row, prediction::AT)?,
            status,
            latency_ms: self.number(table, row, prediction::LATENCY)?,
            // INSEE's index of certainty, where the file has none of its own
            confidence: self.number(table, row, prediction::CONFIDENCE)?.or_else(margin),
            candidates,
            text: self.optional(table, row, prediction::TEXT),
            attributes: (!attributes.is_empty()).then_some(Attributes(attributes)),
            route,
            batch_size: None,
            workspace: self.optional(table, row, prediction::WORKSPACE),
        })
    }

    fn candidate_pairs<'a, T: Tabular>(&self, table: &'a T, row: usize) -> Result<Vec<Candidate<'a>>, Reject> {
        let mut candidates = Vec::with_capacity(self.pairs.len());
        for (code, probability) in &self.pairs {
            let Some(code) = table.text(*code, row) else { break };
            let probability = number(table, row, *probability, "probability")?
                .ok_or_else(|| Reject::new(Reason::MissingField, format!("code `{code}` has no probability")))?;
            candidates.push(Candidate { code: code.into(), probability, label: None });
        }
        Ok(candidates)
    }

    pub fn correction<'a, T: Tabular>(&'a self, table: &'a T, row: usize) -> Result<Correction<'a>, Reject> {
        let revision = self.number(table, row, correction::REVISION)?.unwrap_or(1.0);
        if !(0.0..=f64::from(u32::MAX)).contains(&revision) || revision.fract() != 0.0 {
            return Err(word("revision", &revision.to_string(), "a whole number"));
        }
        let retracted = match self.optional(table, row, correction::RETRACTED).as_ref().map(Text::as_str) {
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            None => None,
            Some(other) => return Err(word("retracted", other, "true, false")),
        };
        Ok(Correction {
            correction_id: self.text(table, row, correction::ID)?,
            prediction_id: self.text(table, row, correction::PREDICTION_ID)?,
            code: self
                .optional(table, row, correction::CODE)
                .filter(|c| !self.uncodable.iter().any(|u| u == c.as_str())),
            corrected_at: self.time(table, row, correction::AT)?,
            source: self.text(table, row, correction::SOURCE)?,
            inclusion_probability: self.number(table, row, correction::INCLUSION)?,
            revision: revision as u32,
            annotator: self.optional(table, row, correction::ANNOTATOR),
            retracted,
            model: self.optional(table, row, correction::MODEL),
            workspace: self.optional(table, row, correction::WORKSPACE),
        })
    }
}

fn number<T: Tabular>(table: &T, row: usize, column: usize, field: &str) -> Result<Option<f64>, Reject> {
    let parsed = table.number(column, row);
    parsed.map_err(|text| Reject::new(Reason::WrongType, format!("`{field}` is `{text}`, not a number")))
}

fn word(field: &str, found: &str, allowed: &str) -> Reject {
    let shown: String = found.chars().take(40).collect();
    Reject::new(Reason::InvalidValue, format!("`{field}` is `{shown}` (allowed: {allowed})"))
}
