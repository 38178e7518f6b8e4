use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use super::{ServeArgs, settings};
use crate::{
    assess::{MOST_TEXTS_LIVE, Request},
    http::{self, App, Token},
    report::Lang,
    service::{
        Answers, Feed, Peers, Service, Settings,
        kafka::{KafkaService, PARTITIONS},
    },
    telemetry,
};

pub fn run(args: &ServeArgs, config: Option<&Path>) -> Result<ExitCode> {
    let config = super::load_config(config)?;
    telemetry::start();
    let naming = settings::naming(&config, &args.scope)?;
    let data_dir = args.data.clone().unwrap_or_else(|| config.data_dir.clone());
    let lang = super::lang(args.lang.as_deref(), &config)?;
    let request = settings::request(&config, &args.scope)?;
    let unused = if config.kafka.is_some() { "journal" } else { PARTITIONS };
    if data_dir.join(unused).is_dir() {
        tracing::warn!("{} holds a {unused} folder, which this configuration does not use", data_dir.display());
    }
    let (service, answers) = match &config.kafka {
        None => {
            let service = Service::start(Settings { data_dir, naming })?;
            (Feed::Journal(service.clone()), Answers::new(service))
        }
        Some(kafka) => {
            let others = !kafka.peers.is_empty();
            let peers = others.then(|| Peers::new(&kafka.peers, config.token()?).context("kafka.peers")).transpose()?;
            let service = KafkaService::start(kafka.resolved()?, naming, data_dir, peers)?;
            (Feed::Kafka(service.clone()), Answers::over(service))
        }
    };
    let app = app(service.clone(), answers, request, lang, &config)?;
    serve(app, args.listen.unwrap_or(config.listen), |_| {})?;
    service.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that the routes need.
pub fn app(
    service: Feed,
    answers: Answers,
    defaults: Request,
    lang: Lang,
    config: &crate::config::Config,
) -> Result<App> {
    let token = config.token()?.map(Token::new);
    Ok(App {
        service,
        answers: Arc::new(answers),
        token,
        // made anew for every commit that it is asked after
        defaults: Arc::new(Request { most_texts: MOST_TEXTS_LIVE, ..defaults }),
        lang,
        max_body: config.max_body,
        refresh: config.refresh_seconds,
        now: super::now,
    })
}

/// Serves until SIGINT or SIGTERM; `ready` hears the address once the port is open.
pub fn serve(app: App, listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let exposed = !listen.ip().is_loopback() && app.token.is_none();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}; choose another with --listen or --port"))?;
        let address = listener.local_addr()?;
        tracing::info!(%address, data = %app.service.data_dir().display(), "serving");
        if exposed {
            tracing::warn!(
                "listening beyond loopback without a token: everyone who reaches the port can read and write"
            );
        }
        ready(address);
        http::serve(listener, app, stop_signal()).await?;
        tracing::info!("stopping");
        Ok(())
    })
}

async fn stop_signal() {
    use tokio::signal::{
        ctrl_c,
        unix::{SignalKind, signal},
    };
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = ctrl_c() => {}
        () = terminated => {}
    }
}
