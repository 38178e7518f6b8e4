//! What can be said before labels come, and what the labels that did come say to it.

use super::{
    texts::Texts,
    view::{Cell, Table},
};
use crate::{
    assess::assessment::{Assessment, Recalibrated, Refused, TrueMix, TrueShare},
    measure::{
        estimated::{Estimated, LEAST_CHECK},
        label_shift::LEAST_LABELS,
        recalibration::{fit::Method, quality::Quality},
    },
};

/// Confidences whose probability is told, in twentieths.
const TOLD: [usize; 3] = [10, 14, 18];
/// Codes named where several are taken together.
const NAMED: usize = 4;

/// Part of section 7.
pub(crate) struct BeforeLabels {
    /// Empty without enough labels.
    pub recalibration: String,
    /// Estimate, its gap, its assumption; empty without a reference.
    pub estimated: Vec<String>,
    /// What labels say to the estimate.
    pub check: String,
    pub contradicts: bool,
    pub mix: Option<Table>,
    /// What the mix rests on, or why there is none.
    pub mix_note: String,
    /// The mix is contradicted by its own data.
    pub implausible: bool,
}

impl BeforeLabels {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        let found = &a.before_labels;
        let (check, contradicts) = match (&found.check, &found.estimated) {
            (Some(check), Some(_)) => {
                let contradicts = check.contradicts();
                let key = if contradicts { "before.contradicts" } else { "before.agrees" };
                let apart = t.points_interval(&check.difference, 1);
                (t.f(key, &[("n", &t.int(check.labels)), ("apart", &apart)]), contradicts)
            }
            (None, Some(_)) => (t.f("before.unchecked", &[("n", &t.int(LEAST_CHECK))]), false),
            _ => (String::new(), false),
        };
        let implausible = found.label_shift.as_ref().is_some_and(|mix| mix.refused.is_none() && !mix.plausible);
        let shift = found.label_shift.as_ref().filter(|_| found.estimated.is_some());
        Self {
            recalibration: found.recalibration.as_ref().map_or_else(String::new, |r| recalibration(t, r)),
            estimated: found.estimated.as_ref().map_or_else(|| missing(t, a), |e| estimated(t, a, e)),
            check,
            contradicts,
            mix: shift.filter(|mix| mix.plausible).map(|mix| table(t, mix)),
            mix_note: shift.map_or_else(String::new, |mix| note(t, mix)),
            implausible,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.recalibration.is_empty() && self.estimated.is_empty()
    }
}

fn recalibration(t: &Texts, found: &Recalibrated) -> String {
    let ece = |x: Option<f64>| x.map_or_else(|| t.pct(None), |x| t.dec(x, 3));
    let method = match found.method {
        Method::AsIs => String::new(),
        Method::Temperature => {
            t.f("before.temperature", &[("t", &found.temperature.map_or_else(String::new, |x| t.dec(x, 2)))])
        }
        Method::Platt => t.s("before.platt").to_owned(),
        Method::LogitPlatt => t.s("before.logit_platt").to_owned(),
        Method::Isotonic => t.s("before.isotonic").to_owned(),
    };
    let key = match (found.helps, found.method) {
        (true, _) => "before.helps",
        (false, Method::AsIs) => "before.as_is",
        (false, _) => "before.no_help",
    };
    let Quality { ece: after, ece_noise, .. } = if found.helps { found.after } else { found.before };
    let mut text = t.f(
        key,
        &[
            ("method", &method),
            ("before", &ece(found.before.ece)),
            ("after", &ece(after)),
            ("noise", &ece(ece_noise)),
            ("n", &t.int(found.n)),
        ],
    );
    if found.helps {
        let told: Vec<String> = TOLD
            .iter()
            .filter_map(|at| found.points.get(*at))
            .map(|point| {
                let said = [("confidence", t.dec(point.confidence, 2)), ("right", t.pct(point.probability.estimate))];
                t.f("before.point", &said.each_ref().map(|(name, text)| (*name, text.as_str())))
            })
            .collect();
        text.push(' ');
        text.push_str(&t.f("before.points", &[("points", &told.join(t.s("before.and")))]));
    }
    text
}

fn current(t: &Texts, a: &Assessment) -> Option<String> {
    a.scope.reference.as_ref().map(|reference| t.period(&reference.current))
}

/// Why nothing can be estimated, where there is a reference to learn from.
fn missing(t: &Texts, a: &Assessment) -> Vec<String> {
    let said = current(t, a).filter(|_| a.traffic.predictions > 0);
    said.map(|period| t.f("before.no_estimate", &[("period", &period)])).into_iter().collect()
}

fn estimated(t: &Texts, a: &Assessment, found: &Estimated) -> Vec<String> {
    let period = current(t, a).unwrap_or_default();
    let mut said = vec![t.f(
        "before.estimated",
        &[
            ("period", &period),
            ("accuracy", &t.pct_interval(&found.estimate)),
            ("n", &t.int(found.predictions)),
            ("labels", &t.int(found.labels)),
        ],
    )];
    if found.extrapolates {
        said.push(t.f("before.uncovered", &[("share", &t.pct(Some(found.uncovered)))]));
    }
    said.push(t.s("before.assumes").to_owned());
    said
}

fn note(t: &Texts, mix: &TrueMix) -> String {
    let level = t.level_phrase(&mix.level_name);
    let condition = mix.condition.map_or_else(|| t.pct(None), |x| t.dec(x, 1));
    let key = match mix.refused {
        Some(Refused::Empty) => "before.mix_empty",
        Some(Refused::Sparse) => "before.mix_sparse",
        Some(Refused::IllPosed) => "before.mix_confused",
        Some(Refused::Unsettled) => "before.mix_unsettled",
        None if !mix.plausible => "before.mix_implausible",
        None => "before.mix_note",
    };
    let (rare, least) = (t.pct(mix.rare), t.dec(LEAST_LABELS, 0));
    t.f(key, &[("level", &level), ("condition", &condition), ("rare", &rare), ("least", &least)])
}

fn table(t: &Texts, mix: &TrueMix) -> Table {
    let columns = ["col.code", "col.label", "before.true_before", "before.predicted_now", "before.true_now"];
    let mut table = Table::new(t, "before.mix", 2, &columns);
    table.title = t.f("before.mix", &[("level", &t.level_phrase(&mix.level_name))]);
    for TrueShare { codes, label, before, predicted, now } in &mix.codes {
        let named = codes.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = codes.len().saturating_sub(NAMED) as u64;
        let code = if more > 0 { format!("{named}… (+{})", t.int(more)) } else { named };
        let label = if codes.len() > 1 { t.s("before.rare").to_owned() } else { label.clone() };
        // a share that may be what it was stays quiet
        let may_be = |x: f64| now.lower.is_some_and(|lower| lower <= x) && now.upper.is_some_and(|upper| upper >= x);
        let muted = may_be(*before);
        let cells = [
            Cell::text(code),
            Cell::text(label),
            Cell::number(t.pct(Some(*before))),
            Cell::number(t.pct(Some(*predicted))),
            Cell::number(t.pct(now.estimate)).note(t.interval(now)),
        ];
        table.rows.push(cells.into_iter().map(|cell| Cell { muted, ..cell }).collect());
    }
    table
}
