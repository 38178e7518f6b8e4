//! `vigie.toml`: the documented example, and everything that may be wrong with one.

use std::path::Path;

use vigie::{
    assess::{ReferenceWish, assessment::DetectorName},
    config::{Config, Secret},
    ingest::{InputFormat, Policy, ReviewRates, kafka::OnGap},
};

fn problems(text: &str) -> Vec<String> {
    let errors = Config::parse("conf/vigie.toml", text).expect_err(text);
    errors.problems()
}

#[test]
fn the_full_example_is_read() {
    let config = Config::load(Some(Path::new("fixtures/configs/full.toml"))).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.listen.port(), 8642);
    assert_eq!(config.max_body, 64 << 20);
    assert_eq!(config.refresh_seconds, Some(10));
    assert_eq!(config.token_file.as_deref(), Some(Path::new("/run/secrets/vigie-token")));
    assert_eq!(config.data_dir, Path::new("fixtures/configs/data"));
    assert_eq!(config.time_zone_name, "Europe/Paris");
    assert_eq!(config.time_zone.iana_name(), Some("Europe/Paris"));
    assert_eq!(config.lang.as_deref(), Some("fr"));
    assert_eq!(config.level.as_deref(), Some("sub_class"));
    assert_eq!(config.exclude_sources, ["contestation", "signalement"]);
    assert_eq!((config.sensitive_codes, config.alarm_rate), (vec!["8621Z".to_owned()], 0.01));
    assert_eq!(config.detectors, [DetectorName::PageHinkley]);
    assert_eq!((config.reference, config.least_drift), (Some(ReferenceWish::LastYear), 0.02));
    assert!(["Activités", "divers", "les"].iter().all(|word| config.stop_words.contains(word)));
    let rates = ReviewRates { auto: Some(0.05), manual: Some(0.6) };
    let default =
        Policy { threshold: Some(0.8), review_rates: rates, nomenclature: None, texts: Some(0.25), annotators: true };
    assert_eq!(*config.policies.of("another"), default);
    // a model's own table changes what it names and keeps the rest
    let ape = Policy { threshold: Some(0.7), nomenclature: Some("COICOP".to_owned()), annotators: false, ..default };
    assert_eq!(*config.policies.of("codif-ape"), ape);
    let coicop = Path::new("fixtures/configs/../nomenclatures/coicop-extract.csv");
    assert_eq!(config.nomenclatures, [("COICOP".to_owned(), coicop.to_owned())]);
    let names = ("naf-rev2".to_owned(), "naf-2025".to_owned());
    assert_eq!(config.crosswalks.iter().map(|c| c.names.clone()).collect::<Vec<_>>(), [Some(names)]);
    let (p, c) = (&config.predictions, &config.corrections);
    assert_eq!((p.format, p.dialect.separator, p.dialect.decimal_comma), (InputFormat::Csv, Some(b';'), true));
    assert_eq!(p.dialect.encoding.map(|e| e.name()), Some("windows-1252"));
    assert_eq!(p.time_zone.as_ref().and_then(|z| z.iana_name()), Some("Europe/Paris"));
    assert_eq!(p.columns.name("prediction_id"), "identifiant");
    assert_eq!(p.columns.name("probability_1"), "proba_1");
    assert_eq!(p.columns.constant("model"), Some("codif-ape"));
    assert_eq!(c.columns.constant("inclusion_probability"), Some("0.05"));
    assert_eq!(c.columns.uncodable, ["XXXXX"]);
    let kafka = config.kafka.expect("a section");
    let settings = &kafka.settings;
    assert_eq!((&*settings.brokers, settings.instance.as_deref()), ("kafka-1:9093,kafka-2:9093", Some("vigie-1")));
    assert_eq!(settings.alerts.as_deref(), Some("vigie-alerts"));
    assert_eq!(settings.on_gap, OnGap::Stop);
    assert_eq!(settings.properties.len(), 4);
    assert_eq!(kafka.peers, ["http://vigie-1:8642", "http://vigie-2:8642"]);
    let file = Secret::File("/run/secrets/kafka-password".into());
    assert_eq!(kafka.secrets, [("sasl.password".to_owned(), file)]);
}

/// Every key of the documentation is in the example, and the other way round.
#[test]
fn the_documentation_shows_the_example() {
    let docs = std::fs::read_to_string("docs/configuration.md").expect("docs/configuration.md");
    let example = std::fs::read_to_string("fixtures/configs/full.toml").expect("full.toml");
    assert!(docs.contains(example.trim()), "docs/configuration.md must show fixtures/configs/full.toml");
}

#[test]
fn nothing_is_needed() {
    let config = Config::parse("vigie.toml", "").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8642");
    assert_eq!(config.data_dir, Path::new("data"));
    assert_eq!(config.confidence_level, 0.95);
    assert_eq!(*config.policies.of("any"), Policy::default());
    assert_eq!((config.exclude_sources, config.refresh_seconds), (vec!["contestation".to_owned()], None));
    let all = Config::parse("vigie.toml", "[accuracy]\nexclude_sources = []\n").unwrap_or_else(|e| panic!("{e}"));
    assert!(all.exclude_sources.is_empty());
    let own = "[terms]\nstop_words = [\"vente\"]\nmore_stop_words = [\"achat\"]\n";
    let own = Config::parse("vigie.toml", own).unwrap_or_else(|e| panic!("{e}")).stop_words;
    assert_eq!(["vente", "achat", "les"].map(|word| own.contains(word)), [true, true, false]);
    assert!(config.stop_words.contains("les"));
    let level = Config::parse("vigie.toml", "[report]\nlevel = 3\n").unwrap_or_else(|e| panic!("{e}")).level;
    assert_eq!(level.as_deref(), Some("3"));
}

