//! Readers ask the replicas of a group over HTTP, and see the sum of what they hold.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use vigie::{
    assess::{Holder, HolderError, Naming, SourceError, StoreFacts, Views, plan},
    fact::Facts,
    http::{Token, partitions::router},
    ingest::{Journal, Policies},
    pipeline::{Consumer, NomenclatureBook},
    report,
    service::{Answers, AskError, Holdings, Parts, Peers},
    store::{Outline, Portion, Store, Wanted, pack, unpack},
};

use crate::{
    harness::{Server, correction, prediction, request, run, same_json, stream, text},
    partitions::{partition, report as reported, timeless, whole},
};

/// A replica of three partitions that others may ask.
struct Replica {
    held: Mutex<Vec<(u32, Store)>>,
    peers: Mutex<Option<Peers>>,
}

impl Replica {
    fn of(data: &Path, lines: &[String], held: &[u32]) -> Arc<Self> {
        let held = held.iter().map(|p| (*p, partition(data, lines, *p, 3))).collect();
        Arc::new(Replica { held: Mutex::new(held), peers: Mutex::new(None) })
    }

    fn knows(&self, addresses: &[SocketAddr], token: Option<&str>) {
        let urls: Vec<String> = addresses.iter().map(|a| format!("http://{a}")).collect();
        let peers = Peers::new(&urls, token.map(str::to_owned)).expect("addresses");
        *self.peers.lock().expect("lock") = Some(peers);
    }
}

impl Parts for Replica {
    fn held(&self) -> Holdings {
        Holdings { partitions: 3, stores: self.held.lock().expect("lock").clone() }
    }

    fn naming(&self) -> Naming {
        Naming::default()
    }

    fn peers(&self) -> Option<Peers> {
        self.peers.lock().expect("lock").clone()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime")
}

/// The routes on a port of loopback.
fn served(runtime: &Runtime, router: axum::Router) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("its address");
    runtime.spawn(async move { axum::serve(listener, router).await });
    address
}

fn asked(runtime: &Runtime, answers: &Answers) -> Result<Value, AskError> {
    let made = runtime.block_on(answers.ask(request(), String::new()))?;
    Ok(timeless(serde_json::from_str(&report::json(&made)).expect("JSON")))
}

#[test]
fn replicas_answer_for_each_other_and_for_the_command_line() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 400);
    whole(dir.path(), &lines);
    let expected = reported(dir.path(), &["--data", "whole"]);
    let runtime = runtime();
    // the second has a copy of partition 1 that stays behind
    let one = Replica::of(&dir.path().join("one"), &lines, &[0, 1]);
    let two = Replica::of(&dir.path().join("two"), &lines[..300], &[1]);
    two.held.lock().expect("lock").push((2, partition(&dir.path().join("two"), &lines, 2, 3)));
    let token = || Some(Token::new("s3cret".to_owned()));
    let addresses = [&one, &two].map(|r| served(&runtime, router(r.clone(), token())));
    for replica in [&one, &two] {
        // each asks itself, too
        replica.knows(&addresses, Some("s3cret"));
        let answers = Answers::over(replica.clone());
        same_json(&asked(&runtime, &answers).expect("an assessment"), &expected, "a replica's summary");
        assert_eq!(runtime.block_on(answers.models()).expect("models"), ["ape"]);
    }
    let urls = addresses.map(|a| format!("http://{a}"));
    let ask = |token: Option<&str>, args: &[&str]| {
        let mut command = crate::harness::vigie(dir.path(), args);
        if let Some(token) = token {
            command.env("VIGIE_TOKEN", token);
        }
        let output = command.output().expect("the binary runs");
        (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let services = ["--service", &urls[0], "--service", &urls[1]];
    let (code, out, err) = ask(Some("s3cret"), &[&["report", "--json", "-"][..], &services].concat());
    assert_eq!(code, Some(0), "{err}");
    same_json(&timeless(serde_json::from_slice(&out).expect("JSON")), &expected, "report --service");
    let sql = "SELECT day, what, sum(n) AS n FROM tally GROUP BY day, what ORDER BY day, what";
    let (code, out, err) = ask(Some("s3cret"), &[&["query", "--format", "csv", sql][..], &services].concat());
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, run(dir.path(), &["query", "--data", "whole", "--format", "csv", sql]).expect(0).out.as_bytes());
    // one replica does not have everything, and nobody gets a part of the sum
    let (code, out, err) = ask(Some("s3cret"), &["report", "--json", "-", "--service", &urls[0]]);
    assert_eq!((code, out.len()), (Some(2), 0));
    assert!(err.contains("partition 2 of 3 is with no replica that answers"), "{err}");
    for token in [None, Some("wrong")] {
        let (code, _, err) = ask(token, &[&["report", "--json", "-"][..], &services].concat());
        assert_eq!(code, Some(2));
        assert!(err.contains("VIGIE_TOKEN") && err.contains("no replica answers"), "{err}");
    }
    run(dir.path(), &["report", "--json", "-", "--service", &urls[0], "--data", "whole"]).expect(2);
    run(dir.path(), &["report", "--json", "-", "--service", &urls[0], "--events", "events.ndjson"]).expect(2);
    run(dir.path(), &["report", "--json", "-", "--service", "https://vigie"]).saying(2, &["--service", "TLS"]);
}

