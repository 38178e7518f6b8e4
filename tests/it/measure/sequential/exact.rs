//! Golden values, identities, and what must hold of any counts.

use rand::{Rng, seq::SliceRandom};
use vigie::measure::sequential::{
    Direction,
    accuracy::{LabelCell, confidence_sequence, floor},
    accuracy_change::{self, accuracy_changed},
    distribution::{against_known, codes, codes_changed, universal},
    e_bh, mean,
    share::{self, Count, share_changed},
    start::{start_weight, weight_after},
};

use super::{
    super::oracle::{count, number, workshop_rows},
    stream::{binomial, multinomial, rng, zipf},
};

/// NumPy and savvi, which agree to 1e-11 with each other: the Dirichlet mixture over eight dyadic shares with κ = 100.
#[test]
fn the_known_null_is_savvis() {
    let golden = workshop_rows("anytime_multinomial.csv");
    let mut shares: Vec<f64> = (1..8).map(|i| 0.5_f64.powi(i)).collect();
    shares.push(0.5_f64.powi(7));
    for stream in ["null", "shift_at_25"] {
        let rows: Vec<_> = golden.iter().filter(|row| row["stream"] == stream).collect();
        let batch = |row: &_| (0..8).map(|i| count(row, &format!("x{i}"))).collect::<Vec<u64>>();
        let batches: Vec<Vec<u64>> = rows.iter().map(|row| batch(row)).collect();
        let found = against_known(&shares, &batches, 100.0).unwrap();
        let mut least_p = 1.0_f64;
        for (row, log_e) in rows.iter().zip(found) {
            // log_e is a difference of sums of about 1e5, so 1e-9 is what both programs can mean
            let expected = number(row, "log_e_numpy");
            assert!((log_e - expected).abs() < 1e-9 * expected.abs().max(1.0), "{log_e} is not {expected}");
            least_p = least_p.min((-log_e).exp());
            assert!((least_p - number(row, "running_p")).abs() <= 1e-8 * least_p, "{row:?}");
            assert_eq!(least_p < 0.05, row["reject_at_005"] == "True");
        }
    }
}

/// `P(k)` for a binomial.
fn chance(n: u64, k: u64, p: f64) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product::<f64>() * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
}

/// Every outcome of a reference and of two periods, with its chance: `E` is at most 1 on average, for whatever share. No
/// simulation.
#[test]
fn a_share_that_has_not_changed_gives_at_most_one_on_average() {
    let (n, m) = (9, 3);
    for direction in [Direction::Either, Direction::Risen, Direction::Fallen] {
        for p in [0.03, 0.2, 0.5] {
            let mut sums = [0.0; 2];
            for (a, b, c) in (0..=n).flat_map(|a| (0..=m).flat_map(move |b| (0..=m).map(move |c| (a, b, c)))) {
                let periods = [Count::new(b, m), Count::new(c, m)];
                let log_e = share_changed(Count::new(a, n), &periods, 5.0, direction);
                let weight = chance(n, a, p) * chance(m, b, p) * chance(m, c, p);
                sums.iter_mut().zip(log_e).for_each(|(sum, e)| *sum += weight * e.exp());
            }
            assert!(sums.iter().all(|&sum| sum > 0.0 && sum <= 1.0 + 1e-9), "{direction:?} {p}: {sums:?}");
        }
    }
}

/// The same for accuracy: rows are reviewed with chance 1/2 or 1/4 by route, and the routes differ in accuracy. The mean is
/// exactly 1 at the floor, less above it.
#[test]
fn weighted_labels_give_at_most_one_on_average_at_the_floor() {
    // (π, accuracy, share of rows): 0.85 in all
    let routes = [(0.25, 0.95, 0.5), (0.5, 0.75, 0.5)];
    let mean_at = |a0: f64, direction| {
        let mut total = 0.0;
        let outcomes = 5_usize;
        let rows = 4_u32;
        for code in 0..outcomes.pow(rows) {
            let (mut weight, mut rest) = (1.0, code);
            let mut cells = [(4.0, 0, 0), (2.0, 0, 0)];
            for _ in 0..rows {
                let outcome = rest % outcomes;
                rest /= outcomes;
                if outcome == 4 {
                    weight *= routes.iter().map(|(pi, _, share)| share * (1.0 - pi)).sum::<f64>();
                    continue;
                }
                let (pi, accuracy, share) = routes[outcome / 2];
                if outcome.is_multiple_of(2) {
                    cells[outcome / 2].1 += 1;
                    weight *= share * pi * accuracy;
                } else {
                    cells[outcome / 2].2 += 1;
                    weight *= share * pi * (1.0 - accuracy);
                }
            }
            let cells = cells.map(|(weight, right, wrong)| LabelCell { weight, right, wrong });
            total += weight * floor(&[cells], a0, 4.0, 5.0, direction).unwrap()[0].exp();
        }
        total
    };
    for direction in [Direction::Fallen, Direction::Risen, Direction::Either] {
        assert!((mean_at(0.85, direction) - 1.0).abs() < 1e-9, "{direction:?}");
    }
    assert!(mean_at(0.8, Direction::Fallen) < 1.0 && mean_at(0.9, Direction::Fallen) > 1.0);
    assert!(mean_at(0.9, Direction::Risen) < 1.0 && mean_at(0.8, Direction::Risen) > 1.0);
}

