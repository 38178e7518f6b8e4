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

/// Which column holds which field of the contract.
pub(super) struct Layout<'c> {
    columns: &'c Columns,
    fields: Vec<(&'static str, usize)>,
    /// (code, probability) columns, best candidate first.
    pairs: Vec<(usize, usize)>,
    attributes: Vec<(String, usize)>,
}

pub(super) const PREDICTION_FIELDS: [&str; 12] = [
    "prediction_id", "model", "model_version", "nomenclature", "predicted_at", "status", "latency_ms", "candidates",
    "confidence", "text", "route", "workspace",
];
pub(super) const CORRECTION_FIELDS: [&str; 11] = [
    "correction_id", "prediction_id", "code", "corrected_at", "source", "inclusion_probability", "revision",
    "annotator", "retracted", "model", "workspace",
];

impl<'c> Layout<'c> {
    /// Finds the columns of `kind` among `names`.
    ///
    /// # Errors
    /// Names the required field that has neither a column nor a constant, and the columns there are.
    pub fn find(names: &[String], kind: Kind, columns: &'c Columns) -> Result<Self, String> {
        let at = |wanted: &str| names.iter().position(|n| n.eq_ignore_ascii_case(wanted));
        let known: &[&'static str] = match kind {
            Kind::Prediction => &PREDICTION_FIELDS,
            Kind::Correction => &CORRECTION_FIELDS,
        };
        let fields: Vec<_> = known.iter().filter_map(|f| Some((*f, at(&columns.name(f))?))).collect();
        let mut pairs = Vec::new();
        if kind == Kind::Prediction {
            let pair = |code: &str, probability: &str| Some((at(&columns.name(code))?, at(&columns.name(probability))?));
            pairs.extend(pair("code", "probability"));
            pairs.extend((1..=100).map_while(|i| pair(&format!("code_{i}"), &format!("probability_{i}"))));
        }
        let attributes = columns.attributes.iter().filter_map(|a| Some((a.clone(), at(a)?))).collect();
        let layout = Layout { columns, fields, pairs, attributes };
        let required: &[&str] = match kind {
            Kind::Prediction => &["prediction_id", "model", "model_version", "nomenclature", "predicted_at"],
            Kind::Correction => &["correction_id", "prediction_id", "code", "corrected_at", "source"],
        };
        for field in required {
            if layout.column(field).is_none() && columns.constant(field).is_none() {
                return Err(format!(
                    "no column for `{field}` (looked for `{}`; the file has {}). Map it in the configuration: \
                     [columns] {field} = \"..\", or give a constant: [constants] {field} = \"..\"",
                    columns.name(field),
                    names.join(", "),
                ));
            }
        }
        if kind == Kind::Prediction && layout.pairs.is_empty() && layout.column("candidates").is_none() {
            return Err(format!(
                "no candidates: expected `candidates`, or `code_1` and `probability_1`, or `code` and `probability` \
                 (the file has {})",
                names.join(", ")
            ));
        }
        Ok(layout)
    }

    fn column(&self, field: &str) -> Option<usize> {
        self.fields.iter().find(|(f, _)| *f == field).map(|(_, c)| *c)
    }

    fn optional<'a, T: Tabular>(&'a self, table: &'a T, row: usize, field: &str) -> Option<Text<'a>> {
        let own = self.column(field).and_then(|c| table.text(c, row));
        own.or_else(|| self.columns.constant(field)).map(Text::from)
    }

    fn text<'a, T: Tabular>(&'a self, table: &'a T, row: usize, field: &str) -> Result<Text<'a>, Reject> {
        self.optional(table, row, field)
            .ok_or_else(|| Reject::new(Reason::MissingField, format!("missing field `{field}`")))
    }

    fn number<T: Tabular>(&self, table: &T, row: usize, field: &str) -> Result<Option<f64>, Reject> {
        self.column(field).map_or(Ok(None), |c| number(table, row, c, field))
    }

    fn time<T: Tabular>(&self, table: &T, row: usize, field: &str) -> Result<EventTime, Reject> {
        let column = self.column(field);
        let missing = || Reject::new(Reason::MissingField, format!("missing field `{field}`"));
        let time = column.map_or(Ok(None), |c| table.time(c, row));
        time.map_err(|e| Reject::new(Reason::InvalidTime, format!("`{field}`: {e}")))?.ok_or_else(missing)
    }

    pub fn prediction<'a, T: Tabular>(&'a self, table: &'a T, row: usize) -> Result<Prediction<'a>, Reject> {
        let candidates = match self.column("candidates") {
            Some(column) => table.candidates(column, row)?,
            None => self.candidate_pairs(table, row)?,
        };
        let status = match self.optional(table, row, "status").as_ref().map(Text::as_str) {
            Some("ok") => Status::Ok,
            Some("error") => Status::Error,
            None if candidates.is_empty() => Status::Error,
            None => Status::Ok,
            Some(other) => return Err(word("status", other, "ok, error")),
        };
        let route = match self.optional(table, row, "route").as_ref().map(Text::as_str) {
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
            prediction_id: self.text(table, row, "prediction_id")?,
            model: self.text(table, row, "model")?,
            model_version: self.text(table, row, "model_version")?,
            nomenclature: self.text(table, row, "nomenclature")?,
            predicted_at: self.time(table, row, "predicted_at")?,
            status,
            latency_ms: self.number(table, row, "latency_ms")?,
            // INSEE's index of certainty, where the file has none of its own
            confidence: self.number(table, row, "confidence")?.or_else(margin),
            candidates,
            text: self.optional(table, row, "text"),
            attributes: (!attributes.is_empty()).then_some(Attributes(attributes)),
            route,
            batch_size: None,
            workspace: self.optional(table, row, "workspace"),
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
        let revision = self.number(table, row, "revision")?.unwrap_or(1.0);
        if !(0.0..=f64::from(u32::MAX)).contains(&revision) || revision.fract() != 0.0 {
            return Err(word("revision", &revision.to_string(), "a whole number"));
        }
        let retracted = match self.optional(table, row, "retracted").as_ref().map(Text::as_str) {
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            None => None,
            Some(other) => return Err(word("retracted", other, "true, false")),
        };
        Ok(Correction {
            correction_id: self.text(table, row, "correction_id")?,
            prediction_id: self.text(table, row, "prediction_id")?,
            code: self.optional(table, row, "code"),
            corrected_at: self.time(table, row, "corrected_at")?,
            source: self.text(table, row, "source")?,
            inclusion_probability: self.number(table, row, "inclusion_probability")?,
            revision: revision as u32,
            annotator: self.optional(table, row, "annotator"),
            retracted,
            model: self.optional(table, row, "model"),
            workspace: self.optional(table, row, "workspace"),
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
