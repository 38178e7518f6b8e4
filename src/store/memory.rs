use hashbrown::{HashMap, HashTable};

use super::{State, StoreError};
use crate::{
    event::{JoinKey, PredictionEntry},
    join::{Held, HeldPrediction},
};

/// State of a batch run. Nearly every record is one prediction without a correction: those stand as they are, in
/// large blocks that go back to the system when the batch is done.
#[derive(Debug, Default)]
pub struct Memory {
    /// Positions in `alone`, found by key.
    at: HashTable<u32>,
    /// In chunks, since growing one long vector would copy it and need twice its size for a moment; large ones, since
    /// an allocator gives only large blocks back to the system when the batch is done.
    alone: Vec<Vec<(JoinKey, PredictionEntry)>>,
    /// All others, encoded end to end, with where each begins and its length.
    records: Vec<u8>,
    others: HashMap<JoinKey, (u64, u32), foldhash::fast::FixedState>,
    /// What the last search found: a record is put right after it was got.
    last: Option<(JoinKey, Option<u32>)>,
}

const CHUNK: usize = 1 << 19;

impl Memory {
    fn entry(alone: &[Vec<(JoinKey, PredictionEntry)>], at: u32) -> &(JoinKey, PredictionEntry) {
        &alone[at as usize / CHUNK][at as usize % CHUNK]
    }

    /// Keys are hashes already.
    fn hash(key: JoinKey) -> u64 {
        key.0 as u64
    }

    fn find(&self, key: JoinKey) -> Option<u32> {
        let same = |at: &u32| Self::entry(&self.alone, *at).0 == key;
        self.at.find(Self::hash(key), same).copied()
    }
}

impl State for Memory {
    fn get(&mut self, key: JoinKey) -> Result<Option<Held>, StoreError> {
        let found = self.find(key);
        self.last = Some((key, found));
        let Some(at) = found else {
            let Some((start, len)) = self.others.get(&key) else { return Ok(None) };
            let start = *start as usize;
            return Ok(Some(postcard::from_bytes(&self.records[start..start + *len as usize])?));
        };
        let entry = Self::entry(&self.alone, at).1.clone();
        let only = HeldPrediction { entry, conflicting: Vec::new() };
        Ok(Some(Held { predictions: vec![only], corrections: Vec::new() }))
    }

    fn put(&mut self, key: JoinKey, mut held: Held) -> Result<(), StoreError> {
        let simple = held.corrections.is_empty()
            && held.predictions.len() == 1
            && held.predictions.iter().all(|p| p.conflicting.is_empty());
        let room = self.alone.len() < u32::MAX as usize / CHUNK;
        let known = match self.last.take() {
            Some((last, found)) if last == key => found,
            _ => self.find(key),
        };
        let only = if simple && room && known.is_none() { held.predictions.pop() } else { None };
        let Some(only) = only else {
            if let Some(at) = known {
                // what stands in `alone` is found no more
                let same = |found: &u32| *found == at;
                if let Ok(found) = self.at.find_entry(Self::hash(key), same) {
                    found.remove();
                }
            }
            // a record that grew is written anew; corrections are few, so what is left behind is little
            let start = self.records.len();
            let mut scratch = [0u8; 1024];
            match postcard::to_slice(&held, &mut scratch) {
                Ok(bytes) => self.records.extend_from_slice(bytes),
                Err(_) => self.records.append(&mut postcard::to_stdvec(&held)?),
            }
            self.others.insert(key, (start as u64, (self.records.len() - start) as u32));
            return Ok(());
        };
        self.others.remove(&key);
        if self.alone.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.alone.push(Vec::with_capacity(CHUNK));
        }
        let chunks = self.alone.len();
        if let Some(chunk) = self.alone.last_mut() {
            let at = ((chunks - 1) * CHUNK + chunk.len()) as u32;
            chunk.push((key, only.entry));
            let alone = &self.alone;
            self.at.insert_unique(Self::hash(key), at, |at| Self::hash(Self::entry(alone, *at).0));
        }
        Ok(())
    }
}
