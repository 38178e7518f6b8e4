use std::{fs, path::PathBuf, sync::Arc};

use super::section::{Found, Section, suggest};
use crate::{
    assess::NamedCrosswalk,
    nomenclature::{builtin, builtin_names, crosswalk::Crosswalk},
};

/// `[crosswalks]`: `"older -> newer" = "file.csv"`.
pub(super) fn read(top: &Section<'_>, own: &[(String, PathBuf)]) -> Vec<NamedCrosswalk> {
    top.entries("crosswalks").into_iter().filter_map(|(name, found)| one(name, &found, own)).collect()
}

fn one(name: &str, found: &Found<'_>, own: &[(String, PathBuf)]) -> Option<NamedCrosswalk> {
    let Some((from, to)) = name.split_once("->").map(|(from, to)| (from.trim(), to.trim())) else {
        found.note("expected two nomenclatures with an arrow between, such as \"naf-rev2 -> naf-2025\"".to_owned());
        return None;
    };
    let names = (nomenclature(from, found, own), nomenclature(to, found, own));
    let path = found.beside(found.name()?);
    let shown = path.display();
    let text = fs::read_to_string(&path).map_err(|e| found.note(format!("{shown} cannot be read: {e}"))).ok()?;
    let walk = Crosswalk::from_csv(&text).map_err(|e| found.note(format!("{shown}: {e}"))).ok()?;
    Some(NamedCrosswalk { names: names.0.zip(names.1), walk: Arc::new(walk) })
}

/// The name under which a series has it.
fn nomenclature(name: &str, found: &Found<'_>, own: &[(String, PathBuf)]) -> Option<String> {
    if own.iter().any(|(known, _)| known == name) {
        return Some(name.to_owned());
    }
    let known = builtin(name).map(|found| found.name().to_owned());
    if known.is_none() {
        let names: Vec<&str> = own.iter().map(|(n, _)| n.as_str()).chain(builtin_names()).collect();
        let near = suggest(name, &names);
        found.note(format!("there is no nomenclature {name:?}; {near}, or add it under [nomenclatures]"));
    }
    known
}
