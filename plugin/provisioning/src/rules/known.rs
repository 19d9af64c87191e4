//! Rule evaluators, and the group and rule fields that each supports, by version.
//!
//! A server rejects a whole file because of one unknown field, or drops the field silently. Fields
//! are therefore only written if the server is known to support them.

use core::fmt;

use self::Evaluator::{Cortex, Grafana, Mimir, Prometheus, Thanos, Vmalert};
use crate::error::Error;
use plugpipe_contract::known::meant;

/// A server that evaluates rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Evaluator {
    /// Prometheus and compatible servers.
    #[default]
    Prometheus,
    /// VictoriaMetrics' vmalert.
    Vmalert,
    /// Thanos Ruler.
    Thanos,
    /// Mimir's ruler.
    Mimir,
    /// Cortex's ruler.
    Cortex,
    /// Grafana, which converts the rules.
    Grafana,
}

impl Evaluator {
    /// Its display name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Vmalert => "vmalert",
            Self::Thanos => "Thanos",
            Self::Mimir => "Mimir",
            Self::Cortex => "Cortex",
            Self::Grafana => "Grafana",
        }
    }
}

/// A version: its first two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// The oldest supported Prometheus.
    pub const BASE: Self = Self(2, 42);

    /// Parses `2.53.1`, `v3.5.3+ds1` or `3.5`. `None` for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split(['.', '-', '+', '~']);
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The server that loads the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleServer {
    /// Its kind.
    pub evaluator: Evaluator,
    /// `None` if unknown.
    pub version: Option<Version>,
}

/// The type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Such as `5m`.
    Duration,
    /// An integer.
    Whole,
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    Texts,
    /// A map of lists of strings.
    Lists,
    /// `warn` or `abort`.
    Strategy,
    /// Parsed by its own code: names, rules, labels.
    Own,
}

/// Where a field is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a group.
    Group,
    /// In any rule.
    Rule,
    /// In alerts only.
    Alert,
    /// In recording rules only.
    Record,
}

/// An evaluator that supports a field, and since which version.
type Since = (Evaluator, Version);

const ALWAYS: Version = Version(0, 0);

/// A field of groups or rules, or another feature that not every server supports.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub shape: Shape,
    place: Place,
    /// The evaluators that support it; all if empty.
    servers: &'static [Since],
    /// Whether servers include it when listing rules.
    pub listed: bool,
}

const fn own(name: &'static str, place: Place) -> Field {
    Field { name, shape: Shape::Own, place, servers: &[], listed: true }
}

const fn of(name: &'static str, shape: Shape, place: Place, servers: &'static [Since]) -> Field {
    Field { name, shape, place, servers, listed: false }
}

// Of Thanos it is only known that this version supports the same as Prometheus 3.
const THANOS: Since = (Thanos, Version(0, 39));

/// All known fields.
static FIELDS: [Field; 28] = [
    own("name", Place::Group),
    own("interval", Place::Group),
    own("rules", Place::Group),
    own("alert", Place::Alert),
    own("for", Place::Alert),
    own("annotations", Place::Alert),
    own("record", Place::Record),
    own("expr", Place::Rule),
    own("labels", Place::Rule),
    Field {
        name: "labels",
        shape: Shape::Own,
        place: Place::Group,
        servers: &[
            (Prometheus, Version(3, 0)),
            (Vmalert, ALWAYS),
            THANOS,
            (Mimir, Version(2, 16)),
            (Cortex, Version(1, 20)),
            (Grafana, ALWAYS),
        ],
        listed: true,
    },
    Field {
        name: "keep_firing_for",
        shape: Shape::Own,
        place: Place::Alert,
        servers: &[
            (Prometheus, Version::BASE),
            (Vmalert, ALWAYS),
            (Thanos, ALWAYS),
            (Mimir, ALWAYS),
            (Cortex, ALWAYS),
            (Grafana, ALWAYS),
        ],
        listed: true,
    },
    of("limit", Shape::Whole, Place::Group, &[]),
    of(
        "query_offset",
        Shape::Duration,
        Place::Group,
        &[(Prometheus, Version(2, 53)), THANOS, (Mimir, Version(2, 13)), (Cortex, Version(1, 18)), (Grafana, ALWAYS)],
    ),
    of("partial_response_strategy", Shape::Strategy, Place::Group, &[(Thanos, ALWAYS)]),
    of("source_tenants", Shape::Texts, Place::Group, &[(Mimir, ALWAYS)]),
    of("evaluation_delay", Shape::Duration, Place::Group, &[(Mimir, ALWAYS)]),
    of("align_evaluation_time_on_interval", Shape::Flag, Place::Group, &[(Mimir, ALWAYS)]),
    of("type", Shape::Text, Place::Group, &[(Vmalert, ALWAYS)]),
    of("params", Shape::Lists, Place::Group, &[(Vmalert, ALWAYS)]),
    of("concurrency", Shape::Whole, Place::Group, &[(Vmalert, ALWAYS)]),
    of("headers", Shape::Texts, Place::Group, &[(Vmalert, ALWAYS)]),
    of("notifier_headers", Shape::Texts, Place::Group, &[(Vmalert, ALWAYS)]),
    of("eval_offset", Shape::Duration, Place::Group, &[(Vmalert, ALWAYS)]),
    of("eval_delay", Shape::Duration, Place::Group, &[(Vmalert, ALWAYS)]),
    of("eval_alignment", Shape::Flag, Place::Group, &[(Vmalert, ALWAYS)]),
    of("debug", Shape::Flag, Place::Group, &[(Vmalert, ALWAYS)]),
    of("debug", Shape::Flag, Place::Rule, &[(Vmalert, ALWAYS)]),
    of("update_entries_limit", Shape::Whole, Place::Rule, &[(Vmalert, ALWAYS)]),
];

