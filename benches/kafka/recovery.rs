//! How long a replica is away: from its death to the first event that its successor counts, and to all of them.

use std::{process::ExitCode, time::Instant};

use serde_json::{Value, json};

use crate::{
    Options,
    events::{Events, START, Shape},
    figures::{hundredths, mb, tenths},
    processes,
    sending::Sender,
    serving::Serving,
    topics::Topics,
};

const EVENTS: u64 = 3_000_000;
const DAYS: i64 = 90;
/// Events that come while nobody reads.
const MISSED: u64 = 10_000;

pub fn run(options: &Options) -> ExitCode {
    let count = options.events.unwrap_or(EVENTS);
    let topics = Topics::create(options.partitions);
    let (mut events, mut sender) = (Events::new(Shape::USUAL), Sender::bulk(&topics));
    sender.fill(&mut events, count, START, DAYS);
    let mut rows = Vec::new();
    for (who, instance) in [("static member", Some("replica-1")), ("dynamic member", None)] {
        let first = Serving::as_instance(&topics, instance);
        first.reach(&topics.ends(), |_| {});
        let filled = first.began.elapsed();
        rows.push(json!({
            "case": format!("{who}, empty directory"), "events": count, "all_counted_s": hundredths(filled.as_secs_f64()),
        }));
        let before = topics.ends().values().sum();
        let died = Instant::now();
        processes::kill(first.pid);
        let second = first.again();
        sender.fill(&mut events, MISSED, START + DAYS * 86_400_000, 1);
        rows.push(again(&second, &topics, &format!("{who}, killed and started again"), (died, before)));
    }
    for row in &rows {
        println!("  {row}");
    }
    println!(
        "{}",
        json!({ "mode": "recovery", "partitions": options.partitions, "events": count, "missed": MISSED, "rows": rows })
    );
    ExitCode::SUCCESS
}

/// A successor on the same directory, until it has what was missed.
fn again(second: &Serving, topics: &Topics, case: &str, (died, before): (Instant, i64)) -> Value {
    let ends = topics.ends();
    let mut first = None;
    second.reach(&ends, |metrics| {
        if metrics.offsets().values().sum::<i64>() > before {
            first.get_or_insert_with(|| second.began.elapsed());
        }
    });
    json!({
        "case": case, "from_start_first_counted_s": hundredths(first.unwrap_or_default().as_secs_f64()),
        "from_start_all_counted_s": hundredths(second.began.elapsed().as_secs_f64()),
        "from_death_all_counted_s": tenths(died.elapsed().as_secs_f64()), "resident_mb": mb(processes::resident(second.pid)),
    })
}
