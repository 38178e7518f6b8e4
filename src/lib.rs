//! Vigie watches text-classification models in production.
//!
//! The rooms, in the order in which an event walks through them (a room imports only rooms above it; a test says so):

// contract and foundations
pub mod event;
pub mod csv;
pub mod nomenclature;
pub mod measure;
// the flow
pub mod ingest;
pub mod join;
pub mod fact;
pub mod store;
pub mod pipeline;
// questions and answers
