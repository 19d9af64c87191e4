//! What a gateway holds and what it can do, as its API tells it: `GET /api/v1/metrics` and `GET
//! /api/v1/status`; and the metrics that it exposes of itself on `GET /metrics`. Reads answers
//! only; sends nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Group, PEER};
use crate::error::Error;
use crate::http::{Response, Url};
use crate::servers::refused;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::scalar::{Labels, Text};
use plugpipe_metrics::registry::{self, LabelName};
use plugpipe_metrics::sort::sorted_by;

/// The family that says when a group was last changed, in seconds since the Unix epoch.
pub(super) const PUSH_TIME: &str = "push_time_seconds";

/// The family that says when a change of a group was last refused; 0 for never.
pub(super) const FAILURE_TIME: &str = "push_failure_time_seconds";

/// One group.
#[derive(Debug)]
pub struct Held<'t> {
    /// The grouping key, `job` among it, sorted by name.
    pub labels: Vec<(Cow<'t, str>, Cow<'t, str>)>,
    /// Whether the API hides if the key has an empty `instance` too.
    hidden: bool,
    families: Vec<HeldFamily<'t>>,
}

/// A metric that a group holds.
#[derive(Debug)]
pub struct HeldFamily<'t> {
    /// Its name.
    pub name: Cow<'t, str>,
    /// Its type, in capitals: `COUNTER`.
    pub kind: Cow<'t, str>,
    series: Vec<HeldSeries<'t>>,
}

/// A member of a group that is a metric.
#[derive(Deserialize)]
struct Metric<'t> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'t, str>,
    #[serde(borrow)]
    metrics: Vec<HeldSeries<'t>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 't"))]
struct HeldSeries<'t> {
    labels: Labels<'t>,
    value: Text<'t>,
    count: Text<'t>,
}

/// What `GET /api/v1/metrics` responds: each group's members are its metrics by name, and `labels`.
#[derive(Deserialize)]
struct Groups<'t> {
    #[serde(borrow)]
    data: Vec<BTreeMap<Cow<'t, str>, &'t RawValue>>,
}

impl HeldFamily<'_> {
    /// The labels of its series, each sorted by name; the grouping key is among them, and
    /// `instance` always.
    pub fn series(&self) -> impl ExactSizeIterator<Item = Vec<(&str, &str)>> {
        self.series.iter().map(|series| by_name(series.labels.iter().collect()))
    }

    /// What each series has counted: a counter's value, and the count of a histogram or summary.
    /// None of other types.
    pub fn totals(&self) -> impl Iterator<Item = (Vec<(&str, &str)>, f64)> {
        self.series.iter().filter_map(|series| {
            let total = match &*self.kind {
                "COUNTER" => &series.value,
                "HISTOGRAM" | "SUMMARY" => &series.count,
                _ => return None,
            };
            Some((by_name(series.labels.iter().collect()), total.get()?.parse().ok()?))
        })
    }
}

impl<'t> Held<'t> {
    /// The metrics of the group, the two among them by which the gateway tells its last changes.
    pub fn families(&self) -> &[HeldFamily<'t>] {
        &self.families
    }

    /// The metrics that were pushed: how many, and how many series they have.
    pub fn size(&self) -> (usize, usize) {
        let pushed = self.families.iter().filter(|family| !matches!(&*family.name, PUSH_TIME | FAILURE_TIME));
        pushed.fold((0, 0), |(metrics, series), family| (metrics + 1, series + family.series.len()))
    }

    /// When the group was last changed, in seconds since the Unix epoch; none if it never was.
    pub fn pushed_at(&self) -> Option<f64> {
        self.instant(PUSH_TIME)
    }

    /// When a change of the group was last refused, in seconds since the Unix epoch; none if that
    /// never was.
    pub fn failed_at(&self) -> Option<f64> {
        self.instant(FAILURE_TIME)
    }

    fn instant(&self, name: &str) -> Option<f64> {
        let series = self.families.iter().find(|family| family.name == name)?.series.first()?;
        series.value.get()?.parse().ok().filter(|seconds| *seconds > 0.0)
    }

    /// The group's name; none if it is one that no plug would give.
    pub fn group(&self) -> Option<Group> {
        let (jobs, others): (Vec<_>, Vec<_>) = self.labels.iter().partition(|(name, _)| *name == "job");
        let labels: Result<Vec<_>, plugpipe_metrics::Error> = others
            .into_iter()
            .map(|(name, value)| Ok((LabelName::new_utf8(name, "labels")?, value.as_ref().into())))
            .collect();
        let (_, job) = jobs.first()?;
        Some(Group { job: job.as_ref().into(), labels: registry::Labels::of(labels.ok()?, "labels").ok()? })
    }

