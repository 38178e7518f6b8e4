//! The rooms an event walks through before anything is counted, as links into the main package's sources.
//!
//! `event` and `nomenclature` are whole; of `measure` and `ingest` only what admission needs; `csv` stands in for the
//! room that Polars reads delimited files in, which no line of JSON ever enters.
#![allow(dead_code)]

pub mod csv;
pub mod event;
pub mod ingest;
pub mod nomenclature;
pub mod measure {
    pub mod sketch;
}
