use std::{env, fs, time::Duration};

use super::{
    Config, ConfigErrors,
    section::{Found, Section},
};
use crate::ingest::kafka::{KafkaSettings, OnGap, RESERVED_PROPERTIES};

/// The `[kafka]` section.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// Without the secrets, which are read when they are needed.
    pub settings: KafkaSettings,
    /// Property, and where its value is.
    pub secrets: Vec<(String, Secret)>,
    /// Addresses of the other replicas of the group.
    pub peers: Vec<String>,
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    Variable(String),
    File(std::path::PathBuf),
}

/// Parts of property names whose values never stand in the file.
const SECRET_PARTS: [&str; 4] = ["password", "secret", "oauthbearer.config", ".pem"];

pub(super) fn read(s: &Section<'_>, config: &mut Config) {
    let mut settings =
        KafkaSettings { dead_letters: Some("vigie-dead-letters".to_owned()), ..KafkaSettings::default() };
    let name = |key| s.value(key).and_then(|found| found.name().map(str::to_owned));
    match name("brokers") {
        Some(brokers) => settings.brokers = brokers,
        // the environment may name them, as it does in containers
        None if env::var_os(KafkaConfig::BROKERS_VARIABLE).is_some() => {}
        None => s.note("brokers is missing; give addresses, such as \"kafka-1:9092,kafka-2:9092\"".to_owned()),
    }
    super::set(&mut settings.group, name("group"));
    settings.instance = name("instance");
    super::set(&mut settings.predictions, name("predictions"));
    super::set(&mut settings.corrections, name("corrections"));
    if settings.predictions == settings.corrections {
        s.note("predictions and corrections are the same topic; each kind needs its own".to_owned());
    }
    super::set(&mut settings.dead_letters, topic_or_none(s, "dead_letters"));
    super::set(&mut settings.alerts, topic_or_none(s, "alerts"));
    let whole = |n: f64, from: f64, to: f64| (from..=to).contains(&n) && n.fract() == 0.0;
    let max_lag = s.number("max_lag", "whole events, 0 to 1e12", |n| whole(n, 0.0, 1e12));
    super::set(&mut settings.max_lag, max_lag.map(|n| n as u64));
    let days = s.number("horizon_days", "whole days, 1 to 36500", |n| whole(n, 1.0, 36_500.0));
    super::set(&mut settings.horizon, days.map(|n| Duration::from_secs(n as u64 * 86_400)));
    let drain = s.number("drain_seconds", "whole seconds, 1 to 600", |n| whole(n, 1.0, 600.0));
    super::set(&mut settings.drain, drain.map(|n| Duration::from_secs(n as u64)));
    super::set(&mut settings.on_gap, s.choice("on_gap", &[("stop", OnGap::Stop), ("continue", OnGap::Continue)]));
    settings.properties = properties(s);
    let peers = s.texts("peers").unwrap_or_default();
    if let Some(found) = s.value("peers")
        && peers.iter().any(|p| !p.starts_with("http://"))
    {
        found.refuse("addresses of replicas, such as [\"http://vigie-1:8642\"]");
    }
    config.kafka = Some(KafkaConfig { settings, secrets: secrets(s), peers });
}

/// A topic's name, or `false` for none.
fn topic_or_none(s: &Section<'_>, key: &'static str) -> Option<Option<String>> {
    let found = s.value(key)?;
    if found.is_false() {
        return Some(None);
    }
    if found.as_text().is_none() {
        found.refuse("a topic's name, or false for none");
        return None;
    }
    found.name().map(|name| Some(name.to_owned()))
}

fn properties(s: &Section<'_>) -> Vec<(String, String)> {
    let given = s.entries("properties").into_iter().filter_map(|(name, found)| {
        if let Some((_, instead)) = RESERVED_PROPERTIES.iter().find(|(reserved, _)| *reserved == name) {
            found.note(format!("Vigie sets this itself; instead there is {instead}"));
            return None;
        }
        if SECRET_PARTS.iter().any(|part| name.contains(part)) && !name.ends_with("location") {
            // the value is not repeated: messages end up in logs
            found.note(
                "secrets are not kept here; under [kafka.secrets] give \"env:VARIABLE\" or \"file:PATH\"".to_owned(),
            );
            return None;
        }
        let value = found.scalar();
        if value.is_none() {
            found.refuse("a text, a number, true or false");
        }
        Some((name.to_owned(), value?))
    });
    given.collect()
}

fn secrets(s: &Section<'_>) -> Vec<(String, Secret)> {
    let given = s.entries("secrets").into_iter().filter_map(|(name, found)| {
        if let Some((_, instead)) = RESERVED_PROPERTIES.iter().find(|(reserved, _)| *reserved == name) {
            found.note(format!("Vigie sets this itself; instead there is {instead}"));
            return None;
        }
        let secret = secret(&found);
        if secret.is_none() {
            found.note("give where the secret is: \"env:VARIABLE\" or \"file:PATH\"".to_owned());
        }
        Some((name.to_owned(), secret?))
    });
    given.collect()
}

fn secret(found: &Found<'_>) -> Option<Secret> {
    match found.as_text()?.split_once(':')? {
        ("env", name) if !name.is_empty() => Some(Secret::Variable(name.to_owned())),
        ("file", path) if !path.is_empty() => Some(Secret::File(found.beside(path))),
        _ => None,
    }
}

impl KafkaConfig {
    /// Environment variable that names the replica; goes before `kafka.instance`, as replicas share a file.
    pub const INSTANCE_VARIABLE: &str = "VIGIE_KAFKA_INSTANCE";
    /// Environment variable with the brokers' addresses; goes before `kafka.brokers`.
    pub const BROKERS_VARIABLE: &str = "VIGIE_KAFKA_BROKERS";

    /// Settings with secrets and what the environment says.
    ///
    /// # Errors
    /// When a secret is not where it should be.
    pub fn resolved(&self) -> Result<KafkaSettings, ConfigErrors> {
        let mut settings = self.settings.clone();
        for (property, secret) in &self.secrets {
            let value = match secret {
                Secret::Variable(name) => env::var(name).map_err(|_| {
                    let message = format!("kafka.secrets names it for {property}, and it is not set");
                    ConfigErrors::of_file(name, message)
                })?,
                Secret::File(path) => fs::read_to_string(path).map_err(|e| {
                    let message = format!("kafka.secrets names it for {property}, and it cannot be read: {e}");
                    ConfigErrors::of_file(&path.display().to_string(), message)
                })?,
            };
            settings.properties.push((property.clone(), value.trim_end_matches(['\n', '\r']).to_owned()));
        }
        let variable = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        settings.instance = variable(Self::INSTANCE_VARIABLE).or(settings.instance);
        super::set(&mut settings.brokers, variable(Self::BROKERS_VARIABLE));
        Ok(settings)
    }
}
