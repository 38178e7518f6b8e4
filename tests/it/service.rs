//! The running service as a client sees it.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Server, correction, prediction, run, same_json, stream, text, vigie, write};

fn start() -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(dir.path(), "data", &[]);
    (dir, server)
}

fn post(server: &Server, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    server.post(path, body, headers).unwrap_or_else(|e| panic!("POST {path}: {e}"))
}

fn counts(server: &Server) -> Value {
    server.caught_up();
    server.get("/api/v1/summary").json()["counts"].clone()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn events_come_in_mixed_packed_and_of_one_kind() {
    let (_dir, server) = start();
    let lines = stream("a", 40);
    assert_eq!(server.feed(&lines), json!({"received": 60, "first_offset": 0}));
    let packed = gzip(&text(&stream("b", 10)));
    let reply = post(&server, "/api/v1/events", &packed, &[("content-encoding", "gzip")]);
    assert_eq!((reply.status, reply.json()["received"].clone()), (202, json!(15)));
    let packed = zstd::encode_all(&text(&stream("c", 10))[..], 1).expect("zstd");
    let reply = post(&server, "/api/v1/events", &packed, &[("content-encoding", "zstd")]);
    assert_eq!((reply.status, reply.json()["first_offset"].clone()), (202, json!(75)));
    let p = text(&[prediction("only").to_string()]);
    assert_eq!(post(&server, "/api/v1/events?kind=prediction", &p, &[]).status, 202);
    let c = text(&[correction("x", "only", "5610A").to_string()]);
    assert_eq!(post(&server, "/api/v1/events?kind=correction", &c, &[]).status, 202);
    // blank lines are no events, the last line needs no newline, and Windows ends lines in its own way
    let loose = format!("\n  \r\n{}\r\n\n{}", prediction("w1"), prediction("w2"));
    assert_eq!(post(&server, "/api/v1/events", loose.as_bytes(), &[]).json()["received"], 2);
    let c = counts(&server);
    assert_eq!((&c["predictions"], &c["corrections"]), (&json!(63), &json!(31)), "{c}");
    assert_eq!((&c["predictions_rejected"], &c["corrections_rejected"]), (&json!(0), &json!(0)), "{c}");
    // the same again is the same facts
    server.feed(&lines);
    let again = counts(&server);
    assert_eq!((&again["predictions"], &again["predictions_duplicate"]), (&json!(63), &json!(40)), "{again}");
}

#[test]
fn a_line_of_another_kind_than_was_said_is_refused_and_kept() {
    let (_dir, server) = start();
    let wrong = text(&[prediction("p").to_string()]);
    assert_eq!(post(&server, "/api/v1/events?kind=correction", &wrong, &[]).status, 202);
    post(&server, "/api/v1/events", b"{\"broken\": \nhello\n", &[]);
    server.caught_up();
    let letters = server.get("/api/v1/dead-letters").json();
    let letters = letters.as_array().expect("a list");
    assert_eq!(letters.len(), 3, "{letters:?}");
    assert_eq!(letters[0]["raw"], "hello", "newest first");
    assert_eq!(letters[0]["reason"], "malformed_json");
    assert_eq!((&letters[2]["kind"], &letters[2]["reason"]), (&json!("correction"), &json!("missing_field")));
    assert_eq!((&letters[2]["position"], &letters[2]["source"]), (&json!(0), &json!("journal")));
    assert_eq!(server.get("/api/v1/dead-letters?limit=1").json().as_array().map(Vec::len), Some(1));
    server.get("/api/v1/dead-letters?limit=-1").problem(400, &[]);
    server.get("/api/v1/dead-letters?many=1").problem(400, &["many"]);
}

#[test]
fn bad_requests_are_told_what_is_wrong() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = write(dir.path(), "small.toml", "[server]\nmax_body = \"2 KiB\"\n");
    let server = Server::start(dir.path(), "data", &["--config", &config.display().to_string()]);
    post(&server, "/api/v1/events", b"", &[]).problem(400, &["line"]);
    post(&server, "/api/v1/events", b"\n \n", &[]).problem(400, &["line"]);
    let event = text(&[prediction("p").to_string()]);
    post(&server, "/api/v1/events", &event, &[("content-encoding", "br")]).problem(415, &["gzip", "zstd"]);
    post(&server, "/api/v1/events", &event, &[("content-encoding", "gzip")]).problem(400, &["decompressed"]);
    post(&server, "/api/v1/events", &event, &[("content-encoding", "zstd")]).problem(400, &[]);
    post(&server, "/api/v1/events?kind=other", &event, &[]).problem(400, &["other"]);
    post(&server, "/api/v1/events?knid=prediction", &event, &[]).problem(400, &["knid"]);
    // a small body that becomes a large one
    let bomb = gzip(&[b'x'; 100_000]);
    assert!(bomb.len() < 2048);
    post(&server, "/api/v1/events", &bomb, &[("content-encoding", "gzip")]).problem(413, &["2048"]);
    post(&server, "/api/v1/events", &[b'x'; 4096], &[]).problem(413, &[]);
    for (path, word) in [
        ("/api/v1/summary?frm=2026-06-01", "frm"),
        ("/api/v1/summary?from=June", "from"),
        ("/api/v1/summary?from=2026-06-02&to=2026-06-01", "before"),
        ("/api/v1/summary?reference_from=2026-06-01", "together"),
        ("/api/v1/summary?reference=yesteryear", "last-year-dates"),
        ("/?reference=last-year&reference_from=2026-06-01&reference_to=2026-06-02", "not both"),
        ("/api/v1/summary?model=none", "none"),
        ("/?lang=de", "de"),
        ("/?x=1", "x"),
    ] {
        server.get(path).problem(400, &[word]);
    }
    server.get("/nothing/here").problem(404, &["/nothing/here"]);
    server.get("/api/v1/events").problem(405, &[]);
    post(&server, "/api/v1/summary", b"", &[]).problem(405, &[]);
    assert_eq!(counts(&server)["predictions_received"], 0, "nothing of all this was taken");
}

