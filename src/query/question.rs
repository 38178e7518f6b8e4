/// A parameter of an embedded query, `$name` in its SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// Days since 1970.
    Day(i32),
    Int(i32),
    Text(&'a str),
}

/// The embedded queries; each `.sql` says its parameters and columns in its first lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Traffic,
    VolumeByCode,
    VolumeByGrade,
    Accuracy,
    AccuracyDaily,
    AccuracyWeekly,
    Assisted,
    AssistedWeekly,
    Outcome,
    VersionOutcome,
    VersionVolume,
    Uncodable,
    Opinions,
    Reliability,
    Score,
    VolumeDaily,
    LabelsDaily,
    Specimens,
    Latency,
    LatencyDaily,
    Throughput,
}

impl Question {
    pub const ALL: [Question; 21] = [
        Question::Traffic,
        Question::VolumeByCode,
        Question::VolumeByGrade,
        Question::Accuracy,
        Question::AccuracyDaily,
        Question::AccuracyWeekly,
        Question::Assisted,
        Question::AssistedWeekly,
        Question::Outcome,
        Question::VersionOutcome,
        Question::VersionVolume,
        Question::Uncodable,
        Question::Opinions,
        Question::Reliability,
        Question::Score,
        Question::VolumeDaily,
        Question::LabelsDaily,
        Question::Specimens,
        Question::Latency,
        Question::LatencyDaily,
        Question::Throughput,
    ];

    pub fn sql(self) -> &'static str {
        match self {
            Question::Traffic => include_str!("../../queries/traffic.sql"),
            Question::VolumeByCode => include_str!("../../queries/volume_by_code.sql"),
            Question::VolumeByGrade => include_str!("../../queries/volume_by_grade.sql"),
            Question::Accuracy => include_str!("../../queries/accuracy.sql"),
            Question::AccuracyDaily => include_str!("../../queries/accuracy_daily.sql"),
            Question::AccuracyWeekly => include_str!("../../queries/accuracy_weekly.sql"),
            Question::Assisted => include_str!("../../queries/assisted.sql"),
            Question::AssistedWeekly => include_str!("../../queries/assisted_weekly.sql"),
            Question::Uncodable => include_str!("../../queries/uncodable.sql"),
            Question::Opinions => include_str!("../../queries/opinions.sql"),
            Question::VolumeDaily => include_str!("../../queries/volume_daily.sql"),
            Question::LabelsDaily => include_str!("../../queries/labels_daily.sql"),
            Question::Specimens => include_str!("../../queries/specimens.sql"),
            Question::Outcome => include_str!("../../queries/outcome.sql"),
            Question::VersionOutcome => include_str!("../../queries/version_outcome.sql"),
            Question::VersionVolume => include_str!("../../queries/version_volume.sql"),
            Question::Reliability => include_str!("../../queries/reliability.sql"),
            Question::Score => include_str!("../../queries/score.sql"),
            Question::Latency => include_str!("../../queries/latency.sql"),
            Question::LatencyDaily => include_str!("../../queries/latency_daily.sql"),
            Question::Throughput => include_str!("../../queries/throughput.sql"),
        }
    }
}
