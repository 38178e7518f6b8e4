use proptest::prelude::*;
use vigie::measure::terms::{
    stop_words::StopWords,
    words::{Length, terms, words},
};

fn spelled(text: &str) -> Vec<&str> {
    words(text, &StopWords::default()).iter().map(|word| &text[word.start..word.end]).collect()
}

fn keys(text: &str) -> Vec<u64> {
    words(text, &StopWords::default()).iter().map(|word| word.key).collect()
}

fn same(a: &str, b: &str) -> bool {
    assert!(!keys(a).is_empty(), "{a} has no word");
    keys(a) == keys(b)
}

/// Phrases, written as their words.
fn phrases(text: &str) -> Vec<String> {
    let (found, keys) = (spelled(text), keys(text));
    let long = terms(&keys).filter(|term| term.words > Length::One);
    long.map(|term| found[term.first..term.first + term.words as usize].join(" ")).collect()
}

#[test]
fn french_is_read_as_people_write_it() {
    assert_eq!(spelled("vente de crêpes sur les marchés"), ["vente", "crêpes", "marchés"]);
    assert_eq!(spelled("COIFFURE A DOMICILE"), ["COIFFURE", "DOMICILE"]);
    for text in ["l’installation d’isolation", "l'installation d'isolation", "L ’installation d ´isolation"] {
        assert_eq!(spelled(text), ["installation", "isolation"], "{text}");
    }
    assert_eq!(spelled("jusqu'au chantier, qu'il soit neuf ou lorsqu’il est ancien"), ["chantier", "neuf", "ancien"]);
    assert!(spelled("aujourd'hui").is_empty() && spelled("aujourd’hui").is_empty());
    let no_stop = StopWords::new::<&str>([]);
    assert_eq!(words("aujourd'hui", &no_stop).len(), 1);
    // sans turns the meaning round
    assert_eq!(spelled("boissons sans alcool"), ["boissons", "sans", "alcool"]);
}

#[test]
fn spellings_of_one_thing_are_one() {
    for (a, b) in [
        ("crêpes", "CREPE"),
        ("e\u{301}picerie", "épicerie"),
        ("œuvre", "OEUVRE"),
        ("ævum", "aevum"),
        ("travaux de bureaux", "travau bureau"),
        ("auto-école", "auto école"),
        ("porte-à-porte", "porte à porte"),
        ("e-commerce", "ecommerce"),
        ("T-shirts", "tshirt"),
        ("B.T.P.", "BTP"),
        ("R&D", "rd"),
        ("vente à emporter", "ventes emporter"),
        ("garde d'enfants", "garde des enfants"),
        ("12 taxis 2024", "taxi"),
        ("ﬁbre", "fibre"),
        ("co\u{ad}iffure", "coiffure"),
    ] {
        assert!(same(a, b), "{a} and {b}");
    }
    for (a, b) in [("business", "busines"), ("bus", "bu"), ("vente pain", "pain vente"), ("b2b", "b2c"), ("gaz", "ga")]
    {
        assert!(!same(a, b), "{a} and {b}");
    }
    assert_eq!(spelled("impression 3D, 3 x 4"), ["impression", "3D"]);
}

#[test]
fn phrases_skip_stop_words_and_stay_in_a_clause() {
    assert_eq!(phrases("garde d'enfants à domicile"), ["garde enfants", "garde enfants domicile", "enfants domicile"]);
    assert_eq!(phrases("vente, réparation de vélos"), ["réparation vélos"]);
    assert_eq!(phrases("achat/vente - location (bateaux)"), Vec::<String>::new());
    assert_eq!(phrases("restaurant & bar"), ["restaurant bar"]);
    assert!(phrases("de la vente").is_empty());
    // the order of words counts
    let of = |text: &str| terms(&keys(text)).last().expect("a term").key;
    let pair = |text: &str| terms(&keys(text)).find(|term| term.words == Length::Two).expect("a pair").key;
    assert_ne!(pair("garde enfants"), pair("enfants garde"));
    assert_eq!(of("vélos"), of("vélos"));
}

#[test]
fn the_caller_chooses_the_stop_words() {
    let stop = StopWords::new(["Activité", "VENTE"]);
    let text = "activités de vente de pain";
    let found: Vec<&str> = words(text, &stop).iter().map(|word| &text[word.start..word.end]).collect();
    assert_eq!(found, ["de", "de", "pain"]);
}

proptest! {
    #[test]
    fn case_does_not_matter(text in "[a-zà-öù-ÿœæ'’ .,&/-]{0,60}") {
        let upper = text.to_uppercase();
        prop_assert_eq!(keys(&text), keys(&upper));
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,80}") {
        let found = words(&text, &StopWords::default());
        let mut end = 0;
        for word in &found {
            prop_assert!(word.start >= end && word.end > word.start);
            prop_assert!(text.get(word.start..word.end).is_some());
            end = word.end;
        }
        let keys: Vec<u64> = found.iter().map(|word| word.key).collect();
        prop_assert!(terms(&keys).count() <= 3 * found.len());
    }
}
