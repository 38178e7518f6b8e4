use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{ReportArgs, facts, settings};
use crate::{
    assess::{FileFacts, Plan, assess, assessment::Assessment, plan},
    config::Config,
    fact::Ledger,
    ingest::{Input, Row},
    pipeline::{Rejected, tabulate_files},
    query::Engine,
    report,
};

pub fn run(args: &ReportArgs, config: Option<&Path>) -> Result<ExitCode> {
    let config = super::load_config(config)?;
    let lang = super::lang(args.lang.as_deref(), &config)?;
    if args.out.is_none() && args.json.is_none() {
        bail!("nothing to write: give --out FILE.html, --json FILE.json, or both");
    }
    let files = args.kept.data.is_empty() && args.kept.service.is_empty();
    let assessment = if files { from_files(args, &config)? } else { from_kept(args, &config)? };
    if let Some(out) = &args.out {
        write(out, report::html(&assessment, lang)?.as_bytes())?;
    }
    if let Some(json) = &args.json {
        write(json, report::json(&assessment).as_bytes())?;
    }
    let c = &assessment.counts;
    eprintln!(
        "{} predictions and {} corrections accepted, {} duplicates, {} rejected",
        c.predictions,
        c.corrections,
        c.duplicates(),
        c.rejected(),
    );
    if assessment.traffic.predictions == 0 {
        eprintln!("vigie: the period holds no prediction: the report says so and nothing else");
    }
    Ok(ExitCode::SUCCESS)
}

fn from_kept(args: &ReportArgs, config: &Config) -> Result<Assessment> {
    let naming = settings::naming(config, &args.scope)?;
    let request = settings::request(config, &args.scope)?;
    let (plan, engine, ledger) = facts::read(&args.kept, config, &naming, |facts| {
        let plan = plan(facts, request.clone())?;
        let (engine, ledger) = facts.engine(&plan)?;
        Ok((plan, engine, ledger))
    })?;
    if let (Some(asked), Some(held)) = (args.scope.threshold, plan.threshold)
        && asked != held
    {
        bail!(
            "--threshold {asked}: the routes in {} were decided at {held} when its events were read; \
             `vigie ingest --threshold {asked}` or `vigie serve --threshold {asked}` decides them anew",
            facts::place(&args.kept)
        );
    }
    assessed(&plan, &engine, &ledger)
}

fn from_files(args: &ReportArgs, config: &Config) -> Result<Assessment> {
    let sources = settings::sources(config, &args.input)?;
    if sources.predictions.is_empty() && sources.events.is_empty() {
        bail!("no predictions: give --predictions FILE.., --events FILE.., --data DIR or --service URL");
    }
    let naming = settings::naming(config, &args.scope)?;
    let request = settings::request(config, &args.scope)?;
    let mut dead = match &args.dead_letters {
        Some(path) => Some(BufWriter::new(File::create(path).with_context(|| path.display().to_string())?)),
        None => None,
    };
    let progress = super::progress("{spinner} {human_pos} events read ({per_sec})");
    let mut failed: Option<std::io::Error> = None;
    let mut seen = 0u64;
    let read = tabulate_files(&sources, &naming.policies, naming.book.clone(), &mut |input, number, row, rejected| {
        seen += 1;
        if seen.is_multiple_of(8192) {
            progress.set_position(seen);
        }
        if let (Some(dead), Some(rejected)) = (&mut dead, rejected)
            && let Err(e) = bury(dead, input, number, row, rejected)
        {
            failed = Some(e);
        }
    })?;
    progress.finish_and_clear();
    if let Some(mut dead) = dead {
        dead.flush().context("--dead-letters")?;
    }
    if let Some(e) = failed {
        return Err(e).context("--dead-letters");
    }
    let facts = FileFacts::new(read, naming);
    let plan = plan(&facts, request)?;
    let (engine, ledger) = facts.engine(&plan)?;
    assessed(&plan, &engine, &ledger)
}

fn bury(dead: &mut impl Write, input: &Input, number: u64, row: &Row<'_>, rejected: &Rejected) -> std::io::Result<()> {
    let letter = json!({
        "source": input.to_string(),
        "position": number,
        "kind": rejected.kind.map_or("unknown", |k| k.as_str()),
        "reason": rejected.reject.reason.as_str(),
        "detail": rejected.reject.detail,
        "raw": String::from_utf8_lossy(&row.to_json()),
    });
    writeln!(dead, "{letter}")
}

fn assessed(plan: &Plan, engine: &Engine, ledger: &Ledger) -> Result<Assessment> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(assess(plan, engine, ledger, super::now()))?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        // `vigie report --json - | head` closes the pipe early: not an error
        return match std::io::stdout().write_all(bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written.context("standard output"),
        };
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
