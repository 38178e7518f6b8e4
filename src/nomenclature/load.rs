use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{Nomenclature, TreeError, canonical};
use crate::csv::{CsvError, Dialect, Table};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Csv(#[from] CsvError),
    #[error("{path}{place}: {source}")]
    Tree {
        path: String,
        /// `, row 12` where it can be told; the header is row 1.
        place: String,
        source: TreeError,
    },
    #[error(
        "{path}: no column `code`, and none that is named like a level (section, division, group, class, level_1 ..); \
         found {found}"
    )]
    NoCode { path: String, found: String },
    #[error("{path}, row {row}: the code is empty")]
    EmptyCode { path: String, row: usize },
    #[error("{path}, row {row}: `{code}` is under {found} here and under {before} further up")]
    TwoParents { path: String, row: usize, code: String, found: String, before: String },
}

/// Reads `code,label[,parent]` (without `parent`, the longest known prefix is the parent) or one column per level
/// (`section,division,...,code,label`, with optional `section_label`...). The separator is guessed.
///
/// A column is a level when its name is one that classifications use (`division`, `sous_classe`, `level_2`, ..) or when
/// there is a column `.._label` for it; other columns, such as notes, are left alone.
///
/// # Errors
/// Names the file, the row and what is wrong.
pub fn from_csv(path: &Path, name: &str) -> Result<Nomenclature, LoadError> {
    let table = Table::read(path, &Dialect::default())?;
    let path = path.display().to_string();
    let levels = level_columns(&table);
    let (entries, names) = match table.column("code") {
        Some(code) if levels.is_empty() => (listed(&table, code, &path)?, level_names(name)),
        None if levels.is_empty() => return Err(LoadError::NoCode { path, found: table.names().join(", ") }),
        _ => by_level(&table, &levels, &path)?,
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Nomenclature::new(name, &names, entries).map_err(|source| {
        // the last row that says it: of a code that is there twice, the second
        let is = |row: &usize, code: &str| {
            let cells = table.column("code").map_or_else(|| levels.clone(), |c| vec![c]);
            cells.iter().any(|c| table.get(*row, *c).is_some_and(|v| canonical(v) == canonical(code)))
        };
        let row = source.code().and_then(|code| (0..table.rows()).rev().find(|row| is(row, code)));
        let place = row.map(|r| format!(", row {}", r + 2)).unwrap_or_default();
        LoadError::Tree { path, place, source }
    })
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
        let own = table.get(row, code).filter(|c| !canonical(c).is_empty());
        let own = own.ok_or_else(|| LoadError::EmptyCode { path: path.to_owned(), row: row + 2 })?;
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

/// Names that classifications give their levels, in English and French.
const LEVEL_NAMES: [&str; 22] = [
    "section",
    "sous_section",
    "subsection",
    "chapter",
    "chapitre",
    "division",
    "sous_division",
    "group",
    "groupe",
    "sub_group",
    "subgroup",
    "sous_groupe",
    "class",
    "classe",
    "sub_class",
    "subclass",
    "sous_classe",
    "category",
    "categorie",
    "major",
    "minor",
    "unit",
];

fn is_level_name(name: &str) -> bool {
    let plain = name.to_lowercase().replace(['-', ' '], "_").replace('é', "e");
    let numbered = plain.strip_prefix("level_").or_else(|| plain.strip_prefix("niveau_"));
    LEVEL_NAMES.contains(&plain.as_str()) || numbered.is_some_and(|n| n.parse::<u8>().is_ok())
}

/// Columns that hold codes, coarsest (fewest distinct values) first; empty when the file is a plain list.
fn level_columns(table: &Table) -> Vec<usize> {
    if table.column("parent").is_some() {
        return Vec::new();
    }
    let is_level = |name: &String| {
        let labelled = !name.eq_ignore_ascii_case("code") && table.column(&format!("{name}_label")).is_some();
        is_level_name(name) || labelled
    };
    let mut levels: Vec<usize> = (0..table.names().len()).filter(|c| is_level(&table.names()[*c])).collect();
    if levels.is_empty() {
        return levels;
    }
    levels.extend(table.column("code"));
    let distinct = |c: usize| (0..table.rows()).filter_map(|r| table.get(r, c)).collect::<BTreeSet<_>>().len();
    levels.sort_by_cached_key(|c| distinct(*c));
    // `sub_class` beside `code` is the same column written otherwise
    let same = |a: usize, b: usize| {
        (0..table.rows()).all(|r| table.get(r, a).map(canonical) == table.get(r, b).map(canonical))
    };
    levels.dedup_by(|b, a| same(*a, *b));
    levels
}

fn by_level(table: &Table, levels: &[usize], path: &str) -> Result<(Entries, Vec<String>), LoadError> {
    let mut names: Vec<String> = levels.iter().map(|c| table.names()[*c].to_lowercase()).collect();
    if let Some(last) = names.last_mut().filter(|n| *n == "code") {
        *last = "sub_class".to_owned();
    }
    let mut seen: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut entries: Entries = Vec::new();
    for row in 0..table.rows() {
        let mut parent: Option<String> = None;
        // the row is about its finest code; the label is that one's
        let finest = levels.iter().rev().find_map(|c| table.get(row, *c)).map(canonical);
        for column in levels {
            let Some(code) = table.get(row, *column) else { continue };
            let own = canonical(code).into_owned();
            if parent.as_ref() == Some(&own) {
                continue; // some files repeat a coarse code in the column of the finest
            }
            match seen.get(&own) {
                Some(before) if *before != parent => {
                    let shown = |p: &Option<String>| p.as_ref().map_or("nothing".to_owned(), |p| format!("`{p}`"));
                    let (found, before) = (shown(&parent), shown(before));
                    return Err(LoadError::TwoParents {
                        path: path.to_owned(),
                        row: row + 2,
                        code: own,
                        found,
                        before,
                    });
                }
                Some(_) => {}
                None => {
                    let named = table.column(&format!("{}_label", table.names()[*column]));
                    let label = named.or_else(|| table.column("label").filter(|_| finest.as_deref() == Some(&own)));
                    let label = label.and_then(|c| table.get(row, c)).unwrap_or_default();
                    entries.push((own.clone(), label.to_owned(), parent.clone()));
                    seen.insert(own.clone(), parent);
                }
            }
            parent = Some(own);
        }
    }
    Ok((entries, names))
}
