//! How types of other crates are written in jobs, effects and snapshots.

use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::http::{Limits, Retry, Url};
use crate::registry::{LabelName, Labels};
use crate::servers::pushgateway::Group;

/// A URL without user, password and query: for state, which is written to files.
pub(super) mod shown_url {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        crate::http::redacted(url).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        Url::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A whole URL: for jobs, which are written nowhere.
pub(super) mod whole_url {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(url)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        super::shown_url::deserialize(deserializer)
    }
}

/// A grouping key.
pub(super) mod group {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(group: &Group, serializer: S) -> Result<S::Ok, S::Error> {
        let labels: Vec<(&str, &str)> = group.labels.iter().map(|(name, value)| (name.as_str(), value)).collect();
        (&group.job, labels).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Group, D::Error> {
        let (job, labels) = <(String, Vec<(String, Box<str>)>)>::deserialize(deserializer)?;
        let labels = labels.into_iter().map(|(name, value)| Ok((LabelName::new_utf8(&name, "key")?, value)));
        let labels = labels.collect::<Result<Vec<_>, plugpipe_metrics::Error>>().map_err(de::Error::custom)?;
        Ok(Group { job, labels: Labels::of(labels, "key").map_err(de::Error::custom)? })
    }
}

/// Bounds of requests.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Limits")]
pub(super) struct LimitsWire {
    connect: core::time::Duration,
    total: core::time::Duration,
    response_bytes: usize,
}

/// How often requests are sent.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Retry")]
pub(super) struct RetryWire {
    attempts: u32,
    delay: core::time::Duration,
    max_delay: core::time::Duration,
}

/// A text that several tasks share, without its being shared after a restart.
pub(super) mod shared_text {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(text: &Rc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        (**text).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rc<str>, D::Error> {
        Ok(String::deserialize(deserializer)?.into())
    }
}
