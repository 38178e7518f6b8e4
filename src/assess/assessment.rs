//! The numbers of one report: plain data, and at the same time the JSON twin.
//!
//! Every field is documented with its unit; `docs/report.schema.json` says the same to machines.
//! Shares, probabilities and accuracies are fractions in `[0, 1]`; durations are milliseconds; instants are RFC 3339
//! in UTC; days are `YYYY-MM-DD` in [`Scope::time_zone`]. `null` means "cannot be said from this data", never zero.

use serde::{Deserialize, Serialize};

pub use super::{
    agreement::{AnnotatorPair, Annotators, CodeAgreement, HumanAgreement},
    alarms::{Alarm, AlarmKind, Alarms, Carrier, Classical, DetectorName, Evidence},
    attributes::{AttributeDrift, ValueDrift},
    before_labels::{BeforeLabels, Recalibrated, RecalibratedPoint, Refused, TrueMix, TrueShare},
    crossed::{CrossedGroup, CrosswalkDrift},
    drift::{CodeDrift, Drift, Judged, LevelDrift, Verdict},
    review::{ReviewPrecision, ReviewStratum, ReviewWay},
    terms::{DoubtedTexts, Emerging, EmergingCode, EmergingTerm, TermCode, TermTexts},
    threshold::{ThresholdCurve, ThresholdPoint},
    tree::{MovedNode, TreeFindings},
    uncodable::Uncodable,
    versions::{CodeShare, PairedTexts, StandardisedDifference, VersionChange, Versions},
};
use crate::measure::{accuracy::Accuracy, assisted::Assisted, proportion::Estimate};

/// Everything that a report, a page or an API answer shows for one model and period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Version of this layout; grows when a field changes its meaning.
    pub schema_version: u32,
    pub scope: Scope,
    pub counts: Counts,
    pub intake: Vec<Intake>,
    pub traffic: Traffic,
    pub accuracy: AccuracyTables,
    /// The last version against the one before it; `null` with fewer than two in the period.
    pub versions: Option<Versions>,
    /// Which predictions the review draws, and which it had better draw with as many labels; empty without labels.
    pub review_design: Vec<ReviewStratum>,
    pub review_precision: ReviewPrecision,
    pub threshold_curve: ThresholdCurve,
    pub drift: Drift,
    /// New activities, as the texts show them.
    pub emerging: Emerging,
    /// What rang, day after day, against the reference.
    pub alarms: Alarms,
    pub calibration: Calibration,
    pub before_labels: BeforeLabels,
    pub latency: Latency,
    pub series: Series,
    pub warnings: Vec<Warning>,
}

/// What was assessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// When the numbers were made (RFC 3339, UTC).
    pub generated_at: String,
    pub vigie_version: String,
    pub workspace: String,
    pub model: String,
    /// Model versions seen in the period, oldest first.
    pub versions: Vec<String>,
    pub nomenclature: NomenclatureInfo,
    pub period: Period,
    pub reference: Option<Reference>,
    /// IANA name of the zone in which days are cut.
    pub time_zone: String,
    /// Confidence from which a prediction is accepted automatically; `null` when every event says its own route.
    pub threshold: Option<f64>,
    /// Level (1 = coarsest) at which per-code tables are made.
    pub level: u32,
    /// Nominal coverage of every interval, e.g. 0.95.
    pub confidence_level: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NomenclatureInfo {
    pub name: String,
    /// Level names, coarsest first: `["section", "division", ..]`; `["level_1", ..]` where the file names none.
    pub levels: Vec<String>,
    /// Codes at each level of the nomenclature, coarsest first.
    pub codes: Vec<u32>,
}

/// A run of whole days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day, included.
    pub from: String,
    /// Last day, included.
    pub to: String,
}

/// The period that drift is measured against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub period: Period,
    /// The part of the report's period that is compared with it.
    pub current: Period,
    pub chosen: ReferenceChoice,
    /// The version whose predictions are the reference, compared with those of the others; `null` = all, by their days.
    pub version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceChoice {
    /// Named by the user.
    Given,
    /// The days before the period, as many as it has or as many as there are.
    Preceding,
    /// The first half of the period, compared with the second.
    FirstHalf,
    /// 52 weeks before the period: each day meets its own weekday.
    LastYear,
    /// The same dates of the year before.
    LastYearDates,
    /// So many days before the period, or ending some days before it.
    Trailing,
    /// What one version coded, on whatever days.
    Version,
}

