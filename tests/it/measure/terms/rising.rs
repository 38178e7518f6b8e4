use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::terms::{
    Kind, Periods, Rising, RisingTerm, TermOptions, TextRow, Texts, rising, stop_words::StopWords,
};

use super::row;

fn found(rows: &[TextRow]) -> Rising {
    let stop = StopWords::default();
    rising(&Texts::new(rows, &Periods { reference: 0..10, current: 10..20 }, &stop), &TermOptions::default())
}

fn of(found: &Rising, kind: Kind) -> Vec<&RisingTerm> {
    found.terms.iter().filter(|term| term.kind == kind).collect()
}

fn names(found: &Rising, kind: Kind) -> Vec<&str> {
    of(found, kind).into_iter().map(|term| term.term.as_str()).collect()
}

/// 400 rows a period of what has always been there.
fn usual() -> Vec<TextRow<'static>> {
    const TEXTS: [&str; 8] = [
        "vente de pain",
        "garde de chiens",
        "coiffure à domicile",
        "travaux de peinture",
        "enfants : vente de vêtements",
        "taxi",
        "plomberie et chauffage",
        "conseil en gestion",
    ];
    (0..800).map(|n| row(TEXTS[n % 8], if n < 400 { n as i32 % 10 } else { 10 + n as i32 % 10 })).collect()
}

fn with(mut rows: Vec<TextRow<'static>>, more: &[(&'static str, i32, usize)]) -> Vec<TextRow<'static>> {
    for (text, day, times) in more {
        rows.extend((0..*times).map(|n| row(text, day + n as i32 % 5)));
    }
    rows
}

/// Vente and garde are common words: what rises is the phrase.
#[test]
fn the_most_specific_of_terms_that_rise_together_is_kept() {
    let rows = with(
        usual(),
        &[
            ("vente de crêpes sur les marchés", 12, 20),
            ("VENTE DE CREPES", 11, 10),
            ("garde d'enfants", 10, 15),
            ("Garde d’enfants à domicile", 13, 6),
            ("garde d’enfants", 2, 1),
        ],
    );
    let found = found(&rows);
    assert_eq!(names(&found, Kind::Share), ["vente de crêpes", "garde d'enfants"]);
    assert!(of(&found, Kind::LowConfidence).is_empty() && of(&found, Kind::Errors).is_empty());
    let [crepes, garde] = found.terms.as_slice() else { panic!("{found:?}") };
    assert_eq!((crepes.rise.n_reference, crepes.rise.n_current), (0, 30));
    assert_eq!((crepes.rise.ratio.estimate, crepes.rise.ratio.upper), (None, None));
    assert!(crepes.rise.ratio.lower.expect("a bound") > 5.0);
    assert_eq!((garde.rise.n_reference, garde.rise.n_current), (1, 21));
    assert!((garde.rise.share_current - 21.0 / 451.0).abs() < 1e-15);
    assert!((garde.rise.ratio.estimate.expect("a ratio") - 21.0 / 451.0 * 401.0).abs() < 1e-9);
    assert!(garde.rise.ratio.lower.expect("a bound") > 1.0);
    assert_eq!((crepes.witness.rows, crepes.witness.texts, crepes.witness.days), (30, 2, 6));
    assert_eq!(crepes.witness.examples, ["VENTE DE CREPES", "vente de crêpes sur les marchés"]);
}

/// Where it rises beyond its phrases too, the word itself is shown.
#[test]
fn a_word_that_rises_in_many_phrases_is_shown_once() {
    let rows = with(
        usual(),
        &[("atelier vélo", 12, 6), ("vélo école", 11, 7), ("réparation de vélo", 10, 6), ("livraison à vélo", 13, 6)],
    );
    assert_eq!(names(&found(&rows), Kind::Share), ["vélo"]);
}

