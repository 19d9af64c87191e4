//! What a gateway holds and what it can do, as its API tells it: `GET /api/v1/metrics` and `GET /api/v1/status`; and the metrics
//! that it exposes of itself on `GET /metrics`. Reads answers only; sends nothing.

use super::{Group, PEER};
use crate::error::Error;
use crate::http::{Response, Url};
use crate::servers::refused;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::json::{Json, Object};
use plugpipe_metrics::registry::{LabelName, Labels};
use plugpipe_metrics::sort::sorted_by;

/// The family that says when a group was last changed, in seconds since the Unix epoch.
pub(super) const PUSH_TIME: &str = "push_time_seconds";

/// The family that says when a change of a group was last refused; 0 for never.
pub(super) const FAILURE_TIME: &str = "push_failure_time_seconds";

/// One group.
#[derive(Debug)]
pub struct Held<'j> {
    /// The grouping key, `job` among it, sorted by name.
    pub labels: Vec<(&'j str, &'j str)>,
    /// Whether the API hides if the key has an empty `instance` too.
    hidden: bool,
    members: &'j Object<'j>,
}

/// A metric that a group holds.
#[derive(Debug, Clone, Copy)]
pub struct HeldFamily<'j> {
    /// Its name.
    pub name: &'j str,
    /// Its type, in capitals: `COUNTER`.
    pub kind: &'j str,
    series: &'j [Json<'j>],
}

impl<'j> HeldFamily<'j> {
    /// The labels of its series, each sorted by name; the grouping key is among them, and `instance` always.
    pub fn series(&self) -> impl ExactSizeIterator<Item = Vec<(&'j str, &'j str)>> + use<'j> {
        self.series.iter().map(|metric| match metric {
            Json::Object(metric) => labels_of(metric).unwrap_or_default(),
            _ => Vec::new(),
        })
    }

    /// What each series has counted: a counter's value, and the count of a histogram or summary.
    /// None of other types.
    pub fn totals(&self) -> impl Iterator<Item = (Vec<(&'j str, &'j str)>, f64)> + use<'j> {
        let member = match self.kind {
            "COUNTER" => Some("value"),
            "HISTOGRAM" | "SUMMARY" => Some("count"),
            _ => None,
        };
        self.series.iter().filter_map(move |metric| {
            let Json::Object(metric) = metric else { return None };
            Some((labels_of(metric)?, metric.get(member?)?.as_str()?.parse().ok()?))
        })
    }
}

impl<'j> Held<'j> {
    /// The metrics of the group, the two among them by which the gateway tells its last changes.
    pub fn families(&self) -> impl Iterator<Item = HeldFamily<'j>> + use<'j> {
        self.members.iter().filter_map(|(name, member)| family(name, member))
    }

    /// The metrics that were pushed: how many, and how many series they have.
    pub fn size(&self) -> (usize, usize) {
        let pushed = self.families().filter(|family| !matches!(family.name, PUSH_TIME | FAILURE_TIME));
        pushed.fold((0, 0), |(metrics, series), family| (metrics + 1, series + family.series.len()))
    }

    /// When the group was last changed, in seconds since the Unix epoch; none if it never was.
    pub fn pushed_at(&self) -> Option<f64> {
        self.instant(PUSH_TIME)
    }

    /// When a change of the group was last refused, in seconds since the Unix epoch; none if that never was.
    pub fn failed_at(&self) -> Option<f64> {
        self.instant(FAILURE_TIME)
    }

    fn instant(&self, name: &str) -> Option<f64> {
        let Some(Json::Object(metric)) = family(name, self.members.get(name)?)?.series.first() else { return None };
        metric.get("value")?.as_str()?.parse().ok().filter(|seconds| *seconds > 0.0)
    }

    /// The group's name; none if it is one that no plug would give.
    pub fn group(&self) -> Option<Group> {
        let (jobs, others): (Vec<_>, Vec<_>) = self.labels.iter().partition(|(name, _)| *name == "job");
        let labels: Result<Vec<_>, Error> = others
            .into_iter()
            .map(|(name, value)| Ok((LabelName::new_utf8(name, "labels")?, (*value).into())))
            .collect();
        let (_, job) = jobs.first()?;
        Some(Group { job: (*job).into(), labels: Labels::of(labels.ok()?, "labels").ok()? })
    }

    /// Whether it is this group, or may be.
    pub fn is(&self, group: &Group) -> bool {
        let mut labels = self.labels.iter();
        let left_out = self.hidden && group.labels.get("instance") == Some("");
        self.labels.len() + usize::from(left_out) == group.labels.iter().len() + 1
            && labels.all(|(name, value)| match *name {
                "job" => *value == group.job,
                name => group.labels.get(name) == Some(value),
            })
    }

