//! Whether probabilities mean what they say, and where the threshold cuts.

use super::{
    HALF,
    axis::{round_ticks, round_top},
    canvas::{Side, draw},
    palette::Ink,
};
use crate::{
    assess::assessment::{ConfidenceBin, ReliabilityBin},
    report::{Error, texts::Texts},
};

const SQUARE: (u32, u32) = (HALF, 340);

/// Observed accuracy against announced probability, with intervals and the diagonal.
pub(crate) fn reliability(t: &Texts, bins: &[ReliabilityBin]) -> Result<Option<String>, Error> {
    let points: Vec<_> =
        bins.iter().filter_map(|b| Some((b.mean_probability?, b.accuracy.estimate?, b.accuracy))).collect();
    if points.is_empty() {
        return Ok(None);
    }
    let svg = draw(SQUARE, t.s("calibration.figure_reliability"), |canvas| {
        let panel = canvas.panel((52, 24, 338, 300), (0.0, 1.0), (0.0, 1.0));
        let ticks: Vec<_> = round_ticks(0.0, 1.0, 5).into_iter().map(|v| (v, t.pct0(v))).collect();
        panel.grid_y(&ticks)?;
        panel.ticks_x(&ticks)?;
        panel.text((0.0, 1.0), (-44, -14), t.s("calibration.axis_observed"), Ink::Muted, Side::Right)?;
        panel.text((1.0, 0.0), (12, 32), t.s("calibration.axis_announced"), Ink::Muted, Side::Left)?;
        panel.path(vec![(0.0, 0.0), (1.0, 1.0)], Ink::Null, 1.5)?;
        panel.path(points.iter().map(|(x, y, _)| (*x, *y)).collect(), Ink::Auto, 1.5)?;
        points
            .iter()
            .try_for_each(|(x, y, e)| panel.whisker_y(*x, e.lower.unwrap_or(*y), *y, e.upper.unwrap_or(*y), Ink::Auto))
    })?;
    Ok(Some(svg))
}

/// How many predictions have which confidence, by route, with the threshold.
pub(crate) fn confidence(t: &Texts, bins: &[ConfidenceBin], threshold: Option<f64>) -> Result<Option<String>, Error> {
    let most = bins.iter().map(|b| b.n).max().unwrap_or(0);
    if most == 0 {
        return Ok(None);
    }
    let top = round_top(most as f64);
    let svg = draw(SQUARE, t.s("calibration.figure_confidence"), |canvas| {
        let panel = canvas.panel((58, 24, 362, 300), (0.0, 1.0), (0.0, top));
        let ticks: Vec<_> = round_ticks(0.0, top, 5).into_iter().map(|v| (v, t.int(v as u64))).collect();
        panel.grid_y(&ticks)?;
        panel.text((0.0, top), (-50, -14), t.s("volume.axis_count"), Ink::Muted, Side::Right)?;
        panel.text((1.0, 0.0), (8, 32), t.s("calibration.axis_confidence"), Ink::Muted, Side::Left)?;
        for bin in bins {
            let gap = (bin.upper - bin.lower) * 0.08;
            let (left, right, auto) = (bin.lower + gap, bin.upper - gap, bin.auto.min(bin.n) as f64);
            if auto > 0.0 {
                panel.bar((left, auto), (right, 0.0), Ink::Auto)?;
            }
            if bin.n as f64 > auto {
                panel.bar((left, bin.n as f64), (right, auto), Ink::Manual)?;
            }
        }
        panel.foot()?;
        let ticks: Vec<_> = round_ticks(0.0, 1.0, 5).into_iter().map(|v| (v, t.dec(v, 1))).collect();
        panel.ticks_x(&ticks)?;
        if let Some(threshold) = threshold {
            panel.path(vec![(threshold, 0.0), (threshold, top)], Ink::Text, 1.5)?;
            let label = t.f("calibration.threshold", &[("x", &t.dec(threshold, 2))]);
            panel.bold((threshold, top), (-6, 8), &label, Ink::Text, Side::Left)?;
        }
        Ok(())
    })?;
    Ok(Some(svg))
}
