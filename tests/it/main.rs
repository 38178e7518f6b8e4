//! One integration binary: each `tests/*.rs` would link everything again.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "tests wait for real processes, and a panic is how they fail"
)]

mod adapters;
mod broker;
mod cli;
mod config;
mod contract;
mod crash;
mod emerging;
mod drift;
mod harness;
mod kafka;
mod labels;
mod layering;
mod made_anew;
mod measure;
mod nomenclature;
mod one_moment;
mod partitions;
mod policy_change;
mod queries;
mod report_schema;
mod replicas;
mod report_view;
mod schema;
mod semantics;
mod service;
mod streams;
mod unnamed_routes;
mod versions;
