use super::{Store, StoreError};
use crate::event::JoinKey;

/// A stretch of the log of records: keys and records in the order in which they were appended. Of two copies of a key the
/// later one holds.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    pub number: u64,
    keys: Vec<u128>,
    /// Where each record ends.
    ends: Vec<u32>,
    records: Vec<u8>,
}

/// A chunk as it is stored: how many records, their keys, their ends, the records. Keys stand together, so that a search
/// does not go through the records.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    keys: &'a [[u8; KEY]],
    ends: &'a [[u8; END]],
    records: &'a [u8],
}

const KEY: usize = 16;
const END: usize = 4;
const COUNT: usize = 4;

impl Chunk {
    /// # Errors
    /// When the bytes are no chunk.
    pub fn restore(store: &Store, number: u64, bytes: &[u8]) -> Result<Self, StoreError> {
        let stored = Stored::read(store, number, bytes)?;
        Ok(Chunk {
            number,
            keys: stored.keys.iter().map(|k| u128::from_be_bytes(*k)).collect(),
            ends: stored.ends.iter().map(|e| u32::from_le_bytes(*e)).collect(),
            records: stored.records.to_vec(),
        })
    }

    pub fn push(&mut self, key: JoinKey, record: &[u8]) {
        self.keys.push(key.0);
        self.records.extend_from_slice(record);
        self.ends.push(self.records.len() as u32);
    }

    /// Bytes that it takes when stored.
    pub fn size(&self) -> usize {
        COUNT + self.keys.len() * (KEY + END) + self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Empties it and gives it another number.
    pub fn begin(&mut self, number: u64) {
        self.number = number;
        self.keys.clear();
        self.ends.clear();
        self.records.clear();
    }

    /// The copy of a key's record that holds.
    pub fn find(&self, key: JoinKey) -> Option<&[u8]> {
        let at = self.keys.iter().rposition(|k| *k == key.0)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        self.records.get(start..self.ends[at] as usize)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size());
        bytes.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        self.keys.iter().for_each(|k| bytes.extend_from_slice(&k.to_be_bytes()));
        self.ends.iter().for_each(|e| bytes.extend_from_slice(&e.to_le_bytes()));
        bytes.extend_from_slice(&self.records);
        bytes
    }
}

impl<'a> Stored<'a> {
    /// # Errors
    /// When the bytes are no chunk.
    pub fn read(store: &Store, number: u64, bytes: &'a [u8]) -> Result<Self, StoreError> {
        Stored::parse(bytes).ok_or_else(|| store.damaged(format!("chunk {number} of its records is cut")))
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<COUNT>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (keys, rest) = rest.split_at_checked(count.checked_mul(KEY)?)?;
        let (ends, records) = rest.split_at_checked(count * END)?;
        let (keys, ends) = (keys.as_chunks().0, ends.as_chunks().0);
        let mut before = 0;
        for end in ends.iter().map(|e| u32::from_le_bytes(*e)) {
            if end < before {
                return None;
            }
            before = end;
        }
        (before as usize == records.len()).then_some(Stored { keys, ends, records })
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    fn record(&self, at: usize) -> &'a [u8] {
        let end = |at: usize| u32::from_le_bytes(self.ends[at]) as usize;
        let start = if at == 0 { 0 } else { end(at - 1) };
        &self.records[start..end(at)]
    }

    /// The copy of a key's record that holds.
    pub fn find(&self, key: JoinKey) -> Option<&'a [u8]> {
        let key = key.0.to_be_bytes();
        self.keys.iter().rposition(|k| *k == key).map(|at| self.record(at))
    }

    /// Its keys, each once, with the copy that holds.
    pub fn copies_that_hold(&self) -> impl Iterator<Item = (JoinKey, &'a [u8])> {
        let stored = *self;
        (0..self.len()).filter_map(move |at| {
            let key = stored.keys[at];
            let later = stored.keys[at + 1..].contains(&key);
            (!later).then(|| (JoinKey(u128::from_be_bytes(key)), stored.record(at)))
        })
    }
}
