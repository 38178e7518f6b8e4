//! Is the share of false discoveries what is promised?

use std::collections::HashMap;

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::terms::{
    Kind, Periods, RisingTerm, TermOptions, TextRow, Texts, rising,
    stop_words::StopWords,
    words::{terms, words},
};

use super::long_run;

/// A text, how often it comes in each period, and what the model makes of it.
struct Known {
    text: String,
    shares: [f64; 2],
    doubted: bool,
    wrong: bool,
    /// The code people give it.
    code: u32,
}

/// Labels drawn of confident and of doubted rows, in each period.
type Rates = [[f64; 2]; 2];

/// The first code of new texts.
const NEW: u32 = 1_000_000;

const USUAL: Rates = [[0.05, 0.6]; 2];

/// Frequent texts of frequent words, by Zipf's law; `new` of them come from nothing.
fn world(size: usize, new: usize, rng: &mut ChaCha8Rng) -> Vec<Known> {
    let mut known = Vec::new();
    for n in 0..size {
        let vocabulary = size as f64 / 2.0;
        let word = |rng: &mut ChaCha8Rng| format!("w{}", vocabulary.powf(rng.random::<f64>()) as usize);
        let length = 1 + rng.random_range(0..8);
        let text: Vec<String> = (0..length).map(|_| word(rng)).collect();
        let (doubted, wrong) = (rng.random::<f64>() < 0.3, rng.random::<f64>() < 0.25);
        let code = (size as f64 / 4.0).powf(rng.random::<f64>()) as u32;
        known.push(Known { text: text.join(" "), shares: [1.0 / (n + 1) as f64; 2], doubted, wrong, code });
    }
    for n in 0..new {
        // some are frequent, some are not
        if let Some(text) = known.get_mut(20 + 7 * n) {
            text.shares[1] = 0.06 / (n + 1) as f64 * f64::ln(size as f64);
            text.shares[0] = 0.0;
            text.text = format!("new{n} {}", text.text);
            (text.doubted, text.wrong, text.code) = (n % 2 == 0, n % 3 == 0, NEW + n as u32);
        }
    }
    known
}

fn draw<'a>(known: &'a [Known], rows: [usize; 2], rates: &Rates, rng: &mut ChaCha8Rng) -> Vec<TextRow<'a>> {
    let mut drawn = Vec::new();
    for period in 0..2 {
        let sums: Vec<f64> = known
            .iter()
            .scan(0.0, |sum, text| {
                *sum += text.shares[period];
                Some(*sum)
            })
            .collect();
        let total = sums.last().copied().unwrap_or(0.0);
        for _ in 0..rows[period] {
            let at = rng.random::<f64>() * total;
            let text = &known[sums.partition_point(|sum| *sum <= at)];
            let pi = rates[period][usize::from(text.doubted)];
            let wrong = (rng.random::<f64>() < pi).then_some(text.wrong);
            drawn.push(TextRow {
                text: &text.text,
                day: period as i32,
                low_confidence: text.doubted,
                wrong,
                weight: 1.0 / pi,
                code: 1,
                actual: wrong.map(|_| text.code),
            });
        }
    }
    drawn
}

/// Whether the term comes more often now, in truth, in some class of weight.
fn rises(known: &[Known], stop: &StopWords, term: &RisingTerm) -> bool {
    let keys = |text: &str| -> Vec<u64> { words(text, stop).iter().map(|word| word.key).collect() };
    let key = terms(&keys(&term.term)).max_by_key(|term| term.words).map(|term| term.key);
    let of_kind = |text: &&Known| match term.kind {
        Kind::Share => true,
        Kind::LowConfidence => text.doubted,
        Kind::Errors => text.wrong,
    };
    let with = |text: &Known| terms(&keys(&text.text)).any(|term| Some(term.key) == key);
    grows(known.iter().filter(of_kind).map(|text| (text, term.kind == Kind::Errors && text.doubted, with(text))))
}

