//! Detects whether a gateway would reject a push, and because of which metric and group. Works on
//! data that was read before; sends nothing.
//!
//! A gateway merges the pushed metrics with its own and those of other groups, and rejects the push
//! if the result is not a valid exposition. This module does the same with the contents from its
//! API:
//!
//! | reason | what is rejected |
//! |---|---|
//! | `timestamp` | a sample with a timestamp |
//! | `label_name` | a label that begins with `__`, or that a series has twice |
//! | `type` | a metric that has another type in another group, or in the gateway itself |
//! | `help` | one of the gateway's own metrics with another help text, if the gateway checks it |
//! | `name_suffix` | `x_count` or `x_sum` beside a histogram or summary `x`, `x_bucket` beside a
//! histogram `x` |
//! | `duplicate_series` | a series that is twice in the push, or in two groups, once the grouping
//! key has replaced its labels; two groups that differ in an empty `instance` only |
//!
//! Different help texts in different groups are accepted. So is a metric whose name merely
//! resembles one of the gateway's own. `push_time_seconds` is overwritten, not rejected.

use std::borrow::Cow;

use super::Group;
pub use super::conflict::Conflict;
use super::groups::{FAILURE_TIME, OwnFamily, PUSH_TIME, StoredGroup, by_name, shown};
use plugpipe_contract::error::excerpt;
use plugpipe_metrics::exposition::escaping::Escaping;
use plugpipe_metrics::model::{self, Point};
use plugpipe_metrics::registry::Kind;
use plugpipe_metrics::sort::sorted_by;

/// A metric to push.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedFamily<'a> {
    /// The name, as written.
    pub name: Cow<'a, str>,
    /// Its type in the gateway's API: `COUNTER`, `GAUGE`, `HISTOGRAM`, `SUMMARY`, `UNTYPED`.
    pub kind: &'static str,
    /// Empty for none.
    pub help: &'a str,
    /// At least one.
    pub series: Vec<Series<'a>>,
}

/// A series to push.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series<'a> {
    /// Without `le` and `quantile`, in any order.
    pub labels: Vec<(Cow<'a, str>, &'a str)>,
    /// Whether its sample has a timestamp.
    pub timestamp: bool,
}

/// The metrics that a push of these families contains.
pub fn of<'a>(families: &'a [model::Family<'a>]) -> Vec<PushedFamily<'a>> {
    families.iter().filter(|family| !family.series.is_empty()).flat_map(families_of).collect()
}

/// A family as the gateway reads it, which takes the samples of a gauge histogram for families of
/// their own.
fn families_of<'a>(family: &'a model::Family<'a>) -> Vec<PushedFamily<'a>> {
    let escaping = Escaping::Underscores;
    let name = escaping.metric_name(family.name);
    let mut series = Vec::new();
    for own in &family.series {
        let labels: Vec<_> = own.labels.iter().map(|(name, value)| (escaping.label_name(name), *value)).collect();
        match &own.point {
            Point::StateSet(states) => series.extend(states.iter().map(|(state, _)| {
                let mut labels = labels.clone();
                labels.push((escaping.label_name(family.name), state));
                Series { labels, timestamp: false }
            })),
            _ => series.push(Series { labels, timestamp: false }),
        }
    }
    let kind = match family.kind {
        Kind::Counter => "COUNTER",
        Kind::Gauge | Kind::Info | Kind::StateSet => "GAUGE",
        Kind::Histogram | Kind::NativeHistogram => "HISTOGRAM",
        Kind::Summary => "SUMMARY",
        Kind::Unknown | Kind::GaugeHistogram => "UNTYPED",
    };
    if family.kind != Kind::GaugeHistogram {
        return vec![PushedFamily { name, kind, help: family.help, series }];
    }
    let of_suffix =
        |suffix: &&str| PushedFamily { name: format!("{name}{suffix}").into(), kind, help: "", series: series.clone() };
    family.kind.suffixes().iter().map(of_suffix).collect()
}

/// The target of a push, and the gateway's contents.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The group to push to.
    pub group: &'a Group,
    /// Whether the group's other metrics stay (`POST`) or are deleted (`PUT`).
    pub adds: bool,
    /// All groups in the gateway.
    pub held: &'a [StoredGroup<'a>],
    /// The gateway's own metrics.
    pub own: &'a [OwnFamily<'a>],
    /// Whether it accepts everything but timestamps.
    pub unchecked: bool,
}

