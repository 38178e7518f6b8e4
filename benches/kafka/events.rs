//! Seeded events: what a year-end quarter of automatic coding looks like, made faster than a broker takes them.

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use vigie::event::Kind;

const SEED: u64 = 20_260_601;
/// 2026-06-01T00:00:00Z, in milliseconds.
pub const START: i64 = 1_780_272_000_000;
pub const DAY: i64 = 86_400_000;

const CORRECTIONS_IN_100: u32 = 13;
/// Share of corrections that confirm the first candidate.
const RIGHT_IN_100: u32 = 80;

/// What people call their activity, for lines of a usual length.
const TEXTS: [&str; 8] = [
    "RESTAURATION DE TYPE RAPIDE ET DIVERS",
    "Formation continue d'adultes, conseil",
    "travaux de peinture, vitrerie, sols",
    "Location de logements meublés",
    "Programmation informatique, sites web",
    "vente en ligne de vêtements et bijoux",
    "COIFFURE A DOMICILE, ESTHETIQUE",
    "Transport de voyageurs par taxi, VTC",
];

#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub candidates: usize,
    pub text: bool,
    pub corrections: bool,
}

impl Shape {
    /// 87 predictions of about 490 bytes to 13 corrections.
    pub const USUAL: Shape = Shape { candidates: 5, text: true, corrections: true };
    /// Predictions of about 285 bytes that nobody corrects.
    pub const SHORT: Shape = Shape { candidates: 1, text: false, corrections: false };
}

/// Makes one event after the other in the same memory.
pub struct Events {
    random: ChaCha8Rng,
    shape: Shape,
    codes: Vec<String>,
    /// Upper bounds of the codes' shares of 2^32, by Zipf.
    shares: Vec<u32>,
    clock: Clock,
    predictions: u64,
    corrections: u64,
    key: Vec<u8>,
    line: Vec<u8>,
}

