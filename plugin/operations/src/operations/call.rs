//! One call of an operation: what it may use.

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
use super::together::{All, expose, expose_all};

/// One call: its input, its configuration, and the plug it runs on.
pub struct Call<'c> {
    /// The `cfg` that holds, as text; empty before the first one.
    pub cfg: &'c str,
    /// The configuration of the call: the plug's, with what the request says over it.
    pub config: &'c Config,
    /// The plug's own configuration, for its own key.
    pub base: &'c Config,
    /// Whether the call has a group of its own: the registry is that group's then.
    pub own: bool,
    /// What was recorded in the call's group.
    pub registry: &'c mut Registry,
    /// The other groups with keys of their own.
    pub groups: &'c mut OwnGroups,
    /// Which servers did not respond lately.
    pub circuits: &'c mut Circuits,
    /// Randomness for the waits between attempts.
    pub jitter: &'c mut Jitter,
    /// How often servers were asked, and how long that took.
    pub exchange: &'c mut Exchange,
    /// What of the call's group is due at its gateway.
    pub pending: &'c mut Pending,
    /// What is remembered of pushes.
    pub pushes: &'c mut Pushes,
    /// The group's encoder, which keeps what did not change.
    pub exposition: &'c mut Exposition,
    /// The plug's metrics about itself.
    pub telemetry: &'c mut Telemetry,
    /// Remote-write receivers, and what is to be sent to each.
    pub receivers: &'c mut Receivers,
    /// The moment that was written last, as text.
    pub moment: &'c mut LastMoment,
    /// What reaches servers.
    pub transport: &'c mut dyn Transport,
    /// The metrics that were recorded or registered, where the caller says which step that was.
    pub names: Option<&'c mut Vec<String>>,
    /// What is to be done before the call is answered.
    pub next: &'c mut Next,
    /// What the response says beside its result: [`Call::warn`].
    pub warnings: &'c mut Warnings,
    /// The moment of the call, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
}

impl Call<'_> {
    /// What speaks to servers within these limits. With `bypass_breaker` an open circuit does not
    /// stop it: for requests that somebody asked for by name.
    pub fn client(&mut self, limits: Limits, bypass_breaker: bool) -> Client<'_> {
        client(self.transport, self.circuits, self.jitter, self.exchange, self.config, limits, bypass_breaker)
    }

    /// Says in the response's `warnings` what was ignored or done otherwise than asked. The text
    /// begins with what is concerned: a field's path, a metric, a server.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.warnings.add(text.into());
    }

    /// Notes that something was said of a metric.
    #[inline]
    pub fn note_name(&mut self, metric: &str) {
        if let Some(names) = &mut self.names {
            names.push(metric.to_owned());
        }
    }

    /// Notes that so many values were recorded.
    #[inline]
    pub fn recorded(&mut self, values: u64) {
        self.pending.mark_many(values);
        self.telemetry.records += values;
    }

    /// The same call on another group. `config` is the group's.
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
            moment: self.moment,
            transport: self.transport,
            names: self.names.as_deref_mut(),
            warnings: self.warnings,
            next: self.next,
            unix_nanos: self.unix_nanos,
        }
    }

    /// The bytes of all groups, and the choice that was kept to.
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
        Ok((bytes.into_owned(), choice))
    }

    /// The registry's bytes, and the choice that was kept to.
    pub fn expose(&mut self, choice: Choice) -> Result<(Vec<u8>, Choice), Error> {
        let now_ms = self.unix_nanos / 1_000_000;
        let (bytes, choice) =
            expose(self.registry, self.exposition, self.telemetry, self.config.own_metrics, choice, now_ms)?;
        Ok((bytes.into_owned(), choice))
    }
}

/// What speaks to servers for one call, with what the configuration says of that.
pub fn client<'a>(
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
