//! When a measurement becomes an alarm. Pure: rules and numbers in, verdicts out.

mod onset;
mod ring;

pub use onset::onset;
pub use ring::{Ring, rings, rings_staked};
