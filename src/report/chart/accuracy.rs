//! Accuracy over weeks, by level, by number of candidates, and code by code.

use super::{
    FULL, HALF,
    axis::{Days, log_ticks, round_ticks, share_range},
    canvas::{Side, draw},
    lines::{Line, draw_lines},
    palette::Ink,
};
use crate::{
    assess::assessment::CodeQuality,
    measure::proportion::Estimate,
    report::{Error, texts::Texts},
};

/// One row of a dot chart: its name, and an estimate for each series.
pub(crate) struct DotRow {
    pub name: String,
    pub dots: Vec<(Ink, Estimate)>,
}

fn percent_ticks(t: &Texts, range: (f64, f64), wanted: usize) -> Vec<(f64, String)> {
    round_ticks(range.0, range.1, wanted).into_iter().map(|v| (v, t.pct0(v))).collect()
}

/// Accuracy a week, one line a route, with bands.
pub(crate) fn weekly(t: &Texts, title: &str, days: Days, lines: &[Line]) -> Result<String, Error> {
    let range = share_range(lines.iter().flat_map(Line::values));
    draw((FULL, 280), title, |canvas| {
        let panel = canvas.panel((56, 16, 620, 252), (0.0, days.end()), range);
        panel.grid_y(&percent_ticks(t, range, 5))?;
        panel.ticks_x(&days.ticks(t))?;
        draw_lines(&panel, lines, true)
    })
}

/// Accuracy when the truth may be any of the first k candidates, one line a route.
pub(crate) fn top_k(t: &Texts, title: &str, lines: &[Line], most: u32) -> Result<String, Error> {
    let range = share_range(lines.iter().flat_map(Line::values));
    draw((HALF, 260), title, |canvas| {
        let panel = canvas.panel((48, 16, 268, 222), (0.8, f64::from(most) + 0.2), range);
        panel.grid_y(&percent_ticks(t, range, 5))?;
        let ticks: Vec<_> = (1..=most).map(|k| (f64::from(k), t.int(u64::from(k)))).collect();
        panel.ticks_x(&ticks)?;
        panel.text(
            (f64::midpoint(1.0, f64::from(most)), range.0),
            (0, 32),
            t.s("accuracy.axis_k"),
            Ink::Muted,
            Side::Middle,
        )?;
        draw_lines(&panel, lines, true)
    })
}

/// Rows of dots with their intervals on one scale of shares.
pub(crate) fn dots(t: &Texts, title: &str, rows: &[DotRow]) -> Result<Option<String>, Error> {
    let values = rows.iter().flat_map(|r| &r.dots).flat_map(|(_, e)| [e.lower, e.estimate, e.upper]).flatten();
    if values.clone().next().is_none() {
        return Ok(None);
    }
    let range = share_range(values);
    let series = rows.iter().map(|r| r.dots.len()).max().unwrap_or(1).max(1);
    let step = 11;
    let row_height = (series as i32 * step + 14).max(34);
    let bottom = 10 + rows.len() as i32 * row_height;
    let svg = draw((HALF, (bottom + 30) as u32), title, |canvas| {
        let panel = canvas.panel((104, 10, 362, bottom), range, (rows.len() as f64, 0.0));
        panel.grid_x(&percent_ticks(t, range, 4))?;
        for (i, row) in rows.iter().enumerate() {
            let y = i as f64 + 0.5;
            panel.text((range.0, y), (-10, 0), &shorten(&row.name, 15), Ink::Text, Side::Left)?;
            for (j, (ink, e)) in row.dots.iter().enumerate() {
                let (Some(low), Some(point), Some(high)) = (e.lower, e.estimate, e.upper) else { continue };
                let dy = (j as i32 * 2 - (row.dots.len() as i32 - 1)) * step / 2;
                panel.whisker_x(y, dy, low, point, high, *ink)?;
            }
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

/// Every code as a dot: how often it is predicted against how often that is right. `named` get their code written.
pub(crate) fn codes(t: &Texts, title: &str, codes: &[&CodeQuality], named: &[&str]) -> Result<Option<String>, Error> {
    let placed: Vec<_> =
        codes.iter().filter_map(|c| Some((*c, (c.n_predicted.max(1) as f64).log10(), c.precision.estimate?))).collect();
    if placed.len() < 8 {
        return Ok(None);
    }
    let most = placed.iter().map(|(_, x, _)| *x).fold(0.0, f64::max);
    let least = placed.iter().map(|(_, x, _)| *x).fold(most, f64::min);
    let svg = draw((FULL, 290), title, |canvas| {
        let panel = canvas.panel((56, 16, 744, 240), (least - 0.1, most + 0.15), (0.0, 1.03));
        panel.grid_y(&percent_ticks(t, (0.0, 1.0), 5))?;
        let ticks: Vec<_> = log_ticks(10f64.powf(least - 0.1), 10f64.powf(most + 0.15))
            .into_iter()
            .filter(|v| *v >= 1.0)
            .map(|v| (v.log10(), t.int(v as u64)))
            .collect();
        panel.ticks_x(&ticks)?;
        panel.text((most + 0.15, 0.0), (0, 34), t.s("codes.axis_n"), Ink::Muted, Side::Left)?;
        for (code, x, y) in &placed {
            if !named.contains(&code.code.as_str()) {
                panel.faint_dot(*x, *y, Ink::Auto, 3.5)?;
            }
        }
        // a name is about 0.08 of the panel wide and 0.065 high; one that would cover another is left out
        let width = 0.08 * (most - least + 0.25);
        let mut written: Vec<(f64, f64)> = Vec::new();
        for (code, x, y) in placed.iter().filter(|(code, ..)| named.contains(&code.code.as_str())) {
            if let (Some(low), Some(high)) = (code.precision.lower, code.precision.upper) {
                panel.whisker_y(*x, low, *y, high, Ink::Up)?;
            }
            if written.iter().all(|(wx, wy)| (wx - x).abs() > width || (wy - y).abs() > 0.065) {
                panel.bold((*x, *y), (8, 0), &shorten(&code.code, 16), Ink::Up, Side::Right)?;
                written.push((*x, *y));
            }
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

/// The first `most` characters of a text, with an ellipsis when it is longer.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}
