//! How pages of facts become columns.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Builder, DictionaryArray, Int32Builder, Int64Array, StringArray},
    datatypes::Int32Type,
    error::ArrowError,
};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serializer;

use crate::{
    event::Weight,
    fact::{PageKey, Tier},
};

/// Rows of a batch: what a query makes of them on the way stays small, and their columns fit where facts lay before.
const ROWS: usize = 1 << 13;

/// Decimal places of weights: `DECIMAL(38, 9)`, so that sums are exact in any order.
const WEIGHT_SCALE: i8 = 9;

/// The wanted pages with their rows, in the order of time: queries over days meet runs of the same day.
pub(super) fn pages<K, V>(
    of: &HashMap<PageKey, HashMap<K, V, FixedState>, FixedState>,
    wanted: impl Fn(PageKey) -> bool,
) -> Vec<(PageKey, usize)> {
    let mut pages: Vec<_> = of.iter().filter(|(key, _)| wanted(**key)).map(|(key, page)| (*key, page.len())).collect();
    pages.sort_unstable_by_key(|(key, _)| (key.of_tier(Tier::First), *key));
    pages
}

/// The wanted pages in parts of about [`ROWS`] rows; one without pages where there is none.
pub(super) fn parts<K, V>(
    of: &HashMap<PageKey, HashMap<K, V, FixedState>, FixedState>,
    wanted: impl Fn(PageKey) -> bool,
) -> Vec<Vec<(PageKey, usize)>> {
    let (mut parts, mut part, mut rows) = (Vec::new(), Vec::new(), 0);
    for (key, n) in pages(of, wanted) {
        if rows >= ROWS {
            parts.push(std::mem::take(&mut part));
            rows = 0;
        }
        rows += n;
        part.push((key, n));
    }
    parts.push(part);
    parts
}

/// The rows of these pages, each page freed once its rows are read.
pub(super) fn taken<K, V>(
    of: &mut HashMap<PageKey, HashMap<K, V, FixedState>, FixedState>,
    pages: &[(PageKey, usize)],
) -> impl Iterator<Item = (PageKey, K, V)> {
    pages
        .iter()
        .flat_map(|(key, _)| of.remove(key).unwrap_or_default().into_iter().map(move |(at, value)| (*key, at, value)))
}

/// What is the same for all rows of a page, for every row.
pub(super) fn by_page<T: Clone>(pages: &[(PageKey, usize)], of: impl Fn(PageKey) -> T) -> impl Iterator<Item = T> {
    pages.iter().flat_map(move |(key, n)| std::iter::repeat_n(of(*key), *n))
}

pub(super) const SCORES: [&str; 2] = ["probability", "confidence"];

/// A column of few words, by their positions.
pub(super) fn words(mut keys: Int32Builder, words: &[&str]) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys.finish(), texts_of(words.iter().copied()))?))
}

pub(super) fn texts_of<'a>(texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts))
}

pub(super) fn ints(n: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(n))
}

/// From binary fixed point to nine decimals.
pub(super) fn decimal(fixed: i128) -> i128 {
    const BILLION: i128 = 1_000_000_000;
    match fixed.checked_mul(BILLION) {
        Some(scaled) => (scaled + (1 << (Weight::PLACES - 1))) >> Weight::PLACES,
        None => (fixed >> Weight::PLACES).saturating_mul(BILLION),
    }
}

pub(super) fn weight_column(mut grown: Decimal128Builder) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(grown.finish().with_precision_and_scale(38, WEIGHT_SCALE)?))
}

/// As a JSON object; `None` for no pair.
pub(super) fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut pairs = pairs.peekable();
    pairs.peek()?;
    let mut json = Vec::with_capacity(128);
    serde_json::Serializer::new(&mut json).collect_map(pairs).ok()?;
    String::from_utf8(json).ok()
}

/// The day (since 1970) in `zone` on which an hour (since 1970, UTC) begins.
pub(crate) fn day_of(hour: i64, zone: &TimeZone) -> i32 {
    let Ok(instant) = Timestamp::from_second(hour * 3600) else { return 0 };
    let offset = i64::from(zone.to_offset(instant).seconds());
    (hour * 3600 + offset).div_euclid(86_400) as i32
}
