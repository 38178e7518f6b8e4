//! stub until the real one lands
use std::path::PathBuf;
use jiff::tz::TimeZone;
use crate::ingest::{FileFormat, Policies};
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub time_zone: TimeZone,
    pub time_zone_name: String,
    pub level: Option<String>,
    pub lang: Option<String>,
    pub confidence_level: f64,
    pub exclude_sources: Vec<String>,
    pub policies: Policies,
    pub nomenclatures: Vec<(String, PathBuf)>,
    pub predictions: FileFormat,
    pub corrections: FileFormat,
    pub listen: std::net::SocketAddr,
    pub max_body: usize,
    pub refresh_seconds: Option<u32>,
    pub path: Option<PathBuf>,
}
impl Default for Config {
    fn default() -> Self {
        Config { data_dir: "data".into(), time_zone: TimeZone::UTC, time_zone_name: "UTC".into(), level: None, lang: None, confidence_level: 0.95,
            exclude_sources: vec!["contestation".into()], policies: Policies::default(), nomenclatures: vec![], predictions: FileFormat::default(), corrections: FileFormat::default(), listen: ([127,0,0,1],8642).into(), max_body: 64<<20, refresh_seconds: None, path: None }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("config")]
pub struct ConfigErrors;
impl ConfigErrors { pub fn problems(&self) -> Vec<String> { vec![] } }
impl Config {
    pub fn load(_: Option<&std::path::Path>) -> Result<Self, ConfigErrors> { Ok(Self::default()) }
    pub fn token(&self) -> std::io::Result<Option<String>> { Ok(None) }
}
