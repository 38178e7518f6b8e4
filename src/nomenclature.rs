//! Codes, their levels, and how they roll up.
//!
//! A code is written with or without dots and in either case: `56.10a` and `5610A` are one code, kept in its
//! [`canonical`] form. A code that a nomenclature does not know is still a code: it is counted under itself at every level.

pub mod crosswalk;

mod builtin;
mod load;
mod tree;

use std::borrow::Cow;

pub use builtin::{builtin, builtin_names};
pub use load::{LoadError, from_csv};
pub use tree::{Node, Nomenclature, RollUp, TreeError};

/// Upper case, without dots and blanks. Borrows when the code is canonical already.
///
/// ```
/// # use vigie::nomenclature::canonical;
/// assert_eq!(canonical(" 56.10a"), "5610A");
/// assert!(matches!(canonical("5610A"), std::borrow::Cow::Borrowed(_)));
/// ```
pub fn canonical(code: &str) -> Cow<'_, str> {
    let clean = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_' || *b == b'-';
    if code.as_bytes().iter().all(clean) {
        return Cow::Borrowed(code);
    }
    let kept = code.chars().filter(|c| *c != '.' && !c.is_whitespace());
    Cow::Owned(kept.flat_map(char::to_uppercase).collect())
}
