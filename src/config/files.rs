use encoding_rs::Encoding;

use super::{
    Config,
    section::{Found, Section, suggest},
};
use crate::{
    csv::Dialect,
    event::Kind,
    ingest::{CORRECTION_FIELDS, Columns, FileFormat, InputFormat, PREDICTION_FIELDS},
};

pub(super) fn read(s: &Section<'_>, config: &mut Config) {
    config.predictions = s.section("predictions", |s| format(s, Kind::Prediction));
    config.corrections = s.section("corrections", |s| format(s, Kind::Correction));
}

fn format(s: &Section<'_>, kind: Kind) -> FileFormat {
    let formats = [
        ("auto", InputFormat::Auto),
        ("ndjson", InputFormat::Ndjson),
        ("csv", InputFormat::Csv),
        ("parquet", InputFormat::Parquet),
        ("insee", InputFormat::Insee),
    ];
    // INSEE's logs hold no corrections
    let formats = if kind == Kind::Correction { &formats[..4] } else { &formats[..] };
    let separators = [(";", b';'), (",", b','), ("tab", b'\t'), ("|", b'|')];
    let encodings = "names of the web, such as \"utf-8\", \"windows-1252\", \"iso-8859-15\"";
    FileFormat {
        format: s.choice("format", formats).unwrap_or_default(),
        dialect: Dialect {
            separator: s.choice("separator", &separators),
            encoding: s.parsed("encoding", encodings, |t| Encoding::for_label_no_replacement(t.as_bytes())),
            decimal_comma: s.choice("decimal", &[(",", true), (".", false)]).unwrap_or_default(),
        },
        columns: columns(s, kind),
        time_zone: s.zone("time_zone").map(|(_, zone)| zone),
    }
}

fn columns(s: &Section<'_>, kind: Kind) -> Columns {
    let names = s.entries("columns").into_iter().filter_map(|(field, found)| {
        let pair = kind == Kind::Prediction && is_pair(field);
        known(field, &found, fields(kind), pair).then_some(())?;
        Some((field.to_owned(), found.name()?.to_owned()))
    });
    let names = names.collect();
    let constants = s.entries("constants").into_iter().filter_map(|(field, found)| {
        known(field, &found, constant_fields(kind), false).then_some(())?;
        Some((field.to_owned(), constant(field, &found)?))
    });
    Columns {
        names,
        constants: constants.collect(),
        attributes: if kind == Kind::Prediction { s.texts("attributes").unwrap_or_default() } else { Vec::new() },
        uncodable: if kind == Kind::Correction { s.texts("uncodable").unwrap_or_default() } else { Vec::new() },
    }
}

fn fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Prediction => &PREDICTION_FIELDS,
        Kind::Correction => &CORRECTION_FIELDS,
    }
}

/// Fields that may sensibly be the same in all rows.
fn constant_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Prediction => &["model", "model_version", "nomenclature", "status", "route", "workspace"],
        Kind::Correction => &["source", "inclusion_probability", "annotator", "model", "workspace"],
    }
}

/// `code` and `probability`, or `code_1`, `probability_1` and so on to 100.
fn is_pair(field: &str) -> bool {
    let (name, rank) = field.split_once('_').unwrap_or((field, "1"));
    let in_range = rank.parse().is_ok_and(|n: u8| (1..=100).contains(&n) && n.to_string() == rank);
    matches!(name, "code" | "probability") && in_range
}

fn known(field: &str, found: &Found<'_>, fields: &[&str], pair: bool) -> bool {
    let is = pair || fields.contains(&field);
    if !is {
        found.note(format!("the contract has no such field here; {}", suggest(field, fields)));
    }
    is
}

fn constant(field: &str, found: &Found<'_>) -> Option<String> {
    let one_of = |words: &[&str]| {
        let text = found.name()?;
        if !words.contains(&text) {
            found.refuse(&words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", "));
        }
        Some(text.to_owned())
    };
    match field {
        "route" => one_of(&["auto", "manual"]),
        "status" => one_of(&["ok", "error"]),
        "inclusion_probability" => {
            let probability = found.number("a number above 0, at most 1", |x| x > 0.0 && x <= 1.0);
            probability.map(|x| x.to_string())
        }
        _ => found.name().map(str::to_owned),
    }
}
