//! One integration binary: each `tests/*.rs` would link everything again.

mod adapters;
mod cli;
mod config;
mod contract;
mod crash;
mod harness;
mod layering;
mod measure;
mod nomenclature;
mod report_schema;
mod report_view;
mod schema;
mod semantics;
mod service;
mod streams;
