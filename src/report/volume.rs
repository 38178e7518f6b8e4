//! Volume and automation rate.

use super::{
    Error, chart,
    chart::palette::Ink,
    texts::Texts,
    view::{Cell, Figure, Table},
};
use crate::assess::assessment::Assessment;

/// Section 1.
pub(crate) struct Volume {
    pub figure: Option<Figure>,
    pub versions: Option<Table>,
}

impl Volume {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let figure = chart::volume::volume(t, &a.series.daily)?.map(|svg| Figure {
            title: t.s("volume.figure").to_owned(),
            svg,
            legend: legend(t, a),
            caption: t.s("volume.caption").to_owned(),
            wide: true,
        });
        Ok(Self { figure, versions: versions(t, a) })
    }
}

/// Routes, and what has none where there is such.
fn legend(t: &Texts, a: &Assessment) -> Vec<(&'static str, String)> {
    let unrouted = a.series.daily.iter().any(|day| chart::volume::unrouted(day) > 0);
    let rows = [
        (true, Ink::Auto, t.route("auto")),
        (true, Ink::Manual, t.route("manual")),
        (unrouted, Ink::Null, t.s("volume.unrouted").to_owned()),
        (true, Ink::Error, t.s("volume.errors").to_owned()),
    ];
    rows.into_iter().filter(|(shown, ..)| *shown).map(|(_, ink, text)| (ink.swatch(), text)).collect()
}

fn versions(t: &Texts, a: &Assessment) -> Option<Table> {
    let rows = &a.traffic.by_version;
    if rows.is_empty() {
        return None;
    }
    let keys = [
        "col.version",
        "col.first_day",
        "col.last_day",
        "col.predictions",
        "col.errors",
        "col.automation",
        "col.labelled",
    ];
    let mut table = Table::new(t, "volume.table", 1, &keys);
    table.rows = rows
        .iter()
        .map(|v| {
            vec![
                Cell::text(&v.version),
                Cell::number(t.day(&v.first_day)),
                Cell::number(t.day(&v.last_day)),
                Cell::number(t.int(v.predictions)),
                Cell::number(t.int(v.errors)),
                Cell::number(t.pct(v.automation_rate)).why(t.s("dash.no_predictions")),
                Cell::number(t.int(v.labelled)),
            ]
        })
        .collect();
    Some(table)
}
