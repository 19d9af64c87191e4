//! What a family is: its definition, whether it makes sense, and whether two of them mean the same.
//! Holds no series.

use std::time::Duration;

use super::names::{LabelName, MAX_LABELS, MetricName, underscored};
use super::native::NativeHistogram;
use super::summary::{DEFAULT_WINDOW_MS, WindowedSummary};
use super::value::{Buckets, Kind};
use crate::error::Error;
use crate::number::{number_text, numbers_text};
use crate::reserved::ReservedNames;

/// The longest help text, in bytes.
pub const MAX_HELP_LEN: usize = 64 * 1_024;
/// The most states of a state set.
pub const MAX_STATES: usize = 256;
/// The most quantiles of a summary.
pub const MAX_QUANTILES: usize = 64;

/// Settings of a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeConfig {
    /// Resolution at the start: each bucket is 2^(2^-schema) times as wide as the one before; -4 to
    /// 8.
    pub schema: i32,
    /// Observations of at most this size, of either sign, are counted as zero.
    pub zero_threshold: f64,
    /// With more buckets than this the resolution is halved.
    pub max_buckets: usize,
}

impl Default for NativeConfig {
    /// Buckets about 9 % wide, at most 160 of them.
    fn default() -> Self {
        Self { schema: 3, zero_threshold: 2f64.powi(-128), max_buckets: 160 }
    }
}

/// What somebody wants to record to: enough to find a family, or to make it.
///
/// In the options, none means no opinion: the family's own, where it exists already, or the
/// default.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The metric's name.
    pub name: MetricName,
    /// What it measures.
    pub kind: Kind,
    /// For the `# HELP` line; the first one given stays.
    pub help: Option<String>,
    /// What is measured in, such as `seconds`. The name must end with `_<unit>`, or
    /// `_<unit>_total`.
    pub unit: Option<String>,
    /// Sorted, each once. Series are made with values in this order.
    pub label_names: Vec<LabelName>,
    /// For histograms.
    pub buckets: Option<Buckets>,
    /// For native histograms.
    pub native: Option<NativeConfig>,
    /// For summaries: ranks in 0..=1, rising; [`super::summary::DEFAULT_QUANTILES`] by default.
    /// With an empty list only sum and count are kept.
    pub quantiles: Option<Vec<f64>>,
    /// For summaries with quantiles: how far back they look; [`DEFAULT_WINDOW`] by default. In
    /// whole milliseconds.
    pub window: Option<Duration>,
    /// For state sets: the names of the states, each once.
    pub states: Vec<Box<str>>,
    /// The most series of the family; past it, an overflow series takes what is recorded to further
    /// ones.
    pub series_limit: Option<usize>,
    /// A series that nothing was recorded to for so long is removed by [`super::Registry::expire`].
    pub ttl: Option<Duration>,
}

/// How far back the quantiles of a summary look, where nobody said.
pub const DEFAULT_WINDOW: Duration = Duration::from_millis(DEFAULT_WINDOW_MS);

impl Definition {
    /// A metric without labels and options.
    pub fn new(name: MetricName, kind: Kind) -> Self {
        Self {
            name,
            kind,
            help: None,
            unit: None,
            label_names: Vec::new(),
            buckets: None,
            native: None,
            quantiles: None,
            window: None,
            states: Vec::new(),
            series_limit: None,
            ttl: None,
        }
    }

