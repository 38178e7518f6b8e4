//! Lines over an axis, each named at its right end, with a band for what is uncertain.

use super::{
    canvas::{Drawn, Panel, Side},
    palette::Ink,
};
use crate::measure::proportion::Estimate;

/// Days without a value that a daily line passes over: a long weekend.
pub(crate) const BRIDGED_DAYS: f64 = 3.0;

/// One line of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub name: String,
    pub ink: Ink,
    pub points: Vec<(f64, Estimate)>,
}

impl Line {
    /// Every value that the line or its band reaches.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.points.iter().flat_map(|(_, e)| [e.lower, e.estimate, e.upper]).flatten()
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.points.iter().rev().find_map(|(x, e)| e.estimate.map(|y| (*x, y)))
    }

    fn runs(&self) -> impl Iterator<Item = Vec<(f64, f64, f64)>> {
        self.points
            .split(|(_, e)| e.lower.is_none() || e.upper.is_none())
            .map(|run| run.iter().filter_map(|(x, e)| Some((*x, e.lower?, e.upper?))).collect())
    }
}

/// Leaves out the days without a value, and breaks the line only where more than `most` days are missing.
pub(crate) fn bridge(points: impl Iterator<Item = (f64, Option<f64>)>, most: f64) -> Vec<(f64, Option<f64>)> {
    let mut out: Vec<(f64, Option<f64>)> = Vec::new();
    for (x, y) in points.filter(|(_, y)| y.is_some()) {
        if let Some((before, _)) = out.last()
            && x - before > most + 1.0
        {
            out.push((before + 1.0, None));
        }
        out.push((x, y));
    }
    out
}

/// Draws the bands, then the lines, then the names, kept apart from each other.
pub(crate) fn draw_lines(panel: &Panel<'_>, lines: &[Line], dots: bool) -> Drawn {
    for line in lines {
        for run in line.runs().filter(|run| run.len() > 1) {
            panel.band(&run, line.ink)?;
        }
    }
    for line in lines {
        let points: Vec<_> = line.points.iter().map(|(x, e)| (*x, e.estimate)).collect();
        panel.line(&points, line.ink, 2.0)?;
        for (x, e) in &line.points {
            let Some(y) = e.estimate.filter(|_| dots) else { continue };
            match (e.lower, e.upper) {
                (Some(low), Some(high)) if line.points.len() == 1 => panel.whisker_y(*x, low, y, high, line.ink)?,
                _ => panel.dot(*x, y, line.ink, 2.5)?,
            }
        }
    }
    let mut names: Vec<_> = lines.iter().filter_map(|line| Some((line.last()?, line))).collect();
    names.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
    let mut floor = i32::MIN;
    for ((_, y), line) in names {
        let natural = panel.height_of(y);
        let height = natural.max(floor);
        floor = height.saturating_add(15);
        panel.bold((panel.x.1, y), (10, natural - height), &line.name, line.ink, Side::Right)?;
    }
    Ok(())
}
