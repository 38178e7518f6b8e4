use std::hash::Hasher;

use super::{NomenclatureBook, PipelineError, Tabulator, rules, tabulator::conflict};
use crate::{
    event::{Entry, JoinKey, Kind, Reason, Reject},
    fact::{Facts, Ledger},
    ingest::{
        Admission, Admitted, Policies, Row,
        kafka::{Record, Records, Start, unwrap},
    },
    store::{Commit, DeadLetter, HeldLog, Marks, Parcel, Store, Sweep, Tail, Written},
};

/// What a pair of partitions is consumed with.
#[derive(Debug, Clone)]
pub struct PairSettings {
    pub pair: u32,
    pub predictions: String,
    pub corrections: String,
    /// Topic of dead letters; `None` = they are kept in the store only.
    pub dead_letters: Option<String>,
    /// Milliseconds of event time that records are held.
    pub horizon: i64,
}

impl PairSettings {
    fn topic(&self, kind: Kind) -> &str {
        match kind {
            Kind::Prediction => &self.predictions,
            Kind::Correction => &self.corrections,
        }
    }

    /// Name of a topic's partition among the store's offsets, and as the source of dead letters.
    pub fn source(&self, kind: Kind) -> String {
        format!("{}/{}", self.topic(kind), self.pair)
    }
}

/// Keeps the store of one pair of partitions: messages in, one atomic commit out. The log decides: two of them that took
/// the same messages hold the same facts, whatever their batches were, as long as nothing passed the horizon.
pub struct PartitionConsumer {
    store: Store,
    settings: PairSettings,
    tabulator: Tabulator,
    ledger: Ledger,
    marks: Marks,
    written: Written,
    log: HeldLog,
    /// Of the batch at hand; its memory is used again.
    admitted: Vec<Admitted>,
    /// Next offset of each topic.
    next: [u64; 2],
    /// Before these offsets dead letters have been delivered by whoever read them before.
    delivered_before: [u64; 2],
}

/// What one batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub events: u64,
    pub rejected: u64,
    /// Numbers of the parcels that wait for the dead-letter topic now.
    pub parcels: std::ops::Range<u64>,
}

/// A prediction this far behind the watermark counts as late.
const LATE: i64 = 3_600_000;
/// An event whose time is further ahead of its record's than this does not move the watermark: a clock is wrong.
const AHEAD: i64 = 86_400_000;
/// Records looked at for expiry in one commit, while a search is under way.
const STRETCH: usize = 5_000;
/// Searches for expired records begin at most this often in one horizon of event time.
const SEARCHES: i64 = 100;

