use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;

use super::{Row, delimited, delimited::Columns, insee, lines, parquet};
use crate::{csv, event::Kind};

/// One thing to read: a file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => path.display().fmt(f),
        }
    }
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InputFormat {
    /// By extension (`.parquet`, `.csv`, `.tsv`), else lines of JSON.
    #[default]
    Auto,
    Ndjson,
    Parquet,
    Csv,
    /// Lines of INSEE's API log: JSON or Python literals.
    Insee,
}

/// Everything needed to make sense of files that are not in the contract's own form.
#[derive(Debug, Clone, Default)]
pub struct FileFormat {
    pub format: InputFormat,
    pub dialect: csv::Dialect,
    /// Names of the columns of CSV and Parquet files, where they differ from the contract's.
    pub columns: Columns,
    /// Zone of times that are written without one; `None`: such a time is refused.
    pub time_zone: Option<TimeZone>,
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {input}: {source}")]
    Io { input: String, source: io::Error },
    #[error("{0} is a directory; name files, or a pattern such as '{0}/*.ndjson.gz'")]
    Directory(String),
    #[error("{0} matches no file")]
    NoMatch(String),
    #[error("{pattern}: {message}")]
    Pattern { pattern: String, message: String },
    #[error("{input} is not a Parquet file that can be read: {message}")]
    Parquet { input: String, message: String },
    #[error("{input}: {message}")]
    Columns { input: String, message: String },
    #[error(transparent)]
    Csv(#[from] csv::CsvError),
    #[error("standard input can only hold lines of JSON, not {0}")]
    Stdin(&'static str),
}

/// Turns arguments (paths, globs, `-`) into inputs, globs in the order of their names.
///
/// # Errors
/// When a path does not exist, is a directory, or a pattern matches nothing.
pub fn expand(arguments: &[String]) -> Result<Vec<Input>, FileError> {
    let mut inputs = Vec::new();
    for argument in arguments {
        if argument == "-" {
            inputs.push(Input::Stdin);
            continue;
        }
        let path = Path::new(argument);
        if path.is_dir() {
            return Err(FileError::Directory(argument.clone()));
        }
        let is_pattern = argument.contains(['*', '?', '[']) && !path.exists();
        if !is_pattern {
            fs::metadata(path).map_err(|source| FileError::Io { input: argument.clone(), source })?;
            inputs.push(Input::File(path.to_owned()));
            continue;
        }
        let wrong = |message: String| FileError::Pattern { pattern: argument.clone(), message };
        let found = glob::glob(argument).map_err(|e| wrong(e.to_string()))?;
        let before = inputs.len();
        for entry in found {
            let path = entry.map_err(|e| wrong(e.to_string()))?;
            if path.is_file() {
                inputs.push(Input::File(path));
            }
        }
        if inputs.len() == before {
            return Err(FileError::NoMatch(argument.clone()));
        }
    }
    Ok(inputs)
}

/// Hands over every row of an input with its number (line or row, from 1).
///
/// # Errors
/// When the file as a whole cannot be read; a single bad row is handed over as [`Row::Bad`] or found bad later.
pub fn each_row(
    input: &Input,
    kind: Option<Kind>,
    format: &FileFormat,
    each: &mut dyn FnMut(u64, Row<'_>),
) -> Result<(), FileError> {
    let laid_out = layout(input, format.format);
    let io_error = |source| FileError::Io { input: input.to_string(), source };
    match (input, laid_out) {
        (Input::File(path), InputFormat::Parquet) => parquet::each_row(path, kind, format, each),
        (Input::File(path), InputFormat::Csv) => delimited::each_row(path, kind, format, each),
        (Input::Stdin, InputFormat::Parquet) => Err(FileError::Stdin("Parquet")),
        (Input::Stdin, InputFormat::Csv) => Err(FileError::Stdin("CSV")),
        (_, InputFormat::Insee) => {
            let adapter = insee::Adapter::new(format)
                .map_err(|message| FileError::Columns { input: input.to_string(), message })?;
            let source = open(input).map_err(io_error)?;
            lines::each_line(source, |n, line| each(n, adapter.row(line))).map(drop).map_err(io_error)
        }
        (_, InputFormat::Ndjson | InputFormat::Auto) => {
            let source = open(input).map_err(io_error)?;
            lines::each_line(source, |n, line| each(n, Row::Line(line))).map(drop).map_err(io_error)
        }
    }
}

fn layout(input: &Input, format: InputFormat) -> InputFormat {
    match (format, input) {
        (InputFormat::Auto, Input::File(path)) => {
            match path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
                Some("parquet" | "pq") => InputFormat::Parquet,
                Some("csv" | "tsv" | "txt") => InputFormat::Csv,
                _ => InputFormat::Ndjson,
            }
        }
        (format, _) => format,
    }
}

fn open(input: &Input) -> io::Result<Box<dyn Read>> {
    let source: Box<dyn Read> = match input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => Box::new(fs::File::open(path)?),
    };
    lines::decompressed(source)
}
