use serde::{Deserialize, Serialize};

use super::Tier;
use crate::event::{Fixed, Route, SeriesId, Symbol};

/// What the cells of one page share: table, series, hour and route, packed. Pages sort by table, series and hour, so
/// that a period of a model is one range; a stream in the order of time keeps touching the same few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PageKey(pub u64);

/// What tells the cells of one page apart; what each number means is the table's business.
pub type CellKey = [u32; 3];

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
    /// Predictions by first code and [`grade`](super::grade()) of the confidence.
    Volume {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        code: Symbol,
        grade: u8,
    },
    /// Predictions by score bin.
    Score {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        kind: ScoreKind,
        bin: u32,
    },
    /// Predictions by latency bin (DDSketch).
    Latency {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        bin: i32,
    },
    Tally {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        what: Tally,
    },
    /// Labelled rows by predicted and actual code, the uncodable ones too. A failed prediction has no predicted code.
    Outcome {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        predicted: Option<Symbol>,
        /// `None` = uncodable.
        actual: Option<Symbol>,
        source: Symbol,
        /// Of a failed prediction 0.
        grade: u8,
        /// [`Weight::class`](crate::event::Weight::class) of the label; 0 without a review probability.
        weight_class: u8,
    },
    /// Labelled rows by the rank of the truth among the candidates, rolled up to a level; 0 = not among them.
    Rank {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        level: u8,
        rank: u8,
        source: Symbol,
        grade: u8,
        weight_class: u8,
    },
    /// Labelled rows by score bin and whether the first code was right, rolled up to a level; 0 = the codes as they are.
    Reliability {
        series: SeriesId,
        hour: i64,
        route: Option<Route>,
        kind: ScoreKind,
        bin: u32,
        level: u8,
        right: bool,
        source: Symbol,
        weight_class: u8,
    },
}

/// A symbol, or a smaller number, with a grade or a class of weights beside it. More symbols than 2^28 do not fit any memory.
fn packed(number: u32, small: u8) -> u32 {
    number << SMALL_BITS | u32::from(small)
}

/// The inverse of [`packed`].
fn unpacked(key: u32) -> (u32, u8) {
    (key >> SMALL_BITS, (key & ((1 << SMALL_BITS) - 1)) as u8)
}

const SMALL_BITS: u32 = 4;

/// No code: a symbol that is never given, and fits [`packed`].
const NO_SYMBOL: u32 = u32::MAX >> SMALL_BITS;

fn or_none(symbol: Option<Symbol>) -> u32 {
    symbol.map_or(NO_SYMBOL, |s| s.0)
}

fn symbol(key: u32) -> Option<Symbol> {
    (key != NO_SYMBOL).then_some(Symbol(key))
}

/// Facts are in nine tables: of counts, of [`Moments`](super::Moments), of [`Specimen`](super::Specimen)s, and of
/// [`Opinions`](super::Opinions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    Volume = 0,
    Score = 1,
    Latency = 2,
    Tally = 3,
    Outcome = 8,
    Rank = 9,
    Reliability = 10,
    Specimen = 12,
    Opinion = 13,
}

impl Table {
    pub const COUNTS: [Table; 4] = [Table::Volume, Table::Score, Table::Latency, Table::Tally];
    pub const MOMENTS: [Table; 3] = [Table::Outcome, Table::Rank, Table::Reliability];

    /// Every table.
    pub fn all() -> impl Iterator<Item = Table> {
        Table::COUNTS.into_iter().chain(Table::MOMENTS).chain([Table::Specimen, Table::Opinion])
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Table::Volume => "volume",
            Table::Score => "score",
            Table::Latency => "latency",
            Table::Tally => "tally",
            Table::Outcome => "outcome",
            Table::Rank => "rank",
            Table::Reliability => "reliability",
            Table::Specimen => "specimen",
            Table::Opinion => "opinion",
        }
    }

    /// The place of a cell on its page once its symbols have other numbers; `None` when one of them has none.
    /// What each number is stands in [`Cell::key`].
    pub fn renamed(self, [a, b, c]: CellKey, symbol: impl Fn(Symbol) -> Option<Symbol>) -> Option<CellKey> {
        let named = |n: u32| symbol(Symbol(n)).map(|s| s.0);
        let perhaps = |n: u32| if n == NO_SYMBOL { Some(n) } else { named(n) };
        let beside = |n: u32, named: &dyn Fn(u32) -> Option<u32>| {
            let (own, small) = unpacked(n);
            named(own).map(|n| packed(n, small))
        };
        Some(match self {
            Table::Volume => [beside(a, &named)?, b, c],
            Table::Score | Table::Latency | Table::Tally => [a, b, c],
            Table::Outcome => [perhaps(a)?, beside(b, &perhaps)?, beside(c, &named)?],
            // rows of their own: see `Specimen::renamed` and `Opinions::renamed`
            Table::Specimen | Table::Opinion => return None,
            Table::Rank | Table::Reliability => [a, b, named(c)?],
        })
    }
}

/// Bits of a page's key below those of its tier.
const TIER: u32 = 47;

impl PageKey {
    /// 4 + 20 + 21 + 2 bits below those of the [`Tier`]; events are after 2000 and before 2100, so hours fit 21.
    pub fn new(table: Table, series: SeriesId, hour: i64, route: Option<Route>) -> Self {
        let hour = hour.clamp(0, (1 << 21) - 1) as u64;
        let route = route.map_or(0, |r| 1 + r as u64);
        PageKey((u64::from(table as u8) << 43) | (u64::from(series.0 & 0xf_ffff) << 23) | (hour << 2) | route)
    }

