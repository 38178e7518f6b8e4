//! One integration binary: each `tests/*.rs` would link everything again.

mod adapters;
mod config;
mod contract;
mod layering;
mod measure;
mod nomenclature;
mod report_view;
mod schema;
