use crate::measure::sequential::e_bh::{e_bh, staked};

/// An alarm that rang: on which looks its evidence was enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ring {
    /// The first look, counted from 0.
    pub first: usize,
    /// The last look at which it was.
    pub until: usize,
    /// Whether that is the last look of all.
    pub stands: bool,
    /// `ln E` at the last look.
    pub last: f64,
}

/// Which of many watched things ring, at every look together: `series[i][t]` is `ln E` of thing `i` after look `t`.
///
/// At each look the discoveries of e-BH at `alpha` ring. With one thing that is `E ≥ 1/alpha`: over all looks ever taken it
/// rings in vain with a probability of at most `alpha` (Ville 1939). With many, at most a share `alpha` of those that ring
/// at a look do so in vain, on average, whatever they have to do with each other and whenever the reader stops to look.
///
/// Wang and Ramdas (2022), JRSS B 84; Ramdas et al. (2023), Statistical Science 38.
///
/// ```
/// use vigie::decide::rings;
/// let rung = rings(&[vec![0.0, 3.5, 1.0], vec![0.0, 0.0, 0.5]], 0.05);
/// // two are watched: E must reach 2/0.05, and e^3.5 does not; alone it would be enough
/// assert!(rung.iter().all(Option::is_none));
/// assert_eq!(rings(&[vec![0.0, 3.5, 1.0]], 0.05)[0].unwrap().first, 1);
/// ```
pub fn rings(series: &[Vec<f64>], alpha: f64) -> Vec<Option<Ring>> {
    rings_staked(series, &vec![1.0; series.len()], alpha)
}

/// [`rings`] where more is staked on some things than on others; see [`staked`]. `last` is without the stake.
pub fn rings_staked(series: &[Vec<f64>], stakes: &[f64], alpha: f64) -> Vec<Option<Ring>> {
    let looks = series.iter().map(Vec::len).max().unwrap_or(0);
    let mut rung: Vec<Option<Ring>> = vec![None; series.len()];
    for look in 0..looks {
        let now: Vec<f64> = series.iter().map(|s| s.get(look).copied().unwrap_or(0.0)).collect();
        for ((found, ring), log_e) in e_bh(&staked(&now, stakes), alpha).iter().zip(&mut rung).zip(now) {
            match ring {
                Some(ring) => {
                    ring.stands = found.discovery;
                    ring.until = if found.discovery { look } else { ring.until };
                    ring.last = log_e;
                }
                None if found.discovery => {
                    *ring = Some(Ring { first: look, until: look, stands: true, last: log_e });
                }
                None => {}
            }
        }
    }
    rung
}
