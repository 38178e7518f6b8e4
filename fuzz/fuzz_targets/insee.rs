//! Arbitrary bytes as a line of INSEE's API: nothing panics, and the journal's form of the event says the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rooms::{
    event::Kind,
    ingest::{Admission, Columns, FileFormat, Row, with_insee_row},
};

static FORMAT: LazyLock<FileFormat> = LazyLock::new(|| FileFormat {
    columns: Columns {
        constants: [("model", "ape"), ("nomenclature", "naf-rev2"), ("model_version", "1")]
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .into(),
    },
    time_zone: Some(jiff::tz::TimeZone::fixed(jiff::tz::offset(2))),
});

fuzz_target!(|bytes: &[u8]| with_insee_row(&FORMAT, bytes, check));

fn check(row: &Row<'_>) {
    let admit = |row: &Row<'_>| Admission::default().receive(row, Some(Kind::Prediction)).admitted;
    let direct = admit(row);
    match row {
        Row::Bad(reject, _) => assert!(!reject.detail.is_empty(), "{reject:?}"),
        Row::Prediction(_) => {
            let journaled = admit(&Row::Line(&row.to_json()));
            match (&direct, &journaled) {
                (Ok(direct), Ok(journaled)) => assert_eq!(direct, journaled),
                (Err(_), Err(_)) => {}
                _ => panic!("direct {direct:?}, through the journal {journaled:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}
