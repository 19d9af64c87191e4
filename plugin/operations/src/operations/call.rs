//! The context of an operation call.

use crate::config::Config;
use crate::error::Error;
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::hosting::schedule::Next;
use crate::http::{Circuits, Client, Exchange, Jitter, Limits, Retry, Transport};
use crate::known::Warnings;
use crate::registry::Registry;
use crate::telemetry::Telemetry;
use crate::time::LastMoment;

use super::own_groups::{OwnGroup, OwnGroups, Pending};
use super::pushes::Pushes;
use super::receivers::Receivers;
use super::together::{All, expose_all};
use super::writers::Writers;
use plugpipe_contract::responses::FormerMetadata;

/// One call: its configuration, and the state of the plug.
pub struct Call<'c> {
    /// The current `cfg` as text; empty before the first one.
    pub cfg: &'c str,
    /// The configuration of the call: the plug's, overridden by the request.
    pub config: &'c Config,
    /// The plug's own configuration.
    pub base: &'c Config,
    /// Whether the call uses a group of its own, to which the registry then belongs.
    pub own: bool,
    /// The registry of the call's group.
    pub registry: &'c mut Registry,
    /// The other groups with their own grouping keys.
    pub groups: &'c mut OwnGroups,
    /// The circuit breakers of servers.
    pub circuits: &'c mut Circuits,
    /// Jitter for waits between attempts.
    pub jitter: &'c mut Jitter,
    /// The number and duration of requests to servers.
    pub exchange: &'c mut Exchange,
    /// The pending changes of the call's group.
    pub pending: &'c mut Pending,
    /// The state of pushes.
    pub pushes: &'c mut Pushes,
    /// The group's encoder, which caches unchanged parts.
    pub exposition: &'c mut Exposition,
    /// The plug's metrics about itself.
    pub telemetry: &'c mut Telemetry,
    /// Remote-write receivers and their send queues.
    pub receivers: &'c mut Receivers,
    /// Processes that share the registry.
    pub writers: &'c mut Writers,
    /// A cache for formatting timestamps.
    pub moment: &'c mut LastMoment,
    /// The transport to servers.
    pub transport: &'c mut dyn Transport,
    /// The names of recorded or registered metrics, if the caller gives its step.
    pub names: Option<&'c mut Vec<String>>,
    /// What is to be done before the call is answered.
    pub next: &'c mut Next,
    /// What the response says beside its result: [`Call::warn`].
    pub warnings: &'c mut Warnings,
    /// The time of the call, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
}

impl Call<'_> {
    /// A client with these limits. With `bypass_breaker`, for explicit requests, it ignores open
    /// circuits.
    pub fn client(&mut self, limits: Limits, bypass_breaker: bool) -> Client<'_> {
        client(self.transport, self.circuits, self.jitter, self.exchange, self.config, limits, bypass_breaker)
    }

    /// Adds to the result's `warnings`. The text names its subject first: a field path, metric or
    /// server.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.warnings.add(text.into());
    }

    /// Remembers that the call recorded or registered a metric.
    #[inline]
    pub fn note_name(&mut self, metric: &str) {
        if let Some(names) = &mut self.names {
            names.push(metric.to_owned());
        }
    }

    /// Counts recorded values and marks the group as changed.
    #[inline]
    pub fn recorded(&mut self, values: u64) {
        self.pending.mark_many(values);
        self.telemetry.records += values;
    }

    /// The same call on another group, with that group's configuration.
    pub fn within<'s>(&'s mut self, group: &'s mut OwnGroup, config: &'s Config) -> Call<'s> {
        Call {
            cfg: self.cfg,
            config,
            base: self.base,
            own: true,
            registry: &mut group.registry,
            groups: self.groups,
            circuits: self.circuits,
            jitter: self.jitter,
            exchange: self.exchange,
            pending: &mut group.pending,
            pushes: self.pushes,
            exposition: &mut group.exposition,
            telemetry: self.telemetry,
            receivers: self.receivers,
            writers: self.writers,
            moment: self.moment,
            transport: self.transport,
            names: self.names.as_deref_mut(),
            warnings: self.warnings,
            next: self.next,
            unix_nanos: self.unix_nanos,
        }
    }

    /// Adds what 1.0.0 had in the metadata, for callers that were written for it.
    pub fn add_former<'m>(&mut self, metadata: impl FnOnce() -> FormerMetadata<'m>) {
        if self.config.is_former() {
            // Members of text cannot fail to serialize.
            self.next.metadata = serde_json::to_string(&metadata()).unwrap_or_default();
        }
    }

    /// Encodes all groups; returns the bytes and the format used.
    pub fn expose_all(&mut self, choice: Choice) -> Result<(Vec<u8>, Choice), Error> {
        let now_ms = self.unix_nanos / 1_000_000;
        let all = All {
            registry: self.registry,
            groups: self.groups,
            config: self.base,
            own_metrics: self.config.own_metrics,
            steps: None,
        };
        let (bytes, choice) = expose_all(all, self.exposition, self.telemetry, choice, now_ms)?;
        let bytes = bytes.into_owned();
        if self.config.own_metrics && !self.base.own_metrics {
            // Only this call asked for them.
            self.telemetry.withdraw(self.registry)?;
        }
        Ok((bytes, choice))
    }
}

/// A client for one call, with the settings of the configuration.
pub fn client<'a>(
    transport: &'a mut dyn Transport,
    circuits: &'a mut Circuits,
    jitter: &'a mut Jitter,
    exchange: &'a mut Exchange,
    config: &'a Config,
    limits: Limits,
    bypass_breaker: bool,
) -> Client<'a> {
    // Automatic requests are sent once, so that records are not delayed by retries.
    let retry = if bypass_breaker { config.retry } else { Retry::ONCE };
    Client { transport, circuits, limits, bypass_breaker, retry, credentials: &config.credentials, exchange, jitter }
}
