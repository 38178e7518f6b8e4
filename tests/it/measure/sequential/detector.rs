//! River's own detections on its streams.

use std::{collections::HashMap, fs::File, path::PathBuf};

use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use vigie::measure::detector::{Adwin, Cusum, Ddm, PageHinkley, State, adwin, page_hinkley};

use super::super::oracle::{Row, count, workshop_rows};

/// Values by stream.
fn streams() -> Option<HashMap<String, Vec<f64>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/oracles/river_streams.parquet");
    let Ok(file) = File::open(path) else {
        println!("skipped: no ../shared/oracles/river_streams.parquet");
        return None;
    };
    let mut all: HashMap<String, Vec<f64>> = HashMap::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("Parquet") {
        let batch = batch.expect("a batch");
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let column = cast(column, &DataType::Float64).expect("numbers");
            assert_eq!(column.null_count(), 0);
            all.entry(field.name().clone()).or_default().extend(column.as_primitive::<Float64Type>().values());
        }
    }
    Some(all)
}

fn detections(states: impl Iterator<Item = State>) -> Vec<u64> {
    states.zip(0..).filter(|&(state, _)| state == State::Drift).map(|(_, at)| at).collect()
}

fn of<'a>(rows: &'a [Row], stream: &str, detector: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| row["stream"] == stream && row["detector"] == detector).collect()
}

/// Page-Hinkley and DDM are defined alike: every one of River's detections, and no other; warnings by their number.
#[test]
fn page_hinkley_and_ddm_are_rivers() {
    let Some(streams) = streams() else { return };
    let golden = workshop_rows("river_detections.csv");
    let indices = |stream: &str, detector: &str| -> Vec<u64> {
        of(&golden, stream, detector).iter().map(|row| index(row)).collect()
    };
    let summary = workshop_rows("river_summary.csv");
    for (name, x) in &streams {
        let mut both = PageHinkley::default();
        let found = detections(x.iter().map(|&x| both.update(x)));
        assert_eq!(found, indices(name, "PageHinkley"), "{name}");
        let mut up = PageHinkley::new(page_hinkley::Settings { threshold: 20.0, only_up: true, ..Default::default() });
        let found = detections(x.iter().map(|&x| up.update(x)));
        assert_eq!(found, indices(name, "PH_t20_up"), "{name}");
        if name.starts_with("err") {
            let mut ddm = Ddm::default();
            let states: Vec<State> = x.iter().map(|&x| ddm.update(x > 0.5)).collect();
            assert_eq!(detections(states.iter().copied()), indices(name, "DDM"), "{name}");
            let warnings = states.iter().filter(|&&state| state == State::Warning).count() as u64;
            let row = of(&summary, name, "DDM")[0];
            assert_eq!(warnings, count(row, "n_warning_steps"), "{name}");
        }
    }
}

/// The 0-based index of a detection: after the parameters, which hold no comma.
fn index(row: &Row) -> u64 {
    count(row, "index0")
}

/// River forgets its whole window after a detection, the paper keeps the newer part, so the window is forgotten here too.
/// River also leaves out the newest bucket of each size: a detection may then come a check earlier here. On these streams
/// it does not by more than `clock` rows.
#[test]
fn adwin_is_rivers_within_a_check() {
    let Some(streams) = streams() else { return };
    let golden = workshop_rows("river_detections.csv");
    for (name, x) in &streams {
        for (detector, delta, clock) in [("ADWIN", 0.002, 32), ("ADWIN_d1e3_c1", 0.001, 1)] {
            let settings = adwin::Settings { delta, clock, ..Default::default() };
            let mut adwin = Adwin::new(settings);
            let found = detections(x.iter().map(|&x| {
                let state = adwin.update(x);
                if state == State::Drift {
                    adwin = Adwin::new(settings);
                }
                state
            }));
            let expected: Vec<u64> = of(&golden, name, detector).iter().map(|row| index(row)).collect();
            println!("{name} {detector}: {found:?}, River {expected:?}");
            assert_eq!(found.len(), expected.len(), "{name} {detector}");
            assert!(found.iter().zip(&expected).all(|(f, e)| f.abs_diff(*e) <= clock), "{name} {detector}");
        }
    }
}

/// What the paper keeps: after a jump the window is that of the new level.
#[test]
fn adwin_keeps_the_newer_part() {
    let mut adwin = Adwin::default();
    for i in 0..4_000 {
        adwin.update(if i < 2_000 { 0.2 } else { 0.8 });
    }
    assert!(adwin.width() <= 2_100.0 && adwin.width() > 1_000.0, "{}", adwin.width());
    assert!((adwin.estimate() - 0.8).abs() < 0.02, "{}", adwin.estimate());
}

/// By hand: 0.5 slack, sums 0, 2, 4, 6.
#[test]
fn cusum_is_pages() {
    let mut cusum = Cusum::new(1.0, 0.5, 5.0);
    let sums: Vec<f64> = [0.0, 3.5, 3.5].map(|x| (cusum.update(x), cusum.statistic()).1).to_vec();
    assert_eq!(sums, [0.0, 2.0, 4.0]);
    assert_eq!(cusum.update(3.5), State::Drift);
    assert_eq!(cusum.statistic(), 0.0);
}