/// Over everything received, whatever the period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Distinct accepted prediction ids, errors included.
    pub predictions: u64,
    /// Of these, with status `error`.
    pub errors: u64,
    pub predictions_received: u64,
    pub predictions_duplicate: u64,
    pub predictions_rejected: u64,
    /// Distinct accepted correction ids.
    pub corrections: u64,
    pub corrections_received: u64,
    pub corrections_duplicate: u64,
    pub corrections_rejected: u64,
    /// Accepted corrections beyond the first for their prediction.
    pub corrections_superseded: u64,
    /// Refused lines that could not be told to be either kind.
    pub unknown_rejected: u64,
    /// Predictions whose holding correction carries a code.
    pub labelled: u64,
    /// Predictions whose holding correction says "uncodable".
    pub uncodable: u64,
    /// Predictions whose holding correction is a retraction.
    pub retracted: u64,
    /// Accepted corrections whose prediction has not come (yet).
    pub orphans: u64,
}

impl Counts {
    /// Repeats of both kinds.
    pub fn duplicates(&self) -> u64 {
        self.predictions_duplicate + self.corrections_duplicate
    }

    /// Refused lines, whatever they were.
    pub fn rejected(&self) -> u64 {
        self.predictions_rejected + self.corrections_rejected + self.unknown_rejected
    }
}

/// One row of the data quality table; rows add up: received = accepted + duplicate + rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// `prediction`, `correction`, or `unknown` when the line could not be told.
    pub kind: String,
    /// `accepted`, `duplicate` or `rejected`.
    pub outcome: String,
    /// Why it was rejected: a stable word such as `malformed_json`; empty otherwise.
    pub reason: String,
    pub n: u64,
}

