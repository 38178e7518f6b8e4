use std::{
    io::{BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Result;
use serde_json::Value;

use super::{KeptArgs, QueryArgs, ScopeArgs, TableFormat, facts, settings};
use crate::query::{Answer, TableOptions};

pub fn run(args: &QueryArgs, config: Option<&Path>) -> Result<ExitCode> {
    let config = super::load_config(config)?;
    let mut kept = KeptArgs { data: args.kept.data.clone(), service: args.kept.service.clone() };
    if kept.data.is_empty() && kept.service.is_empty() {
        kept.data.push(config.data_dir.clone());
    }
    let naming = settings::naming(&config, &ScopeArgs::default())?;
    let options = TableOptions { time_zone: config.time_zone.clone(), exclude_sources: config.exclude_sources.clone() };
    let engine = facts::read(&kept, &config, &naming, |facts| Ok(facts.whole(&options)?))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let answer = runtime.block_on(engine.sql(&args.sql))?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    match args.format {
        TableFormat::Table => table(&mut out, &answer),
        TableFormat::Csv => csv(&mut out, &answer),
        TableFormat::Json => json(&mut out, &answer),
    }
    .and_then(|()| out.flush())
    // `vigie query .. | head` closes the pipe early: not an error
    .or_else(|e| if e.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) })?;
    Ok(ExitCode::SUCCESS)
}

fn cell(answer: &Answer, row: usize, column: usize) -> String {
    match answer.json(row, column) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn table(out: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let names = answer.names();
    let rows: Vec<Vec<String>> =
        (0..answer.rows()).map(|r| (0..names.len()).map(|c| cell(answer, r, c)).collect()).collect();
    let width = |c: usize| {
        let cells = rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
        cells.max(names[c].chars().count())
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let right = |c: usize| (0..answer.rows()).any(|r| answer.json(r, c).is_number());
    let aligned: Vec<bool> = (0..names.len()).map(right).collect();
    let line = |cells: Vec<String>| -> String {
        let padded = cells.into_iter().enumerate().map(|(c, text)| {
            let w = widths[c];
            if aligned[c] { format!("{text:>w$}") } else { format!("{text:<w$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", line(names.to_vec()))?;
    writeln!(out, "{}", widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  "))?;
    for row in rows {
        writeln!(out, "{}", line(row))?;
    }
    Ok(())
}

fn csv(out: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let quoted = |text: &str| {
        // a spreadsheet would run a cell that begins like a formula
        let text = if text.starts_with(['=', '+', '@']) { format!("'{text}") } else { text.to_owned() };
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    let names: Vec<String> = answer.names().iter().map(|n| quoted(n)).collect();
    writeln!(out, "{}", names.join(","))?;
    for row in 0..answer.rows() {
        let cells: Vec<String> = (0..names.len()).map(|c| quoted(&cell(answer, row, c))).collect();
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

fn json(out: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    for row in 0..answer.rows() {
        let object: serde_json::Map<String, Value> =
            answer.names().iter().enumerate().map(|(c, name)| (name.clone(), answer.json(row, c))).collect();
        writeln!(out, "{}", Value::Object(object))?;
    }
    Ok(())
}
