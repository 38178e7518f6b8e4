mod glance;
mod merge;
mod outcome;
mod pace;
mod read;

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use indicatif::ProgressBar;

use self::{
    merge::{Event, Merge},
    outcome::Outcome,
    pace::{Pace, Pacer},
    read::Reading,
};
use super::{CheckFormat, Compression, InputArgs, ReplayArgs, settings};
use crate::{
    config::{Config, KafkaConfig},
    event::Kind,
    ingest::kafka::{KafkaSettings, Outgoing, PublishError, Publisher, RESERVED_PROPERTIES},
    pipeline::Sources,
};

/// How long brokers may take to answer at the start.
const CONNECT: Duration = Duration::from_secs(10);
/// How often deliveries are collected, the progress is drawn and a signal is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// 128 + SIGINT, as shells say it.
const INTERRUPTED: u8 = 130;

static STOP: AtomicBool = AtomicBool::new(false);

pub fn run(args: &ReplayArgs, config: Option<&Path>) -> Result<ExitCode> {
    let config = super::load_config(config)?;
    let sources = sources(&config, args)?;
    let settings = kafka_settings(&config, args)?;
    let publisher = Publisher::connect(&settings)?;
    check_topics(&publisher, &settings, &sources)?;
    stop_on_signal()?;
    let readings: Vec<Reading> = sources
        .each()
        .enumerate()
        .map(|(index, (input, kind, format))| Reading { index, input: input.clone(), kind, format: format.clone() })
        .collect();
    let names: Vec<String> = readings.iter().map(|r| r.input.to_string()).collect();
    let streams = if args.in_file_order {
        Merge::new([read::read(readings)], &STOP)
    } else {
        Merge::new(readings.into_iter().map(|reading| read::read(vec![reading])), &STOP)
    };
    let mut replay = Replay {
        publisher,
        settings,
        pacer: Pacer::new(pace(args)),
        outcome: Outcome::new(names),
        progress: super::progress("{spinner} {human_pos} sent in {elapsed}, {wide_msg}"),
        looked: Duration::ZERO,
        start: start(),
    };
    let read = replay.send_all(streams);
    replay.settle();
    replay.progress.finish_and_clear();
    let outcome = replay.outcome;
    match args.format {
        CheckFormat::Text => eprint!("{}", outcome.text()),
        CheckFormat::Json => println!("{}", outcome.json()),
    }
    read?;
    Ok(match &outcome {
        o if o.failed > 0 || o.ended.is_some() => ExitCode::from(1),
        o if o.interrupted => ExitCode::from(INTERRUPTED),
        _ => ExitCode::SUCCESS,
    })
}

fn sources(config: &Config, args: &ReplayArgs) -> Result<Sources> {
    let given = &args.input;
    let sources = settings::sources(
        config,
        &InputArgs {
            predictions: given.predictions.clone(),
            corrections: given.corrections.clone(),
            events: [args.files.clone(), given.events.clone()].concat(),
            input_format: given.input_format,
        },
    )?;
    if sources.each().next().is_none() {
        bail!("nothing to replay: name files that hold both kinds of events, or give --predictions and --corrections");
    }
    Ok(sources)
}

/// What the flags say on top of the configuration's.
fn kafka_settings(config: &Config, args: &ReplayArgs) -> Result<KafkaSettings> {
    let mut settings = config.kafka.as_ref().map(KafkaConfig::resolved).transpose()?.unwrap_or_default();
    let flags = [
        (&args.brokers, &mut settings.brokers),
        (&args.predictions_topic, &mut settings.predictions),
        (&args.corrections_topic, &mut settings.corrections),
    ];
    for (flag, setting) in flags {
        if let Some(value) = flag {
            setting.clone_from(value);
        }
    }
    settings.properties.extend(args.properties.iter().cloned());
    if let Some(codec) = args.compression {
        let codec = match codec {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
            Compression::Snappy => "snappy",
        };
        settings.properties.push(("compression.type".to_owned(), codec.to_owned()));
    }
    Ok(settings)
}

/// Topics that these sources can need must be there.
fn check_topics(publisher: &Publisher, settings: &KafkaSettings, sources: &Sources) -> Result<()> {
    let mixed = !sources.events.is_empty();
    let needed = [
        (mixed || !sources.predictions.is_empty(), &settings.predictions, "--predictions-topic"),
        (mixed || !sources.corrections.is_empty(), &settings.corrections, "--corrections-topic"),
    ];
    let needed: Vec<_> = needed.into_iter().filter(|(needed, ..)| *needed).collect();
    let topics: Vec<&str> = needed.iter().map(|(_, topic, _)| topic.as_str()).collect();
    let partitions = publisher.check(&topics, CONNECT).map_err(|e| {
        let flag = match &e {
            PublishError::Unreachable { .. } | PublishError::Refused { .. } => Some("--brokers"),
            PublishError::NoTopic { topic, .. } | PublishError::Topic { topic, .. } => {
                needed.iter().find(|(_, wanted, _)| *wanted == topic).map(|(.., flag)| *flag)
            }
            _ => None,
        };
        let e = anyhow::Error::from(e);
        match flag {
            Some(flag) => e.context(flag),
            None => e,
        }
    })?;
    if let [predictions, corrections] = partitions[..]
        && predictions != corrections
    {
        eprintln!(
            "vigie: {} has {predictions} partitions and {} has {corrections}: a prediction and its corrections will \
             not share a partition number, and `vigie serve` refuses such a pair",
            settings.predictions, settings.corrections
        );
    }
    Ok(())
}

