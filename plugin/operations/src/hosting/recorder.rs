//! The recorder: all state of the plug, and what changes it. Performs no I/O and reads no clock.

mod call;
mod found;
mod installs;
mod lanes;
mod remote;
mod state;

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::Moment;
use super::schedule::Schedule;
use crate::config::Config;
use crate::error::Error;
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::http::Circuits;
use crate::known::Warnings;
use crate::operations::own_groups::{OwnGroups, Pending, Steps};
use crate::operations::push;
use crate::operations::pushes::Pushes;
use crate::operations::receivers::Receivers;
use crate::operations::together::{All, clear, expose_all};
use crate::operations::writers::Writers;
use crate::registry::Registry;
use crate::telemetry::Telemetry;
use crate::time::LastMoment;
use plugpipe_contract::document::{Document, Request as _};
use plugpipe_contract::responses::UnpushedReason;
use plugpipe_contract::settings::{Configuration, PushPolicy};

pub use call::Lent;

/// What was recorded, how the plug was configured, how servers behaved, and who waits for what.
pub struct Recorder {
    /// What was recorded under the plug's own key, [`OwnGroups::main_key`].
    pub registry: Registry,
    /// What was recorded under others.
    pub groups: OwnGroups,
    /// Which servers did not respond lately, by the time since the Unix epoch.
    pub circuits: Circuits,
    /// The configuration.
    pub config: Config,
    /// The same for the plug's own key, where the configuration's is another one; then calls that
    /// say no key are about a group beside the plug's own.
    pub main: Option<Config>,
    /// What the configuration tells in each response.
    pub metadata: Box<RawValue>,
    /// The `cfg` that `config` was read from, so that the same text is not read again at each call.
    pub config_text: Rc<str>,
    /// The same without secrets, where it holds any.
    pub clean_config: Option<String>,
    /// Whether something was recorded that no gateway has accepted.
    pub pending: Pending,
    /// Who recorded what, where callers say so.
    pub steps: Steps,
    /// What is remembered of pushes.
    pub pushes: Pushes,
    /// The encoder of the plug's own group.
    pub exposition: Exposition,
    /// The plug's metrics about itself.
    pub telemetry: Telemetry,
    /// Remote-write receivers.
    pub receivers: Receivers,
    /// Processes that share the registry.
    pub writers: Writers,
    /// The moment that was told last.
    pub moment: LastMoment,
    /// Tickets and lanes.
    pub schedule: Schedule,
}

impl Recorder {
    /// One that has recorded nothing. The seed is for tables of names that come from outside.
    pub fn new(seed: u64) -> Self {
        Self {
            registry: Registry::with_seed(seed),
            circuits: Circuits::default(),
            metadata: Config::default().metadata(),
            config: Config::default(),
            main: None,
            config_text: "".into(),
            clean_config: None,
            pending: Pending::default(),
            steps: Steps::with_hasher(Default::default()),
            groups: OwnGroups::default(),
            pushes: Pushes::default(),
            exposition: Exposition::default(),
            telemetry: Telemetry::default(),
            receivers: Receivers::default(),
            writers: Writers::default(),
            moment: LastMoment::default(),
            schedule: Schedule::default(),
        }
    }

    /// The plug's own configuration, for its own key.
    #[inline]
    pub fn base(&self) -> &Config {
        self.main.as_ref().unwrap_or(&self.config)
    }

    /// Forgets what was recorded, and returns how many series there were. The configuration stays.
    pub fn clear(&mut self) -> Result<usize, Error> {
        clear(&mut self.registry, &mut self.groups, &self.config, &mut self.pending)
    }

    /// The bytes of all that was recorded, where it is text under one key only those that the
    /// encoder keeps, and the choice that was kept to. The error says which metrics of two keys
    /// cannot be exposed together.
    pub fn expose(&mut self, choice: Choice, now_ms: u64) -> Result<(Cow<'_, [u8]>, Choice), Error> {
        let all = All {
            registry: &mut self.registry,
            groups: &mut self.groups,
            config: self.main.as_ref().unwrap_or(&self.config),
            own_metrics: self.config.own_metrics,
            steps: Some(&self.steps),
        };
        expose_all(all, &mut self.exposition, &mut self.telemetry, choice, now_ms)
    }

    /// Why values are unsent that no push is made for, as the code and message of an error. None if
    /// all is sent.
    pub fn held_back(&self) -> Option<(&'static str, &'static str)> {
        if !self.pending.is_due() && !self.groups.is_due() {
            return None;
        }
        match push::reason(self.base()) {
            UnpushedReason::NoGateway => Some(("not_configured", "no gateway is configured")),
            UnpushedReason::Manual => Some(("not_sent", "push_policy is manual, and no push_metrics followed")),
            UnpushedReason::MockMode => Some(("not_sent", "mock_mode is on, which sends nothing")),
            UnpushedReason::DeleteMode => Some(("not_sent", "push_mode is delete")),
            UnpushedReason::NotAccepted => Some(("not_sent", "no gateway has accepted them")),
        }
    }

