//! Distances between two categorical distributions.

use serde::{Deserialize, Serialize};

use super::Table;

/// Four distances between the shares `p` (reference) and `q` (current).
///
/// None of them is 0 on average when nothing has changed: compare with [`super::CategoricalDrift::null`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// `½ Σ |p − q|`, in [0, 1]: the share of rows that would have to change code.
    pub total_variation: f64,
    /// `√(½ Σ (√p − √q)²)`, in [0, 1]. Hellinger (1909), Crelle 136.
    pub hellinger: f64,
    /// `√(½ Σ p log₂(p/m) + ½ Σ q log₂(q/m))`, `m = (p+q)/2`: the distance (square root of the divergence) in base
    /// 2, in [0, 1]. Lin (1991), IEEE TIT 37; Endres and Schindelin (2003), IEEE TIT 49.
    pub jensen_shannon: f64,
    /// Population stability index `Σ (p' − q') ln(p'/q')`, where `p'` and `q'` are shares of counts plus ½, renormalised,
    /// over the categories seen in either sample. Yurdakul (2018), Western Michigan University.
    pub psi: f64,
}

/// The four [`Distances`] alone; `None` if either sample is empty.
///
/// ```
/// use vigie::measure::drift::distances;
/// let apart = distances(&[10, 0], &[0, 20]).unwrap();
/// assert_eq!((apart.total_variation, apart.hellinger, apart.jensen_shannon), (1.0, 1.0, 1.0));
/// assert_eq!(distances(&[1, 2], &[10, 20]).unwrap().jensen_shannon, 0.0);
/// ```
pub fn distances(reference: &[u64], current: &[u64]) -> Option<Distances> {
    Some(Table::new(reference, current)?.observed().distances())
}

/// Sums over categories, from which every distance and statistic follows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub total_variation: f64,
    pub hellinger: f64,
    pub jensen_shannon: f64,
    pub psi: f64,
    pub chi2: f64,
    pub g: f64,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.total_variation += other.total_variation;
        self.hellinger += other.hellinger;
        self.jensen_shannon += other.jensen_shannon;
        self.psi += other.psi;
        self.chi2 += other.chi2;
        self.g += other.g;
    }

    pub(super) fn distances(&self) -> Distances {
        let unit = |x: f64| x.clamp(0.0, 1.0);
        Distances {
            total_variation: unit(self.total_variation),
            hellinger: unit(self.hellinger).sqrt(),
            jensen_shannon: unit(self.jensen_shannon).sqrt(),
            psi: self.psi.max(0.0),
        }
    }
}

impl Table {
    pub(super) fn observed(&self) -> Sums {
        let scale = Scale::new(self);
        let mut sums = Sums::default();
        for &(a, b) in &self.cells {
            sums.add(&scale.terms(a, b));
        }
        sums
    }
}

/// The divisors that all cells of a table, and of its permutations, share.
pub(super) struct Scale {
    reference: f64,
    current: f64,
    share_reference: f64,
    share_current: f64,
    smooth_reference: f64,
    smooth_current: f64,
}

impl Scale {
    pub(super) fn new(table: &Table) -> Self {
        let (reference, current) = (table.n_reference as f64, table.n_current as f64);
        let half = table.cells.len() as f64 / 2.0;
        Self {
            reference,
            current,
            share_reference: reference / (reference + current),
            share_current: current / (reference + current),
            smooth_reference: reference + half,
            smooth_current: current + half,
        }
    }

    /// What one category adds.
    pub(super) fn terms(&self, a: u64, b: u64) -> Sums {
        let (a, b) = (a as f64, b as f64);
        let (p, q) = (a / self.reference, b / self.current);
        let middle = f64::midpoint(p, q);
        let part = |x: f64| if x > 0.0 { x * (x / middle).log2() } else { 0.0 };
        let (ps, qs) = ((a + 0.5) / self.smooth_reference, (b + 0.5) / self.smooth_current);
        let (ea, eb) = ((a + b) * self.share_reference, (a + b) * self.share_current);
        let surprise = |x: f64, e: f64| if x > 0.0 { x * (x / e).ln() } else { 0.0 };
        Sums {
            total_variation: (p - q).abs() / 2.0,
            hellinger: (p.sqrt() - q.sqrt()).powi(2) / 2.0,
            jensen_shannon: (part(p) + part(q)) / 2.0,
            psi: (ps - qs) * (ps / qs).ln(),
            chi2: (a - ea).powi(2) / ea + (b - eb).powi(2) / eb,
            g: 2.0 * (surprise(a, ea) + surprise(b, eb)),
        }
    }
}
