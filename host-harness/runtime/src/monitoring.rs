//! Links a plug that imports `plugpipe:monitoring/metrics` or `query` to the plug that exports
//! them.
//!
//! Each series of an importer has the label [`LABEL`] with its name, which the host adds. Handles
//! are those of one instance: the host translates them, so that no number leads to the series of
//! another plug. A call is made on the exporter's own task and store; a trap there ends the
//! importer's call at most, and the reverse. An exporter imports none of this, so that no two plugs
//! wait for each other.

use std::any::Any;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tracing::warn;

use crate::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::error::Error;
use crate::grants::Grants;
use crate::role::Role;

use metrics::Definition;
use types::Label;

/// The label that says which plug recorded a series.
pub const LABEL: &str = "plug";

/// The default of [`crate::grants::GrantedLimits::series`].
pub const DEFAULT_SERIES: usize = 1_000;

/// Names of metrics that importers may not use.
const RESERVED: &str = "plugpipe_";

/// Maximum length of all texts of a call, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Maximum number of labels, states, buckets or quantiles of a call.
const MAX_ITEMS: usize = 1_000;

/// Maximum number of values of one `record-many`.
pub(crate) const MAX_VALUES: usize = 65_536;

/// The handle of a series that there is not.
pub(crate) const NONE: u32 = u32::MAX;

/// Where the records of a plug's instances go.
pub(crate) struct Link {
    /// A handle of the exporter. What a store holds cannot know its type: handles lead to sessions,
    /// and those to stores.
    to: Box<dyn Any + Send + Sync>,
    /// The importer's name.
    name: String,
    /// For timeouts, also where a session's owner is no task.
    runtime: Handle,
    pub(crate) metrics: bool,
    pub(crate) query: bool,
    max_series: usize,
    made: Mutex<Made>,
    hasher: RandomState,
}

/// What the instances of an importer made so far.
#[derive(Default)]
pub(crate) struct Made {
    /// The names of its metrics.
    pub(crate) names: BTreeSet<String>,
    /// Its families, as hashes of their names with their labels' names.
    pub(crate) families: HashSet<u64>,
    /// Its series, by the hash of their names and labels.
    pub(crate) series: HashMap<u64, u32>,
}

impl Link {
    /// Must be called within a tokio runtime.
    pub(crate) fn new(to: impl Any + Send + Sync, name: &str, grants: &Grants) -> Arc<Self> {
        Arc::new(Self {
            to: Box::new(to),
            name: name.to_owned(),
            runtime: Handle::current(),
            metrics: grants.metrics,
            query: grants.query,
            max_series: grants.limits.series.unwrap_or(DEFAULT_SERIES),
            made: Mutex::default(),
            hasher: RandomState::new(),
        })
    }

    /// The handle that this was made with.
    pub(crate) fn exporter<T: 'static>(&self) -> Option<&T> {
        self.to.downcast_ref()
    }

    pub(crate) fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the metrics that the importer registered or recorded so far.
    pub(crate) fn names(&self) -> Vec<String> {
        self.made().names.iter().cloned().collect()
    }

    fn full(&self, what: &str) -> types::Error {
        types::Error::LimitReached(format!(
            "{what}: plug {} has {} series or families, the most that it may have (limits.series in its grants)",
            self.name, self.max_series
        ))
    }

    /// Counts a family before it is made.
    pub(crate) fn admit_family(&self, name: &str, label_names: &[String]) -> Result<(), types::Error> {
        let mut sorted: Vec<&String> = label_names.iter().collect();
        sorted.sort_unstable();
        let key = self.hasher.hash_one((name, sorted));
        let mut made = self.made();
        if !made.families.contains(&key) {
            if made.families.len() >= self.max_series {
                return Err(self.full(name));
            }
            made.families.insert(key);
            made.names.insert(name.to_owned());
        }
        Ok(())
    }

    /// The key under which a series is counted, if there is room for it.
    pub(crate) fn admit_series(&self, name: &str, labels: &[Label]) -> Result<u64, types::Error> {
        let mut sorted: Vec<(&str, &str)> =
            labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
        sorted.sort_unstable();
        let key = self.hasher.hash_one((name, sorted));
        let made = self.made();
        if made.series.contains_key(&key) || made.series.len() < self.max_series {
            Ok(key)
        } else {
            Err(self.full(name))
        }
    }

    /// The labels with the importer's name among them.
    pub(crate) fn labeled(&self, mut labels: Vec<Label>) -> Result<Vec<Label>, types::Error> {
        let lengths = labels.iter().map(|label| label.name.len() + label.value.len());
        bounded("labels", labels.len(), lengths.sum())?;
        if labels.iter().any(|label| label.name == LABEL) {
            return Err(own_label("labels"));
        }
        labels.push(Label { name: LABEL.into(), value: self.name.clone() });
        Ok(labels)
    }

    /// The definition with the label for the importer's name.
    pub(crate) fn defined(&self, mut definition: Definition) -> Result<Definition, types::Error> {
        let Definition { name, help, unit, label_names, states, .. } = &definition;
        let texts = [Some(name), help.as_ref(), unit.as_ref()].into_iter().flatten();
        let length = texts.chain(label_names).chain(states).map(String::len).sum();
        let lists = [&definition.buckets, &definition.quantiles].into_iter().flatten().map(Vec::len);
        let custom = definition.native.iter().filter_map(|native| native.custom_bounds.as_ref()).map(Vec::len);
        let items = lists.chain(custom).chain([label_names.len(), states.len()]).max();
        bounded(name, items.unwrap_or_default(), length)?;
        not_reserved(name)?;
        if label_names.iter().any(|name| name == LABEL) {
            return Err(own_label(&format!("{name}: label-names")));
        }
        definition.label_names.push(LABEL.into());
        Ok(definition)
    }
}

