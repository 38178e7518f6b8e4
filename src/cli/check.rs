use std::{path::Path, process::ExitCode};

use anyhow::Result;
use serde_json::json;

use super::{CheckArgs, CheckFormat, ScopeArgs, settings};
use crate::{
    config::{Config, KafkaConfig},
    ingest::{Journal, kafka::inspect},
    pipeline::{JOURNAL_SOURCE, PipelineError, rules},
    service::kafka::PARTITIONS,
    store::Store,
};

/// One thing looked at.
struct Finding {
    what: String,
    /// `Err` says what is wrong.
    result: Result<String, String>,
}

/// Exit code 0 when all is well, 1 when a check failed.
pub fn run(args: &CheckArgs, path: Option<&Path>) -> Result<ExitCode> {
    let mut findings = Vec::new();
    match Config::load(path) {
        Ok(config) => {
            let name = config.path.as_ref().map_or("defaults, no vigie.toml".to_owned(), |p| p.display().to_string());
            findings.push(Finding { what: format!("configuration ({name})"), result: Ok("no problem".to_owned()) });
            for (name, path) in &config.nomenclatures {
                let read = crate::nomenclature::from_csv(path, name);
                let result = read.map(|n| format!("{} codes, {} levels", n.nodes().len(), n.depth()));
                findings
                    .push(Finding { what: format!("nomenclature {name}"), result: result.map_err(|e| e.to_string()) });
            }
            findings.push(Finding {
                what: "token".to_owned(),
                result: config
                    .token()
                    .map(|t| if t.is_some() { "set" } else { "none: only listen on loopback" }.to_owned())
                    .map_err(|e| e.to_string()),
            });
            if let Some(kafka) = &config.kafka {
                cluster(&mut findings, kafka);
            }
            data(&mut findings, args, &config);
        }
        Err(errors) => {
            for problem in errors.problems() {
                findings.push(Finding { what: "configuration".to_owned(), result: Err(problem) });
            }
        }
    }
    let failed = findings.iter().filter(|f| f.result.is_err()).count();
    match args.format {
        CheckFormat::Json => {
            let rows = findings.iter().map(|f| {
                let (ok, detail) = match &f.result {
                    Ok(detail) => (true, detail),
                    Err(detail) => (false, detail),
                };
                json!({ "check": f.what, "ok": ok, "detail": detail })
            });
            println!("{}", serde_json::Value::Array(rows.collect()));
        }
        CheckFormat::Text => {
            for f in &findings {
                match &f.result {
                    Ok(detail) => println!("ok    {}: {detail}", f.what),
                    Err(detail) => println!("FAIL  {}: {detail}", f.what),
                }
            }
        }
    }
    if failed > 0 {
        eprintln!("vigie: {failed} problem{} found", if failed == 1 { "" } else { "s" });
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// The connection, the topics and the group.
fn cluster(findings: &mut Vec<Finding>, kafka: &KafkaConfig) {
    match kafka.resolved() {
        Ok(settings) => {
            findings.extend(inspect(&settings).into_iter().map(|(what, result)| Finding { what, result }));
        }
        Err(errors) => {
            let each = errors.problems().into_iter();
            findings.extend(each.map(|problem| Finding { what: "kafka secrets".to_owned(), result: Err(problem) }));
        }
    }
}

fn data(findings: &mut Vec<Finding>, args: &CheckArgs, config: &Config) {
    let dir = args.data.clone().unwrap_or_else(|| config.data_dir.clone());
    if !dir.exists() {
        let asked = args.data.is_some();
        let message = format!("{} does not exist", dir.display());
        let result = if asked { Err(message) } else { Ok(format!("{message} yet: it is made when first used")) };
        findings.push(Finding { what: "data directory".to_owned(), result });
        return;
    }
    if dir.join(PARTITIONS).is_dir() {
        partitions(findings, &dir.join(PARTITIONS), config);
        return;
    }
    if config.kafka.is_some() && !dir.join("store").is_dir() {
        let result = Ok(format!("{} holds no partitions yet: they are made when the group gives them", dir.display()));
        findings.push(Finding { what: "data directory".to_owned(), result });
        return;
    }
    // opening would create what is missing: a check changes nothing
    if !dir.join("journal").is_dir() || !dir.join("store").is_dir() {
        let result = Err(format!("{} holds no journal and store; a vigie data directory has both", dir.display()));
        findings.push(Finding { what: "data directory".to_owned(), result });
        return;
    }
    let journal = Journal::open(&dir.join("journal"));
    findings.push(Finding {
        what: "journal".to_owned(),
        result: journal.as_ref().map(|j| format!("{} events", j.end())).map_err(ToString::to_string),
    });
    let store = Store::open(&dir.join("store"));
    if let Err(e) = &store {
        findings.push(Finding { what: "store".to_owned(), result: Err(e.to_string()) });
    }
    if let (Ok(journal), Ok(store)) = (journal, store) {
        findings.push(Finding { what: "store".to_owned(), result: position(&journal, &store) });
        findings.push(Finding { what: "facts".to_owned(), result: made_under(&store, config) });
    }
}

/// Whether the facts of a store are those of the configuration.
fn made_under(store: &Store, config: &Config) -> Result<String, String> {
    let naming = settings::naming(config, &ScopeArgs::default()).map_err(|e| format!("{e:#}"))?;
    match store.adopted().map_err(|e| e.to_string())? {
        Some(made) if made != rules(&naming.book, &naming.policies) => Err(
            "made under other thresholds, nomenclatures, review rates, texts or annotators than this configuration has; `vigie serve` or \
                 `vigie ingest` with it would make all facts anew from the journal or the topics"
                .to_owned(),
        ),
        Some(_) => Ok("made under this configuration".to_owned()),
        None => Ok("new".to_owned()),
    }
}

/// The stores of partitions, one by one.
fn partitions(findings: &mut Vec<Finding>, folder: &Path, config: &Config) {
    let read = std::fs::read_dir(folder).map_err(|e| e.to_string());
    let mut stores: Vec<_> = match read {
        Ok(entries) => entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| is_store(p)).collect(),
        Err(e) => return findings.push(Finding { what: folder.display().to_string(), result: Err(e) }),
    };
    stores.sort();
    for path in stores {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let result = Store::open(&path).map_err(|e| e.to_string()).and_then(|store| {
            let of = match store.topology().map_err(|e| e.to_string())? {
                Some(t) => t.to_string(),
                None => "no topics yet".to_owned(),
            };
            store.symbols().map_err(|e| e.to_string())?;
            let events = store.position().map_err(|e| e.to_string())?.events();
            made_under(&store, config).map(|made| format!("{events} events of {of}; {made}"))
        });
        findings.push(Finding { what: format!("partition {name}"), result });
    }
}

/// Claims lie beside the stores, and a store that is being made has a dot before its name.
fn is_store(path: &Path) -> bool {
    path.is_dir() && path.file_name().is_some_and(|n| n.to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
}

/// Where the store stands, without moving it.
fn position(journal: &Journal, store: &Store) -> Result<String, String> {
    let offset = store.offset(JOURNAL_SOURCE).map_err(|e| e.to_string())?;
    let ledger = store.ledger().map_err(|e| e.to_string())?;
    store.symbols().map_err(|e| e.to_string())?;
    let accepted = ledger.total("prediction", "accepted") + ledger.total("correction", "accepted");
    match journal.end().checked_sub(offset) {
        Some(lag) => Ok(format!("at offset {offset}, {lag} behind the journal, {accepted} events accepted")),
        None => Err(PipelineError::Ahead { store: offset, journal: journal.end() }.to_string()),
    }
}
