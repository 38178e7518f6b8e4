//! The rules themselves, on one [`Source`] at a time; below them, sources made up to break each.

use super::source::Source;

pub struct Rules<'a> {
    pub engines: &'a [(&'a str, &'a [&'a str])],
    pub pure_rooms: &'a [&'a str],
    pub impure_crates: &'a [&'a str],
}

/// `src/main.rs` and `src/lib.rs` stand outside the rooms.
fn outside_rooms(source: &Source) -> bool {
    matches!(source.path.as_str(), "main.rs" | "lib.rs")
}

pub fn imports_of_later_rooms(source: &Source, order: &[String]) -> Vec<String> {
    let Some(own) = order.iter().position(|r| r == source.room()) else { return Vec::new() };
    let broken = source.names_below_root().into_iter().filter_map(|name| {
        let file = format!("src/{}:{}", source.path, name.line);
        if matches!(name.text.as_str(), "*" | "self") {
            return Some(format!("{file}: takes in the whole crate; name the room"));
        }
        let other = order.iter().position(|r| *r == name.text)?;
        (other > own)
            .then(|| format!("{file}: `{}` imports `{}`, which lib.rs declares later", source.room(), name.text))
    });
    broken.collect()
}

pub fn engines_outside(source: &Source, rules: &Rules<'_>) -> Vec<String> {
    let at_home = |home: &str| source.path == home || home.ends_with("/") && source.path.starts_with(home);
    let mut broken = Vec::new();
    for (engine, homes) in rules.engines {
        if !homes.iter().any(|home| at_home(home)) {
            let lines = source.uses_of_crate(engine);
            broken.extend(lines.iter().map(|l| format!("src/{}:{l}: {engine} belongs in {homes:?}", source.path)));
        }
    }
    if rules.pure_rooms.contains(&source.room()) {
        for name in rules.impure_crates {
            let lines = source.uses_of_crate(name);
            broken.extend(
                lines.iter().map(|l| format!("src/{}:{l}: `{}` stays free of {name}", source.path, source.room())),
            );
        }
    }
    broken
}

pub fn orphan(source: &Source, order: &[String]) -> Option<String> {
    let known = outside_rooms(source) || order.iter().any(|r| r == source.room());
    (!known).then(|| format!("src/{}: lib.rs declares no `{}`", source.path, source.room()))
}

pub fn too_long(source: &Source, most: usize) -> Option<String> {
    (source.lines > most).then(|| format!("{} has {} lines (at most {most})", source.path, source.lines))
}

pub fn too_deep(source: &Source, deepest: usize) -> Option<String> {
    let folders = source.path.matches('/').count();
    (folders > deepest).then(|| format!("src/{} lies {folders} folders deep (at most {deepest})", source.path))
}

pub fn names_nothing(source: &Source) -> Vec<String> {
    let empty = |name: &str| matches!(name, "util" | "utils" | "common" | "helper" | "helpers" | "misc");
    let mut broken = Vec::new();
    if source.path.trim_end_matches(".rs").split('/').any(empty) {
        broken.push(format!("{}: name it after what it does", source.path));
    }
    for (i, name) in source.tokens.iter().enumerate().skip(1) {
        if source.is(i - 1, "mod") && empty(&name.text) {
            broken.push(format!("{}:{}: module `{}`: name it after what it does", source.path, name.line, name.text));
        }
    }
    broken
}

mod catch {
    use super::{super::source::rooms, *};

    const ORDER: &str =
        "//! mod comment;\n// foundations\npub mod event;\npub mod measure;\n// the flow\npub mod store;\nmod http;\n";

    fn later(path: &str, text: &str) -> Vec<String> {
        imports_of_later_rooms(&Source::new(path, text), &rooms(ORDER))
    }

    fn engines(path: &str, text: &str) -> usize {
        let rules = Rules {
            engines: &[("polars", &["csv.rs", "export/"])],
            pure_rooms: &["measure"],
            impure_crates: &["tokio"],
        };
        engines_outside(&Source::new(path, text), &rules).len()
    }

    #[test]
    fn the_order_is_that_of_the_mod_lines() {
        assert_eq!(rooms(ORDER), ["event", "measure", "store", "http"]);
    }

