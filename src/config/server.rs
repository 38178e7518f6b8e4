use std::{env, fs, ops::RangeInclusive};

use super::{Config, ConfigErrors, section::Section, set};

impl Config {
    /// Environment variable that holds the token; goes before [`Config::token_file`].
    pub const TOKEN_VARIABLE: &str = "VIGIE_TOKEN";

    /// The token that clients must show; `None` = none is asked for.
    ///
    /// # Errors
    /// When the file cannot be read, or the token is empty: that would let everyone in.
    pub fn token(&self) -> Result<Option<String>, ConfigErrors> {
        let (origin, text) = match (env::var(Self::TOKEN_VARIABLE), &self.token_file) {
            (Ok(text), _) => (Self::TOKEN_VARIABLE.to_owned(), text),
            (Err(env::VarError::NotUnicode(_)), _) => {
                return Err(ConfigErrors::of_file(Self::TOKEN_VARIABLE, "the token is not UTF-8".to_owned()));
            }
            (Err(env::VarError::NotPresent), Some(path)) => {
                let name = path.display().to_string();
                let text = fs::read_to_string(path).map_err(|e| {
                    ConfigErrors::of_file(&name, format!("the token file (server.token_file) cannot be read: {e}"))
                })?;
                (name, text)
            }
            (Err(env::VarError::NotPresent), None) => return Ok(None),
        };
        let token = text.trim();
        if token.is_empty() {
            return Err(ConfigErrors::of_file(&origin, "the token is empty; give one, or none at all".to_owned()));
        }
        Ok(Some(token.to_owned()))
    }
}

pub(super) fn read(s: &Section<'_>, config: &mut Config) {
    if let Some(token) = s.value("token") {
        // the value is not repeated: messages end up in logs
        token.note("secrets are not kept here; use token_file = \"..\" or the variable VIGIE_TOKEN".to_owned());
    }
    let max_body = s.value("max_body").and_then(|found| {
        let size = found.as_text().map_or_else(|| found.as_number(), size);
        let size = size.filter(|n| SIZES.contains(n) && n.fract() == 0.0);
        if size.is_none() {
            found.refuse("bytes, or a text such as \"64 MiB\"; 1 KiB to 4 GiB");
        }
        size
    });
    let address = "an address and a port, such as \"127.0.0.1:8642\" or \"[::]:8642\"";
    set(&mut config.listen, s.parsed("listen", address, |t| t.parse().ok()));
    config.token_file = s.path("token_file");
    set(&mut config.max_body, max_body.map(|n| n as usize));
    let seconds = |n: f64| (1.0..=3600.0).contains(&n) && n.fract() == 0.0;
    config.refresh_seconds = s.number("refresh_seconds", "whole seconds, 1 to 3600", seconds).map(|n| n as u32);
}

const SIZES: RangeInclusive<f64> = 1024.0..=4_294_967_296.0;

fn size(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u32,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    Some(text[..digits].parse::<u64>().ok()? as f64 * f64::from(unit))
}
