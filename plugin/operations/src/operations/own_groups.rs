//! Groups with their own grouping keys: a registry for each key from a call's `job_name`,
//! `instance` or `grouping_key`, in addition to the registry of the configured key. A group's
//! metrics are pushed only under its key; if all groups are exposed together, they have the labels
//! of their keys.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::exposition::Exposition;
use crate::exposition::merge::{KeyLabels, Part, relabel};
use crate::http::Url;
use crate::registry::{LabelName, Labels, MAX_SERIES, Registry, checksum, refused};
use crate::servers::pushgateway::{Group, Mode};
use plugpipe_metrics::model::Family;

/// The maximum number of groups besides the configured one. Keys come from each call's `ctx`, and
/// each has a registry.
pub const MAX_GROUPS: usize = 64;

/// The changes of a group that are pending at its gateway.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The number of changes of the group's metrics.
    changes: u64,
    /// The last settled change: a gateway accepted it, or the group was deleted after it.
    pub settled: u64,
    /// The initial value of `changes`, which counts changes of removed groups.
    start: u64,
    /// When a push was tried last, in nanoseconds since the Unix epoch.
    pub tried: Option<u64>,
}

impl Pending {
    /// Counts a change.
    #[inline]
    pub fn mark(&mut self) {
        self.changes += 1;
    }

    /// So many values were recorded.
    #[inline]
    pub fn mark_many(&mut self, values: u64) {
        self.changes += values;
    }

    /// How many changes are not settled.
    #[inline]
    pub fn unsettled(&self) -> u64 {
        self.changes - self.settled
    }

    /// Whether something changed that is not settled.
    pub fn is_due(&self) -> bool {
        self.changes != self.settled
    }

    /// Starts without pending changes. The count continues at `start`, so that settling earlier
    /// changes does not settle later ones.
    pub fn from(start: u64) -> Self {
        Self { changes: start, settled: start, start, tried: None }
    }

    /// Marks replaced contents as pending, beyond all changes of the previous contents.
    pub fn mark_beyond(&mut self, before: u64) {
        self.changes = self.changes.max(before) + 1;
    }

    /// The number of changes.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether anything ever changed.
    pub fn is_used(&self) -> bool {
        self.changes > self.start
    }

    /// Settles all changes.
    pub fn settle(&mut self) {
        self.settled = self.changes;
    }

    /// What was settled beyond these changes is pending again: the gateway lost it.
    pub fn unsettle_beyond(&mut self, changes: u64) {
        self.settled = self.settled.min(changes.max(self.start));
    }

    /// Settles the changes that another instance with the same history settled.
    pub fn settle_up_to(&mut self, settled: u64) {
        self.settled = self.settled.max(settled.min(self.changes));
    }
}

/// The step that first recorded each metric, by metric name, if callers give steps.
pub type Steps = HashMap<Box<str>, Box<str>, FixedState>;

/// A group with its own grouping key.
#[derive(Debug)]
pub struct OwnGroup {
    /// Its grouping key.
    pub key: Group,
    labels: KeyLabels,
    /// The labels without job and instance.
    extra_labels: KeyLabels,
    /// The metrics recorded under the key.
    pub registry: Registry,
    /// Its pending changes.
    pub pending: Pending,
    /// Its encoder.
    pub exposition: Exposition,
    /// The steps that recorded its metrics.
    pub steps: Steps,
    /// The configuration of the last call under this key; `None` after a restart or a change of the
    /// plug's configuration.
    config: Option<Config>,
    /// The gateway without `config`: that of a call, from a snapshot.
    gateway: Option<Url>,
}

impl OwnGroup {
    fn new(key: Group, registry: Registry, pending: Pending) -> Self {
        let labels = KeyLabels::new(labels_of(&key));
        let extra_labels = KeyLabels::new(labels_of(&key).filter(|(name, _)| !matches!(*name, "job" | "instance")));
        let steps = Steps::with_hasher(FixedState::with_seed(registry.now_ms()));
        Self {
            key,
            labels,
            extra_labels,
            registry,
            pending,
            exposition: Exposition::default(),
            steps,
            config: None,
            gateway: None,
        }
    }

    /// Remembers the configuration of a call on this group, for pushing it later.
    pub fn remember(&mut self, config: Config) {
        // A call that deletes the group does not determine how it is pushed.
        if config.push_mode != Mode::Delete {
            self.config = Some(config);
        }
    }

