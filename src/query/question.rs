/// A parameter of an embedded query, `$name` in its SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Days since 1970.
    Day(i32),
    Int(i32),
}

/// The embedded queries; each `.sql` says its parameters and columns in its first lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Traffic,
    VolumeByCode,
    Accuracy,
    AccuracyDaily,
    AccuracyWeekly,
    Assisted,
    Outcome,
    Reliability,
    Score,
    Latency,
    LatencyDaily,
    Throughput,
}

impl Question {
    pub const ALL: [Question; 12] = [
        Question::Traffic,
        Question::VolumeByCode,
        Question::Accuracy,
        Question::AccuracyDaily,
        Question::AccuracyWeekly,
        Question::Assisted,
        Question::Outcome,
        Question::Reliability,
        Question::Score,
        Question::Latency,
        Question::LatencyDaily,
        Question::Throughput,
    ];

    pub fn sql(self) -> &'static str {
        match self {
            Question::Traffic => include_str!("../../queries/traffic.sql"),
            Question::VolumeByCode => include_str!("../../queries/volume_by_code.sql"),
            Question::Accuracy => include_str!("../../queries/accuracy.sql"),
            Question::AccuracyDaily => include_str!("../../queries/accuracy_daily.sql"),
            Question::AccuracyWeekly => include_str!("../../queries/accuracy_weekly.sql"),
            Question::Assisted => include_str!("../../queries/assisted.sql"),
            Question::Outcome => include_str!("../../queries/outcome.sql"),
            Question::Reliability => include_str!("../../queries/reliability.sql"),
            Question::Score => include_str!("../../queries/score.sql"),
            Question::Latency => include_str!("../../queries/latency.sql"),
            Question::LatencyDaily => include_str!("../../queries/latency_daily.sql"),
            Question::Throughput => include_str!("../../queries/throughput.sql"),
        }
    }
}
