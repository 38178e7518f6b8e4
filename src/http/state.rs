use std::{fmt, sync::Arc};

use crate::{
    assess::Request,
    report::Lang,
    service::{Answers, Feed},
};

/// A bearer token; never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn new(token: String) -> Self {
        Token(token)
    }

    /// Takes as long for a wrong token as for the right one.
    pub fn matches(&self, other: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What every route sees.
#[derive(Clone)]
pub struct App {
    pub service: Feed,
    pub answers: Arc<Answers>,
    pub token: Option<Token>,
    /// What an open request falls back on: zone, level, intervals.
    pub defaults: Arc<Request>,
    pub lang: Lang,
    /// Largest body of one POST, in bytes, after decompression too.
    pub max_body: usize,
    /// Seconds after which the page loads itself again.
    pub refresh: Option<u32>,
    /// Where the shell looks at the clock.
    pub now: fn() -> String,
}
