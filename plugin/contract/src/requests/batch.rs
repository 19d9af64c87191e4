//! Batches of records from writers: processes that share one registry.

use serde::Deserialize;

use crate::document::Both;
use crate::scalar::{Count, LabelValue, Labels, MetricValue, Text, Word};

use super::DefinitionFields;

/// `record_batch`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["writer", "number", "metrics"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RecordBatch<'a> {
    /// The writer's id, unique for each process, such as a UUID.
    pub writer: Text<'a>,
    /// The batch's number, which rises with each batch of the writer. A batch with the number of an
    /// earlier one, or a lower one, is not recorded again.
    pub number: Count,
    /// The records. One that is refused is reported, and the others are recorded.
    pub metrics: Option<Vec<Both<BatchRecord<'a>, DefinitionFields<'a>>>>,
}

/// A record of a batch. [`DefinitionFields`] may be given too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "batch_record", extend("required" = ["name"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct BatchRecord<'a> {
    /// The metric's name.
    pub name: Option<LabelValue<'a>>,
    /// The metric's kind; `gauge` by default.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Kind"))]
    pub r#type: Text<'a>,
    /// The series' labels.
    pub labels: Labels<'a>,
    /// The text of the `# HELP` line. The first one given is kept.
    pub help: Text<'a>,
    /// The value: added to a counter, set on a gauge, observed by other kinds.
    pub value: MetricValue,
    /// Observations of a histogram or summary, instead of `value`.
    pub values: Option<Vec<MetricValue>>,
    /// How a gauge combines the values of several writers; `last` by default.
    pub mode: Word<GaugeMode>,
}

/// How a gauge combines the values that several writers set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum GaugeMode {
    /// The value that was set last, by any writer.
    Last,
    /// The sum of each writer's last value.
    Sum,
    /// The minimum of each writer's last value.
    Min,
    /// The maximum of each writer's last value.
    Max,
    /// The sum of the last values of writers that have not ended.
    LiveSum,
}

/// `end_writer`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["writer"])))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct EndWriter<'a> {
    /// The id of a writer that records no more.
    pub writer: Text<'a>,
}
