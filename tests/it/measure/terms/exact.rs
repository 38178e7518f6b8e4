use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    drift::fisher::fisher_exact,
    terms::{Margins, Stratum, UpperTail, attainable, log_odds, select, upper_tail},
};

fn choose(n: u64, k: u64) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
}

/// Every table with the margins of each stratum, by recursion.
fn enumerated(strata: &[Stratum], wanted: i64) -> f64 {
    let Some((first, rest)) = strata.split_first() else { return f64::from(u8::from(wanted <= 0)) };
    let marked = first.current + first.reference;
    let all = choose(first.n_current + first.n_reference, marked);
    (0..=marked.min(first.n_current))
        .map(|x| {
            let p = choose(first.n_current, x) * choose(first.n_reference, marked - x) / all;
            if p > 0.0 { p * enumerated(rest, wanted - x as i64) } else { 0.0 }
        })
        .sum()
}

#[test]
fn equals_enumeration_with_and_without_strata() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..300 {
        let strata: Vec<Stratum> = (0..rng.random_range(1..4))
            .map(|_| {
                let (n_current, n_reference) = (rng.random_range(0..15), rng.random_range(0..25));
                let (current, reference) = (rng.random_range(0..=n_current), rng.random_range(0..=n_reference));
                Stratum { current, n_current, reference, n_reference }
            })
            .collect();
        let found = upper_tail(&strata);
        let wanted: u64 = strata.iter().map(|s| s.current).sum();
        let expected = enumerated(&strata, wanted as i64);
        assert!((found.p_value - expected).abs() <= 1e-10 * expected, "{strata:?}: {found:?} {expected}");
        let most = |s: &Stratum| (s.current + s.reference).min(s.n_current) as i64;
        let least = enumerated(&strata, strata.iter().map(most).sum());
        assert!((found.least - least).abs() <= 1e-10 * least, "{strata:?}: {found:?} {least}");
    }
}

/// In the upper tail Fisher's two-sided test adds what is as improbable below: nothing, or as much again.
#[test]
fn one_side_of_fishers_test() {
    for (a, n, b, m) in [(20, 2000, 30, 20_000), (300, 200_000, 200, 200_000), (5, 2000, 0, 20_000)] {
        let tail = upper_tail(&[Stratum { current: a, n_current: n, reference: b, n_reference: m }]).p_value;
        let both = fisher_exact(a, n, b, m);
        assert!(tail <= both * (1.0 + 1e-9) && tail >= both / 2.0 * (1.0 - 1e-9), "{tail} {both}");
    }
}

/// A convolution and its normal limit, on either side of the switch.
#[test]
fn the_normal_law_takes_over_smoothly() {
    let at = |scale: u64| {
        let stratum = Stratum {
            current: 530 * scale,
            n_current: 5000 * scale,
            reference: 500 * scale,
            n_reference: 5000 * scale,
        };
        upper_tail(&[stratum, Stratum { current: 520 * scale, ..stratum }]).p_value
    };
    let z = |p: f64| vigie::measure::proportion::normal_quantile(1.0 - 2.0 * p).expect("a quantile");
    // z grows with the root of the size; the continuity correction alone is .02 here
    assert!((z(at(4)) / z(at(1)) - 2.0).abs() < 0.06, "{} {}", z(at(4)), z(at(1)));
}

#[test]
fn odd_tables_are_answered() {
    let one = UpperTail { p_value: 1.0, least: 1.0 };
    assert_eq!(upper_tail(&[]), one);
    assert_eq!(upper_tail(&[Stratum::default()]), one);
    assert_eq!(upper_tail(&[Stratum { current: 9, n_current: 3, reference: 8, n_reference: 2 }]), one);
    let huge = Stratum { current: u64::MAX, n_current: u64::MAX, reference: 0, n_reference: u64::MAX };
    assert!(upper_tail(&[huge]).p_value.is_finite());
    let extreme = Stratum { current: 90_000, n_current: 100_000, reference: 0, n_reference: 100_000 };
    assert_eq!(upper_tail(&[extreme]).p_value, 1e-300);
}

/// Monroe, Colaresi and Quinn's formulas, written out.
#[test]
fn log_odds_are_those_of_the_paper() {
    let (y1, n1, y0, n0) = (12.0, 400.0, 9.0, 1000.0);
    let prior = 40.0;
    let alpha = prior * 21.0 / 1400.0;
    let omega = |y: f64, n: f64| ((y + alpha) / (n + prior - y - alpha)).ln();
    let delta = omega(y1, n1) - omega(y0, n0);
    let variance = 1.0 / (y1 + alpha) + 1.0 / (y0 + alpha);
    let found = log_odds((y1, n1), (y0, n0)).expect("counts");
    assert!((found.log_odds - delta).abs() < 1e-12 && (found.z - delta / variance.sqrt()).abs() < 1e-12);
    // a rarer term with the same ratio is further drawn in
    let rare = log_odds((1.2, n1), (0.9, n0)).expect("counts");
    assert!(rare.z < found.z);
}

