//! Versions code by code: nothing is called where nothing changed, and what was hurt is found.

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use vigie::measure::{
    comparison::{
        Verdict,
        code::{Confusion, changed, changes},
        standardised::{Labelled, Stratum, standardised},
    },
    weight::WeightSums,
};

use super::{CODES, RATES, Scene, holds, long, pick, running, zipf};

/// Labels of one version over 732 codes, and the predictions they are drawn from: `right(code, route)`, mistakes go anywhere.
fn confusions(
    rng: &mut ChaCha8Rng,
    labels: u32,
    scene: &Scene,
    codes: &[f64],
    right: impl Fn(usize, usize) -> f64,
) -> Vec<Vec<Confusion>> {
    let mut found = vec![vec![Confusion::default(); 2]; CODES];
    let given_to = |rng: &mut ChaCha8Rng, code: usize, route: usize| {
        if rng.random::<f64>() < right(code, route) { code } else { pick(rng, codes) }
    };
    for _ in 0..labels {
        let (code, route) = (pick(rng, codes), scene.route(rng));
        let row = WeightSums::of(RATES[route]).expect("a rate");
        let given = given_to(rng, code, route);
        found[given][route].predictions += 1;
        if given == code {
            found[code][route].true_positives += row;
        } else {
            found[code][route].false_negatives += row;
            found[given][route].false_positives += row;
        }
        // what else this label stands for
        for _ in 0..(1.0 / RATES[route] - 1.0 + rng.random::<f64>()) as u32 {
            let code = pick(rng, codes);
            found[given_to(rng, code, route)][route].predictions += 1;
        }
    }
    found
}