impl PartitionConsumer {
    /// Goes on where the store stopped. The flag is true when the store was emptied, since its facts were made under
    /// other thresholds, nomenclatures or review rates.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(
        store: Store,
        settings: PairSettings,
        policies: Policies,
        book: NomenclatureBook,
    ) -> Result<(Self, bool), PipelineError> {
        let emptied = store.adopt(&rules(&book, &policies))?;
        let symbols = store.symbols()?;
        let written = Written::of(&symbols);
        let marks = store.marks()?;
        let mut log = HeldLog::load(&store)?;
        log.go_past(marks.sweep.as_ref().map_or(0, |sweep| sweep.until));
        let next = [Kind::Prediction, Kind::Correction].map(|kind| store.offset(&settings.source(kind)));
        let [predictions, corrections] = next;
        let mut tabulator = Tabulator::new(Admission::new(symbols, policies.clone()), policies, book);
        tabulator.introduce_known();
        let consumer = PartitionConsumer {
            ledger: store.ledger()?,
            marks,
            next: [predictions?, corrections?],
            delivered_before: [0, 0],
            store,
            settings,
            tabulator,
            written,
            log,
            admitted: Vec::new(),
        };
        Ok((consumer, emptied))
    }

    pub fn start(&self) -> Start {
        Start { pair: self.settings.pair, predictions: self.next[0], corrections: self.next[1] }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Ids that are held: each takes a few bytes of memory, and a record on disk.
    pub fn held(&self) -> u64 {
        self.log.len() as u64
    }

    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Where reading of a topic begins, when nothing of it was read; or goes on, past events that are lost. The next
    /// commit keeps it.
    pub fn move_to(&mut self, kind: Kind, offset: u64, lost: u64) {
        self.next[slot(kind)] = offset;
        self.marks.lost += lost;
        let topic = self.marks.topic(kind);
        topic.tail = None;
        topic.first.get_or_insert(offset);
    }

    /// The topic is another one under the same name: reads it from `offset`. What was counted stays, and ids that come
    /// again are duplicates.
    pub fn begin_anew(&mut self, kind: Kind, offset: u64) {
        self.marks.recreated += 1;
        self.marks.topic(kind).first = None;
        self.delivered_before[slot(kind)] = 0;
        self.move_to(kind, offset, 0);
    }

    /// Dead letters before `offset` were delivered when somebody read them first: reading again sends none of them.
    pub fn delivered_before(&mut self, kind: Kind, offset: u64) {
        self.delivered_before[slot(kind)] = offset;
    }

    /// Commits what was decided about where reading goes on, though nothing was read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep(&mut self) -> Result<(), PipelineError> {
        self.take(&Records::default()).map(|_| ())
    }

    /// Takes a batch into one commit. Messages that the store has already are passed over.
    ///
    /// # Errors
    /// When the store fails, or the topic turns out to be another one: nothing of the batch is kept.
    pub fn take(&mut self, records: &Records) -> Result<Taken, PipelineError> {
        self.admitted.clear();
        let mut marks = self.marks.clone();
        let mut next = self.next;
        let mut letters = Vec::new();
        let mut events = 0;
        for (at, record) in records.iter().enumerate() {
            let slot = slot(record.kind);
            if record.offset < self.next[slot] {
                self.recognise(&record)?;
                continue;
            }
            next[slot] = record.offset + 1;
            events += 1;
            marks.keyless += u64::from(record.key.is_none());
            match self.admit(&record, &mut marks) {
                Ok((key, entry)) => self.admitted.push(Admitted { key, offset: at as u64, entry }),
                Err(reject) => {
                    self.tabulator.refuse(Some(record.kind), reject.reason);
                    letters.push((at as u64, reject));
                }
            }
        }
        for (kind, slot) in [(Kind::Prediction, 0), (Kind::Correction, 1)] {
            if next[slot] != self.next[slot] {
                let last = records.iter().filter(|r| r.kind == kind).last();
                marks.topic(kind).tail = last.map(|r| tail(&r));
                marks.topic(kind).first.get_or_insert(self.next[slot]);
            }
        }
        let mut state = self.store.working_set(&mut self.log);
        let conflicts = self.tabulator.join_all(&mut state, &mut self.admitted)?;
        letters.extend(conflicts.into_iter().map(|(at, _)| (at, conflict())));
        letters.sort_by_key(|(at, _)| *at);
        let facts = self.tabulator.take_facts();
        marks.oldest = [marks.oldest, state.oldest()].into_iter().flatten().min();
        let offsets = [Kind::Prediction, Kind::Correction].map(|kind| (self.settings.source(kind), next[slot(kind)]));
        let (mut dead_letters, mut parcels) = (Vec::with_capacity(letters.len()), Vec::new());
        let rejected = letters.len() as u64;
        for (at, reject) in letters {
            let Some(record) = records.get(at as usize) else { continue };
            if record.offset >= self.delivered_before[slot(record.kind)] {
                parcels.extend(parcel(&self.settings, &record, &reject));
            }
            dead_letters.push(letter(&self.settings, &record, reject));
        }
        let marked = Some(&marks);
        let commit =
            Commit { facts, dead_letters, offsets: offsets.to_vec(), marks: marked, parcels, ..Commit::of(state) };
        let parcels =
            self.store.commit(commit, &mut self.ledger, &self.tabulator.admission.symbols, &mut self.written)?;
        (self.next, self.marks) = (next, marks);
        self.sweep()?;
        Ok(Taken { events, rejected, parcels })
    }

    /// The record before the next one was asked for once more: is it still the one that was read?
    fn recognise(&self, record: &Record<'_>) -> Result<(), PipelineError> {
        let topic = match record.kind {
            Kind::Prediction => &self.marks.predictions,
            Kind::Correction => &self.marks.corrections,
        };
        match &topic.tail {
            Some(known) if known.offset == record.offset && *known != tail(record) => Err(PipelineError::Recreated {
                topic: self.settings.topic(record.kind).to_owned(),
                kind: record.kind,
                pair: self.settings.pair,
            }),
            _ => Ok(()),
        }
    }

    fn admit(&mut self, record: &Record<'_>, marks: &mut Marks) -> Result<(JoinKey, Entry), Reject> {
        let event = unwrap(record)?;
        let received = self.tabulator.admission.receive(&Row::Line(&event), Some(record.kind));
        let (key, entry) = received.admitted?;
        if let Entry::Prediction(p) = &entry {
            self.in_time(p.at, record.timestamp, marks)?;
        }
        Ok((key, entry))
    }

    /// Judges a prediction's time by the partition's watermark, and moves that on.
    fn in_time(&self, at: i64, timestamp: Option<i64>, marks: &mut Marks) -> Result<(), Reject> {
        let ahead = timestamp.is_some_and(|t| at > t + AHEAD);
        let Some(watermark) = marks.watermark else {
            marks.ahead += u64::from(ahead);
            marks.watermark = (!ahead).then_some(at);
            return Ok(());
        };
        let behind = watermark - at;
        if behind > self.settings.horizon {
            let days = |ms: i64| ms / 86_400_000;
            let detail = format!(
                "`predicted_at` is {} days behind its partition's newest prediction; {} are held",
                days(behind),
                days(self.settings.horizon)
            );
            return Err(Reject::new(Reason::TooLate, detail));
        }
        marks.late += u64::from(behind > LATE);
        marks.furthest_behind = marks.furthest_behind.max(behind);
        if behind < 0 {
            if ahead {
                marks.ahead += 1;
            } else {
                marks.watermark = Some(at);
            }
        }
        Ok(())
    }

    /// Looks at a stretch of the store for records that passed the horizon; at nothing while none can have.
    fn sweep(&mut self) -> Result<(), PipelineError> {
        let Some(watermark) = self.marks.watermark else { return Ok(()) };
        let horizon = self.settings.horizon;
        let due = self.marks.oldest.is_some_and(|o| o < watermark - horizon)
            && self.marks.swept.is_none_or(|s| watermark - s >= horizon / SEARCHES);
        let mut marks = self.marks.clone();
        let mut sweep = match marks.sweep.take() {
            Some(under_way) => under_way,
            // what comes from now on is older or newer than what is found
            None if due => {
                marks.oldest = None;
                Sweep { at: 0, until: self.log.turn_over(), under: watermark, oldest: None }
            }
            None => return Ok(()),
        };
        let mut facts = Facts::default();
        let mut state = self.store.working_set(&mut self.log);
        let next = state.sweep(sweep.at, sweep.until, STRETCH, |held| {
            let newest = held.newest();
            let stays = newest >= sweep.under - horizon;
            if stays {
                sweep.oldest = Some(sweep.oldest.map_or(newest, |o| o.min(newest)));
            } else {
                let orphans = held.standing().orphans;
                facts.ledger.orphans -= orphans;
                marks.expired_orphans += orphans.unsigned_abs();
                marks.expired_predictions += held.predictions.len() as u64;
            }
            stays
        })?;
        match next {
            Some(next) => marks.sweep = Some(Sweep { at: next, ..sweep }),
            None => {
                marks.swept = Some(sweep.under);
                marks.oldest = [marks.oldest, sweep.oldest].into_iter().flatten().min();
            }
        }
        let commit = Commit { facts, marks: Some(&marks), ..Commit::of(state) };
        self.store.commit(commit, &mut self.ledger, &self.tabulator.admission.symbols, &mut self.written)?;
        self.marks = marks;
        Ok(())
    }
}

