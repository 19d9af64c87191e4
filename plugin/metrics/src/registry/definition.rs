//! Family definitions: validation and compatibility.

use std::time::Duration;

use super::names::{LabelName, MAX_LABELS, MetricName, underscored};
use super::native::NativeHistogram;
use super::summary::{DEFAULT_WINDOW_MS, WindowedSummary};
use super::value::{Buckets, Kind};
use crate::error::Error;
use crate::number::{number_text, numbers_text};
use crate::reserved::ReservedNames;

/// Maximum length of a help text, in bytes.
pub const MAX_HELP_LEN: usize = 64 * 1_024;
/// Maximum number of states of a state set.
pub const MAX_STATES: usize = 256;
/// Maximum number of quantiles of a summary.
pub const MAX_QUANTILES: usize = 64;

/// Settings of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeConfig {
    /// Initial resolution: each bucket is 2^(2^-schema) times as wide as the previous one; -4 to 8.
    pub schema: i32,
    /// Observations with at most this magnitude count as zero.
    pub zero_threshold: f64,
    /// If there are more buckets than this, the resolution is halved.
    pub max_buckets: usize,
}

impl Default for NativeConfig {
    /// Buckets about 9 % wide, at most 160.
    fn default() -> Self {
        Self { schema: 3, zero_threshold: 2f64.powi(-128), max_buckets: 160 }
    }
}

/// The definition of a family, used to find or create it.
///
/// An option that is `None` stands for the existing family's value, or else the default.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The metric's name.
    pub name: MetricName,
    /// The kind.
    pub kind: Kind,
    /// The text of the `# HELP` line; the first one wins.
    pub help: Option<String>,
    /// The unit, such as `seconds`. The name must end with `_<unit>` or `_<unit>_total`.
    pub unit: Option<String>,
    /// Sorted and unique. The label values of a series are in this order.
    pub label_names: Vec<LabelName>,
    /// Bucket bounds, for histograms; a native one has these buckets besides its own.
    pub buckets: Option<Buckets>,
    /// Whether the buckets of a classic histogram are those of a native one with custom bounds
    /// (NHCB) where a receiver stores such: in remote writes.
    pub is_custom: bool,
    /// Settings for native histograms.
    pub native: Option<NativeConfig>,
    /// For summaries: quantiles in 0..=1, ascending; [`super::summary::DEFAULT_QUANTILES`] by
    /// default. With an empty list, only sum and count are recorded.
    pub quantiles: Option<Vec<f64>>,
    /// For summaries with quantiles: the length of the sliding window in whole milliseconds;
    /// [`DEFAULT_WINDOW`] by default.
    pub window: Option<Duration>,
    /// For state sets: the unique names of the states.
    pub states: Vec<Box<str>>,
    /// Maximum number of series of the family; beyond it, an overflow series receives the samples.
    pub series_limit: Option<usize>,
    /// [`super::Registry::expire`] removes series that were not updated for this long.
    pub ttl: Option<Duration>,
}

/// Default window of a summary's quantiles.
pub const DEFAULT_WINDOW: Duration = Duration::from_millis(DEFAULT_WINDOW_MS);

impl Definition {
    /// A definition without labels and options.
    pub fn new(name: MetricName, kind: Kind) -> Self {
        Self {
            name,
            kind,
            help: None,
            unit: None,
            label_names: Vec::new(),
            buckets: None,
            is_custom: false,
            native: None,
            quantiles: None,
            window: None,
            states: Vec::new(),
            series_limit: None,
            ttl: None,
        }
    }