/// 732 codes, two versions of one quality: how often is a code called, and do the intervals of the differences cover?
#[test]
fn codes_that_did_not_change_are_not_called() {
    let runs = if long() { 200 } else { 2 };
    let codes = running(&zipf());
    println!(
        "| 732 codes, nothing changed | labels | tested | p ≤ .05 | p ≤ .01 | any called | covered % (10 to 29 labels) | (30 to 199) | (200 and more) |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    // with how often automatic rows of every fifth code are right
    for (scene, fifth) in [
        (Scene { name: "both routes", automatic: 0.72, a: [0.95, 0.34], b: [0.0; 2] }, 0.95),
        (Scene { name: "both routes, automatic .99", automatic: 0.72, a: [0.99, 0.34], b: [0.0; 2] }, 0.99),
        (Scene { name: "automatic .99, every fifth code .6", automatic: 0.72, a: [0.99, 0.34], b: [0.0; 2] }, 0.6),
        (Scene { name: "rate .6", automatic: 0.0, a: [0.78; 2], b: [0.0; 2] }, 0.78),
    ] {
        let right = |code: usize, route: usize| if route == 0 && code % 5 == 2 { fifth } else { scene.a[route] };
        for labels in [1_000, 8_000, 40_000] {
            if !long() && labels > 8_000 {
                continue;
            }
            let runs = if labels > 8_000 { runs / 4 } else { runs };
            let mut rng = ChaCha8Rng::seed_from_u64(29);
            let (mut tested, mut at_5, mut at_1, mut any) = (0.0, 0.0, 0.0, 0.0);
            let mut intervals = [[0.0_f64; 2]; 3];
            for _ in 0..runs {
                let [a, b] = [0, 1].map(|_| confusions(&mut rng, labels, &scene, &codes, right));
                let pairs: Vec<[Vec<Confusion>; 2]> = a.into_iter().zip(b).map(|(a, b)| [a, b]).collect();
                let found = changes(&pairs, 0.95, 0.05);
                let mut called = false;
                for change in found.iter().flat_map(|code| [&code.precision, &code.recall]) {
                    if let (Some(p), Some(q)) = (change.p_value, change.q_value) {
                        tested += 1.0;
                        at_5 += f64::from(u8::from(p <= 0.05));
                        at_1 += f64::from(u8::from(p <= 0.01));
                        called |= q <= 0.05;
                    }
                    let class = match change.n[0].min(change.n[1]) {
                        0..10 => continue,
                        10..30 => 0,
                        30..200 => 1,
                        _ => 2,
                    };
                    intervals[class][0] += holds(change.difference, 0.0);
                    intervals[class][1] += 1.0;
                }
                any += f64::from(u8::from(called));
            }
            let n = f64::from(runs);
            let covered = intervals.map(|[covered, all]| format!("{:.1}", 100.0 * covered / all)).join(" | ");
            println!(
                "| {} | {labels} | {:.0} | {:.2} % | {:.2} % | {:.1} % | {} |",
                scene.name,
                tested / n,
                100.0 * at_5 / tested,
                100.0 * at_1 / tested,
                100.0 * any / n,
                covered.replace("NaN", "none")
            );
            assert!(at_5 <= 0.05 * tested && at_1 <= 0.01 * tested, "{} {labels}", scene.name);
            assert!(any / n <= 0.05 + 3.0 * (0.05 * 0.95 / n).sqrt(), "{} {labels}: {any} of {n}", scene.name);
            for [held, all] in intervals.into_iter().filter(|of| of[1] > 0.0) {
                let error = 3.0 * (0.05 * 0.95 / all).sqrt();
                let covered = 0.935 - error..0.97 + error;
                assert!(covered.contains(&(held / all)), "{} {labels}: {held} of {all}", scene.name);
            }
        }
    }
}

/// A version that gains three points overall and loses twenty in five codes.
#[test]
fn codes_that_were_hurt_are_found() {
    let runs = if long() { 100 } else { 4 };
    let (volume, scene) = (zipf(), Scene { name: "", automatic: 0.72, a: [0.95, 0.34], b: [0.0; 2] });
    let codes = running(&volume);
    // ranks 3, 8, 20, 40 and 80 by volume
    let hurt: Vec<usize> =
        [3, 8, 20, 40, 80].iter().filter_map(|rank| (0..CODES).find(|code| code * 389 % CODES + 1 == *rank)).collect();
    let lost = hurt.iter().map(|code| volume[*code]).sum::<f64>();
    // what the others must gain for 3 points overall, all of it where there is room: not automatic
    let gain = (0.03 + 0.2 * lost) / (1.0 - lost) / (1.0 - scene.automatic);
    println!(
        "| labels each | gain found % | hurt codes called, of 5 (rank 3, 8, 20, 40, 80) | other codes called hurt | codes called helped |"
    );
    println!("|---|---|---|---|---|");
    for labels in [2_000, 8_000, 40_000] {
        if !long() && labels > 8_000 {
            continue;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(31);
        let (mut gained, mut found_hurt, mut others, mut helped) = (0.0, vec![0.0; hurt.len()], 0.0, 0.0);
        for _ in 0..runs {
            let a = confusions(&mut rng, labels, &scene, &codes, |_, route| scene.a[route]);
            let b = confusions(&mut rng, labels, &scene, &codes, |code, route| match (hurt.contains(&code), route) {
                (true, _) => scene.a[route] - 0.2,
                (false, 1) => scene.a[1] + gain,
                _ => scene.a[0],
            });
            let all = |of: &[Vec<Confusion>]| -> Labelled {
                let route = |at: usize| of.iter().filter_map(move |code| code.get(at));
                [0, 1]
                    .map(|at| [route(at).map(|c| c.true_positives).sum(), route(at).map(|c| c.false_negatives).sum()])
                    .into()
            };
            let overall = standardised(&[Stratum { a: all(&a), b: all(&b), ..Stratum::default() }], 0.95).plain;
            gained += f64::from(u8::from(overall.verdict() == Some(Verdict::Helped)));
            let pairs: Vec<[Vec<Confusion>; 2]> = a.into_iter().zip(b).map(|(a, b)| [a, b]).collect();
            let recall = changed(&changes(&pairs, 0.95, 0.05), |code| &code.recall, 0.05);
            for (code, found) in hurt.iter().zip(&mut found_hurt) {
                *found += f64::from(u8::from(recall.hurt.contains(code)));
            }
            others += recall.hurt.iter().filter(|code| !hurt.contains(code)).count() as f64;
            helped += recall.helped.len() as f64;
        }
        let n = f64::from(runs);
        let each: Vec<String> = found_hurt.iter().map(|x| format!("{:.0} %", 100.0 * x / n)).collect();
        println!(
            "| {labels} | {:.0} | {:.1} ({}) | {:.2} | {:.1} |",
            100.0 * gained / n,
            found_hurt.iter().sum::<f64>() / n,
            each.join(", "),
            others / n,
            helped / n
        );
        assert!(others / n < 0.5, "{labels}: {others}");
        assert!(labels < 8_000 || gained / n >= 0.75, "{labels}: {gained}");
        assert!(labels < 40_000 || (found_hurt[0] > 0.9 * n && found_hurt[1] > 0.85 * n), "{labels}: {found_hurt:?}");
    }
}
