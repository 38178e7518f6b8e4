//! The command line: definitions, and one file a command that wires the rooms together.

mod report;
mod settings;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ingest::InputFormat;

/// Watches text-classification models in production: how right they are, how their world drifts, how fast they answer.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, max_term_width = 110)]
pub struct Cli {
    /// Configuration file; `vigie.toml` in the current directory is used when there is one.
    #[arg(long, global = true, value_name = "FILE", env = "VIGIE_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes a drift and quality report from files or from a data directory.
    Report(ReportArgs),
}

/// Files of events; `-` is standard input, patterns such as 'logs/*.ndjson.gz' are expanded.
#[derive(Debug, Args, Default)]
pub struct InputArgs {
    /// Predictions: NDJSON (.gz, .zst), Parquet or CSV.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub predictions: Vec<String>,
    /// Corrections: NDJSON (.gz, .zst), Parquet or CSV.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub corrections: Vec<String>,
    /// Files that hold both kinds.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub events: Vec<String>,
    /// Layout of the files; `auto` goes by their extension.
    #[arg(long, value_enum, default_value = "auto", value_name = "FORMAT")]
    pub input_format: InputFormatArg,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum InputFormatArg {
    #[default]
    Auto,
    Ndjson,
    Parquet,
    Csv,
    /// INSEE's API logs: JSON or Python literals.
    Insee,
}

impl From<InputFormatArg> for InputFormat {
    fn from(arg: InputFormatArg) -> Self {
        match arg {
            InputFormatArg::Auto => InputFormat::Auto,
            InputFormatArg::Ndjson => InputFormat::Ndjson,
            InputFormatArg::Parquet => InputFormat::Parquet,
            InputFormatArg::Csv => InputFormat::Csv,
            InputFormatArg::Insee => InputFormat::Insee,
        }
    }
}

/// What is looked at.
#[derive(Debug, Args, Default)]
pub struct ScopeArgs {
    /// Model, where the events are of several.
    #[arg(long)]
    pub model: Option<String>,
    /// One version of the model.
    #[arg(long = "model-version", value_name = "VERSION")]
    pub version: Option<String>,
    #[arg(long)]
    pub workspace: Option<String>,
    /// Nomenclature: built in (naf-rev2, naf-2025, nace-rev2.1), named in the configuration, or a CSV file.
    #[arg(long, value_name = "NAME|CSV")]
    pub nomenclature: Option<String>,
    /// Confidence from which a prediction is accepted automatically, for events that name no route.
    #[arg(long, value_name = "T")]
    pub threshold: Option<f64>,
    /// First day of the period (YYYY-MM-DD).
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Last day of the period, included.
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// First day of the reference that drift is measured against.
    #[arg(long, value_name = "DAY", requires = "reference_to")]
    pub reference_from: Option<String>,
    /// Last day of the reference, included.
    #[arg(long, value_name = "DAY", requires = "reference_from")]
    pub reference_to: Option<String>,
    /// Level of the per-code tables: its name or number (1 = coarsest); the deepest unless told.
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Time zone in which days are cut, such as Europe/Paris.
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Coverage of the intervals.
    #[arg(long, value_name = "SHARE")]
    pub confidence_level: Option<f64>,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Data directory to report on instead of files (its service must be stopped; ask a running one over HTTP).
    #[arg(long, value_name = "DIR", conflicts_with_all = ["predictions", "corrections", "events"])]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Language of the report.
    #[arg(long, value_name = "fr|en")]
    pub lang: Option<String>,
    /// Where the HTML goes; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the same numbers go as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where refused events go, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub dead_letters: Option<PathBuf>,
}

/// Runs a command and gives the process's exit code: 0 pass, 1 the thing judged fails, 2 usage or cannot judge.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Report(args) => report::run(&args, cli.config.as_deref()),
    };
    done.unwrap_or_else(|e| {
        eprintln!("vigie: {e:#}");
        ExitCode::from(2)
    })
}

fn load_config(_path: Option<&std::path::Path>) -> anyhow::Result<crate::config::Config> {
    Ok(crate::config::Config::default())
}

/// The shell's clock: the one place where a command asks what time it is.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
