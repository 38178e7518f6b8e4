use std::path::{Path, PathBuf};

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{CompressionPolicy, FilterPolicy, PinningPolicy},
};
use serde::{Deserialize, Serialize};

use super::contained::contained;
use crate::{fact::Ledger, ingest::created_whole};

/// The embedded store of one data directory.
#[derive(Clone)]
pub struct Store {
    pub(super) db: Database,
    pub(super) state: Keyspace,
    pub(super) facts: Keyspace,
    pub(super) symbols: Keyspace,
    pub(super) meta: Keyspace,
    pub(super) dead: Keyspace,
    pub(super) outbox: Keyspace,
    pub(super) path: PathBuf,
}

/// Memory and threads of one store; stores of partitions share what a process has.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    cache: u64,
    /// Write-ahead log before the oldest memtable must be flushed.
    log: u64,
    /// Memtables of records and of facts.
    state: u64,
    facts: u64,
    workers: usize,
}

impl Budget {
    /// For the only store of a process.
    pub fn whole() -> Self {
        let workers = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
        Budget { cache: 64 << 20, log: 128 << 20, state: 32 << 20, facts: 16 << 20, workers }
    }

    /// For one of `stores` in one process.
    pub fn shared(stores: u32) -> Self {
        let part = |whole: u64, least: u64| (whole / u64::from(stores.max(1))).max(least);
        Budget {
            cache: part(32 << 20, 2 << 20),
            log: 64 << 20,
            state: part(32 << 20, 2 << 20),
            facts: part(16 << 20, 1 << 20),
            workers: 1,
        }
    }
}

/// What the facts in a store depend on besides the events: a change of it needs a rebuild from the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Layout of records and cells.
    pub layout: u32,
}

impl Fingerprint {
    pub const CURRENT: Fingerprint = Fingerprint { layout: 5 };
}

/// What facts depend on besides their events: under other rules they are other facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Digest of nomenclatures, review rates, shares of texts kept and whether annotators are named.
    pub naming: u64,
    /// Thresholds by model, and under the empty name that of all others.
    pub thresholds: Vec<(String, Option<f64>)>,
}

impl Rules {
    /// Of a store that is being emptied.
    pub(super) fn nobodys() -> Self {
        Rules { naming: u64::MAX, thresholds: Vec::new() }
    }

    pub fn threshold(&self, model: &str) -> Option<f64> {
        let of = |name: &str| self.thresholds.iter().find(|(n, _)| n == name).map(|(_, t)| *t);
        of(model).or_else(|| of("")).flatten()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("store {path}: {source}")]
    Database { path: String, source: fjall::Error },
    #[error("store {path} cannot be opened: another vigie process holds it (stop it, or ask it over HTTP)")]
    Locked { path: String },
    #[error(
        "store {path} was written by another version (layout {found}, this one writes {expected}); \
             move it away: it is rebuilt from the journal or the topics"
    )]
    Layout { path: String, found: u32, expected: u32 },
    #[error("store {path} is damaged: {message}; move it away: it is rebuilt from the journal or the topics")]
    Damaged { path: String, message: String },
    #[error("records of one batch must be asked for in the order of their keys")]
    OutOfOrder,
    #[error("a stored record is damaged: {0}")]
    Record(#[from] postcard::Error),
    #[error("store {path}: {source}")]
    Io { path: String, source: std::io::Error },
}

