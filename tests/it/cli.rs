//! Every command as a new user tries it: what it says, and its exit code.

use std::path::Path;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Done, correction, fixture, prediction, run, same_json, stream, text, write};

/// A directory with `events.ndjson`: 40 predictions and 20 corrections.
fn with_events() -> TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), "events.ndjson", text(&stream("a", 40)));
    dir
}

/// The same in the data directory `data`.
pub(crate) fn with_data() -> TempDir {
    let dir = with_events();
    run(dir.path(), &["ingest", "--data", "data", "--events", "events.ndjson"])
        .saying(0, &["60 events", "0 of them refused"]);
    dir
}

fn report(dir: &Path, more: &[&str]) -> Done {
    run(dir, &[&["report", "--events", "events.ndjson", "--json", "-"], more].concat())
}

/// The error is one short message, not a dump.
pub(crate) fn brief(done: &Done) {
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(done.err.starts_with("vigie: ") || done.err.starts_with("error: "), "{}", done.err);
    assert!(
        done.err.len() < 1500 && !done.err.contains("RUST_BACKTRACE") && !done.err.contains("Error {"),
        "{}",
        done.err
    );
}

#[test]
fn usage_errors_exit_with_2_and_say_what_to_do() {
    let dir = with_events();
    std::fs::create_dir(dir.path().join("folder")).expect("folder");
    write(dir.path(), "bad.parquet", b"PAR1 this is not PAR1");
    write(dir.path(), "cut.gz", [0x1f, 0x8b, 8, 0, 0]);
    write(dir.path(), "columns.csv", "id;what\n1;2\n");
    write(dir.path(), "empty.csv", "");
    write(dir.path(), "bad.toml", "[server]\nlisten = 8642\nlissten = 1\n[time]\nzone = \"Europe/Pariss\"\n");
    let cases: [(&[&str], &[&str]); 26] = [
        (&["report", "--json", "-"], &["--predictions", "--data"]),
        (&["report", "--events", "events.ndjson"], &["--out", "--json"]),
        (&["report", "--events", "missing.ndjson", "--json", "-"], &["missing.ndjson", "No such file"]),
        (&["report", "--events", "folder", "--json", "-"], &["folder", "directory"]),
        (&["report", "--events", "*.nothing", "--json", "-"], &["*.nothing", "matches no file"]),
        (&["report", "--corrections", "events.ndjson", "--json", "-"], &["no predictions"]),
        (&["report", "--predictions", "bad.parquet", "--json", "-"], &["bad.parquet", "Parquet"]),
        (&["report", "--predictions", "columns.csv", "--json", "-"], &["prediction_id", "id, what", "columns = {"]),
        (&["report", "--predictions", "empty.csv", "--json", "-"], &["empty.csv is empty"]),
        (&["report", "--events", "cut.gz", "--json", "-"], &["cut.gz"]),
        (
            &["report", "--events", "events.ndjson", "--json", "-", "--from", "2026-02-30"],
            &["--from", "2026-02-30", "YYYY-MM-DD"],
        ),
        (&["report", "--events", "events.ndjson", "--json", "-", "--to", "yesterday"], &["--to", "yesterday"]),
        (
            &["report", "--events", "events.ndjson", "--json", "-", "--from", "2026-06-09", "--to", "2026-06-01"],
            &["2026-06-09", "before it begins"],
        ),
        (
            &["report", "--events", "events.ndjson", "--json", "-", "--reference-from", "2026-06-09"],
            &["--reference-to"],
        ),
        (
            &["report", "--events", "events.ndjson", "--json", "-", "--level", "village"],
            &["village", "1 (section)", "5 (sub_class)"],
        ),
        (&["report", "--events", "events.ndjson", "--json", "-", "--level", "6"], &["6", "1 (section)"]),
        (&["report", "--events", "events.ndjson", "--json", "-", "--model", "nobody"], &["nobody", "ape"]),
        (&["report", "--events", "events.ndjson", "--json", "-", "--threshold", "7"], &["--threshold", "7", "0 to 1"]),
        (&["report", "--events", "events.ndjson", "--json", "-", "--confidence-level", "95"], &["95", "0.5"]),
        (&["report", "--events", "events.ndjson", "--json", "-", "--time-zone", "Paris"], &["Paris", "Europe/Paris"]),
        (&["report", "--events", "events.ndjson", "--json", "-", "--lang", "de"], &["de", "fr"]),
        (
            &["report", "--events", "events.ndjson", "--json", "-", "--nomenclature", "nowhere"],
            &["nowhere", "naf-rev2"],
        ),
        (&["report", "--data", "nothing", "--json", "-"], &["nothing", "vigie ingest"]),
        (
            &["report", "--config", "bad.toml", "--events", "events.ndjson", "--json", "-"],
            &["bad.toml:2", "lissten", "Europe/Paris"],
        ),
        (&["query", "--data", "nothing", "SELECT 1"], &["nothing", "vigie ingest"]),
        (&["ingest", "--data", "x"], &["nothing to read"]),
    ];
    for (args, words) in cases {
        let done = run(dir.path(), args).saying(2, words);
        brief(&done);
    }
    for created in ["nothing", "x", "data"] {
        assert!(!dir.path().join(created).exists(), "a refused command made {created}");
    }
}

