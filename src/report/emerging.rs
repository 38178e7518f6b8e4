//! Words and phrases that rise in the texts, and what the model doubts: new activities, before a code for them is known.

use super::texts::Texts;
use crate::{
    assess::assessment::{Assessment, DoubtedTexts, Emerging as Found, EmergingCode, EmergingTerm, TermCode},
    measure::{
        proportion::Estimate,
        terms::{Kind, Rise},
    },
};

/// Terms shown; the JSON twin has them all.
const SHOWN: usize = 40;

/// Section 7.
pub(crate) struct Emerging {
    pub lead: String,
    pub rows: Vec<Row>,
    pub note: String,
    /// Codes that people give more often.
    pub given: Vec<Row>,
    pub doubted: String,
    pub groups: Vec<Group>,
}

/// One term, whatever it rises among; or one code, with its label for kinds.
pub(crate) struct Row {
    pub term: String,
    pub kinds: String,
    pub shares: String,
    pub counts: String,
    pub ratio: String,
    pub interval: String,
    pub codes: Codes,
}

/// Doubted texts that share a term.
pub(crate) struct Group {
    pub terms: String,
    pub n: String,
    pub share: String,
    pub codes: Codes,
}

/// What became of texts, and one of them.
pub(crate) struct Codes {
    pub predicted: Vec<Code>,
    pub actual: Vec<Code>,
    pub example: String,
}

pub(crate) struct Code {
    pub code: String,
    pub label: String,
    pub share: String,
}

impl Emerging {
    pub fn new(t: &Texts, a: &Assessment) -> Self {
        let found = &a.emerging;
        let terms = merged(found);
        let hidden = terms.len().saturating_sub(SHOWN) as u64;
        let mut note = t.f("emerging.note", &[("level", &t.pct0(a.scope.confidence_level))]);
        if hidden > 0 {
            note.push(' ');
            note.push_str(&t.f("emerging.more", &[("n", &t.int(hidden))]));
        }
        let doubted = [("doubted", t.int(found.doubted)), ("rest", t.int(found.rest))];
        Self {
            lead: lead(t, a, terms.len() as u64),
            rows: terms.iter().take(SHOWN).filter_map(|kinds| row(t, kinds)).collect(),
            note,
            doubted: t.f("emerging.doubted", &doubted.each_ref().map(|(k, v)| (*k, v.as_str()))),
            given: found.codes_given.iter().take(SHOWN).map(|code| given(t, code)).collect(),
            groups: found.clusters.iter().map(|group| self::group(t, group)).collect(),
        }
    }
}

/// The terms, the most certain first, each with all it rises among.
pub(crate) fn merged(found: &Found) -> Vec<Vec<&EmergingTerm>> {
    let mut terms: Vec<Vec<&EmergingTerm>> = Vec::new();
    for one in &found.terms {
        match terms.iter_mut().find(|kinds| kinds.iter().any(|known| known.term == one.term)) {
            Some(kinds) => kinds.push(one),
            None => terms.push(vec![one]),
        }
    }
    let least = |kinds: &[&EmergingTerm]| kinds.iter().map(|one| one.rise.p_value).fold(1.0, f64::min);
    terms.sort_by(|a, b| least(a).total_cmp(&least(b)));
    terms
}

fn lead(t: &Texts, a: &Assessment, n: u64) -> String {
    let found = &a.emerging;
    let Some(reference) = &a.scope.reference else { return t.s("emerging.no_reference").to_owned() };
    let values = [
        ("n", t.int(n)),
        ("tested", t.int(found.tested)),
        ("rate", t.pct0(found.false_discovery_rate)),
        ("current", t.period(&reference.current)),
        ("reference", t.period(&reference.period)),
        ("n_current", t.int(found.n_current)),
        ("n_reference", t.int(found.n_reference)),
    ];
    let key = match (found.n_reference.min(found.n_current), found.tested, n) {
        (0, ..) => "emerging.no_texts",
        (_, 0, _) => "emerging.too_few",
        (_, _, 0) => "emerging.none",
        (_, _, 1) => "emerging.lead_one",
        _ => "emerging.lead_many",
    };
    let mut lead = t.f(key, &values.each_ref().map(|(k, v)| (*k, v.as_str())));
    if found.sampled {
        lead.push(' ');
        lead.push_str(t.s("emerging.sampled"));
    }
    lead
}

fn row(t: &Texts, kinds: &[&EmergingTerm]) -> Option<Row> {
    let first = kinds.first()?;
    let among = kinds.iter().map(|one| match one.kind {
        Kind::Share => t.s("emerging.kind_share"),
        Kind::LowConfidence => t.s("emerging.kind_low_confidence"),
        Kind::Errors => t.s("emerging.kind_errors"),
    });
    let codes = codes(t, &first.texts.predicted, &first.texts.actual, &first.texts.examples);
    Some(risen(t, first.term.clone(), among.collect::<Vec<_>>().join(", "), &first.rise, codes))
}

fn given(t: &Texts, found: &EmergingCode) -> Row {
    let codes = codes(t, &found.texts.predicted, &[], &found.texts.examples);
    risen(t, found.code.clone(), found.label.clone(), &found.rise, codes)
}

fn risen(t: &Texts, term: String, kinds: String, rise: &Rise, codes: Codes) -> Row {
    let (ratio, interval) = ratio(t, &rise.ratio);
    Row {
        term,
        kinds,
        shares: format!("{} → {}", t.share(rise.share_reference), t.share(rise.share_current)),
        counts: format!("{} → {}", t.int(rise.n_reference), t.int(rise.n_current)),
        ratio,
        interval,
        codes,
    }
}

fn group(t: &Texts, found: &DoubtedTexts) -> Group {
    Group {
        terms: found.terms.join(", "),
        n: t.int(found.n),
        share: t.pct(Some(found.share_doubted)),
        codes: codes(t, &found.texts.predicted, &found.texts.actual, &found.texts.examples),
    }
}

/// The ratio and its interval; a term that the reference has not at all is new.
fn ratio(t: &Texts, ratio: &Estimate) -> (String, String) {
    let times = |x: f64| t.dec(x, if x < 10.0 { 1 } else { 0 });
    match (ratio.estimate, ratio.lower, ratio.upper) {
        (Some(x), Some(lower), Some(upper)) => {
            let ends = [("low", times(lower)), ("high", times(upper))];
            let interval = t.f("emerging.interval", &ends.each_ref().map(|(k, v)| (*k, v.as_str())));
            (format!("×{}", times(x)), interval)
        }
        (Some(x), ..) => (format!("×{}", times(x)), String::new()),
        (_, Some(lower), _) => (t.s("emerging.new").to_owned(), format!("≥\u{a0}×{}", times(lower))),
        _ => (t.s("emerging.new").to_owned(), String::new()),
    }
}

fn codes(t: &Texts, predicted: &[TermCode], actual: &[TermCode], examples: &[String]) -> Codes {
    let code =
        |found: &TermCode| Code { code: found.code.clone(), label: found.label.clone(), share: t.pct0(found.share) };
    Codes {
        predicted: predicted.iter().map(code).collect(),
        actual: actual.iter().map(code).collect(),
        example: examples.first().cloned().unwrap_or_default(),
    }
}
