//! Two versions on the same rows: against statsmodels and the literature, and by simulation.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    mcnemar::{LEAST_DISCORDANT, Pairs, mcnemar, paired},
    weight::WeightSums,
};

use super::oracle::{assert_close, count, number, workshop_rows};

#[test]
fn matches_statsmodels() {
    for row in workshop_rows("mcnemar.csv") {
        let found = mcnemar(count(&row, "n01"), count(&row, "n10"));
        assert_close(found.exact_p, number(&row, "exact_p"), 1e-10, "exact");
        if row["midp"].is_empty() {
            assert_eq!((found.mid_p, found.chi2, found.chi2_corrected_p), (1.0, None, None));
            continue;
        }
        assert_close(found.mid_p, number(&row, "midp"), 1e-10, "mid");
        for (found, column) in [
            (found.chi2, "chi2"),
            (found.chi2_p, "chi2_p"),
            (found.chi2_corrected, "chi2_cc"),
            (found.chi2_corrected_p, "chi2_cc_p"),
        ] {
            assert!((found.expect("rows differ") - number(&row, column)).abs() < 1e-9, "{column}: {found:?}");
        }
    }
}

fn certain(cells: [u64; 4]) -> Pairs {
    let [both, only_a, only_b, neither] = cells.map(WeightSums::certain);
    Pairs { both, only_a, only_b, neither }
}

/// The interval written out once more, from Newcombe's paper: counts, no weights.
fn newcombe([a, b, c, d]: [u64; 4]) -> (f64, f64) {
    let [a, b, c, d] = [a, b, c, d].map(|x| x as f64);
    let (n, z) = (a + b + c + d, 1.959963984540054_f64);
    let wilson = |x: f64| {
        let (center, half) = (x + z * z / 2.0, z * (x * (n - x) / n + z * z / 4.0).sqrt());
        ((center - half) / (n + z * z), (center + half) / (n + z * z))
    };
    let ((l1, u1), (l2, u2)) = (wilson(a + c), wilson(a + b));
    let (p1, p2) = ((a + c) / n, (a + b) / n);
    let product = a * d - b * c;
    let top = if product > n / 2.0 { product - n / 2.0 } else { product.min(0.0) };
    let bottom = ((a + b) * (c + d) * (a + c) * (b + d)).sqrt();
    let phi = if bottom > 0.0 { top / bottom } else { 0.0 };
    let margin = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).sqrt();
    (p1 - p2 - margin(p1 - l1, u2 - p2), p1 - p2 + margin(u1 - p1, p2 - l2))
}

#[test]
fn the_interval_is_newcombes_with_equal_weights() {
    for cells in [[1, 1, 7, 12], [80, 5, 12, 30], [29, 1, 0, 0], [900, 3, 40, 57], [10, 20, 30, 1], [500, 0, 0, 30]] {
        let (lower, upper) = newcombe(cells);
        let found = paired(&certain(cells), 0.95).difference;
        assert!((found.lower.expect("rows") - lower).abs() < 1e-9, "{cells:?}: {found:?}, not {lower}");
        assert!((found.upper.expect("rows") - upper).abs() < 1e-9, "{cells:?}: {found:?}, not {upper}");
        // the test does not know weights that are all the same
        let seven = Pairs { both: WeightSums { n: 5, w: 35.0, w2: 245.0 }, ..Pairs::default() };
        let scaled = |cell: WeightSums| WeightSums { n: cell.n, w: 7.0 * cell.w, w2: 49.0 * cell.w2 };
        let pairs = certain(cells);
        let heavy = Pairs {
            both: scaled(pairs.both),
            only_a: scaled(pairs.only_a),
            only_b: scaled(pairs.only_b),
            neither: scaled(pairs.neither),
        };
        let exact = mcnemar(cells[1], cells[2]).exact_p;
        for pairs in [pairs, heavy] {
            assert_close(paired(&pairs, 0.95).p_value.expect("rows"), exact, 1e-9, "exact");
        }
        assert_eq!(paired(&seven, 0.95).p_value, Some(1.0));
    }
    assert_eq!(paired(&Pairs::default(), 0.95).difference.estimate, None);
    assert_eq!(paired(&Pairs::default(), 0.95).p_value, None);
}

/// A version and its successor on the same rows; automatic ones are reviewed at .05, others at .6.
struct Scene {
    name: &'static str,
    /// Share of automatic rows.
    automatic: f64,
    /// Accuracy of A on automatic and on other rows.
    right: [f64; 2],
    /// B corrects so many of A's mistakes, and spoils so many of its right rows.
    repaired: f64,
    spoilt: [f64; 2],
}