/// Where a metric comes from.
#[derive(Clone, Copy)]
enum Owner<'a> {
    Gateway(&'a str),
    Group(&'a StoredGroup<'a>),
    /// Added by the gateway to the pushed group.
    Target,
    Push(&'a PushedFamily<'a>),
}

/// A metric after the push.
#[derive(Clone, Copy)]
struct Entry<'a> {
    name: &'a str,
    kind: &'a str,
    owner: Owner<'a>,
}

impl Entry<'_> {
    fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    fn pushed(&self) -> bool {
        matches!(self.owner, Owner::Push(_))
    }

    /// `counter in the group {…}`.
    fn description(&self) -> String {
        let kind = self.kind.to_ascii_lowercase();
        match self.owner {
            Owner::Gateway(_) => format!("{kind} of the gateway itself"),
            Owner::Group(held) => format!("{kind} in the group {}", held.shown()),
            Owner::Target => format!("{kind} that the gateway adds to the group"),
            Owner::Push(_) => format!("{kind} in this push"),
        }
    }

    fn group(&self) -> Option<String> {
        match self.owner {
            Owner::Group(held) => Some(held.shown()),
            _ => None,
        }
    }

    /// What to do about a conflict with it.
    fn todo(&self) -> &'static str {
        match self.owner {
            Owner::Group(_) => "rename it, or delete that group",
            _ => "rename it",
        }
    }
}

/// All conflicts of the push; empty if the gateway would accept it.
pub fn check(push: &[PushedFamily], target: &Target) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for family in push.iter().filter(|family| family.series.iter().any(|series| series.timestamp)) {
        let problem = "it has a timestamp, which gateways do not accept; remove the timestamps";
        conflicts.push(conflict("timestamp", &family.name, None, problem.into()));
    }
    // A gateway stops here too.
    if target.unchecked || !conflicts.is_empty() {
        return conflicts;
    }
    let entries = after(push, target);
    check_types(&entries, &mut conflicts);
    check_suffixes(&entries, &mut conflicts);
    check_groups(push, target, &mut conflicts);
    for entry in &entries {
        if let Owner::Push(family) = entry.owner {
            check_series(family, target, &mut conflicts);
        }
    }
    conflicts
}

fn conflict(reason: &'static str, metric: &str, group: Option<String>, problem: String) -> Conflict {
    Conflict { reason, metric: metric.into(), group, problem }
}

/// All metrics after the push, sorted by name; for equal names the gateway's own first and the
/// pushed one last.
fn after<'a>(push: &'a [PushedFamily<'a>], target: &Target<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry> = Vec::new();
    for own in target.own {
        entries.push(Entry { name: own.name, kind: own.kind, owner: Owner::Gateway(own.help) });
    }
    let mut had_failure_time = false;
    for held in target.held {
        let is_target = held.is(target.group);
        for family in held.families() {
            let stays = match &*family.name {
                _ if !is_target => true,
                PUSH_TIME => false,
                name if push.iter().any(|pushed| pushed.name == name) => false,
                name => target.adds || name == FAILURE_TIME,
            };
            had_failure_time |= is_target && family.name == FAILURE_TIME;
            if stays {
                entries.push(Entry { name: &family.name, kind: &family.kind, owner: Owner::Group(held) });
            }
        }
    }
    for family in push {
        let overwritten = family.name == PUSH_TIME || (family.name == FAILURE_TIME && !had_failure_time);
        if !overwritten {
            entries.push(Entry { name: &family.name, kind: family.kind, owner: Owner::Push(family) });
        }
    }
    entries.push(Entry { name: PUSH_TIME, kind: "GAUGE", owner: Owner::Target });
    if !had_failure_time {
        entries.push(Entry { name: FAILURE_TIME, kind: "GAUGE", owner: Owner::Target });
    }
    sorted_by(entries, |a, b| a.name.cmp(b.name))
}

fn check_types(entries: &[Entry], conflicts: &mut Vec<Conflict>) {
    for same in entries.chunk_by(|a, b| a.name == b.name) {
        let (Some(first), Some(last)) = (same.first(), same.last()) else { continue };
        if let Some(other) = same.iter().find(|entry| !entry.is_kind(last.kind)) {
            let problem = format!("its type is {} and {}; {}", last.description(), other.description(), other.todo());
            conflicts.push(conflict("type", last.name, other.group(), problem));
        } else if let ([_, _], Owner::Gateway(help), Owner::Push(family)) = (same, first.owner, last.owner)
            // Help texts of groups may differ. For metrics that it does not have yet when it
            // starts, it compares its own exactly.
            && first.name.starts_with("pushgateway_http_")
            && help != family.help
        {
            let problem = format!("the gateway itself has it with the help text {:?}; rename it", excerpt(help, 200));
            conflicts.push(conflict("help", last.name, None, problem));
        }
    }
}

