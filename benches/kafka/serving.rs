//! The real binary as `vigie serve`, in a folder of its own; both are gone when it is dropped, or with this process.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    processes,
    topics::{Offsets, Topics},
};

/// Ends the service when the pipe from this process ends, as it does however this process ends.
const SCRIPT: &str = r#"
folder=$1
shift
"$@" >"$folder/vigie.log" 2>&1 </dev/null &
pid=$!
echo "$pid"
read -r _
kill -TERM "$pid" 2>/dev/null
(trap 'kill "$!"; exit' TERM; sleep 60 & wait "$!"; kill -KILL "$pid") >/dev/null 2>&1 &
guard=$!
wait "$pid"
kill "$guard" 2>/dev/null
rm -rf "$folder"
"#;

const COUNTS: [&str; 2] = ["counts", "predictions"];

pub struct Serving {
    pub pid: u32,
    pub began: Instant,
    address: String,
    folder: PathBuf,
    guard: Child,
    pipe: Option<ChildStdin>,
    agent: ureq::Agent,
}

impl Serving {
    /// With a new data directory and a new group.
    pub fn start(topics: &Topics) -> Self {
        Serving::as_instance(topics, None)
    }

    /// The same, as a static member of its group.
    pub fn as_instance(topics: &Topics, instance: Option<&str>) -> Self {
        let folder = tempfile::Builder::new().prefix("vigie-bench-").tempdir().expect("a temporary directory").keep();
        let mut configuration = configuration(topics);
        if let Some(instance) = instance {
            let _ = writeln!(configuration, "instance = \"{instance}\"");
        }
        std::fs::write(folder.join("vigie.toml"), configuration).expect("a disk");
        Serving::launch(folder)
    }

    /// A successor of one that was killed, with its directory and its group. Drop it first.
    pub fn again(&self) -> Self {
        Serving::launch(self.folder.clone())
    }

    fn launch(folder: PathBuf) -> Self {
        // nobody tells the port at this level of the log, so it is chosen here
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let mut guard = Command::new("sh");
        guard.args(["-c", SCRIPT, "guard"]).arg(&folder).arg(binary());
        guard.args(["serve", "--config", "vigie.toml", "--data", "data", "--listen", &free.to_string()]);
        for variable in
            ["VIGIE_TOKEN", "VIGIE_CONFIG", "VIGIE_LOG_FORMAT", "VIGIE_KAFKA_BROKERS", "VIGIE_KAFKA_INSTANCE"]
        {
            guard.env_remove(variable);
        }
        guard.env("VIGIE_LOG", "warn").current_dir(&folder).process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let began = Instant::now();
        let mut guard = guard.spawn().expect("sh starts");
        let pipe = guard.stdin.take();
        let mut line = String::new();
        let mut told = BufReader::new(guard.stdout.take().expect("stdout is piped"));
        told.read_line(&mut line).expect("the guard answers");
        let pid = line.trim().parse().expect("the id of a process");
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
        Serving { pid, began, address: free.to_string(), folder, guard, pipe, agent }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// `None` while it does not listen yet.
    pub fn metrics(&self) -> Option<Metrics> {
        self.get("/metrics").and_then(|body| String::from_utf8(body).ok()).map(Metrics)
    }

    /// Distinct predictions that the summary counts; `None` while there is no summary.
    pub fn counted(&self) -> Option<u64> {
        let body = self.get("/api/v1/summary")?;
        let found = sonic_rs::get_from_slice(&body, COUNTS).ok()?;
        found.as_raw_str().trim().parse().ok()
    }

    /// # Panics
    /// When the service has ended, with what it said last.
    fn get(&self, path: &str) -> Option<Vec<u8>> {
        assert!(processes::runs(self.pid), "the service has ended:\n{}", self.said());
        let mut body = Vec::new();
        let answer = self.agent.get(format!("http://{}{path}", self.address)).call().ok()?;
        answer.into_body().into_reader().read_to_end(&mut body).ok()?;
        Some(body)
    }

    /// The end of its log, which is empty when nothing was wrong.
    pub fn said(&self) -> String {
        let log = std::fs::read(self.folder.join("vigie.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Asks until the store is at `ends`; `look` sees every answer. Looks more often towards the end.
    ///
    /// # Panics
    /// When nothing moves for two minutes.
    pub fn reach(&self, ends: &Offsets, mut look: impl FnMut(&Metrics)) {
        let whole: i64 = ends.values().sum();
        let (mut last, mut moved) = (-1, Instant::now());
        loop {
            let metrics = self.metrics();
            let at = metrics.as_ref().map(Metrics::offsets).unwrap_or_default();
            metrics.iter().for_each(&mut look);
            if at == *ends {
                return;
            }
            let sum: i64 = at.values().sum();
            if sum != last {
                (last, moved) = (sum, Instant::now());
            }
            assert!(moved.elapsed() < Duration::from_secs(120), "stuck at {at:?}\nof {ends:?}\n{}", self.said());
            let near = sum <= 0 || sum * 100 > whole * 95;
            std::thread::sleep(Duration::from_millis(if near { 20 } else { 200 }));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let said = self.said();
        if !said.is_empty() {
            eprintln!("the service said:\n{said}");
        }
        self.pipe = None;
        let _ = self.guard.wait();
    }
}

/// The one that cargo built, or another that is to be measured: of another profile, or of another version.
fn binary() -> PathBuf {
    std::env::var_os("VIGIE_BENCH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_vigie").into(), PathBuf::from)
}

fn configuration(topics: &Topics) -> String {
    let mut text = String::new();
    if let Ok(share) = std::env::var("VIGIE_BENCH_TEXTS") {
        let _ = writeln!(text, "[models.default]\ntexts = {share}");
    }
    let _ = writeln!(text, "[kafka]\nbrokers = \"{}\"", topics.broker.address());
    let _ = writeln!(text, "group = \"{}\"", topics.broker.unique("group"));
    let _ = writeln!(text, "predictions = \"{}\"\ncorrections = \"{}\"", topics.predictions, topics.corrections);
    let _ = writeln!(text, "dead_letters = \"{}\"", topics.dead_letters);
    text
}

/// One answer of `/metrics`.
pub struct Metrics(String);

impl Metrics {
    fn rows(&self, name: &str) -> impl Iterator<Item = (BTreeMap<&str, &str>, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.split_once("} ")?,
                None => ("", rest.strip_prefix(' ')?),
            };
            let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
            Some((pairs.map(|(k, v)| (k, v.trim_matches('"'))).collect(), value.parse().ok()?))
        })
    }

    /// Over all rows with these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let wanted = |row: &BTreeMap<&str, &str>| labels.iter().all(|(k, v)| row.get(k) == Some(v));
        self.rows(name).filter(|(row, _)| wanted(row)).map(|(_, value)| value).sum::<f64>() as u64
    }

    /// Predictions or corrections, by what became of them.
    pub fn events(&self, outcome: &str) -> u64 {
        self.sum("vigie_events_total", &[("outcome", outcome)])
    }

    pub fn offsets(&self) -> Offsets {
        let rows = self.rows("vigie_kafka_offset").filter_map(|(row, value)| {
            let partition = row.get("partition")?.parse().ok()?;
            Some((((*row.get("topic")?).to_owned(), partition), value as i64))
        });
        rows.collect()
    }
}
