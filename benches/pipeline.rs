//! `cargo bench`: the hot path on the sample stream, piece by piece. Whole processes are timed by `benches/run_paired.sh`.

use std::{hint::black_box, io::Read, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vigie::{
    event::{Kind, Symbols},
    ingest::{Admission, Journal, Policies, Policy, Row},
    measure::drift::categorical_drift,
    pipeline::{Consumer, NomenclatureBook, Tabulator},
    store::{Memory, Store},
};

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/streams").join(name);
    let mut text = Vec::new();
    let file = std::fs::File::open(path).expect("the sample stream is in the repository");
    zstd::stream::read::Decoder::new(file).and_then(|mut d| d.read_to_end(&mut text)).expect("it is zstd");
    text
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect()
}

fn policies() -> Policies {
    Policies { default: Policy { threshold: Some(0.7), ..Policy::default() }, models: Vec::new() }
}

fn decode(c: &mut Criterion) {
    let text = sample("predictions.ndjson.zst");
    let lines = lines(&text);
    let mut group = c.benchmark_group("decode and admit");
    group.throughput(Throughput::Elements(lines.len() as u64)).sample_size(20);
    group.bench_function("prediction lines", |b| {
        let mut admission = Admission::new(Symbols::default(), policies());
        b.iter(|| {
            for line in &lines {
                black_box(admission.receive(&Row::Line(line), Some(Kind::Prediction)));
            }
        });
    });
    group.finish();
}

fn tabulate(c: &mut Criterion) {
    let (predictions, corrections) = (sample("predictions.ndjson.zst"), sample("corrections.ndjson.zst"));
    let (predictions, corrections) = (lines(&predictions), lines(&corrections));
    let mut group = c.benchmark_group("join and count");
    group.throughput(Throughput::Elements((predictions.len() + corrections.len()) as u64)).sample_size(10);
    group.bench_function("in memory", |b| {
        b.iter(|| {
            let admission = Admission::new(Symbols::default(), policies());
            let mut tabulator = Tabulator::new(admission, policies(), NomenclatureBook::default());
            let mut state = Memory::default();
            for (lines, kind) in [(&predictions, Kind::Prediction), (&corrections, Kind::Correction)] {
                for line in lines {
                    tabulator.take(&mut state, &Row::Line(line), Some(kind)).expect("memory does not fail");
                }
            }
            black_box(tabulator.take_facts())
        });
    });
    group.finish();
}

fn commit(c: &mut Criterion) {
    let (predictions, corrections) = (sample("predictions.ndjson.zst"), sample("corrections.ndjson.zst"));
    let count = lines(&predictions).len() + lines(&corrections).len();
    let mut group = c.benchmark_group("journal to store");
    group.throughput(Throughput::Elements(count as u64)).sample_size(10);
    group.bench_function("atomic commits", |b| {
        b.iter_with_setup(
            || {
                let dir = tempfile::tempdir().expect("a temporary directory");
                let journal = Journal::open(&dir.path().join("journal")).expect("a new journal");
                journal.append(Some(Kind::Prediction), &predictions).expect("a disk");
                journal.append(Some(Kind::Correction), &corrections).expect("a disk");
                journal.sync().expect("a disk");
                let store = Store::open(&dir.path().join("store")).expect("a new store");
                (dir, journal, store)
            },
            |(dir, journal, store)| {
                let mut consumer =
                    Consumer::resume(journal, store, policies(), NomenclatureBook::default()).expect("a consumer");
                while consumer.step().expect("a commit").taken > 0 {}
                drop(consumer);
                drop(dir);
            },
        );
    });
    group.finish();
}

fn drift(c: &mut Criterion) {
    // Zipf shares of 732 codes, half a million predictions a side
    let counts = |shift: u64| (1..=732u64).map(|rank| 72_000 / rank + shift * (rank % 7)).collect::<Vec<u64>>();
    let (reference, current) = (counts(0), counts(1));
    c.bench_function("label drift, 732 codes, 499 permutations", |b| {
        b.iter(|| black_box(categorical_drift(&reference, &current, 499, 1)));
    });
}

criterion_group!(benches, decode, tabulate, commit, drift);
criterion_main!(benches);
