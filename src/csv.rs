//! Delimited text as people really have it: `;` or tabs, Windows-1252, a byte-order mark, CRLF. Polars parses,
//! every field stays text: what a column means is decided by the room that asked, field by field, so that one bad
//! number rejects one row and not the file.

use std::{io::Cursor, path::Path, sync::Arc};

use encoding_rs::{Encoding, UTF_8};
use polars::prelude::{CsvParseOptions, CsvReadOptions, SerReader, StringChunked};

/// How a delimited file is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialect {
    /// `None`: whichever of `;`, tab, `,`, `|` is most frequent in the header.
    pub separator: Option<u8>,
    /// WHATWG label such as `utf-8`, `windows-1252`, `iso-8859-15`; `None`: UTF-8, else Windows-1252.
    pub encoding: Option<&'static Encoding>,
    pub decimal_comma: bool,
}

/// A table of texts with named columns.
#[derive(Debug)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<StringChunked>,
    rows: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    #[error("cannot read {path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{name}: byte {at} is not valid {encoding}; name the file's encoding (for instance windows-1252)")]
    Encoding { name: String, at: usize, encoding: &'static str },
    #[error("{name} is empty: expected a header line and rows")]
    Empty { name: String },
    #[error("{name} is not a table: {message}")]
    Malformed { name: String, message: String },
}

impl Table {
    /// # Errors
    /// When the file cannot be read, decoded, or has rows of different lengths.
    pub fn read(path: &Path, dialect: &Dialect) -> Result<Table, CsvError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| CsvError::Io { path: name.clone(), source })?;
        Table::parse(&name, &bytes, dialect)
    }

    /// # Errors
    /// As [`Table::read`], for bytes already in memory; `name` is used in messages.
    pub fn parse(name: &str, bytes: &[u8], dialect: &Dialect) -> Result<Table, CsvError> {
        let text = decode(name, bytes, dialect.encoding)?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(CsvError::Empty { name: name.to_owned() });
        }
        let separator = dialect.separator.unwrap_or_else(|| sniff(text));
        let frame = CsvReadOptions::default()
            .with_has_header(true)
            .with_infer_schema_length(Some(0))
            .with_n_threads(Some(1))
            .with_parse_options(CsvParseOptions::default().with_separator(separator).with_missing_is_null(true))
            .into_reader_with_file_handle(Cursor::new(text.as_bytes().to_vec()))
            .finish()
            .map_err(|e| CsvError::Malformed {
                name: name.to_owned(),
                message: e.to_string().lines().next().unwrap_or_default().to_owned(),
            })?;
        let rows = frame.height();
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for column in frame.columns() {
            // schema inference is off, so every column is text; a null-typed one (no value at all) casts to it
            let texts = column
                .as_materialized_series()
                .cast(&polars::prelude::DataType::String)
                .and_then(|s| s.str().map(|c| c.rechunk().into_owned()))
                .map_err(|e| CsvError::Malformed { name: name.to_owned(), message: e.to_string() })?;
            names.push(column.name().trim().to_owned());
            columns.push(texts);
        }
        Ok(Table { names, columns, rows })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n.eq_ignore_ascii_case(name))
    }

    /// The field, trimmed; `None` when absent or blank.
    pub fn get(&self, row: usize, column: usize) -> Option<&str> {
        self.columns.get(column)?.get(row).map(str::trim).filter(|s| !s.is_empty())
    }
}

fn decode(name: &str, bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<Arc<str>, CsvError> {
    match (encoding, std::str::from_utf8(bytes)) {
        (None, Ok(text)) => Ok(text.into()),
        // French offices export either; every byte string is valid Windows-1252
        (None, Err(_)) => Ok(encoding_rs::WINDOWS_1252.decode(bytes).0.into()),
        (Some(encoding), valid) => {
            let (text, _, bad) = encoding.decode(bytes);
            if bad {
                let at = if encoding == UTF_8 { valid.err().map_or(0, |e| e.valid_up_to()) } else { 0 };
                return Err(CsvError::Encoding { name: name.to_owned(), at, encoding: encoding.name() });
            }
            Ok(text.into())
        }
    }
}

fn sniff(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |c: char| header.matches(c).count();
    [';', '\t', ',', '|'].into_iter().rev().max_by_key(|c| count(*c)).map_or(b',', |c| c as u8)
}