#[test]
fn a_summary_takes_its_reference_by_name() {
    let (_dir, server) = start();
    server.feed(&stream("a", 40));
    server.caught_up();
    let period = "from=2026-06-15&to=2026-06-20";
    let chosen = |query: &str| {
        let summary = server.get(&format!("/api/v1/summary?{period}{query}")).json();
        let reference = &summary["scope"]["reference"];
        (reference["chosen"].clone(), reference["period"]["from"].clone())
    };
    assert_eq!(chosen(""), ("preceding".into(), "2026-06-09".into()));
    assert_eq!(chosen("&reference=trailing:7:1"), ("trailing".into(), "2026-06-07".into()));
    assert_eq!(chosen("&reference=last-year"), ("last_year".into(), "2025-06-16".into()));
    assert_eq!(server.get(&format!("/?{period}&reference=first-half&lang=fr")).status, 200);
}

#[test]
fn an_unknown_level_is_refused_with_the_levels_there_are() {
    let (_dir, server) = start();
    server.feed(&stream("a", 10));
    server.caught_up();
    server.get("/api/v1/summary?level=village").problem(400, &["village", "section"]);
    assert_eq!(server.get("/api/v1/summary?level=section").json()["scope"]["level"], 1);
    assert_eq!(server.get("/?level=2").status, 200);
}

/// Of two reports, everything but when they were made.
fn timeless(mut report: Value) -> Value {
    report["scope"]["generated_at"] = Value::Null;
    report
}

#[test]
fn the_summary_is_the_report_of_the_same_directory() {
    let (dir, server) = start();
    server.feed(&stream("a", 500));
    server.caught_up();
    let summary = server.get("/api/v1/summary").json();
    let weekly = server.get("/api/v1/summary?from=2026-06-08&to=2026-06-14&level=2").json();
    assert_eq!(server.stop().0, Some(0));
    let report = run(dir.path(), &["report", "--data", "data", "--json", "-"]).expect(0).json();
    same_json(&timeless(report), &timeless(summary), "whole");
    let scope = ["--from", "2026-06-08", "--to", "2026-06-14", "--level", "2"];
    let args = [&["report", "--data", "data", "--json", "-"][..], &scope].concat();
    same_json(&timeless(run(dir.path(), &args).expect(0).json()), &timeless(weekly), "a week");
}

/// A page that shows itself without anybody else: no address in what it loads.
fn check_page(page: &Answer, lang: &str) {
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.headers["content-type"].starts_with("text/html"), "{:?}", page.headers);
    let html = page.text();
    assert!(html.contains(&format!("<html lang=\"{lang}\"")), "{}", &html[..html.len().min(300)]);
    for attribute in ["src=", "href=", "url(", "action="] {
        for (at, _) in html.match_indices(attribute) {
            let rest: String = html[at + attribute.len()..].chars().take(12).collect();
            assert!(!rest.contains("//"), "loads {attribute}{rest}");
        }
    }
    assert!(html.trim_end().ends_with("</html>"));
}

#[test]
fn the_page_opens_in_both_languages_with_and_without_data() {
    let (_dir, server) = start();
    check_page(&server.get("/"), "fr");
    check_page(&server.get("/?lang=en"), "en");
    server.feed(&stream("a", 50));
    let mut other = prediction("other");
    other["model"] = json!("<b>&\"zz");
    other["candidates"][0]["code"] = json!("<i>");
    server.feed(&[other.to_string()]);
    server.caught_up();
    for (path, lang) in
        [("/", "fr"), ("/?lang=fr", "fr"), ("/?lang=en", "en"), ("/?lang=en&model=%3Cb%3E%26%22zz", "en")]
    {
        let page = server.get(path);
        check_page(&page, lang);
        let html = page.text();
        assert!(!html.contains("<b>&") && !html.contains("<i>"), "other people's text is not markup");
        assert!(html.contains("ape"), "models to choose from");
    }
    // a form sends empty fields
    check_page(&server.get("/?model=&from=&to=&level=&lang="), "fr");
}