    /// Whether it is this group, or may be.
    pub fn is(&self, group: &Group) -> bool {
        let mut labels = self.labels.iter();
        let left_out = self.hidden && group.labels.get("instance") == Some("");
        self.labels.len() + usize::from(left_out) == group.labels.iter().len() + 1
            && labels.all(|(name, value)| match &**name {
                "job" => *value == group.job,
                name => group.labels.get(name) == Some(value),
            })
    }

    /// The grouping key as PromQL would select it: `{instance="i", job="j"}`.
    pub fn shown(&self) -> String {
        shown(self.labels.iter().map(|(name, value)| (&**name, &**value)))
    }
}

/// Labels as PromQL would select them, shortened.
pub fn shown<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        if text.len() > 1 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push_str("=\"");
        text.push_str(&excerpt(value, 60));
        text.push('"');
    }
    text.push('}');
    text
}

/// Labels, sorted by name.
pub(super) fn by_name<'l>(labels: Vec<(&'l str, &'l str)>) -> Vec<(&'l str, &'l str)> {
    sorted_by(labels, |(a, _), (b, _)| a.cmp(b))
}

/// The groups of a response of `GET /api/v1/metrics`, whose body is `text`; sorted by their labels.
pub fn groups<'t>(url: &Url, response: &Response, text: &'t str) -> Result<Vec<Held<'t>>, Error> {
    if response.status != 200 {
        return Err(refused(PEER, url, response, ""));
    }
    let Groups { data } = serde_json::from_str(text).map_err(|problem| Error::BadAnswer {
        server: PEER.server,
        origin: url.origin(),
        problem: problem.to_string(),
    })?;
    // The gateway has no order of its own.
    Ok(sorted_by(data.into_iter().filter_map(held).collect(), |a: &Held, b: &Held| a.labels.cmp(&b.labels)))
}

/// A metric that is called `labels` hides the grouping key in the API. The gateway's own metrics
/// have the key too, and an empty `instance` also where the key has none.
fn held<'t>(members: BTreeMap<Cow<'t, str>, &'t RawValue>) -> Option<Held<'t>> {
    // An object of texts, which a metric is not.
    let key: Option<BTreeMap<Cow<str>, Cow<str>>> = members.get("labels").and_then(|json| read(json));
    let family = |(name, json): (Cow<'t, str>, &'t RawValue)| {
        let Metric { kind, metrics } = read(json)?;
        Some(HeldFamily { name, kind, series: metrics })
    };
    let families: Vec<HeldFamily> = members.into_iter().filter_map(family).collect();
    if let Some(key) = key {
        return Some(Held { labels: key.into_iter().collect(), hidden: false, families });
    }
    let own = families.iter().find(|family| family.name == PUSH_TIME)?.series.first()?;
    let mut labels: Vec<(&str, &str)> = by_name(own.labels.iter().collect());
    let before = labels.len();
    labels.retain(|label| *label != ("instance", ""));
    let hidden = labels.len() < before;
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned().into(), value.to_owned().into())).collect();
    Some(Held { labels, hidden, families })
}

/// A part of a response, unless it is something else.
fn read<'t, T: Deserialize<'t>>(json: &'t RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

/// What a gateway can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Major and minor version; none if it did not say.
    pub version: Option<(u32, u32)>,
    /// Whether any UTF-8 text may be a label's name in a grouping key.
    pub utf8: bool,
    /// Whether it takes metrics without looking whether they fit to the others.
    pub unchecked: bool,
}

impl Abilities {
    /// From a response of `GET /api/v1/status`. Any other response says nothing.
    pub fn read(response: &Response) -> Self {
        let Status { data } = serde_json::from_slice(&response.body).unwrap_or_default();
        let mut numbers = data.build_information.version.split(['.', '-', '+']).map_while(|number| number.parse().ok());
        Self {
            version: numbers.next().zip(numbers.next()),
            utf8: data.flags.utf8 == "true",
            unchecked: data.flags.unchecked == "true",
        }
    }

    /// Whether native histograms can be pushed.
    pub fn takes_native_histograms(self) -> bool {
        self.version >= Some((1, 8))
    }
}

