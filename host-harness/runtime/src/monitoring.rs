//! Links a plug that imports `plugpipe:monitoring/metrics` or `query` to the plug that exports
//! them.
//!
//! Each series of an importer has the label [`LABEL`] with its name, which the host adds. Handles
//! are those of one instance: the host translates them, so that no number leads to the series of
//! another plug. A call is made on the exporter's own task and store; a trap there ends the
//! importer's call at most, and the reverse. An exporter imports none of this, so that no two plugs
//! wait for each other.
//!
//! What an importer makes is bounded by its series, and by what they take up in the exporter, so
//! that no importer makes the exposition too long for all.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, HashSet};
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

use metrics::{Definition, NativeBuckets};
use types::{Label, MetricKind};

/// The label that says which plug recorded a series.
pub const LABEL: &str = "plug";

/// The default of [`crate::grants::GrantedLimits::series`].
pub const DEFAULT_SERIES: usize = 1_000;

/// Names of metrics that importers may not use: this, and then `_` or what is written as `_` where
/// names have only letters, digits, `_` and `:`.
const RESERVED: &str = "plugpipe";

/// Labels that say where metrics come from. A Pushgateway replaces them, so that series that differ
/// only there would be one, and the push of all others is refused with them.
const OF_TARGET: [&str; 2] = ["job", "instance"];

/// For so many bytes in the exporter's memory and exposition each granted series counts. A series
/// of ordinary labels takes a tenth; few that are much larger are not to be a thousand such.
const SERIES_BYTES: usize = 16 * 1024;

/// What a line of an exposition takes beside its name and labels: a value and separators.
const LINE_BYTES: usize = 32;

/// Lines of a histogram whose buckets are the exporter's own.
const USUAL_LINES: usize = 20;

/// The most that the window of a summary's quantiles takes.
const WINDOW_BYTES: usize = 160 * 1024;

/// What a bucket of a native histogram takes.
const NATIVE_BUCKET_BYTES: usize = 32;

/// Buckets of a native histogram whose definition does not bound them.
const USUAL_NATIVE_BUCKETS: usize = 160;

/// Maximum length of all texts of a call, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Maximum number of labels, states, buckets or quantiles of a call.
const MAX_ITEMS: usize = 1_000;

/// Maximum number of values of one `record-many`.
pub(crate) const MAX_VALUES: usize = 65_536;

/// The handle of a series, or of a family, that there is not.
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
    /// With what the names of its metrics must begin.
    prefix: Option<String>,
    max_series: usize,
    made: Mutex<Made>,
    hasher: RandomState,
}

/// What the instances of an importer made so far.
#[derive(Default)]
struct Made {
    /// Its metrics by name, and what each of their series takes beside its labels.
    metrics: BTreeMap<String, Shape>,
    /// Its families, as hashes of their names with their labels' names.
    families: HashSet<u64>,
    /// Its series, by the hash of their names and labels.
    series: HashMap<u64, Counted>,
    /// How often the exporter's state was replaced when these were made.
    replaced: u64,
    /// The same by the exporter's handles: of several names and labels one series may be made.
    keys: HashMap<u32, Vec<u64>>,
    /// What all of them take in the exporter.
    bytes: usize,
}

/// A series that is counted.
struct Counted {
    /// The exporter's handle; none until it answered.
    handle: Option<u32>,
    bytes: usize,
}

/// What a series takes in the exporter beside its name and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    /// Lines in an exposition, each with the name and the labels.
    lines: usize,
    /// What it takes besides.
    bytes: usize,
}