#[test]
fn help_and_version_are_there_and_nonsense_is_not() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let help = run(dir.path(), &["--help"]).expect(0);
    for command in ["demo", "report", "serve", "ingest", "query", "check"] {
        assert!(help.out.contains(command), "{}", help.out);
        assert!(!run(dir.path(), &[command, "--help"]).expect(0).out.is_empty());
    }
    assert!(run(dir.path(), &["--version"]).expect(0).out.contains(env!("CARGO_PKG_VERSION")));
    run(dir.path(), &["reprot"]).saying(2, &["report"]);
    run(dir.path(), &["report", "--evnts", "x"]).saying(2, &["--events"]);
    run(dir.path(), &[]).expect(2);
}

#[test]
fn several_models_must_be_chosen_from() {
    let dir = with_events();
    let mut other = prediction("other");
    other["model"] = json!("coicop");
    other["nomenclature"] = json!("coicop-2018");
    write(dir.path(), "other.ndjson", text(&[other.to_string()]));
    let files = ["events.ndjson", "other.ndjson"];
    let both = [&["report", "--json", "-", "--events"][..], &files].concat();
    run(dir.path(), &both).saying(2, &["ape", "coicop", "--model"]);
    let one = run(dir.path(), &[&both[..], &["--model", "coicop"]].concat()).expect(0).json();
    assert_eq!((&one["scope"]["model"], &one["traffic"]["predictions"]), (&json!("coicop"), &json!(1)));
    // patterns go on where the shell's do not
    let pattern =
        run(dir.path(), &["report", "--json", "-", "--events", "*.ndjson", "--model", "ape"]).expect(0).json();
    assert_eq!(pattern["traffic"]["predictions"], 40);
}

#[test]
fn a_report_goes_to_files_and_to_standard_output_alike() {
    let dir = with_events();
    let done = report(dir.path(), &["--out", "r.html", "--lang", "en", "--time-zone", "Europe/Paris"]);
    let out = done.saying(0, &["40 predictions and 20 corrections accepted, 0 duplicates, 0 rejected"]).json();
    assert_eq!(out["scope"]["time_zone"], "Europe/Paris");
    let html = std::fs::read_to_string(dir.path().join("r.html")).expect("r.html");
    assert!(html.contains("<html lang=\"en\"") && html.len() < 1_000_000);
    let args = ["report", "--events", "events.ndjson", "--json", "r.json", "--time-zone", "Europe/Paris"];
    assert!(run(dir.path(), &args).expect(0).out.is_empty());
    let mut file: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("r.json")).expect("r.json")).expect("JSON");
    file["scope"]["generated_at"] = out["scope"]["generated_at"].clone();
    same_json(&file, &out, "file and standard output");
    run(dir.path(), &["report", "--events", "events.ndjson", "--out", "no/such/folder.html"])
        .saying(2, &["no/such/folder.html"]);
}

