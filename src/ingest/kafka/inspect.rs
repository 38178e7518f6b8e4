use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};

use super::{KafkaSettings, Listener, TopicError, Topology, topology};

/// One thing looked at, and what was found or what is wrong with it.
pub type Looked = (String, Result<String, String>);

const PATIENCE: Duration = Duration::from_secs(10);
/// Cleanup policy of a topic whose older records of a key are dropped: corrections and revisions share keys.
const COMPACT: &str = "compact";

/// Looks at the cluster, the topics and the group as a consumer would find them, and changes nothing.
pub fn inspect(settings: &KafkaSettings) -> Vec<Looked> {
    let mut found = Vec::new();
    let client = settings
        .client()
        .set("group.id", &settings.group)
        .create_with_context::<_, BaseConsumer<Listener>>(Listener::default());
    let consumer = match client.map_err(TopicError::configuration) {
        Ok(consumer) => consumer,
        Err(e) => {
            found.push(("kafka client".to_owned(), Err(e.to_string())));
            return found;
        }
    };
    let what = format!("kafka brokers ({})", settings.brokers);
    match consumer.fetch_metadata(None, PATIENCE) {
        Err(e) => {
            let why = TopicError::Unreachable { brokers: settings.brokers.clone(), why: e.to_string() };
            let why = consumer.context().0.explain(&consumer, why);
            found.push((what, Err(why.to_string())));
            return found;
        }
        Ok(metadata) => {
            let n = metadata.brokers().len();
            found.push((what, Ok(if n == 1 { "1 broker answers".to_owned() } else { format!("{n} brokers answer") })));
        }
    }
    let shape = Topology::look(&consumer, settings);
    let topics = format!("topics {} and {}", settings.predictions, settings.corrections);
    found.push((
        topics,
        shape.as_ref().map(|t| format!("{} each", partitions(t.partitions))).map_err(ToString::to_string),
    ));
    for (what, topic) in [("dead letters", &settings.dead_letters), ("alerts", &settings.alerts)] {
        let Some(topic) = topic else { continue };
        let seen = topology::partitions(&consumer, settings, topic);
        let seen = seen.map(partitions).map_err(|e| e.to_string());
        found.push((format!("topic {topic} ({what})"), seen));
    }
    if let Ok(shape) = shape {
        found.push((format!("consumer group {}", settings.group), group(&consumer, settings, shape.partitions)));
        found.extend(configurations(settings));
    }
    found
}

/// Whether the group may be read, and how far it is.
fn group(consumer: &BaseConsumer<Listener>, settings: &KafkaSettings, partitions: u32) -> Result<String, String> {
    let mut list = rdkafka::TopicPartitionList::new();
    for topic in settings.topics() {
        list.add_partition_range(topic, 0, partitions as i32 - 1);
    }
    // a cluster that never had a group makes the topic of their offsets now, and takes a moment to
    let mut tries = 0..20;
    let committed = loop {
        match consumer.committed_offsets(list.clone(), PATIENCE) {
            Ok(found) => break found,
            Err(e) if tries.next().is_none() => return Err(e.to_string()),
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    };
    let mut reached = 0;
    for element in committed.elements() {
        element.error().map_err(|e| e.to_string())?;
        if let rdkafka::Offset::Offset(n) = element.offset() {
            reached += n;
        }
    }
    Ok(if reached == 0 { "has committed nothing yet".to_owned() } else { format!("{reached} offsets committed") })
}

/// What the topics keep: as long as records are held, and not by key.
fn configurations(settings: &KafkaSettings) -> Vec<Looked> {
    let mut found = Vec::new();
    let Ok(admin) = settings.client().create::<AdminClient<DefaultClientContext>>() else { return found };
    let asked = settings.topics().map(ResourceSpecifier::Topic);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return found };
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let answer = runtime.block_on(admin.describe_configs(&asked, &options));
    let Ok(described) = answer else {
        let why = "not looked at: the user may not describe topics' configurations".to_owned();
        found.push(("retention of the topics".to_owned(), Ok(why)));
        return found;
    };
    for (topic, config) in settings.topics().into_iter().zip(described) {
        let what = format!("retention of {topic}");
        found.push((what, config.map_err(|e| e.to_string()).and_then(|c| keeps(&c, settings))));
    }
    found
}

fn keeps(config: &ConfigResource, settings: &KafkaSettings) -> Result<String, String> {
    let value = |name| config.get(name).and_then(|e| e.value.clone()).unwrap_or_default();
    let policy = value("cleanup.policy");
    if policy.contains(COMPACT) {
        return Err(format!(
            "cleanup.policy is {policy}: compaction drops older records of a key, and a prediction has the key of others; \
             set it to delete"
        ));
    }
    let horizon = settings.horizon.as_secs() / 86_400;
    match value("retention.ms").parse::<i64>() {
        Ok(ms) if ms >= 0 => {
            let days = ms as u64 / 86_400_000;
            let note = if days < horizon {
                format!(
                    "; records are held for {horizon} days, so a lost store could not be made again whole: keep a backup, \
                     or keep records longer"
                )
            } else {
                String::new()
            };
            Ok(format!("{days} days{note}"))
        }
        _ => Ok("unlimited".to_owned()),
    }
}

fn partitions(n: u32) -> String {
    if n == 1 { "1 partition".to_owned() } else { format!("{n} partitions") }
}