impl Store {
    /// Opens or creates the store in a directory.
    ///
    /// # Errors
    /// When another process holds it, it is damaged, or another version wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Store::open_within(path, Budget::whole())
    }

    /// Opens or creates the store in a directory, with a part of the process's memory.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_within(path: &Path, budget: Budget) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        created_whole(path).map_err(|source| StoreError::Io { path: shown.clone(), source })?;
        let wrap = |source| match source {
            fjall::Error::Locked => StoreError::Locked { path: shown.clone() },
            source => StoreError::Database { path: shown.clone(), source },
        };
        let builder = Database::builder(path)
            .cache_size(budget.cache)
            .max_journaling_size(budget.log)
            .worker_threads(budget.workers)
            .journal_compression(fjall::CompressionType::None);
        // its recovery believes the lengths that it finds on the disk, and panics at some that cannot be
        let db = contained(move || builder.open())
            .map_err(|message| StoreError::Damaged { path: shown.clone(), message })?
            .map_err(wrap)?;
        let open = |name: &str, memtable: u64| {
            db.keyspace(name, || KeyspaceCreateOptions::default().max_memtable_size(memtable)).map_err(wrap)
        };
        let store = Store {
            // records are hashes and numbers: compressing them costs time and saves little
            state: db
                .keyspace("state", || {
                    KeyspaceCreateOptions::default()
                        .max_memtable_size(budget.state)
                        .data_block_compression_policy(CompressionPolicy::disabled())
                        // only chunks that are there are asked for: filters would say nothing
                        .filter_policy(FilterPolicy::disabled())
                        .expect_point_read_hits(true)
                        .index_block_pinning_policy(PinningPolicy::all(true))
                })
                .map_err(wrap)?,
            facts: open("facts", budget.facts)?,
            symbols: open("symbols", 4 << 20)?,
            meta: open("meta", 1 << 20)?,
            dead: open("dead_letters", budget.facts / 2)?,
            outbox: open("outbox", budget.facts / 2)?,
            path: path.to_owned(),
            db,
        };
        store.check_layout()?;
        store.check_seals()?;
        Ok(store)
    }

    fn check_layout(&self) -> Result<(), StoreError> {
        let expected = Fingerprint::CURRENT;
        match self.meta_get::<Fingerprint>("fingerprint")? {
            None => {
                let bytes = postcard::to_stdvec(&expected)?;
                self.meta.insert("fingerprint", bytes).map_err(|e| self.wrap(e))
            }
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(StoreError::Layout {
                path: self.path.display().to_string(),
                found: found.layout,
                expected: expected.layout,
            }),
        }
    }

    /// The rules under which the facts were made; `None` for a new store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn adopted(&self) -> Result<Option<Rules>, StoreError> {
        self.meta_get("rules")
    }

    /// Makes the store agree with rules: a new store takes them on, one of other rules is emptied, to be filled from
    /// the journal again. True when it was emptied.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn adopt(&self, rules: &Rules) -> Result<bool, StoreError> {
        let found = self.adopted()?;
        if found.as_ref() == Some(rules) {
            return Ok(false);
        }
        if found.is_some() {
            // after a crash between these lines the next start finds rules that nobody has, and empties again; were the
            // offset in `meta` gone before the state, all events would pass for duplicates
            self.meta.insert("rules", postcard::to_stdvec(&Rules::nobodys())?).map_err(|e| self.wrap(e))?;
            for keyspace in [&self.facts, &self.state, &self.symbols, &self.dead, &self.outbox, &self.meta] {
                keyspace.clear().map_err(|e| self.wrap(e))?;
            }
            self.check_layout()?;
        }
        let bytes = postcard::to_stdvec(rules)?;
        self.meta.insert("rules", bytes).map_err(|e| self.wrap(e))?;
        Ok(found.is_some())
    }

    pub(super) fn meta_get<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let found = self.meta.get(key).map_err(|e| self.wrap(e))?;
        Ok(found.map(|bytes| postcard::from_bytes(&bytes)).transpose()?)
    }

    /// The offset that the next event of a source has; 0 for one never seen.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn offset(&self, source: &str) -> Result<u64, StoreError> {
        Ok(self.meta_get(&format!("offset/{source}"))?.unwrap_or(0))
    }

    /// # Errors
    /// When the store cannot be read.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        Ok(self.meta_get("ledger")?.unwrap_or_default())
    }

    /// Makes every commit so far survive a power cut.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.db.persist(PersistMode::SyncAll).map_err(|e| self.wrap(e))
    }

    /// Bytes on disk.
    pub fn disk_space(&self) -> u64 {
        self.db.disk_space().unwrap_or_default()
    }

    pub(super) fn damaged(&self, message: String) -> StoreError {
        StoreError::Damaged { path: self.path.display().to_string(), message }
    }

    pub(super) fn wrap(&self, source: fjall::Error) -> StoreError {
        StoreError::Database { path: self.path.display().to_string(), source }
    }
}