impl Events {
    pub fn new(shape: Shape) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nomenclatures/naf-rev2.csv");
        let text = std::fs::read_to_string(path).expect("the nomenclature is in the repository");
        let first = text.lines().filter_map(|line| line.split(',').next());
        let mut codes: Vec<String> = first.filter(|code| code.len() == 5).map(str::to_owned).collect();
        codes.shuffle(&mut random);
        let whole: f64 = (1..=codes.len()).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let shares = (1..=codes.len()).map(|rank| {
            sum += 1.0 / rank as f64 / whole;
            (sum * f64::from(u32::MAX)) as u32
        });
        let shares = shares.collect();
        Events {
            random,
            shape,
            codes,
            shares,
            clock: Clock::default(),
            predictions: 0,
            corrections: 0,
            key: Vec::new(),
            line: Vec::new(),
        }
    }

    /// Distinct ones so far.
    pub fn predictions(&self) -> u64 {
        self.predictions
    }

    /// The prediction's id, and the event; of the last call of [`Events::make`].
    pub fn made(&self) -> (&[u8], &[u8]) {
        (&self.key, &self.line)
    }

    /// Makes the next event, at `at` milliseconds since 1970.
    pub fn make(&mut self, at: i64) -> Kind {
        self.line.clear();
        let correct = self.shape.corrections && self.random.random_range(0..100) < CORRECTIONS_IN_100;
        if correct && self.predictions > 0 {
            self.correction(at);
            Kind::Correction
        } else {
            self.prediction(at);
            Kind::Prediction
        }
    }

    fn prediction(&mut self, at: i64) {
        let number = self.predictions;
        self.predictions += 1;
        write_id(&mut self.key, number);
        let first = self.first_code(number);
        let line = &mut self.line;
        line.extend(b"{\"prediction_id\":\"");
        line.extend(&self.key);
        line.extend(
            b"\",\"model\":\"ape-bench\",\"model_version\":\"1.0.0\",\"nomenclature\":\"naf-rev2\",\"predicted_at\":\"",
        );
        self.clock.write(line, at);
        line.extend(b"\",\"status\":\"ok\",\"latency_ms\":");
        write_number(line, self.random.random_range(5..60), 1);
        line.push(b'.');
        write_number(line, self.random.random_range(0..100), 2);
        // three of four are sure
        let least = if self.random.random_range(0..4) == 0 { 3_000 } else { 7_000 };
        let confidence = self.random.random_range(least..9_900);
        line.extend(b",\"candidates\":[");
        let mut rest = 10_000 - confidence;
        for (rank, step) in [0, 7, 31, 101, 211].into_iter().take(self.shape.candidates).enumerate() {
            if rank > 0 {
                line.push(b',');
            }
            line.extend(b"{\"code\":\"");
            line.extend(self.codes[(first + step) % self.codes.len()].as_bytes());
            line.extend(b"\",\"probability\":0.");
            if rank > 0 {
                rest /= 2;
            }
            write_number(line, if rank == 0 { confidence } else { rest.min(confidence) }, 4);
            line.push(b'}');
        }
        line.extend(b"],\"confidence\":0.");
        write_number(line, confidence, 4);
        line.extend(if confidence >= 7_000 { &b",\"route\":\"auto\""[..] } else { b",\"route\":\"manual\"" });
        if self.shape.text {
            line.extend(b",\"text\":\"");
            line.extend(TEXTS[number as usize % TEXTS.len()].as_bytes());
            line.push(b'"');
        }
        line.push(b'}');
    }

    /// Of any prediction so far.
    fn correction(&mut self, at: i64) {
        let of = self.random.random_range(0..self.predictions);
        write_id(&mut self.key, of);
        let first = self.first_code(of);
        let right = self.random.random_range(0..100) < RIGHT_IN_100;
        let code = if right { first } else { (first + 7) % self.codes.len() };
        let line = &mut self.line;
        line.extend(b"{\"correction_id\":\"c-");
        write_number(line, self.corrections, 1);
        line.extend(b"\",\"prediction_id\":\"");
        line.extend(&self.key);
        line.extend(b"\",\"code\":\"");
        line.extend(self.codes[code].as_bytes());
        line.extend(b"\",\"corrected_at\":\"");
        self.clock.write(line, at);
        line.extend(b"\",\"source\":\"gestionnaire\",\"inclusion_probability\":0.6,\"revision\":1}");
        self.corrections += 1;
    }

    /// Told by the number alone, so that a correction knows what was predicted without keeping it.
    fn first_code(&self, number: u64) -> usize {
        let share = (mix(number ^ SEED) >> 32) as u32;
        self.shares.partition_point(|bound| *bound < share).min(self.codes.len() - 1)
    }
}

/// Ids look random, as those of services do: neighbours in time are not neighbours in a store.
fn write_id(out: &mut Vec<u8>, number: u64) {
    out.clear();
    let (high, low) = (mix(number), mix(number ^ u64::MAX));
    for byte in high.to_be_bytes().into_iter().chain(low.to_be_bytes()) {
        out.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
}

/// SplitMix64: one to one, so that ids are distinct.
fn mix(number: u64) -> u64 {
    let x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Decimal digits, with zeros in front up to `width`.
fn write_number(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend(&digits[at..]);
}

/// Writes moments as RFC 3339; the date is worked out once a day.
#[derive(Default)]
struct Clock {
    day: i64,
    date: String,
}

impl Clock {
    fn write(&mut self, out: &mut Vec<u8>, at: i64) {
        let day = at.div_euclid(DAY);
        if self.day != day || self.date.is_empty() {
            let midnight = jiff::Timestamp::from_millisecond(day * DAY).expect("a moment that jiff knows");
            (self.day, self.date) = (day, midnight.to_string()[..11].to_owned());
        }
        out.extend(self.date.as_bytes());
        let of_day = at.rem_euclid(DAY) as u64;
        let parts = [(of_day / 3_600_000, 2, b':'), (of_day / 60_000 % 60, 2, b':'), (of_day / 1000 % 60, 2, b'.')];
        for (number, width, then) in parts.into_iter().chain([(of_day % 1000, 3, b'Z')]) {
            write_number(out, number, width);
            out.push(then);
        }
    }
}

/// Now, in milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