#[test]
fn doubts_and_errors_have_their_own_lists() {
    let mut rows = usual();
    for (n, row) in rows.iter_mut().enumerate() {
        row.low_confidence = n % 3 == 0;
        row.wrong = (n % 2 == 0).then_some(n % 4 == 0);
        row.weight = if n % 8 == 0 { 20.0 } else { 2.0 };
        row.actual = row.wrong.map(|wrong| if wrong { 3 } else { 1 });
        // the same share of texts as before, but now doubted and wrong
        if row.text == "taxi" && row.day >= 10 {
            (row.low_confidence, row.wrong, row.weight, row.actual) = (true, Some(true), 2.0, Some(8));
        }
    }
    let found = found(&rows);
    assert_eq!(names(&found, Kind::LowConfidence), ["taxi"]);
    assert_eq!(names(&found, Kind::Errors), ["taxi"]);
    assert!(of(&found, Kind::Share).is_empty());
    let [taxi] = of(&found, Kind::Errors)[..] else { panic!("{found:?}") };
    assert_eq!(taxi.witness.actual, [(8, 50, 1.0)]);
    assert_eq!(taxi.witness.predicted, [(1, 50)]);
    let errors = |day: std::ops::Range<i32>| -> f64 {
        rows.iter().filter(|row| day.contains(&row.day) && row.wrong == Some(true)).map(|row| row.weight).sum()
    };
    assert!((taxi.rise.share_current - 100.0 / errors(10..20)).abs() < 1e-12);
}

/// Texts that share no word, and people who give them one code.
#[test]
fn a_code_that_people_give_rises() {
    let texts: Vec<String> = (0..30).map(|n| format!("métier{n}")).collect();
    let label = |row, code, weight| TextRow { wrong: Some(code != 1), weight, actual: Some(code), ..row };
    let mut rows: Vec<TextRow> = usual().into_iter().zip(0..).map(|(row, n)| label(row, n % 20, 2.0)).collect();
    rows.extend(texts.iter().map(|text| label(row(text, 12), 77, 2.0)));
    rows.extend((0..40).map(|n| label(row("taxi", n % 20), 3, 20.0)));
    let found = found(&rows);
    let [new] = found.codes.as_slice() else { panic!("{found:?}") };
    assert_eq!((new.code, new.rise.n_reference, new.rise.n_current), (77, 0, 30));
    assert_eq!((new.rise.ratio.estimate, new.rise.ratio.upper), (None, None));
    assert!((new.rise.share_current - 60.0 / (2.0 * 430.0 + 20.0 * 20.0)).abs() < 1e-12);
    assert_eq!((new.witness.rows, new.witness.texts, new.witness.actual.as_slice()), (30, 30, &[(77, 30, 1.0)][..]));
    assert!(found.terms.iter().all(|term| !term.term.starts_with("métier")));
    // the other route is reviewed ten times as often now: its codes are no news
    rows.extend((0..200).map(|n| label(row("taxi", 10 + n % 10), 3, 2.5)));
    assert_eq!(self::found(&rows).codes.iter().map(|code| code.code).collect::<Vec<_>>(), [77]);
}

/// The automatic route is reviewed at a tenth of the rate of the other, then at the same rate. Nothing else changed, but
/// its errors are ten times as many in the sample.
#[test]
fn a_changed_review_rate_makes_no_term_rise() {
    let error = |text, day, weight| TextRow { wrong: Some(true), weight, actual: Some(2), ..row(text, day) };
    let mut rows = usual();
    rows.extend((0..100).map(|n| error("coiffure à domicile", n % 20, 2.0)));
    rows.extend((0..5).map(|n| error("taxi", n % 10, 20.0)));
    rows.extend((0..50).map(|n| error("taxi", 10 + n % 10, 2.0)));
    let changed = found(&rows);
    assert!(names(&changed, Kind::Errors).contains(&"taxi"), "without a stratum of its own it would rise");
    let honest: Vec<TextRow> = rows
        .iter()
        .map(|row| {
            if row.text == "taxi" && row.day >= 10 && row.wrong.is_some() {
                TextRow { weight: 2.5, ..*row }
            } else {
                *row
            }
        })
        .collect();
    assert!(of(&found(&honest), Kind::Errors).is_empty());
}

