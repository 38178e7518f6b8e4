use super::{
    Plan,
    accuracy::RankTable,
    agreement::agreement,
    alarms::{Watched, alarms},
    assessment::{AccuracyTables, Assessment, Counts, Drift, Intake, NomenclatureInfo, Scope, Warning, WarningCode},
    assisted::{Cells, Weeks, assisted},
    attributes::attributes,
    before_labels::{Compared, before_labels, mix_level},
    calibration::calibration,
    codes::by_code,
    crossed::crossed,
    drift::drift,
    latency::latency,
    review::review,
    series::series,
    specimens::specimens,
    terms::emerging,
    threshold::threshold,
    traffic::TrafficTable,
    uncodable::uncodable,
    versions::{Compared as ComparedVersions, compare},
};
use crate::{
    fact::Ledger,
    query::{Answer, Engine, Parameter, QueryError, Question},
};

/// Version of [`Assessment`]'s layout.
const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    #[error("query failed: {0}")]
    Query(#[from] QueryError),
}

/// Asks every question of the plan and measures the answers. `engine` holds the facts of [`Plan::series`] and
/// [`Plan::hours`]; `generated_at` is the caller's clock.
///
/// # Errors
/// When a query fails.
pub async fn assess(
    plan: &Plan,
    engine: &Engine,
    ledger: &Ledger,
    generated_at: String,
) -> Result<Assessment, AssessError> {
    type Named = (&'static str, Parameter<'static>);
    let day = |d: super::Day| Parameter::Day(d.0);
    let period = [("from", day(plan.from)), ("to", day(plan.to))];
    let leveled = [period[0], period[1], ("level", Parameter::Int(i32::from(plan.level)))];
    let deepest = [period[0], period[1], ("level", Parameter::Int(i32::from(plan.nomenclature.depth())))];
    // without a reference, an empty run of days finds nothing
    let (never, ever) = (super::Day(1), super::Day(0));
    let r = plan.reference;
    let compared = [
        period[0],
        period[1],
        ("reference_from", day(r.map_or(never, |r| r.from))),
        ("reference_to", day(r.map_or(ever, |r| r.to))),
        ("current_from", day(r.map_or(never, |r| r.current_from))),
        ("current_to", day(r.map_or(ever, |r| r.current_to))),
    ];
    // no version is called so
    let other = plan.reference_version.as_deref();
    let by_version = [&compared[..], &[("reference_version", Parameter::Text(other.unwrap_or_default()))]].concat();
    let traffic = TrafficTable::new(&engine.ask(Question::Traffic, &period).await?);
    let volume = engine.ask(Question::VolumeByCode, &by_version).await?;
    let cells = Cells::new(&engine.ask(Question::Assisted, &period).await?);
    let design = cells.design();
    let graded = engine.ask(Question::VolumeByGrade, &leveled).await?;
    let ranks = RankTable::new(&engine.ask(Question::Accuracy, &period).await?, &design);
    let mix = mix_level(plan).map_or(1, |(level, _)| i32::from(level));
    let within = |from: Named, to: Named| [("from", from.1), ("to", to.1)];
    let (reference, current) = (within(compared[2], compared[3]), within(compared[4], compared[5]));
    let confused = [reference[0], reference[1], ("level", Parameter::Int(mix))];
    let mix_outcome = engine.ask(Question::Outcome, &confused).await?;
    let mut of_reference = Cells::new(&engine.ask(Question::Assisted, &reference).await?);
    let mut of_current = Cells::new(&engine.ask(Question::Assisted, &current).await?);
    if let Some(other) = other {
        of_reference.keep(|version| version == other);
        of_current.keep(|version| version != other);
    }
    let opinions = engine.ask(Question::Opinions, &leveled).await?;
    let outcome = engine.ask(Question::Outcome, &leveled).await?;
    let uncoded = engine.ask(Question::Uncodable, &period).await?;
    let score = engine.ask(Question::Score, &period).await?;
    let reliability = engine.ask(Question::Reliability, &period).await?;
    let latencies = engine.ask(Question::Latency, &period).await?;
    let latencies_daily = engine.ask(Question::LatencyDaily, &period).await?;
    let hours = engine.ask(Question::Throughput, &period).await?;
    let daily = engine.ask(Question::AccuracyDaily, &deepest).await?;
    let weekly = engine.ask(Question::AccuracyWeekly, &period).await?;
    let weeks = Weeks::new(&engine.ask(Question::AssistedWeekly, &period).await?);

    let versions = traffic.versions();
    let routes = cells.by_route(0, |_, _| true);
    let (review_design, review_precision) = review(plan, &routes);
    let before = Compared {
        reference: &of_reference,
        current: &of_current,
        outcome: &mix_outcome,
        design: &of_reference.design(),
        volume: &volume,
    };
    let before_labels = before_labels(plan, &routes, &before);
    let level_now = |level| ranks.all(plan, &traffic, level);
    let threshold_curve = threshold(plan, &routes.into_iter().map(|(_, stratum)| stratum).collect::<Vec<_>>());
    let (by_code, confusions) = by_code(plan, (&volume, &graded), (&outcome, &design));
    let texts = engine.ask(Question::Specimens, &compared[..4]).await?;
    let specimens = specimens(&texts);
    let volume_daily = engine.ask(Question::VolumeDaily, &compared[..4]).await?;
    let labels_daily = engine.ask(Question::LabelsDaily, &compared[..4]).await?;
    let crosswalk = match (&plan.crossed, engine.before()) {
        (Some(joined), Some(before)) => {
            crossed(plan, joined, &before.ask(Question::VolumeDaily, &compared[..4]).await?, &volume_daily)
        }
        _ => None,
    };
    let drift = Drift { attributes: attributes(plan, &specimens), crosswalk, ..drift(plan, &volume, &volume_daily) };
    let emerging = emerging(plan, &specimens, !engine.texts_left_out());
    let terms = emerging.codes();
    let watched = Watched { volume: &volume_daily, labels: &labels_daily, specimens: &specimens, terms: &terms };
    let by_version = ranks.by_version(plan, &traffic, &versions);
    let assisted = assisted(plan, &cells, &versions);
    let outcome_of_versions = engine.ask(Question::VersionOutcome, &period).await?;
    let volume_of_versions = engine.ask(Question::VersionVolume, &period).await?;
    let compared = ComparedVersions {
        versions: &versions,
        outcome: &outcome_of_versions,
        volume: &volume_of_versions,
        design: &design,
        accuracy: (&by_version[..], &assisted[..]),
        specimens: &specimens,
    };
    let versions_compared = compare(plan, &compared);
    let counts = counts(ledger);
    let warnings = warnings(plan, &traffic, &ranks, &volume, &drift, &counts);
    Ok(Assessment {
        schema_version: SCHEMA_VERSION,
        scope: scope(plan, versions.clone(), generated_at),
        traffic: traffic.traffic(ranks.labelled(None), &ranks.labelled_by_version()),
        accuracy: AccuracyTables {
            overall: ranks.overall(plan, &traffic),
            by_version,
            assisted,
            by_code,
            confusions,
            uncodable: uncodable(plan, (&uncoded, &design), ranks.tell_of_both(&traffic)),
            agreement: agreement(plan, &opinions, level_now),
        },
        versions: versions_compared,
        review_design,
        review_precision,
        threshold_curve,
        drift,
        emerging,
        alarms: alarms(plan, &watched),
        calibration: calibration(plan, &score, (&reliability, &design)),
        before_labels,
        latency: latency(plan, &latencies, &hours, &versions),
        series: series(plan, &traffic, (&daily, &design), (&weekly, &weeks), &latencies_daily),
        intake: intake(ledger),
        counts,
        warnings,
    })
}

