//! The inks: names for roles, not for colours. Their looks are in style.css (`--k0` ..), safe for colour-blind readers.

use plotters::style::RGBColor;

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Muted,
    Grid,
    /// Everything together.
    All,
    Auto,
    Manual,
    Error,
    /// What chance alone would give; also the ideal of a diagram.
    Null,
    Up,
    Down,
    /// The n-th of several alike: versions, quantiles.
    Nth(u8),
}

/// Inks of the series that are told apart by rank.
const RANKED: u8 = 6;

impl Ink {
    const fn index(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Muted => 1,
            Self::Grid => 2,
            Self::All => 3,
            Self::Auto => 4,
            Self::Manual => 5,
            Self::Error => 6,
            Self::Null => 7,
            Self::Up => 8,
            Self::Down => 9,
            Self::Nth(n) => 10 + n % RANKED,
        }
    }

    /// A stand-in colour that [`super::compact`] turns into a class.
    pub const fn rgb(self) -> RGBColor {
        RGBColor(0, 0, self.index())
    }

    /// Class of a legend's swatch.
    pub const fn swatch(self) -> &'static str {
        const NAMES: [&str; 16] =
            ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12", "k13", "k14", "k15"];
        NAMES[self.index() as usize]
    }

    /// The ink of a route.
    pub fn route(route: &str) -> Self {
        match route {
            "auto" => Self::Auto,
            "manual" => Self::Manual,
            _ => Self::All,
        }
    }

    /// The ink of the n-th of several series.
    pub fn nth(n: usize) -> Self {
        Self::Nth(u8::try_from(n % usize::from(RANKED)).unwrap_or(0))
    }
}
