use std::sync::{Arc, PoisonError, atomic::Ordering};

use super::{
    Claim, Known, Onward, Pair, Partitions, onward,
    partitions::{MOST_SHARING, held},
};
use crate::{
    assess::Naming,
    event::Kind,
    ingest::kafka::{Committed, Start, Watermarks},
    pipeline::{PairSettings, PartitionConsumer, rules},
    store::{Budget, Store, StoreError, Topology},
};

impl Partitions {
    /// Opens one pair, or says in `wanted` why it cannot be opened yet.
    pub(super) fn take_on(
        &self,
        number: u32,
        source: &dyn Watermarks,
        committed: Option<&[Committed]>,
    ) -> Option<Start> {
        match self.open_pair(number, source, committed) {
            Ok((pair, start)) => {
                held(&self.wanted).remove(&number);
                let pair = Arc::new(pair);
                self.pairs.write().unwrap_or_else(PoisonError::into_inner).insert(number, pair.clone());
                self.courier.look_after(&pair);
                Some(start)
            }
            Err(Refused::ForNow(why)) => {
                let mut wanted = held(&self.wanted);
                if wanted.get(&number) != Some(&why) {
                    tracing::warn!(partition = number, "waiting: {why}");
                    wanted.insert(number, why);
                }
                None
            }
            Err(Refused::ForGood(why)) => {
                self.fail(why);
                None
            }
        }
    }

    fn open_pair(
        &self,
        number: u32,
        source: &dyn Watermarks,
        committed: Option<&[Committed]>,
    ) -> Result<(Pair, Start), Refused> {
        let path = self.folder.join(format!("{number:04}"));
        let unanswered = || Refused::ForNow("the partition's leader does not answer".to_owned());
        let committed = committed.ok_or_else(unanswered)?;
        let [predictions, corrections] = [Kind::Prediction, Kind::Correction].map(|kind| source.of(kind, number));
        let ends = [predictions.ok_or_else(unanswered)?, corrections.ok_or_else(unanswered)?];

        std::fs::create_dir_all(&self.folder).map_err(|e| Refused::io(&self.folder, &e))?;
        let topology = Topology {
            group: self.settings.group.clone(),
            predictions: self.settings.predictions.clone(),
            corrections: self.settings.corrections.clone(),
            partitions: self.count(),
            partition: number,
        };
        let name = format!("{}-{}", self.name, self.claims.fetch_add(1, Ordering::AcqRel));
        // a service of another group must not take it from its owner: what the claim is of stands in it
        let claim = Claim::take(&path, &topology.to_string(), &name)
            .map_err(|e| Refused::io(&path, &e))?
            .map_err(|other| Refused::other(&path, &other, &topology))?;
        let budget = Budget::shared(self.count().clamp(1, MOST_SHARING));
        let store = match Store::open_within(&path, budget) {
            Err(StoreError::Locked { .. }) => {
                return Err(Refused::ForNow("another process still holds its store".to_owned()));
            }
            other => other.map_err(Refused::store)?,
        };
        if let Some(other) = store.topology().map_err(Refused::store)?.filter(|found| *found != topology) {
            return Err(Refused::other(&path, &other.to_string(), &topology));
        }
        let marks = store.marks().map_err(Refused::store)?;
        let adopted = store.adopted().map_err(Refused::store)?;
        let changes = adopted.is_some_and(|made| made != rules(&self.naming.book, &self.naming.policies));
        let first = [marks.predictions.first, marks.corrections.first];
        if changes {
            tracing::warn!(
                partition = number,
                "thresholds, nomenclatures, review rates, texts or annotators have changed: facts are made anew from the topics"
            );
            for (slot, (low, _)) in ends.iter().enumerate() {
                if first[slot].is_some_and(|first| *low > first) {
                    return Err(Refused::ForGood(format!(
                        "partition {number}: thresholds, nomenclatures, review rates, texts or annotators have changed, so facts would be made \
                         anew, but the topics no longer hold all that was counted. Start with the former settings, or \
                         begin with a new kafka.group and a new data directory, which count what the topics hold"
                    )));
                }
            }
        }
        let Naming { book, policies } = self.naming.clone();
        let pair_settings = PairSettings {
            pair: number,
            predictions: self.settings.predictions.clone(),
            corrections: self.settings.corrections.clone(),
            dead_letters: self.settings.dead_letters.clone(),
            horizon: self.settings.horizon.as_millis() as i64,
        };
        let (mut consumer, _) = PartitionConsumer::open(store, pair_settings, policies, book)
            .map_err(|e| Refused::ForGood(format!("partition {number}: {e}")))?;
        // after the rules were taken on, which may have emptied the store
        consumer.store().set_topology(&topology).map_err(Refused::store)?;
        let start = self.start(&mut consumer, number, ends, committed, first)?;
        let waiting = consumer.store().count_waiting().map_err(Refused::store)?;
        Ok((Pair::new(number, consumer, claim, waiting), start))
    }