#[test]
fn standard_input_is_a_file_too() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut command = crate::harness::vigie(dir.path(), &["report", "--events", "-", "--json", "-"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("report starts");
    let packed = zstd::encode_all(&text(&stream("a", 10))[..], 1).expect("zstd");
    std::io::Write::write_all(&mut child.stdin.take().expect("stdin"), &packed).expect("written");
    let output = child.wait_with_output().expect("report ends");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(made["counts"]["predictions"], 10);
}

#[test]
fn nothing_at_all_is_a_report_that_says_so() {
    let dir = with_events();
    write(dir.path(), "empty.ndjson", "");
    let args = ["report", "--events", "empty.ndjson", "--json", "-", "--out", "empty.html"];
    let empty = run(dir.path(), &args).saying(0, &["no prediction"]).json();
    assert_eq!(empty["warnings"][0]["code"], "no_predictions");
    assert!(std::fs::read_to_string(dir.path().join("empty.html")).expect("empty.html").contains("</html>"));
    let args = ["--from", "2030-01-01", "--to", "2030-01-31"];
    let later = report(dir.path(), &args).saying(0, &["no prediction"]).json();
    assert_eq!(later["traffic"]["predictions"], 0);
    assert_eq!(
        later["accuracy"]["overall"].as_array().map(|rows| rows.iter().all(|r| r["estimate"].is_null())),
        Some(true)
    );
    assert_eq!(later["counts"]["predictions"], 40, "over everything received, whatever the period");
    // only corrections, all of them waiting
    write(dir.path(), "c.ndjson", text(&[correction("c", "p", "5610A").to_string()]));
    let args = ["report", "--predictions", "empty.ndjson", "--corrections", "c.ndjson", "--json", "-"];
    assert_eq!(run(dir.path(), &args).expect(0).json()["counts"]["orphans"], 1);
}

#[test]
fn dead_letters_hold_every_refused_line_with_its_reason() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut conflict = prediction("p");
    conflict["confidence"] = json!(0.1);
    let lines = [
        prediction("p").to_string(),
        "not json".to_owned(),
        conflict.to_string(),
        prediction("p").to_string(),
        "{\"prediction_id\": \"q\"}".to_owned(),
        correction("c", "p", "").to_string(),
    ];
    write(dir.path(), "events.ndjson", text(&lines));
    let made = report(dir.path(), &["--dead-letters", "dead.ndjson"])
        .saying(0, &["1 predictions", "1 duplicates", "4 rejected"])
        .json();
    let dead = std::fs::read_to_string(dir.path().join("dead.ndjson")).expect("dead.ndjson");
    let dead: Vec<Value> = dead.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let found: Vec<_> =
        dead.iter().map(|d| (d["position"].as_u64(), d["kind"].as_str(), d["reason"].as_str())).collect();
    assert_eq!(
        found,
        [
            (Some(2), Some("unknown"), Some("malformed_json")),
            (Some(3), Some("prediction"), Some("conflict")),
            (Some(5), Some("prediction"), Some("missing_field")),
            (Some(6), Some("correction"), Some("invalid_value")),
        ]
    );
    for (d, line) in dead.iter().zip([1, 2, 4, 5]) {
        assert_eq!(d["raw"], lines[line]);
        assert_eq!(d["source"], "events.ndjson");
        assert!(!d["detail"].as_str().unwrap_or("").is_empty());
    }
    let intake: u64 = made["intake"].as_array().expect("intake").iter().filter_map(|r| r["n"].as_u64()).sum();
    assert_eq!(intake, 6);
}

#[test]
fn check_finds_all_problems_at_once() {
    let dir = with_data();
    let well = run(dir.path(), &["check", "--data", "data"]).expect(0);
    assert!(well.out.contains("60 events") && !well.out.contains("FAIL"), "{}", well.out);
    let rows = run(dir.path(), &["check", "--data", "data", "--format", "json"]).expect(0).json();
    assert!(rows.as_array().is_some_and(|r| r.len() >= 4 && r.iter().all(|c| c["ok"] == true)), "{rows}");
    // a check makes nothing
    run(dir.path(), &["check"]).expect(0);
    run(dir.path(), &["check", "--data", "nothing"]).saying(1, &["1 problem found"]);
    assert!(!dir.path().join("nothing").exists());

    write(dir.path(), "vigie.toml", "[time]\nzone = \"Mars\"\n[modles]\n[accuracy]\nexclude_sources = 3\n");
    let ill = run(dir.path(), &["check", "--data", "data"]).saying(1, &["problems found"]);
    for word in ["vigie.toml:2", "Mars", "vigie.toml:3", "modles", "vigie.toml:5"] {
        assert!(ill.out.contains(word), "`{word}` is not said:\n{}", ill.out);
    }
    let rows = run(dir.path(), &["check", "--format", "json"]).expect(1).json();
    assert!(rows.as_array().is_some_and(|r| r.iter().filter(|c| c["ok"] == false).count() >= 3), "{rows}");
    // a directory that is something else
    std::fs::remove_file(dir.path().join("vigie.toml")).expect("removed");
    std::fs::create_dir(dir.path().join("other")).expect("other");
    run(dir.path(), &["check", "--data", "other"]).expect(1);
    assert_eq!(std::fs::read_dir(dir.path().join("other")).expect("other").count(), 0);
}