/// One label of weight 200 is a large share of the errors, and still one row.
#[test]
fn one_heavy_row_is_not_a_rise() {
    let error = |text, day, weight| TextRow { wrong: Some(true), weight, actual: Some(2), ..row(text, day) };
    let mut rows = usual();
    rows.extend((0..200).map(|n| error("plomberie", n % 20, 2.0)));
    rows.push(error("drone", 15, 200.0));
    let found = found(&rows);
    assert!(of(&found, Kind::Errors).is_empty());
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rows = with(usual(), &[("vente de crêpes", 12, 20), ("Vente crêpes", 11, 10), ("vélo taxi", 10, 15)]);
    for (n, row) in rows.iter_mut().enumerate() {
        row.low_confidence = n % 3 == 0;
        row.code = n as u32 % 5;
        row.wrong = (n % 2 == 0).then_some(n % 4 != 0 || row.text.contains("cr"));
        row.actual = row.wrong.map(|_| n as u32 % 7);
        row.weight = 1.0 + (n % 40) as f64 / 7.0;
    }
    let before = found(&rows);
    assert!(before.terms.len() > 2);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5 {
        rows.shuffle(&mut rng);
        assert_eq!(found(&rows), before);
    }
}

#[test]
fn a_word_twice_in_a_text_counts_once() {
    let twice = found(&with(usual(), &[("crêpes, crêpes et crêpes", 12, 20)]));
    assert_eq!((twice.terms[0].rise.n_current, twice.terms.len()), (20, 1));
}

#[test]
fn without_texts_or_a_period_there_is_nothing() {
    assert_eq!(found(&[]), Rising::default());
    let now: Vec<TextRow> = usual().into_iter().filter(|row| row.day >= 10).collect();
    assert_eq!(found(&now), Rising::default());
    assert_eq!(found(&[row("", 1), row("", 11), row("de la", 11)]), Rising::default());
}

fn any_row() -> impl Strategy<Value = TextRow<'static>> {
    let texts = prop::sample::select(vec!["pain", "vente de pain", "vélo", "", "vente, vélo pain", "Vélos"]);
    let weight = prop::sample::select(vec![1.0, 20.0, 1.7, 0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300]);
    (texts, -1..21, any::<(bool, Option<bool>)>(), weight, 0_u32..3, prop::option::of(0_u32..3)).prop_map(
        |(text, day, (low_confidence, wrong), weight, code, actual)| TextRow {
            text,
            day,
            low_confidence,
            wrong,
            weight,
            code,
            actual,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn numbers_are_numbers(rows in prop::collection::vec(any_row(), 0..200), rate in 0.0..1.0_f64) {
        let stop = StopWords::default();
        let options = TermOptions { false_discovery_rate: rate, least_texts: 1, ..TermOptions::default() };
        let texts = Texts::new(&rows, &Periods { reference: 0..10, current: 10..20 }, &stop);
        for term in rising(&texts, &options).terms {
            let bounds = [term.rise.ratio.estimate, term.rise.ratio.lower, term.rise.ratio.upper];
            let numbers = [term.rise.share_reference, term.rise.share_current, term.rise.p_value, term.rise.q_value];
            prop_assert!(numbers.iter().all(|share| (0.0..=1.0).contains(share)), "{:?}", term);
            prop_assert!(bounds.iter().flatten().all(|bound| bound.is_finite() && *bound >= 0.0), "{:?}", term);
            prop_assert!(term.rise.log_odds.z.is_finite() && term.rise.log_odds.log_odds.is_finite());
            prop_assert!(!term.term.is_empty() && term.rise.n_current > 0);
        }
    }
}