#[test]
fn answers_are_kept_until_some_partition_moves_on() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 60);
    let runtime = runtime();
    let one = Replica::of(&dir.path().join("one"), &lines, &[0, 1]);
    let two = Replica::of(&dir.path().join("two"), &lines[..40], &[2]);
    let address = served(&runtime, router(two.clone(), None));
    one.knows(&[address], None);
    let answers = Answers::over(one);
    let look = || runtime.block_on(answers.ask(request(), String::new())).expect("an assessment");
    let (first, again) = (look(), look());
    assert!(Arc::ptr_eq(&first, &again), "computed once");
    two.held.lock().expect("lock").clear();
    let further = partition(&dir.path().join("two-b"), &lines, 2, 3);
    two.held.lock().expect("lock").push((2, further));
    let later = look();
    assert!(later.counts.predictions > first.counts.predictions, "what the other replica read since is in it");
}

#[test]
fn a_partition_on_the_move_is_waited_for_and_a_lost_one_is_named() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 60);
    let runtime = runtime();
    let one = Replica::of(&dir.path().join("one"), &lines, &[0, 2]);
    let answers = Answers::over(one.clone());
    let Err(AskError::Source(e @ SourceError::Missing { .. })) = asked(&runtime, &answers) else {
        panic!("a partial sum was shown");
    };
    assert_eq!(e.to_string(), "partition 1 of 3 is with no replica that answers");
    let moved = partition(&dir.path().join("two"), &lines, 1, 3);
    let mover = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(900));
        one.held.lock().expect("lock").push((1, moved));
    });
    let a = asked(&runtime, &answers).expect("the partition came in time");
    assert_eq!(a["counts"]["predictions"], 60);
    mover.join().expect("it moved");
}

#[test]
fn who_does_not_make_sense_is_named_and_counted_out() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let lines = stream("a", 60);
    let runtime = runtime();
    let garbage = axum::Router::new()
        .route("/api/v1/partitions", axum::routing::get(|| async { "no JSON" }))
        .route("/api/v1/partitions/outline", axum::routing::get(|| async { vec![2_u8, 255, 255, 255, 255, 15, 7] }));
    let nonsense = served(&runtime, garbage);
    let newer = axum::Router::new().route("/api/v1/partitions/outline", axum::routing::get(|| async { vec![9_u8] }));
    let newer = served(&runtime, newer);
    let one = Replica::of(&dir.path().join("one"), &lines, &[0, 1, 2]);
    one.knows(&[nonsense, newer], None);
    let a = asked(&runtime, &Answers::over(one.clone())).expect("it holds everything itself");
    assert_eq!(a["counts"]["predictions"], 60);
    one.held.lock().expect("lock").pop();
    let Err(AskError::Source(e)) = asked(&runtime, &Answers::over(one.clone())) else { panic!("a partial sum") };
    let said = e.to_string();
    assert!(said.contains("partition 2 of 3 is with no replica"), "{said}");
    assert!(said.contains(&nonsense.to_string()) && said.contains("layout 9"), "{said}");
    // and the other way round: requests that make no sense
    let address = served(&runtime, router(one, None));
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let url = format!("http://{address}/api/v1/partitions");
    let listing = agent.get(&url).call().expect("GET").body_mut().read_to_string().expect("text");
    let listing: Value = serde_json::from_str(&listing).expect("JSON");
    assert_eq!((&listing["partitions"], listing["held"].as_array().map(Vec::len)), (&json!(3), Some(2)), "{listing}");
    assert!(listing["held"][0]["position"]["journal"].as_u64() > Some(0), "{listing}");
    // of this layout, but no request
    let mut damaged = pack(&()).expect("bytes");
    damaged.extend([255, 255, 255, 255, 255, 255, 255, 255, 1]);
    for bytes in [&b""[..], b"hello", &damaged, &[1, 0]] {
        assert_eq!(agent.post(format!("{url}/facts")).send(bytes).expect("POST").status().as_u16(), 400);
    }
    let backwards = vec![Wanted { partition: 0, series: None, hours: vec![(9, 3)], most_specimens: None }];
    let mut answer = agent.post(format!("{url}/facts")).send(&pack(&backwards).expect("bytes")[..]).expect("POST");
    assert_eq!(answer.status().as_u16(), 200);
    let portions: Vec<Portion> = unpack(&answer.body_mut().read_to_vec().expect("bytes")).expect("portions");
    assert_eq!(portions[0].facts, Facts { ledger: portions[0].outline.ledger.clone(), ..Facts::default() });
}

