//! How right the model is: over time, by level and route, by number of candidates, by version.

use super::{
    Error, chart,
    chart::{accuracy::DotRow, axis::Days, lines::Line, palette::Ink},
    number::DASH,
    strip::{deepest, level_name, overall, unrouted},
    texts::Texts,
    versions::Versions,
    view::{Cell, Figure, Head, Table},
};
use crate::assess::assessment::{Assessment, AssistedAccuracy};

const ROUTES: [&str; 3] = ["all", "auto", "manual"];
/// Candidates counted at most.
const MOST_CANDIDATES: u32 = 5;
/// Versions shown, the latest ones.
const VERSIONS: usize = 4;

/// Section 2.
pub(crate) struct Accuracy {
    pub weekly: Option<Figure>,
    pub levels: Option<Figure>,
    pub top_k: Option<Figure>,
    pub table: Option<Table>,
    pub assisted: Option<Table>,
    pub review: Option<Review>,
    /// Labels behind each route.
    pub labels: String,
    pub versions: Option<Figure>,
    pub version_table: Option<Table>,
    pub compared: Option<Versions>,
}

/// What another allocation of the labels would tell.
pub(crate) struct Review {
    pub lead: String,
    pub table: Table,
}

impl Accuracy {
    pub fn new(t: &Texts, a: &Assessment) -> Result<Self, Error> {
        let said = a.accuracy.overall.iter().any(|row| row.accuracy.estimate.estimate.is_some());
        Ok(Self {
            weekly: weekly(t, a)?,
            levels: levels(t, a)?,
            top_k: top_k(t, a)?,
            table: said.then(|| table(t, a)),
            assisted: assisted(t, a),
            review: review(t, a),
            labels: labels(t, a),
            versions: versions(t, a)?,
            version_table: version_table(t, a),
            compared: Versions::new(t, a),
        })
    }
}

fn legend(t: &Texts) -> Vec<(&'static str, String)> {
    ROUTES.map(|route| (Ink::route(route).swatch(), t.route(route))).to_vec()
}

fn weekly(t: &Texts, a: &Assessment) -> Result<Option<Figure>, Error> {
    let level = if a.scope.level == 0 { deepest(a) } else { a.scope.level };
    let rows: Vec<_> = a.series.accuracy_weekly.iter().filter(|row| row.level == level).collect();
    let Some(days) = Days::spanning(rows.iter().map(|row| row.week.as_str())) else { return Ok(None) };
    let lines: Vec<_> = ROUTES
        .iter()
        .map(|route| Line {
            name: t.word("short", route),
            ink: Ink::route(route),
            points: rows
                .iter()
                .filter(|row| row.route == *route)
                .filter_map(|row| {
                    let assisted = row.assisted.estimate.is_some();
                    let shown = if assisted { row.assisted } else { row.accuracy.estimate };
                    Some((days.place(&row.week)?, shown))
                })
                .collect(),
        })
        .collect();
    if lines.iter().flat_map(Line::values).next().is_none() {
        return Ok(None);
    }
    let title = t.f("accuracy.figure_weekly", &[("level", &level_name(t, a, level))]);
    let svg = chart::accuracy::weekly(t, &title, days, &lines)?;
    Ok(Some(Figure { title, svg, legend: Vec::new(), caption: t.s("accuracy.caption_weekly").to_owned(), wide: true }))
}

fn levels_of(a: &Assessment) -> Vec<(u32, &str)> {
    let mut levels: Vec<_> = a.accuracy.overall.iter().map(|row| (row.level, row.level_name.as_str())).collect();
    levels.sort_unstable();
    levels.dedup_by_key(|(level, _)| *level);
    levels
}

