//! From the broker's acknowledgement of an event to an answer that counts it, under a steady load.
//!
//! Two bounds are told. `by count`: the first answer that counts as many predictions as there were up to the slice's end;
//! events of later slices, in partitions that are ahead, may stand in for some of its own. `surely`: the first answer that
//! was asked for when the store of every partition was known to be past the slice. With one partition both mean the same.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Options,
    events::{self, DAY, Events, Shape},
    figures::{hundredths, millis, quantile, rate, tenths},
    processes,
    sending::{SLICE, Sender, Slice},
    serving::Serving,
    topics::{Offsets, Topics},
};

const RATE: u64 = 20_000;
const SECONDS: u64 = 60;
/// Over which `--events` are spread that are there before.
const DAYS: i64 = 90;
const WARM_UP: Duration = Duration::from_secs(10);
/// How long the last events may take after sending ended.
const PATIENCE: Duration = Duration::from_secs(60);
const MOST_ANSWERS: usize = 2_000_000;

/// An answer of the summary.
struct Answer {
    at: Instant,
    took: Duration,
    predictions: u64,
    /// Where the stores were known to be when it was asked for.
    before: Offsets,
}

pub fn run(options: &Options) -> ExitCode {
    let (wanted, seconds) = (options.rate.unwrap_or(RATE), options.seconds.unwrap_or(SECONDS));
    let time = WARM_UP + Duration::from_secs(seconds);
    let warm = (WARM_UP.as_millis() / SLICE.as_millis()) as usize;
    let topics = Topics::create(options.partitions);
    let vigie = Serving::start(&topics);
    let mut events = Events::new(Shape::USUAL);
    let history = options.events.unwrap_or_default();
    Sender::bulk(&topics).fill(&mut events, history, events::now() - DAYS * DAY, DAYS);
    vigie.reach(&topics.ends(), |_| {});
    let mut sender = Sender::live(&topics);
    let sent_all = AtomicBool::new(false);
    let mut at_warm = None;
    let cpu = || [vigie.pid, topics.java, std::process::id()].map(processes::cpu_seconds);
    let (answers, shares, sent, paced, from) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&vigie, &sent_all, time + PATIENCE));
        let began = Instant::now();
        sender.pace(&mut events, wanted, time, |slice| {
            if slice == warm + 1 {
                at_warm = Some((Instant::now(), cpu()));
            }
        });
        let (from, before) = at_warm.unwrap_or((began, [0.0; 3]));
        let (paced, after) = (from.elapsed(), cpu());
        let shares = [0, 1, 2].map(|i| hundredths((after[i] - before[i]) / paced.as_secs_f64()));
        let sent = sender.sent - (wanted as f64 * WARM_UP.as_secs_f64()) as u64;
        sender.finish();
        vigie.reach(&topics.ends(), |_| {});
        sent_all.store(true, Ordering::Release);
        (asking.join().expect("the asking thread ends well"), shares, sent, paced, from)
    });
    let slices: Vec<Slice> = sender.slices().into_iter().filter(|(n, _)| *n > warm).map(|(_, slice)| slice).collect();
    let by_count = visible(&slices, &answers, |slice, answer| answer.predictions >= slice.covers);
    let surely = visible(&slices, &answers, |slice, answer| {
        slice.ends.iter().all(|(partition, end)| answer.before.get(partition).is_some_and(|at| at >= end))
    });
    let asked: Vec<f64> = answers.iter().filter(|a| a.at > from).map(|a| millis(a.took)).collect();
    let unseen = [slices.len() - by_count.len(), slices.len() - surely.len()];
    let figures = json!({
        "mode": "latency", "partitions": options.partitions, "history": history, "rate_wanted": wanted, "rate": rate(sent, paced),
        "seconds": tenths(paced.as_secs_f64()), "slices": slices.len(), "never_visible": unseen,
        "visible_by_count_ms": spread(&by_count), "surely_visible_ms": spread(&surely),
        "summaries": asked.len(), "summary_ms": spread(&asked),
        "cores_vigie": shares[0], "cores_broker": shares[1], "cores_bench": shares[2],
        "peak_mb": crate::figures::mb(processes::peak(vigie.pid)),
    });
    println!("{wanted} events/s wanted, {} reached over {seconds} s after warm-up", figures["rate"]);
    for (what, name) in [
        ("visible, by count", "visible_by_count_ms"),
        ("visible, surely", "surely_visible_ms"),
        ("one summary", "summary_ms"),
    ] {
        println!("  {what:<18}{} ms", figures[name]);
    }
    println!("  cores: vigie {}, broker {}, this bench {}", shares[0], shares[1], shares[2]);
    println!("{figures}");
    // not a matter of speed: every event must be counted in the end
    if unseen == [0, 0] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One client that asks again as soon as it has its answer.
fn ask(vigie: &Serving, sent_all: &AtomicBool, most: Duration) -> Vec<Answer> {
    let began = Instant::now();
    let mut answers = Vec::new();
    while answers.len() < MOST_ANSWERS && began.elapsed() < most {
        // looked at before the question: the last answer must have been asked for after everything was counted
        let last = sent_all.load(Ordering::Acquire);
        let before = vigie.metrics().map(|m| m.offsets()).unwrap_or_default();
        let asked = Instant::now();
        match vigie.counted() {
            Some(predictions) => {
                answers.push(Answer { at: Instant::now(), took: asked.elapsed(), predictions, before });
            }
            // the service is not ready to answer yet
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        if last {
            break;
        }
    }
    answers
}

/// Milliseconds from the acknowledgement to the first answer that has the slice; slices without one are left out.
fn visible(slices: &[Slice], answers: &[Answer], has: impl Fn(&Slice, &Answer) -> bool) -> Vec<f64> {
    // answers only grow, and so do slices
    let mut next = 0;
    let times = slices.iter().filter_map(|slice| {
        next += answers[next..].iter().position(|answer| has(slice, answer))?;
        // the answer may be quicker than the acknowledgement's way back
        Some(millis(answers[next].at.saturating_duration_since(slice.appended?)))
    });
    times.collect()
}

fn spread(values: &[f64]) -> Value {
    let of = |share| tenths(quantile(values, share));
    json!({ "p50": of(0.5), "p90": of(0.9), "p99": of(0.99), "max": of(1.0) })
}
