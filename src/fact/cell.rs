use crate::event::{Fixed, Route, SeriesId, Symbol};

/// A cell's name packed into 128 bits. Keys sort by table, series and hour, so that a period of a model is one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellKey(pub u128);

/// Equal-width bins of the first candidate's probability.
pub const PROBABILITY_BINS: u32 = 20;
/// Equal-width bins of the confidence index: thresholds at every 0.02.
pub const CONFIDENCE_BINS: u32 = 50;

/// Which score a bin is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScoreKind {
    Probability = 0,
    Confidence = 1,
}

impl ScoreKind {
    pub fn bins(self) -> u32 {
        match self {
            ScoreKind::Probability => PROBABILITY_BINS,
            ScoreKind::Confidence => CONFIDENCE_BINS,
        }
    }

    /// The bin of a score: `[i/bins, (i+1)/bins)`, the last one closed.
    pub fn bin(self, score: Fixed) -> u32 {
        // the nudge keeps a score written as 0.70 in the bin that starts at 0.70, whatever its rounding to 2^-30
        let scaled = (u64::from(score.0) + 2) * u64::from(self.bins());
        ((scaled >> 30) as u32).min(self.bins() - 1)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            ScoreKind::Probability => "probability",
            ScoreKind::Confidence => "confidence",
        }
    }
}

/// Counts of a series, hour and route that need no further key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tally {
    Predictions = 0,
    Errors = 1,
    /// Numbers clipped to [0, 1].
    Clipped = 2,
    /// Predictions whose first code the nomenclature does not know.
    UnknownCode = 3,
    /// Sum of the confidence index, times 2^30.
    Confidence = 4,
    /// Sum of the first probability, times 2^30.
    Probability = 5,
    /// Predictions whose holding correction says "uncodable".
    Uncodable = 6,
}

impl Tally {
    pub const ALL: [Tally; 7] = [
        Tally::Predictions,
        Tally::Errors,
        Tally::Clipped,
        Tally::UnknownCode,
        Tally::Confidence,
        Tally::Probability,
        Tally::Uncodable,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Tally::Predictions => "predictions",
            Tally::Errors => "errors",
            Tally::Clipped => "clipped",
            Tally::UnknownCode => "unknown_code",
            Tally::Confidence => "confidence_sum",
            Tally::Probability => "probability_sum",
            Tally::Uncodable => "uncodable",
        }
    }
}

/// The name of one fact. `hour` counts hours since 1970, UTC: the cohort is always that of the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cell {
    /// Predictions by first code.
    Volume { series: SeriesId, hour: i64, route: Option<Route>, code: Symbol },
    /// Predictions by score bin.
    Score { series: SeriesId, hour: i64, route: Option<Route>, kind: ScoreKind, bin: u32 },
    /// Predictions by latency bin (DDSketch).
    Latency { series: SeriesId, hour: i64, route: Option<Route>, bin: i32 },
    Tally { series: SeriesId, hour: i64, route: Option<Route>, what: Tally },
    /// Labelled rows by predicted and actual code. A failed prediction has no predicted code.
    Outcome {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        predicted: Option<Symbol>,
        actual: Symbol,
        source: Symbol,
    },
    /// Labelled rows by the rank of the truth among the candidates, rolled up to a level; 0 = not among them.
    Rank { series: SeriesId, hour: i64, route: Option<Route>, level: u8, rank: u8, source: Symbol },
    /// Labelled rows by score bin and whether the first code was right.
    Reliability {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        kind: ScoreKind,
        bin: u32,
        right: bool,
        source: Symbol,
    },
}

/// No code: one more than the greatest symbol.
const NO_SYMBOL: u32 = (1 << 27) - 1;

fn pack(table: u8, series: SeriesId, hour: i64, route: Option<Route>, a: u32, b: u32, source: u32) -> CellKey {
    // 4 + 20 + 21 + 2 + 27 + 27 + 27 = 128 bits; events are after 2000 and before 2100, so hours fit 21
    let hour = hour.clamp(0, (1 << 21) - 1) as u128;
    let route = route.map_or(0, |r| 1 + r as u128);
    let key = (u128::from(table) << 124)
        | (u128::from(series.0 & 0xf_ffff) << 104)
        | (hour << 83)
        | (route << 81)
        | (u128::from(a & NO_SYMBOL) << 54)
        | (u128::from(b & NO_SYMBOL) << 27)
        | u128::from(source & NO_SYMBOL);
    CellKey(key)
}

