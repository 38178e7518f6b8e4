//! `vigie.toml`: what a deployment decides, checked as a whole before anything runs.
//!
//! Every problem of a file is found in one reading and said with its line, the value found and what is allowed. Unknown
//! keys are refused: a misspelt threshold must not silently be no threshold. `docs/configuration.md` lists all keys.

mod crosswalks;
mod files;
mod kafka;
mod models;
mod problem;
mod section;
mod server;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
pub use kafka::{KafkaConfig, Secret};
pub use problem::{ConfigErrors, Problem};
use section::{Section, Source};

use crate::{
    assess::{NamedCrosswalk, ReferenceWish, assessment::DetectorName},
    ingest::{FileFormat, Policies},
    measure::terms::stop_words::StopWords,
    report::Lang,
};

/// Everything that `vigie.toml` says, checked, with defaults where it says nothing.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from; `None` = defaults.
    pub path: Option<PathBuf>,
    pub listen: SocketAddr,
    /// File that holds the token which clients must show; see [`Config::token`].
    pub token_file: Option<PathBuf>,
    /// Greatest body of a request, in bytes.
    pub max_body: usize,
    /// Seconds between two refreshes of the page; `None`: it does not refresh itself.
    pub refresh_seconds: Option<u32>,
    /// Where the service keeps its journal and store.
    pub data_dir: PathBuf,
    /// Zone in which days and weeks begin.
    pub time_zone: TimeZone,
    /// Its IANA name.
    pub time_zone_name: String,
    /// `fr` or `en`.
    pub lang: Option<String>,
    /// Level that reports open with: its name, or its number from 1 (coarsest).
    pub level: Option<String>,
    /// What drift is measured against where nothing else is asked for.
    pub reference: Option<ReferenceWish>,
    /// Of every interval.
    pub confidence_level: f64,
    /// Least accuracy of automatic coding that thresholds are judged by.
    pub auto_quality: f64,
    /// Expected share of alarms that ring in vain.
    pub alarm_rate: f64,
    /// Classical detectors that run beside the alarms.
    pub detectors: Vec<DetectorName>,
    /// Least total variation that a drift must surpass to matter.
    pub least_drift: f64,
    /// Codes that are shown and watched one by one, however rare.
    pub sensitive_codes: Vec<String>,
    /// Words of texts that say nothing of an activity.
    pub stop_words: StopWords,
    /// Half-width of accuracy's interval that reviews are planned for.
    pub half_width: f64,
    /// Sources of corrections that belong in no estimate of accuracy.
    pub exclude_sources: Vec<String>,
    /// Thresholds, nomenclatures and review rates of models.
    pub policies: Policies,
    /// The user's own nomenclatures: name as events use it, and file.
    pub nomenclatures: Vec<(String, PathBuf)>,
    /// From older nomenclatures to newer ones.
    pub crosswalks: Vec<NamedCrosswalk>,
    /// Layout of files of predictions that are not in the contract's own form.
    pub predictions: FileFormat,
    pub corrections: FileFormat,
    /// Topics to consume; `None` = the embedded journal.
    pub kafka: Option<KafkaConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8642)),
            token_file: None,
            max_body: 64 << 20,
            refresh_seconds: None,
            data_dir: "data".into(),
            time_zone: TimeZone::UTC,
            time_zone_name: "UTC".to_owned(),
            lang: None,
            level: None,
            reference: None,
            confidence_level: 0.95,
            half_width: 0.01,
            auto_quality: 0.95,
            alarm_rate: 0.05,
            detectors: Vec::new(),
            least_drift: 0.01,
            sensitive_codes: Vec::new(),
            stop_words: StopWords::default(),
            // people contest wrong answers only: to count them would make every model look bad
            exclude_sources: vec!["contestation".to_owned()],
            policies: Policies::default(),
            nomenclatures: Vec::new(),
            crosswalks: Vec::new(),
            predictions: FileFormat::default(),
            corrections: FileFormat::default(),
            kafka: None,
        }
    }
}

impl Config {
    /// Name of the file looked for where none is given.
    pub const FILE: &str = "vigie.toml";

