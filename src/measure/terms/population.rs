//! A part of the rows, in two samples, by text and class of the design weight.

use hashbrown::HashMap;

use super::{
    Side, TextRow, Texts,
    counts::TextCount,
    exact::{Margins, Stratum, UpperTail, attainable, upper_tail},
    words::Map,
};

/// So many different weights are kept apart; of more, those within a factor of two make a class.
const MOST_CLASSES: usize = 8;

/// Rows of two samples, by text.
#[derive(Debug)]
pub(super) struct Population {
    /// Numbers of texts, rising.
    texts: Vec<u32>,
    /// Rows (reference, current) by text, then class.
    cells: Vec<Pair>,
    totals: Vec<Pair>,
    /// Mean weight of each class.
    weights: Vec<f64>,
}

/// Rows in the reference and in the current sample.
pub(super) type Pair = [u32; 2];

impl Population {
    /// The rows that `sample` puts in one of two samples, with a weight.
    pub(super) fn new(texts: &Texts, sample: impl Fn(Side, &TextRow) -> Option<(Side, f64)>) -> Self {
        let rows = |text: u32| texts.rows(text).filter_map(|(side, row)| sample(side, row));
        let numbers = || 0..texts.len() as u32;
        let classes = Classes::new(numbers().flat_map(|text| rows(text).map(|(_, weight)| weight)));
        let mut of_text = vec![[0; 2]; classes.weights.len()];
        let mut all = Self { texts: Vec::new(), cells: Vec::new(), totals: of_text.clone(), weights: Vec::new() };
        for text in numbers() {
            of_text.fill([0; 2]);
            let mut any = false;
            for (side, weight) in rows(text) {
                if let Some([reference, current]) = of_text.get_mut(classes.of(weight)) {
                    *(if side == Side::Current { current } else { reference }) += 1;
                    any = true;
                }
            }
            if any {
                all.push(text, &of_text);
            }
        }
        all.weights = classes.weights;
        all
    }

    /// The labelled rows by the code that people gave, in the place of texts.
    pub(super) fn by_actual(texts: &Texts) -> Self {
        let rows = (0..texts.len() as u32).flat_map(|text| texts.rows(text));
        let mut labels: Vec<(u32, Side, f64)> =
            rows.filter_map(|(side, row)| Some((row.actual?, side, row.label()?))).collect();
        labels.sort_unstable_by_key(|(code, ..)| *code);
        let classes = Classes::new(labels.iter().map(|(.., weight)| *weight));
        let mut of_code = vec![[0; 2]; classes.weights.len()];
        let mut all = Self { texts: Vec::new(), cells: Vec::new(), totals: of_code.clone(), weights: Vec::new() };
        for same in labels.chunk_by(|a, b| a.0 == b.0) {
            of_code.fill([0; 2]);
            for &(_, side, weight) in same {
                if let Some([reference, current]) = of_code.get_mut(classes.of(weight)) {
                    *(if side == Side::Current { current } else { reference }) += 1;
                }
            }
            same.iter().take(1).for_each(|(code, ..)| all.push(*code, &of_code));
        }
        all.weights = classes.weights;
        all
    }

    fn push(&mut self, number: u32, rows: &[Pair]) {
        self.texts.push(number);
        self.cells.extend_from_slice(rows);
        add(&mut self.totals, rows);
    }

    /// How many texts.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of the text, or the code, at a place.
    pub(super) fn text(&self, place: u32) -> u32 {
        self.texts.get(place as usize).copied().unwrap_or(u32::MAX)
    }

    /// Rows of the text at a place, by class.
    pub(super) fn cells(&self, place: u32) -> &[Pair] {
        let (width, start) = (self.totals.len(), place as usize * self.totals.len());
        self.cells.get(start..start + width).unwrap_or(&[])
    }

    /// Rows of every text in turn, by class.
    pub(super) fn all_cells(&self) -> &[Pair] {
        &self.cells
    }

    /// Rows of the text at a place.
    pub(super) fn rows(&self, place: u32) -> Pair {
        sum(self.cells(place))
    }

    /// All rows, by class.
    pub(super) fn totals(&self) -> &[Pair] {
        &self.totals
    }

    pub(super) fn counts<'s>(&'s self, texts: &'s Texts) -> impl Iterator<Item = TextCount<'s>> + Clone {
        (0..).zip(&self.texts).map(|(place, &text)| {
            let [reference, current] = self.rows(place);
            TextCount { words: texts.words(text), text: texts.key(text), reference, current }
        })
    }

