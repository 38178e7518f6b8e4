//! Whether the model's probabilities mean what they say.

use super::{
    Error, chart,
    chart::palette::Ink,
    texts::Texts,
    view::{Cell, Figure, Table},
};
use crate::assess::assessment::Assessment;

/// Section 6.
pub(crate) struct Calibration {
    pub scores: String,
    pub reliability: Option<Figure>,
    pub confidence: Option<Figure>,
    pub table: Option<Table>,
    pub threshold: Option<Figure>,
    /// The threshold that keeps the quality that is asked for; empty without a curve.
    pub safe: String,
}

impl Calibration {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let c = &a.calibration;
        let scores = match (c.ece, c.brier) {
            (Some(ece), Some(brier)) => {
                t.f("calibration.scores", &[("ece", &t.dec(ece, 3)), ("brier", &t.dec(brier, 3)), ("n", &t.int(c.n))])
            }
            _ => t.s("calibration.none").to_owned(),
        };
        let reliability = chart::calibration::reliability(t, &c.bins)?.map(|svg| Figure {
            title: t.s("calibration.figure_reliability").to_owned(),
            svg,
            legend: vec![
                (Ink::Auto.swatch(), t.s("calibration.observed").to_owned()),
                (Ink::Null.swatch(), t.s("calibration.ideal").to_owned()),
            ],
            caption: t.s("calibration.caption_reliability").to_owned(),
            wide: false,
        });
        // without a route known everything would look like work for people
        let routed = a.traffic.automation_rate.is_some();
        let confidence =
            chart::calibration::confidence(t, &c.confidence, a.scope.threshold, routed)?.map(|svg| Figure {
                title: t.s("calibration.figure_confidence").to_owned(),
                svg,
                legend: if routed {
                    vec![
                        (Ink::Auto.swatch(), t.route("auto")),
                        (Ink::Manual.swatch(), t.s("calibration.other").to_owned()),
                    ]
                } else {
                    Vec::new()
                },
                caption: t.s("calibration.caption_confidence").to_owned(),
                wide: false,
            });
        let threshold = chart::calibration::threshold(t, &a.threshold_curve, a.scope.threshold)?.map(|svg| Figure {
            title: t.s("calibration.figure_threshold").to_owned(),
            svg,
            legend: vec![
                (Ink::Auto.swatch(), t.s("calibration.quality").to_owned()),
                (Ink::Manual.swatch(), t.s("calibration.automation").to_owned()),
            ],
            caption: t.s("calibration.caption_threshold").to_owned(),
            wide: true,
        });
        Ok(Self { scores, reliability, confidence, table: table(t, a), threshold, safe: safe(t, a) })
    }
}

fn safe(t: &Texts, a: &Assessment) -> String {
    let curve = &a.threshold_curve;
    let labelled = curve.points.iter().any(|p| p.quality.estimate.is_some());
    let quality = t.pct(Some(curve.quality));
    let level = t.pct0(a.scope.confidence_level);
    match curve.lowest_safe {
        _ if !labelled => String::new(),
        Some(threshold) => t.f(
            "calibration.safe",
            &[
                ("quality", &quality),
                ("level", &level),
                ("threshold", &t.dec(threshold, 2)),
                ("rate", &t.pct(curve.automation_rate)),
            ],
        ),
        None => t.f("calibration.safe_none", &[("quality", &quality), ("level", &level)]),
    }
}

fn table(t: &Texts, a: &Assessment) -> Option<Table> {
    let keys = ["col.probability", "col.predictions", "col.labelled", "col.mean_probability", "col.observed"];
    let mut table = Table::new(t, "calibration.table", 1, &keys);
    for bin in &a.calibration.bins {
        let range = t.f("calibration.bin", &[("from", &t.pct0(bin.lower)), ("to", &t.pct0(bin.upper))]);
        table.rows.push(vec![
            Cell::text(range),
            Cell::number(t.int(bin.n_predicted)),
            Cell::number(t.int(bin.n_labelled)),
            Cell::number(t.pct(bin.mean_probability)).why(t.s("dash.no_labels")),
            Cell::estimate(t, &bin.accuracy),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}
