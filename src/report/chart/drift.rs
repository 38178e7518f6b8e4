//! Drift measured beside what chance alone would give, and the codes whose share moved most.

use super::{
    FULL,
    accuracy::shorten,
    axis::{round_ticks, round_top},
    canvas::{Canvas, Drawn, Side, draw},
    palette::Ink,
};
use crate::{
    assess::assessment::{CodeDrift, LevelDrift},
    measure::drift::Distances,
    report::{Error, texts::Texts},
};

/// A distance's key in the texts, and where its value is.
pub(crate) type Distance = (&'static str, fn(&Distances) -> f64);

/// The distances shown, under their key in the texts.
pub(crate) const DISTANCES: [Distance; 4] = [
    ("drift.tv", |d| d.total_variation),
    ("drift.hellinger", |d| d.hellinger),
    ("drift.js", |d| d.jensen_shannon),
    ("drift.psi", |d| d.psi),
];

/// One small panel a distance, one row a level: what was measured (filled) and what chance gives (grey).
pub(crate) fn against_null(t: &Texts, levels: &[LevelDrift]) -> Result<Option<String>, Error> {
    if levels.is_empty() {
        return Ok(None);
    }
    let bottom = 34 + levels.len() as i32 * 28;
    let svg = draw((FULL, (bottom + 26) as u32), t.s("drift.figure_null"), |canvas| {
        let names = canvas.panel((0, 34, 100, bottom), (0.0, 1.0), (levels.len() as f64, 0.0));
        for (i, level) in levels.iter().enumerate() {
            let name = shorten(&t.level(&level.level_name), 15);
            names.text((1.0, i as f64 + 0.5), (0, 0), &name, Ink::Text, Side::Left)?;
        }
        (0..).zip(DISTANCES).try_for_each(|(i, distance)| small(t, canvas, levels, i, bottom, distance))
    })?;
    Ok(Some(svg))
}

fn small(
    t: &Texts,
    canvas: &Canvas<'_>,
    levels: &[LevelDrift],
    column: i32,
    bottom: i32,
    (key, of): Distance,
) -> Drawn {
    let pairs: Vec<_> = levels.iter().map(|l| (of(&l.drift.distances), of(&l.drift.null))).collect();
    let top = pairs.iter().flat_map(|(a, b)| [*a, *b]).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let top = round_top(top * 1.02);
    let left = 116 + column * 162;
    let panel = canvas.panel((left, 34, left + 138, bottom), (0.0, top), (levels.len() as f64, 0.0));
    panel.bold((0.0, 0.0), (0, -18), t.s(key), Ink::Text, Side::Right)?;
    let ticks = round_ticks(0.0, top, 2);
    let decimals = ticks.get(1).map_or(2, |step| (-step.log10().floor()).max(0.0) as usize);
    let ticks: Vec<_> =
        ticks.into_iter().map(|v| (v, if v == 0.0 { "0".to_owned() } else { t.dec(v, decimals) })).collect();
    panel.grid_x(&ticks)?;
    for (i, (measured, null)) in pairs.into_iter().enumerate() {
        let y = i as f64 + 0.5;
        if measured.is_finite() && null.is_finite() {
            panel.path(vec![(null, y), (measured, y)], Ink::Null, 1.5)?;
            panel.dot(null, y, Ink::Null, 4.0)?;
            panel.dot(measured, y, Ink::Up, 4.5)?;
        }
    }
    Ok(())
}

/// Bars to the left for shares that fell and to the right for shares that rose.
pub(crate) fn movers(t: &Texts, codes: &[&CodeDrift]) -> Result<Option<String>, Error> {
    let widest = codes.iter().map(|c| c.drift.difference.abs()).filter(|d| d.is_finite()).fold(0.0, f64::max);
    if widest <= 0.0 {
        return Ok(None);
    }
    let top = widest * 1.04;
    let bottom = 10 + codes.len() as i32 * 24;
    let svg = draw((FULL, (bottom + 30) as u32), t.s("drift.figure_codes"), |canvas| {
        let panel = canvas.panel((338, 10, 640, bottom), (-top, top), (codes.len() as f64, 0.0));
        let ticks: Vec<_> = round_ticks(-top, top, 4)
            .into_iter()
            .map(|v| (v, if v.abs() < 1e-12 { "0".to_owned() } else { t.points(v, usize::from(top < 0.02)) }))
            .collect();
        panel.grid_x(&ticks)?;
        for (i, code) in codes.iter().enumerate() {
            let (y, d) = (i as f64 + 0.5, code.drift.difference);
            let ink = if d > 0.0 { Ink::Up } else { Ink::Down };
            panel.text((-top, y), (-328, 0), &shorten(&code.code, 8), Ink::Text, Side::Right)?;
            panel.text((-top, y), (-268, 0), &shorten(&code.label, 42), Ink::Muted, Side::Right)?;
            panel.bar((d.min(0.0), y - 0.3), (d.max(0.0), y + 0.3), ink)?;
            let shares = format!("{} → {}", t.share(code.drift.share_reference), t.share(code.drift.share_current));
            panel.text((top, y), (8, 0), &shares, Ink::Text, Side::Right)?;
        }
        panel.path(vec![(0.0, 0.0), (0.0, codes.len() as f64)], Ink::Null, 1.0)
    })?;
    Ok(Some(svg))
}