    /// Validates the definition.
    pub(super) fn check(&self) -> Result<(), Error> {
        let kind = self.kind.name();
        if let Some(help) = &self.help
            && help.len() > MAX_HELP_LEN
        {
            let problem = format!("the help text has {} bytes; the maximum is {MAX_HELP_LEN}", help.len());
            return Err(Error::invalid("help", problem));
        }
        self.check_labels()?;
        self.check_unit()?;
        // An imported gauge histogram has buckets of either form, and a native histogram may have
        // classic ones too.
        let takes = |owner: Kind| match self.kind {
            Kind::GaugeHistogram => matches!(owner, Kind::Histogram | Kind::NativeHistogram),
            Kind::NativeHistogram => matches!(owner, Kind::Histogram | Kind::NativeHistogram),
            kind => kind == owner,
        };
        let only = |field: &str, given: bool, owner: Kind| match given && !takes(owner) {
            true => Err(Error::invalid(field, format!("only a {} has {field}, and this is a {kind}", owner.name()))),
            false => Ok(()),
        };
        only("buckets", self.buckets.is_some(), Kind::Histogram)?;
        only("custom buckets", self.is_custom && self.kind != Kind::Histogram, Kind::Histogram)?;
        only("native", self.native.is_some(), Kind::NativeHistogram)?;
        only("quantiles", self.quantiles.is_some(), Kind::Summary)?;
        only("window", self.window.is_some(), Kind::Summary)?;
        only("states", !self.states.is_empty(), Kind::StateSet)?;
        if let Some(NativeConfig { schema, zero_threshold, max_buckets }) = self.native {
            NativeHistogram::new(schema, zero_threshold, max_buckets)
                .map_err(|problem| Error::invalid("native", problem))?;
        }
        if let Some(ranks) = &self.quantiles
            && !(ranks.iter().all(|rank| (0.0..=1.0).contains(rank))
                && ranks.is_sorted_by(|a, b| a < b)
                && ranks.len() <= MAX_QUANTILES)
        {
            let problem = format!(
                "expected at most {MAX_QUANTILES} quantiles from 0 to 1 in ascending order, got {}",
                numbers_text(ranks)
            );
            return Err(Error::invalid("quantiles", problem));
        }
        if self.window.is_some() {
            WindowedSummary::new(&[], self.window_ms()).map_err(|problem| Error::invalid("window", problem))?;
        }
        let states = &self.states;
        let has_duplicates =
            states.iter().enumerate().any(|(index, state)| states.iter().take(index).any(|other| other == state));
        if self.kind == Kind::StateSet && (states.is_empty() || states.len() > MAX_STATES || has_duplicates) {
            let problem = format!("expected 1 to {MAX_STATES} unique state names");
            return Err(Error::invalid("states", problem));
        }
        Ok(())
    }

    fn check_labels(&self) -> Result<(), Error> {
        let names = &self.label_names;
        if names.len() > MAX_LABELS {
            let problem = format!("got {} label names; the maximum is {MAX_LABELS}", names.len());
            return Err(Error::invalid("label_names", problem));
        }
        if !names.is_sorted_by(|a, b| a < b) {
            let problem = format!("expected sorted, unique names, got {}", join_names(names));
            return Err(Error::invalid("label_names", problem));
        }
        let own = self.kind.own_label(self.name.as_str()).map(|own| underscored(own, false));
        for (index, name) in names.iter().enumerate() {
            let written = underscored(name.as_str(), false);
            if own.as_ref() == Some(&written) {
                let problem = format!("a {} writes the label {written} itself; choose another name", self.kind.name());
                return Err(Error::invalid(format!("labels.{name}"), problem));
            }
            if let Some(other) = names.iter().take(index).find(|other| underscored(other.as_str(), false) == written) {
                let problem = format!(
                    "text 0.0.4 writes both {other} and {name} as {written}; choose names that remain distinct"
                );
                return Err(Error::invalid(format!("labels.{name}"), problem));
            }
        }
        Ok(())
    }