impl Shape {
    /// That of a metric recorded without a definition.
    const fn usual(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter | MetricKind::Gauge | MetricKind::Info | MetricKind::Unknown => {
                Self { lines: 1, bytes: 0 }
            }
            MetricKind::Histogram | MetricKind::GaugeHistogram | MetricKind::StateSet => {
                Self { lines: USUAL_LINES, bytes: 0 }
            }
            MetricKind::Summary => Self { lines: 5, bytes: WINDOW_BYTES },
            MetricKind::NativeHistogram => Self { lines: 3, bytes: USUAL_NATIVE_BUCKETS * NATIVE_BUCKET_BYTES },
        }
    }

    fn of(definition: &Definition) -> Self {
        let usual = Self::usual(definition.kind);
        let count = |list: &Option<Vec<f64>>| list.as_ref().map(Vec::len);
        match definition.kind {
            MetricKind::Histogram | MetricKind::GaugeHistogram => {
                Self { lines: count(&definition.buckets).map_or(usual.lines, |own| own + 3), ..usual }
            }
            MetricKind::StateSet => {
                Self { lines: definition.states.len(), bytes: definition.states.iter().map(String::len).sum() }
            }
            MetricKind::Summary => match count(&definition.quantiles) {
                Some(0) => Self { lines: 2, bytes: 0 },
                quantiles => Self { lines: quantiles.map_or(usual.lines, |own| own + 2), ..usual },
            },
            MetricKind::NativeHistogram => {
                let custom = |native: &NativeBuckets| native.custom_bounds.as_ref().map(Vec::len);
                let buckets = definition
                    .native
                    .as_ref()
                    .map_or(USUAL_NATIVE_BUCKETS, |native| custom(native).unwrap_or(native.max_buckets as usize));
                Self { bytes: buckets.saturating_mul(NATIVE_BUCKET_BYTES), ..usual }
            }
            MetricKind::Counter | MetricKind::Gauge | MetricKind::Info | MetricKind::Unknown => usual,
        }
    }

    /// What a series of this metric takes.
    fn of_series(self, name: &str, labels: &[Label]) -> usize {
        // Each label is written with `=`, quotes and a comma.
        let labels = labels.iter().map(|label| label.name.len() + label.value.len() + 4).sum::<usize>();
        self.lines.saturating_mul(name.len() + labels + LINE_BYTES).saturating_add(self.bytes)
    }
}

impl Made {
    fn remove(&mut self, key: u64) {
        if let Some(counted) = self.series.remove(&key) {
            self.bytes = self.bytes.saturating_sub(counted.bytes);
        }
    }
}

/// A series for which there is room, and which the exporter has yet to make. Unless it did, there
/// is room again.
pub(crate) struct Admitted {
    link: Arc<Link>,
    key: u64,
    bytes: usize,
}

impl Admitted {
    /// The exporter's handle, if the series was made before.
    pub(crate) fn known(&self) -> Option<u32> {
        self.link.made().series.get(&self.key).and_then(|counted| counted.handle)
    }