    /// A number that the pages of one table (of specimens: one tier) and series have in common.
    pub fn run(self) -> u64 {
        self.0 >> 23
    }

    /// First and last place of a page of the same [run](PageKey::run).
    pub fn all_of_run(self) -> [PageKey; 2] {
        [self.run() << 23, ((self.run() + 1) << 23) - 1].map(PageKey)
    }

    /// `None` for a number that no page has.
    pub fn table(self) -> Option<Table> {
        let (tier, table) = (self.0 >> TIER, self.0 >> 43 & 0xf);
        let found = Table::all().find(|t| *t as u64 == table)?;
        (tier == 0 || found == Table::Specimen && tier <= Tier::Third as u64).then_some(found)
    }

    pub fn series(self) -> SeriesId {
        SeriesId((self.0 >> 23) as u32 & 0xf_ffff)
    }

    /// The page at the same place of another tier of specimens.
    pub fn of_tier(self, tier: Tier) -> PageKey {
        PageKey(self.0 & ((1 << TIER) - 1) | (tier as u64) << TIER)
    }

    /// The page at the same place of another series.
    pub fn of_series(self, series: SeriesId) -> PageKey {
        PageKey(self.0 & !(0xf_ffff << 23) | u64::from(series.0 & 0xf_ffff) << 23)
    }

    pub fn hour(self) -> i64 {
        (self.0 >> 2) as i64 & 0x1f_ffff
    }

    pub fn route(self) -> Option<Route> {
        match self.0 & 3 {
            1 => Some(Route::Auto),
            2 => Some(Route::Manual),
            _ => None,
        }
    }
}

impl Cell {
    /// The page it stands on and its place there.
    pub fn key(self) -> (PageKey, CellKey) {
        let page = PageKey::new;
        match self {
            Cell::Volume { series, hour, route, code, grade } => {
                (page(Table::Volume, series, hour, route), [packed(code.0, grade), 0, 0])
            }
            Cell::Score { series, hour, route, kind, bin } => {
                (page(Table::Score, series, hour, route), [(kind as u32) << 16 | bin, 0, 0])
            }
            Cell::Latency { series, hour, route, bin } => {
                (page(Table::Latency, series, hour, route), [bin.wrapping_add(1 << 20) as u32, 0, 0])
            }
            Cell::Tally { series, hour, route, what } => (page(Table::Tally, series, hour, route), [what as u32, 0, 0]),
            Cell::Outcome { series, hour, route, predicted, actual, source, grade, weight_class } => {
                let actual = packed(or_none(actual), weight_class);
                let source = packed(source.0, grade);
                (page(Table::Outcome, series, hour, route), [or_none(predicted), actual, source])
            }
            Cell::Rank { series, hour, route, level, rank, source, grade, weight_class } => {
                let level = packed(u32::from(level), weight_class);
                (page(Table::Rank, series, hour, route), [level, packed(u32::from(rank), grade), source.0])
            }
            Cell::Reliability { series, hour, route, kind, bin, level, right, source, weight_class } => {
                let right = packed(u32::from(level) << 1 | u32::from(right), weight_class);
                (page(Table::Reliability, series, hour, route), [(kind as u32) << 16 | bin, right, source.0])
            }
        }
    }

    /// Who gave the label, where the cell is of labelled rows.
    pub fn source(&self) -> Option<Symbol> {
        match self {
            Cell::Outcome { source, .. } | Cell::Rank { source, .. } | Cell::Reliability { source, .. } => {
                Some(*source)
            }
            _ => None,
        }
    }

    /// The grade of the confidence; 0 where the cell has none.
    pub fn grade(&self) -> u8 {
        match self {
            Cell::Volume { grade, .. } | Cell::Outcome { grade, .. } | Cell::Rank { grade, .. } => *grade,
            _ => 0,
        }
    }

    /// The inverse of [`Cell::key`]; `None` for a key that no cell has.
    pub fn from_key(page: PageKey, [a, b, source]: CellKey) -> Option<Cell> {
        let (series, hour, route, source) = (page.series(), page.hour(), page.route(), Symbol(source));
        let kind = if a >> 16 == 0 { ScoreKind::Probability } else { ScoreKind::Confidence };
        let bin = a & 0xffff;
        Some(match page.table()? {
            Table::Volume => {
                let (code, grade) = unpacked(a);
                Cell::Volume { series, hour, route, code: Symbol(code), grade }
            }
            Table::Score => Cell::Score { series, hour, route, kind, bin },
            Table::Latency => Cell::Latency { series, hour, route, bin: a as i32 - (1 << 20) },
            Table::Tally => Cell::Tally { series, hour, route, what: *Tally::ALL.get(a as usize)? },
            Table::Outcome => {
                let (source, grade) = unpacked(source.0);
                let (actual, weight_class) = unpacked(b);
                let (predicted, actual, source) = (symbol(a), symbol(actual), Symbol(source));
                Cell::Outcome { series, hour, route, predicted, actual, source, grade, weight_class }
            }
            Table::Specimen | Table::Opinion => return None,
            Table::Rank => {
                let (rank, grade) = unpacked(b);
                let (level, weight_class) = unpacked(a);
                Cell::Rank { series, hour, route, level: level as u8, rank: rank as u8, source, grade, weight_class }
            }
            Table::Reliability => {
                let (level, weight_class) = unpacked(b);
                let (level, right) = ((level >> 1) as u8, level & 1 == 1);
                Cell::Reliability { series, hour, route, kind, bin, level, right, source, weight_class }
            }
        })
    }
}
