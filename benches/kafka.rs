//! `cargo bench --bench kafka -- MODE`: the service on a real Kafka, whole processes on one machine.
//!
//! throughput   a topic full of events: a bare consumer and `vigie serve` in turn, and where the CPU time goes
//! where        one round of `vigie serve` alone, for the CPU time of its threads
//! latency      from the broker's acknowledgement to an answer that counts the event
//! held         memory while millions of predictions wait for their labels
//! recovery     from the death of a replica to the first event that its successor counts
//! soak         memory, handles and lag for half an hour; the exit code says whether they grow
//!
//! `VIGIE_BENCH_BINARY` names another binary than the one that cargo built; `VIGIE_BENCH_TEXTS` is the share of texts kept
//! (`models.default.texts`).
//!
//! Broker, service and bench share the machine: what the others take is printed beside every rate. Each mode starts a
//! broker of its own, ends with one line of JSON and leaves nothing behind.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The tests' own broker. It stands in an inline module so that its files are found in its folder.
#[path = "../tests/it"]
#[allow(dead_code, unused_imports, clippy::unwrap_used, reason = "the tests use all of it, and hold their own tests")]
mod it {
    pub mod broker;
}
use it::broker;

#[path = "kafka/events.rs"]
mod events;
#[path = "kafka/figures.rs"]
mod figures;
#[path = "kafka/held.rs"]
mod held;
#[path = "kafka/latency.rs"]
mod latency;
#[path = "kafka/processes.rs"]
mod processes;
#[path = "kafka/recovery.rs"]
mod recovery;
#[path = "kafka/sending.rs"]
mod sending;
#[path = "kafka/serving.rs"]
mod serving;
#[path = "kafka/soak.rs"]
mod soak;
#[path = "kafka/throughput.rs"]
mod throughput;
#[path = "kafka/topics.rs"]
mod topics;

#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench kafka --", about = "The service on a real Kafka")]
pub struct Options {
    /// Without one, nothing runs: the modes take minutes
    mode: Option<Mode>,
    /// Of throughput, or predictions of held; of latency those counted before it begins [default: 3,000,000; held
    /// 20,000,000; latency none]
    #[arg(long)]
    events: Option<u64>,
    /// After warm-up [default: latency 60, soak 1800]
    #[arg(long)]
    seconds: Option<u64>,
    /// Of throughput
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Events a second [default: latency 20,000, soak 10,000]
    #[arg(long)]
    rate: Option<u64>,
    /// Of each topic
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(i32).range(1..=64))]
    partitions: i32,
    /// Cargo passes it
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Throughput,
    Where,
    Latency,
    Held,
    Soak,
    Recovery,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match options.mode {
        None => {
            // `cargo bench` without a name runs every bench
            println!("kafka: no mode is named, nothing runs; see `cargo bench --bench kafka -- --help`");
            ExitCode::SUCCESS
        }
        Some(Mode::Throughput) => throughput::run(&options, options.rounds, true),
        Some(Mode::Where) => throughput::run(&options, 1, false),
        Some(Mode::Latency) => latency::run(&options),
        Some(Mode::Held) => held::run(&options),
        Some(Mode::Soak) => soak::run(&options),
        Some(Mode::Recovery) => recovery::run(&options),
    }
}