fn levels(t: &Texts, a: &Assessment) -> Result<Option<Figure>, Error> {
    let rows: Vec<_> = levels_of(a)
        .into_iter()
        .map(|(level, name)| DotRow {
            name: t.level(name),
            dots: ROUTES
                .iter()
                .map(|route| {
                    (Ink::route(route), overall(a, level, route).map(|row| row.accuracy.estimate).unwrap_or_default())
                })
                .collect(),
        })
        .collect();
    let title = t.s("accuracy.figure_levels").to_owned();
    let svg = chart::accuracy::dots(t, &title, &rows)?;
    Ok(svg.map(|svg| Figure {
        title,
        svg,
        legend: legend(t),
        caption: t.s("accuracy.caption_levels").to_owned(),
        wide: false,
    }))
}

fn top_k(t: &Texts, a: &Assessment) -> Result<Option<Figure>, Error> {
    let level = deepest(a);
    let line = |route: &str| Line {
        name: t.word("short", route),
        ink: Ink::route(route),
        points: (1..=MOST_CANDIDATES)
            .filter_map(|k| {
                let row = a.accuracy.overall.iter().find(|r| r.level == level && r.route == route && r.k == k)?;
                Some((f64::from(k), row.accuracy.estimate))
            })
            .collect(),
    };
    let lines = ROUTES.map(line);
    if lines.iter().flat_map(Line::values).next().is_none() {
        return Ok(None);
    }
    let title = t.f("accuracy.figure_top_k", &[("level", &level_name(t, a, level))]);
    let svg = chart::accuracy::top_k(t, &title, &lines, MOST_CANDIDATES)?;
    Ok(Some(Figure { title, svg, legend: Vec::new(), caption: t.s("accuracy.caption_top_k").to_owned(), wide: false }))
}

fn table(t: &Texts, a: &Assessment) -> Table {
    let mut table =
        Table::new(t, "accuracy.table", 1, &["col.level", "route.all", "route.auto", "route.manual", "col.naive"]);
    for (level, name) in levels_of(a) {
        let mut row = vec![Cell::text(t.level(name))];
        for route in ROUTES {
            let estimate = overall(a, level, route).map(|row| row.accuracy.estimate).unwrap_or_default();
            row.push(Cell::estimate(t, &estimate));
        }
        let naive = overall(a, level, "all").and_then(|row| row.accuracy.naive);
        row.push(Cell { muted: true, ..Cell::number(t.pct(naive)).why(t.s("dash.no_labels")) });
        table.rows.push(row);
    }
    table
}

/// `None` where it says nowhere anything but what the labels alone do.
fn assisted(t: &Texts, a: &Assessment) -> Option<Table> {
    let columns = ["col.scope", "col.alone", "col.assisted", "col.labelled", "col.worth"];
    let mut table = Table::new(t, "accuracy.assisted", 1, &columns);
    let versions = latest(a);
    let rows = &a.accuracy.assisted;
    let finest = deepest(a);
    for row in rows.iter().filter(|r| r.version.as_deref().is_none_or(|v| versions.contains(&v))) {
        let found = &row.assisted;
        let scope = match (&row.version, &row.level_name) {
            // the finest level says what the codes as they are say
            (_, Some(_)) if row.route != "all" || row.level == finest => continue,
            (_, Some(level)) => t.level(level),
            (Some(version), None) => t.f("accuracy.assisted_version", &[("version", version)]),
            (None, None) => t.route(&row.route),
        };
        let worth = found.worth.map_or_else(|| DASH.to_owned(), |n| t.count("accuracy.assisted_worth", n, &[]));
        table.rows.push(vec![
            Cell::text(scope),
            Cell { muted: true, ..Cell::estimate(t, &found.unassisted) },
            Cell::estimate(t, &found.estimate),
            Cell::number(t.int(found.n)),
            Cell::number(worth).why(t.s("dash.no_labels")),
        ]);
    }
    rows.iter().any(AssistedAccuracy::says_more).then_some(table)
}

