//! How often do the drift tests cry wolf over 732 codes, and how often do they see a wolf?

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::drift::{categorical_drift, category_drift};

const CODES: usize = 732;

/// Cumulative Zipf shares, each moved by a factor exp(shift * ±1).
fn law(shift: f64) -> Vec<f64> {
    let weight = |i: usize| (if i.is_multiple_of(2) { shift } else { -shift }).exp() / (i + 1) as f64;
    let total: f64 = (0..CODES).map(weight).sum();
    (0..CODES)
        .scan(0.0, |sum, i| {
            *sum += weight(i) / total;
            Some(*sum)
        })
        .collect()
}

fn sample(rng: &mut ChaCha8Rng, law: &[f64], n: u32) -> Vec<u64> {
    let mut counts = vec![0; CODES];
    for _ in 0..n {
        let u = rng.random::<f64>();
        counts[law.partition_point(|&sum| sum < u).min(CODES - 1)] += 1;
    }
    counts
}

/// Share of runs in which each alarm rings at .05.
struct Alarms {
    chi2: f64,
    g: f64,
    chi2_asymptotic: f64,
    g_asymptotic: f64,
    /// Some code has q <= .05.
    any_code: f64,
    psi: f64,
    psi_null: f64,
}

fn simulate(n: u32, m: u32, shift: f64, runs: u32, replicates: u32, seed: u64) -> Alarms {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (before, after) = (law(0.0), law(shift));
    let mut alarms = [0.0; 7];
    for _ in 0..runs {
        let (reference, current) = (sample(&mut rng, &before, n), sample(&mut rng, &after, m));
        let drift = categorical_drift(&reference, &current, replicates, rng.random()).unwrap();
        let asymptotic = categorical_drift(&reference, &current, 0, 0).unwrap();
        let codes = category_drift(&reference, &current);
        let rings = |p: f64| f64::from(u8::from(p <= 0.05));
        let found = [
            rings(drift.chi2.p_value),
            rings(drift.g.p_value),
            rings(asymptotic.chi2.p_value),
            rings(asymptotic.g.p_value),
            rings(codes.iter().map(|code| code.q_value).fold(1.0, f64::min)),
            drift.distances.psi,
            drift.null.psi,
        ];
        for (alarm, found) in alarms.iter_mut().zip(found) {
            *alarm += found / f64::from(runs);
        }
    }
    let [chi2, g, chi2_asymptotic, g_asymptotic, any_code, psi, psi_null] = alarms;
    Alarms { chi2, g, chi2_asymptotic, g_asymptotic, any_code, psi, psi_null }
}

#[test]
fn alarms_keep_their_level() {
    for (n, runs) in [(1_000, 150), (10_000, 60)] {
        let alarms = simulate(n, n, 0.0, runs, 99, 1);
        // .05 and three standard errors of that many runs
        let bound = 0.05 + 3.0 * (0.05_f64 * 0.95 / f64::from(runs)).sqrt();
        for rate in [alarms.chi2, alarms.g, alarms.any_code] {
            assert!(rate <= bound, "n {n}: {rate}");
        }
        assert!(n > 1_000 || alarms.chi2 >= 0.005 && alarms.g >= 0.005, "n {n}: {} {}", alarms.chi2, alarms.g);
        assert!((alarms.psi / alarms.psi_null - 1.0).abs() < 0.02, "{} {}", alarms.psi, alarms.psi_null);
    }
}

#[test]
#[ignore = "prints the table of docs/statistics.md"]
fn alarm_table() {
    println!("| n | m | shift | chi2 | G | chi2, asymptotic | G, asymptotic | any code | mean PSI | null PSI |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for shift in [0.0, 0.1, 0.25] {
        for (n, m) in [(1_000, 1_000), (10_000, 1_000), (10_000, 10_000), (100_000, 10_000), (100_000, 100_000)] {
            let a = simulate(n, m, shift, 1_000, 199, 2);
            let rates = [a.chi2, a.g, a.chi2_asymptotic, a.g_asymptotic, a.any_code].map(|rate| format!("{rate:.3}"));
            println!("| {n} | {m} | {shift} | {} | {:.4} | {:.4} |", rates.join(" | "), a.psi, a.psi_null);
        }
    }
}