#[test]
fn a_store_without_its_journal_is_not_believed() {
    let dir = with_data();
    std::fs::remove_dir_all(dir.path().join("data/journal")).expect("removed");
    run(dir.path(), &["check", "--data", "data"]).expect(1);
    let args = ["ingest", "--data", "data", "--events", "events.ndjson"];
    run(dir.path(), &args).saying(2, &["not of one data directory"]);
}

#[test]
fn a_store_that_is_gone_is_made_again_from_the_journal() {
    let dir = with_data();
    let before = crate::harness::Canonical::of_data(&dir.path().join("data"));
    std::fs::remove_dir_all(dir.path().join("data/store")).expect("removed");
    write(dir.path(), "empty.ndjson", "");
    run(dir.path(), &["ingest", "--data", "data", "--events", "empty.ndjson"]).expect(0);
    assert_eq!(crate::harness::Canonical::of_data(&dir.path().join("data")), before);
}

#[test]
fn append_only_leaves_the_facts_for_later() {
    let dir = with_events();
    run(dir.path(), &["ingest", "--data", "data", "--append-only", "--events", "events.ndjson"])
        .saying(0, &["60 events"]);
    write(dir.path(), "empty.ndjson", "");
    run(dir.path(), &["ingest", "--data", "data", "--events", "empty.ndjson"]).expect(0);
    let made = run(dir.path(), &["report", "--data", "data", "--json", "-"]).expect(0).json();
    assert_eq!(made["counts"]["predictions"], 40);
}

#[test]
fn hostile_input_is_counted_line_by_line_whichever_way_it_comes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut bytes = std::fs::read(fixture("edge/hostile.ndjson")).expect("hostile.ndjson");
    assert!(bytes.ends_with(b"\n"));
    let mut more: Vec<Vec<u8>> = vec![
        vec![b'x'; 10 << 20],
        [&b"{\"prediction_id\": \""[..], &vec![b'a'; 10 << 20], b"\"}"].concat(),
        vec![0; 100],
        b"\xff\xfe\xfd {\"prediction_id\": \"\xc0\x80\"}".to_vec(),
        vec![b'['; 900_000],
        b"{\"a\":".repeat(150_000),
        [&b"{\"correction_id\": "[..], &vec![b'['; 500_000]].concat(),
        b"\\".repeat(1000),
        b"\"".to_vec(),
    ];
    let mut p = prediction("deep");
    p["attributes"] = json!({"x": "y".repeat(900_000)});
    more.push(p.to_string().into_bytes());
    bytes.extend(text(&more));
    // the last line is cut off
    bytes.extend(b"{\"prediction_id\": \"last\", \"mod");
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).count() as u64;
    write(dir.path(), "hostile.ndjson", &bytes);
    let sum = |rows: &Value, outcome: Option<&str>| -> u64 {
        let rows = rows["intake"].as_array().expect("intake");
        rows.iter().filter(|r| outcome.is_none_or(|o| r["outcome"] == o)).filter_map(|r| r["n"].as_u64()).sum()
    };
    let args =
        ["report", "--events", "hostile.ndjson", "--json", "-", "--out", "r.html", "--dead-letters", "dead.ndjson"];
    let models = ["--model", "ape-demo"];
    let by_file = run(dir.path(), &[&args[..], &models].concat()).expect(0).json();
    assert_eq!(sum(&by_file, None), lines, "{}", by_file["intake"]);
    let dead = std::fs::read(dir.path().join("dead.ndjson")).expect("dead.ndjson");
    let dead: Vec<&[u8]> = dead.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    assert!(dead.iter().all(|l| serde_json::from_slice::<Value>(l).is_ok()));
    assert_eq!(dead.len() as u64, sum(&by_file, Some("rejected")));

    run(dir.path(), &["ingest", "--data", "data", "--events", "hostile.ndjson"]).expect(0);
    let by_store =
        run(dir.path(), &[&["report", "--data", "data", "--json", "-"][..], &models].concat()).expect(0).json();
    same_json(&by_store["intake"], &by_file["intake"], "store and file");

    let server = crate::harness::Server::start(dir.path(), "served", &["--model", "ape-demo"]);
    let reply = server.post("/api/v1/events", &bytes, &[]).expect("POST");
    assert_eq!(reply.json()["received"], lines);
    server.caught_up();
    let served = server.get("/api/v1/summary?model=ape-demo").json();
    same_json(&served["intake"], &by_file["intake"], "service and file");
    assert_eq!(
        server.get("/api/v1/dead-letters?limit=1000").json().as_array().map(|l| l.len() as u64),
        Some(sum(&by_file, Some("rejected")))
    );
    assert_eq!(server.get("/?model=ape-demo").status, 200);
}