    /// The configuration for pushing this group from a call on another group.
    pub fn config(&self, base: &Config) -> Config {
        let mut known = self.config.as_ref().unwrap_or(base).with_group(&self.key);
        if let (None, Some(gateway)) = (&self.config, &self.gateway) {
            // Of the configuration's own gateway, it is not known here who is the user.
            let is_base = base
                .gateway_url
                .as_ref()
                .is_some_and(|base| crate::http::redacted(base) == crate::http::redacted(gateway));
            if !is_base {
                known.gateway_url = Some(gateway.clone());
            }
        }
        // The plug's configuration determines when pushes are due.
        Config { push_policy: base.push_policy, push_interval: base.push_interval, mock: base.mock, ..known }
    }

    /// Whether the group is pushed anywhere.
    pub fn has_gateway(&self, base: &Config) -> bool {
        match &self.config {
            Some(config) => config.gateway_url.is_some(),
            None => self.gateway.is_some() || base.gateway_url.is_some(),
        }
    }

    /// Where the group is pushed to, without credentials; empty where that is the configuration's
    /// to say.
    fn gateway(&self) -> String {
        let own = self.config.as_ref().map_or(self.gateway.as_ref(), |config| config.gateway_url.as_ref());
        own.map(crate::http::redacted).unwrap_or_default()
    }

    /// The group's families, for an exposition of all groups.
    pub fn part(&self, now_ms: u64) -> Part<'_> {
        let mut families = self.registry.read(now_ms);
        relabel(&mut families, &self.labels);
        Part { families, origin: Box::new(|metric| origin(&self.key, &self.steps, metric)) }
    }

    /// The group's families, with the labels of its key that are not resource attributes.
    pub fn part_of_resource(&self, now_ms: u64) -> Vec<Family<'_>> {
        let mut families = self.registry.read(now_ms);
        relabel(&mut families, &self.extra_labels);
        families
    }

    /// Whether the group can be dropped: it is empty and nothing is pending.
    fn is_spent(&self) -> bool {
        self.registry.is_empty() && !self.pending.is_due()
    }
}

/// Describes a group and the step that recorded a metric in it, for errors.
pub fn origin(key: &Group, steps: &Steps, metric: &str) -> String {
    let group = group_text(key);
    match steps.get(metric) {
        Some(step) => format!("{group} (recorded first by step {:?})", excerpt(step, 100)),
        None => group,
    }
}

/// A group as a PromQL selector.
pub fn group_text(key: &Group) -> String {
    crate::servers::pushgateway::groups::shown(labels_of(key))
}

/// The labels of a key, starting with the job.
pub fn labels_of(key: &Group) -> impl Iterator<Item = (&str, &str)> {
    core::iter::once(("job", key.job.as_str())).chain(key.labels.iter().map(|(name, value)| (name.as_str(), value)))
}

/// All groups with their own grouping keys.
#[derive(Debug, Default)]
pub struct OwnGroups {
    /// In order of creation.
    pub list: Vec<OwnGroup>,
    /// The key of the plug's own registry: the configured one, unless that has changed since.
    /// `None` if the plug was never configured.
    pub main_key: Option<Group>,
    /// The highest number of changes of any removed group; see [`Pending::from`].
    removed_changes: u64,
}

impl OwnGroups {
    /// Removes all groups and the plug's own key.
    pub fn clear(&mut self) {
        *self = Self { removed_changes: self.changes(), ..Self::default() };
    }

    /// The highest number of changes of any current or removed group.
    fn changes(&self) -> u64 {
        self.list.iter().map(|group| group.pending.changes).fold(self.removed_changes, u64::max)
    }

    /// The changes of groups that were forgotten, for a snapshot.
    pub fn forgotten(&self) -> u64 {
        self.removed_changes
    }

    /// The same, from a snapshot.
    pub fn set_forgotten(&mut self, removed_changes: u64) {
        self.removed_changes = removed_changes;
    }

    /// Takes the place of other groups: all of it is due.
    pub fn mark_beyond(&mut self, before: &Self) {
        self.removed_changes = before.changes();
        self.list.iter_mut().for_each(|group| group.pending.mark_beyond(self.removed_changes));
    }

    /// The number of series in all groups.
    pub fn series(&self) -> usize {
        self.list.iter().map(|group| group.registry.len()).sum()
    }