    /// Whether the definition makes sense by itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        let kind = self.kind.name();
        if let Some(help) = &self.help
            && help.len() > MAX_HELP_LEN
        {
            let problem = format!("the text has {} bytes; a help text may have {MAX_HELP_LEN}", help.len());
            return Err(Error::invalid("help", problem));
        }
        self.check_labels()?;
        self.check_unit()?;
        let only = |field: &str, given: bool, owner: Kind| match given && self.kind != owner {
            true => Err(Error::invalid(field, format!("only a {} has {field}, and this is a {kind}", owner.name()))),
            false => Ok(()),
        };
        only("buckets", self.buckets.is_some(), Kind::Histogram)?;
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
            let problem =
                format!("expected at most {MAX_QUANTILES} ranks from 0 to 1, rising, got {}", numbers_text(ranks));
            return Err(Error::invalid("quantiles", problem));
        }
        if self.window.is_some() {
            WindowedSummary::new(&[], self.window_ms()).map_err(|problem| Error::invalid("window", problem))?;
        }
        let states = &self.states;
        let twice =
            states.iter().enumerate().any(|(index, state)| states.iter().take(index).any(|other| other == state));
        if self.kind == Kind::StateSet && (states.is_empty() || states.len() > MAX_STATES || twice) {
            let problem = format!("expected 1 to {MAX_STATES} names of states, each once");
            return Err(Error::invalid("states", problem));
        }
        Ok(())
    }

    fn check_labels(&self) -> Result<(), Error> {
        let names = &self.label_names;
        if names.len() > MAX_LABELS {
            let problem = format!("{} labels are named; a metric may have {MAX_LABELS}", names.len());
            return Err(Error::invalid("label_names", problem));
        }
        if !names.is_sorted_by(|a, b| a < b) {
            let problem = format!("the names must be sorted, each once; got {}", list(names));
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
                let problem =
                    format!("text 0.0.4 writes both {other} and {name} as {written}; choose names that stay apart");
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
        let problem = format!("the metric {name} must end with its unit; call it {stem}_{unit}, or leave the unit out");
        Err(Error::invalid("unit", problem))
    }

    /// Whether a further definition of the same name means the same metric, whatever its labels.
    /// The error names both.
    pub(super) fn agree(&self, further: &Self) -> Result<(), Error> {
        let conflict = |problem| Err(Error::Conflict { metric: self.name.to_string(), problem });
        if further.kind != self.kind {
            return conflict(format!(
                "it is a {}, and cannot be recorded as a {}; use metric_type {} or another name",
                self.kind.name(),
                further.kind.name(),
                self.kind.name()
            ));
        }
        if let (Some(own), Some(asked)) = (&self.buckets, &further.buckets)
            && own != asked
        {
            return conflict(format!(
                "it has the buckets {}, and cannot be recorded with {}",
                numbers_text(own.bounds()),
                numbers_text(asked.bounds())
            ));
        }
        let time = |time: &Duration| format!("{}s", number_text(time.as_secs_f64()));
        let states = |definition: &Self| Some(definition.states.clone()).filter(|states| !states.is_empty());
        self.same("unit", &self.unit, &further.unit, |unit| format!("{unit:?}"))?;
        self.same("native histogram settings", &self.native, &further.native, |native| {
            format!(
                "{{schema: {}, zero_threshold: {}, max_buckets: {}}}",
                native.schema,
                number_text(native.zero_threshold),
                native.max_buckets
            )
        })?;
        self.same("quantiles", &self.quantiles, &further.quantiles, |ranks| numbers_text(ranks))?;
        self.same("window", &self.window, &further.window, time)?;
        self.same("series limit", &self.series_limit, &further.series_limit, usize::to_string)?;
        self.same("time to live", &self.ttl, &further.ttl, time)?;
        if further.states.is_empty() {
            return Ok(());
        }
        self.same("states", &states(self), &states(further), |states| format!("[{}]", states.join(", ")))
    }

    fn same<T: PartialEq>(
        &self,
        what: &str,
        own: &Option<T>,
        asked: &Option<T>,
        shown: impl Fn(&T) -> String,
    ) -> Result<(), Error> {
        let Some(asked) = asked else { return Ok(()) };
        if own.as_ref() == Some(asked) {
            Ok(())
        } else {
            Err(self.differs(what, own.as_ref().map(&shown), &shown(asked)))
        }
    }

    fn differs(&self, what: &str, own: Option<String>, asked: &str) -> Error {
        let has = own.map_or_else(|| format!("no {what}"), |own| format!("the {what} {own}"));
        Error::Conflict {
            metric: self.name.to_string(),
            problem: format!("it has {has}, and cannot be had with {asked}; use the same, or another name"),
        }
    }

    /// What the metric is exposed as, where that is not its name.
    pub(super) fn exposed_as(&self) -> Option<Box<str>> {
        let name = self.name.as_str();
        (self.kind == Kind::Info && !name.ends_with("_info")).then(|| format!("{name}_info").into())
    }

    /// The names that the metric takes in OpenMetrics.
    pub(super) fn reserved_names(&self) -> ReservedNames {
        let exposed_as = self.exposed_as();
        ReservedNames::of(self.kind.into(), &underscored(exposed_as.as_deref().unwrap_or(self.name.as_str()), true))
    }

    /// The names that the metric's samples have or may have in text 0.0.4.
    pub(super) fn sample_names(&self) -> Vec<String> {
        let name = underscored(self.name.as_str(), true);
        [""].iter().chain(self.kind.suffixes()).map(|suffix| format!("{name}{suffix}")).collect()
    }

    /// Whether what is recorded needs the time.
    pub(super) fn is_timed(&self) -> bool {
        self.ttl.is_some() || self.quantiles.as_ref().is_some_and(|ranks| !ranks.is_empty())
    }

    /// How far back the quantiles look, in milliseconds.
    pub(super) fn window_ms(&self) -> u64 {
        milliseconds(self.window.unwrap_or(DEFAULT_WINDOW))
    }
}

/// A time as milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Names, for a message.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a LabelName>) -> String {
    names.into_iter().map(LabelName::as_str).collect::<Vec<_>>().join(", ")
}