    /// The grouping key as PromQL would select it: `{instance="i", job="j"}`.
    pub fn shown(&self) -> String {
        shown(self.labels.iter().copied())
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

fn family<'j>(name: &'j str, member: &'j Json<'j>) -> Option<HeldFamily<'j>> {
    let Json::Object(member) = member else { return None };
    match (member.get("type"), member.get("metrics")) {
        (Some(Json::String(kind)), Some(Json::Array(series))) => Some(HeldFamily { name, kind, series }),
        _ => None,
    }
}

/// The member `labels`, sorted by name; none if it is not an object of texts.
fn labels_of<'j>(members: &'j Object<'j>) -> Option<Vec<(&'j str, &'j str)>> {
    let Some(Json::Object(labels)) = members.get("labels") else { return None };
    let labels: Option<Vec<_>> = labels.iter().map(|(name, value)| Some((name, value.as_str()?))).collect();
    Some(by_name(labels?))
}

/// Labels, sorted by name.
pub(super) fn by_name<'l>(labels: Vec<(&'l str, &'l str)>) -> Vec<(&'l str, &'l str)> {
    sorted_by(labels, |(a, _), (b, _)| a.cmp(b))
}

/// The groups of an answer of `GET /api/v1/metrics`, whose body was parsed as `json`; sorted by their labels.
pub fn groups<'j>(url: &Url, response: &Response, json: &'j Result<Json<'j>, String>) -> Result<Vec<Held<'j>>, Error> {
    if response.status != 200 {
        return Err(refused(PEER, url, response, ""));
    }
    let bad = |problem: &str| Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: problem.into() };
    let json = json.as_ref().map_err(|problem| bad(problem))?;
    let Json::Object(answer) = json else { return Err(bad("it is not a JSON object")) };
    let Some(Json::Array(list)) = answer.get("data") else { return Err(bad("it has no list of groups")) };
    // The gateway has no order of its own.
    Ok(sorted_by(list.iter().filter_map(held).collect(), |a: &Held, b: &Held| a.labels.cmp(&b.labels)))
}

/// A metric that is called `labels` hides the grouping key in the API. The gateway's own metrics have the key too, and an empty
/// `instance` also where the key has none.
fn held<'j>(group: &'j Json<'j>) -> Option<Held<'j>> {
    let Json::Object(members) = group else { return None };
    if let Some(labels) = labels_of(members) {
        return Some(Held { labels, hidden: false, members });
    }
    let mut labels = family(PUSH_TIME, members.get(PUSH_TIME)?)?.series().next()?;
    let before = labels.len();
    labels.retain(|label| *label != ("instance", ""));
    Some(Held { hidden: labels.len() < before, labels, members })
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
    /// From an answer of `GET /api/v1/status`. Any other answer says nothing.
    pub fn read(response: &Response) -> Self {
        let text = String::from_utf8_lossy(&response.body);
        let Ok(Json::Object(answer)) = Json::parse(&text) else { return Self::default() };
        let Some(Json::Object(data)) = answer.get("data") else { return Self::default() };
        let text = |part: &str, name: &str| match data.get(part) {
            Some(Json::Object(part)) => part.get(name).and_then(Json::as_str).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let version = text("build_information", "version");
        let mut numbers = version.split(['.', '-', '+']).map_while(|number| number.parse().ok());
        Self {
            version: numbers.next().zip(numbers.next()),
            utf8: text("flags", "push.enable-utf8-names") == "true",
            unchecked: text("flags", "push.disable-consistency-check") == "true",
        }
    }

    /// Whether native histograms can be pushed.
    pub fn takes_native_histograms(self) -> bool {
        self.version >= Some((1, 8))
    }
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

/// The gateway's own metrics in its exposition as text: those that have a series without a `job`, which all that is pushed
/// has.
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
        let json = Json::parse(
            r#"{"data":[{"labels":{"type":"UNTYPED","metrics":[{"labels":{"instance":"","job":"x"},"value":"1"}]},
            "push_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"x"},"value":"1.5e+09"}]}},
            {"labels":{"job":"y","instance":""},"a":{"type":"COUNTER","metrics":[{},{}]}}]}"#,
        );
        let url = Url::parse("http://h").unwrap();
        let held = groups(&url, &response, &json).unwrap();
        assert_eq!(held[1].labels, [("job", "x")]);
        assert_eq!((held[1].pushed_at(), held[1].failed_at(), held[1].size()), (Some(1.5e9), None, (1, 1)));
        assert_eq!((held[0].shown(), held[0].size()), (r#"{instance="", job="y"}"#.into(), (1, 2)));
        assert!(held[0].is(&held[0].group().unwrap()) && !held[1].is(&held[0].group().unwrap()));
        let labels = Labels::new([("instance", "")], "l").unwrap();
        assert!(held[1].is(&held[1].group().unwrap()) && held[1].is(&Group { job: "x".into(), labels }));
    }
}
