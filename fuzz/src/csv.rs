use std::path::Path;

#[derive(Debug, Default)]
pub struct Dialect {
    pub separator: Option<u8>,
}

#[derive(Debug, thiserror::Error)]
#[error("no delimited files here")]
pub struct CsvError;

#[derive(Debug)]
pub struct Table;

impl Table {
    pub fn read(_: &Path, _: &Dialect) -> Result<Table, CsvError> {
        Err(CsvError)
    }

    pub fn parse(_: &str, _: &[u8], _: &Dialect) -> Result<Table, CsvError> {
        Err(CsvError)
    }

    pub fn rows(&self) -> usize {
        0
    }

    pub fn names(&self) -> &[String] {
        &[]
    }

    pub fn column(&self, _: &str) -> Option<usize> {
        None
    }

    pub fn get(&self, _: usize, _: usize) -> Option<&str> {
        None
    }
}
