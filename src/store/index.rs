use crate::event::JoinKey;

/// Where each record of a store stands: the number of its chunk, found by its key, in memory.
///
/// Keys are hashes. The first bits of a key name a shard, the next 16 are kept in it as a tag, in order, each with the
/// chunk: 6.4 bytes a record. Two keys may share a tag, so what is found is where a record *may* be; the chunk holds the
/// whole key. One key in a hundred meets another's tag in a store of five million
/// records.
#[derive(Debug, Default)]
pub struct Index {
    shards: Vec<Shard>,
    len: usize,
}

#[derive(Debug, Clone, Default)]
struct Shard {
    /// In rising order.
    tags: Vec<u16>,
    /// At the same places.
    chunks: Vec<u32>,
}

/// Enough that inserting into a shard of twenty million records moves a few kilobytes.
const SHARD_BITS: u32 = 13;

impl Index {
    /// Chunks in which the record of a key may be.
    pub fn candidates(&self, key: JoinKey) -> &[u32] {
        let (shard, tag) = place(key);
        self.shards.get(shard).map_or(&[], |s| {
            let from = s.tags.partition_point(|t| *t < tag);
            let same = s.tags[from..].iter().take_while(|t| **t == tag).count();
            &s.chunks[from..from + same]
        })
    }

    pub fn insert(&mut self, key: JoinKey, chunk: u32) {
        if self.shards.is_empty() {
            self.shards.resize(1 << SHARD_BITS, Shard::default());
        }
        let (shard, tag) = place(key);
        let s = &mut self.shards[shard];
        let at = s.tags.partition_point(|t| *t <= tag);
        if s.tags.len() == s.tags.capacity() {
            // a vector doubles: half of the memory would be empty
            let more = (s.tags.len() / 8).max(16);
            s.tags.reserve_exact(more);
            s.chunks.reserve_exact(more);
        }
        s.tags.insert(at, tag);
        s.chunks.insert(at, chunk);
        self.len += 1;
    }

    /// The record of a key stands in another chunk now; it must stand in `from`.
    pub fn moved(&mut self, key: JoinKey, from: u32, to: u32) {
        if let Some((shard, at)) = self.position(key, from) {
            self.shards[shard].chunks[at] = to;
        }
    }

    pub fn remove(&mut self, key: JoinKey, chunk: u32) {
        if let Some((shard, at)) = self.position(key, chunk) {
            self.shards[shard].tags.remove(at);
            self.shards[shard].chunks.remove(at);
            self.len -= 1;
        }
    }

    fn position(&self, key: JoinKey, chunk: u32) -> Option<(usize, usize)> {
        let (shard, tag) = place(key);
        let s = self.shards.get(shard)?;
        let from = s.tags.partition_point(|t| *t < tag);
        let same = s.tags[from..].iter().take_while(|t| **t == tag).count();
        let at = s.chunks[from..from + same].iter().position(|c| *c == chunk)?;
        Some((shard, from + at))
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

fn place(JoinKey(key): JoinKey) -> (usize, u16) {
    ((key >> (128 - SHARD_BITS)) as usize, (key >> (112 - SHARD_BITS)) as u16)
}