#[test]
fn all_problems_come_at_once_with_their_lines() {
    let text = r#"
[server]
listen = "localhost"
max_body = "64 apples"
refresh_seconds = 0
token = "hunter2"

[time]
zone = "Europe/Pariss"

[report]
lang = "de"
level = 12
confidence_level = 95
reference = "trailing:0"

[models.default]
treshold = 0.7
review_rates = { auto = 1.5, manuel = 0.6 }

[models."codif-ape"]
nomenclature = "naf-2052"

[files.predictions]
separator = ", "
encoding = "latin"
columns = { predictionid = "id", code_0 = "c" }
constants = { route = "robot", model = "" }

[files.corrections]
format = "insee"
time_zone = "CEST"

[nomenclatures]
"NAF2025" = "nowhere.csv"

[accuracy]
exclude_sources = ["a", 1]

[sever]
"#;
    let found = problems(text);
    let expected = [
        r#"conf/vigie.toml:3: server.listen: found "localhost"; allowed: an address and a port"#,
        r#"conf/vigie.toml:4: server.max_body: found "64 apples"; allowed: bytes, or a text such as "64 MiB""#,
        "conf/vigie.toml:5: server.refresh_seconds: found 0; allowed: whole seconds",
        "conf/vigie.toml:6: server.token: secrets are not kept here",
        r#"conf/vigie.toml:9: time.zone: found "Europe/Pariss"; allowed: IANA names such as "Europe/Paris"; did you mean "Europe/Paris"?"#,
        r#"conf/vigie.toml:12: report.lang: found "de"; allowed: "fr", "en""#,
        "conf/vigie.toml:13: report.level: found 12; allowed: a level's name",
        "conf/vigie.toml:14: report.confidence_level: found 95; allowed: a number from 0.5 to 0.999",
        r#"conf/vigie.toml:15: report.reference: found "trailing:0"; allowed: preceding, first-half, last-year"#,
        "conf/vigie.toml:18: models.default.treshold: unknown key; did you mean `threshold`?",
        "conf/vigie.toml:19: models.default.review_rates.auto: found 1.5; allowed: a probability",
        "conf/vigie.toml:19: models.default.review_rates.manuel: unknown key; did you mean `manual`?",
        r#"conf/vigie.toml:22: models.codif-ape.nomenclature: there is no nomenclature "naf-2052"; did you mean `naf-2025`?"#,
        r#"conf/vigie.toml:25: files.predictions.separator: found ", "; allowed: ";", ",", "tab", "|""#,
        r#"conf/vigie.toml:26: files.predictions.encoding: found "latin"; allowed: names of the web"#,
        "conf/vigie.toml:27: files.predictions.columns.code_0: the contract has no such field here",
        "conf/vigie.toml:27: files.predictions.columns.predictionid: the contract has no such field here; did you mean `prediction_id`?",
        r#"conf/vigie.toml:28: files.predictions.constants.model: found ""; allowed: a text that is not empty"#,
        r#"conf/vigie.toml:28: files.predictions.constants.route: found "robot"; allowed: "auto", "manual""#,
        r#"conf/vigie.toml:31: files.corrections.format: found "insee"; allowed: "auto", "ndjson", "csv", "parquet""#,
        r#"conf/vigie.toml:32: files.corrections.time_zone: found "CEST"; allowed: IANA names"#,
        "conf/vigie.toml:35: nomenclatures.NAF2025: there is no file conf/nowhere.csv",
        "conf/vigie.toml:38: accuracy.exclude_sources: found 1; allowed: a text in quotes",
        "conf/vigie.toml:40: sever: unknown key; did you mean `server`?",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "\nfound    {found}\nexpected {expected}");
    }
    assert!(!found.iter().any(|line| line.contains("hunter2")), "a secret is shown");
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_lines() {
    let found = problems("[server]\nlisten = \n[time]\nzone = 'UTC\n");
    assert!(found.len() >= 2, "{found:?}");
    assert!(found[0].starts_with("conf/vigie.toml:2: not TOML: "), "{found:?}");
    assert_eq!(problems("a = 1\na = 2\n").len(), 1);
    assert!(problems("server = 3\n")[0].contains("server: found 3; allowed: a table"));
    assert!(problems("[report]\nlevel = 1.5\n")[0].contains("found 1.5"));
    let phrase = problems("[terms]\nstop_words = [\"vente\", \"de la\"]\n");
    assert!(phrase[0].contains("2: terms.stop_words: found \"de la\"; allowed: one word each"), "{phrase:?}");
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let errors = Config::load(Some(Path::new("fixtures/configs/none.toml"))).expect_err("no file");
    assert!(errors.to_string().starts_with("fixtures/configs/none.toml: cannot be read: "), "{errors}");
}

#[test]
fn a_token_comes_from_its_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = dir.path().join("vigie.toml").display().to_string();
    let config = Config::parse(&name, "[server]\ntoken_file = 'token'\n").unwrap_or_else(|e| panic!("{e}"));
    let missing = config.token().expect_err("no file").to_string();
    assert!(missing.contains("server.token_file"), "{missing}");
    std::fs::write(dir.path().join("token"), " \n").expect("written");
    assert!(config.token().expect_err("an empty token").to_string().contains("the token is empty"));
    std::fs::write(dir.path().join("token"), "hunter2\n").expect("written");
    let token = config.token().unwrap_or_else(|e| panic!("{e}")).expect("a token");
    assert_eq!(token, "hunter2");
}
