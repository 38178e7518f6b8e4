use std::{cmp::Ordering, collections::BTreeMap};

use siphasher::sip::SipHasher13;

use crate::query::Answer;

/// A text with its attributes, and what became of it; see `queries/specimens.sql`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Specimen<'a> {
    pub day: i32,
    pub version: &'a str,
    pub route: Option<&'a str>,
    pub text: &'a str,
    /// As a JSON object.
    pub attributes: Option<&'a str>,
    pub predicted: Option<&'a str>,
    pub confidence: f64,
    /// Whether it has a label that counts.
    pub labelled: bool,
    /// `None` without a label, and where the label says uncodable.
    pub actual: Option<&'a str>,
    /// Design weight of the label; `None` = unknown.
    pub weight: Option<f64>,
    /// Rows of one hour that say exactly this.
    pub n: u64,
}

/// Rows that a report looks at, and about as many are read from a store.
pub const MOST_TEXTS: u64 = 400_000;
/// Of a page that is made anew as often as it is asked for.
pub const MOST_TEXTS_LIVE: u64 = 100_000;

/// The rows of an answer.
pub fn specimens(answer: &Answer) -> Vec<Specimen<'_>> {
    let [day, version, route, text, attributes] =
        ["day", "version", "route", "text", "attributes"].map(|name| answer.column(name));
    let [predicted, confidence, labelled, actual, weight, n] =
        ["predicted", "confidence", "is_labelled", "actual", "weight", "n"].map(|name| answer.column(name));
    let of = |row| Specimen {
        day: day.int(row) as i32,
        version: version.text(row).unwrap_or_default(),
        route: route.text(row),
        text: text.text(row).unwrap_or_default(),
        attributes: attributes.text(row),
        predicted: predicted.text(row),
        confidence: confidence.number(row),
        labelled: labelled.int(row) == 1,
        actual: actual.text(row),
        weight: Some(weight.number(row)).filter(|w| *w > 0.0),
        n: n.count(row),
    };
    // a store gives its rows in no order; any will do that is always the same and leaves equal texts beside each other
    let mut keyed: Vec<_> =
        (0..answer.rows()).map(of).map(|one| ((one.day, SipHasher13::new().hash(one.text.as_bytes())), one)).collect();
    keyed.sort_unstable_by(|(a, one), (b, other)| a.cmp(b).then_with(|| order(one, other)));
    keyed.into_iter().map(|(_, one)| one).collect()
}

/// Of specimens of one day.
fn order(a: &Specimen<'_>, b: &Specimen<'_>) -> Ordering {
    let label = |one: &Specimen<'_>| (one.labelled, one.weight.map(f64::to_bits));
    a.text
        .cmp(b.text)
        .then_with(|| a.confidence.total_cmp(&b.confidence))
        .then_with(|| (a.version, a.route, a.attributes).cmp(&(b.version, b.route, b.attributes)))
        .then_with(|| (a.predicted, a.actual).cmp(&(b.predicted, b.actual)))
        .then_with(|| label(a).cmp(&label(b)))
        .then_with(|| a.n.cmp(&b.n))
}

/// At most about `most` of the rows of these specimens, each with how many of its own: every so-many-th of all, so that
/// days and texts keep their shares. Needs them in the order of [`specimens`].
pub fn spread<'a, 'b>(of: Vec<&'b Specimen<'a>>, most: u64) -> impl Iterator<Item = (&'b Specimen<'a>, u64)> {
    let all: u64 = of.iter().map(|one| one.n).sum();
    let kept = move |rows: u64| {
        if all <= most { rows } else { (u128::from(rows) * u128::from(most) / u128::from(all)) as u64 }
    };
    let mut rows = 0;
    of.into_iter().map(move |one| {
        let before = kept(rows);
        rows += one.n;
        (one, kept(rows) - before)
    })
}

/// Names and values of an attributes' object.
pub fn pairs(attributes: &str) -> BTreeMap<String, String> {
    serde_json::from_str(attributes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, n: u64) -> Specimen<'_> {
        Specimen {
            day: 1,
            version: "1",
            route: None,
            text,
            attributes: None,
            predicted: None,
            confidence: 0.5,
            labelled: false,
            actual: None,
            weight: None,
            n,
        }
    }

    #[test]
    fn a_spread_keeps_shares_and_counts() {
        let rows = [one("a", 600), one("b", 3), one("c", 397)];
        let counts = |most| spread(rows.iter().collect(), most).map(|(_, n)| n).collect::<Vec<_>>();
        assert_eq!(counts(1000), [600, 3, 397]);
        assert_eq!(counts(100), [60, 0, 40]);
        assert_eq!(counts(500), [300, 1, 199]);
    }
}