#[test]
fn every_answer_carries_the_security_headers() {
    let (_dir, server) = start();
    for path in ["/", "/metrics", "/health/live", "/health/ready", "/nowhere", "/api/v1/dead-letters", "/?lang=xx"] {
        let headers = server.get(path).headers;
        let policy = headers.get("content-security-policy").map_or("", String::as_str);
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(headers.get("x-content-type-options").map(String::as_str), Some("nosniff"), "{path}");
        assert_eq!(headers.get("referrer-policy").map(String::as_str), Some("no-referrer"), "{path}");
        assert_eq!(headers.get("cache-control").map(String::as_str), Some("no-store"), "{path}");
    }
}

#[test]
fn health_says_alive_and_ready() {
    let (_dir, server) = start();
    assert_eq!(server.get("/health/live").json()["alive"], true);
    let ready = server.get("/health/ready").json();
    assert_eq!(ready, json!({"ready": true, "lag_events": 0, "failed": false, "reasons": []}));
}

/// Checks the form of every line and gives the samples.
fn open_metrics(text: &str) -> Vec<(String, f64)> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = Vec::new();
    let mut families = Vec::new();
    for line in text.lines().filter(|l| *l != "# EOF") {
        if let Some(described) = line.strip_prefix("# ") {
            let words: Vec<&str> = described.splitn(3, ' ').collect();
            assert!(["HELP", "TYPE", "UNIT"].contains(&words[0]) && words.len() == 3, "{line}");
            if words[0] == "TYPE" {
                assert!(["counter", "gauge"].contains(&words[2]), "{line}");
                assert!(!families.contains(&words[1].to_owned()), "{} is described twice", words[1]);
                families.push(words[1].to_owned());
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let family = name.split('{').next().unwrap_or_default();
        let known = families.iter().any(|f| family == f || family.strip_suffix("_total") == Some(f));
        assert!(known, "{family} has no TYPE");
        assert!(samples.iter().all(|(n, _)| n != name), "{name} twice");
        samples.push((name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}"))));
    }
    samples
}

#[test]
fn metrics_are_open_metrics_and_add_up() {
    let (_dir, server) = start();
    open_metrics(&server.get("/metrics").text());
    let lines = stream("a", 100);
    server.feed(&lines);
    server.feed(&lines[..30]);
    post(&server, "/api/v1/events", b"nonsense\n{\"prediction_id\": 1}\n", &[]);
    server.caught_up();
    let page = server.get("/metrics");
    assert!(page.headers["content-type"].starts_with("application/openmetrics-text"), "{:?}", page.headers);
    let samples = open_metrics(&page.text());
    let sum = |prefix: &str, with: &str| -> f64 {
        samples.iter().filter(|(n, _)| n.starts_with(prefix) && n.contains(with)).map(|(_, v)| v).sum()
    };
    let events = |with: &str| sum("vigie_events_total", with);
    assert_eq!(events(""), 182.0, "{}", page.text());
    assert_eq!(events("outcome=\"accepted\""), 150.0);
    assert_eq!(events("outcome=\"duplicate\""), 30.0);
    assert_eq!(events("outcome=\"rejected\""), 2.0);
    assert_eq!(events("kind=\"unknown\""), 1.0);
    assert_eq!(sum("vigie_labelled", ""), 50.0);
    assert_eq!(sum("vigie_journal_end_offset", ""), 182.0);
    assert_eq!(sum("vigie_store_offset", ""), 182.0);
    assert_eq!(sum("vigie_lag_events", ""), 0.0);
    assert_eq!(sum("vigie_consumer_failed", ""), 0.0);
    assert!(sum("vigie_commits_total", "") >= 1.0);
}

#[test]
fn lines_that_cannot_be_told_are_in_the_summarys_counts_too() {
    let (_dir, server) = start();
    server.feed(&stream("a", 10));
    post(&server, "/api/v1/events", b"nonsense\n", &[]);
    server.caught_up();
    let summary = server.get("/api/v1/summary").json();
    let rows = summary["intake"].as_array().expect("intake").clone();
    assert_eq!(rows.iter().map(|r| r["n"].as_u64().unwrap_or(0)).sum::<u64>(), 16, "{rows:?}");
    let warned = summary["warnings"].as_array().expect("warnings").iter().find(|w| w["code"] == "rejected");
    assert_eq!(warned.expect("a warning that a line was rejected")["n"], 1);
}

#[test]
fn a_token_is_asked_for_everywhere_but_at_health() {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "token", "s3cret\n");
    write(dir.path(), "vigie.toml", "[server]\ntoken_file = \"token\"\n");
    let by_file = Server::start(dir.path(), "one", &[]);
    let by_variable = Server::start_with(dir.path(), "two", &[], Some("s3cret"));
    for server in [&by_file, &by_variable] {
        for path in ["/", "/metrics", "/api/v1/summary", "/api/v1/dead-letters"] {
            let answer = server.get(path);
            answer.problem(401, &["Bearer"]);
            assert!(answer.headers["www-authenticate"].contains("Basic"), "a browser asks for it");
            for wrong in ["Bearer s3cre", "Bearer s3cret2", "Bearer", "Basic czNjcmV0", "s3cret", "Bearer "] {
                let answer = server.get_with(path, &[("authorization", wrong)]).expect(path);
                assert_eq!(answer.status, 401, "{path} {wrong}");
            }
        }
        post(server, "/api/v1/events", b"{}\n", &[]).problem(401, &[]);
        assert_eq!(server.get("/health/live").status, 200);
        assert_eq!(server.get("/health/ready").status, 200);
        // dmlnaWU6czNjcmV0 = vigie:s3cret
        for right in ["Bearer s3cret", "bearer s3cret", "Basic dmlnaWU6czNjcmV0"] {
            let answer = server.get_with("/", &[("authorization", right)]).expect("GET /");
            assert_eq!(answer.status, 200, "{right}");
        }
    }
    let server = by_file.with_token("s3cret");
    server.feed(&stream("a", 5));
    assert_eq!(counts(&server)["predictions"], 5);
}

#[test]
fn sigterm_ends_it_soon_and_frees_the_directory() {
    let (dir, server) = start();
    server.feed(&stream("a", 2_000));
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let again = Server::start(dir.path(), "data", &[]);
    assert_eq!(counts(&again)["predictions"], 2_000);
}

#[test]
fn sigterm_ends_it_although_a_client_keeps_its_connection() {
    let (_dir, server) = start();
    let mut idle = std::net::TcpStream::connect(&server.address).expect("connect");
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: vigie\r\n\r\n").expect("write");
    let silent = std::net::TcpStream::connect(&server.address).expect("connect");
    std::thread::sleep(Duration::from_millis(200));
    let (code, took) = server.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop((idle, silent));
}

#[test]
fn a_second_process_on_the_directory_is_refused() {
    let (dir, server) = start();
    server.feed(&stream("a", 10));
    server.caught_up();
    write(dir.path(), "more.ndjson", text(&stream("b", 2)));
    for args in [
        &["serve", "--data", "data", "--listen", "127.0.0.1:0"][..],
        &["ingest", "--data", "data", "--events", "more.ndjson"],
        &["report", "--data", "data", "--json", "-"],
        &["query", "--data", "data", "SELECT 1"],
    ] {
        let done = run(dir.path(), args).saying(2, &["another vigie process"]);
        assert!(done.out.is_empty(), "{}", done.out);
    }
    let checked = run(dir.path(), &["check", "--data", "data"]).expect(1);
    assert!(checked.out.contains("another vigie process"), "{}", checked.out);
    // and the service is none the worse for it
    assert_eq!(counts(&server)["predictions"], 10);
}

#[test]
fn an_address_in_use_is_said_and_the_directory_let_go() {
    let (dir, server) = start();
    let args = ["serve", "--data", "other", "--listen", server.address.as_str()];
    run(dir.path(), &args).saying(2, &["cannot listen on", "--listen"]);
    run(dir.path(), &["check", "--data", "other"]).expect(0);
}

#[test]
fn clients_at_the_same_time_are_all_counted() {
    let (_dir, server) = start();
    std::thread::scope(|threads| {
        for client in 0..6 {
            let server = &server;
            threads.spawn(move || {
                for batch in stream(&format!("client{client}"), 200).chunks(37) {
                    server.feed(batch);
                    server.get("/api/v1/dead-letters");
                }
            });
        }
    });
    let c = counts(&server);
    assert_eq!((&c["predictions"], &c["corrections"]), (&json!(1200), &json!(600)), "{c}");
}

#[test]
fn logs_are_json_when_asked_for() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut command = vigie(dir.path(), &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    let mut child = command.env("VIGIE_LOG_FORMAT", "json").stderr(Stdio::piped()).spawn().expect("serve starts");
    std::thread::sleep(Duration::from_millis(1500));
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("stderr"), &mut said).expect("a log");
    assert!(child.wait().expect("wait").success());
    let lines: Vec<Value> =
        said.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    assert!(lines.iter().any(|l| l["fields"]["message"] == "serving"), "{said}");
}