    /// Counts the series under the exporter's handle.
    pub(crate) fn made(self, handle: u32) {
        let mut guard = self.link.made();
        let made = &mut *guard;
        let counted = made.series.entry(self.key).or_insert_with(|| {
            // Another call of the same series failed meanwhile, and gave its room back.
            made.bytes = made.bytes.saturating_add(self.bytes);
            Counted { handle: None, bytes: self.bytes }
        });
        counted.handle = Some(handle);
        let keys = made.keys.entry(handle).or_default();
        if !keys.contains(&self.key) {
            keys.push(self.key);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut made = self.link.made();
        if made.series.get(&self.key).is_some_and(|counted| counted.handle.is_none()) {
            made.remove(self.key);
        }
    }
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
            prefix: grants.metrics_prefix.clone(),
            max_series: grants.limits.series.unwrap_or(DEFAULT_SERIES),
            made: Mutex::default(),
            hasher: RandomState::new(),
        })
    }

    /// The handle that this was made with.
    pub(crate) fn exporter<T: 'static>(&self) -> Option<&T> {
        self.to.downcast_ref()
    }

    /// Forgets the exporter's handles if its state was replaced since. What is counted stays so, as
    /// it may be there; what is recorded again is counted once.
    pub(crate) fn check_handles(&self, replaced: u64) {
        let mut made = self.made();
        if made.replaced != replaced {
            made.replaced = replaced;
            made.keys.clear();
            made.series.values_mut().for_each(|counted| counted.handle = None);
        }
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the metrics that the importer registered or recorded so far.
    pub(crate) fn names(&self) -> Vec<String> {
        self.made().metrics.keys().cloned().collect()
    }

    fn full(&self, what: &str) -> types::Error {
        types::Error::LimitReached(format!(
            "{what}: plug {} has {} series or families, the most that it may have (limits.series in its grants)",
            self.name, self.max_series
        ))
    }

    fn max_bytes(&self) -> usize {
        self.max_series.saturating_mul(SERIES_BYTES)
    }

    fn too_large(&self, what: &str) -> types::Error {
        types::Error::LimitReached(format!(
            "{what}: what plug {} recorded may take {} bytes, {SERIES_BYTES} for each series of limits.series in its grants, \
             and would take more: use shorter labels, fewer buckets or fewer summaries",
            self.name,
            self.max_bytes()
        ))
    }

    /// Counts a family before it is made.
    fn admit_family(
        &self,
        name: &str,
        labels: &[String],
        shape: Option<Shape>,
        bytes: usize,
    ) -> Result<(), types::Error> {
        let mut sorted: Vec<&String> = labels.iter().collect();
        sorted.sort_unstable();
        let key = self.hasher.hash_one((name, sorted));
        let mut guard = self.made();
        let made = &mut *guard;
        if !made.families.contains(&key) {
            if made.families.len() >= self.max_series {
                return Err(self.full(name));
            }
            let bytes = bytes.saturating_add(name.len() + labels.iter().map(String::len).sum::<usize>());
            if made.bytes.saturating_add(bytes) > self.max_bytes() {
                return Err(self.too_large(name));
            }
            made.families.insert(key);
            made.bytes = made.bytes.saturating_add(bytes);
        }
        if let Some(shape) = shape {
            // A definition that says no buckets has those of an earlier one.
            let known = made.metrics.entry(name.to_owned()).or_insert(shape);
            *known = Shape { lines: known.lines.max(shape.lines), bytes: known.bytes.max(shape.bytes) };
        }
        Ok(())
    }

    /// Counts a family that is registered.
    pub(crate) fn admit_definition(&self, definition: &Definition) -> Result<(), types::Error> {
        let Definition { name, help, unit, label_names, .. } = definition;
        let bytes = [help, unit].into_iter().flatten().map(String::len).sum();
        self.admit_family(name, label_names, Some(Shape::of(definition)), bytes)
    }

    /// Counts a family that is recorded without having been registered.
    pub(crate) fn admit_metric(&self, name: &str, kind: MetricKind, labels: &[Label]) -> Result<(), types::Error> {
        let names: Vec<String> = labels.iter().map(|label| label.name.clone()).collect();
        let shape = (!self.made().metrics.contains_key(name)).then(|| Shape::usual(kind));
        self.admit_family(name, &names, shape, 0)
    }

    /// Counts a series before it is made.
    pub(crate) fn admit_series(self: &Arc<Self>, name: &str, labels: &[Label]) -> Result<Admitted, types::Error> {
        let mut sorted: Vec<(&str, &str)> =
            labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
        sorted.sort_unstable();
        let key = self.hasher.hash_one((name, sorted));
        let mut guard = self.made();
        let made = &mut *guard;
        let shape = made.metrics.get(name).copied().unwrap_or(Shape::usual(MetricKind::Counter));
        let bytes = shape.of_series(name, labels);
        if !made.series.contains_key(&key) {
            if made.series.len() >= self.max_series {
                return Err(self.full(name));
            }
            if made.bytes.saturating_add(bytes) > self.max_bytes() {
                return Err(self.too_large(name));
            }
            made.series.insert(key, Counted { handle: None, bytes });
            made.bytes = made.bytes.saturating_add(bytes);
        }
        Ok(Admitted { link: Arc::clone(self), key, bytes })
    }

    /// A series that the exporter has no more.
    pub(crate) fn removed(&self, handle: u32) {
        let mut made = self.made();
        for key in made.keys.remove(&handle).unwrap_or_default() {
            made.remove(key);
        }
    }

    /// All its series, which are to be removed.
    pub(crate) fn take_series(&self) -> Vec<u32> {
        let mut made = self.made();
        let handles: Vec<u32> = std::mem::take(&mut made.keys).into_keys().collect();
        let counted: Vec<u64> =
            made.series.iter().filter(|(_, counted)| counted.handle.is_some()).map(|(key, _)| *key).collect();
        counted.into_iter().for_each(|key| made.remove(key));
        handles
    }

    /// Whether the importer may use a metric's name.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), types::Error> {
        if let Some(prefix) = self.prefix.as_deref().filter(|prefix| !name.starts_with(prefix)) {
            return Err(types::Error::NotGranted(format!(
                "{name}: plug {} may record metrics whose names begin with {prefix} (metrics_prefix in its grants)",
                self.name
            )));
        }
        not_reserved(name)
    }

    /// The labels with the importer's name among them.
    pub(crate) fn labeled(&self, mut labels: Vec<Label>) -> Result<Vec<Label>, types::Error> {
        let lengths = labels.iter().map(|label| label.name.len() + label.value.len());
        bounded("labels", labels.len(), lengths.sum())?;
        check_labels("labels", labels.iter().map(|label| &label.name))?;
        labels.push(Label { name: LABEL.into(), value: self.name.clone() });
        Ok(labels)
    }

    /// The definition with the label for the importer's name.
    pub(crate) fn defined(&self, mut definition: Definition) -> Result<Definition, types::Error> {
        let Definition { name, help, unit, label_names, states, series_limit, expire_after_seconds, .. } = &definition;
        let texts = [Some(name), help.as_ref(), unit.as_ref()].into_iter().flatten();
        let length = texts.chain(label_names).chain(states).map(String::len).sum();
        let lists = [&definition.buckets, &definition.quantiles].into_iter().flatten().map(Vec::len);
        let custom = definition.native.iter().filter_map(|native| native.custom_bounds.as_ref()).map(Vec::len);
        let items = lists.chain(custom).chain([label_names.len(), states.len()]).max();
        bounded(name, items.unwrap_or_default(), length)?;
        self.check_name(name)?;
        check_labels(&format!("{name}: label-names"), label_names)?;
        // Both are those of a metric, and thus of other plugs that record it: their series would
        // expire, and what is past the limit would go to a series of nobody.
        let of_all =
            [("series-limit", series_limit.is_some()), ("expire-after-seconds", expire_after_seconds.is_some())];
        if let Some((option, _)) = of_all.into_iter().find(|(_, given)| *given) {
            return Err(types::Error::InvalidInput(format!(
                "{name}: {option}: would be that of all plugs that record this metric; leave it out: limits.series in the \
                 grants bounds a plug's series, and remove ends one"
            )));
        }
        definition.label_names.push(LABEL.into());
        Ok(definition)
    }
}

