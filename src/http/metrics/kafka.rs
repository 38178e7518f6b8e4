use prometheus_client::registry::Unit;

use super::{Family, Labels, Values, counter, gauge};
use crate::service::kafka::{COMMIT_BUCKETS, PartitionStatus, Snapshot};

/// What a replica that consumes from Kafka says of itself.
pub fn families(now: &Snapshot) -> Vec<Family> {
    let all = &now.partitions;
    let sum = |of: fn(&PartitionStatus) -> u64| all.iter().map(of).sum::<u64>() as f64;
    let times = &now.commit_times;
    let buckets = COMMIT_BUCKETS.into_iter().zip(times.buckets).collect();
    let past = times.buckets[COMMIT_BUCKETS.len()];
    vec![
        gauge("kafka_partitions", "Partitions of each topic", f64::from(now.count)),
        gauge("kafka_assigned_partitions", "Pairs of partitions that are open here", all.len() as f64),
        gauge("kafka_missing_partitions", "Pairs that the group gave and that are not open", now.missing.len() as f64),
        counter("kafka_rebalances", "Assignments by the group since the start", now.rebalances as f64),
        counter("kafka_client_restarts", "Clients that were replaced since the start", now.client_restarts as f64),
        gauge("kafka_brokers_up", "Brokers that are connected", f64::from(now.brokers_up)),
        gauge("kafka_paused", "1 while fetching waits for the workers", f64::from(now.paused)),
        by_topic("kafka_lag_events", "Events that the topics have and the store has not", all, |p| {
            let known = [("predictions", p.lags[0]), ("corrections", p.lags[1])];
            known.into_iter().filter_map(|(topic, lag)| Some((topic, lag?))).collect()
        }),
        by_topic("kafka_offset", "Offset that the store is at", all, |p| {
            [("predictions", p.predictions), ("corrections", p.corrections)].to_vec()
        }),
        watermarks(all),
        by_partition("partition_late_events", "Predictions over an hour behind the watermark", all, |p| p.marks.late),
        by_partition("partition_ahead_events", "Predictions whose clock was a day ahead of the record's", all, |p| {
            p.marks.ahead
        }),
        lateness(all),
        records(all),
        expired(all),
        // they belong to the stores, and move with them: without the label each move would look like a rise
        by_partition("kafka_keyless", "Messages without a key", all, |p| p.marks.keyless),
        by_partition("kafka_lost_events", "Events that the log no longer had", all, |p| p.marks.lost),
        by_partition("kafka_topic_recreations", "Topics that were made anew", all, |p| p.marks.recreated),
        gauge("dead_letters_pending", "Dead letters that the broker does not have yet", sum(|p| p.parcels)),
        counter("dead_letters_delivered", "Dead letters delivered since the start", now.parcels_delivered as f64),
        Family {
            name: "commit_duration",
            help: "Time from a batch to its commit",
            unit: Some(Unit::Seconds),
            values: Values::Histogram { buckets, past, sum: times.sum },
        },
        gauge("last_commit", "Time the last batch took", times.last).in_unit(Unit::Seconds),
        counter("commits", "Atomic commits since the start", now.commits as f64),
        gauge("store_size", "Size of the stores on disk", sum(|p| p.disk)).in_unit(Unit::Bytes),
    ]
}

fn partition(p: &PartitionStatus) -> Labels {
    vec![("partition", p.number.to_string())]
}

fn by_topic(
    name: &'static str,
    help: &'static str,
    all: &[PartitionStatus],
    of: impl Fn(&PartitionStatus) -> Vec<(&'static str, u64)>,
) -> Family {
    let rows = all.iter().flat_map(|p| {
        let rows = of(p).into_iter().map(|(topic, n)| {
            let mut labels = partition(p);
            labels.push(("topic", topic.to_owned()));
            (labels, n as f64)
        });
        rows.collect::<Vec<_>>()
    });
    Family { name, help, unit: None, values: Values::Gauge(rows.collect()) }
}

fn by_partition(
    name: &'static str,
    help: &'static str,
    all: &[PartitionStatus],
    of: impl Fn(&PartitionStatus) -> u64,
) -> Family {
    let rows = all.iter().map(|p| (partition(p), of(p) as f64)).collect();
    Family { name, help, unit: None, values: Values::Counter(rows) }
}

fn watermarks(all: &[PartitionStatus]) -> Family {
    let rows = all.iter().filter_map(|p| Some((partition(p), p.marks.watermark? as f64 / 1000.0)));
    Family {
        name: "partition_watermark_timestamp",
        help: "Event time of the newest prediction",
        unit: Some(Unit::Seconds),
        values: Values::Gauge(rows.collect()),
    }
}

fn lateness(all: &[PartitionStatus]) -> Family {
    let rows = all.iter().map(|p| (partition(p), p.marks.furthest_behind as f64 / 1000.0)).collect();
    Family {
        name: "partition_lateness",
        help: "How far behind the watermark the latest prediction was",
        unit: Some(Unit::Seconds),
        values: Values::Gauge(rows),
    }
}

fn records(all: &[PartitionStatus]) -> Family {
    let rows = all.iter().map(|p| (partition(p), p.held as f64)).collect();
    Family {
        name: "partition_records",
        help: "Prediction ids that are held for their labels",
        unit: None,
        values: Values::Gauge(rows),
    }
}

fn expired(all: &[PartitionStatus]) -> Family {
    let rows = all.iter().flat_map(|p| {
        [("predictions", p.marks.expired_predictions), ("orphans", p.marks.expired_orphans)].map(|(what, n)| {
            let mut labels = partition(p);
            labels.push(("what", what.to_owned()));
            (labels, n as f64)
        })
    });
    Family {
        name: "partition_expired",
        help: "Records that passed the retention horizon",
        unit: None,
        values: Values::Counter(rows.collect()),
    }
}
