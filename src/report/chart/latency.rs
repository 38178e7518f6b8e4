//! Quantiles of the answer time, day by day, on a logarithmic scale.

use super::{
    FULL,
    axis::{Days, log_ticks},
    canvas::{Side, draw},
    lines::{BRIDGED_DAYS, Line, bridge, draw_lines},
    palette::Ink,
};
use crate::{
    assess::assessment::Daily,
    measure::proportion::Estimate,
    report::{Error, texts::Texts},
};

/// p50, p95 and p99 of each day; `None` when no day has one.
pub(crate) fn daily(t: &Texts, daily: &[Daily]) -> Result<Option<String>, Error> {
    let Some(days) = Days::spanning(daily.iter().map(|d| d.day.as_str())) else { return Ok(None) };
    let line = |name: &str, rank: usize, of: fn(&Daily) -> Option<f64>| Line {
        name: name.to_owned(),
        ink: Ink::nth(rank),
        points: bridge(daily.iter().filter_map(|d| Some((days.place(&d.day)?, of(d)))), BRIDGED_DAYS)
            .into_iter()
            .map(|(x, ms)| {
                let estimate = ms.filter(|ms| *ms > 0.0).map(f64::log10);
                (x, Estimate { estimate, ..Estimate::default() })
            })
            .collect(),
    };
    let lines = [line("p50", 0, |d| d.p50), line("p95", 1, |d| d.p95), line("p99", 3, |d| d.p99)];
    let (low, high) = lines.iter().flat_map(Line::values).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return Ok(None);
    }
    let range = (low - 0.1, high + 0.1);
    let svg = draw((FULL, 260), t.s("latency.figure"), |canvas| {
        let panel = canvas.panel((64, 24, 700, 232), (0.0, days.end()), range);
        let ticks: Vec<_> = log_ticks(10f64.powf(range.0), 10f64.powf(range.1))
            .into_iter()
            .map(|v| (v.log10(), if v < 1.0 { t.dec(v, 1) } else { t.int(v as u64) }))
            .collect();
        panel.grid_y(&ticks)?;
        panel.text((0.0, range.1), (-56, -14), t.s("latency.axis"), Ink::Muted, Side::Right)?;
        panel.ticks_x(&days.ticks(t))?;
        draw_lines(&panel, &lines, false)
    })?;
    Ok(Some(svg))
}