    /// Values that no server has accepted yet, where one is configured.
    #[inline]
    pub fn unsent(&self) -> u64 {
        if self.config.mock {
            return 0;
        }
        let own = if self.base().gateway_url.is_some() { self.pending.unsettled() } else { 0 };
        if self.groups.list.is_empty() && self.receivers.0.is_empty() {
            return own;
        }
        let base = self.base();
        let others = self.groups.list.iter().filter(|group| group.has_gateway(base));
        let queued = self.receivers.0.iter().map(|receiver| receiver.send_queue.pending() as u64);
        own + others.map(|group| group.pending.unsettled()).sum::<u64>() + queued.sum::<u64>()
    }

    /// Takes a configuration, unless it is the last one or none. Whether it is another one.
    ///
    /// # Errors
    /// It is not valid; then the last one holds.
    #[inline]
    pub fn configure(&mut self, cfg: &str, warnings: &mut Warnings) -> Result<bool, Error> {
        if cfg.is_empty() || *cfg == *self.config_text {
            return Ok(false);
        }
        let cfg = cfg.trim();
        if cfg.is_empty() || cfg == "{}" || cfg == "null" || *cfg == *self.config_text {
            return Ok(false);
        }
        self.configure_anew(cfg, warnings)
    }

    #[inline(never)]
    fn configure_anew(&mut self, cfg: &str, warnings: &mut Warnings) -> Result<bool, Error> {
        let settings = Document::parse_at("cfg", cfg).map_err(|problem| Error::NotJson { what: "cfg", problem })?;
        if settings.is_empty() {
            return Ok(false);
        }
        settings.warn_of_unknown(&[Configuration::fields()], &[]);
        let config = Config::from_cfg(&settings);
        warnings.append(settings.take_warnings());
        let config = config?;
        self.choose_key(&config)?;
        let clean = super::secrets::clean(cfg);
        let known = self.clean_config.as_deref().unwrap_or(&self.config_text);
        if self.config_text.is_empty() || clean.as_deref().unwrap_or(cfg) == known {
            // It is the same with other credentials, or with those that no journal and no snapshot
            // holds.
            self.groups.forget_credentials();
        } else {
            self.groups.forget_configurations();
        }
        self.adopt(config);
        if self.config.default_metrics {
            crate::catalog::register(&mut self.registry)?;
        }
        // Not before all of it was done: the same text is not read again.
        self.config_text = cfg.into();
        self.clean_config = clean;
        Ok(true)
    }

    /// Takes a configuration, with all that is made from it.
    pub(super) fn adopt(&mut self, config: Config) {
        self.registry.default_buckets = config.histogram_buckets.clone();
        self.groups.adopt(&config);
        self.metadata = config.metadata();
        self.config = config;
        self.place();
    }

    /// Says what the plug's own configuration is, once the configuration or the plug's own key is
    /// another one.
    pub fn place(&mut self) {
        let key = self.groups.main_key.as_ref();
        let strayed = key.filter(|key| self.config.group().is_ok_and(|configured| configured != **key));
        self.main = strayed.map(|key| self.config.with_main_group(key));
    }

    /// Makes the key of a new configuration the plug's own, unless something is held under
    /// another one: what was recorded under a key stays there. What calls recorded under the new
    /// key becomes the plug's own.
    fn choose_key(&mut self, config: &Config) -> Result<(), Error> {
        let key = config.group()?;
        let is_due = self.pending.is_due() && self.config.gateway_url.is_some();
        let is_free = self.groups.main_key.is_none() || (self.registry.is_empty() && !is_due);
        let is_taken = self.groups.contains(&key);
        if self.groups.main_key.as_ref() == Some(&key) || !is_free || (is_taken && self.registry.families() > 0) {
            return Ok(());
        }
        if let Some(group) = self.groups.remove(&key) {
            (self.registry, self.pending, self.steps) = (group.registry, group.pending, group.steps);
        }
        self.groups.main_key = Some(key);
        Ok(())
    }

    /// Whether pushes are due by the clock.
    #[inline]
    pub fn pushes_in_intervals(&self) -> bool {
        self.base().push_policy == PushPolicy::Interval
    }

    /// Which families and series there are: what expires changes it.
    #[inline]
    pub fn shape(&self) -> (u64, usize) {
        (self.registry.shape(), self.groups.series())
    }

    /// Brings the clock of the registry to the moment of a call.
    #[inline]
    pub fn set_now(&mut self, at: Moment) {
        self.registry.set_now(at.unix_ms());
    }
}
