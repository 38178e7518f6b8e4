//! The sentences of a report, keyed, in both languages.
//!
//! `reports/texts.fr.toml` and `reports/texts.en.toml` hold the same keys with the same `{placeholders}`; the French
//! file is written with plain spaces and apostrophes, and its typography is set once, when it is read.

use std::{collections::BTreeMap, sync::OnceLock};

use super::lang::Lang;

const FRENCH: &str = include_str!("../../reports/texts.fr.toml");
const ENGLISH: &str = include_str!("../../reports/texts.en.toml");

/// Narrow no-break space: before French double punctuation, between thousands, before a unit.
pub(crate) const NARROW: char = '\u{202f}';

/// Every sentence of one language.
#[derive(Debug)]
pub struct Texts {
    pub(crate) lang: Lang,
    sentences: BTreeMap<String, String>,
}

impl Texts {
    /// The sentences of `lang`, read once.
    pub fn of(lang: Lang) -> &'static Self {
        static TEXTS: [OnceLock<Texts>; 2] = [OnceLock::new(), OnceLock::new()];
        match lang {
            Lang::Fr => TEXTS[0].get_or_init(|| Self::read(lang, FRENCH)),
            Lang::En => TEXTS[1].get_or_init(|| Self::read(lang, ENGLISH)),
        }
    }

    fn read(lang: Lang, source: &str) -> Self {
        let tree: toml::Table = toml::from_str(source).unwrap_or_default();
        let mut sentences = BTreeMap::new();
        for (section, keys) in tree {
            let toml::Value::Table(keys) = keys else { continue };
            for (key, value) in keys {
                if let toml::Value::String(text) = value {
                    let text = text.replace('\'', "’");
                    let text = if lang == Lang::Fr { french(&text) } else { text };
                    sentences.insert(format!("{section}.{key}"), text);
                }
            }
        }
        Self { lang, sentences }
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.sentences.keys().map(String::as_str)
    }

    /// The sentence under `key` if there is one.
    pub fn find(&self, key: &str) -> Option<&str> {
        self.sentences.get(key).map(String::as_str)
    }

    /// The sentence under `key`; the key itself when it is missing, so that a gap is seen.
    pub fn s<'a>(&'a self, key: &'a str) -> &'a str {
        self.find(key).unwrap_or(key)
    }

    /// The sentence under `key` with its `{placeholders}` filled; one pass, so a value is never read as a pattern.
    pub fn f(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut rest = self.s(key);
        let mut out = String::with_capacity(rest.len() + 32);
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}') else { break };
            let name = &rest[open + 1..open + close];
            out.push_str(&rest[..open]);
            match values.iter().find(|(key, _)| *key == name) {
                Some((_, value)) => out.push_str(value),
                None => out.push_str(&rest[open..=open + close]),
            }
            rest = &rest[open + close + 1..];
        }
        out.push_str(rest);
        out
    }

    /// `key.one` or `key.many`, filled with the count `n` and the other values.
    pub fn count(&self, key: &str, n: u64, values: &[(&str, &str)]) -> String {
        let single = if self.lang == Lang::Fr { n < 2 } else { n == 1 };
        let number = self.int(n);
        let mut all = vec![("n", number.as_str())];
        all.extend_from_slice(values);
        self.f(&format!("{key}_{}", if single { "one" } else { "many" }), &all)
    }

    /// The reader's word for a level of a nomenclature; the file's own word when it is not a usual one.
    pub fn level(&self, name: &str) -> String {
        let plain = name.trim().to_lowercase().replace(['-', ' '], "_");
        if let Some(rank) = plain.strip_prefix("level_") {
            return self.f("level.numbered", &[("n", rank)]);
        }
        let key = match plain.as_str() {
            "section" => "level.section",
            "division" => "level.division",
            "group" | "groupe" => "level.group",
            "class" | "classe" => "level.class",
            "subclass" | "sub_class" | "sous_classe" => "level.subclass",
            _ => return name.to_owned(),
        };
        self.s(key).to_owned()
    }

    /// A level as sentences name it: `niveau sous-classe`, `sub-class level`.
    pub fn level_phrase(&self, name: &str) -> String {
        let word = self.level(name);
        let numbered = name.trim().to_lowercase().starts_with("level_");
        if numbered { word } else { self.f("level.phrase", &[("level", &word)]) }
    }

    /// The reader's word for a route (`all`, `auto`, `manual`).
    pub fn route(&self, route: &str) -> String {
        self.find(&format!("route.{route}")).unwrap_or(route).to_owned()
    }

    /// The reader's word for a stable word of the contract under `section`; underscores become spaces otherwise.
    pub fn word(&self, section: &str, word: &str) -> String {
        self.find(&format!("{section}.{word}")).map_or_else(|| word.replace('_', " "), str::to_owned)
    }
}

/// Puts no-break spaces where French typography wants them.
fn french(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            (' ', Some(';' | ':' | '?' | '!' | '%' | '»')) => out.push(NARROW),
            ('«', Some(' ')) => {
                chars.next();
                out.push('«');
                out.push(NARROW);
            }
            _ => out.push(c),
        }
    }
    out
}
