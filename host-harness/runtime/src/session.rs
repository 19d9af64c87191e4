//! A plug with one owner: the fast way to call it. [`crate::PlugHandle`] shares one among many
//! callers.
//!
//! A session has one instance that records and never waits, the recorder, and runs jobs in further
//! ones that reach servers. A trap poisons a whole store. The session then drops it, and the next
//! call gets a fresh instance, into which what was acknowledged is restored from the journal.
//!
//! | module | what it is for |
//! |---|---|
//! | `board` | open tickets, running jobs, and what is to be done |
//! | `hosting` | `start`, `take`, `complete` and `release` |
//! | `drive` | runs jobs until there is an answer |
//! | `recovery`, `replay` | make a fresh instance what the lost one was |
//! | `typed` | metrics, exposition and state |
//! | `shared` | a session that threads share: [`SharedPlug`] |
//! | `convert` | between the types of `wit/`, of the journal and of errors |

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;
use serde_json::Value;
use tracing::{error, info, warn};

use crate::answer::{Answer, Description, Request};
use crate::error::Error;
use crate::exports::Recorder;
use crate::files;
use crate::journal::{Base, Call, Journal};
use crate::limits::Limits;
use crate::mask::Mask;
use crate::query::Querier;
use crate::store::{Factory, Instance, call_recorder};

pub use crate::bindings::exports::plugpipe::monitoring::exposition::Exposed;
pub use crate::bindings::exports::plugpipe::monitoring::metrics::{Definition, NativeBuckets, Outcome};
pub use crate::bindings::exports::plugpipe::monitoring::query;
pub use crate::bindings::exports::plugpipe::monitoring::types::{Format, Label, MetricKind};

/// What became of crashes so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// How many instances were lost to a trap, a limit or a caller that left half-way, those of jobs
    /// included.
    pub crashes: u64,
    /// How many acknowledged calls were made again after a snapshot, in fresh instances.
    pub replayed: u64,
    /// How many acknowledged calls could not be replayed; 0 unless the plug or its limits
    /// changed.
    pub lost: u64,
    /// Why, of the last one of those.
    pub problem: Option<String>,
}

/// Counts what the plug asked for and was refused.
pub const VIOLATIONS: &str = "plugpipe_capability_violations_total";

/// Ticket numbers are taken from the file in blocks of this size.
const TICKETS: u64 = 1 << 20;

/// A plug with its recorder and its jobs.
///
/// A call's future must be awaited to its end: one that is dropped half-way may cost the recorder's
/// instance, as a crash does.
pub struct Session {
    factory: Arc<Factory>,
    description: Arc<Description>,
    /// How the files begin that the plug may write.
    mark: Arc<str>,
    /// How many changes were kept so far.
    changes: u64,
    /// Up to which of them a scraper has what is stored.
    scraped_to: Option<u64>,
    /// Whether the plug is known to leave an exposition where it is until the next call.
    in_place: bool,
    /// What the plug was started with.
    started_with: String,
    /// What it was configured with since; none for that, empty after a cleanup.
    config: Option<String>,
    /// Configurations that hold secrets, as they may be written.
    without_secrets: HashMap<String, String>,
    /// Values that are written to no file.
    sensitive: Mask,
    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    warnings: Vec<String>,
    limits: Limits,
    journal: Journal,
    recovery: Recovery,
    /// How often the state became another one than the calls so far made: handles of before may
    /// then be those of other series.
    replaced: Arc<AtomicU64>,
    /// None after a crash until the next call, and while a call has it.
    instance: Option<Box<Instance<Recorder>>>,
    /// Whether a call has the instance, or was dropped together with it.
    in_call: bool,
    /// The last time that the plug was told.
    last_nanos: u64,
    board: board::Board,
    /// The next ticket's number, and the first one that is not reserved.
    tickets: (u64, u64),
}

