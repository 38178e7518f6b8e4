//! Vigie watches text-classification models in production.
//!
//! The rooms stand below in the order in which an event walks through them. A room imports only rooms above it; a test
//! (`tests/it/layering.rs`) says so.

// contract and foundations
pub mod event;
pub mod csv;
pub mod nomenclature;
pub mod measure;
pub mod decide;
// the flow: events in, facts out
pub mod ingest;
pub mod join;
pub mod fact;
pub mod store;
pub mod pipeline;
// questions and answers
pub mod query;
pub mod assess;
pub mod report;
pub mod service;
pub mod http;
// the shell
pub mod config;
pub mod telemetry;
pub mod cli;