    fn check_unit(&self) -> Result<(), Error> {
        let Some(unit) = self.unit.as_deref() else { return Ok(()) };
        let name = self.name.as_str();
        let stem = match self.kind {
            Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        if unit.is_empty() || stem.strip_suffix(unit).is_some_and(|stem| stem.ends_with('_')) {
            return Ok(());
        }
        let problem = format!("the metric {name} must end with its unit; rename it to {stem}_{unit} or omit the unit");
        Err(Error::invalid("unit", problem))
    }

    /// Checks that another definition with the same name is compatible, regardless of labels. The
    /// error describes both.
    pub(super) fn check_compatible(&self, other: &Self) -> Result<(), Error> {
        let conflict = |problem| Err(Error::Conflict { metric: self.name.to_string(), problem });
        if other.kind != self.kind {
            return conflict(format!(
                "it is a {}, and cannot be recorded as a {}; use metric_type {} or another name",
                self.kind.name(),
                other.kind.name(),
                self.kind.name()
            ));
        }
        if let (Some(own), Some(requested)) = (&self.buckets, &other.buckets)
            && own != requested
        {
            return conflict(format!(
                "it has the buckets {}, and cannot be recorded with {}",
                numbers_text(own.bounds()),
                numbers_text(requested.bounds())
            ));
        }
        if other.is_custom && !self.is_custom {
            return conflict(
                "its buckets are classic ones, and cannot become those of a native histogram; remove the metric first"
                    .to_owned(),
            );
        }
        let time = |time: &Duration| format!("{}s", number_text(time.as_secs_f64()));
        let states = |definition: &Self| Some(definition.states.clone()).filter(|states| !states.is_empty());
        self.check_option("unit", &self.unit, &other.unit, |unit| format!("{unit:?}"))?;
        self.check_option("native histogram settings", &self.native, &other.native, |native| {
            format!(
                "{{schema: {}, zero_threshold: {}, max_buckets: {}}}",
                native.schema,
                number_text(native.zero_threshold),
                native.max_buckets
            )
        })?;
        self.check_option("quantiles", &self.quantiles, &other.quantiles, |ranks| numbers_text(ranks))?;
        self.check_option("window", &self.window, &other.window, time)?;
        self.check_option("series limit", &self.series_limit, &other.series_limit, usize::to_string)?;
        self.check_option("time to live", &self.ttl, &other.ttl, time)?;
        if other.states.is_empty() {
            return Ok(());
        }
        self.check_option("states", &states(self), &states(other), |states| format!("[{}]", states.join(", ")))
    }

    fn check_option<T: PartialEq>(
        &self,
        what: &str,
        own: &Option<T>,
        requested: &Option<T>,
        format_value: impl Fn(&T) -> String,
    ) -> Result<(), Error> {
        let Some(requested) = requested else { return Ok(()) };
        if own.as_ref() == Some(requested) {
            Ok(())
        } else {
            Err(self.differs(what, own.as_ref().map(&format_value), &format_value(requested)))
        }
    }

    fn differs(&self, what: &str, own: Option<String>, requested: &str) -> Error {
        let has = own.map_or_else(|| format!("no {what}"), |own| format!("the {what} {own}"));
        Error::Conflict {
            metric: self.name.to_string(),
            problem: format!("it has {has} and cannot be recorded with {requested}; use the same or another name"),
        }
    }

    /// The exposed name of the metric, if it differs from its name.
    pub(super) fn exposed_as(&self) -> Option<Box<str>> {
        let name = self.name.as_str();
        (self.kind == Kind::Info && !name.ends_with("_info")).then(|| format!("{name}_info").into())
    }

    /// The names that the metric reserves in OpenMetrics.
    pub(super) fn reserved_names(&self) -> ReservedNames {
        let exposed_as = self.exposed_as();
        ReservedNames::of(self.kind.into(), &underscored(exposed_as.as_deref().unwrap_or(self.name.as_str()), true))
    }

    /// All possible sample names of the metric in text 0.0.4.
    pub(super) fn sample_names(&self) -> Vec<String> {
        let name = underscored(self.name.as_str(), true);
        [""].iter().chain(self.kind.suffixes()).map(|suffix| format!("{name}{suffix}")).collect()
    }

    /// Whether recording requires the current time.
    pub(super) fn is_timed(&self) -> bool {
        self.ttl.is_some() || self.quantiles.as_ref().is_some_and(|ranks| !ranks.is_empty())
    }

    /// The window of the quantiles, in milliseconds.
    pub(super) fn window_ms(&self) -> u64 {
        milliseconds(self.window.unwrap_or(DEFAULT_WINDOW))
    }
}

/// A duration in milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Formats a list of names for a message.
pub(super) fn join_names<'a>(names: impl IntoIterator<Item = &'a LabelName>) -> String {
    names.into_iter().map(LabelName::as_str).collect::<Vec<_>>().join(", ")
}
