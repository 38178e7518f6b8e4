use fjall::{Keyspace, OwnedWriteBatch};

use super::{Rules, Store, StoreError};

/// Before every other key of a keyspace, since those are longer or begin higher.
const SEAL: [u8; 1] = [0];

impl Store {
    fn sealed(&self) -> [(&'static str, &Keyspace); 6] {
        [
            ("state", &self.state),
            ("facts", &self.facts),
            ("symbols", &self.symbols),
            ("meta", &self.meta),
            ("dead_letters", &self.dead),
            ("outbox", &self.outbox),
        ]
    }

    fn seal_of(&self, keyspace: &Keyspace) -> Result<u64, StoreError> {
        let found = keyspace.get(SEAL).map_err(|e| self.wrap(e))?;
        Ok(found.and_then(|bytes| bytes[..].try_into().ok().map(u64::from_be_bytes)).unwrap_or(0))
    }

    /// Writes the number of the commit into every keyspace.
    pub(super) fn seal(&self, batch: &mut OwnedWriteBatch) -> Result<(), StoreError> {
        let number = self.seal_of(&self.meta)? + 1;
        for (_, keyspace) in self.sealed() {
            batch.insert(keyspace, SEAL, number.to_be_bytes());
        }
        Ok(())
    }

    /// All keyspaces are of one commit. What a disk lost or spoilt may leave one of them empty or behind the others: the
    /// database opens, and its facts would not fit its offsets.
    pub(super) fn check_seals(&self) -> Result<(), StoreError> {
        if self.adopted()? == Some(Rules::nobodys()) {
            return Ok(());
        }
        let mut seals = Vec::new();
        for (name, keyspace) in self.sealed() {
            seals.push((name, self.seal_of(keyspace)?));
        }
        if seals.iter().all(|(_, seal)| *seal == seals[0].1) {
            return Ok(());
        }
        let list: Vec<String> = seals.iter().map(|(name, seal)| format!("{name} {seal}")).collect();
        Err(self.damaged(format!("its parts are of different commits ({})", list.join(", "))))
    }
}
