//! Whether probabilities mean what they say, and where the threshold cuts.

use super::{
    FULL, HALF,
    axis::{round_ticks, round_top},
    canvas::{Side, draw},
    palette::Ink,
};
use crate::{
    assess::assessment::{ConfidenceBin, ReliabilityBin, ThresholdCurve},
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
pub(crate) fn confidence(
    t: &Texts,
    bins: &[ConfidenceBin],
    threshold: Option<f64>,
    routed: bool,
) -> Result<Option<String>, Error> {
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
                panel.bar((left, bin.n as f64), (right, auto), if routed { Ink::Manual } else { Ink::All })?;
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

/// Quality and share of what each threshold would accept, with the present one and what is asked for.
pub(crate) fn threshold(t: &Texts, curve: &ThresholdCurve, present: Option<f64>) -> Result<Option<String>, Error> {
    let known: Vec<_> = curve.points.iter().filter(|p| p.quality.estimate.is_some()).collect();
    if known.len() < 2 {
        return Ok(None);
    }
    let svg = draw((FULL, 300), t.s("calibration.figure_threshold"), |canvas| {
        let panel = canvas.panel((56, 24, 744, 260), (0.0, 1.0), (0.0, 1.0));
        let ticks: Vec<_> = round_ticks(0.0, 1.0, 5).into_iter().map(|v| (v, t.pct0(v))).collect();
        panel.grid_y(&ticks)?;
        let ticks: Vec<_> = round_ticks(0.0, 1.0, 10).into_iter().map(|v| (v, t.dec(v, 1))).collect();
        panel.ticks_x(&ticks)?;
        panel.text((1.0, 0.0), (8, 32), t.s("calibration.axis_threshold"), Ink::Muted, Side::Left)?;
        panel.path(vec![(0.0, curve.quality), (1.0, curve.quality)], Ink::Null, 1.0)?;
        let band: Vec<_> =
            known.iter().filter_map(|p| Some((p.threshold, p.quality.lower?, p.quality.upper?))).collect();
        panel.band(&band, Ink::Auto)?;
        let shares: Vec<_> = curve.points.iter().map(|p| (p.threshold, p.automation_rate)).collect();
        panel.line(&shares, Ink::Manual, 2.0)?;
        let quality: Vec<_> = known.iter().map(|p| (p.threshold, p.quality.estimate)).collect();
        panel.line(&quality, Ink::Auto, 2.0)?;
        let marks = [(present, "calibration.threshold"), (curve.lowest_safe, "calibration.threshold_safe")];
        for (i, (at, key)) in marks.into_iter().enumerate() {
            let Some(at) = at else { continue };
            panel.path(vec![(at, 0.0), (at, 1.0)], Ink::Text, 1.5)?;
            let label = t.f(key, &[("x", &t.dec(at, 2))]);
            // each on its own side of its line, unless there is no room
            let (dx, side) = if (i == 0 && at > 0.2) || at > 0.8 { (-6, Side::Left) } else { (6, Side::Right) };
            panel.bold((at, 0.0), (dx, -14 - 16 * i as i32), &label, Ink::Text, side)?;
        }
        Ok(())
    })?;
    Ok(Some(svg))
}