/// Against a reference: every outcome again.
#[test]
fn an_accuracy_that_has_not_changed_gives_at_most_one_on_average() {
    let (n, m) = (6, 2);
    for direction in [Direction::Fallen, Direction::Risen, Direction::Either] {
        for p in [0.3, 0.9] {
            let mut sums = [0.0; 2];
            for (a, b, c) in (0..=n).flat_map(|a| (0..=m).flat_map(move |b| (0..=m).map(move |c| (a, b, c)))) {
                let cell = |right, n| vec![LabelCell { weight: 1.0, right, wrong: n - right }];
                let log_e = accuracy_changed(&cell(a, n), &[cell(b, m), cell(c, m)], 1.0, 5.0, direction).unwrap();
                let weight = chance(n, a, p) * chance(m, b, p) * chance(m, c, p);
                sums.iter_mut().zip(log_e).for_each(|(sum, e)| *sum += weight * e.exp());
            }
            assert!(sums.iter().all(|&sum| sum > 0.0 && sum <= 1.0 + 1e-9), "{direction:?} {p}: {sums:?}");
        }
    }
}

/// The recursion over starts is the sum it stands for.
#[test]
fn the_mixture_over_starts_is_the_sum_over_starts() {
    let day = |right, wrong| vec![LabelCell { weight: 1.0, right, wrong }];
    let days = [day(9, 1), day(7, 3), day(5, 5), day(40, 300)];
    let horizon = 7.0;
    let found = floor(&days, 0.9, 1.0, horizon, Direction::Fallen).unwrap();
    for t in 0..days.len() {
        // a start later than t gives 1; an earlier one what its own days would give with all stake on the first
        let mut sum = weight_after(t + 1, horizon);
        for j in 0..=t {
            let merged = days[j..=t].iter().flatten().fold((0, 0), |(r, w), c| (r + c.right, w + c.wrong));
            let alone = floor(&[day(merged.0, merged.1)], 0.9, 1.0, horizon, Direction::Fallen).unwrap()[0].exp();
            let staked = start_weight(0, horizon);
            sum += start_weight(j, horizon) * (alone - (1.0 - staked)) / staked;
        }
        assert!((found[t] - sum.ln()).abs() < 1e-9, "{t}: {} is not {}", found[t], sum.ln());
    }
}

/// Late rows and their order change nothing but the counts of their own day.
#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rng = rng(3);
    let mut rows: Vec<(usize, LabelCell)> = (0..600)
        .map(|i| {
            let weight = if rng.random_bool(0.5) { 20.0 } else { 1.25 };
            let right = u64::from(rng.random_bool(0.8));
            (i / 60, LabelCell { weight, right, wrong: 1 - right })
        })
        .collect();
    let days = |rows: &[(usize, LabelCell)]| {
        let mut days = vec![Vec::new(); 10];
        rows.iter().for_each(|(day, cell)| days[*day].push(*cell));
        days
    };
    let in_order = floor(&days(&rows), 0.9, 20.0, 120.0, Direction::Either).unwrap();
    rows.shuffle(&mut rng);
    let shuffled = floor(&days(&rows), 0.9, 20.0, 120.0, Direction::Either).unwrap();
    for (a, b) in in_order.iter().zip(&shuffled) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }
}

/// A confidence sequence is what the floor test does not reject, and holds what it should.
#[test]
fn the_confidence_sequence_inverts_the_test() {
    let cells = [LabelCell { weight: 10.0, right: 400, wrong: 30 }, LabelCell { weight: 1.0, right: 100, wrong: 90 }];
    let found = confidence_sequence(&cells, 10.0, 0.9).unwrap();
    let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
    assert!(lower < found.estimate.unwrap() && found.estimate.unwrap() < upper);
    // all stake on the first period, so that only the bets remain
    let alone = |a0: f64, direction| {
        let e = floor(&[cells], a0, 10.0, 1.0, direction).unwrap()[0].exp();
        let staked = start_weight(0, 1.0);
        (e - (1.0 - staked)) / staked
    };
    for (a0, direction) in [(upper, Direction::Fallen), (lower, Direction::Risen)] {
        assert!((alone(a0, direction) - 20.0).abs() < 1e-3, "{}", alone(a0, direction));
    }
    let wider = confidence_sequence(&cells, 10.0, 0.99).unwrap();
    assert!(wider.lower.unwrap() < lower && wider.upper.unwrap() > upper);
    let nothing = confidence_sequence(&[], 10.0, 0.9).unwrap();
    assert_eq!((nothing.estimate, nothing.lower, nothing.upper), (None, Some(0.0), Some(1.0)));
}