#[test]
fn other_peoples_rows_are_counted_the_same_in_a_report_and_in_a_store() {
    let dir = tempfile::tempdir().expect("temporary directory");
    // a cell with a line break, one that is no number, one that is no word of the contract
    let csv = "prediction_id,model,model_version,nomenclature,predicted_at,status,latency_ms,code,probability,text\n\
               a,ape,1,naf-rev2,2026-06-01T08:00:00Z,ok,3,5610A,0.9,\"two\nlines\"\n\
               b,ape,1,naf-rev2,2026-06-01T08:00:00Z,ok,3,5610A,much,\"two\nlines\"\n\
               c,ape,1,naf-rev2,2026-06-01T08:00:00Z,fine,3,5610A,0.9,x\n\
               d,ape,1,naf-rev2,yesterday,ok,3,5610A,0.9,x\n";
    write(dir.path(), "p.csv", csv);
    let by_file = run(dir.path(), &["report", "--predictions", "p.csv", "--json", "-"]).expect(0).json();
    assert_eq!((&by_file["counts"]["predictions_received"], &by_file["counts"]["predictions"]), (&json!(4), &json!(1)));
    run(dir.path(), &["ingest", "--data", "data", "--predictions", "p.csv"])
        .saying(0, &["4 events", "3 of them refused"]);
    let by_store = run(dir.path(), &["report", "--data", "data", "--json", "-"]).expect(0).json();
    same_json(&by_store["counts"], &by_file["counts"], "counts");
    same_json(&by_store["traffic"], &by_file["traffic"], "traffic");
}

#[test]
fn a_parquet_file_with_other_columns_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let column: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_from_iter([("number", column)]).expect("batch");
    let file = std::fs::File::create(dir.path().join("x.parquet")).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
    let done = run(dir.path(), &["report", "--predictions", "x.parquet", "--json", "-"]);
    brief(&done.saying(2, &["x.parquet", "prediction_id", "number"]));
}

#[test]
fn the_demo_shows_findings_and_leaves_a_report() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let done = run(dir.path(), &["demo", "--exit", "--out", "x.html", "--data", "d", "--lang", "en"]).expect(0);
    for word in [
        "42600 predictions and 10875 corrections",
        "coded automatically",
        "Accuracy 80.0%",
        "version 1.1.0",
        "Label drift",
        "x.html",
    ] {
        assert!(done.out.contains(word), "`{word}` is not said:\n{}", done.out);
    }
    let html = std::fs::read_to_string(dir.path().join("x.html")).expect("x.html");
    assert!(html.len() < 1_000_000 && html.contains("<html lang=\"en\""));
    let twin: Value = serde_json::from_slice(&std::fs::read(dir.path().join("x.json")).expect("x.json")).expect("JSON");
    assert_eq!(twin["counts"]["predictions"], 42_600);
    let again =
        run(dir.path(), &["demo", "--exit", "--out", "x.html", "--data", "d"]).saying(2, &["journal", "--data"]);
    assert!(again.out.is_empty());
    let report =
        run(dir.path(), &["report", "--data", "d", "--json", "-", "--time-zone", "Europe/Paris", "--threshold", "0.7"]);
    let mut report = report.expect(0).json();
    report["scope"]["generated_at"] = twin["scope"]["generated_at"].clone();
    same_json(&report, &twin, "the demo's directory and its report");
}