fn own_label(path: &str) -> types::Error {
    types::Error::InvalidInput(format!(
        "{path}: the host adds the label {LABEL} and says there who recorded; leave it out"
    ))
}

pub(crate) fn not_reserved(name: &str) -> Result<(), types::Error> {
    if name.starts_with(RESERVED) {
        return Err(types::Error::InvalidInput(format!(
            "{name}: names that begin with {RESERVED} are for the host and its first plug; choose another"
        )));
    }
    Ok(())
}

pub(crate) fn bounded(what: &str, items: usize, length: usize) -> Result<(), types::Error> {
    if items <= MAX_ITEMS && length <= MAX_TEXT {
        return Ok(());
    }
    // Not the whole of what may be very long.
    let what: String = what.chars().take(100).collect();
    let bounds = format!("{MAX_ITEMS} labels, states or buckets and {MAX_TEXT} bytes of text in a call");
    Err(types::Error::LimitReached(format!("{what}: a plug may hand over at most {bounds}")))
}

/// What one instance of an importer has.
pub(crate) struct Monitored {
    pub(crate) link: Option<Arc<Link>>,
    pub(crate) role: Role,
    /// The exporter's handles, in the order of this instance's.
    families: Vec<(u32, Arc<str>)>,
    series: Vec<u32>,
    /// The reverse.
    known_families: HashMap<u32, u32>,
    known_series: HashMap<u32, u32>,
    /// How long the running call may still wait for the exporter.
    pub(crate) left: Duration,
}

impl Monitored {
    pub(crate) fn new(link: Option<&Arc<Link>>, role: Role) -> Self {
        Self {
            link: link.cloned(),
            role,
            families: Vec::new(),
            series: Vec::new(),
            known_families: HashMap::new(),
            known_series: HashMap::new(),
            left: Duration::ZERO,
        }
    }

    /// Prepares the next call, which may last for `limit`.
    pub(crate) fn begin(&mut self, limit: Duration) {
        self.left = limit;
    }

    pub(crate) fn family(&self, handle: u32) -> Option<(u32, Arc<str>)> {
        self.families.get(usize::try_from(handle).ok()?).cloned()
    }

    pub(crate) fn series(&self, handle: u32) -> Option<u32> {
        self.series.get(usize::try_from(handle).ok()?).copied()
    }

    pub(crate) fn add_family(&mut self, real: u32, name: &str) -> u32 {
        let Self { families, known_families, .. } = self;
        *known_families.entry(real).or_insert_with(|| {
            families.push((real, name.into()));
            (families.len() - 1) as u32
        })
    }

    pub(crate) fn add_series(&mut self, real: u32) -> u32 {
        let Self { series, known_series, .. } = self;
        *known_series.entry(real).or_insert_with(|| {
            series.push(real);
            (series.len() - 1) as u32
        })
    }
}

/// Ends an importer's call that waited for the exporter until its time was over.
#[derive(Debug, thiserror::Error)]
#[error("plugpipe:monitoring: the plug that exports it did not answer in time")]
pub(crate) struct Overdue;

/// What a call of the exporter needs.
pub(crate) struct Ask {
    pub(crate) link: Arc<Link>,
    /// Whether the importer's call is made again from its journal: then what it recorded is there.
    pub(crate) again: bool,
    pub(crate) left: Duration,
    pub(crate) yielded: Arc<AtomicBool>,
}

impl Ask {
    /// Waits for the exporter, as long as the importer's call may last. A recorder may wait for
    /// this: it needs no server.
    pub(crate) async fn wait<T>(&self, call: impl Future<Output = T>) -> wasmtime::Result<(T, Duration)> {
        let began = Instant::now();
        let limited = {
            let _runtime = self.link.runtime.enter();
            tokio::time::timeout(self.left, call)
        };
        let mut limited = pin!(limited);
        let ended = std::future::poll_fn(|context| {
            let poll = limited.as_mut().poll(context);
            if poll.is_pending() {
                self.yielded.store(true, Ordering::Relaxed);
            }
            poll
        });
        let answer = ended.await.map_err(|_| Overdue)?;
        Ok((answer, self.left.saturating_sub(began.elapsed())))
    }
}

/// Logs an error of the exporter, and returns the one that the importer gets.
pub(crate) fn importer_error(error: &Error) -> types::Error {
    warn!(%error, "a plug's call of plugpipe:monitoring failed");
    match error {
        Error::NotExported { .. } => types::Error::Unsupported(error.to_string()),
        _ => types::Error::Unreachable(error.to_string()),
    }
}