impl Cell {
    pub fn key(self) -> CellKey {
        match self {
            Cell::Volume { series, hour, route, code } => pack(0, series, hour, route, code.0, 0, 0),
            Cell::Score { series, hour, route, kind, bin } => pack(1, series, hour, route, kind as u32, bin, 0),
            Cell::Latency { series, hour, route, bin } => {
                pack(2, series, hour, route, bin.wrapping_add(1 << 20) as u32, 0, 0)
            }
            Cell::Tally { series, hour, route, what } => pack(3, series, hour, route, what as u32, 0, 0),
            Cell::Outcome { series, hour, route, predicted, actual, source } => {
                pack(8, series, hour, route, predicted.map_or(NO_SYMBOL, |s| s.0), actual.0, source.0)
            }
            Cell::Rank { series, hour, route, level, rank, source } => {
                pack(9, series, hour, route, u32::from(level), u32::from(rank), source.0)
            }
            Cell::Reliability { series, hour, route, kind, bin, right, source } => {
                pack(10, series, hour, route, kind as u32, bin * 2 + u32::from(right), source.0)
            }
        }
    }

    /// The inverse of [`Cell::key`]; `None` for a key that no cell has.
    pub fn from_key(CellKey(key): CellKey) -> Option<Cell> {
        let series = SeriesId((key >> 104) as u32 & 0xf_ffff);
        let hour = (key >> 83) as i64 & 0x1f_ffff;
        let route = match (key >> 81) & 3 {
            0 => None,
            1 => Some(Route::Auto),
            2 => Some(Route::Manual),
            _ => return None,
        };
        let a = (key >> 54) as u32 & NO_SYMBOL;
        let b = (key >> 27) as u32 & NO_SYMBOL;
        let source = Symbol(key as u32 & NO_SYMBOL);
        let kind = if a == 0 { ScoreKind::Probability } else { ScoreKind::Confidence };
        Some(match key >> 124 {
            0 => Cell::Volume { series, hour, route, code: Symbol(a) },
            1 => Cell::Score { series, hour, route, kind, bin: b },
            2 => Cell::Latency { series, hour, route, bin: a as i32 - (1 << 20) },
            3 => Cell::Tally { series, hour, route, what: *Tally::ALL.get(a as usize)? },
            8 => {
                let predicted = (a != NO_SYMBOL).then_some(Symbol(a));
                Cell::Outcome { series, hour, route, predicted, actual: Symbol(b), source }
            }
            9 => Cell::Rank { series, hour, route, level: a as u8, rank: b as u8, source },
            10 => Cell::Reliability { series, hour, route, kind, bin: b / 2, right: b % 2 == 1, source },
            _ => return None,
        })
    }

    pub fn hour(self) -> i64 {
        match self {
            Cell::Volume { hour, .. }
            | Cell::Score { hour, .. }
            | Cell::Latency { hour, .. }
            | Cell::Tally { hour, .. }
            | Cell::Outcome { hour, .. }
            | Cell::Rank { hour, .. }
            | Cell::Reliability { hour, .. } => hour,
        }
    }

    pub fn series(self) -> SeriesId {
        match self {
            Cell::Volume { series, .. }
            | Cell::Score { series, .. }
            | Cell::Latency { series, .. }
            | Cell::Tally { series, .. }
            | Cell::Outcome { series, .. }
            | Cell::Rank { series, .. }
            | Cell::Reliability { series, .. } => series,
        }
    }

    /// First key of a table's series at an hour; the range to the next series or hour is one scan.
    pub fn start(table: u8, series: SeriesId, hour: i64) -> CellKey {
        pack(table, series, hour, None, 0, 0, 0)
    }

    /// Whether the table holds [`Moments`](super::Moments) rather than plain counts.
    pub fn is_moments(CellKey(key): CellKey) -> bool {
        key >> 124 >= 8
    }
}
