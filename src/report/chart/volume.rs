//! Volume a day by route, and the automation rate below it on the same days.

use super::{
    FULL,
    axis::{Days, round_ticks, round_top, share_range},
    canvas::{Drawn, Panel, Side, draw},
    lines::{BRIDGED_DAYS, bridge},
    palette::Ink,
};
use crate::{
    assess::assessment::Daily,
    report::{Error, texts::Texts},
};

/// Stacked bars of a day's predictions above the line of its automation rate; `None` without days.
pub(crate) fn volume(t: &Texts, daily: &[Daily]) -> Result<Option<String>, Error> {
    let Some(days) = Days::spanning(daily.iter().map(|d| d.day.as_str())) else { return Ok(None) };
    let most = daily.iter().map(|d| d.predictions).max().unwrap_or(0);
    if most == 0 {
        return Ok(None);
    }
    let top = round_top(most as f64);
    let x = (-0.6, days.end() + 0.6);
    let svg = draw((FULL, 330), t.s("volume.figure"), |canvas| {
        let bars = canvas.panel((56, 24, 744, 190), x, (0.0, top));
        let ticks: Vec<_> = round_ticks(0.0, top, 4).into_iter().map(|v| (v, t.int(v as u64))).collect();
        bars.grid_y(&ticks)?;
        bars.text((x.0, top), (-48, -14), t.s("volume.axis_count"), Ink::Muted, Side::Right)?;
        for day in daily {
            let Some(place) = days.place(&day.day) else { continue };
            let parts = [(day.auto, Ink::Auto), (day.manual, Ink::Manual), (unrouted(day), Ink::Null)];
            stack(&bars, place, parts.into_iter().chain([(day.errors, Ink::Error)]))?;
        }
        bars.foot()?;

        let range = share_range(daily.iter().filter_map(|d| d.automation_rate));
        let rate = canvas.panel((56, 226, 744, 306), x, range);
        let ticks: Vec<_> = round_ticks(range.0, range.1, 3).into_iter().map(|v| (v, t.pct0(v))).collect();
        rate.grid_y(&ticks)?;
        rate.text((x.0, range.1), (-48, -14), t.s("volume.axis_rate"), Ink::Muted, Side::Right)?;
        let points = daily.iter().filter_map(|d| days.place(&d.day).map(|place| (place, d.automation_rate)));
        rate.line(&bridge(points, BRIDGED_DAYS), Ink::Auto, 1.75)?;
        rate.ticks_x(&days.ticks(t))
    })?;
    Ok(Some(svg))
}

/// Predictions of a day that have a code and no route.
pub(crate) fn unrouted(day: &Daily) -> u64 {
    day.predictions.saturating_sub(day.auto + day.manual + day.errors)
}

fn stack(panel: &Panel<'_>, place: f64, parts: impl Iterator<Item = (u64, Ink)>) -> Drawn {
    let mut foot = 0.0;
    for (n, ink) in parts {
        if n > 0 {
            panel.bar((place - 0.38, foot + n as f64), (place + 0.38, foot), ink)?;
            foot += n as f64;
        }
    }
    Ok(())
}
