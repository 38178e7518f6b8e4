use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::terms::{Clusters, Periods, TermOptions, TextRow, Texts, clusters, stop_words::StopWords};

use super::row;

fn found(rows: &[TextRow]) -> Clusters {
    let stop = StopWords::default();
    clusters(&Texts::new(rows, &Periods { reference: 0..1, current: 1..2 }, &stop), &TermOptions::default())
}

/// Two subjects that the model doubts among much that it does not.
fn two_subjects() -> Vec<TextRow<'static>> {
    let doubted = |text, code, actual: Option<u32>| TextRow {
        low_confidence: true,
        wrong: actual.map(|actual| actual != code),
        code,
        actual,
        weight: 2.0,
        ..row(text, 1)
    };
    let mut rows = Vec::new();
    for n in 0..300 {
        let usual = ["vente de pain", "coiffure à domicile", "travaux de peinture", "vente de fleurs"];
        rows.push(row(usual[n % 4], 1));
    }
    for n in 0..24 {
        let bikes = ["réparation de vélos cargo", "vente et réparation de vélos cargo", "VELOS CARGO"];
        rows.push(doubted(bikes[n % 3], 7, (n % 2 == 0).then_some(9)));
    }
    for n in 0..12 {
        let drones = ["prises de vues par drone", "drone", "inspection de toitures par drone"];
        rows.push(doubted(drones[n % 3], 5, Some(5)));
    }
    rows.extend((0..3).map(|_| TextRow { low_confidence: true, ..row("location de drone", 0) }));
    rows.push(doubted("coiffure à domicile", 2, None));
    rows
}

#[test]
fn groups_have_names_examples_and_codes() {
    let found = found(&two_subjects());
    assert_eq!((found.doubted, found.rest, found.clusters.len()), (37, 1, 2));
    let [bikes, drones] = found.clusters.as_slice() else { panic!("{found:?}") };
    assert_eq!(bikes.terms, ["vélos cargo", "réparation"]);
    assert_eq!((bikes.witness.rows, bikes.witness.texts, bikes.confident, bikes.n_reference), (24, 3, 0, 0));
    assert_eq!(bikes.witness.predicted, [(7, 24)]);
    assert_eq!(bikes.witness.actual, [(9, 12, 1.0)]);
    assert_eq!(bikes.witness.examples.len(), 3);
    assert_eq!(drones.terms, ["drone"]);
    assert_eq!((drones.witness.rows, drones.n_reference), (12, 3));
    assert_eq!(drones.witness.examples[0], "drone");
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rows = two_subjects();
    let before = found(&rows);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5 {
        rows.shuffle(&mut rng);
        assert_eq!(found(&rows), before);
    }
}

#[test]
fn no_doubt_or_nothing_but_doubt_gives_no_group() {
    assert_eq!(found(&[]), Clusters::default());
    let mut rows: Vec<TextRow> = two_subjects();
    rows.iter_mut().for_each(|row| row.low_confidence = false);
    assert!(found(&rows).clusters.is_empty());
    rows.iter_mut().for_each(|row| row.low_confidence = true);
    assert!(found(&rows).clusters.is_empty());
}