/// Volume of the period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    pub predictions: u64,
    pub errors: u64,
    pub error_rate: Option<f64>,
    pub auto: u64,
    pub manual: u64,
    /// auto / (auto + manual).
    pub automation_rate: Option<f64>,
    pub labelled: u64,
    /// labelled / (auto + manual).
    pub label_coverage: Option<f64>,
    /// Confidences or probabilities outside [0, 1] that were clipped.
    pub clipped: u64,
    /// Predictions whose first code is not in the nomenclature.
    pub unknown_codes: u64,
    pub by_version: Vec<VersionTraffic>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionTraffic {
    pub version: String,
    pub predictions: u64,
    pub errors: u64,
    pub automation_rate: Option<f64>,
    pub labelled: u64,
    /// First and last day on which the version predicted.
    pub first_day: String,
    pub last_day: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccuracyTables {
    /// Every level x route (`all`, `auto`, `manual`) x k (1..5).
    pub overall: Vec<OverallAccuracy>,
    /// Every version x level, route `all`, k = 1.
    pub by_version: Vec<VersionAccuracy>,
    /// k = 1: of the codes themselves (level 0, no roll-up) every route, then every version where there are several; then
    /// every level x route.
    pub assisted: Vec<AssistedAccuracy>,
    /// Codes of [`Scope::level`], most predicted first.
    pub by_code: Vec<CodeQuality>,
    /// The most frequent (predicted, actual) pairs that differ, at [`Scope::level`].
    pub confusions: Vec<Confusion>,
    /// Routes of the reviewed texts that have no code; empty without any.
    pub uncodable: Vec<Uncodable>,
    /// Where several people coded the same prediction; `null` where nobody did.
    pub agreement: Option<HumanAgreement>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverallAccuracy {
    pub level: u32,
    pub level_name: String,
    /// `all`, `auto` or `manual`.
    pub route: String,
    /// Right when the truth is among the first k candidates.
    pub k: u32,
    #[serde(flatten)]
    pub accuracy: Accuracy,
}

/// Accuracy with the help of the confidence of all predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssistedAccuracy {
    /// `null` = all.
    pub version: Option<String>,
    /// `all`, `auto` or `manual`.
    pub route: String,
    /// 0 = the codes as they are.
    pub level: u32,
    pub level_name: Option<String>,
    /// Labels without an inclusion probability: all labels of their routes count as route and confidence say.
    pub post_stratified: u64,
    #[serde(flatten)]
    pub assisted: Assisted,
}

impl AssistedAccuracy {
    /// Whether it says other than the labels alone, weighted by their own probabilities, do.
    pub fn says_more(&self) -> bool {
        self.post_stratified > 0 || self.assisted.estimate != self.assisted.unassisted
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionAccuracy {
    pub version: String,
    pub level: u32,
    pub level_name: String,
    #[serde(flatten)]
    pub accuracy: Accuracy,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeQuality {
    pub code: String,
    /// Empty when the nomenclature has none.
    pub label: String,
    pub level: u32,
    /// Whether the nomenclature knows the code.
    pub known: bool,
    /// Whether the configuration names it: shown and watched however rare.
    pub sensitive: bool,
    /// Predictions that gave this code.
    pub n_predicted: u64,
    /// Of these, labelled.
    pub n_labelled: u64,
    /// Labelled predictions whose truth is this code.
    pub n_actual: u64,
    /// Share of predictions of this code that were automatic.
    pub automation_rate: Option<f64>,
    /// No interval with fewer than ten labels, as of the two that follow.
    pub precision: Estimate,
    pub recall: Estimate,
    pub f1: Estimate,
    /// Precision with the help of the confidence of all predictions of the code; all `null` where it does not help, or with
    /// fewer than 30 labels.
    pub assisted_precision: Estimate,
    /// Labels that would make the interval of `precision` as narrow.
    pub worth: Option<u64>,
    /// Precision and recall steadied by those of the code's parents; said of codes with few labels or none, too.
    pub shrunk_precision: Estimate,
    pub shrunk_recall: Estimate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    pub predicted: String,
    pub predicted_label: String,
    pub actual: String,
    pub actual_label: String,
    /// Labelled pairs seen.
    pub n: u64,
    /// Design-weighted estimate of how many predictions of the period this stands for.
    pub weighted: f64,
    /// Design-weighted share of the predictions of `predicted` whose truth is `actual`.
    pub share_of_predicted: f64,
}

/// Of the first candidate's probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error over [`Self::bins`], design-weighted.
    pub ece: Option<f64>,
    /// Mean squared error of the probability, design-weighted.
    pub brier: Option<f64>,
    pub n: u64,
    pub bins: Vec<ReliabilityBin>,
    /// Distribution of the confidence index, all predictions of the period: what the threshold cuts.
    pub confidence: Vec<ConfidenceBin>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    pub lower: f64,
    pub upper: f64,
    /// Predictions of the period in this bin.
    pub n_predicted: u64,
    pub n_labelled: u64,
    /// Mean probability of the labelled rows, design-weighted.
    pub mean_probability: Option<f64>,
    /// Observed accuracy in this bin.
    pub accuracy: Estimate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    pub lower: f64,
    pub upper: f64,
    pub n: u64,
    pub auto: u64,
    /// Design-weighted accuracy of the labelled rows.
    pub accuracy: Option<f64>,
    pub n_labelled: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    #[serde(flatten)]
    pub quantiles: Quantiles,
    /// Relative error of every quantile, e.g. 0.01.
    pub relative_error: f64,
    pub throughput: Throughput,
    pub by_version: Vec<VersionLatency>,
}

/// Milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    pub n: u64,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    #[serde(rename = "p99.9")]
    pub p999: Option<f64>,
}

/// Predictions a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Over the whole period, nights included.
    pub mean: Option<f64>,
    /// Mean of the hours that had a prediction.
    pub active_mean: Option<f64>,
    /// The busiest hour.
    pub peak_hour: Option<f64>,
    /// Start of the busiest hour (RFC 3339, UTC).
    pub peak_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionLatency {
    pub version: String,
    #[serde(flatten)]
    pub quantiles: Quantiles,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Every day of the period, days without a prediction included.
    pub daily: Vec<Daily>,
    /// Accuracy needs more than a day of labels: one row a week (Monday first), level and route, k = 1.
    pub accuracy_weekly: Vec<WeeklyAccuracy>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Daily {
    pub day: String,
    pub predictions: u64,
    pub errors: u64,
    pub auto: u64,
    pub manual: u64,
    pub automation_rate: Option<f64>,
    pub labelled: u64,
    /// Mean confidence index.
    pub mean_confidence: Option<f64>,
    /// At the deepest level, route `all`, k = 1.
    pub accuracy: Estimate,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeeklyAccuracy {
    /// Monday of the week; the first and last week may be cut by the period.
    pub week: String,
    pub level: u32,
    pub route: String,
    #[serde(flatten)]
    pub accuracy: Accuracy,
    /// With the help of the confidence, of the codes as they are; at the finest level only.
    pub assisted: Estimate,
}

/// Something the reader must know before trusting a number. `code` is stable; texts live in `reports/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub code: WarningCode,
    /// What it is about: a route, a version, a count; empty when there is nothing to add.
    pub subject: String,
    pub n: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The period holds no prediction.
    NoPredictions,
    /// No label in the period: accuracy cannot be said.
    NoLabels,
    /// A route (subject) has predictions but no label: its accuracy is unknown and `all` is biased.
    RouteWithoutLabels,
    /// n labels carry no inclusion probability: they count as their version, route and confidence say.
    UnknownInclusion,
    /// n predictions carry a code (an example in subject) that the nomenclature does not know.
    UnknownCodes,
    /// The nomenclature (subject) is not known: codes are compared as they are, without levels.
    UnknownNomenclature,
    /// n confidences or probabilities outside [0, 1] were clipped.
    Clipped,
    /// n corrections wait for a prediction that has not come.
    Orphans,
    /// No reference period with predictions: drift cannot be said. The subject is the reference that was asked for.
    NoReference,
    /// n lines were rejected.
    Rejected,
}