/// The worked rule of Wang and Ramdas (2022), by brute force over all k.
#[test]
fn e_bh_is_its_definition() {
    let mut rng = rng(5);
    for _ in 0..200 {
        let logs: Vec<f64> = (0..40).map(|_| rng.random_range(-5.0..9.0)).collect();
        let mut sorted = logs.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let alpha = 0.1;
        let kept = |k: &usize| sorted[k - 1].exp() >= 40.0 / (alpha * *k as f64);
        let most = (1..=40).rev().find(kept).unwrap_or(0);
        let found = e_bh(&logs, alpha);
        assert_eq!(found.iter().filter(|f| f.discovery).count(), most);
        assert!(found.iter().all(|f| f.discovery == (f.adjusted <= alpha)));
    }
    assert!(e_bh(&[], 0.1).is_empty());
    let odd = e_bh(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY], 0.1);
    assert_eq!(
        odd.iter().map(|f| (f.adjusted, f.discovery)).collect::<Vec<_>>(),
        [(1.0, false), (0.0, true), (1.0, false)]
    );
    assert!(e_bh(&[50.0], 0.0).iter().all(|f| !f.discovery));
}

/// Whatever is put in: no panic, no NaN.
#[test]
fn odd_input_gives_numbers() {
    let most = u64::MAX;
    let counts = [0, 1, 7, 1_000_000, most];
    for (a, n) in counts.iter().flat_map(|&a| counts.iter().map(move |&n| (a, n))) {
        let periods = [Count { of: a, rows: n }, Count { of: n, rows: a }, Count::default(), Count { of: 0, rows: 5 }];
        let log_e = share_changed(Count { of: a, rows: n.min(1 << 40) }, &periods, f64::NAN, Direction::Either);
        assert!(log_e.iter().all(|e| !e.is_nan() && *e <= share::MOST), "{a} {n}: {log_e:?}");
    }
    assert_eq!(share_changed(Count::default(), &[Count::new(1, 2)], 9.0, Direction::Risen), [0.0]);
    assert!(share_changed(Count::new(1, 2), &[], 9.0, Direction::Risen).is_empty());
    for (right, wrong) in [(0, 0), (0, 9), (9, 0), (1_000_000, 1), (1, 1_000_000)] {
        for weight in [1.0, 20.0] {
            let cells = vec![LabelCell { weight, right, wrong }];
            for direction in [Direction::Either, Direction::Risen, Direction::Fallen] {
                let log_e = accuracy_changed(&cells, &[cells.clone(), vec![]], 20.0, 0.0, direction).unwrap();
                assert!(log_e.iter().all(|e| !e.is_nan() && *e <= accuracy_change::MOST), "{log_e:?}");
                let log_e = floor(&[cells.clone(), vec![]], 0.5, 20.0, 0.0, direction).unwrap();
                assert!(log_e.iter().all(|e| !e.is_nan()), "{log_e:?}");
            }
            let found = confidence_sequence(&cells, 20.0, 0.95).unwrap();
            assert!(found.lower.unwrap() <= found.upper.unwrap());
        }
    }
    let heavy = [LabelCell { weight: 21.0, right: 1, wrong: 0 }];
    assert_eq!(floor(&[heavy], 0.9, 20.0, 9.0, Direction::Fallen), None);
    assert_eq!(accuracy_changed(&heavy, &[heavy], 20.0, 9.0, Direction::Fallen), None);
    assert_eq!(confidence_sequence(&heavy, f64::NAN, 0.9), None);
    assert_eq!(floor::<Vec<LabelCell>>(&[], 1.0, 20.0, 9.0, Direction::Fallen), None);
    assert_eq!(against_known::<Vec<u64>>(&[], &[], 1.0), None);
    assert_eq!(against_known(&[1.0, 0.0], &[vec![1, 1]], 1.0), Some(vec![f64::INFINITY]));
    assert_eq!(codes_changed::<Vec<u64>>(&[1], &[], 9.0), Vec::<f64>::new());
    assert_eq!(codes_changed(&[], &[Vec::<u64>::new()], 9.0), [0.0]);
    assert!(universal(&[], &[Vec::<u64>::new()]).iter().all(|e| !e.is_nan()));
}

/// All codes at once is the mean of each, and a code that the reference never had is found.
#[test]
fn a_new_code_is_found_among_many() {
    let mut rng = rng(11);
    let mut shares = zipf(100);
    let reference = multinomial(&mut rng, 20_000, &shares);
    shares.iter_mut().for_each(|share| *share *= 0.99);
    shares.push(0.01);
    let days: Vec<Vec<u64>> = (0..8).map(|_| multinomial(&mut rng, 1_000, &shares)).collect();
    let each = codes(&reference, &days, 120.0, Direction::Either);
    let all = codes_changed(&reference, &days, 120.0);
    for (day, log_e) in all.iter().enumerate() {
        let of_day: Vec<f64> = each.iter().map(|code| code[day]).collect();
        assert!((mean(&of_day).unwrap() - log_e).abs() < 1e-12);
    }
    let last: Vec<f64> = each.iter().map(|code| code[7]).collect();
    let found = e_bh(&last, 0.05);
    let discovered: Vec<usize> = (0..found.len()).filter(|&i| found[i].discovery).collect();
    assert_eq!(discovered, [100]);
    assert!(binomial(&mut rng, 10, 1.0) == 10 && binomial(&mut rng, 10, 0.0) == 0);
}
