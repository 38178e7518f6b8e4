//! Memory while predictions wait for labels that do not come: every one is its own record in the stores.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Options,
    events::{Events, START, Shape},
    figures::{mb, rate, tenths},
    processes,
    sending::Sender,
    serving::Serving,
    topics::Topics,
};

const EVENTS: u64 = 20_000_000;
const DAYS: i64 = 60;
const IDLE: Duration = Duration::from_secs(30);

pub fn run(options: &Options) -> ExitCode {
    let count = options.events.unwrap_or(EVENTS);
    let topics = Topics::create(options.partitions);
    let vigie = Serving::start(&topics);
    vigie.reach(&topics.ends(), |_| {});
    let done = AtomicBool::new(false);
    let began = Instant::now();
    let (samples, produced, counted, bytes) = std::thread::scope(|scope| {
        let sampling = scope.spawn(|| sample(vigie.pid, &done));
        let bytes = Sender::bulk(&topics).fill(&mut Events::new(Shape::SHORT), count, START, DAYS);
        let produced = began.elapsed();
        let mut said = Instant::now();
        vigie.reach(&topics.ends(), |metrics| {
            if said.elapsed() > Duration::from_secs(30) {
                said = Instant::now();
                println!("  {} of {count} counted", metrics.events("accepted"));
            }
        });
        let counted = began.elapsed();
        done.store(true, Ordering::Release);
        (sampling.join().expect("the sampling thread ends well"), produced, counted, bytes)
    });
    let at_end = processes::resident(vigie.pid);
    let cpu = processes::cpu_seconds(vigie.pid);
    std::thread::sleep(IDLE);
    let metrics = vigie.metrics().expect("it answers");
    let accepted = metrics.sum("vigie_events_total", &[("kind", "prediction"), ("outcome", "accepted")]);
    let figures = json!({
        "mode": "held", "partitions": options.partitions, "predictions": count, "accepted": accepted, "bytes_per_event": bytes / count.max(1),
        "produced_s": tenths(produced.as_secs_f64()), "counted_s": tenths(counted.as_secs_f64()), "events_per_s": rate(count, counted),
        "cpu_s": tenths(cpu), "broker_cpu_s": tenths(processes::cpu_seconds(topics.java)),
        "rss_max_sampled_mb": mb(samples.iter().copied().max().unwrap_or_default()), "peak_mb": mb(processes::peak(vigie.pid)),
        "rss_end_mb": mb(at_end), "rss_idle_mb": mb(processes::resident(vigie.pid)),
        "store_mb": mb(metrics.sum("vigie_store_size_bytes", &[])), "disk_mb": mb(processes::disk(&vigie.data())),
        // a tenth of the time each
        "rss_mb": (0..10).filter_map(|i| samples.get(i * samples.len() / 10)).map(|b| mb(*b)).collect::<Vec<_>>(),
    });
    println!("{count} predictions held: {} events/s", figures["events_per_s"]);
    println!(
        "  resident: most {} MB, at the end {} MB, after {} s idle {} MB; each tenth of the time {}",
        figures["peak_mb"],
        figures["rss_end_mb"],
        IDLE.as_secs(),
        figures["rss_idle_mb"],
        figures["rss_mb"]
    );
    println!("  stores {} MB, {} MB on disk", figures["store_mb"], figures["disk_mb"]);
    println!("{figures}");
    if accepted == count {
        ExitCode::SUCCESS
    } else {
        eprintln!("held: {accepted} predictions are accepted, {count} were sent");
        ExitCode::FAILURE
    }
}

/// Resident memory, every second.
fn sample(pid: u32, done: &AtomicBool) -> Vec<u64> {
    let mut samples = Vec::new();
    while !done.load(Ordering::Acquire) && processes::runs(pid) {
        samples.push(processes::resident(pid));
        std::thread::sleep(Duration::from_secs(1));
    }
    samples
}
