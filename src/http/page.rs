use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Html,
};

use super::{App, problem::Problem, summary::Parameters};
use crate::{
    report::{self, Lang, PageContext},
    service::AskError,
};

/// The live page: the report's content for a chosen model and period.
pub async fn show(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let Query(parameters) = parameters.map_err(|e| Problem::bad_request(e.body_text()))?;
    let lang: Lang = match parameters.lang.as_deref().filter(|l| !l.is_empty()) {
        Some(text) => text.parse().map_err(|e: report::UnknownLang| Problem::bad_request(e.to_string()))?,
        None => app.lang,
    };
    let failed = |e: report::Error| {
        tracing::error!(error = %e, "the page could not be drawn");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be drawn; the service's log says why")
    };
    let models = app.answers.models().await?;
    let mut request = parameters.request(&app.defaults)?;
    if models.is_empty() {
        return Ok(Html(report::empty_page(lang, report::empty_message(lang)).map_err(failed)?));
    }
    // a page cannot ask back: it opens on the first model
    request.model = request.model.or_else(|| models.first().cloned());
    let assessment = app.answers.ask(request, (app.now)()).await.map_err(|e: AskError| Problem::from(e))?;
    let context = PageContext {
        models,
        model: assessment.scope.model.clone(),
        from: assessment.scope.period.from.clone(),
        to: assessment.scope.period.to.clone(),
        status: report::status_line(lang, app.service.lag()),
        refresh: app.refresh,
    };
    Ok(Html(report::page(&assessment, lang, &context).map_err(failed)?))
}
