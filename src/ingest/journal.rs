use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};

use serde::{Deserialize, Serialize};

use crate::event::Kind;

/// The embedded log: what is appended here and acknowledged is on disk, in order, with an offset a line.
///
/// Lines are kept as they came, in chunks, in a database of their own: its fsyncs are the journal's and not the
/// store's. A chunk's key is the offset of its first line.
#[derive(Clone)]
pub struct Journal {
    db: Database,
    chunks: Keyspace,
    /// Offset that the next line gets.
    next: Arc<AtomicU64>,
    /// Lines before it are on disk: only those are read, so that the store never knows more than the journal.
    durable: Arc<AtomicU64>,
    appending: Arc<Mutex<()>>,
    appended: Arc<Condvar>,
    path: PathBuf,
}

/// Consecutive lines of one kind.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Offset of the first line.
    pub first: u64,
    /// What the sender said the lines are; `None` = each line tells.
    pub kind: Option<Kind>,
    /// The lines are [`RefusedRow`]s: their file's reader could make no event of them.
    pub refused: bool,
    /// Lines, each ended by `\n`.
    pub lines: Arc<[u8]>,
}

/// Tag of a chunk of [`RefusedRow`]s.
const REFUSED: u8 = 3;

/// A row that never became an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusedRow {
    pub kind: Option<Kind>,
    pub reason: String,
    pub detail: String,
    pub raw: String,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("journal {path}: {source}")]
    Database { path: String, source: fjall::Error },
    #[error("journal {path} cannot be opened: another vigie process holds it")]
    Locked { path: String },
    #[error("journal {path}: chunk at offset {first} is not one this version wrote")]
    Corrupt { path: String, first: u64 },
    #[error("journal {path}: {source}")]
    Io { path: String, source: std::io::Error },
}

