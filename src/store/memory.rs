use hashbrown::HashMap;

use super::{State, StoreError};
use crate::{event::JoinKey, join::Held};

/// State of a batch run: records encoded end to end in one buffer, since a million small allocations would cost
/// more than what they hold.
#[derive(Debug, Default)]
pub struct Memory {
    records: Vec<u8>,
    at: HashMap<JoinKey, (u32, u16), foldhash::fast::FixedState>,
    /// Records that do not fit the compact addressing: over 64 kB, or past 64 GB of records.
    large: HashMap<JoinKey, Held>,
}

/// Records start at multiples of this, so that 32 bits address 64 GB.
const ALIGN: usize = 16;

impl Memory {
    pub fn len(&self) -> usize {
        self.at.len() + self.large.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at.is_empty() && self.large.is_empty()
    }
}

impl State for Memory {
    fn get(&mut self, key: JoinKey) -> Result<Option<Held>, StoreError> {
        let Some((at, len)) = self.at.get(&key) else { return Ok(self.large.get(&key).cloned()) };
        let start = *at as usize * ALIGN;
        let held = postcard::from_bytes(&self.records[start..start + usize::from(*len)])?;
        Ok(Some(held))
    }

    fn put(&mut self, key: JoinKey, held: Held) -> Result<(), StoreError> {
        // a record that grew is written anew; corrections are few, so what is left behind is little
        self.records.resize(self.records.len().next_multiple_of(ALIGN), 0);
        let start = self.records.len();
        let mut scratch = [0u8; 1024];
        match postcard::to_slice(&held, &mut scratch) {
            Ok(bytes) => self.records.extend_from_slice(bytes),
            Err(_) => self.records.append(&mut postcard::to_stdvec(&held)?),
        }
        let len = self.records.len() - start;
        match (u32::try_from(start / ALIGN), u16::try_from(len)) {
            (Ok(at), Ok(len)) => {
                self.at.insert(key, (at, len));
            }
            _ => {
                self.records.truncate(start);
                self.at.remove(&key);
                self.large.insert(key, held);
            }
        }
        Ok(())
    }
}
