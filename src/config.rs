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
}
impl Default for Config {
    fn default() -> Self {
        Config { data_dir: "data".into(), time_zone: TimeZone::UTC, time_zone_name: "UTC".into(), level: None, lang: None, confidence_level: 0.95,
            exclude_sources: vec!["contestation".into()], policies: Policies::default(), nomenclatures: vec![], predictions: FileFormat::default(), corrections: FileFormat::default() }
    }
}