fn check_suffixes(entries: &[Entry], conflicts: &mut Vec<Conflict>) {
    for same in entries.chunk_by(|a, b| a.name == b.name) {
        let Some(whole) = same.last() else { continue };
        let suffixes: &[&str] = match () {
            () if whole.is_kind("HISTOGRAM") => &["_bucket", "_sum", "_count"],
            () if whole.is_kind("SUMMARY") => &["_sum", "_count"],
            () => continue,
        };
        for suffix in suffixes {
            let name = [whole.name, suffix].concat();
            let end = entries.partition_point(|entry| entry.name <= name.as_str());
            let part = end.checked_sub(1).and_then(|last| entries.get(last)).filter(|entry| entry.name == name);
            let Some(part) = part else { continue };
            let (ours, theirs) = if part.pushed() { (part, whole) } else { (whole, part) };
            let problem = format!(
                "its type is {}, and that of {} is {}: their samples have the same names; {}",
                ours.description(),
                theirs.name,
                theirs.description(),
                theirs.todo()
            );
            conflicts.push(conflict("name_suffix", ours.name, theirs.group(), problem));
        }
    }
}

/// The gateway adds two series to each group, with an `instance`. They collide if grouping keys
/// differ in an empty instance only, or if somebody pushed such a series.
fn check_groups(push: &[PushedFamily], target: &Target, conflicts: &mut Vec<Conflict>) {
    let bare = Series::default();
    for name in [PUSH_TIME, FAILURE_TIME] {
        let own = target.held.iter().find(|held| held.is(target.group));
        let known = own.and_then(|held| held.families().iter().find(|family| family.name == FAILURE_TIME));
        let mut keys: Vec<(Key, Option<&StoredGroup>)> = match known {
            Some(_) if name == FAILURE_TIME && push.iter().any(|pushed| pushed.name == name) => Vec::new(),
            Some(known) if name == FAILURE_TIME => known.series().map(|key| (key, own)).collect(),
            _ => vec![(key(&bare, target.group), own)],
        };
        for held in target.held.iter().filter(|held| !held.is(target.group)) {
            for family in held.families().iter().filter(|family| family.name == name) {
                keys.extend(family.series().map(|key| (key, Some(held))));
            }
        }
        let keys = sorted_by(keys, |(a, _), (b, _)| a.cmp(b));
        for pair in keys.windows(2) {
            let [(first, one), (second, other)] = pair else { continue };
            // The pushed group comes first, if it is one of the two.
            let Some(other) = other.or(*one).filter(|_| first == second) else { continue };
            let group = Some(other.shown());
            if conflicts.iter().any(|known| known.group == group) {
                continue;
            }
            let problem = format!(
                "the series {}, which the gateway adds to another group, is in the group {} too: their grouping keys differ in an empty \
                instance only, or it was pushed; delete that group, or use another instance",
                shown(first.iter().copied()),
                other.shown()
            );
            conflicts.push(conflict("duplicate_series", name, group, problem));
        }
    }
}

/// The labels of a series, sorted by name.
pub type Key<'a> = Vec<(&'a str, &'a str)>;

fn check_series(family: &PushedFamily, target: &Target, conflicts: &mut Vec<Conflict>) {
    let keys: Vec<Key> = family.series.iter().map(|series| key(series, target.group)).collect();
    let bad = keys.iter().flat_map(|key| {
        let twice = key.windows(2).filter_map(|pair| match pair {
            [(first, _), (second, _)] if first == second => Some((*first, "occurs twice in a series")),
            _ => None,
        });
        let reserved = key.iter().filter(|(name, _)| name.starts_with("__") || name.is_empty());
        twice.chain(reserved.map(|(name, _)| (*name, "is reserved by Prometheus"))).collect::<Vec<_>>()
    });
    if let Some((label, what)) = bad.into_iter().next() {
        let problem = format!("its label {:?} {what}; rename it", excerpt(label, 100));
        conflicts.push(conflict("label_name", &family.name, None, problem));
    }
    let keys = sorted_by(keys, Ord::cmp);
    let twice = keys.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(first),
        _ => None,
    });
    if let Some(key) = twice {
        let problem = format!(
            "the series {} is in this push twice; the grouping key replaces labels of the same name",
            shown(key.iter().copied())
        );
        conflicts.push(conflict("duplicate_series", &family.name, None, problem));
    }
    for held in target.held.iter().filter(|held| !held.is(target.group)) {
        let others = held.families().iter().filter(|other| other.name == family.name);
        let mut common = others.flat_map(|other| other.series()).filter(|key| keys.binary_search(key).is_ok());
        if let Some(key) = common.next() {
            let problem = format!(
                "the series {} is in the group {} already; give one of them another label, or delete that group",
                shown(key.iter().copied()),
                held.shown()
            );
            conflicts.push(conflict("duplicate_series", &family.name, Some(held.shown()), problem));
        }
    }
}