    #[test]
    fn an_import_of_a_later_room_however_written() {
        for text in [
            "use crate::store::Store;",
            "use crate :: store;",
            "use crate::{event::Entry, store};",
            "use crate::{\n    event::{Entry, Kind},\n    store::{self, Store},\n};",
            "use {std::fs, crate::store::Store};",
            "pub use crate::store::Store as S;",
            "fn f() -> crate::store::Store { todo!() }",
            "fn f() { let x = <crate::store::Store>::open(); }",
            "macro_rules! m { () => { $crate::store::open() } }",
            "/* a /* nested */ comment */ use crate::store;",
            "const QUOTE: char = '\"'; use crate::store; const OTHER: char = '\"';",
            "fn f<'a>(x: &'a str) { crate::store::open(x) }",
            "use super::store::Store;",
            "mod inner { use super::super::store::Store; }",
        ] {
            let found = later("measure.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains("`measure` imports `store`"), "{found:?}");
        }
        assert_eq!(later("measure/drift/psi.rs", "use super::super::super::store;").len(), 1);
        assert_eq!(
            later("measure.rs", "\n\nuse crate::{store, http};"),
            [
                "src/measure.rs:3: `measure` imports `store`, which lib.rs declares later",
                "src/measure.rs:3: `measure` imports `http`, which lib.rs declares later",
            ]
        );
    }

    #[test]
    fn the_whole_crate_taken_in_at_once() {
        for text in ["use crate::*;", "use crate as root;", "use crate::{self as root};", "use super::*;"] {
            assert_eq!(later("measure.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn nothing_where_nothing_is_wrong() {
        for text in [
            "use crate::event::Entry;",
            "use crate::measure::drift::psi;",
            "use crate::event::{self, store::X};",
            "// use crate::store;\n/// [`Store`](crate::store::Store)\nfn f() {}",
            "const A: &str = \"crate::store\"; const B: &str = r#\"a \" crate::store\"#; const C: &[u8] = b\"crate::store\";",
            "pub(crate) fn store() {}",
            "use std::store;",
            "mod inner { use super::*; }",
        ] {
            assert_eq!(later("measure.rs", text), Vec::<String>::new(), "{text}");
        }
        assert!(later("measure/drift.rs", "use super::store;").is_empty());
        assert!(later("http/routes.rs", "use crate::{store, event};").is_empty());
        assert!(later("main.rs", "use crate::http;").is_empty());
    }

    #[test]
    fn an_engine_outside_its_room() {
        for text in [
            "use polars::prelude::*;",
            "use ::polars::prelude;",
            "use {std::fs, polars::prelude};",
            "use polars as p;",
            "fn f(x: polars::frame::DataFrame) {}",
            "fn f() -> ::polars::X {}",
            "extern crate polars;",
            "#[polars::main] fn f() {}",
        ] {
            assert_eq!(engines("report.rs", text), 1, "{text}");
            assert_eq!(engines("csv.rs", text) + engines("export/table.rs", text), 0, "{text}");
        }
        for text in
            ["// polars::x", "\"polars::x\"", "let polars = 1;", "use crate::polars::x;", "x.polars()", "mod polars;"]
        {
            assert_eq!(engines("report.rs", text), 0, "{text}");
        }
        assert_eq!(engines("measure/drift.rs", "#[tokio::test] async fn f() {}"), 1);
        assert_eq!(engines("http.rs", "use tokio::net;"), 0);
    }

    #[test]
    fn files_that_are_too_long_too_deep_orphaned_or_named_for_nothing() {
        assert!(too_long(&Source::new("a.rs", &"x\n".repeat(501)), 500).is_some());
        assert!(too_long(&Source::new("a.rs", &"x\n".repeat(500)), 500).is_none());
        assert!(too_deep(&Source::new("a/b/c/d.rs", ""), 2).is_some());
        assert!(too_deep(&Source::new("a/b/c.rs", ""), 2).is_none());
        assert!(orphan(&Source::new("old/a.rs", ""), &rooms(ORDER)).is_some());
        assert!(orphan(&Source::new("main.rs", ""), &rooms(ORDER)).is_none());
        assert_eq!(names_nothing(&Source::new("store/utils.rs", "")).len(), 1);
        assert_eq!(names_nothing(&Source::new("common/store.rs", "")).len(), 1);
        assert_eq!(names_nothing(&Source::new("store.rs", "mod helpers { }")).len(), 1);
        assert!(names_nothing(&Source::new("store.rs", "let common = 1; // mod utils")).is_empty());
    }
}
