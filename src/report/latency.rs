//! How fast the model answers.

use super::{
    Error, chart,
    texts::Texts,
    view::{Cell, Figure, Table},
};
use crate::assess::assessment::{Assessment, Quantiles};

/// Section 7.
pub(crate) struct Latency {
    pub figure: Option<Figure>,
    pub table: Option<Table>,
    pub throughput: String,
}

impl Latency {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let figure = chart::latency::daily(t, &a.series.daily)?.map(|svg| Figure {
            title: t.s("latency.figure").to_owned(),
            svg,
            legend: Vec::new(),
            caption: t.s("latency.caption").to_owned(),
            wide: true,
        });
        Ok(Self { figure, table: table(t, a), throughput: throughput(t, a) })
    }
}

fn table(t: &Texts, a: &Assessment) -> Option<Table> {
    let keys = ["col.version", "col.predictions", "col.p50", "col.p90", "col.p95", "col.p99", "col.p999"];
    let mut table = Table::new(t, "latency.table", 1, &keys);
    let row = |name: &str, q: &Quantiles| {
        let mut cells = vec![Cell::text(name), Cell::number(t.int(q.n))];
        let quantiles = [q.p50, q.p90, q.p95, q.p99, q.p999];
        cells.extend(quantiles.map(|ms| Cell::number(t.ms(ms)).why(t.s("dash.no_latency"))));
        cells
    };
    if a.latency.quantiles.n == 0 {
        return None;
    }
    table.rows = a.latency.by_version.iter().map(|v| row(&v.version, &v.quantiles)).collect();
    if table.rows.len() != 1 {
        table.rows.push(row(t.s("route.all"), &a.latency.quantiles));
    }
    Some(table)
}

fn throughput(t: &Texts, a: &Assessment) -> String {
    let flow = &a.latency.throughput;
    let (Some(_), Some(peak_at)) = (flow.peak_hour, &flow.peak_at) else {
        return t.s("latency.no_throughput").to_owned();
    };
    let values = [
        ("mean", t.rate(flow.mean)),
        ("active", t.rate(flow.active_mean)),
        ("peak", t.rate(flow.peak_hour)),
        ("at", t.instant(peak_at, &a.scope.time_zone)),
    ];
    t.f("latency.throughput", &values.each_ref().map(|(k, v)| (*k, v.as_str())))
}