    /// The number of samples dropped because of a series limit.
    pub fn dropped(&self) -> u64 {
        self.list.iter().map(|group| group.registry.dropped()).sum()
    }

    /// Whether any group has pending changes.
    pub fn is_due(&self) -> bool {
        self.list.iter().any(|group| group.pending.is_due())
    }

    /// The configuration changed.
    pub fn adopt(&mut self, config: &Config) {
        for group in &mut self.list {
            group.registry.default_buckets = config.histogram_buckets.clone();
        }
    }

    /// The configuration changed, and with it where groups are pushed to.
    pub fn forget_configurations(&mut self) {
        for group in &mut self.list {
            (group.config, group.gateway) = (None, None);
        }
    }

    /// Only credentials changed: groups are pushed to where they were.
    pub fn forget_credentials(&mut self) {
        for group in &mut self.list {
            // It was a URL before.
            group.gateway = Url::parse(&group.gateway()).ok();
            group.config = None;
        }
    }

    /// Takes the group of this key out, for the time of a call, and its place; it is made if need
    /// be. `series` are those of the configuration's group: all together there are no more than a
    /// registry may hold.
    pub fn take(&mut self, key: &Group, config: &Config, seed: u64, series: usize) -> Result<(usize, OwnGroup), Error> {
        let (place, mut group) = match self.list.iter().position(|group| group.key == *key) {
            Some(place) => (place, self.list.remove(place)),
            None => {
                if self.list.len() >= MAX_GROUPS {
                    self.removed_changes = self.changes();
                    self.list.retain(|group| !group.is_spent());
                }
                if self.list.len() >= MAX_GROUPS {
                    return Err(plugpipe_metrics::Error::LimitReached {
                        what: "groups with their own job_name, instance or grouping_key".into(),
                        limit: MAX_GROUPS,
                        todo: "use metric labels instead, or clear a group with clear_metrics and the same key",
                    }
                    .into());
                }
                let mut registry = Registry::with_seed(seed);
                registry.default_buckets = config.histogram_buckets.clone();
                (self.list.len(), OwnGroup::new(key.clone(), registry, Pending::from(self.removed_changes)))
            }
        };
        group.registry.set_series_limit(MAX_SERIES.saturating_sub(series + self.series()));
        Ok((place, group))
    }

    /// Removes a group.
    pub fn remove(&mut self, key: &Group) -> Option<OwnGroup> {
        let place = self.list.iter().position(|group| group.key == *key)?;
        Some(self.list.remove(place))
    }

    /// Whether there is a group with this key.
    pub fn contains(&self, key: &Group) -> bool {
        self.list.iter().any(|group| group.key == *key)
    }

    /// Puts a group back after a call, unless it was created for the call and is still unused.
    pub fn put_back(&mut self, place: usize, group: OwnGroup) {
        if group.pending.is_used() || group.registry.families() > 0 {
            self.list.insert(place.min(self.list.len()), group);
        }
    }
}

const MAGIC: &[u8; 8] = b"ppgroups";
const VERSION: u8 = 2;

/// Appends all registries and their pending changes: magic and version; the number of groups; for
/// each group, the plug's own first: 1 and its key, or 0 without a key, both change counts, its
/// gateway without credentials (empty for the configured one), and its registry's snapshot; finally
/// a checksum. Numbers have 8 bytes; texts and snapshots are prefixed with their length.
// Inlining it at its call sites would add kilobytes to the component.
#[inline(never)]
pub fn snapshot(registry: &Registry, pending: Pending, groups: &OwnGroups, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    write_number(out, 1 + groups.list.len() as u64);
    let own = groups.list.iter().map(|group| (Some(&group.key), group.pending, group.gateway(), &group.registry));
    let main = (groups.main_key.as_ref(), pending, String::new(), registry);
    for (key, pending, gateway, registry) in core::iter::once(main).chain(own) {
        out.push(u8::from(key.is_some()));
        if let Some(key) = key {
            write_bytes(out, key.job.as_bytes());
            write_number(out, key.labels.iter().len() as u64);
            for (name, value) in key.labels.iter() {
                write_bytes(out, name.as_str().as_bytes());
                write_bytes(out, value.as_bytes());
            }
        }
        write_number(out, pending.changes);
        write_number(out, pending.settled);
        write_bytes(out, gateway.as_bytes());
        let length = out.len();
        write_number(out, 0);
        registry.snapshot(out);
        let size = (out.len() - length - 8) as u64;
        if let Some(place) = out.get_mut(length..length + 8) {
            place.copy_from_slice(&size.to_le_bytes());
        }
    }
    let sum = checksum(out.get(start..).unwrap_or_default());
    write_number(out, sum);
}

