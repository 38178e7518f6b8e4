use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Html,
};

use super::{App, problem::Problem, summary::Parameters};
use crate::{
    report::{self, Lang, PageContext, Vacancy},
    service::{AskError, Feed},
};

/// The live page: the report's content for a chosen model and period.
pub async fn show(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<(StatusCode, Html<String>), Problem> {
    let Query(parameters) = parameters.map_err(|e| Problem::bad_request(e.body_text()))?;
    let lang: Lang = match parameters.lang.as_deref().filter(|l| !l.is_empty()) {
        Some(text) => text.parse().map_err(|e: report::UnknownLang| Problem::bad_request(e.to_string()))?,
        None => app.lang,
    };
    let failed = |e: report::Error| {
        tracing::error!(error = %e, "the page could not be drawn");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be drawn; the service's log says why")
    };
    let wait = |e: AskError| {
        if !matches!(&e, AskError::Source(e) if e.may_pass()) {
            return Err(e.into());
        }
        let problem = Problem::from(e);
        let reasons = app.service.readiness().reasons.join("; ");
        let detail = if reasons.is_empty() { problem.detail() } else { &reasons };
        let page = report::empty_page(lang, Vacancy::Waiting { detail }).map_err(failed)?;
        Ok((StatusCode::SERVICE_UNAVAILABLE, Html(page)))
    };
    let models = match app.answers.models().await {
        Ok(models) => models,
        Err(e) => return wait(e),
    };
    let mut request = parameters.request(&app.defaults)?;
    if models.is_empty() {
        let vacancy = match &app.service {
            Feed::Journal(_) => Vacancy::Journal,
            Feed::Kafka(s) => {
                Vacancy::Topics { predictions: &s.settings.predictions, corrections: &s.settings.corrections }
            }
        };
        return Ok((StatusCode::OK, Html(report::empty_page(lang, vacancy).map_err(failed)?)));
    }
    // a page cannot ask back: it opens on the first model
    request.model = request.model.or_else(|| models.first().cloned());
    let assessment = match app.answers.ask(request, (app.now)()).await {
        Ok(assessment) => assessment,
        Err(e) => return wait(e),
    };
    let context = PageContext {
        models,
        model: assessment.scope.model.clone(),
        from: assessment.scope.period.from.clone(),
        to: assessment.scope.period.to.clone(),
        status: report::status_line(lang, app.service.lag()),
        refresh: app.refresh,
    };
    Ok((StatusCode::OK, Html(report::page(&assessment, lang, &context).map_err(failed)?)))
}
