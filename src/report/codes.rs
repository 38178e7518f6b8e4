//! Quality code by code.

use super::{
    Error, chart,
    number::DASH,
    strip::{level_name, overall},
    texts::Texts,
    view::{self, Figure},
};
use crate::{
    assess::assessment::{Assessment, CodeQuality},
    measure::{classification::LEAST_LABELS, proportion::Estimate},
};

/// Rows of the page; the JSON twin has them all.
const MOST_ROWS: usize = 1500;
/// Codes named in the chart.
const NAMED: usize = 6;

/// Section 3.
pub(crate) struct Codes {
    pub lead: String,
    pub figure: Option<Figure>,
    pub rows: Vec<CodeRow>,
    pub more: String,
    /// Whether rows are in the order of their predictions.
    pub sorted: bool,
}

/// One row; kept small, a page has hundreds of them.
pub(crate) struct CodeRow {
    pub code: String,
    pub label: String,
    pub predicted: String,
    pub automation: String,
    pub labelled: String,
    /// How many labels those of an assisted precision are worth; empty where it is not assisted.
    pub worth: String,
    /// Named in the configuration.
    pub sensitive: bool,
    /// Too few labels for a precision or a recall of its own.
    pub few: bool,
    /// Precision, recall, F1.
    pub shares: [CodeShare; 3],
}

pub(crate) struct CodeShare {
    pub value: String,
    pub interval: String,
    pub bar: String,
    /// Of few labels: steadied by the code's parents.
    pub leans: bool,
}

impl Codes {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let codes = &a.accuracy.by_code;
        let judged = codes.iter().filter(|code| code.n_labelled >= LEAST_LABELS).count();
        let mut lead = t.f(
            "codes.lead",
            &[
                ("n", &t.int(codes.len() as u64)),
                ("judged", &t.int(judged as u64)),
                ("few", &t.int(LEAST_LABELS)),
                ("level", &level_name(t, a, a.scope.level)),
            ],
        );
        let (sensitive, others): (Vec<_>, Vec<_>) = codes.iter().partition(|code| code.sensitive);
        let sorted = sensitive.is_empty();
        if !sorted {
            lead.push(' ');
            lead.push_str(&t.count("codes.sensitive", sensitive.len() as u64, &[]));
        }
        let assisted = codes.iter().filter(|code| code.worth.is_some()).count();
        if assisted > 0 {
            lead.push(' ');
            lead.push_str(&t.count("codes.assisted", assisted as u64, &[]));
        }
        let hidden = codes.len().saturating_sub(MOST_ROWS);
        let more = if hidden > 0 { t.f("codes.more", &[("n", &t.int(hidden as u64))]) } else { String::new() };
        Ok(Self {
            lead,
            figure: figure(t, a)?,
            rows: sensitive.into_iter().chain(others).take(MOST_ROWS).map(|code| row(t, code)).collect(),
            more,
            sorted,
        })
    }
}

fn row(t: &Texts, code: &CodeQuality) -> CodeRow {
    let few = [code.n_labelled, code.n_actual].map(|labels| labels < LEAST_LABELS);
    let precision = if code.worth.is_some() { &code.assisted_precision } else { &code.precision };
    let nothing = Estimate::default();
    let shown = [
        (if few[0] { &code.shrunk_precision } else { precision }, few[0]),
        (if few[1] { &code.shrunk_recall } else { &code.recall }, few[1]),
        (if few.contains(&true) { &nothing } else { &code.f1 }, false),
    ];
    let label = match (code.label.is_empty(), code.known) {
        (_, false) => t.s("codes.unknown").to_owned(),
        (true, true) => DASH.to_owned(),
        (false, true) => code.label.clone(),
    };
    CodeRow {
        code: code.code.clone(),
        label,
        predicted: t.int(code.n_predicted),
        automation: t.pct(code.automation_rate),
        labelled: t.int(code.n_labelled),
        worth: code.worth.map_or_else(String::new, |n| t.f("codes.worth", &[("n", &t.int(n))])),
        sensitive: code.sensitive,
        few: few == [true; 2],
        shares: shown.map(|(e, leans)| CodeShare {
            value: t.pct(e.estimate),
            interval: t.interval(e),
            bar: view::bar(e),
            leans,
        }),
    }
}

fn figure(t: &Texts, a: &Assessment) -> Result<Option<Figure>, Error> {
    let judged: Vec<_> = a.accuracy.by_code.iter().filter(|code| code.n_labelled >= LEAST_LABELS).collect();
    let whole = overall(a, a.scope.level, "all").and_then(|row| row.accuracy.estimate.lower).unwrap_or(0.0);
    let mut weak: Vec<_> = judged
        .iter()
        .filter(|code| code.precision.upper.is_some_and(|upper| upper < whole))
        .map(|code| (code.n_predicted, code.code.as_str()))
        .collect();
    weak.sort_by(|a, b| b.cmp(a));
    let named: Vec<_> = weak.into_iter().take(NAMED).map(|(_, code)| code).collect();
    let title = t.s("codes.figure").to_owned();
    let svg = chart::accuracy::codes(t, &title, &judged, &named)?;
    let caption = t.f("codes.caption", &[("few", &t.int(LEAST_LABELS))]);
    Ok(svg.map(|svg| Figure { title, svg, legend: Vec::new(), caption, wide: true }))
}
