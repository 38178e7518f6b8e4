use std::{
    io::{Cursor, Read},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};

use super::{DemoArgs, ScopeArgs, serve, settings};
use crate::{
    assess::assessment::{Assessment, CodeDrift, OverallAccuracy},
    config::Config,
    event::Kind,
    report::{self, Lang},
    service::{Answers, Feed, Service, Settings},
};

// A real stream: French activity texts, predictions of a trained classifier (fixtures/README.md).
const PREDICTIONS: &[u8] = include_bytes!("../../fixtures/streams/predictions.ndjson.zst");
const CORRECTIONS: &[u8] = include_bytes!("../../fixtures/streams/corrections.ndjson.zst");

/// The threshold that the sample stream was made with.
const THRESHOLD: f64 = 0.7;

/// Lines a chunk: small enough that the progress bar moves.
const CHUNK_LINES: usize = 2_000;

pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    let lang: Lang = args.lang.parse().context("--lang")?;
    let temporary = std::env::temp_dir().join(format!("vigie-demo-{}", std::process::id()));
    let dir = args.data.clone().unwrap_or_else(|| temporary.clone());
    if dir.join("journal").exists() {
        bail!("{} holds a journal already; name a new directory with --data", dir.display());
    }
    let done = demo(args, lang, &dir);
    if args.data.is_none() {
        let _ = std::fs::remove_dir_all(&temporary);
    }
    done
}

fn demo(args: &DemoArgs, lang: Lang, dir: &Path) -> Result<ExitCode> {
    let config = Config::default();
    let scope =
        ScopeArgs { threshold: Some(THRESHOLD), time_zone: Some("Europe/Paris".to_owned()), ..ScopeArgs::default() };
    let service = Service::start(Settings { data_dir: dir.to_owned(), naming: settings::naming(&config, &scope)? })?;
    feed(&service)?;
    let request = settings::request(&config, &scope)?;
    let answers = Answers::new(service.clone());
    let app = serve::app(Feed::Journal(service.clone()), answers, request.clone(), lang, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let assessment = runtime.block_on(Answers::new(service.clone()).ask(request, super::now()))?;
    drop(runtime);
    let twin = args.out.with_extension("json");
    std::fs::write(&args.out, report::html(&assessment, lang)?)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    std::fs::write(&twin, report::json(&assessment)).with_context(|| format!("cannot write {}", twin.display()))?;
    findings(&assessment);
    println!("\nReport: {}   numbers: {}", args.out.display(), twin.display());
    if !args.exit {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        serve::serve(app, address, |address| println!("Live page: http://{address}/   (Ctrl-C ends it)"))?;
    }
    service.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Appends the sample to the journal as a producer would, while the service reads it.
fn feed(service: &Arc<Service>) -> Result<()> {
    let streams = [(Kind::Prediction, unpack(PREDICTIONS)?), (Kind::Correction, unpack(CORRECTIONS)?)];
    let total: usize = streams.iter().map(|(_, text)| memchr::memchr_iter(b'\n', text).count()).sum();
    let progress = super::progress("{bar:30} {human_pos}/{human_len} events through the journal ({per_sec})");
    progress.set_length(total as u64);
    for (kind, text) in &streams {
        let mut start = 0;
        for (i, end) in memchr::memchr_iter(b'\n', text).enumerate() {
            if (i + 1) % CHUNK_LINES == 0 || end + 1 == text.len() {
                service.append(Some(*kind), &text[start..=end])?;
                start = end + 1;
                progress.set_position(service.status.offset());
            }
        }
    }
    if !service.catch_up(|offset| progress.set_position(offset)) {
        bail!("the consumer stopped: {}", service.status.snapshot().failure.unwrap_or_default());
    }
    progress.finish_and_clear();
    Ok(())
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    zstd::stream::read::Decoder::new(Cursor::new(packed))?.read_to_end(&mut text)?;
    // a blank line is not an event, and the journal keeps none
    let lines = text.split_inclusive(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    Ok(lines.flatten().copied().collect())
}

/// What a person should know before opening the report.
fn findings(a: &Assessment) {
    let c = &a.counts;
    println!(
        "{} predictions and {} corrections accepted; {} duplicates and {} bad lines counted and kept apart.",
        c.predictions,
        c.corrections,
        c.duplicates(),
        c.rejected(),
    );
    let percent = |x: Option<f64>| x.map_or("?".to_owned(), |x| format!("{:.1}%", 100.0 * x));
    println!("{} coded automatically at a threshold of {THRESHOLD}.", percent(a.traffic.automation_rate));
    let deepest = a.scope.nomenclature.levels.len() as u32;
    let at = |route: &'static str| move |o: &&OverallAccuracy| o.level == deepest && o.k == 1 && o.route == route;
    if let Some(all) = a.accuracy.overall.iter().find(at("all")) {
        let e = all.accuracy.estimate;
        println!(
            "Accuracy {} [{} to {}], design-weighted; the reviewed rows alone would have said {}.",
            percent(e.estimate),
            percent(e.lower),
            percent(e.upper),
            percent(all.accuracy.naive),
        );
    }
    for v in a.accuracy.by_version.iter().filter(|v| v.level == deepest) {
        let e = v.accuracy.estimate;
        println!("  version {}: {} [{} to {}]", v.version, percent(e.estimate), percent(e.lower), percent(e.upper));
    }
    if let Some(d) = a.drift.label.last() {
        println!(
            "Label drift: total variation {:.3} where no change would give {:.3} (p {} {:.3}); carried by",
            d.drift.distances.total_variation,
            d.drift.null.total_variation,
            if d.drift.chi2.p_value <= 0.002 { "<=" } else { "=" },
            d.drift.chi2.p_value,
        );
        let carried = |c: &&CodeDrift| c.drift.q_value < 0.05;
        for c in a.drift.codes.iter().filter(carried).take(5) {
            println!("  {} {}: {} -> {} predictions", c.code, c.label, c.n_reference, c.n_current);
        }
    }
}
