//! A period in the old classification against one in the new: reading crosswalks, carrying counts, groups that compare.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use proptest::prelude::*;
use vigie::{
    measure::drift::{categorical_drift, distances},
    nomenclature::crosswalk::{Crosswalk, CrosswalkError, Mapping},
};

type Counts = BTreeMap<String, u64>;

fn counts(of: &[(&str, u64)]) -> Counts {
    of.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

fn refusal(text: &str) -> String {
    Crosswalk::from_csv(text).expect_err(text).to_string()
}

#[test]
fn reads_what_people_have() {
    let text = "\u{feff}NAF rév. 2;NAF 2025;Libellé;Poids\r\n56.10a;56.11G;\"à table; \"\"vite\"\"\";0,7\r\n\r\n56.10A;56.11H;\"deux\nlignes\";0,3\r\n\
                47.91A;;fin;\r\n;62.20Y;début;\r\n01.11Z;01.11Y;;";
    let walk = Crosswalk::from_csv(text).unwrap();
    assert_eq!((walk.old_name.as_str(), walk.new_name.as_str()), ("NAF rév. 2", "NAF 2025"));
    assert_eq!(walk.mapping("5610A"), Mapping::Split);
    let shares: Vec<(&str, Option<f64>)> = walk.targets("5610A").collect();
    assert!(shares.iter().zip([0.7, 0.3]).all(|(found, share)| (found.1.unwrap() - share).abs() < 1e-12), "{shares:?}");
    assert_eq!(walk.mapping("4791A"), Mapping::Ended);
    assert_eq!(walk.mapping("0111Z"), Mapping::Same);
    assert_eq!(walk.mapping("9999Z"), Mapping::Unknown);
    assert_eq!(walk.sources("6220Y").count(), 0);
    // counts of rows do as weights, and a column of another name is not one
    let walk = Crosswalk::from_csv("a,b,share\nA,X,30\nA,Y,10\n").unwrap();
    assert_eq!(walk.targets("A").collect::<Vec<_>>(), [("X", Some(0.75)), ("Y", Some(0.25))]);
    let walk = Crosswalk::from_csv("a,b,share_of_ambiguous\nA,X,many\nB,X,\n").unwrap();
    assert_eq!(walk.targets("A").collect::<Vec<_>>(), [("X", None)]);
    assert_eq!(walk.mapping("A"), Mapping::Merged);
}

#[test]
fn says_what_is_wrong_and_where() {
    for (text, expected) in [
        ("", "line 1: expected the names of at least two columns"),
        ("code\nA", "line 1: expected the names of at least two columns"),
        ("a;b\n\n", "no line after the header"),
        ("a;b\n;;x\n", "line 2: both codes are empty"),
        ("a;b;poids\nA;X;0.5\nA;Y;-1\n", "line 3, column `poids`: `-1` is not a weight; allowed: a number from 0"),
        ("a;b;poids\nA;X;nan\n", "line 2, column `poids`: `nan` is not a weight"),
        ("a;b\nA;X\n\na ;x\n", "line 4: `A` to `X` is on line 2 already"),
        ("a;b;weight\nA;X;0.5\nA;Y;\n", "line 3, column `weight`: no weight for `A` to `Y`"),
        ("a;b;weight\nA;X;0\nA;Y;0\n", "line 3, column `weight`: the weights of `A` are all 0"),
        ("a;b;weight\nA;X;0.02\n", "line 2, column `weight`: the shares of `A` add up to 0.020"),
        ("a;b\nA;X\nA;\n", "line 2: `A` has a new code here and none on line 3"),
        ("a;b\nA;\nA;X\n", "line 3: `A` has a new code here and none on line 2"),
        ("a;b\nA;X\n\"B;Y\nC;Z\n", "line 3: a quote is not closed"),
    ] {
        assert!(refusal(text).starts_with(expected), "{text:?}: {}", refusal(text));
    }
    assert_eq!(Crosswalk::from_csv("a,b\n"), Err(CrosswalkError::Empty));
}

/// The samples of the workshop, neither of which is official.
#[test]
fn reads_the_samples() {
    for (name, lines) in
        [("crosswalk_jms2025_business_rules.csv", 7), ("crosswalk_labelmatch_DERIVED_UNOFFICIAL.csv", 335)]
    {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/nomenclatures").join(name);
        let Ok(text) = fs::read_to_string(path) else {
            println!("skipped: no ../shared/data/nomenclatures/{name}");
            continue;
        };
        let walk = Crosswalk::from_csv(&text).unwrap();
        assert_eq!((walk.old_name.as_str(), walk.new_name.as_str()), ("naf_rev2", "naf2025"));
        let found = walk.groups(&Counts::new(), &Counts::new());
        let links: usize = found.groups.iter().flat_map(|group| &group.old).map(|old| walk.targets(old).count()).sum();
        assert_eq!(links, lines, "{name}");
    }
}

/// The split of a code changes nothing over groups, and is bounded inside of one.
#[test]
fn a_revision_is_not_drift() {
    let walk = Crosswalk::from_csv("rev2;naf2025\nA;X\nA;Y\nB;Y\nC;Z\nD;Z\nE;V\n").unwrap();
    let old = counts(&[("A", 600), ("B", 100), ("C", 150), ("D", 50), ("E", 100)]);
    let new = counts(&[("X", 450), ("Y", 250), ("Z", 200), ("V", 100)]);
    let found = walk.groups(&old, &new);
    let rows: Vec<(u64, u64)> = found.groups.iter().map(|group| (group.reference, group.current)).collect();
    assert_eq!(rows, [(700, 700), (200, 200), (100, 100)]);
    let (reference, current): (Vec<u64>, Vec<u64>) = rows.into_iter().unzip();
    assert_eq!(categorical_drift(&reference, &current, 99, 1).unwrap().distances.total_variation, 0.0);
    // side by side, the codes themselves have nothing in common
    let codes = distances(&[600, 100, 150, 50, 100, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 450, 250, 200, 100]).unwrap();
    assert_eq!(codes.total_variation, 1.0);
    let carried = walk.carry(&old);
    let x = carried.codes.iter().find(|c| c.code == "X").unwrap();
    assert_eq!((x.expected, x.lowest, x.highest), (None, 0.0, 600.0));
    assert_eq!(x.shares(700), Some((None, 0.0, 600.0 / 700.0)));
    assert_eq!(x.shares(0), None);
    let z = carried.codes.iter().find(|c| c.code == "Z").unwrap();
    assert_eq!((z.expected, z.lowest, z.highest), (Some(200.0), 200.0, 200.0));
}

/// Links between few codes, so that groups of every shape come up, with a weight each or none.
fn walks() -> impl Strategy<Value = (BTreeSet<(u8, u8)>, bool)> {
    (prop::collection::btree_set((0..12_u8, 0..12_u8), 1..25), any::<bool>())
}

fn text(links: &BTreeSet<(u8, u8)>, weighted: bool) -> String {
    let line =
        |(a, b): &(u8, u8)| if weighted { format!("o{a};n{b};{}\n", 1 + a + b) } else { format!("o{a};n{b};\n") };
    std::iter::once("old;new;weight\n".to_owned()).chain(links.iter().map(line)).collect()
}

proptest! {
    #[test]
    fn totals_are_kept((links, weighted) in walks(), old in prop::collection::vec(0..1_000_u64, 14), new in prop::collection::vec(0..1_000_u64, 14)) {
        let walk = Crosswalk::from_csv(&text(&links, weighted)).unwrap();
        let named = |prefix: &str, of: &[u64]| of.iter().enumerate().map(|(i, n)| (format!("{prefix}{i}"), *n)).collect::<Counts>();
        let (old, new) = (named("O", &old), named("N", &new));
        let found = walk.groups(&old, &new);
        let sum = |of: &Counts| of.values().sum::<u64>();
        prop_assert_eq!(found.groups.iter().map(|g| g.reference).sum::<u64>() + found.unknown_reference, sum(&old));
        prop_assert_eq!(found.groups.iter().map(|g| g.current).sum::<u64>() + found.unknown_current, sum(&new));
        let carried = walk.carry(&old);
        let outside = (carried.ended + carried.unknown) as f64;
        let (low, high): (f64, f64) = carried.codes.iter().fold((outside, outside), |s, c| (s.0 + c.lowest, s.1 + c.highest));
        prop_assert!(low <= sum(&old) as f64 + 1e-6 && high >= sum(&old) as f64 - 1e-6);
        if weighted {
            let expected: f64 = carried.codes.iter().map(|c| c.expected.unwrap()).sum();
            prop_assert!((expected + outside - sum(&old) as f64).abs() < 1e-6);
        }
        for code in &carried.codes {
            prop_assert!(code.expected.is_none_or(|e| code.lowest - 1e-9 <= e && e <= code.highest + 1e-9));
        }
    }

    /// By walking from code to code, which needs no sets.
    #[test]
    fn groups_are_the_connected_components((links, weighted) in walks()) {
        let walk = Crosswalk::from_csv(&text(&links, weighted)).unwrap();
        let found = walk.groups(&Counts::new(), &Counts::new());
        let mut left = links.clone();
        let mut expected: BTreeSet<(BTreeSet<String>, BTreeSet<String>)> = BTreeSet::new();
        while let Some(first) = left.pop_first() {
            let (mut old, mut new) = (BTreeSet::from([first.0]), BTreeSet::from([first.1]));
            loop {
                let more: Vec<(u8, u8)> = left.iter().filter(|(a, b)| old.contains(a) || new.contains(b)).copied().collect();
                if more.is_empty() {
                    break;
                }
                for link in more {
                    left.remove(&link);
                    old.insert(link.0);
                    new.insert(link.1);
                }
            }
            let names = |of: BTreeSet<u8>, prefix: &str| of.iter().map(|i| format!("{prefix}{i}")).collect();
            expected.insert((names(old, "O"), names(new, "N")));
        }
        let found: BTreeSet<(BTreeSet<String>, BTreeSet<String>)> =
            found.groups.into_iter().map(|g| (g.old.into_iter().collect(), g.new.into_iter().collect())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-cA-C;,\"\n\r 0-9.é]{0,80}") {
        let _ = Crosswalk::from_csv(&text);
    }
}
