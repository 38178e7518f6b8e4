use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    vigie::cli::run(vigie::cli::Cli::parse())
}
