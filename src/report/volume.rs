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
            legend: vec![
                (Ink::Auto.swatch(), t.route("auto")),
                (Ink::Manual.swatch(), t.route("manual")),
                (Ink::Error.swatch(), t.s("volume.errors").to_owned()),
            ],
            caption: t.s("volume.caption").to_owned(),
            wide: true,
        });
        Ok(Self { figure, versions: versions(t, a) })
    }
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
