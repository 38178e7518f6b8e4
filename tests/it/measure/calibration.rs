use vigie::measure::{
    accuracy::accuracy,
    calibration::{CalibrationBin, calibration},
    weight::WeightSums,
};

use super::oracle::{assert_close, number, rows};

/// (inclusion probability, predicted probability, right)
fn bin(rows: &[(f64, f64, bool)]) -> CalibrationBin {
    let mut bin = CalibrationBin { n: 100, draws: vec![[WeightSums::default(); 2]], ..CalibrationBin::default() };
    for &(inclusion_probability, p, right) in rows {
        let row = WeightSums::of(inclusion_probability).unwrap();
        bin.wp += row.w * p;
        bin.wse += row.w * (p - f64::from(u8::from(right))).powi(2);
        bin.draws[0][usize::from(!right)] += row;
    }
    bin
}

/// scikit-learn's Brier score and NumPy's ECE on 1,500 rows, with and without weights.
#[test]
fn matches_scikit_learn() {
    let sample = rows("calibration_sample.csv");
    for expected in rows("calibration_expected.csv") {
        let k = number(&expected, "bins");
        let weighted = expected["weights"] == "weighted";
        let mut bins = vec![Vec::new(); k as usize];
        for row in &sample {
            let p = number(row, "confidence");
            let w = if weighted { number(row, "w") } else { 1.0 };
            let i = ((p * k + 1e-12) as usize).min(bins.len() - 1);
            bins[i].push((1.0 / w, p, row["correct"] == "1"));
        }
        let bins: Vec<CalibrationBin> = bins.iter().map(|rows| bin(rows)).collect();
        let found = calibration(&bins, 0.95);
        assert_close(found.ece.unwrap(), number(&expected, "ece"), 1e-9, "ece");
        assert_close(found.brier.unwrap(), number(&expected, "brier"), 1e-9, "brier");
        assert_eq!(found.n, sample.len() as u64);
    }
}

#[test]
fn matches_a_hand_computation() {
    let low = bin(&[(0.5, 0.2, false), (0.5, 0.4, true)]);
    let high = bin(&[(0.1, 0.9, true), (0.2, 0.8, false), (0.2, 0.7, true)]);
    let [right, wrong] = high.draws[0];
    let found = calibration(&[low, CalibrationBin::default(), high], 0.95);
    // low: weight 4, accuracy 1/2, mean p .3; high: weight 20, accuracy 15/20, mean p (9 + 4 + 3.5)/20 = .825
    let ece = 4.0 / 24.0 * 0.2 + 20.0 / 24.0 * 0.075;
    let brier = (2.0 * 0.04 + 2.0 * 0.36 + 10.0 * 0.01 + 5.0 * 0.64 + 5.0 * 0.09) / 24.0;
    assert!((found.ece.unwrap() - ece).abs() < 1e-12);
    assert!((found.brier.unwrap() - brier).abs() < 1e-12);
    assert_eq!(found.n, 5);
    assert_eq!((found.bins[1].mean_probability, found.bins[1].accuracy.estimate), (None, None));
    assert!((found.bins[2].mean_probability.unwrap() - 0.825).abs() < 1e-12);
    assert_eq!(found.bins[2].accuracy, accuracy(right, wrong, 0.95).estimate);
}

#[test]
fn nothing_is_said_without_labels() {
    let found = calibration(&[CalibrationBin { n: 7, ..CalibrationBin::default() }], 0.95);
    assert_eq!((found.ece, found.brier, found.n), (None, None, 0));
    assert_eq!(calibration(&[], 0.95).ece, None);
}