    /// Reads `path`; without one [`Config::FILE`] of the current directory if there is one, else the defaults.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigErrors> {
        let path = match path {
            Some(path) => path,
            None if Path::new(Self::FILE).exists() => Path::new(Self::FILE),
            None => return Ok(Config::default()),
        };
        let name = path.display().to_string();
        let text =
            fs::read_to_string(path).map_err(|e| ConfigErrors::of_file(&name, format!("cannot be read: {e}")))?;
        Config::parse(&name, &text)
    }

    /// Reads the text of a configuration file called `name`; relative paths in it start where that file is.
    ///
    /// # Errors
    /// Every problem of the text.
    pub fn parse(name: &str, text: &str) -> Result<Config, ConfigErrors> {
        let source = Source::new(name, text);
        let root = source.parse()?;
        let mut config = Config { path: Some(name.into()), ..Config::default() };
        source.whole(&root, |top| {
            config.data_dir = top.beside("data");
            config.nomenclatures = nomenclatures(top);
            config.crosswalks = crosswalks::read(top, &config.nomenclatures);
            config.policies = models::read(top, &config.nomenclatures);
            top.section("server", |s| server::read(s, &mut config));
            top.section("data", |s| set(&mut config.data_dir, s.path("dir")));
            top.section("time", |s| {
                if let Some((name, zone)) = s.zone("zone") {
                    (config.time_zone_name, config.time_zone) = (name, zone);
                }
            });
            top.section("report", |s| report(s, &mut config));
            top.section("accuracy", |s| {
                set(&mut config.exclude_sources, s.texts("exclude_sources"));
                let allowed = "a number from 0.0005 to 0.25, such as 0.01";
                let least = s.number("auto_quality", "a number from 0.5 to 0.9999, such as 0.95", |x| {
                    (0.5..=0.9999).contains(&x)
                });
                set(&mut config.auto_quality, least);
                set(&mut config.sensitive_codes, s.texts("sensitive_codes"));
                set(&mut config.half_width, s.number("half_width", allowed, |x| (0.0005..=0.25).contains(&x)));
            });
            top.section("alarms", |s| {
                let rate =
                    s.number("rate", "a number from 0.0001 to 0.5, such as 0.05", |x| (0.0001..=0.5).contains(&x));
                set(&mut config.alarm_rate, rate);
                let named = |word: &str| DetectorName::ALL.into_iter().find(|d| d.as_str() == word);
                let allowed = "names among \"cusum\", \"page_hinkley\", \"ddm\" and \"adwin\"";
                let words = s.texts_that("detectors", allowed, |word| named(word).is_some());
                set(&mut config.detectors, words.map(|words| words.iter().filter_map(|w| named(w)).collect()));
            });
            top.section("drift", |s| {
                let least = s.number("least", "a number from 0 to 0.5, such as 0.01", |x| (0.0..=0.5).contains(&x));
                set(&mut config.least_drift, least);
            });
            top.section("terms", |s| {
                // texts are read word by word, so that a phrase would never be met
                let words = |key| s.texts_that(key, "one word each, such as \"divers\"", StopWords::is_word);
                set(&mut config.stop_words, words("stop_words").map(StopWords::new));
                if let Some(more) = words("more_stop_words") {
                    config.stop_words = std::mem::take(&mut config.stop_words).with(more);
                }
            });
            top.section("files", |s| files::read(s, &mut config));
            if top.value("kafka").is_some() {
                top.section("kafka", |s| kafka::read(s, &mut config));
            }
        });
        source.finish(config)
    }
}

/// Replaces a default where the file says something.
fn set<T>(field: &mut T, found: Option<T>) {
    if let Some(found) = found {
        *field = found;
    }
}

fn report(s: &Section<'_>, config: &mut Config) {
    config.lang = s.choice("lang", &Lang::ALL.map(|l| (l.code(), l.code().to_owned())));
    config.level = s.value("level").and_then(|found| match found.as_text() {
        Some(_) => found.name().map(str::to_owned),
        None => {
            let allowed = "a level's name, such as \"sub_class\", or its number from 1, the coarsest, to 9";
            let number = found.number(allowed, |n| (1.0..=9.0).contains(&n) && n.fract() == 0.0);
            number.map(|n| n.to_string())
        }
    });
    config.reference = s.parsed("reference", ReferenceWish::ALLOWED, |text| text.parse().ok());
    let allowed = "a number from 0.5 to 0.999, such as 0.95";
    set(&mut config.confidence_level, s.number("confidence_level", allowed, |x| (0.5..=0.999).contains(&x)));
}

fn nomenclatures(top: &Section<'_>) -> Vec<(String, PathBuf)> {
    let entries = top.entries("nomenclatures").into_iter();
    let files = entries.filter_map(|(name, found)| {
        let path = found.beside(found.name()?);
        if !path.is_file() {
            found.note(format!("there is no file {}; expected a CSV file with code,label,parent", path.display()));
        }
        Some((name.to_owned(), path))
    });
    files.collect()
}