/// What `GET /api/v1/status` responds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    data: StatusData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusData {
    build_information: BuildInformation,
    flags: Flags,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildInformation {
    version: String,
}

/// The gateway says all of them as texts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Flags {
    #[serde(rename = "push.enable-utf8-names")]
    utf8: String,
    #[serde(rename = "push.disable-consistency-check")]
    unchecked: String,
}

/// A metric that the gateway exposes of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnFamily<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its type, in small letters.
    pub kind: &'t str,
    /// Its help, escaped as it stands in the text.
    pub help: &'t str,
}

/// The gateway's own metrics in its exposition as text: those that have a series without a `job`,
/// which all that is pushed has.
pub fn own_families(text: &str) -> Vec<OwnFamily<'_>> {
    let mut own = Vec::new();
    let mut family = OwnFamily { name: "", kind: "", help: "" };
    let mut told = true;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, help) = head.split_once(' ').unwrap_or((head, ""));
            family = OwnFamily { name, kind: "", help };
        } else if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap_or((head, ""));
            let help = if family.name == name { family.help } else { "" };
            family = OwnFamily { name, kind, help };
            told = false;
        } else if !told && !line.starts_with('#') && !has_label(line, "job") {
            own.push(family);
            told = true;
        }
    }
    own
}

/// Whether a sample's line has this label.
fn has_label(line: &str, name: &str) -> bool {
    let Some((_, mut rest)) = line.split_once('{') else { return false };
    while let Some((before, after)) = rest.split_once('"') {
        // What stands before a quote is the end of the label before, and this label's name.
        if before.trim_start_matches([',', ' ']).trim_end_matches(['=', ' ']) == name {
            return true;
        }
        rest = after_quote(after);
    }
    false
}

/// What comes after a quoted text that has begun.
fn after_quote(text: &str) -> &str {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return text.get(at + 1..).unwrap_or_default(),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_metrics_are_those_without_a_job() {
        let text = "# HELP go_info About.\n# TYPE go_info gauge\ngo_info{version=\"job=\\\"x\\\",\"} 1\n\
            # TYPE a counter\na{instance=\"}\\\"\",job=\"j\"} 3\n# TYPE u untyped\nu{job=\"\"} 1\nu 2\n# TYPE {\"x.y\"} gauge\n{\"x.y\",job=\"1\"} 1\n";
        let expected = [
            OwnFamily { name: "go_info", kind: "gauge", help: "About." },
            OwnFamily { name: "u", kind: "untyped", help: "" },
        ];
        assert_eq!(own_families(text), expected);
    }

    #[test]
    fn abilities_are_those_of_the_version_and_the_flags() {
        let read = |body: &str| Abilities::read(&Response { status: 200, headers: Vec::new(), body: body.into() });
        let told = read(
            r#"{"data":{"build_information":{"version":"1.11.2"},"flags":{"push.enable-utf8-names":"true","push.disable-consistency-check":"false"}}}"#,
        );
        assert_eq!(told, Abilities { version: Some((1, 11)), utf8: true, unchecked: false });
        assert!(told.takes_native_histograms());
        for body in ["<html>", "{}", r#"{"data":{"build_information":{"version":"1.7.0"}}}"#] {
            assert!(!read(body).takes_native_histograms(), "{body}");
        }
    }

    #[test]
    fn a_metric_called_labels_hides_no_group() {
        let response = Response { status: 200, ..Response::default() };
        let text = r#"{"data":[{"labels":{"type":"UNTYPED","metrics":[{"labels":{"instance":"","job":"x"},"value":"1"}]},
            "push_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"x"},"value":"1.5e+09"}]}},
            {"labels":{"job":"y","instance":""},"a":{"type":"COUNTER","metrics":[{},{}]}}]}"#;
        let url = Url::parse("http://h").unwrap();
        let held = groups(&url, &response, text).unwrap();
        assert_eq!(held[1].labels, [("job".into(), "x".into())]);
        assert_eq!((held[1].pushed_at(), held[1].failed_at(), held[1].size()), (Some(1.5e9), None, (1, 1)));
        assert_eq!((held[0].shown(), held[0].size()), (r#"{instance="", job="y"}"#.into(), (1, 2)));
        assert!(held[0].is(&held[0].group().unwrap()) && !held[1].is(&held[0].group().unwrap()));
        let labels = registry::Labels::new([("instance", "")], "l").unwrap();
        assert!(held[1].is(&held[1].group().unwrap()) && held[1].is(&Group { job: "x".into(), labels }));
    }
}
