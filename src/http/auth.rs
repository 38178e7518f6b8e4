use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use base64::Engine as _;

use super::{Token, problem::Problem};

/// With a token configured, everything but health asks for it: as a bearer token, or as the password of HTTP Basic,
/// which is what a browser can send.
pub async fn check(State(token): State<Option<Token>>, request: Request, next: Next) -> Response {
    let Some(token) = token else { return next.run(request).await };
    let given = given(request.headers());
    if given.is_some_and(|g| token.matches(&g)) {
        return next.run(request).await;
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "send the service's token: `Authorization: Bearer TOKEN`");
    ([(header::WWW_AUTHENTICATE, "Basic realm=\"vigie\", Bearer")], problem).into_response()
}

fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(base64::prelude::BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_and_basic_both_carry_the_token() {
        let header = |v: &str| {
            let mut h = HeaderMap::new();
            h.insert(header::AUTHORIZATION, v.parse().unwrap());
            given(&h)
        };
        assert_eq!(header("Bearer s3cret").as_deref(), Some("s3cret"));
        assert_eq!(header("Basic dmlnaWU6czNjcmV0").as_deref(), Some("s3cret"));
        assert_eq!(header("Basic ???"), None);
        assert_eq!(header("s3cret"), None);
    }
}