/// Makes a call on the session's recorder; a crash costs the instance. So does a caller that drops
/// this future half-way: the call owns the instance, which ends then with all that it held of the
/// host.
macro_rules! call {
    ($session:expr, |$exports:ident, $store:ident| $call:expr) => {{
        let limit = $session.limits.recorder_call();
        let mut instance = $session.take_ready().await?;
        match call_recorder!(&mut instance, limit, |$exports, $store| $call) {
            Ok(answer) => {
                $session.put_back(instance);
                Ok(answer)
            }
            Err(error) => Err($session.lost(&instance, error)),
        }
    }};
}

// After the macro, which they use.
mod board;
mod convert;
mod drive;
mod hosting;
mod recovery;
mod replay;
mod shared;
mod typed;

pub(crate) use board::Reply;
pub(crate) use hosting::Begun;
pub use shared::{SharedPlug, Taken, Turn, Waiting};

/// Whether a `cfg` keeps the last one.
fn is_empty(cfg: &str) -> bool {
    let cfg = cfg.trim();
    let members = cfg.strip_prefix('{').and_then(|cfg| cfg.strip_suffix('}'));
    cfg.is_empty() || cfg == "null" || members.is_some_and(|members| members.trim().is_empty())
}

impl Session {
    pub(crate) async fn open(
        factory: Factory,
        description: Arc<Description>,
        in_place: bool,
        config: &Value,
        folder: Option<&Path>,
    ) -> Result<Self, Error> {
        let started_with = config.to_string();
        let (journal, other_config) = match folder {
            None => (Journal::in_memory(), false),
            Some(folder) => Journal::in_folder(folder, &started_with)?,
        };
        let next = journal.tickets().max(1);
        let mut session = Self {
            mark: files::mark(&description.name).into(),
            limits: factory.limits,
            factory: Arc::new(factory),
            description,
            changes: 0,
            scraped_to: None,
            in_place,
            started_with,
            config: journal.base().config.clone(),
            without_secrets: HashMap::new(),
            sensitive: Mask::default(),
            warnings: Vec::new(),
            tickets: (next, if journal.is_in_folder() { next } else { u64::MAX }),
            journal,
            recovery: Recovery::default(),
            replaced: Arc::default(),
            instance: None,
            in_call: false,
            last_nanos: 0,
            board: board::Board::default(),
        };
        // Restoring checks the configuration of the start, unless the state holds a later one: then
        // an instance that is not used further does, before anything is written.
        if session.config.is_some() && !is_empty(&session.started_with) {
            session.check_config().await?;
        }
        // The first instance is made here, so that what is wrong with the component or the
        // configuration is said at once.
        let restores = !session.journal.is_empty();
        match session.ready().await {
            Ok(_) if !restores => {}
            Ok(_) => info!(calls = session.recovery.replayed, "restored from the state folder"),
            // It was logged, and is in the recovery's report; what is left is worth to go on with.
            Err(Error::Lost { .. }) => {}
            Err(error) => return Err(error),
        }
        // A cleanup made an earlier process's plug forget it, not this one's.
        let forgotten = session.config.as_deref() == Some("") && !is_empty(&session.started_with);
        if other_config || forgotten {
            session.reconfigure().await?;
        }
        session.tend().await;
        Ok(session)
    }

    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the plug is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The metrics that the plug recorded in another one so far, by name.
    pub fn recorded_elsewhere(&self) -> Vec<String> {
        self.factory.link.as_ref().map(|link| link.names()).unwrap_or_default()
    }

    /// The lanes whose jobs changed something on a server so far; of very many, the first ones.
    pub fn lanes_used(&self) -> impl Iterator<Item = &str> {
        self.board.lanes_used.iter().map(|lane| &**lane)
    }

    /// Whether a scraper has all that is stored.
    pub fn is_scraped(&self) -> bool {
        self.scraped_to == Some(self.changes)
    }

    /// Asks the plug's typed queries, with the configuration that holds now.
    pub fn querier(&self) -> Querier {
        Querier::new(Arc::clone(&self.factory), self.configuration().to_owned())
    }

