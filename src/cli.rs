//! The command line: definitions, and one file a command that wires the rooms together.

mod check;
mod demo;
mod facts;
mod ingest;
mod query;
mod replay;
mod report;
mod serve;
mod settings;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{config::Config, ingest::InputFormat, report::Lang};

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
    /// Shows the whole path on the embedded sample stream: journal, facts, page and report.
    Demo(DemoArgs),
    /// Writes a drift and quality report from files or from a data directory.
    Report(ReportArgs),
    /// Runs the service: embedded journal, live page, API, metrics.
    Serve(ServeArgs),
    /// Puts files or standard input into a data directory, durably, and brings its facts up to date.
    Ingest(IngestArgs),
    /// Publishes recorded events to Kafka: as fast as it takes them, at a rate, or at the pace of their own times.
    Replay(ReplayArgs),
    /// Asks the facts of a data directory a question in SQL (tables: queries/README.md).
    Query(QueryArgs),
    /// Checks a configuration and a data directory and lists all problems at once.
    Check(CheckArgs),
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
    /// Old and new codes (CSV), where the model went from one nomenclature to the next: drift is measured across.
    #[arg(long, value_name = "CSV")]
    pub crosswalk: Option<PathBuf>,
    /// Confidence from which a prediction is accepted automatically, for events that name no route.
    #[arg(long, value_name = "T")]
    pub threshold: Option<f64>,
    /// First day of the period (YYYY-MM-DD).
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Last day of the period, included.
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
    /// Reference that drift is measured against: preceding, first-half, last-year (52 weeks before), last-year-dates,
    /// trailing:DAYS, trailing:DAYS:GAP, or version:NAME (what that version coded, for all that the others did).
    #[arg(long, value_name = "NAME", conflicts_with_all = ["reference_from", "reference_to"])]
    pub reference: Option<String>,
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

/// Where facts are kept that were made before.
#[derive(Debug, Args, Default)]
pub struct KeptArgs {
    /// Data directory whose facts are read; its service must be stopped. Once for each, where replicas have directories
    /// of their own: of every partition the copy that is furthest along counts.
    #[arg(long, value_name = "DIR", conflicts_with = "service")]
    pub data: Vec<PathBuf>,
    /// Running service to ask instead, such as http://vigie-1:8642 (token in VIGIE_TOKEN). Once for each replica, or
    /// one name that stands for all of them.
    #[arg(long, value_name = "URL")]
    pub service: Vec<String>,
}

#[derive(Debug, Args)]
#[command(mut_arg("data", |a| a.conflicts_with_all(["predictions", "corrections", "events"])))]
#[command(mut_arg("service", |a| a.conflicts_with_all(["predictions", "corrections", "events"])))]
pub struct ReportArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub kept: KeptArgs,
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

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Data directory: journal and store.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address to listen on; loopback unless told.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Language of the page when the reader does not choose.
    #[arg(long, value_name = "fr|en")]
    pub lang: Option<String>,
}

#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Data directory: journal and store.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub input: InputArgs,
    /// Confidence from which a prediction is accepted automatically, for events that name no route.
    #[arg(long, value_name = "T")]
    pub threshold: Option<f64>,
    /// Only append to the journal; a service reads it later.
    #[arg(long)]
    pub append_only: bool,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Files that hold both kinds of events: each line tells which.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// Kafka's addresses, several with commas between.
    #[arg(long, value_name = "HOST:PORT")]
    pub brokers: Option<String>,
    /// Topic of predictions.
    #[arg(long, value_name = "TOPIC")]
    pub predictions_topic: Option<String>,
    /// Topic of corrections.
    #[arg(long, value_name = "TOPIC")]
    pub corrections_topic: Option<String>,
    /// Events a second.
    #[arg(long, value_name = "N", value_parser = replay::positive, conflicts_with_all = ["speed", "max"])]
    pub rate: Option<f64>,
    /// Times the pace of the events' own times: 1 = as they came, 3600 = an hour a second.
    #[arg(long, value_name = "X", value_parser = replay::positive, conflicts_with_all = ["max", "in_file_order"])]
    pub speed: Option<f64>,
    /// As fast as the brokers take them (what happens unless told).
    #[arg(long)]
    pub max: bool,
    /// One file after the other instead of all in the order of their times.
    #[arg(long)]
    pub in_file_order: bool,
    /// Compression on the wire; lz4 unless told.
    #[arg(long, value_enum, value_name = "CODEC")]
    pub compression: Option<Compression>,
    /// Property of librdkafka, such as security.protocol=SSL; may be given several times.
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = replay::property)]
    pub properties: Vec<(String, String)>,
    /// How the outcome is told: a line on standard error, or an object on standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    None,
    Gzip,
    Lz4,
    Zstd,
    Snappy,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Data directory of the demo; a temporary one unless told.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Port of the live page on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 8642)]
    pub port: u16,
    /// Where the report goes; its JSON twin stands beside it.
    #[arg(long, value_name = "FILE", default_value = "vigie-demo.html")]
    pub out: PathBuf,
    /// Language of page and report.
    #[arg(long, value_name = "fr|en", default_value = "fr")]
    pub lang: String,
    /// End after the report instead of serving the page.
    #[arg(long)]
    pub exit: bool,
}

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The query, such as "SELECT day, sum(n) FROM tally WHERE what = 'predictions' GROUP BY day ORDER BY day".
    pub sql: String,
    #[command(flatten)]
    pub kept: KeptArgs,
    /// How rows are written.
    #[arg(long, value_enum, default_value = "table")]
    pub format: TableFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Table,
    Csv,
    /// One object a line.
    Json,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Data directory to look at, besides the configuration.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    Text,
    Json,
}

/// Runs a command and gives the process's exit code: 0 pass, 1 the thing judged fails, 2 usage or cannot judge.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Report(args) => report::run(&args, cli.config.as_deref()),
        Command::Serve(args) => serve::run(&args, cli.config.as_deref()),
        Command::Ingest(args) => ingest::run(&args, cli.config.as_deref()),
        Command::Replay(args) => replay::run(&args, cli.config.as_deref()),
        Command::Query(args) => query::run(&args, cli.config.as_deref()),
        Command::Check(args) => check::run(&args, cli.config.as_deref()),
    };
    done.unwrap_or_else(|e| {
        eprintln!("vigie: {}", told(&e));
        ExitCode::from(2)
    })
}

/// An error with its causes, each said once: many messages quote their cause already.
fn told(e: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in e.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

fn load_config(path: Option<&Path>) -> anyhow::Result<Config> {
    Ok(Config::load(path)?)
}

fn lang(flag: Option<&str>, config: &Config) -> anyhow::Result<Lang> {
    match flag.or(config.lang.as_deref()) {
        Some(text) => text.parse().context("--lang"),
        None => Ok(Lang::default()),
    }
}

/// The shell's clock: the one place where a command asks what time it is.
fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "the shell may look at the clock")]
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Drawn on a terminal only.
fn progress(template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new_spinner().with_style(style)
}
