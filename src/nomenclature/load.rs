use std::{collections::BTreeSet, path::Path};

use super::{Nomenclature, TreeError, canonical};
use crate::csv::{CsvError, Dialect, Table};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Csv(#[from] CsvError),
    #[error("{path}: {source}")]
    Tree { path: String, source: TreeError },
    #[error("{path}: no `code` column; found {found}. Expected `code,label,parent`, or one column per level")]
    NoCode { path: String, found: String },
    #[error("{path}, row {row}: the code is empty")]
    EmptyCode { path: String, row: usize },
}

/// Reads `code,label[,parent]` (without `parent`, the longest known prefix is the parent) or one column per level
/// (`section,division,...,code,label`, with optional `section_label`...). The separator is guessed.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn from_csv(path: &Path, name: &str) -> Result<Nomenclature, LoadError> {
    let table = Table::read(path, &Dialect::default())?;
    let path = path.display().to_string();
    let levels = level_columns(&table);
    let (entries, names) = match table.column("code") {
        Some(code) if levels.is_empty() => (listed(&table, code, &path)?, level_names(name)),
        None if levels.is_empty() => {
            return Err(LoadError::NoCode { path, found: format!("{:?}", table.names()) });
        }
        _ => by_level(&table, &levels),
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Nomenclature::new(name, &names, entries).map_err(|source| LoadError::Tree { path, source })
}

type Entries = Vec<(String, String, Option<String>)>;

/// Levels of a nomenclature whose file does not name them.
fn level_names(name: &str) -> Vec<String> {
    let plain = name.to_lowercase();
    let names: &[&str] = if plain.contains("naf") || plain.contains("nace") {
        &["section", "division", "group", "class", "sub_class"]
    } else if plain.contains("coicop") {
        &["division", "group", "class", "sub_class"]
    } else {
        &[]
    };
    names.iter().map(|s| (*s).to_owned()).collect()
}

fn listed(table: &Table, code: usize, path: &str) -> Result<Entries, LoadError> {
    let label = table.column("label").or_else(|| table.column("libelle"));
    let parent = table.column("parent");
    let mut entries: Entries = Vec::with_capacity(table.rows());
    for row in 0..table.rows() {
        let own = table.get(row, code).ok_or_else(|| LoadError::EmptyCode { path: path.to_owned(), row: row + 2 })?;
        let text = label.and_then(|c| table.get(row, c)).unwrap_or_default();
        entries.push((own.to_owned(), text.to_owned(), parent.and_then(|c| table.get(row, c)).map(str::to_owned)));
    }
    if parent.is_none() {
        let known: BTreeSet<String> = entries.iter().map(|e| canonical(&e.0).into_owned()).collect();
        for (code, _, parent) in &mut entries {
            let own = canonical(code).into_owned();
            let ends = own.char_indices().map(|(i, _)| i).skip(1).collect::<Vec<_>>();
            *parent = ends.into_iter().rev().map(|i| &own[..i]).find(|p| known.contains(*p)).map(str::to_owned);
        }
    }
    Ok(entries)
}

/// Columns that hold codes, coarsest (fewest distinct values) first; empty when the file is a plain list.
fn level_columns(table: &Table) -> Vec<usize> {
    let about_labels = |n: &str| n == "label" || n.ends_with("_label") || n.starts_with("libelle") || n == "parent";
    if table.column("parent").is_some() {
        return Vec::new();
    }
    let values = |c: usize| {
        (0..table.rows()).map(|r| table.get(r, c).map(|v| canonical(v).into_owned())).collect::<Vec<_>>()
    };
    let code = table.column("code").map(values);
    let mut columns: Vec<(usize, usize)> = Vec::new();
    for (i, name) in table.names().iter().enumerate() {
        let name = name.to_lowercase();
        let own = values(i);
        // `code_dot` beside `code` is the same column written otherwise
        if !about_labels(&name) && (name == "code" || Some(&own) != code.as_ref()) {
            columns.push((own.iter().flatten().collect::<BTreeSet<_>>().len(), i));
        }
    }
    columns.sort_unstable();
    if columns.len() < 2 { Vec::new() } else { columns.into_iter().map(|(_, i)| i).collect() }
}

fn by_level(table: &Table, levels: &[usize]) -> (Entries, Vec<String>) {
    let mut names: Vec<String> = levels.iter().map(|c| table.names()[*c].to_lowercase()).collect();
    if let Some(last) = names.last_mut().filter(|n| *n == "code") {
        *last = "sub_class".to_owned();
    }
    let mut seen = BTreeSet::new();
    let mut entries: Entries = Vec::new();
    for row in 0..table.rows() {
        let mut parent: Option<String> = None;
        let last = levels.iter().rposition(|c| table.get(row, *c).is_some());
        for (depth, column) in levels.iter().enumerate() {
            let Some(code) = table.get(row, *column) else { break };
            let own = canonical(code).into_owned();
            let named = table.column(&format!("{}_label", table.names()[*column]));
            let label = named.or_else(|| table.column("label").filter(|_| Some(depth) == last));
            if seen.insert(own.clone()) {
                let label = label.and_then(|c| table.get(row, c)).unwrap_or_default();
                entries.push((own.clone(), label.to_owned(), parent.take()));
            }
            parent = Some(own);
        }
    }
    (entries, names)
}