    /// The configuration that holds.
    fn configuration(&self) -> &str {
        self.config.as_deref().unwrap_or(&self.started_with)
    }

    /// Asks a fresh instance what is wrong with the configuration that the plug is started with.
    async fn check_config(&mut self) -> Result<(), Error> {
        let mut instance = self.factory.recorder().await?;
        let (limit, config) = (self.limits.recorder_call(), &self.started_with);
        let adopted =
            call_recorder!(instance.as_mut(), limit, |exports, store| exports.hosting.call_configure(store, config))?;
        adopted.map(drop).map_err(convert::config_problem)
    }

    /// Hands over the configuration that the plug was started with, in the place of a later one.
    async fn reconfigure(&mut self) -> Result<(), Error> {
        let config = self.started_with.clone();
        let adopted = call!(self, |exports, store| exports.hosting.call_configure(store, &config))?;
        self.warnings = adopted.map_err(convert::config_problem)?;
        self.config = None;
        self.compact().await
    }

    /// What became of crashes so far.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Counts how often handles of before became invalid.
    pub(crate) fn replaced(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.replaced)
    }

    /// The recorder's memory, in bytes: all that its instance ever asked for, since an instance gives
    /// none back. 0 after a crash.
    pub fn memory_bytes(&self) -> usize {
        self.instance.as_ref().map_or(0, |instance| instance.store.data().watch.memory_bytes())
    }

    /// Keeps these values out of files. In HTTP recordings they are masked. A request that would
    /// bring one into the state folder is refused with [`Error::State`] and records nothing: what
    /// is masked there could not be recovered. Values of fewer than 6 bytes are too likely to stand
    /// elsewhere by chance, and are left alone.
    pub fn keep_out_of_files(&mut self, values: &[String]) {
        self.sensitive = self.sensitive.and(values.iter().map(String::as_bytes));
        self.factory.network.mask_in_recordings(&self.sensitive);
    }

    /// Host resources that the recorder's instance holds: requests, headers, bodies, streams,
    /// pollables and errors. 0 after a crash, and between calls of a plug that keeps none of them.
    pub fn host_resources(&mut self) -> usize {
        self.instance.as_mut().map_or(0, |instance| instance.store.data_mut().table.iter_mut().count())
    }

    /// Records what the plug asked for and was refused, as one of its own metrics, if it has any:
    /// between calls, so that it comes out with the rest.
    pub(crate) async fn record_violations(&mut self) {
        let violations = self.factory.network.take_violations();
        if violations.is_empty() || !self.factory.exports.has_metrics() {
            return;
        }
        let name = Arc::clone(&self.description);
        for (capability, count) in violations {
            let labels = [("capability", capability), ("plugin_name", name.name.as_str())]
                .map(|(label, value)| Label { name: label.into(), value: value.into() });
            let recorded = self.record(VIOLATIONS, MetricKind::Counter, &labels, count as f64).await;
            if let Err(error) = recorded {
                warn!(capability, count, %error, "denied requests could not be recorded as a metric");
            }
        }
    }

    /// Keeps a typed call that came back, before its caller hears of it. `bytes` is about how long its
    /// arguments are.
    async fn acknowledge(&mut self, call: Call<'_>, bytes: usize) -> Result<(), Error> {
        let time = self.instance.as_ref().map_or(0, |instance| instance.store.data().wall_clock.told);
        self.keep(time, call, None, bytes).await
    }

    /// Keeps a call that came back, or a snapshot in its place. Where that cannot be done it is taken
    /// back, together with the instance that made it.
    async fn keep(&mut self, time: u64, call: Call<'_>, written: Option<Call<'_>>, bytes: usize) -> Result<(), Error> {
        self.changes += 1;
        if self.journal.prefers_snapshot(bytes) && self.compact().await.is_ok() {
            return Ok(());
        }
        if self.instance.is_none() {
            return Err(Error::NoAnswer { problem: "the plug crashed as it wrote a snapshot".into() });
        }
        if let Err(error) = self.journal.keep(time, call, written) {
            error!(%error, "a call was rolled back, because it could not be written to the state");
            self.instance = None;
            return Err(error);
        }
        if self.journal.is_long() {
            self.compact_or_put_off().await;
        }
        Ok(())
    }

    /// Notes that the plug wrote everything, which makes what was idle for too long disappear.
    fn looked(&mut self) {
        let time = self.instance.as_ref().map_or(0, |instance| instance.store.data().wall_clock.told);
        self.journal.look(time);
    }

    /// Makes sure that what changes something can be written down, before anything is changed.
    #[inline]
    async fn writable(&mut self) -> Result<(), Error> {
        if self.journal.is_broken() { self.compact().await } else { Ok(()) }
    }

    /// The journal does without a snapshot that cannot be had: it is only longer.
    async fn compact_or_put_off(&mut self) {
        if let Err(error) = self.compact().await {
            warn!(%error, "the journal could not be replaced by a snapshot");
            self.journal.put_off();
        }
    }

    /// Puts a snapshot in the place of the journal.
    async fn compact(&mut self) -> Result<(), Error> {
        // Not by way of `ready`: a recovery compacts too.
        let Some(mut instance) = self.instance.take() else {
            return Err(Error::Restore { problem: "there is no instance to make a snapshot of".into() });
        };
        let limit = self.limits.recorder_call();
        self.in_call = true;
        let snapshot = match call_recorder!(&mut instance, limit, |exports, store| exports.state.call_snapshot(store)) {
            Ok(snapshot) => snapshot,
            Err(error) => return Err(self.lost(&instance, error)),
        };
        self.put_back(instance);
        let config = self.config.clone();
        self.without_secrets.retain(|original, _| Some(original) == config.as_ref());
        let config_without_secrets = config.as_ref().and_then(|config| self.without_secrets.get(config).cloned());
        let tickets = if self.journal.is_in_folder() { self.tickets.1 } else { 0 };
        self.journal.rebase(Base { config, config_without_secrets, tickets, snapshot })
    }

    /// The instance; after a crash one that is made afresh and knows what was acknowledged.
    async fn ready(&mut self) -> Result<&mut Instance<Recorder>, Error> {
        if self.instance.is_none() {
            self.recover().await?;
        }
        self.instance.as_deref_mut().ok_or(Error::Ended)
    }

    /// The same for a call, which puts it back.
    async fn take_ready(&mut self) -> Result<Box<Instance<Recorder>>, Error> {
        if self.instance.is_none() {
            self.recover().await?;
        }
        self.in_call = true;
        self.instance.take().ok_or(Error::Ended)
    }

    fn put_back(&mut self, instance: Box<Instance<Recorder>>) {
        self.in_call = false;
        self.instance = Some(instance);
    }

    /// Gives up the instance, poisoned by what ended its call.
    fn lost(&mut self, instance: &Instance<Recorder>, error: Error) -> Error {
        self.last_nanos = self.last_nanos.max(instance.store.data().wall_clock.last());
        (self.instance, self.in_call) = (None, false);
        self.recovery.crashes += 1;
        error
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are. An empty `cfg` keeps the last
    /// one. An operation that fails is an `Ok` answer with an error.
    pub async fn process(&mut self, ctx: &str, cfg: &str) -> Result<Answer, Error> {
        self.request(Request::Call(ctx.to_owned()), cfg).await
    }

    /// Makes the plug send to this sink what has not been sent; see [`Description::sinks`].
    pub async fn deliver(&mut self, sink: &str) -> Result<Answer, Error> {
        self.request(Request::Deliver(sink.to_owned()), "").await
    }

    /// Checks every configured server.
    pub async fn health(&mut self) -> Result<Answer, Error> {
        self.request(Request::Health, "").await
    }

    /// Makes the plug forget what it recorded, and its configuration, and remove what it left on
    /// servers.
    pub async fn cleanup(&mut self) -> Result<Answer, Error> {
        self.request(Request::Cleanup, "").await
    }
}
