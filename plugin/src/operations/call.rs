//! One call of an operation: what it may use.

use crate::config::Config;
use crate::error::Error;
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::http::{Circuits, Client, Exchange, Jitter, Limits, Retry, Transport};
use crate::known::Warnings;
use crate::registry::Registry;
use crate::telemetry::Telemetry;
use crate::time::LastMoment;

use super::own_groups::{OwnGroup, OwnGroups, Pending};
use super::pushes::Pushes;
use super::receivers::Receivers;
use super::together::{All, expose, expose_all};

/// One call: its input, its configuration, and the plug it runs on.
pub(super) struct Call<'c> {
    /// The `cfg` that holds, as text; empty before the first one.
    pub(super) cfg: &'c str,
    pub(super) config: &'c Config,
    /// The plug's own configuration, for its own key.
    pub(super) base: &'c Config,
    /// Whether the call has a group of its own: the registry is that group's then.
    pub(super) own: bool,
    pub(super) registry: &'c mut Registry,
    /// The other groups with keys of their own.
    pub(super) groups: &'c mut OwnGroups,
    pub(super) circuits: &'c mut Circuits,
    pub(super) jitter: &'c mut Jitter,
    /// What was exchanged with servers: [`Plug::process`] writes it.
    pub(super) exchange: &'c mut Exchange,
    pub(super) pending: &'c mut Pending,
    pub(super) pushes: &'c mut Pushes,
    pub(super) exposition: &'c mut Exposition,
    pub(super) telemetry: &'c mut Telemetry,
    pub(super) receivers: &'c mut Receivers,
    pub(super) moment: &'c mut LastMoment,
    pub(super) transport: &'c mut dyn Transport,
    /// The metrics that were recorded or registered, where the caller says which step that was.
    pub(super) names: Option<&'c mut Vec<String>>,
    /// What the answer says beside its result: [`Call::warn`].
    pub(super) warnings: &'c mut Warnings,
    /// The moment of the call, in nanoseconds since the Unix epoch.
    pub(super) unix_nanos: u64,
}

impl Call<'_> {
    pub(super) fn client(&mut self, limits: Limits, bypass_breaker: bool) -> Client<'_> {
        client(self.transport, self.circuits, self.jitter, self.exchange, self.config, limits, bypass_breaker)
    }

    /// Says in the answer's `warnings` what was ignored or done otherwise than asked. The text
    /// begins with what is concerned: a field's path, a metric, a server.
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.add(text.into());
    }

    /// Notes that something was said of a metric.
    pub(super) fn note_name(&mut self, metric: &str) {
        if let Some(names) = &mut self.names {
            names.push(metric.to_owned());
        }
    }

    /// Notes that so many values were recorded.
    pub(super) fn recorded(&mut self, values: u64) {
        self.pending.mark();
        self.telemetry.records += values;
    }

    /// The same call on another group. `config` is the group's.
    pub(super) fn within<'s>(&'s mut self, group: &'s mut OwnGroup, config: &'s Config) -> Call<'s> {
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
            moment: self.moment,
            transport: self.transport,
            names: self.names.as_deref_mut(),
            warnings: self.warnings,
            unix_nanos: self.unix_nanos,
        }
    }

    /// The bytes of all groups, and the choice that was kept to.
    pub(super) fn expose_all(&mut self, choice: Choice) -> Result<(Vec<u8>, Choice), Error> {
        let now_ms = self.unix_nanos / 1_000_000;
        let all = All {
            registry: self.registry,
            groups: self.groups,
            config: self.base,
            own_metrics: self.config.own_metrics,
            steps: None,
        };
        let (bytes, choice) = expose_all(all, self.exposition, self.telemetry, choice, now_ms)?;
        Ok((bytes.into_owned(), choice))
    }

    /// The registry's bytes, and the choice that was kept to.
    pub(super) fn expose(&mut self, choice: Choice) -> Result<(Vec<u8>, Choice), Error> {
        let now_ms = self.unix_nanos / 1_000_000;
        let (bytes, choice) =
            expose(self.registry, self.exposition, self.telemetry, self.config.own_metrics, choice, now_ms)?;
        Ok((bytes.into_owned(), choice))
    }
}

/// What speaks to servers for one call, with what the configuration says of that.
pub(super) fn client<'a>(
    transport: &'a mut dyn Transport,
    circuits: &'a mut Circuits,
    jitter: &'a mut Jitter,
    exchange: &'a mut Exchange,
    config: &'a Config,
    limits: Limits,
    bypass_breaker: bool,
) -> Client<'a> {
    // Who waits for nothing but a record is not kept waiting by attempts.
    let retry = if bypass_breaker { config.retry } else { Retry::ONCE };
    Client { transport, circuits, limits, bypass_breaker, retry, credentials: &config.credentials, exchange, jitter }
}