impl Journal {
    /// Opens or creates the journal in a directory.
    ///
    /// # Errors
    /// When it is held by another process, unreadable or not a journal.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let shown = path.display().to_string();
        created_whole(path).map_err(|source| JournalError::Io { path: shown.clone(), source })?;
        let wrap = |source| match source {
            fjall::Error::Locked => JournalError::Locked { path: shown.clone() },
            source => JournalError::Database { path: shown.clone(), source },
        };
        let db = Database::builder(path)
            .cache_size(8 << 20)
            .max_journaling_size(64 << 20)
            .manual_journal_persist(true)
            // chunks are compressed once, when they move to their place
            .journal_compression(fjall::CompressionType::None)
            .open()
            .map_err(wrap)?;
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(16 << 20)
                .with_kv_separation(Some(KvSeparationOptions::default()))
        };
        let chunks = db.keyspace("chunks", options).map_err(wrap)?;
        let journal = Journal {
            db,
            chunks,
            next: Arc::default(),
            durable: Arc::default(),
            appending: Arc::default(),
            appended: Arc::default(),
            path: path.to_owned(),
        };
        let end = match journal.chunks.last_key_value() {
            Some(guard) => {
                let (key, value) = guard.into_inner().map_err(wrap)?;
                let chunk = journal.chunk(&key, &value)?;
                chunk.first + lines_in(&chunk.lines)
            }
            None => 0,
        };
        journal.next.store(end, Ordering::Release);
        journal.durable.store(end, Ordering::Release);
        Ok(journal)
    }

    /// The number of lines that are on disk: all that readers see.
    pub fn end(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Appends lines (each ended by `\n`, none blank) and gives the offset of the first. Neither durable nor seen by
    /// readers before [`Journal::sync`] returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&self, kind: Option<Kind>, lines: &[u8]) -> Result<u64, JournalError> {
        let tag = match kind {
            None => 0,
            Some(Kind::Prediction) => 1,
            Some(Kind::Correction) => 2,
        };
        self.append_tagged(tag, lines)
    }

    /// Appends a row that its file's reader refused, so that its reason survives: read as JSON it might find another.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append_refused(&self, row: &RefusedRow) -> Result<u64, JournalError> {
        let mut line = serde_json::to_vec(row).unwrap_or_default();
        line.push(b'\n');
        self.append_tagged(REFUSED, &line)
    }

    fn append_tagged(&self, tag: u8, lines: &[u8]) -> Result<u64, JournalError> {
        let count = lines_in(lines);
        let _one_at_a_time = self.appending.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.next.load(Ordering::Acquire);
        if count == 0 {
            return Ok(first);
        }
        let mut value = Vec::with_capacity(lines.len() + 1);
        value.push(tag);
        value.extend_from_slice(lines);
        self.chunks.insert(first.to_be_bytes(), value).map_err(|e| self.wrap(e))?;
        self.next.store(first + count, Ordering::Release);
        Ok(first)
    }

    /// Waits until there is a line at `offset`, at most for `patience`; false when there is none then.
    pub fn wait_for(&self, offset: u64, patience: Duration) -> bool {
        let guard = self.appending.lock().unwrap_or_else(PoisonError::into_inner);
        if self.end() <= offset {
            drop(self.appended.wait_timeout(guard, patience));
        }
        self.end() > offset
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When the disk refuses: nothing since the last sync may be acknowledged then.
    pub fn sync(&self) -> Result<(), JournalError> {
        let end = self.next.load(Ordering::Acquire);
        self.db.persist(PersistMode::SyncAll).map_err(|e| self.wrap(e))?;
        let _not_between_look_and_wait = self.appending.lock().unwrap_or_else(PoisonError::into_inner);
        self.durable.fetch_max(end, Ordering::AcqRel);
        self.appended.notify_all();
        Ok(())
    }

    /// The chunk that holds `offset`, cut so that it starts there; `None` at the end.
    ///
    /// # Errors
    /// When the database cannot be read or holds something else.
    pub fn read(&self, offset: u64) -> Result<Option<Chunk>, JournalError> {
        if offset >= self.end() {
            return Ok(None);
        }
        let Some(guard) = self.chunks.range(..=offset.to_be_bytes()).next_back() else { return Ok(None) };
        let (key, value) = guard.into_inner().map_err(|e| self.wrap(e))?;
        let mut chunk = self.chunk(&key, &value)?;
        let skip = (offset - chunk.first) as usize;
        if skip > 0 {
            let cut = memchr::memchr_iter(b'\n', &chunk.lines).nth(skip - 1);
            let corrupt = JournalError::Corrupt { path: self.path.display().to_string(), first: chunk.first };
            chunk.lines = chunk.lines[cut.ok_or(corrupt)? + 1..].into();
            chunk.first = offset;
        }
        Ok(Some(chunk))
    }

    fn chunk(&self, key: &[u8], value: &[u8]) -> Result<Chunk, JournalError> {
        let first = key.try_into().map(u64::from_be_bytes).unwrap_or(u64::MAX);
        let corrupt = || JournalError::Corrupt { path: self.path.display().to_string(), first };
        let (tag, lines) = value.split_first().ok_or_else(corrupt)?;
        let kind = match *tag {
            0 | REFUSED => None,
            1 => Some(Kind::Prediction),
            2 => Some(Kind::Correction),
            _ => return Err(corrupt()),
        };
        Ok(Chunk { first, kind, refused: *tag == REFUSED, lines: lines.into() })
    }

    /// Bytes on disk.
    pub fn disk_space(&self) -> u64 {
        self.db.disk_space().unwrap_or_default()
    }

    fn wrap(&self, source: fjall::Error) -> JournalError {
        JournalError::Database { path: self.path.display().to_string(), source }
    }
}

fn lines_in(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

/// A kill during fjall's very first creation can leave a directory that never opens again: it writes its `version`
/// marker after other files. So a database is created beside its place and renamed into it.
pub(crate) fn created_whole(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let making = parent.join(format!(".{name}.creating"));
    if making.exists() {
        std::fs::remove_dir_all(&making)?;
    }
    drop(Database::builder(&making).open().map_err(std::io::Error::other)?);
    std::fs::rename(&making, path)?;
    // the rename itself must survive a power cut
    std::fs::File::open(parent)?.sync_all()
}
