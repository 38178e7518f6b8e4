use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};

use super::{IngestArgs, ScopeArgs, settings};
use crate::{
    event::Kind,
    ingest::{Journal, RefusedRow, Row, each_row},
    pipeline::{Consumer, Sources},
    store::Store,
};

/// Bytes of one journal chunk: one fsync and one record for thousands of lines.
const CHUNK: usize = 4 << 20;

pub fn run(args: &IngestArgs, config: Option<&Path>) -> Result<ExitCode> {
    let config = super::load_config(config)?;
    let sources = settings::sources(&config, &args.input)?;
    if sources.predictions.is_empty() && sources.corrections.is_empty() && sources.events.is_empty() {
        bail!("nothing to read: give --predictions, --corrections or --events ('-' is standard input)");
    }
    let scope = ScopeArgs { threshold: args.threshold, ..ScopeArgs::default() };
    let naming = settings::naming(&config, &scope)?;
    let dir = args.data.clone().unwrap_or_else(|| config.data_dir.clone());
    let journal = Journal::open(&dir.join("journal"))?;
    let progress = super::progress("{spinner} {human_pos} events ({per_sec}, {elapsed})");
    let before = journal.end();
    if args.append_only {
        append_all(&journal, &sources, &mut |n| progress.inc(n))?;
        progress.finish_and_clear();
        eprintln!("{} events in the journal of {}", journal.end() - before, dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let store = Store::open(&dir.join("store"))?;
    let mut consumer = Consumer::resume(journal.clone(), store.clone(), naming.policies, naming.book)?;
    // one core reads and appends while the other joins and commits
    let rejected = std::thread::scope(|threads| -> Result<u64> {
        let writer = threads.spawn(|| append_all(&journal, &sources, &mut |_| {}));
        let mut rejected = 0;
        loop {
            let done = writer.is_finished();
            let step = consumer.step()?;
            progress.inc(step.taken);
            rejected += step.rejected;
            if step.taken == 0 {
                if done {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        }
        match writer.join() {
            Ok(result) => result.map(|()| rejected),
            Err(_) => bail!("the reading thread failed"),
        }
    })?;
    store.sync()?;
    progress.finish_and_clear();
    eprintln!(
        "{} events in the journal of {}, {rejected} of them refused; facts are up to date",
        journal.end() - before,
        dir.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Appends every row of the sources, each chunk durable before the next is begun.
pub fn append_all(journal: &Journal, sources: &Sources, on_lines: &mut dyn FnMut(u64)) -> Result<()> {
    for (input, kind, format) in sources.each() {
        let mut chunk: Vec<u8> = Vec::with_capacity(CHUNK + (64 << 10));
        let mut lines = 0u64;
        let mut failed: Option<anyhow::Error> = None;
        each_row(input, kind, format, &mut |_, row| {
            lines += 1;
            if let Row::Bad(reject, raw) = &row {
                let row = RefusedRow {
                    kind,
                    reason: reject.reason.as_str().to_owned(),
                    detail: reject.detail.clone(),
                    raw: String::from_utf8_lossy(raw).into_owned(),
                };
                failed = failed.take().or_else(|| journal.append_refused(&row).err().map(Into::into));
            } else {
                chunk.extend_from_slice(&row.to_json());
                chunk.push(b'\n');
            }
            if chunk.len() >= CHUNK && failed.is_none() {
                failed = flush(journal, kind, &mut chunk).err();
                on_lines(std::mem::take(&mut lines));
            }
        })?;
        if let Some(e) = failed {
            return Err(e);
        }
        flush(journal, kind, &mut chunk).with_context(|| input.to_string())?;
        on_lines(lines);
    }
    Ok(())
}

fn flush(journal: &Journal, kind: Option<Kind>, chunk: &mut Vec<u8>) -> Result<()> {
    journal.append(kind, chunk)?;
    journal.sync()?;
    chunk.clear();
    Ok(())
}
