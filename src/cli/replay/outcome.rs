use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde_json::json;

use super::merge::Event;
use crate::{
    event::{EventTime, Kind},
    ingest::kafka::Delivery,
};

/// Rows and inputs named one by one; the rest is counted.
const MOST_NAMED: usize = 10;

/// How a replay went, and goes.
#[derive(Debug, Default)]
pub struct Outcome {
    inputs: Vec<Reached>,
    pub predictions: u64,
    pub corrections: u64,
    /// Bytes of the payloads that were sent.
    pub bytes: u64,
    pub delivered: u64,
    pub failed: u64,
    /// Why events failed, each reason with its count.
    reasons: BTreeMap<String, u64>,
    /// Rows of which nobody can tell what they are.
    pub skipped: u64,
    skipped_rows: Vec<String>,
    /// Nanoseconds since 1970 of the latest event.
    until: Option<i64>,
    /// From the first event to the last acknowledgement.
    pub seconds: f64,
    pub interrupted: bool,
    /// Why the producer could not go on.
    pub ended: Option<String>,
}

#[derive(Debug)]
struct Reached {
    name: String,
    /// Last line or row that was sent.
    number: u64,
}

impl Outcome {
    pub fn new(names: Vec<String>) -> Self {
        let inputs = names.into_iter().map(|name| Reached { name, number: 0 }).collect();
        Outcome { inputs, ..Outcome::default() }
    }

    pub fn sent(&self) -> u64 {
        self.predictions + self.corrections
    }

    pub fn send(&mut self, event: &Event<'_>, kind: Kind) {
        match kind {
            Kind::Prediction => self.predictions += 1,
            Kind::Correction => self.corrections += 1,
        }
        self.bytes += event.payload.len() as u64;
        self.until = event.time.or(self.until);
        self.inputs[event.input].number = event.number;
    }

    pub fn skip(&mut self, event: &Event<'_>) {
        self.skipped += 1;
        if self.skipped_rows.len() < MOST_NAMED {
            self.skipped_rows.push(format!("{}:{}", self.inputs[event.input].name, event.number));
        }
    }

    pub fn deliver(&mut self, delivery: Delivery) {
        match delivery.result {
            Ok(_) => self.delivered += 1,
            Err(reason) => {
                self.failed += 1;
                *self.reasons.entry(reason).or_default() += 1;
            }
        }
    }

    /// The rest of the line that shows the progress.
    pub fn so_far(&self, elapsed: Duration, trouble: Option<String>) -> String {
        let mut line = format!("{} delivered ({:.0}/s)", self.delivered, rate(self.delivered, elapsed.as_secs_f64()));
        if let Some(time) = self.until() {
            let _ = write!(line, ", at {time}");
        }
        if self.failed > 0 {
            let _ = write!(line, ", {} failed", self.failed);
        }
        trouble.into_iter().for_each(|t| line.extend([", waiting: ", &t]));
        line
    }

    fn until(&self) -> Option<EventTime> {
        self.until.and_then(|nanos| EventTime::from_nanos(nanos).ok())
    }

    /// For people, line by line.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} events sent, {} delivered, {} failed in {:.1} s ({:.0}/s): {} predictions and {} corrections\n",
            self.sent(),
            self.delivered,
            self.failed,
            self.seconds,
            rate(self.delivered, self.seconds),
            self.predictions,
            self.corrections,
        );
        for (reason, n) in self.reasons.iter().take(MOST_NAMED) {
            let _ = writeln!(text, "  {n} failed: {reason}");
        }
        if self.skipped > 0 {
            let more = if self.skipped as usize > self.skipped_rows.len() { ", .." } else { "" };
            let _ = writeln!(
                text,
                "{} rows skipped: neither prediction nor correction can be told ({}{more}); --predictions FILE or \
                 --corrections FILE sends them too",
                self.skipped,
                self.skipped_rows.join(", "),
            );
        }
        if let Some(why) = &self.ended {
            let _ = writeln!(text, "stopped: {why}");
        }
        if self.interrupted || self.ended.is_some() {
            if let Some(time) = self.until() {
                let _ = writeln!(text, "stopped at event time {time}; the last rows sent:");
            }
            for reached in self.inputs.iter().take(MOST_NAMED) {
                let _ = writeln!(text, "  {}:{}", reached.name, reached.number);
            }
        }
        text
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        let reached = self.inputs.iter().map(|r| json!({"input": r.name, "row": r.number}));
        let reasons = self.reasons.iter().map(|(reason, n)| json!({"reason": reason, "n": n}));
        json!({
            "sent": self.sent(),
            "predictions": self.predictions,
            "corrections": self.corrections,
            "bytes": self.bytes,
            "delivered": self.delivered,
            "failed": self.failed,
            "failures": reasons.collect::<Vec<_>>(),
            "skipped": self.skipped,
            "skipped_rows": self.skipped_rows,
            "seconds": self.seconds,
            "rate": rate(self.delivered, self.seconds),
            "until": self.until().map(|t| t.to_string()),
            "interrupted": self.interrupted,
            "ended": self.ended,
            "reached": reached.collect::<Vec<_>>(),
        })
    }
}

fn rate(n: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { n as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64, kind: Option<Kind>) -> Event<'static> {
        Event { input: 0, number, kind, key: None, payload: b"12345", time: Some(1_780_000_000_000_000_000) }
    }

    #[test]
    fn each_reason_is_said_once_and_skipped_rows_are_named() {
        let mut outcome = Outcome::new(vec!["a.ndjson".to_owned()]);
        for number in 1..=3 {
            outcome.send(&event(number, None), Kind::Prediction);
            let result = if number == 1 { Ok((0, 7)) } else { Err("too late".to_owned()) };
            outcome.deliver(Delivery { token: 0, result, too_large: false });
        }
        (4..20).for_each(|number| outcome.skip(&event(number, None)));
        outcome.seconds = 2.0;
        let text = outcome.text();
        assert!(text.starts_with("3 events sent, 1 delivered, 2 failed in 2.0 s"), "{text}");
        assert_eq!(text.matches("2 failed: too late").count(), 1, "{text}");
        assert!(text.contains("16 rows skipped") && text.contains("a.ndjson:13, .."), "{text}");
        let json = outcome.json();
        assert_eq!((&json["bytes"], &json["failures"][0]["n"], &json["rate"]), (&json!(15), &json!(2), &json!(0.5)));
        assert_eq!(json["reached"][0]["row"], 3);
    }
}
