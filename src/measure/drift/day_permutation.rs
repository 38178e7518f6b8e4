//! A test of a whole level that takes days, not rows, for what is independent.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::permutation::p_value;

/// p-value that the days of two periods come from one process, from the counts of each day (one row of counts a day, the
/// same codes in the same order).
///
/// Pearson's χ² between the two periods, against the same statistic after dealing the days again to the two periods,
/// `replicates` times with `seed`: `(1 + #{null ≥ observed}) / (replicates + 1)`. It keeps its level however much days vary,
/// however differently the codes do, and however sparse they are, since it takes nothing for independent inside a day.
/// Dividing χ² by a variance inflation factor does not over sparse codes, whose χ² varies more than its law says.
///
/// *Assumes* days that are exchangeable when nothing has changed: give both periods whole weeks, or the same weekdays.
/// *Power*: one day against `d` days never gives less than `1 / (d + 1)`, a week against four weeks can give anything.
/// *Edge cases*: days without rows are left out; `None` if a period has no other, or without replicates; a shorter row's
/// missing counts are zeros.
///
/// Good (2005), *Permutation, Parametric, and Bootstrap Tests of Hypotheses*; Phipson and Smyth (2010), SAGMB 9.
///
/// ```
/// use vigie::measure::drift::day_permutation::day_test;
/// let days = |shares: &[u64]| shares.iter().map(|&n| vec![n, 100 - n]).collect::<Vec<_>>();
/// let before = days(&[40, 60, 45, 55, 50, 48, 52]);
/// assert!(day_test(&before, &days(&[41, 58, 47, 53]), 499, 1).unwrap() > 0.2);
/// assert!(day_test(&before, &days(&[70, 82, 75, 78]), 499, 1).unwrap() < 0.02);
/// ```
pub fn day_test(reference: &[Vec<u64>], current: &[Vec<u64>], replicates: u32, seed: u64) -> Option<f64> {
    let filled = |days: &[Vec<u64>]| days.iter().filter(|day| day.iter().any(|&n| n > 0)).cloned().collect::<Vec<_>>();
    let (mut days, now) = (filled(reference), filled(current));
    let (before, chosen) = (days.len(), now.len());
    if before == 0 || chosen == 0 || replicates == 0 {
        return None;
    }
    days.extend(now);
    let whole = Sums::of(days.iter());
    let observed = whole.chi2(&Sums::of(days.iter().skip(before)));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // the statistic is the same for a period and for the other, so the fewer days are dealt
    let fewer = chosen.min(before);
    let null: Vec<f64> = (0..replicates)
        .map(|_| {
            for i in 0..fewer {
                let other = rng.random_range(i..days.len());
                days.swap(i, other);
            }
            whole.chi2(&Sums::of(days.iter().take(fewer)))
        })
        .collect();
    Some(p_value(&null, observed))
}

/// Rows of some days, by code.
struct Sums {
    codes: Vec<f64>,
    rows: f64,
}

impl Sums {
    fn of<'a>(days: impl Iterator<Item = &'a Vec<u64>>) -> Self {
        let mut codes: Vec<f64> = Vec::new();
        for day in days {
            if codes.len() < day.len() {
                codes.resize(day.len(), 0.0);
            }
            for (sum, &n) in codes.iter_mut().zip(day) {
                *sum += n as f64;
            }
        }
        Self { rows: codes.iter().sum(), codes }
    }

    /// Pearson's χ² of homogeneity between `part` and the rest: both cells of a code together are
    /// `(x − t s)² / (t s (1 − s))` for `x` of its `t` rows, where `s` is the part's share of all rows.
    fn chi2(&self, part: &Self) -> f64 {
        let share = part.rows / self.rows;
        let cell = |(i, &total): (usize, &f64)| {
            let x = part.codes.get(i).copied().unwrap_or(0.0);
            if total > 0.0 { (x - total * share).powi(2) / total } else { 0.0 }
        };
        self.codes.iter().enumerate().map(cell).sum::<f64>() / (share * (1.0 - share))
    }
}
