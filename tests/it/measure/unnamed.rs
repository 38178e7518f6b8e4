//! Reviews of which nobody says what route they were of.

use vigie::measure::assisted::Stratum;

/// The strata as one, whose labels are told apart by their weight alone.
pub fn unnamed(strata: &[Stratum]) -> Stratum {
    let mut all = strata[0].only(|_| false);
    for (class, stratum) in strata.iter().enumerate() {
        all += stratum;
        for (fold, bins) in stratum.folds.iter().enumerate() {
            bins.iter().enumerate().for_each(|(at, bin)| all.add_class(class, (fold, at), [bin.right, bin.wrong]));
        }
    }
    all
}
