use std::{
    hash::{BuildHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Attributes, Scalar, Text};

/// What a prediction was asked, as facts keep it: for emerging terms, examples and drift by attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wording {
    /// At most [`Wording::MAX_TEXT`] bytes; cut between characters.
    pub text: Box<str>,
    /// At most [`Wording::MAX_ATTRIBUTES`], by name. Values longer than [`Wording::MAX_VALUE`] bytes name no category and
    /// are left out, as are nulls.
    pub attributes: Box<[(Box<str>, Box<str>)]>,
}

impl Wording {
    pub const MAX_TEXT: usize = 400;
    pub const MAX_ATTRIBUTES: usize = 16;
    pub const MAX_VALUE: usize = 64;

    /// `None` where there is nothing to keep.
    pub fn of(text: Option<&Text<'_>>, attributes: Option<&Attributes<'_>>) -> Option<Self> {
        let text = text.map_or("", Text::as_str).trim();
        let pairs = attributes.iter().flat_map(|a| &a.0).filter_map(|(name, value)| {
            let value = match value {
                Scalar::Null => return None,
                Scalar::Bool(b) => b.to_string(),
                Scalar::Number(x) => x.to_string(),
                Scalar::Text(t) => t.as_str().to_owned(),
            };
            let short = |s: &str| !s.is_empty() && s.len() <= Self::MAX_VALUE;
            (short(name.as_str()) && short(&value)).then(|| (name.as_str().into(), value.into()))
        });
        let attributes: Box<[_]> = pairs.take(Self::MAX_ATTRIBUTES).collect();
        let nothing = text.is_empty() && attributes.is_empty();
        (!nothing).then(|| Wording { text: text[..text.floor_char_boundary(Self::MAX_TEXT)].into(), attributes })
    }
}

/// A [`Wording`] that the join's record and the facts share: a clone copies no text, and its hash is made once.
#[derive(Debug, Clone)]
pub struct SharedWording(Arc<Hashed>);

#[derive(Debug)]
struct Hashed {
    hash: u64,
    wording: Wording,
}

impl From<Wording> for SharedWording {
    fn from(wording: Wording) -> Self {
        SharedWording(Arc::new(Hashed { hash: foldhash::fast::FixedState::default().hash_one(&wording), wording }))
    }
}

impl Deref for SharedWording {
    type Target = Wording;

    fn deref(&self) -> &Wording {
        &self.0.wording
    }
}

impl PartialEq for SharedWording {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && self.0.wording == other.0.wording)
    }
}

impl Eq for SharedWording {}

impl Hash for SharedWording {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Serialize for SharedWording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.wording.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedWording {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wording::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_wording_is_written_and_compared_as_the_wording_that_it_is() {
        let wording = |text: &str| Wording { text: text.into(), attributes: Box::default() };
        let (one, same, other) = (wording("crêpes"), wording("crêpes"), wording("galettes"));
        let shared = SharedWording::from(one.clone());
        let bytes = postcard::to_stdvec(&shared).expect("bytes");
        assert_eq!(bytes, postcard::to_stdvec(&one).expect("bytes"));
        let read: SharedWording = postcard::from_bytes(&bytes).expect("a wording");
        assert_eq!((&read, &*read), (&shared, &one));
        let state = foldhash::fast::FixedState::default();
        assert_eq!(state.hash_one(&read), state.hash_one(SharedWording::from(same)));
        assert_ne!(shared, SharedWording::from(other));
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
        let kept = Wording::of(Some(&text), Some(&attributes)).expect("a wording");
        assert_eq!(kept.text.chars().count(), 200);
        let found: Vec<(&str, &str)> = kept.attributes.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(found, [("form", "F1"), ("new", "true"), ("size", "2.5")]);
        assert_eq!(Wording::of(Some(&"  ".into()), None), None);
    }
}
