use std::{
    cmp::Ordering,
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

use hashbrown::HashMap;
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

/// The rows of an answer; where there are more than `most`, a part of them that does not depend on their order.
pub fn specimens(answer: &Answer, most: u64) -> Vec<Specimen<'_>> {
    let share = most as f64 / answer.rows().max(1) as f64;
    let mut met = HashMap::new();
    let mut kept: Vec<Specimen<'_>> = (0..answer.rows())
        .map(|row| Specimen {
            day: answer.int(row, "day") as i32,
            version: answer.text(row, "version").unwrap_or_default(),
            route: answer.text(row, "route"),
            text: answer.text(row, "text").unwrap_or_default(),
            attributes: answer.text(row, "attributes"),
            predicted: answer.text(row, "predicted"),
            confidence: answer.number(row, "confidence"),
            labelled: answer.int(row, "is_labelled") == 1,
            actual: answer.text(row, "actual"),
            weight: Some(answer.number(row, "weight")).filter(|w| *w > 0.0),
            n: answer.count(row, "n"),
        })
        .filter(|one| share >= 1.0 || place(one, &mut met) < share)
        .collect();
    // the store gives its rows in no order
    kept.sort_unstable_by(order);
    kept
}

/// Whether the rows of an answer are surely all there are: a store that has more gives about `most`.
pub fn is_whole(answer: &Answer, most: u64) -> bool {
    answer.rows() as u64 <= most / 10 * 9
}

/// A number in [0, 1): another one for each of several equal rows, so that all or none of them is not the choice, and
/// the same ones in whatever order they come.
fn place(one: &Specimen<'_>, met: &mut HashMap<u64, u32>) -> f64 {
    let mut h = SipHasher13::new();
    let label = (one.labelled, one.actual, one.weight.map(f64::to_bits));
    (one.day, one.text, one.version, one.route, one.attributes, one.predicted).hash(&mut h);
    (one.confidence.to_bits(), label, one.n).hash(&mut h);
    let before = met.entry(h.finish()).or_default();
    h.write_u32(*before);
    *before += 1;
    h.finish() as f64 / 2_f64.powi(64)
}

fn order(a: &Specimen<'_>, b: &Specimen<'_>) -> Ordering {
    let label = |one: &Specimen<'_>| (one.labelled, one.weight.map(f64::to_bits));
    a.day
        .cmp(&b.day)
        .then_with(|| a.text.cmp(b.text))
        .then_with(|| (a.version, a.route, a.attributes).cmp(&(b.version, b.route, b.attributes)))
        .then_with(|| (a.predicted, a.actual).cmp(&(b.predicted, b.actual)))
        .then_with(|| a.confidence.total_cmp(&b.confidence))
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

    #[test]
    fn equal_rows_are_drawn_one_by_one() {
        let (taxi, mut met) = (one("taxi", 1), HashMap::new());
        let kept = (0..10_000).filter(|_| place(&taxi, &mut met) < 0.25).count();
        assert!((2300..2700).contains(&kept), "{kept}");
    }
}
