use std::{fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{MAX_RANK, Symbol};

/// Codes of the first candidates, best first: at most [`MAX_RANK`], kept in place. A heap allocation each would be
/// made on one thread and freed on another, which allocators like least.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Candidates {
    len: u8,
    codes: [Symbol; MAX_RANK],
}

impl Default for Candidates {
    fn default() -> Self {
        Candidates { len: 0, codes: [Symbol(0); MAX_RANK] }
    }
}

impl Candidates {
    /// Takes the code in if there is room; false when it is one too many.
    pub fn push(&mut self, code: Symbol) -> bool {
        let room = usize::from(self.len) < MAX_RANK;
        if room {
            self.codes[usize::from(self.len)] = code;
            self.len += 1;
        }
        room
    }
}

impl Deref for Candidates {
    type Target = [Symbol];

    fn deref(&self) -> &[Symbol] {
        &self.codes[..usize::from(self.len)]
    }
}

impl FromIterator<Symbol> for Candidates {
    fn from_iter<I: IntoIterator<Item = Symbol>>(codes: I) -> Self {
        let mut kept = Candidates::default();
        for code in codes {
            kept.push(code);
        }
        kept
    }
}

impl fmt::Debug for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deref().fmt(f)
    }
}

impl Serialize for Candidates {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.deref().serialize(s)
    }
}

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Candidates;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX_RANK} codes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Candidates, A::Error> {
                let mut codes = Candidates::default();
                while let Some(code) = seq.next_element()? {
                    if !codes.push(code) {
                        return Err(A::Error::invalid_length(MAX_RANK + 1, &self));
                    }
                }
                Ok(codes)
            }
        }
        d.deserialize_seq(V)
    }
}