/// Label and annotation names with arbitrary UTF-8.
pub static UTF8_NAMES: Field = of(
    "a name with characters other than letters, digits and _",
    Shape::Own,
    Place::Rule,
    &[(Prometheus, Version(3, 0)), (Vmalert, ALWAYS)],
);

impl Place {
    /// Whether a field of that place is valid here.
    fn takes(self, field: Self) -> bool {
        field == self || (field == Self::Rule && matches!(self, Self::Alert | Self::Record))
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Group => "a group",
            Self::Rule => "a rule",
            Self::Alert => "an alert",
            Self::Record => "a recording rule",
        }
    }
}

/// Finds a field by name in a group, alert or recording rule. The error suggests the name that was
/// probably meant.
pub fn field(name: &str, place: Place) -> Result<&'static Field, String> {
    if let Some(field) = FIELDS.iter().find(|field| field.name == name && place.takes(field.place)) {
        return Ok(field);
    }
    let own = || FIELDS.iter().filter(|field| place.takes(field.place)).map(|field| field.name);
    let near = meant(name, own());
    if !near.is_empty() {
        return Err(format!("unknown field{near}"));
    }
    if let Some(other) = FIELDS.iter().find(|field| field.name == name) {
        return Err(format!("belongs to {}, not to {}", other.place.noun(), place.noun()));
    }
    Err(format!("unknown field; {} has {}", place.noun(), own().collect::<Vec<_>>().join(", ")))
}

impl Field {
    /// Whether support depends on the server's version.
    pub fn depends_on_version(&self, evaluator: Evaluator) -> bool {
        self.servers.iter().any(|(server, since)| *server == evaluator && *since > ALWAYS)
    }

    /// Checks that the server supports it. `path` is where it is used.
    pub fn check(&self, path: &str, server: RuleServer) -> Result<(), Error> {
        if self.servers.is_empty() {
            return Ok(());
        }
        let name = server.evaluator.name();
        let problem = match self.servers.iter().find(|(evaluator, _)| *evaluator == server.evaluator) {
            Some((_, since)) => {
                let assumed = if server.evaluator == Prometheus { Version::BASE } else { ALWAYS };
                match server.version {
                    version if version.unwrap_or(assumed) >= *since => return Ok(()),
                    Some(version) => {
                        format!("{} requires {name} {since}, but the server is {version}", self.name)
                    }
                    None => format!(
                        "{} requires {name} {since}, but the server's version is unknown; set target_version, such as \"{since}\"",
                        self.name
                    ),
                }
            }
            None => {
                let others: Vec<&str> = self.servers.iter().map(|(evaluator, _)| evaluator.name()).collect();
                format!(
                    "{} is supported by {}, but not by {name}; set target to the server that evaluates the rules",
                    self.name,
                    others.join(", ")
                )
            }
        };
        Err(Error::invalid(path, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_fields_get_a_suggestion() {
        for (name, place, expected) in [
            ("annotation", Place::Alert, "did you mean annotations?"),
            ("fro", Place::Alert, "did you mean for?"),
            ("lables", Place::Record, "did you mean labels?"),
            ("intervall", Place::Group, "did you mean interval?"),
            ("for", Place::Record, "belongs to an alert, not to a recording rule"),
            ("query_offset", Place::Alert, "belongs to a group"),
            ("nonsense", Place::Group, "unknown field; a group has name, interval, rules"),
        ] {
            let problem = field(name, place).unwrap_err();
            assert!(problem.contains(expected), "{name}: {problem}");
        }
        assert_eq!(field("labels", Place::Group).unwrap().place, Place::Group);
        assert_eq!(field("labels", Place::Alert).unwrap().place, Place::Rule);
    }

    #[test]
    fn support_depends_on_the_server_version() {
        let server = |evaluator, version| RuleServer { evaluator, version };
        let takes = |name, place, server| field(name, place).unwrap().check("x", server).is_ok();
        for (version, offset, labels) in [
            (None, false, false),
            (Some("2.52.0"), false, false),
            (Some("2.53.1"), true, false),
            (Some("v3.5.3+ds1"), true, true),
        ] {
            let server = server(Prometheus, version.map(|version| Version::read(version).unwrap()));
            assert_eq!(takes("query_offset", Place::Group, server), offset, "{version:?}");
            assert_eq!(takes("labels", Place::Group, server), labels, "{version:?}");
            assert!(takes("labels", Place::Alert, server) && takes("limit", Place::Group, server));
        }
        assert!(takes("keep_firing_for", Place::Alert, server(Prometheus, None)));
        assert!(!takes("keep_firing_for", Place::Alert, server(Prometheus, Some(Version(2, 41)))));
        assert!(takes("concurrency", Place::Group, server(Vmalert, None)));
        assert!(!takes("concurrency", Place::Group, server(Prometheus, Some(Version(3, 5)))));
        assert!(takes("source_tenants", Place::Group, server(Mimir, None)));
        assert!(!takes("source_tenants", Place::Group, server(Cortex, None)));
        assert!(takes("partial_response_strategy", Place::Group, server(Thanos, None)));
        assert_eq!(Version::read("2.42.0+ds"), Some(Version(2, 42)));
        assert_eq!(Version::read("unknown"), None);
    }
}