    /// Decides for both topics where reading goes on.
    fn start(
        &self,
        consumer: &mut PartitionConsumer,
        number: u32,
        ends: [(u64, u64); 2],
        committed: &[Committed],
        first: [Option<u64>; 2],
    ) -> Result<Start, Refused> {
        let stored = consumer.start();
        let mut from = [stored.predictions, stored.corrections];
        let mut decided = false;
        for (slot, kind) in [Kind::Prediction, Kind::Correction].into_iter().enumerate() {
            let found = committed.iter().find(|c| c.kind == kind && c.pair == number);
            let marks = consumer.marks().clone().topic(kind).clone();
            let (low, high) = ends[slot];
            let fresh = marks.first.is_none() && from[slot] == 0;
            // what this store itself began with, before its facts were made anew, is as good as another replica's word
            let reached = found.map(|c| (c.offset, c.first.or(first[slot])));
            let known =
                Known { next: from[slot], marks: &marks, low, high, committed: reached, on_gap: self.settings.on_gap };
            let topic = match kind {
                Kind::Prediction => &self.settings.predictions,
                Kind::Correction => &self.settings.corrections,
            };
            let other = held(&self.anew).remove(&(number, kind));
            let onward = if other { Ok(Onward::Anew(low)) } else { onward(&known) };
            match onward {
                Ok(Onward::At(at)) => {
                    if fresh {
                        consumer.move_to(kind, at, 0);
                    }
                    consumer.delivered_before(kind, found.map_or(0, |c| c.offset));
                    from[slot] = at;
                }
                Ok(Onward::Anew(at)) => {
                    let message = format!(
                        "`{topic}`, partition {number}, was read to offset {} and is another one now (it ends at {high}): it \
                         was made anew",
                        from[slot]
                    );
                    tracing::error!("{message}; what was counted stays, and the new one is read from its beginning");
                    self.alert("topic.recreated", Some(number), &message);
                    consumer.begin_anew(kind, at);
                    (from[slot], decided) = (at, true);
                }
                Ok(Onward::Past { lost, at }) => {
                    let message =
                        format!("{lost} events of `{topic}`, partition {number}, are lost: reading goes on at {at}");
                    tracing::error!("{message}");
                    self.alert("events.lost", Some(number), &message);
                    consumer.move_to(kind, at, lost);
                    consumer.delivered_before(kind, found.map_or(0, |c| c.offset));
                    (from[slot], decided) = (at, true);
                }
                Err(lost) => return Err(Refused::ForGood(lost.message(topic, number))),
            }
        }
        if decided {
            // said once, and not at each start until something is read
            consumer.keep().map_err(|e| Refused::ForGood(format!("partition {number}: {e}")))?;
        }
        Ok(Start { pair: number, predictions: from[0], corrections: from[1] })
    }
}

/// Why a pair is not open.
enum Refused {
    /// Tried again in a moment.
    ForNow(String),
    ForGood(String),
}

impl Refused {
    fn store(e: StoreError) -> Self {
        Refused::ForGood(e.to_string())
    }

    /// The folder is of something else.
    fn other(path: &std::path::Path, other: &str, ours: &Topology) -> Self {
        Refused::ForGood(format!(
            "{} is of {other}; this service reads {ours}. Ids are spread differently over other topics or another number of \
             partitions, so state would be looked for in the wrong place: begin with a new data directory, or put back \
             what was changed",
            path.display()
        ))
    }

    fn io(path: &std::path::Path, e: &std::io::Error) -> Self {
        Refused::ForGood(format!("{}: {e}", path.display()))
    }
}