/// Whether those `with` are a greater share now, in some class.
fn grows<'a>(texts: impl Iterator<Item = (&'a Known, bool, bool)>) -> bool {
    let mut sums: HashMap<bool, [f64; 4]> = HashMap::new();
    for (text, class, with) in texts {
        let sum = sums.entry(class).or_default();
        for period in 0..2 {
            sum[period] += if with { text.shares[period] } else { 0.0 };
            sum[2 + period] += text.shares[period];
        }
    }
    sums.values().any(|[a, b, n, m]| b / m > a / n * (1.0 + 1e-9))
}

struct Tally {
    /// Share of runs with a false discovery, and mean share of false ones.
    any_false: f64,
    false_share: f64,
    terms: f64,
    tested: f64,
    /// New texts that some term shown is in, of all.
    power: f64,
    /// Their codes, of all.
    codes: f64,
}

fn tally(size: usize, new: usize, rows: [usize; 2], rates: &Rates, runs: u32, seed: u64) -> Tally {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let stop = StopWords::default();
    let mut t = Tally { any_false: 0.0, false_share: 0.0, terms: 0.0, tested: 0.0, power: 0.0, codes: 0.0 };
    for _ in 0..runs {
        let known = world(size, new, &mut rng);
        let drawn = draw(&known, rows, rates, &mut rng);
        let texts = Texts::new(&drawn, &Periods { reference: 0..1, current: 1..2 }, &stop);
        let found = rising(&texts, &TermOptions::default());
        let code_rises = |code: u32| grows(known.iter().map(|text| (text, text.doubted, text.code == code)));
        let wrong_codes = found.codes.iter().filter(|found| !code_rises(found.code)).count();
        let wrong = found.terms.iter().filter(|term| !rises(&known, &stop, term)).count() + wrong_codes;
        let (wrong, shown) = (wrong as f64, (found.terms.len() + found.codes.len()) as f64);
        t.any_false += f64::from(u8::from(wrong > 0.0));
        t.false_share += wrong / shown.max(1.0);
        t.terms += shown;
        t.tested += found.tested as f64;
        let seen = |n: &usize| {
            found.terms.iter().any(|term| {
                let name = format!("new{n}");
                term.witness.examples.iter().any(|text| text.split(' ').next() == Some(name.as_str()))
            })
        };
        t.power += (0..new).filter(seen).count() as f64 / new.max(1) as f64;
        t.codes += found.codes.iter().filter(|found| found.code >= NEW).count() as f64 / new.max(1) as f64;
    }
    for sum in [&mut t.any_false, &mut t.false_share, &mut t.terms, &mut t.tested, &mut t.power, &mut t.codes] {
        *sum /= f64::from(runs);
    }
    t
}

#[test]
fn the_false_discovery_rate_is_kept() {
    let (size, rows, runs) = if long_run() { (2000, [10_000, 2_500], 400) } else { (150, [600, 300], 30) };
    // confident rows: from a twentieth to a fifth; doubted ones: from three fifths to a tenth
    let changed: Rates = [[0.05, 0.6], [0.2, 0.1]];
    println!(
        "| texts | review rates | runs | tests | shown | runs with a false one | false share | new texts found | their codes |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (new, rates, what) in
        [(0, USUAL, "the same"), (0, changed, "changed"), (12, USUAL, "the same"), (12, changed, "changed")]
    {
        let found = tally(size, new, rows, &rates, runs, 1);
        println!(
            "| {} | {what} | {runs} | {:.0} | {:.1} | {:.1} % | {:.1} % | {:.0} % | {:.0} % |",
            if new == 0 { "unchanged".to_owned() } else { format!("{new} new") },
            found.tested,
            found.terms,
            100.0 * found.any_false,
            100.0 * found.false_share,
            100.0 * found.power,
            100.0 * found.codes,
        );
        assert!(found.false_share <= 0.05 + 3.0 * (0.05 * 0.95 / f64::from(runs)).sqrt(), "{}", found.false_share);
        assert!(found.tested > 20.0);
        assert!(new == 0 || found.power > 0.15, "{}", found.power);
    }
}