fn scope(plan: &Plan, versions: Vec<String>, generated_at: String) -> Scope {
    let n = &plan.nomenclature;
    Scope {
        generated_at,
        vigie_version: env!("CARGO_PKG_VERSION").to_owned(),
        workspace: plan.workspace.clone(),
        model: plan.model.clone(),
        versions,
        nomenclature: NomenclatureInfo {
            name: n.name().to_owned(),
            levels: n.level_names().to_vec(),
            codes: (1..=n.depth()).map(|level| n.count(level) as u32).collect(),
        },
        period: plan.period(),
        reference: plan.reference(),
        time_zone: plan.request.time_zone_name.clone(),
        threshold: plan.threshold,
        level: u32::from(plan.level),
        confidence_level: plan.request.confidence_level,
    }
}

fn counts(ledger: &Ledger) -> Counts {
    let of = |kind: &str, outcome: &str| u64::try_from(ledger.total(kind, outcome)).unwrap_or(0);
    let n = |x: i64| u64::try_from(x).unwrap_or(0);
    let received = |kind: &str| of(kind, "accepted") + of(kind, "duplicate") + of(kind, "rejected");
    Counts {
        predictions: of("prediction", "accepted"),
        errors: n(ledger.errors),
        predictions_received: received("prediction"),
        predictions_duplicate: of("prediction", "duplicate"),
        predictions_rejected: of("prediction", "rejected"),
        corrections: of("correction", "accepted"),
        corrections_received: received("correction"),
        corrections_duplicate: of("correction", "duplicate"),
        corrections_rejected: of("correction", "rejected"),
        corrections_superseded: n(ledger.superseded),
        unknown_rejected: of("unknown", "rejected"),
        labelled: n(ledger.labelled),
        uncodable: n(ledger.uncodable),
        retracted: n(ledger.retracted),
        orphans: n(ledger.orphans),
    }
}