/// The p-values that margins allow, against every table with these margins.
#[test]
fn attainable_p_values_are_those_of_the_tables() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..200 {
        let strata: Vec<Stratum> = (0..rng.random_range(1..3))
            .map(|_| {
                let (n_current, n_reference) = (rng.random_range(0..12), rng.random_range(0..25));
                let (current, reference) = (rng.random_range(0..=n_current), rng.random_range(0..=n_reference));
                Stratum { current, n_current, reference, n_reference }
            })
            .collect();
        let marked = |s: &Stratum| s.current + s.reference;
        let least: u64 = strata.iter().map(|s| marked(s).saturating_sub(s.n_reference)).sum();
        let most: u64 = strata.iter().map(|s| marked(s).min(s.n_current)).sum();
        let all = (least + 1..=most).rev().map(|wanted| enumerated(&strata, wanted as i64));
        let expected: Vec<f64> = all.filter(|p| *p <= 0.2).collect();
        let found = attainable(&strata, 0.2).expect("few rows");
        assert_eq!(found.len(), expected.len(), "{strata:?}");
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-10 * b), "{found:?} {expected:?}");
    }
    let large = Stratum { current: 900, n_current: 100_000, reference: 60_000, n_reference: 100_000 };
    let found = attainable(&[large], 0.05).expect("one stratum");
    let tail = |current: u64| upper_tail(&[Stratum { current, reference: 60_900 - current, ..large }]).p_value;
    assert!(found.is_sorted() && found[0] < 1e-290);
    for current in [30_640, 30_700, 31_500] {
        let p = tail(current);
        assert!(found.iter().any(|q| (q / p - 1.0).abs() < 1e-9), "{p}");
    }
    assert_eq!(attainable(&[large, large], 0.05), None);
    assert_eq!(attainable(&[], 0.05), Some(Vec::new()));
    assert_eq!(attainable(&[Stratum::default()], 0.05), Some(Vec::new()));
}

fn tail(p_value: f64, least: f64) -> UpperTail {
    UpperTail { p_value, least }
}

fn alone(p_values: &[f64]) -> Margins {
    Margins { tests: 1, p_values: Some(p_values.to_vec()) }
}

/// Ten tests of which five can never be significant: they cost the others nothing.
#[test]
fn tests_without_a_chance_do_not_count() {
    let hopeful = [0.004, 0.012, 0.02, 0.3, 0.9].map(|p_value| tail(p_value, 1e-9));
    let hopeless = [0.5; 5].map(|p| tail(p, p));
    let any = Margins { tests: 5, p_values: None };
    let alone = select(&hopeful, std::slice::from_ref(&any), 0.05);
    let together =
        select(&[hopeful, hopeless].concat(), &[any, Margins { tests: 5, p_values: Some(Vec::new()) }], 0.05);
    assert_eq!(together.tested, 5);
    assert_eq!(together.q_values[..5], alone.q_values);
    assert!(together.q_values[5..].iter().all(Option::is_none));
    assert_eq!(together.cutoff, 0.02);
    // Benjamini and Hochberg's, over the price of a step-up procedure
    let q = together.q_values[2].expect("tested");
    assert!((q - 0.02 * 5.0 / 3.0 / 0.95).abs() < 1e-12, "{q}");
    assert_eq!(select(&[], &[], 0.05).cutoff, 0.0);
}

/// A test that may give .03 or .001 adds .001 up to .03, not more.
#[test]
fn a_test_counts_for_what_it_may_give() {
    let tests = [tail(0.002, 0.002), tail(0.03, 0.001), tail(1.0, 0.01)];
    let margins = [alone(&[0.002]), alone(&[0.001, 0.03]), alone(&[0.01, 0.04])];
    let found = select(&tests, &margins, 0.05);
    let expected = [0.002 + 0.001, (0.002 + 0.03 + 0.01) / 2.0].map(|sum| sum / 0.95);
    let q: Vec<f64> = found.q_values.iter().map(|q| q.expect("tested")).collect();
    assert!((q[0] - expected[0]).abs() < 1e-12 && (q[1] - expected[1]).abs() < 1e-12 && q[2] == 1.0, "{q:?}");
    assert_eq!((found.tested, found.cutoff), (3, 0.03));
    // .06 for one is no discovery, so .024 for two is none
    let weak = select(&[tail(0.02, 0.02), tail(0.02, 0.02)], &[Margins { tests: 3, p_values: Some(vec![0.02]) }], 0.05);
    assert_eq!((weak.cutoff, weak.q_values[0].map(|q| (q * 1e6).round())), (0.0, Some(60_000.0)));
    // never above the level itself, whatever the sum
    let above = select(&[tail(0.06, 0.06)], &[alone(&[])], 0.05);
    assert_eq!((above.q_values[0], above.cutoff, above.tested), (None, 0.0, 0));
}
