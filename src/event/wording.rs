use std::{
    fmt::Write,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use siphasher::sip::SipHasher13;

use super::{Attributes, Scalar, Text};

/// What a prediction was asked, as facts keep it: for emerging terms, examples and drift by attributes.
///
/// The join's record and the facts share one: a clone copies no text, and its hash is made once. It lies in one piece of
/// memory: its fingerprint in eight bytes, then what is on disk, the length of the text in two bytes, the text, and for each
/// attribute the length of its name in a byte, the name, the length of its value in a byte, the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording(Arc<[u8]>);

/// Bytes of the fingerprint.
const FINGERPRINT: usize = 8;

impl Wording {
    /// Bytes of a text; longer ones are cut between characters.
    pub const MAX_TEXT: usize = 400;
    /// The first ones by name. Values longer than [`Wording::MAX_VALUE`] bytes name no category and are left out, as are nulls.
    pub const MAX_ATTRIBUTES: usize = 16;
    pub const MAX_VALUE: usize = 64;

    /// `None` where there is nothing to keep. It is laid out in `bytes` first: whoever makes many hands in the same ones.
    pub fn of(text: Option<&Text<'_>>, attributes: Option<&Attributes<'_>>, bytes: &mut Vec<u8>) -> Option<Self> {
        let text = text.map_or("", Text::as_str).trim();
        bytes.clear();
        bytes.extend_from_slice(&[0; FINGERPRINT]);
        push_text(bytes, &text[..text.floor_char_boundary(Self::MAX_TEXT)]);
        let (mut written, mut kept) = (String::new(), 0);
        for (name, value) in attributes.iter().flat_map(|a| &a.0) {
            let name = name.as_str();
            written.clear();
            let value = match value {
                Scalar::Null => continue,
                Scalar::Text(t) => t.as_str(),
                Scalar::Bool(true) => "true",
                Scalar::Bool(false) => "false",
                Scalar::Number(x) => match write!(written, "{x}") {
                    Ok(()) => &written,
                    Err(_) => continue,
                },
            };
            let short = |s: &str| !s.is_empty() && s.len() <= Self::MAX_VALUE;
            if short(name) && short(value) {
                [name, value].iter().for_each(|part| push(bytes, part));
                kept += 1;
            }
            if kept == Self::MAX_ATTRIBUTES {
                break;
            }
        }
        (!text.is_empty() || kept > 0).then(|| Wording::sealed(bytes))
    }

    /// With the fingerprint written before what it is of.
    fn sealed(bytes: &mut [u8]) -> Self {
        let (place, said) = bytes.split_at_mut(FINGERPRINT);
        place.copy_from_slice(&SipHasher13::new().hash(said).to_le_bytes());
        Wording((&*bytes).into())
    }

    fn said(&self) -> &[u8] {
        &self.0[FINGERPRINT..]
    }

    /// The text; empty where only attributes were asked.
    pub fn text(&self) -> &str {
        split(self.said()).map_or("", |(text, _)| text)
    }

    /// Names and values, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = split(self.said()).map_or(&[][..], |(_, rest)| rest);
        std::iter::from_fn(move || {
            let (name, after) = part(rest)?;
            let (value, after) = part(after)?;
            rest = after;
            Some((name, value))
        })
    }

    /// A number drawn by text and attributes, the same in every process.
    pub fn fingerprint(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// MAX_TEXT fits in two bytes.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// MAX_VALUE fits in a byte.
fn push(bytes: &mut Vec<u8>, part: &str) {
    bytes.push(part.len() as u8);
    bytes.extend_from_slice(part.as_bytes());
}

/// The text, and what comes after it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// The next name or value, and what comes after it.
fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (part, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(part).ok()?, rest))
}

/// Whether the bytes are what [`Wording::of`] packs.
fn is_whole(bytes: &[u8]) -> bool {
    let Some((_, mut rest)) = split(bytes) else { return false };
    while !rest.is_empty() {
        match part(rest).and_then(|(_, after)| part(after)) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

impl Hash for Wording {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.fingerprint());
    }
}

impl Serialize for Wording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.said())
    }
}

impl<'de> Deserialize<'de> for Wording {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        if !is_whole(bytes) {
            return Err(D::Error::custom("a wording is damaged"));
        }
        let mut own = Vec::with_capacity(FINGERPRINT + bytes.len());
        own.extend_from_slice(&[0; FINGERPRINT]);
        own.extend_from_slice(bytes);
        Ok(Wording::sealed(&mut own))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Wording {
        Wording::of(Some(&text.to_owned().into()), None, &mut Vec::new()).expect("a wording")
    }

    #[test]
    fn a_wording_is_read_as_it_was_written() {
        let pair = |name: &'static str, value: &'static str| (Text::from(name), Scalar::Text(value.into()));
        let attributes = Attributes(vec![pair("form", "F1"), pair("région", "Île-de-France")]);
        let one = Wording::of(Some(&"crêpes".into()), Some(&attributes), &mut Vec::new()).expect("a wording");
        let bytes = postcard::to_stdvec(&one).expect("bytes");
        let read: Wording = postcard::from_bytes(&bytes).expect("a wording");
        assert_eq!((read.text(), read.fingerprint()), ("crêpes", one.fingerprint()));
        assert_eq!(read.attributes().collect::<Vec<_>>(), [("form", "F1"), ("région", "Île-de-France")]);
        assert_eq!(read, one);
        assert_ne!(of("crêpes"), one);
        assert_eq!(of("crêpes"), of("  crêpes "));
        // SipHash-1-3 with keys of zero: rows of a store are drawn by it, whatever machine reads them
        assert_eq!(of("crêpes").fingerprint(), 0x6094db0e8a0e6271);
    }

    #[test]
    fn texts_are_cut_between_characters_and_long_values_left_out() {
        let text = Text::from("é".repeat(300));
        let pair = |name: &'static str, value| (Text::from(name), value);
        let attributes = Attributes(vec![
            pair("form", Scalar::Text("F1".into())),
            pair("id", Scalar::Text("x".repeat(65).into())),
            pair("new", Scalar::Bool(true)),
            pair("none", Scalar::Null),
            pair("size", Scalar::Number(2.5)),
        ]);
        let kept = Wording::of(Some(&text), Some(&attributes), &mut Vec::new()).expect("a wording");
        assert_eq!(kept.text().chars().count(), 200);
        let found: Vec<(&str, &str)> = kept.attributes().collect();
        assert_eq!(found, [("form", "F1"), ("new", "true"), ("size", "2.5")]);
        assert_eq!(Wording::of(Some(&"  ".into()), None, &mut Vec::new()), None);
        let many = (0..40).map(|i| (Text::from(format!("a{i:02}")), Scalar::Bool(false))).collect();
        let kept = Wording::of(None, Some(&Attributes(many)), &mut Vec::new()).expect("a wording");
        assert_eq!((kept.text(), kept.attributes().count()), ("", Wording::MAX_ATTRIBUTES));
    }

    proptest! {
        /// Bytes of a damaged store or of another replica.
        #[test]
        fn any_bytes_are_a_wording_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let unread = Wording::sealed(&mut [&[0; FINGERPRINT][..], &bytes].concat());
            let framed = postcard::to_stdvec(&unread).expect("bytes");
            if let Ok(read) = postcard::from_bytes::<Wording>(&framed) {
                let parts: usize = read.attributes().map(|(name, value)| name.len() + value.len() + 2).sum();
                prop_assert_eq!(2 + read.text().len() + parts, bytes.len());
            }
        }
    }
}
