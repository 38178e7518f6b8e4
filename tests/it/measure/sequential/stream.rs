//! Seeded streams of codes and of labels.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    detector::{Adwin, Ddm, PageHinkley, State, adwin, ddm, page_hinkley},
    sequential::e_bh,
};

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The long tables are wanted.
pub fn at_length() -> bool {
    std::env::var("VIGIE_SIMULATE").is_ok_and(|value| value == "1")
}

/// How many runs: few by default.
pub fn runs(few: u64, many: u64) -> u64 {
    if at_length() { many } else { few }
}

/// Shares of `k` codes by Zipf's law.
pub fn zipf(k: usize) -> Vec<f64> {
    let weights: Vec<f64> = (1..=k).map(|rank| 1.0 / rank as f64).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// A binomial count, by the time between successes: quick where `p` is small.
pub fn binomial(rng: &mut ChaCha8Rng, n: u64, p: f64) -> u64 {
    if p > 0.5 {
        return n - binomial(rng, n, 1.0 - p);
    }
    if p <= 0.0 {
        return 0;
    }
    let fail = (-p).ln_1p();
    let (mut at, mut found) = (0.0, 0);
    loop {
        let uniform: f64 = rng.random();
        at += ((1.0 - uniform).ln() / fail).floor() + 1.0;
        if at > n as f64 {
            return found;
        }
        found += 1;
    }
}

/// Counts of `n` rows over codes with these shares.
pub fn multinomial(rng: &mut ChaCha8Rng, n: u64, shares: &[f64]) -> Vec<u64> {
    let (mut rows, mut mass) = (n, 1.0);
    let draw = |&share: &f64| {
        let found = binomial(rng, rows, (share / mass).clamp(0.0, 1.0));
        rows -= found;
        mass -= share;
        found
    };
    shares.iter().map(draw).collect()
}

/// The lowest level at which anything ever rings.
pub fn lowest_level(series: &[Vec<f64>]) -> f64 {
    let looks = series.first().map_or(0, Vec::len);
    let at = |look: usize| {
        let now: Vec<f64> = series.iter().map(|of| of[look]).collect();
        e_bh(&now, 1.0).into_iter().map(|found| found.adjusted).fold(1.0, f64::min)
    };
    (0..looks).map(at).fold(1.0, f64::min)
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What a detector says after each label, wrong or not; it is tuned by the limit of that.
pub type Statistic = Box<dyn FnMut(bool) -> f64>;

/// ADWIN, for rises only: without a limit once its window was cut.
pub fn rising_windows(settings: adwin::Settings) -> Statistic {
    let mut adwin = Adwin::new(settings);
    let mut last = 0.0;
    Box::new(move |wrong| {
        let state = adwin.update(f64::from(u8::from(wrong)));
        let risen = state == State::Drift && adwin.estimate() > last;
        last = adwin.estimate();
        if risen { f64::INFINITY } else { 0.0 }
    })
}

pub fn hinkley() -> Statistic {
    let settings = page_hinkley::Settings { threshold: f64::INFINITY, only_up: true, ..Default::default() };
    let mut test = PageHinkley::new(settings);
    Box::new(move |wrong| {
        test.update(f64::from(u8::from(wrong)));
        test.statistic()
    })
}

pub fn drift_detection() -> Statistic {
    let mut test = Ddm::new(ddm::Settings { drift: f64::INFINITY, ..Default::default() });
    Box::new(move |wrong| {
        test.update(wrong);
        test.statistic()
    })
}
