use crate::{
    ingest::kafka::OnGap,
    store::{Tail, TopicMarks},
};

/// What is known when a partition of a topic is taken on.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// Next offset after what the store has.
    pub next: u64,
    pub marks: &'a TopicMarks,
    /// First and next offset that the topic has.
    pub low: u64,
    pub high: u64,
    /// What the group committed: next offset, and the first that was ever read.
    pub committed: Option<(u64, Option<u64>)>,
    pub on_gap: OnGap,
}

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// At an offset. It may be one before the next: that record is compared with the last one read.
    At(u64),
    /// The topic is another one than was read: from its beginning.
    Anew(u64),
    /// Events that nobody here has read are gone; at the oldest that there is.
    Past { lost: u64, at: u64 },
}

/// Decides where reading of a partition goes on, so that nothing is passed over silently.
///
/// # Errors
/// What is lost, when it was not agreed to go on without it.
pub fn onward(k: &Known<'_>) -> Result<Onward, Lost> {
    let past = |lost: Lost| match k.on_gap {
        OnGap::Continue => Ok(Onward::Past { lost: lost.to - lost.from, at: k.low }),
        OnGap::Stop => Err(lost),
    };
    if k.marks.first.is_none() && k.next == 0 {
        // nothing here: all of it is to be read, as far as anybody ever began to
        let (reached, first) = k.committed.unwrap_or((0, None));
        let began = first.unwrap_or(0);
        let gone = k.low.min(reached);
        if gone > began {
            return past(Lost { from: began, to: gone, moved: true });
        }
        return Ok(Onward::At(k.low));
    }
    if k.next > k.high {
        return Ok(Onward::Anew(k.low));
    }
    if k.next < k.low {
        let elsewhere = k.committed.is_some_and(|(reached, _)| reached > k.next);
        return past(Lost { from: k.next, to: k.low, moved: elsewhere });
    }
    let known = |t: &Tail| t.offset + 1 == k.next && t.offset >= k.low;
    Ok(Onward::At(if k.marks.tail.as_ref().is_some_and(known) { k.next - 1 } else { k.next }))
}

/// Events that were to be counted and that the topic no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub from: u64,
    pub to: u64,
    /// Another replica counted them, and its state is not here.
    pub moved: bool,
}

impl Lost {
    pub fn message(&self, topic: &str, pair: u32) -> String {
        let Lost { from, to, moved } = self;
        let what = if *moved {
            "another replica counted them, and its state is not in this data directory: copy or share its \
             partitions folder, or begin with a new kafka.group and a new data directory"
        } else {
            "the topic deleted them before they were read: its retention is too short for how long the service was away"
        };
        format!(
            "partition {pair} of `{topic}`: offsets {from} to {to} are gone ({what}). Numbers without them would be \
             wrong; kafka.on_gap = \"continue\" goes on all the same and counts them as lost"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(marks: &TopicMarks) -> Known<'_> {
        Known { next: 0, marks, low: 0, high: 0, committed: None, on_gap: OnGap::Stop }
    }

    fn read_to(next: u64) -> TopicMarks {
        TopicMarks { first: Some(0), tail: Some(Tail { offset: next - 1, timestamp: None, digest: 7 }) }
    }

    #[test]
    fn a_new_partition_is_read_from_the_oldest_there_is() {
        let marks = TopicMarks::default();
        assert_eq!(onward(&Known { high: 9, ..known(&marks) }), Ok(Onward::At(0)));
        assert_eq!(onward(&Known { low: 5, high: 9, ..known(&marks) }), Ok(Onward::At(5)), "nobody ever read it");
    }

    #[test]
    fn a_moved_partition_is_read_again_if_all_of_it_is_there() {
        let marks = TopicMarks::default();
        let moved = |low, committed| Known { low, high: 90, committed: Some(committed), ..known(&marks) };
        assert_eq!(onward(&moved(0, (50, Some(0)))), Ok(Onward::At(0)));
        assert_eq!(onward(&moved(20, (50, Some(20)))), Ok(Onward::At(20)), "the first reader began at 20, too");
        assert_eq!(onward(&moved(30, (50, Some(20)))), Err(Lost { from: 20, to: 30, moved: true }));
        assert_eq!(onward(&moved(60, (50, Some(0)))), Err(Lost { from: 0, to: 50, moved: true }));
        let agreed = Known { on_gap: OnGap::Continue, ..moved(30, (50, Some(20))) };
        assert_eq!(onward(&agreed), Ok(Onward::Past { lost: 10, at: 30 }));
    }

    #[test]
    fn the_last_record_is_asked_for_again_where_it_still_is() {
        let marks = read_to(40);
        let at = |low, high| onward(&Known { next: 40, low, high, ..known(&marks) });
        assert_eq!(at(0, 100), Ok(Onward::At(39)));
        assert_eq!(at(40, 100), Ok(Onward::At(40)), "deleted since, which loses nothing");
        assert_eq!(at(0, 40), Ok(Onward::At(39)), "at the end");
        assert_eq!(at(41, 100), Err(Lost { from: 40, to: 41, moved: false }));
        assert_eq!(at(0, 39), Ok(Onward::Anew(0)), "shorter than what was read");
    }
}
