use super::Row;

/// Placeholder until the adapter lands in this same change.
pub fn each_row(number: u64, line: &[u8], each: &mut dyn FnMut(u64, Row<'_>)) {
    each(number, Row::Line(line));
}
