//! What the whole-path tests share: streams, facts in a form that two runs can compare, the real binary.

mod canonical;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use vigie::{assess::Request, measure::terms::stop_words::StopWords};

pub use canonical::{Canonical, cell_name};

pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// Lines of a fixture, decompressed, blank ones left out.
pub fn fixture_lines(path: &str) -> Vec<Vec<u8>> {
    let raw = std::fs::read(fixture(path)).expect(path);
    let text = if path.ends_with(".zst") { zstd::decode_all(&raw[..]).expect(path) } else { raw };
    text.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

/// A prediction of model `ape` that most tests are content with.
pub fn prediction(id: &str) -> Value {
    json!({
        "prediction_id": id, "model": "ape", "model_version": "1.0.0", "nomenclature": "naf-rev2",
        "predicted_at": "2026-06-01T08:00:00Z", "status": "ok", "latency_ms": 12.5, "confidence": 0.9,
        "candidates": [{"code": "5610A", "probability": 0.95}, {"code": "5610C", "probability": 0.05}], "route": "auto",
    })
}

pub fn correction(id: &str, prediction_id: &str, code: &str) -> Value {
    json!({
        "correction_id": id, "prediction_id": prediction_id, "code": code,
        "corrected_at": "2026-06-02T08:00:00Z", "source": "audit", "inclusion_probability": 0.5,
    })
}

/// `n` predictions and a correction of every second one, mixed.
pub fn stream(prefix: &str, n: usize) -> Vec<String> {
    let codes = ["5610A", "5610C", "5630Z", "6201Z"];
    let mut lines = Vec::new();
    for i in 0..n {
        let mut p = prediction(&format!("{prefix}-{i}"));
        p["predicted_at"] = json!(format!("2026-06-{:02}T{:02}:00:00Z", 1 + i % 20, i % 24));
        p["candidates"][0]["code"] = json!(codes[i % 4]);
        p["candidates"][1]["code"] = json!(codes[(i + 1) % 4]);
        p["route"] = json!(if i % 3 == 0 { "manual" } else { "auto" });
        lines.push(p.to_string());
        if i % 2 == 0 {
            let truth = codes[if i % 10 == 0 { i + 1 } else { i } % 4];
            lines.push(correction(&format!("c-{i}"), &format!("{prefix}-{i}"), truth).to_string());
        }
    }
    lines
}

/// What a reader asks who leaves everything open, in UTC.
pub fn request() -> Request {
    Request {
        workspace: None,
        model: None,
        version: None,
        from: None,
        to: None,
        reference: None,
        level: None,
        confidence_level: 0.95,
        half_width: 0.01,
        auto_quality: 0.95,
        alarm_rate: 0.05,
        detectors: Vec::new(),
        least_drift: 0.01,
        crosswalks: Vec::new(),
        sensitive_codes: Vec::new(),
        stop_words: StopWords::default(),
        most_texts: vigie::assess::MOST_TEXTS,
        time_zone: jiff::tz::TimeZone::UTC,
        time_zone_name: "UTC".to_owned(),
        exclude_sources: vec!["contestation".to_owned()],
    }
}

pub fn text(lines: &[impl AsRef<[u8]>]) -> Vec<u8> {
    lines.iter().flat_map(|l| [l.as_ref(), b"\n"].concat()).collect()
}

pub fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

/// The binary, away from any `vigie.toml` and from the environment's settings.
pub fn vigie(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    command.args(args).current_dir(dir);
    for variable in ["VIGIE_TOKEN", "VIGIE_CONFIG", "VIGIE_LOG", "VIGIE_LOG_FORMAT"] {
        command.env_remove(variable);
    }
    command
}

#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    /// # Panics
    /// When the exit code is another, showing what was said.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Also that standard error says something.
    pub fn saying(self, code: i32, words: &[&str]) -> Self {
        let done = self.expect(code);
        for word in words {
            assert!(done.err.contains(word), "`{word}` is not said:\n{}", done.err);
        }
        done
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}:\n{}\n{}", self.out, self.err))
    }
}

