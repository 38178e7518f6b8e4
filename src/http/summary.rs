use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, problem::Problem};
use crate::{
    assess::{ReferenceError, ReferenceWish, Request},
    report,
};

/// What a page or a summary is asked for; empty values count as absent, since an HTML form sends them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    pub workspace: Option<String>,
    pub model: Option<String>,
    pub version: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// As `--reference` names it.
    pub reference: Option<String>,
    pub reference_from: Option<String>,
    pub reference_to: Option<String>,
    pub level: Option<String>,
    pub lang: Option<String>,
}

impl Parameters {
    pub fn request(&self, defaults: &Request) -> Result<Request, Problem> {
        let given = |field: &Option<String>| field.clone().filter(|s| !s.is_empty());
        let day = |field: &Option<String>, name: &str| {
            given(field).map(|t| t.parse().map_err(|e| Problem::bad_request(format!("{name}: {e}")))).transpose()
        };
        let named = given(&self.reference)
            .map(|text| text.parse().map_err(|e: ReferenceError| Problem::bad_request(format!("reference: {e}"))));
        let days = (day(&self.reference_from, "reference_from")?, day(&self.reference_to, "reference_to")?);
        let reference = match (days, named.transpose()?) {
            ((None, None), named) => named.or_else(|| defaults.reference.clone()),
            (_, Some(_)) => {
                return Err(Problem::bad_request("give reference, or reference_from and reference_to, not both"));
            }
            ((Some(from), Some(to)), None) => Some(ReferenceWish::Days(from, to)),
            _ => return Err(Problem::bad_request("reference_from and reference_to go together")),
        };
        Ok(Request {
            workspace: given(&self.workspace),
            model: given(&self.model),
            version: given(&self.version),
            from: day(&self.from, "from")?,
            to: day(&self.to, "to")?,
            reference,
            level: given(&self.level).and_then(|l| l.parse().ok()).or_else(|| defaults.level.clone()),
            ..defaults.clone()
        })
    }
}

/// The assessment as JSON: the same numbers as the page and the report.
pub async fn show(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(parameters) = parameters.map_err(|e| Problem::bad_request(e.body_text()))?;
    let request = parameters.request(&app.defaults)?;
    let assessment = app.answers.ask(request, (app.now)()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report::json(&assessment)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    limit: Option<usize>,
}

/// The newest refused events.
pub async fn dead_letters(
    State(app): State<App>,
    limit: Result<Query<Limit>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(limit) = limit.map_err(|e| Problem::bad_request(e.body_text()))?;
    let limit = limit.limit.unwrap_or(100).min(1000);
    let letters = app.service.dead_letters(limit).map_err(|e| Problem::from(crate::service::AskError::from(e)))?;
    let shown = letters.into_iter().map(|l| {
        json!({
            "source": l.source, "position": l.position, "kind": l.kind, "reason": l.reason, "detail": l.detail,
            "raw": String::from_utf8_lossy(&l.raw),
        })
    });
    Ok(Json(shown.collect()))
}
