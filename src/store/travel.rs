//! Outlines and facts as bytes that go from one replica to another.

use serde::{Serialize, de::DeserializeOwned};

/// Raised whenever an [`Outline`](super::Outline), a [`Wanted`](super::Wanted) or a [`Portion`](super::Portion) is laid
/// out in another way.
const LAYOUT: u8 = 6;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TravelError {
    #[error("layout {found} where {LAYOUT} is expected: run the same version of vigie everywhere")]
    Layout { found: u8 },
    #[error("the bytes are no facts of vigie: {0}")]
    Damaged(String),
}

/// # Errors
/// When something cannot be written, which would be a bug here.
pub fn pack<T: Serialize>(what: &T) -> Result<Vec<u8>, TravelError> {
    postcard::to_extend(what, vec![LAYOUT]).map_err(|e| TravelError::Damaged(e.to_string()))
}

/// # Errors
/// When the bytes are of another layout, or anything else.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, TravelError> {
    let damaged = |why: &str| TravelError::Damaged(why.to_owned());
    let (layout, rest) = bytes.split_first().ok_or_else(|| damaged("there are none"))?;
    if *layout != LAYOUT {
        return Err(TravelError::Layout { found: *layout });
    }
    match postcard::take_from_bytes(rest) {
        Ok((what, [])) => Ok(what),
        Ok((_, left)) => Err(damaged(&format!("{} too many", left.len()))),
        Err(e) => Err(damaged(&e.to_string())),
    }
}