    /// One-sided test of rows with a term among all rows.
    pub(super) fn test(&self, with: &[Pair], all: &[Pair]) -> UpperTail {
        upper_tail(&strata(with, all))
    }

    /// What the tests of these rows may give at most, `with` being those of each test, by class.
    pub(super) fn margins(&self, with: &[Pair], most: f64) -> Vec<Margins> {
        let width = self.totals.len().max(1);
        let rows = |pairs: &[Pair]| pairs.iter().map(|[reference, current]| reference + current).collect::<Vec<u32>>();
        let mut alike: HashMap<Vec<u32>, (&[Pair], u64), Map> = HashMap::default();
        for pairs in with.chunks_exact(width) {
            alike.entry(rows(pairs)).or_insert((pairs, 0)).1 += 1;
        }
        let law = |(pairs, tests): (&[Pair], u64)| Margins {
            tests,
            p_values: attainable(&strata(pairs, &self.totals), most),
        };
        alike.into_values().map(law).collect()
    }

    /// Weighted rows, and Kish's effective rows with the term and in all, of the reference and of the current sample.
    pub(super) fn weighed(&self, with: &[Pair]) -> [Weighed; 2] {
        [0, 1].map(|side| {
            let sums = |pairs: &[Pair]| {
                let rows = pairs.iter().map(|pair| f64::from(pair.get(side).copied().unwrap_or(0)));
                rows.zip(&self.weights)
                    .fold((0.0, 0.0), |(w, w2), (n, weight)| (w + n * weight, w2 + n * weight * weight))
            };
            let ((w, w2), (total, total2)) = (sums(with), sums(&self.totals));
            let share = if total > 0.0 { w / total } else { 0.0 };
            let effective = |w: f64, w2: f64| if w2 > 0.0 { w * w / w2 } else { 0.0 };
            let with = effective(w, w2);
            // the term's own rows say how many they are worth; the share stays what it is
            let all = if share > 0.0 { with / share } else { effective(total, total2) };
            Weighed { share, rows: (with, all) }
        })
    }
}

fn strata(with: &[Pair], all: &[Pair]) -> Vec<Stratum> {
    let stratum = |(with, all): (&Pair, &Pair)| Stratum {
        current: u64::from(with[1]),
        n_current: u64::from(all[1]),
        reference: u64::from(with[0]),
        n_reference: u64::from(all[0]),
    };
    with.iter().zip(all).map(stratum).collect()
}

/// Share of a term in one sample, and the rows it rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub share: f64,
    /// With the term, and all; effective ones where they carry design weights.
    pub rows: (f64, f64),
}

pub(super) fn add(sum: &mut [Pair], more: &[Pair]) {
    for ([reference, current], more) in sum.iter_mut().zip(more) {
        *reference += more[0];
        *current += more[1];
    }
}

pub(super) fn sum(pairs: &[Pair]) -> Pair {
    pairs.iter().fold([0; 2], |sum, pair| [sum[0] + pair[0], sum[1] + pair[1]])
}

/// Classes of weights.
struct Classes {
    /// Mean of each class.
    weights: Vec<f64>,
    /// Least weight of each class, rising.
    from: Vec<f64>,
}

impl Classes {
    fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut seen: Vec<(f64, u32)> = Vec::new();
        let mut rest: Vec<f64> = Vec::new();
        for weight in weights {
            // few different weights are the rule: then nothing is stored per row
            match seen.iter_mut().find(|(known, _)| *known == weight) {
                Some((_, rows)) => *rows += 1,
                None => rest.push(weight),
            }
            if seen.len() < 4 * MOST_CLASSES {
                seen.extend(rest.pop().map(|weight| (weight, 1)));
            }
        }
        seen.extend(rest.into_iter().map(|weight| (weight, 1)));
        seen.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let distinct = seen.chunk_by(|a, b| a.0 == b.0).count();
        let same =
            |a: f64, b: f64| if distinct <= MOST_CLASSES { a == b } else { a.log2().floor() == b.log2().floor() };
        let (mut means, mut from) = (Vec::new(), Vec::new());
        for class in seen.chunk_by(|a, b| same(a.0, b.0)) {
            let rows: f64 = class.iter().map(|(_, rows)| f64::from(*rows)).sum();
            means.push(class.iter().map(|(weight, n)| weight * f64::from(*n)).sum::<f64>() / rows);
            from.extend(class.first().map(|(weight, _)| *weight));
        }
        Self { weights: means, from }
    }

    fn of(&self, weight: f64) -> usize {
        self.from.partition_point(|&from| from <= weight).saturating_sub(1)
    }
}
