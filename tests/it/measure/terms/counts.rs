use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::terms::{Counts, TextCount, count, words::terms};

struct Drawn {
    words: Vec<u64>,
    reference: u32,
    current: u32,
}

/// Texts of up to eight words from a vocabulary of which few are frequent.
fn drawn(texts: usize, vocabulary: f64, seed: u64) -> Vec<Drawn> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut word = |_: usize| (vocabulary.powf(rng.random::<f64>()) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !1;
    let words: Vec<Vec<u64>> = (0..texts).map(|n| (0..=n % 8).map(&mut word).collect()).collect();
    words
        .into_iter()
        .map(|words| Drawn { words, reference: rng.random_range(0..3), current: rng.random_range(0..3) })
        .collect()
}

fn counted(texts: &[Drawn], least: u32, most: usize) -> Counts {
    let texts = texts.iter().map(|text| TextCount {
        words: &text.words,
        text: text.words.iter().fold(1, |h, word| h ^ word.rotate_left(h as u32 % 64)),
        reference: text.reference,
        current: text.current,
    });
    count(texts, least, most)
}

fn by_hand(texts: &[Drawn]) -> BTreeMap<u64, (u32, u32)> {
    let mut all = BTreeMap::new();
    for text in texts {
        for key in terms(&text.words).map(|term| term.key).collect::<BTreeSet<_>>() {
            let (reference, current) = all.entry(key).or_insert((0, 0));
            *reference += text.reference;
            *current += text.current;
        }
    }
    all
}

#[test]
fn equals_a_count_by_hand() {
    let texts = drawn(3000, 2000.0, 1);
    for least in [1, 3, 20] {
        let found = counted(&texts, least, 1_000_000);
        let mut expected = by_hand(&texts);
        expected.retain(|_, (a, b)| *a + *b >= least);
        let found: BTreeMap<u64, (u32, u32)> =
            found.terms.iter().map(|term| (term.key, (term.reference, term.current))).collect();
        assert_eq!(found, expected);
    }
}

/// Far more terms than there is room for: the frequent ones are all there, and exact.
#[test]
fn memory_is_bounded_and_what_is_left_is_exact() {
    let most = 500;
    let mut sizes = Vec::new();
    for texts in [2_000, 8_000] {
        let texts = drawn(texts, 50_000.0, 2);
        let found = counted(&texts, 1, most);
        let all = by_hand(&texts);
        println!(
            "{} terms, {} kept of at most {most}, in {} rows or more, {} bytes",
            all.len(),
            found.terms.len(),
            found.least,
            found.memory
        );
        assert!(all.len() > 10 * most && found.terms.len() <= most && found.terms.len() > most / 5);
        let frequent = all.iter().filter(|(_, (a, b))| a + b >= found.least);
        let expected: Vec<(u64, u32, u32)> = frequent.map(|(key, (a, b))| (*key, *a, *b)).collect();
        let found_terms: Vec<(u64, u32, u32)> =
            found.terms.iter().map(|term| (term.key, term.reference, term.current)).collect();
        assert_eq!(found_terms, expected);
        sizes.push(found.memory);
    }
    assert!(sizes.iter().all(|bytes| *bytes <= 208 * most), "{sizes:?}");
}

#[test]
fn the_order_of_texts_does_not_matter() {
    let mut texts = drawn(1500, 20_000.0, 3);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let before: Vec<Counts> = [100, 500, 100_000].map(|most| counted(&texts, 1, most)).into();
    for _ in 0..5 {
        texts.shuffle(&mut rng);
        let after: Vec<Counts> = [100, 500, 100_000].map(|most| counted(&texts, 1, most)).into();
        assert_eq!(before, after);
    }
}

#[test]
fn a_term_counts_once_a_text() {
    let words = vec![2, 2, 4, 2, 4];
    let found = counted(&[Drawn { words, reference: 5, current: 7 }], 1, 100);
    // 2, 4, 2-2, 2-4, 4-2, 2-2-4, 2-4-2, 4-2-4
    assert_eq!(found.terms.len(), 8);
    assert!(found.terms.iter().all(|term| (term.reference, term.current) == (5, 7)));
}

#[test]
fn no_room_leaves_no_terms() {
    let texts = drawn(50, 100.0, 5);
    assert!(counted(&texts, 1, 0).terms.is_empty());
    assert!(counted(&[], 1, 100).terms.is_empty());
}