/// A metric with its labels, truncated.
pub fn shown_series(name: &str, labels: &Key) -> String {
    format!("{name}{}", shown(labels.iter().copied()))
}

/// The labels of a series in the gateway: the grouping key replaces its own, and there always is an
/// `instance`.
pub fn key<'a>(series: &'a Series, group: &'a Group) -> Key<'a> {
    let value_of = |name: &str| if name == "job" { Some(group.job.as_str()) } else { group.labels.get(name) };
    let mut key: Key = Vec::with_capacity(series.labels.len() + 2);
    for (name, value) in &series.labels {
        key.push((name, value_of(name).unwrap_or(value)));
    }
    let grouping = group.labels.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in [("job", group.job.as_str())].into_iter().chain(grouping).chain([("instance", "")]) {
        if !key.iter().any(|(own, _)| *own == name) {
            key.push((name, value));
        }
    }
    by_name(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::{Response, Url};
    use crate::servers::pushgateway::groups::groups;
    use plugpipe_metrics::exposition::Exposition;
    use plugpipe_metrics::exposition::negotiate::Format;
    use plugpipe_metrics::exposition::plain;
    use plugpipe_metrics::registry::{Definition, LabelName, Labels, MetricName, Registry};

    /// The conflicts of one metric with one series, pushed to the group `{job="j"}` with these
    /// contents of the gateway.
    fn refused(held: &str, own: &[OwnFamily], adds: bool, family: PushedFamily) -> Vec<(&'static str, Option<String>)> {
        let text = format!("{{\"data\":[{held}]}}");
        let response = Response { status: 200, ..Response::default() };
        let held = groups(&Url::parse("http://h").unwrap(), &response, &text).unwrap();
        let group = Group { job: "j".into(), labels: Labels::default() };
        let target = Target { group: &group, adds, held: &held, own, unchecked: false };
        check(&[family], &target).into_iter().map(|conflict| (conflict.reason, conflict.group)).collect()
    }

    fn counter(name: &str) -> PushedFamily<'_> {
        PushedFamily { name: name.into(), kind: "COUNTER", help: "", series: vec![Series::default()] }
    }

    /// A group with one metric without labels of its own.
    fn group(job: &str, name: &str, kind: &str) -> String {
        format!(
            r#"{{"labels":{{"job":"{job}"}},"{name}":{{"type":"{kind}","metrics":[{{"labels":{{"instance":"","job":"{job}"}}}}]}}}}"#
        )
    }

    #[test]
    fn types_and_suffixes_are_compared_over_all_groups() {
        let other = || Some(r#"{job="o"}"#.to_owned());
        for (held, expected) in [
            (group("o", "a_sum", "COUNTER"), vec![]),
            (group("o", "a_sum", "GAUGE"), vec![("type", other())]),
            (group("o", "a", "SUMMARY"), vec![("name_suffix", other())]),
            (group("o", "a", "GAUGE"), vec![]),
            (group("o", "b", "HISTOGRAM"), vec![]),
            (group("o", "push_failure_time_seconds", "COUNTER"), vec![("type", other())]),
        ] {
            assert_eq!(refused(&held, &[], false, counter("a_sum")), expected, "{held}");
        }
        let own = [OwnFamily { name: "a", kind: "histogram", help: "x" }];
        assert_eq!(refused("", &own, false, counter("a_bucket")), [("name_suffix", None)]);
        assert_eq!(refused("", &own, false, counter("a")), [("type", None)]);
        assert_eq!(refused("", &own, false, counter("a_other")), []);
    }

    #[test]
    fn replaced_metrics_do_not_conflict_and_remaining_ones_do() {
        for (name, adds, expected) in
            [("a_sum", false, 0), ("a_sum", true, 0), ("a", false, 0), ("a", true, 1), ("b", true, 0)]
        {
            let kind = if name == "a" { "HISTOGRAM" } else { "GAUGE" };
            assert_eq!(refused(&group("j", name, kind), &[], adds, counter("a_sum")).len(), expected, "{name} {adds}");
        }
    }

    #[test]
    fn series_are_compared_with_the_grouping_key_applied() {
        let labelled = |labels: &[(&'static str, &'static str)]| {
            let labels = labels.iter().map(|(name, value)| (Cow::Borrowed(*name), *value)).collect();
            PushedFamily { series: vec![Series { labels, timestamp: false }, Series::default()], ..counter("a") }
        };
        for (labels, twice) in [
            (&[("job", "x")][..], true),
            (&[("instance", "")], true),
            (&[("instance", "i")], false),
            (&[("x", "")], false),
        ] {
            assert_eq!(!refused("", &[], false, labelled(labels)).is_empty(), twice, "{labels:?}");
        }
        let held = r#"{"labels":{"job":"j","x":"1"},"a":{"type":"COUNTER","metrics":[{"labels":{"instance":"","job":"j","x":"1"}}]}}"#;
        let found = refused(held, &[], false, labelled(&[("x", "1")]));
        assert_eq!(found, [("duplicate_series", Some(r#"{job="j", x="1"}"#.into()))]);
    }

    #[test]
    fn the_gateways_own_series_are_compared_too() {
        let held = |labels: &str, series: &str| {
            format!(
                r#"{{"labels":{{{labels}}},"push_failure_time_seconds":{{"type":"GAUGE","metrics":[{{"labels":{series}}}]}}}}"#
            )
        };
        let key = |job: &str, instance: &str| format!(r#"{{"instance":"{instance}","job":"{job}"}}"#);
        for (held, count) in [
            (held(r#""job":"j""#, &key("j", "")), 0),
            (held(r#""job":"o""#, &key("o", "")), 0),
            // As if the other group had no instance, and somebody pushed this.
            (held(r#""job":"j","x":"1""#, &key("j", "")), 1),
            (held(r#""instance":"","job":"j""#, &key("j", "")), 1),
            // A conflict between two other groups fails every push.
            (
                format!(
                    "{},{}",
                    held(r#""job":"o""#, &key("o", "")),
                    held(r#""instance":"","job":"o""#, &key("o", ""))
                ),
                1,
            ),
        ] {
            assert_eq!(refused(&held, &[], false, counter("a")).len(), count, "{held}");
        }
    }

    proptest! {
        /// The check uses what is sent: names, types and labels of the text.
        #[test]
        fn the_check_uses_what_is_written(kinds in proptest::collection::vec((0..7usize, "[a-z.]{1,6}", "[a-z]{0,3}"), 1..6)) {
            let mut registry = Registry::default();
            for (kind, name, value) in &kinds {
                let kind = [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::NativeHistogram, Kind::Summary, Kind::Info, Kind::StateSet][*kind];
                let mut definition = Definition::new(MetricName::new_utf8(name, "n").unwrap(), kind);
                definition.label_names = vec![LabelName::new_utf8("l.l", "l").unwrap()];
                if kind == Kind::StateSet {
                    definition.states = vec!["on".into(), "off".into()];
                }
                // Names that are taken, or are written like another one, are rejected.
                if let Ok(family) = registry.register(definition) {
                    registry.series(family, &[value]).unwrap();
                }
            }
            let (bytes, _) = Exposition::default().encode(&registry, plain(Format::Text004), 0).map(|(b, c)| (b.into_owned(), c)).unwrap();
            let written = String::from_utf8(bytes).unwrap();
            let heads: Vec<&str> = written.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
            let families = registry.read(0);
            let judged = of(&families);
            let judged_heads: Vec<String> = judged.iter().map(|family| format!("{} {}", family.name, family.kind.to_lowercase())).collect();
            // Families are sorted by their own names, not by the written ones.
            let sorted = |list: Vec<String>| sorted_by(list, Ord::cmp);
            prop_assert_eq!(sorted(judged_heads), sorted(heads.into_iter().map(str::to_owned).collect()));
            for family in &judged {
                for series in &family.series {
                    let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                    prop_assert!(written.contains(&labels.join(",")), "{labels:?} in {written}");
                }
            }
        }
    }
}