/// Reads the output of [`snapshot`], or a single registry's snapshot, as written by versions before
/// 1.1; then everything is pending. Groups keep state from `before` that is not in snapshots.
// Inlining it at its call sites would add kilobytes to the component.
#[inline(never)]
pub fn restore(bytes: &[u8], seed: u64, before: &OwnGroups) -> Result<(Registry, Pending, OwnGroups), Error> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let registry = Registry::restore(bytes, seed)?;
        let pending = Pending { changes: u64::from(!registry.is_empty()), ..Pending::default() };
        return Ok((registry, pending, OwnGroups::default()));
    };
    let Some((&VERSION, rest)) = rest.split_first() else {
        return Err(refused("it was written by another version of this plug").into());
    };
    let Some((body, sum)) = rest.split_last_chunk::<8>() else { return Err(refused("it is too short").into()) };
    if checksum(bytes.get(..bytes.len() - 8).unwrap_or_default()) != u64::from_le_bytes(*sum) {
        return Err(refused("its checksum does not match: it is damaged or truncated").into());
    }
    let malformed = || Error::from(refused("its contents are malformed"));
    let mut input = body;
    let count = take_number(&mut input).ok_or_else(malformed)?;
    let mut first = None;
    let mut groups = OwnGroups::default();
    for _ in 0..count {
        let key = take_key(&mut input)?.ok_or_else(malformed)?;
        let (changes, settled) = (take_number(&mut input), take_number(&mut input));
        let (gateway, snapshot) = (take_bytes(&mut input), take_bytes(&mut input));
        let (Some(changes), Some(settled), Some(gateway), Some(snapshot)) = (changes, settled, gateway, snapshot)
        else {
            return Err(malformed());
        };
        let gateway = str::from_utf8(gateway).map_err(|_| malformed())?;
        let gateway = Some(gateway).filter(|text| !text.is_empty()).map(Url::parse).transpose();
        let registry = Registry::restore(snapshot, seed)?;
        let pending = Pending { changes, settled: settled.min(changes), ..Pending::default() };
        match key {
            key if first.is_none() => {
                first = Some((registry, pending));
                groups.main_key = key;
            }
            Some(key) if groups.list.len() < MAX_GROUPS && !groups.contains(&key) => {
                let mut group = OwnGroup::new(key, registry, pending);
                group.gateway = gateway.map_err(|_| malformed())?;
                if let Some(known) = before.list.iter().find(|known| known.key == group.key) {
                    group.config = known.config.clone();
                    group.steps = known.steps.clone();
                    group.pending.tried = known.pending.tried;
                }
                groups.list.push(group);
            }
            _ => return Err(malformed()),
        }
    }
    let (registry, pending) = first.filter(|_| input.is_empty()).ok_or_else(malformed)?;
    Ok((registry, pending, groups))
}

/// The key of the next group: the inner `None` means no key, the outer one malformed input.
fn take_key(input: &mut &[u8]) -> Result<Option<Option<Group>>, Error> {
    match take_byte(input) {
        Some(0) => return Ok(Some(None)),
        Some(1) => {}
        _ => return Ok(None),
    }
    let text = |input: &mut &[u8]| take_bytes(input).and_then(|bytes| str::from_utf8(bytes).ok().map(str::to_owned));
    let (Some(job), Some(count)) = (text(input), take_number(input)) else { return Ok(None) };
    let mut labels = Vec::new();
    for _ in 0..count {
        let (Some(name), Some(value)) = (text(input), text(input)) else { return Ok(None) };
        labels.push((LabelName::new_utf8(&name, "snapshot")?, value.into()));
    }
    Ok(Some(Some(Group { job, labels: Labels::of(labels, "snapshot")? })))
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = input.split_first()?;
    *input = rest;
    Some(*byte)
}

fn take_number(input: &mut &[u8]) -> Option<u64> {
    let (bytes, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    Some(u64::from_le_bytes(*bytes))
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = usize::try_from(take_number(input)?).ok()?;
    let (bytes, rest) = input.split_at_checked(size)?;
    *input = rest;
    Some(bytes)
}
