use super::Incoming;
use crate::event::Kind;

/// Messages of one pair of partitions on their way to one commit. Keys and payloads stand end to end in one block: a
/// batch costs a few allocations, not one a message.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// Bytes of all headers.
    headers: usize,
}

#[derive(Debug)]
struct Item {
    kind: Kind,
    offset: u64,
    timestamp: Option<i64>,
    key: Option<(usize, usize)>,
    payload: Option<(usize, usize)>,
    /// Nearly always absent.
    headers: Option<Box<Headers>>,
}

type Headers = Vec<(String, Vec<u8>)>;

/// Memory of a header besides its name and value.
const HEADER: usize = 64;

/// One message, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    pub kind: Kind,
    pub offset: u64,
    /// Milliseconds since 1970, the producer's or the broker's.
    pub timestamp: Option<i64>,
    pub key: Option<&'r [u8]>,
    /// `None` is a tombstone.
    pub payload: Option<&'r [u8]>,
    pub headers: &'r [(String, Vec<u8>)],
}

impl Records {
    pub fn push(&mut self, message: &Incoming<'_>) {
        let headers = message.headers();
        self.add(&Record {
            kind: message.kind,
            offset: message.offset(),
            timestamp: message.timestamp(),
            key: message.key(),
            payload: message.payload(),
            headers: &headers,
        });
    }

    pub fn add(&mut self, r: &Record<'_>) {
        let (key, payload) = (self.keep(r.key), self.keep(r.payload));
        self.headers += r.headers.iter().map(|(name, value)| name.len() + value.len() + HEADER).sum::<usize>();
        let headers = (!r.headers.is_empty()).then(|| Box::new(r.headers.to_vec()));
        self.items.push(Item { kind: r.kind, offset: r.offset, timestamp: r.timestamp, key, payload, headers });
    }

    fn keep(&mut self, part: Option<&[u8]>) -> Option<(usize, usize)> {
        let part = part?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(part);
        Some((start, self.bytes.len()))
    }

    /// Forgets the messages and keeps their memory for others.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.headers = 0;
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Memory that it takes, roughly.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.headers + self.items.len() * size_of::<Item>()
    }

    pub fn get(&self, at: usize) -> Option<Record<'_>> {
        self.items.get(at).map(|item| self.record(item))
    }

    /// In the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.items.iter().map(|item| self.record(item))
    }

    fn record<'r>(&'r self, item: &'r Item) -> Record<'r> {
        let part = |range: Option<(usize, usize)>| range.map(|(start, end)| &self.bytes[start..end]);
        Record {
            kind: item.kind,
            offset: item.offset,
            timestamp: item.timestamp,
            key: part(item.key),
            payload: part(item.payload),
            headers: item.headers.as_deref().map_or(&[], Vec::as_slice),
        }
    }
}