fn pace(args: &ReplayArgs) -> Pace {
    match (args.rate, args.speed) {
        (Some(rate), _) => Pace::Rate(rate),
        (_, Some(speed)) => Pace::Speed(speed),
        _ => Pace::Max,
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace of a replay and the length of it are real time")]
fn start() -> Instant {
    Instant::now()
}

/// From now on SIGINT and SIGTERM stop the reading; a second one ends the process, whatever is on its way.
fn stop_on_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupted, mut terminated) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = terminated.recv() => {}
                }
                if STOP.swap(true, Ordering::AcqRel) {
                    eprintln!("vigie: ended without waiting for what was on its way");
                    std::process::exit(INTERRUPTED.into());
                }
                eprintln!("vigie: stopping; what was sent is still being delivered (once more: ends at once)");
            }
        });
    });
    Ok(())
}

struct Replay {
    publisher: Publisher,
    settings: KafkaSettings,
    pacer: Pacer,
    outcome: Outcome,
    progress: ProgressBar,
    /// When it last looked around, since the start.
    looked: Duration,
    start: Instant,
}

impl Replay {
    /// Hands every event to the publisher, until the streams end or something ends them.
    fn send_all(&mut self, mut streams: Merge) -> Result<()> {
        while let Some(event) = streams.next()? {
            let Some(kind) = event.kind else {
                self.outcome.skip(&event);
                continue;
            };
            if !self.await_turn(&event) || !self.send(&event, kind) {
                break;
            }
        }
        Ok(())
    }

    /// False: told to stop.
    fn await_turn(&mut self, event: &Event<'_>) -> bool {
        loop {
            let elapsed = self.start.elapsed();
            if elapsed >= self.looked + LOOK && !self.look(elapsed) {
                return false;
            }
            let wait = self.pacer.wait(elapsed, event.time);
            if wait.is_zero() {
                return true;
            }
            std::thread::sleep(wait.min(LOOK));
        }
    }

    /// False: told to stop, or the producer cannot go on.
    fn send(&mut self, event: &Event<'_>, kind: Kind) -> bool {
        loop {
            let topic = match kind {
                Kind::Prediction => &self.settings.predictions,
                Kind::Correction => &self.settings.corrections,
            };
            let Event { key, payload, .. } = *event;
            // no timestamp of the past: the topic's retention would delete what was just sent
            let message = Outgoing { topic, key, payload, headers: &[], timestamp: None, token: 0 };
            match self.publisher.offer(message, LOOK) {
                Ok(true) => {
                    self.outcome.send(event, kind);
                    return true;
                }
                Ok(false) if self.look(self.start.elapsed()) => {}
                Ok(false) => return false,
                Err(e) => {
                    self.outcome.ended = Some(e.to_string());
                    return false;
                }
            }
        }
    }

    /// Waits for the fate of everything that was sent.
    fn settle(&mut self) {
        // a message that no broker takes fails after message.timeout.ms, so this ends
        while self.publisher.flush(LOOK).is_err() && self.outcome.ended.is_none() {
            self.look(self.start.elapsed());
        }
        let elapsed = self.start.elapsed();
        self.look(elapsed);
        self.outcome.seconds = elapsed.as_secs_f64();
    }

    /// Collects deliveries and shows how far it is; false when a signal came.
    fn look(&mut self, elapsed: Duration) -> bool {
        self.looked = elapsed;
        for delivery in self.publisher.deliveries() {
            self.outcome.deliver(delivery);
        }
        self.progress.set_position(self.outcome.sent());
        self.progress.set_message(self.outcome.so_far(elapsed, self.publisher.trouble()));
        self.outcome.interrupted |= STOP.load(Ordering::Acquire);
        !self.outcome.interrupted
    }
}

/// A number above zero, for --rate and --speed.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a number above 0, such as 500".to_owned()),
    }
}

/// NAME=VALUE, where the name is not one that Vigie sets itself.
pub fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as security.protocol=SSL")?;
    let name = name.trim();
    if name.is_empty() {
        return Err("expected NAME=VALUE, such as security.protocol=SSL".to_owned());
    }
    match RESERVED_PROPERTIES.iter().find(|(reserved, _)| *reserved == name) {
        Some((_, "kafka.brokers")) => Err(format!("`{name}` is set by --brokers")),
        Some(_) => Err(format!("`{name}` is the consumer's; a replay only produces")),
        None => Ok((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_split_at_the_first_sign_and_reserved_ones_refused() {
        assert_eq!(property("sasl.password=a=b "), Ok(("sasl.password".to_owned(), "a=b ".to_owned())));
        assert!(property("linger.ms").is_err_and(|e| e.contains("NAME=VALUE")));
        assert!(property("=5").is_err());
        assert!(property("bootstrap.servers=x:1").is_err_and(|e| e.contains("--brokers")));
        assert!(property("group.id=x").is_err_and(|e| e.contains("only produces")));
    }

    #[test]
    fn a_pace_is_a_finite_number_above_zero() {
        assert_eq!(positive("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(positive(wrong).is_err(), "{wrong}");
        }
    }
}