fn letter(settings: &PairSettings, record: &Record<'_>, reject: Reject) -> DeadLetter {
    let raw = record.payload.unwrap_or_default();
    DeadLetter {
        source: settings.source(record.kind),
        position: record.offset,
        kind: record.kind.as_str().to_owned(),
        reason: reject.reason.as_str().to_owned(),
        detail: reject.detail,
        raw: raw[..raw.len().min(DeadLetter::MAX_RAW)].to_vec(),
    }
}

/// The message as it came, with why it was refused in headers: the names that Kafka Connect uses, and our own reason.
fn parcel(settings: &PairSettings, record: &Record<'_>, reject: &Reject) -> Option<Parcel> {
    let topic = settings.dead_letters.clone()?;
    let ours = [
        ("__connect.errors.topic", settings.topic(record.kind).to_owned()),
        ("__connect.errors.partition", settings.pair.to_string()),
        ("__connect.errors.offset", record.offset.to_string()),
        ("__connect.errors.exception.message", reject.detail.clone()),
        ("vigie.reason", reject.reason.as_str().to_owned()),
        ("vigie.kind", record.kind.as_str().to_owned()),
    ];
    // the letter itself is of now: the retention of its topic must not take it for an old one
    let timestamp = record.timestamp.map(|t| ("vigie.timestamp", t.to_string()));
    let ours = ours.into_iter().chain(timestamp).map(|(name, value)| (name.to_owned(), value.into_bytes()));
    Some(Parcel {
        topic,
        key: record.key.map(<[u8]>::to_vec),
        payload: record.payload.map(<[u8]>::to_vec),
        headers: record.headers.iter().cloned().chain(ours).collect(),
    })
}

fn slot(kind: Kind) -> usize {
    match kind {
        Kind::Prediction => 0,
        Kind::Correction => 1,
    }
}

fn tail(record: &Record<'_>) -> Tail {
    let mut h = siphasher::sip::SipHasher13::new();
    h.write(record.key.unwrap_or_default());
    h.write_u8(u8::from(record.payload.is_some()));
    h.write(record.payload.unwrap_or_default());
    Tail { offset: record.offset, timestamp: record.timestamp, digest: h.finish() }
}
