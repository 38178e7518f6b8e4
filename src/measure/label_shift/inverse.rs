//! The inverse of a small square matrix.

/// Gauss and Jordan's elimination, the largest pivot first; `None` for a singular matrix, or one that is not square.
pub(super) fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    if matrix.iter().any(|row| row.len() != size) {
        return None;
    }
    let unit = |at: usize| (0..size).map(move |column| if column == at { 1.0 } else { 0.0 });
    let mut rows: Vec<Vec<f64>> =
        matrix.iter().enumerate().map(|(at, row)| row.iter().copied().chain(unit(at)).collect()).collect();
    for column in 0..size {
        let size_of = |row: &[f64]| row.get(column).map_or(0.0, |x| x.abs());
        let best = (column..size).max_by(|a, b| {
            let of = |at: usize| rows.get(at).map_or(0.0, |row| size_of(row));
            of(*a).total_cmp(&of(*b))
        })?;
        rows.swap(column, best);
        let pivot = rows.get(column)?.get(column).copied().filter(|pivot| pivot.abs() > 1e-12)?;
        let lead: Vec<f64> = rows.get(column)?.iter().map(|x| x / pivot).collect();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row.get(column).copied().unwrap_or(0.0);
            if at != column && factor != 0.0 {
                row.iter_mut().zip(&lead).for_each(|(x, l)| *x -= factor * l);
            }
        }
        if let Some(row) = rows.get_mut(column) {
            *row = lead;
        }
    }
    let found: Vec<Vec<f64>> = rows.into_iter().map(|row| row.into_iter().skip(size).collect()).collect();
    found.iter().flatten().all(|x| x.is_finite()).then_some(found)
}
