//! Arbitrary bytes as a line of the stream: nothing panics, a refusal says why, and what is accepted is sound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rooms::{
    event::{Correction, Entry, Fixed, JoinKey, Kind, MAX_RANK, Prediction, Reason, Reject},
    ingest::{Admission, Row, each_line, kind_of},
};

fuzz_target!(|bytes: &[u8]| {
    for kind in [Some(Kind::Prediction), Some(Kind::Correction), None] {
        line(bytes, kind);
    }
    lines(bytes);
});

fn line(bytes: &[u8], kind: Option<Kind>) {
    let first = receive(bytes, kind);
    assert_eq!(first, receive(bytes, kind), "the same line twice");
    match first {
        Err(reject) => {
            assert!(!reject.detail.is_empty(), "{reject:?}");
            assert_eq!(Reason::from_word(reject.reason.as_str()), Some(reject.reason));
        }
        Ok((key, entry)) => {
            assert!(std::str::from_utf8(bytes).is_ok(), "accepted, and not UTF-8");
            sound(&entry, kind.or_else(|| kind_of(bytes)));
            survives(&entry);
            agrees(bytes, key, &entry);
        }
    }
}

fn receive(bytes: &[u8], kind: Option<Kind>) -> Result<(JoinKey, Entry), Reject> {
    Admission::default().receive(&Row::Line(bytes), kind).admitted
}

fn sound(entry: &Entry, kind: Option<Kind>) {
    match entry {
        Entry::Prediction(p) => {
            assert_ne!(kind, Some(Kind::Correction));
            assert!(p.confidence.0 <= Fixed::ONE && p.probability.0 <= Fixed::ONE);
            assert!(p.candidates.len() <= MAX_RANK && (p.failed || !p.candidates.is_empty()));
            assert!((946_684_800_000..4_102_444_800_000).contains(&p.at));
        }
        Entry::Correction(c) => {
            assert_eq!(kind, Some(Kind::Correction));
            assert!(!c.id.is_empty() && c.id.len() <= 256);
            assert!(c.weight.is_none_or(|w| w.0 >= 1 << 20));
        }
    }
}

/// What the store writes it reads again.
fn survives(entry: &Entry) {
    match entry {
        Entry::Prediction(p) => {
            let bytes = postcard::to_stdvec(p).expect("written");
            assert_eq!(postcard::from_bytes(&bytes).as_ref(), Ok(p));
        }
        Entry::Correction(c) => {
            let bytes = postcard::to_stdvec(c).expect("written");
            assert_eq!(postcard::from_bytes(&bytes).as_ref(), Ok(c));
        }
    }
}

/// Another JSON reader makes the same event of the line, wherever it accepts the line.
fn agrees(bytes: &[u8], key: JoinKey, entry: &Entry) {
    let mut admission = Admission::default();
    let again = match entry {
        Entry::Prediction(_) => serde_json::from_slice::<Prediction<'_>>(bytes)
            .map(|p| admission.prediction(&p).map(|(key, p)| (key, Entry::Prediction(p)))),
        Entry::Correction(_) => serde_json::from_slice::<Correction<'_>>(bytes)
            .map(|c| admission.correction(&c).map(|(key, c)| (key, Entry::Correction(c)))),
    };
    match again {
        Ok(again) => assert_eq!(again.as_ref(), Ok(&(key, entry.clone()))),
        Err(e) if std::env::var_os("VIGIE_FUZZ_STRICT").is_some() => panic!("only one reader accepts it: {e}"),
        Err(_) => {}
    }
}

/// A source that gives a byte at a time is cut into the same lines as one that gives all at once.
fn lines(bytes: &[u8]) {
    let mut whole = Vec::new();
    each_line(bytes, |number, line| whole.push((number, line.to_vec()))).expect("memory does not fail");
    let mut dripped = Vec::new();
    each_line(Drip(bytes), |number, line| dripped.push((number, line.to_vec()))).expect("memory does not fail");
    assert_eq!(whole, dripped);
    assert!(whole.iter().all(|(_, line)| !line.contains(&b'\n') && !line.trim_ascii().is_empty()));
    let feeds = bytes.iter().filter(|b| **b == b'\n').count() as u64;
    assert!(whole.iter().all(|(number, _)| (1..=feeds + 1).contains(number)));
}

struct Drip<'a>(&'a [u8]);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let one = into.len().min(1);
        self.0.read(&mut into[..one])
    }
}