#[test]
fn a_running_service_is_asked_for_its_report() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start_with(dir.path(), "data", &[], Some("s3cret")).with_token("s3cret");
    server.feed(&stream("a", 200));
    server.caught_up();
    let mut command = crate::harness::vigie(dir.path(), &["report", "--json", "-", "--service"]);
    let output = command.arg(format!("http://{}/", server.address)).env("VIGIE_TOKEN", "s3cret").output().expect("run");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    same_json(&timeless(found), &timeless(server.get("/api/v1/summary").json()), "report --service");
    let open = Server::start(dir.path(), "other", &[]);
    let both = ["report", "--json", "-", "--service", &format!("http://{}", open.address), "--service"];
    let mut command = crate::harness::vigie(dir.path(), &both);
    let output = command.arg(format!("http://{}", server.address)).env("VIGIE_TOKEN", "s3cret").output().expect("run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("whole in itself"), "two journals are no sum: {said}");
    assert_eq!(open.get("/api/v1/partitions").status, 200);
    open.get("/api/v1/partitions/facts").problem(405, &[]);
}

/// A replica that goes on after it was looked at.
struct Moving {
    consumer: Mutex<(Journal, Store, Consumer, Vec<String>)>,
}

impl Moving {
    fn views(&self) -> Views {
        let mut views = Views::default();
        views.add(&self.consumer.lock().expect("lock").1, 0, 1).expect("a view");
        views
    }
}

impl Holder for Moving {
    fn outlines(&self) -> Result<Vec<Arc<Outline>>, HolderError> {
        self.views().outlines()
    }

    fn portions(&self, wanted: &[Wanted]) -> Result<Vec<Portion>, HolderError> {
        {
            let (journal, _, consumer, later) = &mut *self.consumer.lock().expect("lock");
            journal.append(None, &text(later)).expect("append");
            journal.sync().expect("sync");
            while consumer.step().expect("step").taken > 0 {}
        }
        self.views().portions(wanted)
    }
}

/// Plan and facts of a replica to which `later` comes in between.
fn overtaken(later: Vec<String>) -> Result<i64, SourceError> {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = Journal::open(&dir.path().join("journal")).expect("journal");
    let store = Store::open(&dir.path().join("store")).expect("store");
    journal.append(None, &text(&[prediction("p").to_string()])).expect("append");
    journal.sync().expect("sync");
    let resumed = Consumer::resume(journal.clone(), store.clone(), Policies::default(), NomenclatureBook::default());
    let mut consumer = resumed.expect("consumer");
    while consumer.step().expect("step").taken > 0 {}
    let holder = Moving { consumer: Mutex::new((journal, store, consumer, later)) };
    let facts = StoreFacts::over(vec![Box::new(holder)], Naming::default())?;
    let plan = plan(&facts, request()).expect("a plan");
    let (engine, ledger) = facts.engine(&plan)?;
    let labels = runtime().block_on(engine.sql("SELECT sum(n) AS n FROM outcome")).expect("an answer");
    assert_eq!(labels.json(0, 0).as_i64().unwrap_or_default(), ledger.labelled, "facts and ledger of one moment");
    Ok(ledger.total("prediction", "accepted"))
}

#[test]
fn facts_that_went_on_meanwhile_are_of_one_moment_or_asked_for_again() {
    let mut new_code = prediction("q");
    new_code["candidates"][0]["code"] = json!("9999Z");
    let more = vec![new_code.to_string(), correction("c", "q", "8888Z").to_string()];
    assert_eq!(overtaken(more).expect("the plan is the same"), 2);
    let mut version = prediction("q");
    version["model_version"] = json!("2.0.0");
    let mut day = prediction("q");
    day["predicted_at"] = json!("2026-07-01T08:00:00Z");
    for event in [version, day] {
        let found = overtaken(vec![event.to_string()]);
        assert!(matches!(found, Err(SourceError::Moved)), "{found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(20_260_602), ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_end_the_reader(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(), whole in any::<bool>(),
    ) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let good = BYTES.get_or_init(|| {
            let dir = tempfile::tempdir().expect("temporary directory");
            let store = partition(dir.path(), &stream("a", 30), 0, 1);
            let mut views = Views::default();
            views.add(&store, 0, 1).expect("a view");
            let all = Wanted { partition: 0, series: None, hours: vec![(0, 1 << 21)], most_specimens: None };
            pack(&views.portions(&[all]).expect("portions")).expect("bytes")
        });
        let mut bytes = good.clone();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(if whole { bytes.len() } else { cut.index(bytes.len()) });
        let read: Result<Vec<Portion>, _> = unpack(&bytes);
        let Ok(portions) = read else { return Ok(()) };
        let symbols = portions.iter().map(|p| &p.outline.symbols);
        if let Ok(union) = vigie::fact::Union::of(symbols) {
            let _ = union.merge(portions.iter().map(|p| p.facts.clone()).collect());
        }
    }
}