fn check_labels<'n>(path: &str, names: impl IntoIterator<Item = &'n String>) -> Result<(), types::Error> {
    for name in names {
        if name == LABEL {
            return Err(types::Error::InvalidInput(format!(
                "{path}: the host adds the label {LABEL} and says there who recorded; leave it out"
            )));
        }
        if OF_TARGET.contains(&name.as_str()) {
            return Err(types::Error::InvalidInput(format!(
                "{path}: {name} says where metrics are scraped or pushed, which the first plug does; choose another name"
            )));
        }
    }
    Ok(())
}

fn not_reserved(name: &str) -> Result<(), types::Error> {
    let next = name.strip_prefix(RESERVED).and_then(|rest| rest.chars().next());
    if next.is_some_and(|next| !next.is_ascii_alphanumeric() && next != ':') {
        return Err(types::Error::InvalidInput(format!(
            "{name}: names that begin with {RESERVED}_, also where that is written for another character, are for the host \
             and its first plug; choose another"
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
    /// False while the instance is made: a start function runs again with each instance, and
    /// reaches nothing.
    pub(crate) is_started: bool,
    /// The exporter's handles, in the order of this instance's.
    families: Vec<(u32, Arc<str>)>,
    series: Vec<u32>,
    /// The reverse.
    known_families: HashMap<u32, u32>,
    known_series: HashMap<u32, u32>,
    /// How often the exporter's state was replaced when these were made.
    replaced: u64,
    /// How long the running call may still wait for the exporter.
    pub(crate) left: Duration,
}

impl Monitored {
    pub(crate) fn new(link: Option<&Arc<Link>>, role: Role) -> Self {
        Self {
            link: link.cloned(),
            role,
            is_started: false,
            families: Vec::new(),
            series: Vec::new(),
            known_families: HashMap::new(),
            known_series: HashMap::new(),
            replaced: 0,
            left: Duration::ZERO,
        }
    }

    /// Prepares the next call, which may last for `limit`.
    pub(crate) fn begin(&mut self, limit: Duration) {
        self.left = limit;
    }

    /// Forgets what the handles lead to if the exporter's state was replaced since: there they may
    /// lead to series of others. The numbers are not given out again.
    pub(crate) fn check_handles(&mut self, replaced: u64) {
        if self.replaced != replaced {
            self.replaced = replaced;
            self.series.fill(NONE);
            self.families.iter_mut().for_each(|(family, _)| *family = NONE);
            self.known_series.clear();
            self.known_families.clear();
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn link(series: usize) -> Arc<Link> {
        let mut grants = Grants::none();
        grants.metrics = true;
        grants.limits.series = Some(series);
        Link::new((), "a", &grants)
    }

    fn label(name: &str, value: &str) -> Label {
        Label { name: name.into(), value: value.into() }
    }

    /// Calls of several instances are under way at once.
    #[tokio::test]
    async fn room_is_taken_before_the_exporter_answers_and_given_back_if_it_refuses() {
        let link = link(1);
        let first = link.admit_series("x", &[label("l", "1")]).unwrap();
        let full = link.admit_series("x", &[label("l", "2")]).err().unwrap();
        assert!(matches!(full, types::Error::LimitReached(_)));
        // The same series needs no more room, and stays counted if one of two calls fails.
        let again = link.admit_series("x", &[label("l", "1")]).unwrap();
        drop(first);
        again.made(7);
        assert!(link.admit_series("x", &[label("l", "2")]).is_err());
        assert_eq!(link.admit_series("x", &[label("l", "1")]).unwrap().known(), Some(7));
        link.removed(7);
        assert_eq!(link.made().bytes, 0);
        let other = link.admit_series("x", &[label("l", "2")]).unwrap();
        assert_eq!(other.known(), None);
        other.made(8);
        assert_eq!(link.take_series(), [8]);
        assert!(link.made().series.is_empty() && link.made().bytes == 0);
    }

    #[tokio::test]
    async fn a_series_counts_for_what_it_takes() {
        let link = link(2);
        let labels = [label("l", &"x".repeat(1_000))];
        let of = |kind| Shape::usual(kind).of_series("x", &labels);
        assert!(of(MetricKind::Counter) < 1_100 && of(MetricKind::Histogram) > 20_000);
        assert!(of(MetricKind::Summary) > WINDOW_BYTES);
        link.admit_metric("x", MetricKind::Histogram, &labels).unwrap();
        link.admit_series("x", &labels).unwrap().made(1);
        let more = [label("l", &"y".repeat(1_000))];
        let full = link.admit_series("x", &more).err().unwrap();
        assert!(format!("{full:?}").contains("may take 32768 bytes"), "{full:?}");
        // A counter of the same labels has room.
        link.admit_metric("y", MetricKind::Counter, &more).unwrap();
        link.admit_series("y", &more).unwrap().made(2);
    }

    #[test]
    fn reserved_names_are_so_in_every_spelling() {
        for name in ["plugpipe_x", "plugpipe.x", "plugpipe-x", "plugpipeéx", "plugpipe x"] {
            assert!(not_reserved(name).is_err(), "{name}");
        }
        for name in ["plugpipe", "plugpipes_total", "plugpipe:x", "my_plugpipe_x"] {
            assert!(not_reserved(name).is_ok(), "{name}");
        }
    }
}
