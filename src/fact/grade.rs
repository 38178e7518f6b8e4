/// Ranges of the confidence by which codes and ranks are counted: whole bins of [`super::CONFIDENCE_BINS`], finer where
/// most predictions of a model in production lie.
pub const GRADES: usize = 16;

/// The first confidence bin of each grade, in fiftieths.
pub const GRADE_STARTS: [usize; GRADES] = [0, 5, 10, 15, 20, 25, 30, 35, 39, 41, 43, 45, 46, 47, 48, 49];

/// The grade of a confidence bin.
pub fn grade(bin: u32) -> u8 {
    GRADE_STARTS.partition_point(|start| *start <= bin as usize).saturating_sub(1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_has_one_grade_in_order() {
        let grades: Vec<u8> = (0..50).map(grade).collect();
        assert!(grades.is_sorted() && grades[0] == 0 && grades[34] == 6 && grades[35] == 7 && grades[49] == 15);
        assert_eq!(grades.iter().collect::<std::collections::BTreeSet<_>>().len(), GRADES);
    }
}