/// `None` without labels, or where the present precision cannot be told.
fn review(t: &Texts, a: &Assessment) -> Option<Review> {
    let p = &a.review_precision;
    let (present, proposed) = (p.present.half_width?, p.proposed.half_width?);
    let needed = |n: Option<u64>| n.map_or_else(|| t.s("accuracy.review_never").to_owned(), |n| t.int(n));
    let lead = t.f(
        "accuracy.review_lead",
        &[
            ("labels", &t.int(p.labels)),
            ("present", &t.dec(100.0 * present, 2)),
            ("proposed", &t.dec(100.0 * proposed, 2)),
            ("goal", &t.dec(100.0 * p.goal, 2)),
            ("needed_present", &needed(p.present.labels_for_goal)),
            ("needed_proposed", &needed(p.proposed.labels_for_goal)),
        ],
    );
    let columns =
        ["col.stratum", "col.predictions", "col.labelled", "col.right", "col.present_rate", "col.proposed_rate"];
    let mut table = Table::new(t, "accuracy.review", 1, &columns);
    for row in &a.review_design {
        let route = row.route.as_deref().map_or_else(|| DASH.to_owned(), |route| t.word("short", route));
        table.rows.push(vec![
            Cell::text(format!("{route}, {}–{}", t.dec(row.lower, 2), t.dec(row.upper, 2))),
            Cell::number(t.int(row.predictions)),
            Cell::number(t.int(row.labelled)),
            Cell::number(t.pct(Some(row.accuracy))),
            Cell::number(t.pct(Some(row.present_rate))),
            Cell::number(t.pct(Some(row.proposed_rate))),
        ]);
    }
    Some(Review { lead, table })
}

fn labels(t: &Texts, a: &Assessment) -> String {
    let level = deepest(a);
    let count = |route: &str| t.int(overall(a, level, route).map_or(0, |row| row.accuracy.n));
    let coverage = t.pct(a.traffic.label_coverage);
    let (all, auto, manual) = (count("all"), count("auto"), count("manual"));
    let values = [("all", all.as_str()), ("auto", &auto), ("manual", &manual), ("coverage", &coverage)];
    if unrouted(a) { t.f("accuracy.labels_unrouted", &values) } else { t.f("accuracy.labels", &values) }
}

fn latest(a: &Assessment) -> Vec<&str> {
    let versions = &a.scope.versions;
    versions[versions.len().saturating_sub(VERSIONS)..].iter().map(String::as_str).collect()
}

fn versions(t: &Texts, a: &Assessment) -> Result<Option<Figure>, Error> {
    let latest = latest(a);
    if latest.len() < 2 {
        return Ok(None);
    }
    let rows: Vec<_> = levels_of(a)
        .into_iter()
        .map(|(level, name)| DotRow {
            name: t.level(name),
            dots: latest
                .iter()
                .enumerate()
                .map(|(i, version)| {
                    let row = a.accuracy.by_version.iter().find(|r| r.level == level && r.version == *version);
                    (Ink::nth(i), row.map(|row| row.accuracy.estimate).unwrap_or_default())
                })
                .collect(),
        })
        .collect();
    let title = t.s("accuracy.figure_versions").to_owned();
    let svg = chart::accuracy::dots(t, &title, &rows)?;
    let legend = latest.iter().enumerate().map(|(i, version)| (Ink::nth(i).swatch(), (*version).to_owned())).collect();
    Ok(svg.map(|svg| Figure { title, svg, legend, caption: t.s("accuracy.caption_versions").to_owned(), wide: false }))
}

fn version_table(t: &Texts, a: &Assessment) -> Option<Table> {
    let of = |version: &str, level| a.accuracy.by_version.iter().find(|r| r.version == version && r.level == level);
    let latest = latest(a);
    let mut table = Table::new(t, "accuracy.version_table", 1, &["col.level"]);
    for version in &latest {
        let labels = of(version, deepest(a)).map_or(0, |row| row.accuracy.n);
        let text = t.count("accuracy.version_column", labels, &[("version", version)]);
        table.head.push(Head { text, number: true });
    }
    for (level, name) in levels_of(a) {
        let mut row = vec![Cell::text(t.level(name))];
        row.extend(latest.iter().map(|version| {
            let estimate = of(version, level).map(|row| row.accuracy.estimate).unwrap_or_default();
            Cell::estimate(t, &estimate)
        }));
        table.rows.push(row);
    }
    (!latest.is_empty() && !table.rows.is_empty()).then_some(table)
}