pub fn run(dir: &Path, args: &[&str]) -> Done {
    let output = vigie(dir, args).stdin(Stdio::null()).output().expect("the binary starts");
    Done {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running `vigie serve` on a free port.
pub struct Server {
    child: Child,
    pub address: String,
    token: Option<String>,
    log: Arc<Mutex<String>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{} {e}: {}", self.status, self.text()))
    }

    /// The status is this one, and the body an RFC 9457 problem that says these words.
    pub fn problem(&self, status: u16, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text());
        let kind = self.headers.get("content-type").map_or("", String::as_str);
        assert_eq!(kind, "application/problem+json", "{}", self.text());
        assert_eq!(self.json()["status"], status);
        for word in words {
            assert!(self.text().contains(word), "`{word}` is not said: {}", self.text());
        }
    }
}

impl Server {
    pub fn start(dir: &Path, data: &str, more: &[&str]) -> Self {
        Server::start_with(dir, data, more, None)
    }

    pub fn start_with(dir: &Path, data: &str, more: &[&str], token: Option<&str>) -> Self {
        let token: Vec<(&str, &str)> = token.map(|t| ("VIGIE_TOKEN", t)).into_iter().collect();
        Server::start_in(dir, data, more, &token)
    }

    pub fn start_in(dir: &Path, data: &str, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut args = vec!["serve", "--data", data, "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut command = vigie(dir, &args);
        command.envs(environment.iter().copied());
        Server::launch(command)
    }

    /// A command that ends in `vigie serve`, once it listens.
    pub fn launch(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("serve starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (send, receive) = mpsc::channel();
        let log: Arc<Mutex<String>> = Arc::default();
        let written = log.clone();
        // the pipe is read to its end, or the service would wait for a reader of its log
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = writeln!(written.lock().expect("no reader panics"), "{line}");
                let _ = send.send(line);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Ok(line) = receive.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if let Some((_, rest)) = line.split_once("serving address=") {
                let address = rest.split_whitespace().next().unwrap_or_default().to_owned();
                return Server { child, address, token: None, log };
            }
        }
        let _ = child.kill();
        panic!("serve did not come up:\n{}", log.lock().expect("no writer panics"));
    }

    /// What it has logged so far.
    pub fn said(&self) -> String {
        self.log.lock().expect("no writer panics").clone()
    }

    /// Requests carry this bearer token from now on.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    fn agent() -> ureq::Agent {
        let config = ureq::Agent::config_builder();
        config.http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let mut request = Server::agent().get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        answer(request.call()?)
    }

    pub fn post(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let mut request = Server::agent().post(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        answer(request.send(body)?)
    }

    /// Posts lines and expects them to be taken.
    pub fn feed(&self, lines: &[String]) -> Value {
        let answer = self.post("/api/v1/events", &text(lines), &[]).expect("POST");
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// Waits until the store has everything that the journal has.
    pub fn caught_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let ready = self.get("/health/ready").json();
            assert_eq!(ready["failed"], false, "{ready}");
            if ready["lag_events"] == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "still behind: {ready}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As a power cut would, but for the disk's cache.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// As [`Server::terminate`], and it is gone.
    pub fn stop(mut self) -> (Option<i32>, Duration) {
        self.terminate()
    }

    /// SIGTERM; gives the exit code and how long it took.
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let before = Instant::now();
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().expect("kill runs");
        assert!(told.success());
        while before.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return (status.code(), before.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("serve does not stop");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let headers = response.headers().iter();
    let headers = headers.map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body)?;
    Ok(Answer { status, headers, body })
}

/// Two JSON values are equal; otherwise says where they differ, since whole reports do not fit a screen.
pub fn same_json(found: &Value, wanted: &Value, what: &str) {
    let mut differences = Vec::new();
    differ(found, wanted, String::new(), &mut differences);
    assert!(
        differences.is_empty(),
        "{what}: {} differences\n{}",
        differences.len(),
        differences[..differences.len().min(10)].join("\n")
    );
}

fn differ(a: &Value, b: &Value, at: String, out: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: std::collections::BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            for key in keys {
                differ(
                    x.get(key).unwrap_or(&Value::Null),
                    y.get(key).unwrap_or(&Value::Null),
                    format!("{at}/{key}"),
                    out,
                );
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            for (i, (x, y)) in x.iter().zip(y).enumerate() {
                differ(x, y, format!("{at}/{i}"), out);
            }
        }
        _ if a == b => {}
        _ => out.push(format!("{at}: {a} where {b} is expected")),
    }
}
