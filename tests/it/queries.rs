//! `vigie query`, and the embedded queries against what their first lines say.

use serde_json::json;
use vigie::query::{Parameter, Question};

use crate::{
    cli::{brief, with_data},
    harness::{correction, prediction, run, text, write},
};

#[test]
fn a_question_is_answered_as_a_table_as_csv_and_as_json() {
    let dir = with_data();
    let sql = "SELECT route, sum(n) AS n FROM tally WHERE what = 'predictions' GROUP BY route ORDER BY route";
    let ask =
        |format: &str, sql: &str| run(dir.path(), &["query", "--data", "data", "--format", format, sql]).expect(0).out;
    assert_eq!(ask("table", sql), "route    n\n------  --\nauto    26\nmanual  14\n");
    assert_eq!(ask("csv", sql), "route,n\nauto,26\nmanual,14\n");
    assert_eq!(ask("json", sql), "{\"n\":26,\"route\":\"auto\"}\n{\"n\":14,\"route\":\"manual\"}\n");
    // no rows are still columns
    let none = "SELECT route, n FROM tally WHERE false";
    assert_eq!(ask("csv", none), "route,n\n");
    assert_eq!(ask("table", none), "route  n\n-----  -\n");
    assert_eq!(ask("json", none), "");
    assert_eq!(ask("csv", "SELECT 1.5 AS x, NULL AS y, 'a,\"b' AS z, true AS t"), "x,y,z,t\n1.5,,\"a,\"\"b\",true\n");
    assert_eq!(ask("csv", "SELECT '=1+1' AS x"), "x\n'=1+1\n", "a spreadsheet runs no formula");
    for table in ["volume", "score", "latency", "tally", "outcome", "rank", "reliability", "code", "intake"] {
        assert!(ask("csv", &format!("SELECT count(*) AS n FROM {table}")).starts_with("n\n"), "{table}");
    }
    assert_eq!(ask("csv", "SELECT sum(n) AS n FROM intake"), "n\n60\n");
}

#[test]
fn questions_cannot_change_or_reach_anything() {
    let dir = with_data();
    let before = run(dir.path(), &["query", "--data", "data", "SELECT sum(n) AS n FROM tally"]).expect(0).out;
    let folder = dir.path().display();
    let file = format!("SELECT * FROM '{folder}/events.ndjson'");
    let external = format!("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{folder}/events.ndjson'");
    let copy = format!("COPY (SELECT 1) TO '{folder}/stolen.csv'");
    for sql in [
        "DROP TABLE tally",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "INSERT INTO tally SELECT * FROM tally",
        "DELETE FROM tally",
        "UPDATE tally SET n = 0",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; DROP TABLE tally",
        &external,
        &copy,
        &file,
        "SELECT * FROM nowhere",
        "SELECT nothing FROM tally",
        "SELEC 1",
        "",
    ] {
        let done = run(dir.path(), &["query", "--data", "data", sql]).saying(2, &["vigie:"]);
        brief(&done);
    }
    assert!(!dir.path().join("stolen.csv").exists());
    assert_eq!(run(dir.path(), &["query", "--data", "data", "SELECT sum(n) AS n FROM tally"]).expect(0).out, before);
}

/// Names in `-- columns:` or `-- parameters:`, without what stands in brackets.
fn header(sql: &str, what: &str) -> Vec<String> {
    let line = sql.lines().find_map(|l| l.strip_prefix(&format!("-- {what}: "))).unwrap_or_else(|| panic!("no {what}"));
    let mut depth = 0;
    let plain: String = line
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '(');
            let inside = depth > 0;
            depth -= i32::from(*c == ')');
            !inside
        })
        .collect();
    plain.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn embedded_queries_take_and_give_what_their_first_lines_say() {
    use vigie::{
        assess::{Naming, StoreFacts},
        query::TableOptions,
        store::Store,
    };
    let dir = with_data();
    // a text with attributes, and two people who coded it
    let mut worded = prediction("worded");
    worded["text"] = json!("restauration rapide");
    worded["attributes"] = json!({"form": "F1"});
    let opinion = |id: &str, annotator: &str, code: &str| {
        let mut said = correction(id, "worded", code);
        said["annotator"] = json!(annotator);
        said.to_string()
    };
    let lines = [worded.to_string(), opinion("o-1", "g01", "5610A"), opinion("o-2", "g02", "5610C")];
    write(dir.path(), "worded.ndjson", text(&lines));
    run(dir.path(), &["ingest", "--data", "data", "--events", "worded.ndjson"]).expect(0);
    let store = Store::open(&dir.path().join("data/store")).expect("store");
    let facts = StoreFacts::new(store, Naming::default()).expect("facts");
    let options = TableOptions { time_zone: jiff::tz::TimeZone::UTC, exclude_sources: Vec::new() };
    let engine = facts.whole(&options).expect("an engine");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (early, late) = (Parameter::Day(10_957), Parameter::Day(47_481));
    for question in Question::ALL {
        let sql = question.sql();
        let parameters = header(sql, "parameters");
        let body: String = sql.lines().filter(|l| !l.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let mut used: Vec<String> = body
            .split('$')
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
            .collect();
        used.sort();
        used.dedup();
        let mut said = parameters.clone();
        said.sort();
        assert_eq!(used, said, "parameters of {question:?}");
        let values: Vec<(&str, Parameter<'_>)> = parameters
            .iter()
            .map(|name| match name.as_str() {
                "level" => (name.as_str(), Parameter::Int(5)),
                "reference_version" => (name.as_str(), Parameter::Text("")),
                from if from.ends_with("from") => (from, early),
                to => (to, late),
            })
            .collect();
        let answer = runtime.block_on(engine.ask(question, &values)).unwrap_or_else(|e| panic!("{question:?}: {e}"));
        assert!(answer.rows() > 0, "{question:?} finds nothing");
        assert_eq!(answer.names(), header(sql, "columns"), "columns of {question:?}");
        for absent in 0..values.len() {
            let mut fewer = values.clone();
            fewer.remove(absent);
            assert!(
                runtime.block_on(engine.ask(question, &fewer)).is_err(),
                "{question:?} without {}",
                values[absent].0
            );
        }
    }
}
