//! A steady load for long: whether memory or open files grow.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Options,
    events::{Events, Shape},
    figures::{hundredths, mb, median, rate, slope, tenths},
    processes,
    sending::Sender,
    serving::Serving,
    topics::Topics,
};

const RATE: u64 = 10_000;
const SECONDS: u64 = 1_800;
const INTERVAL: Duration = Duration::from_secs(10);
/// Bytes of memory for each prediction that is held: 6.4 in the index, and its part of the database's index of blocks.
const HELD: f64 = 7.5;
/// What the last third may have more than the middle one, besides what is held.
const MOST_GROWTH: f64 = 0.10;
const MOST_BYTES: f64 = 16e6;
const MOST_HANDLES: f64 = 20.0;

struct Sample {
    seconds: f64,
    resident: f64,
    /// Predictions that are held: memory for them must grow.
    held: f64,
    handles: f64,
    threads: f64,
    lag: f64,
    stores: f64,
    cpu: f64,
}

pub fn run(options: &Options) -> ExitCode {
    let (wanted, seconds) = (options.rate.unwrap_or(RATE), options.seconds.unwrap_or(SECONDS).max(3));
    let time = Duration::from_secs(seconds);
    // a short try has thirds, too
    let interval = INTERVAL.min(time / 18);
    let topics = Topics::create(options.partitions);
    let vigie = Serving::start(&topics);
    vigie.reach(&topics.ends(), |_| {});
    let (mut events, mut sender) = (Events::new(Shape::USUAL), Sender::live(&topics));
    let sent_all = AtomicBool::new(false);
    let began = Instant::now();
    let (samples, paced) = std::thread::scope(|scope| {
        let sampling = scope.spawn(|| sample(&vigie, began, interval, &sent_all));
        let mut rest = time;
        while !rest.is_zero() {
            let part = rest.min(Duration::from_secs(10));
            sender.pace(&mut events, wanted, part, |_| {});
            rest -= part;
            sender.forget();
        }
        let paced = began.elapsed();
        sender.finish();
        sent_all.store(true, Ordering::Release);
        (sampling.join().expect("the sampling thread ends well"), paced)
    });
    vigie.reach(&topics.ends(), |_| {});
    let metrics = vigie.metrics().expect("it answers");
    let (accepted, wrong) = (metrics.events("accepted"), metrics.events("duplicate") + metrics.events("rejected"));
    let thirds = |of: fn(&Sample) -> f64| {
        let values: Vec<f64> = samples.iter().map(of).collect();
        let third = values.len() / 3;
        [median(&values[third..values.len() - third]), median(&values[values.len() - third..])]
    };
    let ([middle, last], [handles_middle, handles_last]) = (thirds(|s| s.resident), thirds(|s| s.handles));
    let [middle_else, last_else] = thirds(|s| s.resident - HELD * s.held);
    let later: Vec<(f64, f64)> =
        samples[samples.len() / 3..].iter().map(|s| (s.seconds / 60.0, s.resident / 1e6)).collect();
    let range = |of: fn(&Sample) -> f64| {
        let values = samples.iter().map(of);
        [values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max)]
    };
    let figures = json!({
        "mode": "soak", "partitions": options.partitions, "rate_wanted": wanted, "rate": rate(sender.sent, paced), "seconds": seconds,
        "events": sender.sent, "accepted": accepted, "samples": samples.len(), "rss_mb_per_minute": hundredths(slope(&later)),
        "rss_middle_else_mb": tenths(middle_else / 1e6), "rss_last_else_mb": tenths(last_else / 1e6), "rss_middle_mb": tenths(middle / 1e6), "rss_last_mb": tenths(last / 1e6), "rss_mb": range(|s| s.resident / 1e6).map(tenths),
        "handles": range(|s| s.handles), "handles_middle": handles_middle, "handles_last": handles_last,
        "threads": range(|s| s.threads), "lag": range(|s| s.lag), "stores_mb": range(|s| s.stores / 1e6).map(tenths),
        "cores_vigie": hundredths(samples.last().map_or(0.0, |s| s.cpu / s.seconds)), "peak_mb": mb(processes::peak(vigie.pid)),
        "table": table(&samples, interval),
    });
    println!(
        "{} events at {}/s: resident {} MB (middle third), {} MB (last), {} MB a minute; handles {}, threads {}, lag {}",
        sender.sent,
        figures["rate"],
        figures["rss_middle_mb"],
        figures["rss_last_mb"],
        figures["rss_mb_per_minute"],
        figures["handles"],
        figures["threads"],
        figures["lag"]
    );
    println!("{figures}");
    let mut faults = Vec::new();
    if last_else > middle_else * (1.0 + MOST_GROWTH) + MOST_BYTES {
        faults.push("memory grows");
    }
    if handles_last > handles_middle + MOST_HANDLES {
        faults.push("open files grow");
    }
    if accepted != sender.sent || wrong != 0 {
        faults.push("not every event was accepted");
    }
    faults.iter().for_each(|fault| eprintln!("soak: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks at the service, and reads the summary each time, as a dashboard would.
fn sample(vigie: &Serving, began: Instant, interval: Duration, sent_all: &AtomicBool) -> Vec<Sample> {
    let mut samples = Vec::new();
    println!("  minute   resident MB   handles   threads   lag   stores MB   cores");
    let mut next = interval;
    while !sent_all.load(Ordering::Acquire) {
        std::thread::sleep(next.saturating_sub(began.elapsed()).min(Duration::from_millis(100)));
        if began.elapsed() < next {
            continue;
        }
        next += interval;
        vigie.counted();
        let Some(metrics) = vigie.metrics() else { continue };
        samples.push(Sample {
            seconds: began.elapsed().as_secs_f64(),
            resident: processes::resident(vigie.pid) as f64,
            held: metrics.sum("vigie_partition_records", &[]) as f64,
            handles: processes::handles(vigie.pid) as f64,
            threads: processes::threads(vigie.pid) as f64,
            lag: metrics.sum("vigie_lag_events", &[]) as f64,
            stores: metrics.sum("vigie_store_size_bytes", &[]) as f64,
            cpu: processes::cpu_seconds(vigie.pid),
        });
        if let Some(one) = samples.last().filter(|_| samples.len().is_multiple_of(each(interval))) {
            let row = row(one);
            println!(
                "  {:>6} {:>13} {:>9} {:>9} {:>5} {:>11} {:>7}",
                row[0], row[1], row[2], row[3], row[4], row[5], row[6]
            );
        }
    }
    samples
}

/// Samples in a minute; of a short try every one is shown.
fn each(interval: Duration) -> usize {
    if interval < INTERVAL { 1 } else { (60 / INTERVAL.as_secs()) as usize }
}

fn table(samples: &[Sample], interval: Duration) -> Vec<[f64; 7]> {
    samples.iter().skip(each(interval) - 1).step_by(each(interval)).map(row).collect()
}

fn row(s: &Sample) -> [f64; 7] {
    let rows = [s.seconds / 60.0, s.resident / 1e6, s.handles, s.threads, s.lag, s.stores / 1e6, s.cpu / s.seconds];
    rows.map(hundredths)
}
