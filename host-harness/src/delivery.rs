//! Detects recorded values that would be lost when the process exits, because no gateway,
//! remote-write receiver or scraper has them.

use std::fmt;

use plugpipe_runtime::session::{Format, VIOLATIONS};
use plugpipe_runtime::{Error, PlugHandle};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Series whose values were not delivered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Number of series that the plug stores.
    pub series: u64,
    /// Why the values were not delivered.
    pub reason: Reason,
}

/// Why values were not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The configuration has no gateway, and nothing scraped the values.
    NoGateway,
    /// `push_policy` is `manual`, and `push_metrics` was not called.
    Manual,
    /// `mock_mode` is on.
    Mock,
    /// `push_mode` is `delete`.
    DeleteMode,
    /// The push failed with this error.
    Failed(String),
    /// The plug gives no reason.
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
            Self::Manual => f.write_str("push_policy is manual, and push_metrics was not called"),
            Self::Mock => f.write_str("mock_mode is on, so nothing is sent"),
            Self::DeleteMode => f.write_str("push_mode is delete"),
            Self::Failed(problem) => write!(f, "the push failed: {problem}"),
            Self::Unknown => f.write_str("no gateway has accepted them"),
        }
    }
}

/// The outcome of [`deliver`].
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Values that are lost if the process exits now.
    pub undelivered: Option<Undelivered>,
    /// The plug's result; null if the operation failed.
    pub result: Value,
}

/// Returns the values that are lost if this process exits now. With `push`, pushes unpushed values
/// first, like [`PlugHandle::flush`].
///
/// # Errors
/// [`Error::Ended`] or another host error. A failed push is not an error; it is reported in
/// [`Undelivered::reason`].
pub async fn deliver(plug: &PlugHandle, push: bool) -> Result<Delivery, Error> {
    let request = if push {
        json!({"operation": "flush_metrics"})
    } else {
        json!({"operation": "flush_metrics", "dry_run": true})
    };
    let response = plug.process(&request).await?;
    let result = response.get("result").cloned().unwrap_or_default();
    let undelivered = undelivered(plug, &response, &result).await?;
    Ok(Delivery { undelivered, result })
}

async fn undelivered(plug: &PlugHandle, response: &Value, result: &Value) -> Result<Option<Undelivered>, Error> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let succeeded = response.get("success") == Some(&Value::Bool(true));
    let unpushed = result.get("unpushed") == Some(&Value::Bool(true));
    let reason = match succeeded {
        true if unpushed => Reason::of(text(result, "unpushed_reason").as_deref()),
        true => return Ok(None),
        // A plug without this operation has nothing to push.
        false if text(response, "error_code").as_deref() == Some("unknown_operation") => return Ok(None),
        false => Reason::Failed(text(response, "error").unwrap_or_default()),
    };
    // A push to another gateway, a remote write or a scrape may have delivered them.
    if plug.with(|session| Box::pin(async move { Ok(session.is_delivered()) })).await? {
        return Ok(None);
    }
    let series = series(plug).await?;
    Ok((series > 0).then_some(Undelivered { series, reason }))
}

/// The number of stored series, excluding the host's own counter of denied requests.
///
/// # Errors
/// The errors of [`PlugHandle::with`], and [`Error::Answer`] for an exposition that cannot be
/// parsed.
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