impl Scene {
    fn truth(&self) -> f64 {
        let of = |at: usize| (1.0 - self.right[at]) * self.repaired - self.right[at] * self.spoilt[at];
        self.automatic * of(0) + (1.0 - self.automatic) * of(1)
    }
}

#[test]
fn intervals_cover_and_the_test_keeps_its_level() {
    let long = std::env::var_os("VIGIE_SIMULATE").is_some();
    let runs = if long { 20_000 } else { 250 };
    // as many spoilt as repaired: no difference
    let even = |right: [f64; 2], repaired: f64| right.map(|p| (1.0 - p) * repaired / p);
    let scenes = [
        Scene { name: "accuracy .99, equal", automatic: 1.0, right: [0.99; 2], repaired: 0.5, spoilt: [0.005; 2] },
        Scene { name: "accuracy .80, equal", automatic: 1.0, right: [0.8; 2], repaired: 0.2, spoilt: [0.05; 2] },
        Scene { name: "accuracy .80, +3 points", automatic: 1.0, right: [0.8; 2], repaired: 0.3, spoilt: [0.0375; 2] },
        Scene {
            name: "both routes, equal",
            automatic: 0.72,
            right: [0.95, 0.34],
            repaired: 0.2,
            spoilt: even([0.95, 0.34], 0.2),
        },
        Scene {
            name: "both routes, +3 points",
            automatic: 0.72,
            right: [0.95, 0.34],
            repaired: 0.2,
            spoilt: [0.005, 0.24],
        },
    ];
    println!("| versions on the same rows | labels | covered % | where they are shown | width | rejected at 5 % |");
    println!("|---|---|---|---|---|---|");
    for scene in &scenes {
        for labels in [30.0, 200.0, 400.0, 600.0, 1_000.0] {
            let mut rng = ChaCha8Rng::seed_from_u64(47);
            let (mut covered, mut width, mut rejected, mut shown) = (0.0, 0.0, 0.0, [0.0; 2]);
            let rate = scene.automatic * 0.05 + (1.0 - scene.automatic) * 0.6;
            for _ in 0..runs {
                let mut pairs = Pairs::default();
                for _ in 0..labels as u32 {
                    // of a reviewed row
                    let automatic = rng.random::<f64>() < scene.automatic * 0.05 / rate;
                    let at = usize::from(!automatic);
                    let a = rng.random::<f64>() < scene.right[at];
                    let b =
                        if a { rng.random::<f64>() >= scene.spoilt[at] } else { rng.random::<f64>() < scene.repaired };
                    let row = WeightSums::of([0.05, 0.6][at]).expect("a rate");
                    match (a, b) {
                        (true, true) => pairs.both += row,
                        (true, false) => pairs.only_a += row,
                        (false, true) => pairs.only_b += row,
                        (false, false) => pairs.neither += row,
                    }
                }
                let found = paired(&pairs, 0.95);
                let (lower, upper) = (found.difference.lower.expect("rows"), found.difference.upper.expect("rows"));
                let holds = f64::from(u8::from(lower <= scene.truth() && scene.truth() <= upper));
                covered += holds;
                if found.discordant_typical >= LEAST_DISCORDANT {
                    shown = [shown[0] + holds, shown[1] + 1.0];
                }
                width += upper - lower;
                rejected += f64::from(u8::from(found.p_value.expect("rows") <= 0.05));
            }
            let n = f64::from(runs);
            let (covered, rejected) = (covered / n, rejected / n);
            println!(
                "| {} | {labels} | {:.1} | {:.1} of {:.1} % | {:.3} | {:.1} % |",
                scene.name,
                100.0 * covered,
                100.0 * shown[0] / shown[1],
                100.0 * shown[1] / n,
                width / n,
                100.0 * rejected
            );
            let error = 3.0 * (0.05 * 0.95 / n).sqrt();
            assert!(covered > 0.935 - error, "{}: {covered}", scene.name);
            // what the product shows
            let (covers, few) = (shown[0] / shown[1], 3.0 * (0.05 * 0.95 / shown[1]).sqrt());
            let fits = (0.935 - few..0.97 + few).contains(&covers);
            assert!(shown[1] < 100.0 || fits, "{}: {covers}", scene.name);
            assert!(scene.truth().abs() > 1e-9 || rejected < 0.05 + error, "{}: {rejected}", scene.name);
        }
    }
}
