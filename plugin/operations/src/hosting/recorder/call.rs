//! Which group a call is about, and what it may use.

use std::borrow::Cow;

use super::Recorder;
use crate::config::Config;
use crate::error::Error;
use crate::hosting::schedule::Next;
use crate::http::{Exchange, Jitter, Transport};
use crate::known::Warnings;
use crate::operations::call::Call;
use crate::operations::table::Scope;
use crate::servers::pushgateway::Group;

/// What a call has that is not the recorder's.
pub struct Lent<'p> {
    /// What reaches servers, or notes that it was asked.
    pub transport: &'p mut dyn Transport,
    /// For the lengths of waits.
    pub jitter: &'p mut Jitter,
    /// What was exchanged.
    pub exchange: &'p mut Exchange,
    /// What the response says beside its result.
    pub warnings: &'p mut Warnings,
    /// What is to be done before the call is answered.
    pub next: &'p mut Next,
    /// The moment of the call.
    pub unix_nanos: u64,
}

impl Recorder {
    /// The configuration of a call, where it has its own, and the key that it is about, where that
    /// is not the plug's own.
    pub fn placed<'c>(
        &self,
        scope: Scope,
        config: Option<&'c Config>,
    ) -> Result<(Option<Cow<'c, Config>>, Option<Group>), Error> {
        let of_one = scope != Scope::Any;
        let Some(main) = &self.main else {
            let Some(config) = config.filter(|_| of_one) else { return Ok((config.map(Cow::Borrowed), None)) };
            let key = config.group()?;
            return Ok((Some(Cow::Borrowed(config)), (key != self.config.group()?).then_some(key)));
        };
        // A call that says no key means the configuration's where it is about one group, and else
        // the plug's own beside all others.
        let (of_main, own) = (main.group()?, self.config.group()?);
        let key = config.map_or_else(|| Ok(own.clone()), Config::group)?;
        if of_one && key != of_main && (key != own || scope != Scope::AllGroups) {
            return Ok((config.map(Cow::Borrowed), Some(key)));
        }
        match config {
            Some(config) if key == own => Ok((Some(Cow::Owned(config.with_main_group(&of_main))), None)),
            config => Ok((config.map(Cow::Borrowed), None)),
        }
    }

    /// A call on the group of the plug's own key; `config` where the call has its own.
    #[inline]
    pub fn call<'p>(&'p mut self, config: Option<&'p Config>, lent: Lent<'p>) -> Call<'p> {
        let base = self.main.as_ref().unwrap_or(&self.config);
        let Lent { transport, jitter, exchange, warnings, next, unix_nanos } = lent;
        Call {
            cfg: &self.config_text,
            config: config.unwrap_or(base),
            base,
            own: false,
            registry: &mut self.registry,
            groups: &mut self.groups,
            circuits: &mut self.circuits,
            jitter,
            exchange,
            pending: &mut self.pending,
            pushes: &mut self.pushes,
            exposition: &mut self.exposition,
            telemetry: &mut self.telemetry,
            receivers: &mut self.receivers,
            writers: &mut self.writers,
            moment: &mut self.moment,
            transport,
            names: None,
            warnings,
            next,
            unix_nanos,
        }
    }
}