fn intake(ledger: &Ledger) -> Vec<Intake> {
    let rows = ledger.intake().map(|r| Intake {
        kind: r.kind.to_owned(),
        outcome: r.outcome.to_owned(),
        reason: r.reason.to_owned(),
        n: u64::try_from(r.n).unwrap_or(0),
    });
    rows.collect()
}

fn warnings(
    plan: &Plan,
    traffic: &TrafficTable,
    ranks: &RankTable,
    volume: &Answer,
    drift: &super::assessment::Drift,
    counts: &Counts,
) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |code, subject: &str, n: u64| found.push(Warning { code, subject: subject.to_owned(), n });
    let t = &traffic.total;
    if t.predictions == 0 {
        warn(WarningCode::NoPredictions, "", 0);
    } else {
        if plan.nomenclature.is_flat() {
            warn(WarningCode::UnknownNomenclature, plan.nomenclature.name(), 0);
        }
        if ranks.labelled(None) == 0 {
            warn(WarningCode::NoLabels, "", 0);
        } else {
            for (route, n) in [("auto", t.auto), ("manual", t.manual)] {
                if n > 0 && ranks.labelled(Some(route)) == 0 {
                    warn(WarningCode::RouteWithoutLabels, route, n);
                }
            }
        }
        if drift.label.is_empty() && drift.crosswalk.is_none() {
            // a wish that was not fulfilled is named
            let wish = plan.request.reference.as_ref().map(|wish| wish.to_string()).unwrap_or_default();
            warn(WarningCode::NoReference, &wish, 0);
        }
    }
    if ranks.unweighted > 0 {
        warn(WarningCode::UnknownInclusion, "", ranks.unweighted);
    }
    if t.unknown_codes > 0 {
        let unknown = |row: &usize| volume.int(*row, "known") == 0 && volume.count(*row, "n") > 0;
        let example = (0..volume.rows()).find(unknown).and_then(|row| volume.text(row, "code"));
        warn(WarningCode::UnknownCodes, example.unwrap_or_default(), t.unknown_codes);
    }
    if t.clipped > 0 {
        warn(WarningCode::Clipped, "", t.clipped);
    }
    if counts.orphans > 0 {
        warn(WarningCode::Orphans, "", counts.orphans);
    }
    let rejected = counts.rejected();
    if rejected > 0 {
        warn(WarningCode::Rejected, "", rejected);
    }
    found
}
