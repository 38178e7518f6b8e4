//! The broker of one run, and its topics.

use std::collections::BTreeMap;

use vigie::event::Kind;

use crate::{broker::Broker, processes};

/// Next offset, by topic as the metrics call it and by partition.
pub type Offsets = BTreeMap<(String, i32), i64>;

pub struct Topics {
    pub broker: Broker,
    /// Process of the broker.
    pub java: u32,
    pub predictions: String,
    pub corrections: String,
    pub dead_letters: String,
}

impl Topics {
    /// A fresh broker with these topics.
    ///
    /// # Panics
    /// When it is not Apache Kafka: of a stand-in in memory, figures would say nothing.
    pub fn create(partitions: i32) -> Self {
        let broker = Broker::own();
        assert!(broker.is_apache(), "this bench needs Apache Kafka. Run `.ci/setup test`");
        let java = processes::descendant("java").expect("the broker is a process below this one");
        let names = ["predictions", "corrections", "dead"].map(|what| broker.unique(what));
        for (name, count) in names.iter().zip([partitions, partitions, 1]) {
            broker.create_topic(name, count);
        }
        let [predictions, corrections, dead_letters] = names;
        Topics { broker, java, predictions, corrections, dead_letters }
    }

    pub fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Prediction => &self.predictions,
            Kind::Correction => &self.corrections,
        }
    }

    pub fn ends(&self) -> Offsets {
        let of = |name: &'static str, topic: &str| {
            let marks = self.broker.watermarks(topic).into_iter();
            marks.map(move |(partition, (_, high))| ((name.to_owned(), partition), high)).collect::<Offsets>()
        };
        let mut ends = of("predictions", &self.predictions);
        ends.extend(of("corrections", &self.corrections));
        ends
    }
}
