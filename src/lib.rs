//! Vigie watches text-classification models in production.
//!
//! The rooms stand below in the order in which an event walks through them. A room imports only rooms above it; a test
//! (`tests/it/layering.rs`) says so.

// contract and foundations
pub mod csv;
pub mod event;
pub mod measure;
pub mod nomenclature;
// the flow: events in, facts out
pub mod fact;
pub mod ingest;
pub mod join;
pub mod pipeline;
pub mod store;
// questions and answers
pub mod assess;
pub mod http;
pub mod query;
pub mod report;
pub mod service;
// the shell
pub mod cli;
pub mod config;
pub mod telemetry;
