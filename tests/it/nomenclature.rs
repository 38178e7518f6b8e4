//! Built-in nomenclatures, files in the shapes people have, and broken ones.

use std::path::Path;

use vigie::nomenclature::{LoadError, Nomenclature, RollUp, TreeError, builtin, canonical, from_csv};

fn counts(n: &Nomenclature) -> Vec<usize> {
    (1..=n.depth()).map(|level| n.count(level)).collect()
}

fn file(text: &str) -> Result<Nomenclature, LoadError> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("own.csv");
    std::fs::write(&path, text).expect("written");
    from_csv(&path, "own")
}

fn fixture(name: &str) -> Nomenclature {
    from_csv(&Path::new("fixtures/nomenclatures").join(name), name).expect(name)
}

#[test]
fn built_in_trees_have_their_official_sizes() {
    for (name, expected) in [
        ("naf-rev2", vec![21, 88, 272, 615, 732]),
        ("NAF2008", vec![21, 88, 272, 615, 732]),
        ("nace-rev2.1", vec![22, 87, 287, 651]),
        // its leaves are a letter on a class, and not listed
        ("NAF 2025", vec![22, 87, 287, 651, 0]),
    ] {
        assert_eq!(counts(&builtin(name).expect(name)), expected, "{name}");
    }
    assert!(builtin("coicop").is_none());
}

#[test]
fn codes_roll_up_with_or_without_dots() {
    let naf = builtin("naf-rev2").expect("naf-rev2");
    let code = canonical("56.10a");
    let path: Vec<_> = (1..=5).map(|level| naf.roll_up(&code, level)).collect();
    assert_eq!(path, ["I", "56", "561", "5610", "5610A"].map(RollUp::At));
    assert_eq!(naf.roll_up("561", 5), RollUp::Coarser);
    assert_eq!(naf.roll_up("5610Y", 1), RollUp::Unknown);
    assert_eq!(naf.label("5610A"), "Restauration traditionnelle");
}

#[test]
fn naf_2025_takes_any_letter_on_a_class() {
    let naf = builtin("naf-2025").expect("naf-2025");
    assert_eq!(naf.level_names().last().map(String::as_str), Some("sub_class"));
    for leaf in ["0111Y", "0111Z"] {
        assert!(naf.knows(leaf));
        assert_eq!(naf.level_of(leaf), Some(5));
        assert_eq!(naf.roll_up(leaf, 5), RollUp::At(leaf));
        assert_eq!(naf.roll_up(leaf, 1), RollUp::At("A"));
        assert_eq!(naf.roll_up(leaf, 6), RollUp::Coarser);
    }
    for stranger in ["9999Y", "011Y", "01119", "0111YY", "Y", "", "é", "0111É"] {
        assert!(!naf.knows(stranger), "{stranger}");
    }
}

#[test]
fn files_of_every_shape_load() {
    assert_eq!(counts(&fixture("naf-rev2.csv")), [21, 88, 272, 615, 732]);
    assert_eq!(counts(&fixture("nace-rev2.1.csv")), [22, 87, 287, 651]);
    let columns = fixture("levels-columns.csv");
    assert_eq!(columns.level_names(), ["section", "division", "group", "class", "sub_class"]);
    assert_eq!(columns.roll_up("1071C", 2), RollUp::At("10"));
    assert_eq!(columns.label("1071C"), "Boulangerie et boulangerie-pâtisserie");
    assert_eq!(columns.label("10"), "");
    // COICOP: dots, branches that end early
    let coicop = fixture("coicop-extract.csv");
    assert_eq!(coicop.level_names(), ["division", "group", "class", "sub_class"]);
    assert_eq!(coicop.roll_up("0111", 1), RollUp::At("01"));
    assert_eq!(coicop.level_of("98"), Some(1));
    assert_eq!(coicop.roll_up("98", 2), RollUp::Coarser);
}

#[test]
fn parents_are_found_by_prefix_where_they_are_not_given() {
    let own = file("code;libelle\n01;Culture\n01.1;Riz\n01.1.2;Riz long\n02;Bois\n").expect("a tree");
    assert_eq!(counts(&own), [2, 1, 1]);
    assert_eq!(own.roll_up("0112", 1), RollUp::At("01"));
    assert_eq!(own.label("011"), "Riz");
}

#[test]
fn other_columns_are_no_levels() {
    let own = file("code,label,notes\nA,Un,x\nA1,Deux,x\nB,Trois,\n").expect("a tree");
    assert_eq!(counts(&own), [2, 1]);
    // as INSEE's files are: dotted twins, labels of some levels
    let wide = "code,code_dot,label,class,group,division,division_label,section,section_label\n\
                0111Y,01.11Y,Blé,01.11,01.1,01,Culture,A,AGRICULTURE\n0112Y,01.12Y,Riz,01.12,01.1,01,Culture,A,AGRICULTURE\n";
    let wide = file(wide).expect("a tree");
    assert_eq!(counts(&wide), [1, 1, 1, 2, 2]);
    assert_eq!((wide.label("01"), wide.label("0111"), wide.label("0112Y")), ("Culture", "", "Riz"));
    // every level has a row of its own, the code repeated
    let rows = file("section,division,code,label\nA,,A,Agriculture\nA,01,01,Culture\nA,01,01.1,Riz\n").expect("a tree");
    assert_eq!(counts(&rows), [1, 1, 1]);
    assert_eq!((rows.label("A"), rows.label("01"), rows.label("011")), ("Agriculture", "Culture", "Riz"));
}

#[test]
fn broken_files_are_named_with_their_row() {
    for (text, part) in [
        ("code,label,parent\nA,a,B\nB,b,A\n", "row 2: code `A` is its own ancestor"),
        ("code,label,parent\nA,a,A\n", "row 2: code `A` is its own ancestor"),
        ("code,label,parent\n56.10a,a,\n5610A,b,\n", "row 3: code `5610A` appears twice"),
        ("code,label,parent\nA1,a,A\n", "row 2: code `A1` names the parent `A`"),
        ("code,label,parent\n,a,\n", "row 2: the code is empty"),
        ("code,label,parent\n...,a,\n", "row 2: the code is empty"),
        ("name,label\nA,a\n", "no column `code`"),
        ("code,label,parent\n", "there is no code"),
        ("", "is empty"),
        (
            "section,division,label\nA,01,a\nA,02,b\nB,03,c\nB,01,d\n",
            "row 5: `01` is under `B` here and under `A` further up",
        ),
    ] {
        let message = file(text).expect_err(text).to_string();
        assert!(message.contains("own.csv") && message.contains(part), "{text:?}: {message}");
    }
}

#[test]
fn cycles_and_depth_are_told_apart_in_long_lists() {
    let chain = |n: usize| (0..n).map(|i| (format!("C{i}"), String::new(), (i > 0).then(|| format!("C{}", i - 1))));
    assert_eq!(Nomenclature::new("own", &[], chain(9)).expect("nine levels").depth(), 9);
    assert!(matches!(Nomenclature::new("own", &[], chain(10)), Err(TreeError::TooDeep { code, .. }) if code == "C9"));
    let others = (0..500).map(|i| (format!("X{i}"), String::new(), None));
    let cycle = ["A", "B"].map(|c| (c.to_owned(), String::new(), Some(if c == "A" { "B" } else { "A" }.to_owned())));
    let tree = Nomenclature::new("own", &[], others.chain(cycle));
    assert!(matches!(tree, Err(TreeError::Cycle(code)) if code == "A" || code == "B"));
}
