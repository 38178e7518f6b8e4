//! A topic full of events: how fast a bare consumer reads it, and how fast the service counts it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use serde_json::{Value, json};

use crate::{
    Options,
    events::{Events, START, Shape},
    figures::{hundredths, mb, median, rate, tenths},
    processes,
    sending::Sender,
    serving::Serving,
    topics::{Offsets, Topics},
};

const EVENTS: u64 = 3_000_000;
const DAYS: i64 = 90;

/// As `src/ingest/kafka/source.rs` has them: the same client, without what Vigie does with a message.
const PROPERTIES: [(&str, &str); 14] = [
    ("client.id", "bare"),
    ("socket.keepalive.enable", "true"),
    ("fetch.queue.backoff.ms", "10"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.max.bytes", "16777216"),
    ("fetch.wait.max.ms", "100"),
    ("check.crcs", "true"),
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("reconnect.backoff.max.ms", "2000"),
    ("group.id", "bare"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("statistics.interval.ms", "1000"),
];

/// With `bare`, a bare consumer goes before each round of the service.
pub fn run(options: &Options, rounds: usize, bare: bool) -> ExitCode {
    let count = options.events.unwrap_or(EVENTS);
    let topics = Topics::create(options.partitions);
    let filled = fill(&topics, count);
    println!("{filled}");
    let ends = topics.ends();
    let mut made = Vec::new();
    for round in 1..=rounds.max(1) {
        let read = bare.then(|| read(&topics, &ends));
        let counted = serve(&topics, &ends);
        println!("round {round}");
        for (who, figures) in read.iter().map(|f| ("bare", f)).chain([("vigie", &counted)]) {
            println!("  {who:<6}{figures}");
        }
        where_to(&counted);
        made.push(json!({ "bare": read, "vigie": counted }));
    }
    let figure = |who: &str, name: &str| median(&made.iter().filter_map(|r| r[who][name].as_f64()).collect::<Vec<_>>());
    let of = |who: &str| {
        let names = made[0][who].as_object().map(|o| o.iter().filter(|(_, v)| v.is_number()).map(|(name, _)| name));
        let pairs = names.into_iter().flatten().map(|name| (name.clone(), json!(hundredths(figure(who, name)))));
        Value::Object(pairs.collect())
    };
    let ratios = |r: &Value| Some(r["vigie"]["events_per_s"].as_f64()? / r["bare"]["events_per_s"].as_f64()?);
    let ratio = median(&made.iter().filter_map(ratios).collect::<Vec<_>>());
    println!("medians of {} rounds", made.len());
    if bare {
        println!("  bare  {}\n  vigie at {ratio:.3} of the bare consumer's rate", of("bare"));
    }
    println!("  vigie {}", of("vigie"));
    let medians =
        json!({ "bare": of("bare"), "vigie": of("vigie"), "ratio": bare.then_some((ratio * 1e4).round() / 1e4) });
    println!(
        "{}",
        json!({ "mode": if bare { "throughput" } else { "where" }, "partitions": options.partitions, "filled": filled, "medians": medians, "rounds": made })
    );
    ExitCode::SUCCESS
}

/// All events before anybody reads, over [`DAYS`] in the order of their time.
fn fill(topics: &Topics, count: u64) -> Value {
    let (mut events, mut sender) = (Events::new(Shape::USUAL), Sender::bulk(topics));
    let began = Instant::now();
    let bytes = sender.fill(&mut events, count, START, DAYS);
    json!({
        "events": count, "predictions": events.predictions(), "bytes_per_event": bytes / count.max(1),
        "seconds": tenths(began.elapsed().as_secs_f64()), "per_s": rate(count, began.elapsed()),
    })
}

/// Everything from the beginning, and nothing done with it but to look how long it is.
fn read(topics: &Topics, ends: &Offsets) -> Value {
    let mut client = topics.broker.client();
    for (name, value) in PROPERTIES {
        client.set(name, value);
    }
    let mut list = TopicPartitionList::new();
    for ((name, partition), _) in ends.iter().filter(|(_, end)| **end > 0) {
        let topic = if name == "predictions" { &topics.predictions } else { &topics.corrections };
        list.add_partition_offset(topic, *partition, Offset::Offset(0)).expect("a valid offset");
    }
    let whole = ends.values().sum::<i64>() as u64;
    let before = (processes::cpu_seconds(std::process::id()), processes::cpu_seconds(topics.java));
    let began = Instant::now();
    let consumer: BaseConsumer = client.create().expect("a valid configuration");
    consumer.assign(&list).expect("an assignment");
    let (mut seen, mut bytes, mut first) = (0, 0, None);
    while seen < whole {
        // at most this long is one wait, so a broker that is gone ends the bench
        let message = consumer.poll(Duration::from_secs(60)).expect("messages come").expect("no trouble");
        first.get_or_insert_with(Instant::now);
        bytes += message.payload().map_or(0, <[u8]>::len);
        seen += 1;
    }
    let (all, since) = (began.elapsed(), first.unwrap_or(began).elapsed());
    json!({
        "events_per_s": rate(whole, since), "from_start_per_s": rate(whole, all), "mb_per_s": tenths(bytes as f64 / 1e6 / since.as_secs_f64()),
        "cpu_s": hundredths(processes::cpu_seconds(std::process::id()) - before.0),
        "broker_cpu_s": hundredths(processes::cpu_seconds(topics.java) - before.1),
    })
}

/// A fresh service, until its stores have everything.
fn serve(topics: &Topics, ends: &Offsets) -> Value {
    let broker = processes::cpu_seconds(topics.java);
    let vigie = Serving::start(topics);
    let whole = ends.values().sum::<i64>() as u64;
    let mut first: Option<(Instant, u64)> = None;
    vigie.reach(ends, |metrics| {
        let sum = metrics.offsets().values().sum::<i64>() as u64;
        if sum > 0 {
            first.get_or_insert_with(|| (Instant::now(), sum));
        }
    });
    let all = vigie.began.elapsed();
    let (since, by_then) = first.map_or((all, 0), |(at, n)| (at.elapsed(), n));
    // before anything else is asked of it
    let threads = processes::cpu_by_thread(vigie.pid);
    let cpu = processes::cpu_seconds(vigie.pid);
    let metrics = vigie.metrics().expect("it answers");
    let outcomes = ["accepted", "duplicate", "rejected"].map(|outcome| metrics.events(outcome));
    assert_eq!(outcomes, [whole, 0, 0], "accepted, duplicate and rejected events");
    json!({
        // of those that came after the first look that saw any
        "events_per_s": rate(whole - by_then, since), "from_start_per_s": rate(whole, all), "first_counted_s": hundredths((all - since).as_secs_f64()),
        "seconds": hundredths(all.as_secs_f64()), "cpu_s": hundredths(cpu), "cpu_us_per_event": hundredths(cpu * 1e6 / whole as f64),
        "broker_cpu_s": hundredths(processes::cpu_seconds(topics.java) - broker),
        "peak_mb": mb(processes::peak(vigie.pid)), "disk_mb": mb(processes::disk(&vigie.data())),
        "commits": metrics.sum("vigie_commits_total", &[]), "cpu_s_by_thread": by_size(threads),
    })
}

/// The threads' CPU time as a table.
fn where_to(counted: &Value) {
    for row in counted["cpu_s_by_thread"].as_array().into_iter().flatten() {
        let (name, seconds) = (row[0].as_str().unwrap_or_default(), row[1].as_f64().unwrap_or_default());
        let share = seconds / counted["cpu_s"].as_f64().unwrap_or_default() * 100.0;
        println!("    {name:<22} {seconds:>8.2} s {share:>5.1} %");
    }
}

/// The threads that take most come first; `[name, seconds]`.
fn by_size(threads: impl IntoIterator<Item = (String, f64)>) -> Value {
    let mut rows: Vec<(String, f64)> = threads.into_iter().filter(|(_, seconds)| *seconds > 0.0).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    rows.into_iter().map(|(name, seconds)| json!([name, hundredths(seconds)])).collect()
}
