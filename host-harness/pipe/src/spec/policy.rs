//! What happens when a step fails.

use plugpipe_yaml::shape::{described, joined};
use plugpipe_yaml::{Content, Node};

use super::fields::{flag, get, name, written};
use crate::problem::Problems;

/// The effect of a step's failure on the pipe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// The pipe fails, and only steps with `always_run` still run.
    #[default]
    Fail,
    /// The failure is reported and the pipe continues. Written `warn` or `continue`.
    Warn,
}

/// How often a step that fails runs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// How often the step runs at most; at least 1.
    pub attempts: u32,
    /// Whether the pause between attempts, which begins at 1 second, doubles each time.
    pub exponential: bool,
    /// Codes of the errors after which it runs again; all if empty.
    pub retry_on: Vec<String>,
}

/// More attempts would hide a failure for long: the last pause is 30 seconds.
const MAX_ATTEMPTS: u32 = 20;

/// What a step says.
#[derive(Default)]
pub(super) struct Failing {
    pub(super) on_error: OnError,
    pub(super) message: Option<String>,
    pub(super) retry: Option<Retry>,
}

/// What a pipe says for all of its steps.
#[derive(Default)]
pub(super) struct Handling {
    pub(super) retry: Option<Retry>,
    /// Paths of what is not done.
    pub(super) ignored: Vec<String>,
}

/// Reads `on_error`, whose shape was checked.
pub(super) fn read_step(step: &Node, path: &str, problems: &mut Problems) -> Failing {
    let path = joined(path, "on_error");
    let Some(node) = get(step, "on_error") else { return Failing::default() };
    let Content::Map(_) = node.content else {
        return Failing { on_error: effect(name(node).as_deref(), None), ..Failing::default() };
    };
    let action = get(node, "action").and_then(name);
    let fallback = get(node, "fallback");
    let of = |key: &str| fallback.and_then(|fallback| get(fallback, key)).or_else(|| get(node, key));
    let is_retry = action.as_deref() == Some("retry");
    let last = if is_retry { fallback.and_then(|fallback| get(fallback, "action")).and_then(name) } else { action };
    let bounded = ["max_attempts", "max_retries"].iter().any(|key| get(node, key).is_some());
    Failing {
        on_error: effect(last.as_deref(), of("continue").and_then(flag)),
        message: of("message").and_then(written),
        retry: (is_retry || bounded).then(|| read_retry(node, &path, problems)),
    }
}

fn effect(action: Option<&str>, goes_on: Option<bool>) -> OnError {
    let warns = goes_on.unwrap_or(matches!(action, Some("warn" | "continue" | "log")));
    if warns { OnError::Warn } else { OnError::Fail }
}

/// Reads `error_handling`, whose shape was checked.
pub(super) fn read_handling(document: &Node, problems: &mut Problems) -> Handling {
    let Some(node) = get(document, "error_handling") else { return Handling::default() };
    let ignored = ["default_policy", "rollback_on_failure", "notification_channels", "on_failure"]
        .into_iter()
        .filter(|key| {
            get(node, key).is_some_and(|value| {
                // Without a value, or with what is done anyway, there is nothing to say.
                flag(value) != Some(false) && !matches!(name(value).as_deref(), Some("fail" | "fail_fast"))
            })
        })
        .map(|key| format!("error_handling.{key}"))
        .collect();
    let retry = get(node, "retry_policy").map(|policy| read_retry(policy, "error_handling.retry_policy", problems));
    Handling { retry, ignored }
}

fn read_retry(node: &Node, path: &str, problems: &mut Problems) -> Retry {
    let mut count = |key: &str, least: u32| {
        let value = get(node, key)?;
        let count = written(value).and_then(|text| text.parse::<u32>().ok());
        let most = MAX_ATTEMPTS - 1 + least;
        if count.is_none_or(|count| count < least || count > most) {
            let got = described(value);
            problems.error(&joined(path, key), format!("expected an integer from {least} to {most}, got {got}"));
        }
        count
    };
    let attempts = count("max_attempts", 1);
    // The first attempt is no retry.
    let retries = count("max_retries", 0).map(|count| count.saturating_add(1));
    let strategy = ["backoff", "backoff_strategy"].iter().find_map(|key| get(node, key).and_then(name));
    let codes = ["retry_on", "retry_on_errors"].iter().find_map(|key| get(node, key));
    let codes = match codes.map(|codes| &codes.content) {
        Some(Content::List(items)) => items.iter().filter_map(name).collect(),
        Some(_) => codes.and_then(name).into_iter().collect(),
        None => Vec::new(),
    };
    Retry {
        attempts: attempts.or(retries).unwrap_or(3),
        exponential: strategy.is_some_and(|strategy| strategy.eq_ignore_ascii_case("exponential")),
        retry_on: codes,
    }
}

impl Retry {
    /// The pause before the attempt with this number, from 2 on, in seconds.
    pub(crate) fn pause_seconds(&self, attempt: u32) -> u64 {
        const LONGEST: u64 = 30;
        let doubled = if self.exponential { attempt.saturating_sub(2).min(5) } else { 0 };
        (1_u64 << doubled).min(LONGEST)
    }

    /// Whether the step runs again after an error with this code; none is a call without response.
    ///
    /// A listed name that has the code as one of its words matches too: `service_timeout` after
    /// `timeout`.
    pub(crate) fn is_for(&self, code: Option<&str>) -> bool {
        let matches = |listed: &String| {
            let listed = listed.to_ascii_lowercase().replace('-', "_");
            code.is_some_and(|code| listed == code || listed.split('_').any(|word| word == code))
        };
        self.retry_on.is_empty() || self.retry_on.iter().any(matches)
    }
}
