//! What is lost when a plug's process ends: values that were recorded and that no gateway, receiver
//! or scraper has.

use std::fmt;

use plugpipe_runtime::session::{Format, VIOLATIONS};
use plugpipe_runtime::{Error, PlugHandle};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Series whose values were not delivered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// How many series the plug holds.
    pub series: u64,
    /// Why they were not delivered.
    pub reason: Reason,
}

/// Why values were not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The configuration names no gateway, and nobody scraped them.
    NoGateway,
    /// `push_policy` is `manual`, and no `push_metrics` followed.
    Manual,
    /// `mock_mode` is on.
    Mock,
    /// `push_mode` is `delete`.
    DeleteMode,
    /// The push failed; the text says how.
    Failed(String),
    /// The plug does not say.
    Unknown,
}

impl Reason {
    fn of(code: Option<&str>) -> Self {
        match code {
            Some("no_gateway") => Self::NoGateway,
            Some("manual") => Self::Manual,
            Some("mock_mode") => Self::Mock,
            Some("delete_mode") => Self::DeleteMode,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGateway => f.write_str("no gateway is configured"),
            Self::Manual => f.write_str("push_policy is manual, and no push_metrics followed"),
            Self::Mock => f.write_str("mock_mode is on, which sends nothing"),
            Self::DeleteMode => f.write_str("push_mode is delete"),
            Self::Failed(problem) => write!(f, "the push failed: {problem}"),
            Self::Unknown => f.write_str("no gateway has accepted them"),
        }
    }
}

/// What came of delivering what was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What would be lost if the process ended now.
    pub undelivered: Option<Undelivered>,
    /// The result that the plug answered; null where it failed.
    pub result: Value,
}

/// What would be lost if this process ended now. With `push`, unpushed values are pushed first, as
/// by [`PlugHandle::flush`].
///
/// # Errors
/// [`Error::Ended`] or another of the plug's host. A push that fails is no error: it is in
/// [`Undelivered::reason`].
pub async fn deliver(plug: &PlugHandle, push: bool) -> Result<Delivery, Error> {
    let asked = if push {
        json!({"operation": "flush_metrics"})
    } else {
        json!({"operation": "flush_metrics", "dry_run": true})
    };
    let answer = plug.process(&asked).await?;
    let result = answer.get("result").cloned().unwrap_or_default();
    let undelivered = undelivered(plug, &answer, &result).await?;
    Ok(Delivery { undelivered, result })
}

async fn undelivered(plug: &PlugHandle, answer: &Value, result: &Value) -> Result<Option<Undelivered>, Error> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let succeeded = answer.get("success") == Some(&Value::Bool(true));
    let unpushed = result.get("unpushed") == Some(&Value::Bool(true));
    let reason = match succeeded {
        true if unpushed => Reason::of(text(result, "unpushed_reason").as_deref()),
        true => return Ok(None),
        // A plug without that operation has nothing to push.
        false if text(answer, "error_code").as_deref() == Some("unknown_operation") => return Ok(None),
        false => Reason::Failed(text(answer, "error").unwrap_or_default()),
    };
    // A push to another gateway, a remote write or a scrape may have taken them.
    if plug.with(|session| Box::pin(async move { Ok(session.is_delivered()) })).await? {
        return Ok(None);
    }
    let series = series(plug).await?;
    Ok((series > 0).then_some(Undelivered { series, reason }))
}

/// How many series the plug holds, without the host's own count of denied requests.
///
/// # Errors
/// Those of [`PlugHandle::with`], and [`Error::Answer`] for an exposition that cannot be read.
pub async fn series(plug: &PlugHandle) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Stored {
        families: Vec<Family>,
    }
    #[derive(Deserialize)]
    struct Family {
        name: String,
        series: Vec<IgnoredAny>,
    }
    let stored = plug.with(|session| Box::pin(session.encode(Format::Json))).await?;
    let Stored { families } =
        serde_json::from_slice(&stored).map_err(|error| Error::Answer { problem: error.to_string() })?;
    Ok(families.iter().filter(|family| family.name != VIOLATIONS).map(|family| family.series.len() as u64).sum())
}
