//! What was recorded under a grouping key of its own: a registry for each key that a call's
//! `job_name`, `instance` or `grouping_key` made, beside the registry of the configuration's key. A
//! group's metrics are pushed under its key and nowhere else; where all are exposed together, they
//! carry their key's labels.

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

/// Keys come from each call's `ctx`, and each has a registry: no more than this many beside the
/// configuration's.
pub const MAX_GROUPS: usize = 64;

/// What of a group is due at its gateway.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// How often the group's metrics changed.
    changes: u64,
    /// The changes up to which nothing is due: a gateway accepted them, or the group was deleted
    /// after them.
    pub settled: u64,
    /// The changes of before, where what they were about is gone.
    start: u64,
    /// When a push was tried last, in nanoseconds since the Unix epoch.
    pub tried: Option<u64>,
}

impl Pending {
    /// Something changed.
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

    /// Nothing is due, and nothing was: the count goes on, so that what is settled of before
    /// settles nothing of what comes.
    pub fn from(start: u64) -> Self {
        Self { changes: start, settled: start, start, tried: None }
    }

    /// What was due is replaced by something else that is.
    pub fn mark_beyond(&mut self, before: u64) {
        self.changes = self.changes.max(before) + 1;
    }

    /// How often anything changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether anything ever changed.
    pub fn is_used(&self) -> bool {
        self.changes > self.start
    }

    /// Nothing is due from now on, until something changes.
    pub fn settle(&mut self) {
        self.settled = self.changes;
    }

    /// Settles what another instance settled that was brought up to this one before.
    pub fn settle_up_to(&mut self, settled: u64) {
        self.settled = self.settled.max(settled.min(self.changes));
    }
}

/// Who recorded a metric first, by its name, where callers say that.
pub type Steps = HashMap<Box<str>, Box<str>, FixedState>;

/// A group with a key of its own.
#[derive(Debug)]
pub struct OwnGroup {
    /// Its grouping key.
    pub key: Group,
    labels: KeyLabels,
    /// The same without job and instance.
    further: KeyLabels,
    /// What was recorded under the key.
    pub registry: Registry,
    /// What of it is due.
    pub pending: Pending,
    /// Its encoder.
    pub exposition: Exposition,
    /// Who recorded what.
    pub steps: Steps,
    /// The configuration of the last call under this key; none after a restart, or once the plug's
    /// own changed.
    config: Option<Config>,
    /// Where the group is pushed to without one: a call's own gateway, as a snapshot has it.
    gateway: Option<Url>,
}

impl OwnGroup {
    fn new(key: Group, registry: Registry, pending: Pending) -> Self {
        let labels = KeyLabels::new(labels_of(&key));
        let further = KeyLabels::new(labels_of(&key).filter(|(name, _)| !matches!(*name, "job" | "instance")));
        let steps = Steps::with_hasher(FixedState::with_seed(registry.now_ms()));
        Self {
            key,
            labels,
            further,
            registry,
            pending,
            exposition: Exposition::default(),
            steps,
            config: None,
            gateway: None,
        }
    }

    /// How the group is pushed by a call that is not its own.
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
        // When it is due is for the plug's configuration to say.
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

    /// What the group holds, for an exposition of all.
    pub fn part(&self, now_ms: u64) -> Part<'_> {
        let mut families = self.registry.read(now_ms);
        relabel(&mut families, &self.labels);
        Part { families, origin: Box::new(|metric| origin(&self.key, &self.steps, metric)) }
    }

    /// What the group holds, with the labels of its key that a resource does not say.
    pub fn part_of_resource(&self, now_ms: u64) -> Vec<Family<'_>> {
        let mut families = self.registry.read(now_ms);
        relabel(&mut families, &self.further);
        families
    }

    /// Whether there is nothing in it that anybody would miss.
    fn is_spent(&self) -> bool {
        self.registry.is_empty() && !self.pending.is_due()
    }
}

/// A group, and who recorded the metric of that name in it, for errors.
pub fn origin(key: &Group, steps: &Steps, metric: &str) -> String {
    let group = group_text(key);
    match steps.get(metric) {
        Some(step) => format!("{group} (recorded first by step {:?})", excerpt(step, 100)),
        None => group,
    }
}

/// A group as PromQL would select it.
pub fn group_text(key: &Group) -> String {
    crate::servers::pushgateway::groups::shown(labels_of(key))
}

/// The labels of a key, the job first.
pub fn labels_of(key: &Group) -> impl Iterator<Item = (&str, &str)> {
    core::iter::once(("job", key.job.as_str())).chain(key.labels.iter().map(|(name, value)| (name.as_str(), value)))
}

/// All groups with keys of their own.
#[derive(Debug, Default)]
pub struct OwnGroups {
    /// In the order they came.
    pub list: Vec<OwnGroup>,
    /// The key under which the plug's own registry was recorded: the configuration's, unless that
    /// changed since. None where nobody has configured the plug.
    pub main_key: Option<Group>,
    /// The changes of groups that were forgotten, the most of any; see [`Pending::from`].
    forgotten: u64,
}

impl OwnGroups {
    /// Forgets all groups, and the plug's own key.
    pub fn clear(&mut self) {
        *self = Self { forgotten: self.changes(), ..Self::default() };
    }

    /// The changes of any group that there is or was, the most.
    fn changes(&self) -> u64 {
        self.list.iter().map(|group| group.pending.changes).fold(self.forgotten, u64::max)
    }

    /// The changes of groups that were forgotten, for a snapshot.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The same, from a snapshot.
    pub fn set_forgotten(&mut self, forgotten: u64) {
        self.forgotten = forgotten;
    }

    /// Takes the place of other groups: all of it is due.
    pub fn mark_beyond(&mut self, before: &Self) {
        self.forgotten = before.changes();
        self.list.iter_mut().for_each(|group| group.pending.mark_beyond(self.forgotten));
    }

    /// How many series there are in all groups.
    pub fn series(&self) -> usize {
        self.list.iter().map(|group| group.registry.len()).sum()
    }

    /// How many samples' series a limit kept out.
    pub fn dropped(&self) -> u64 {
        self.list.iter().map(|group| group.registry.dropped()).sum()
    }

    /// Whether something of any group is due.
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
                    self.forgotten = self.changes();
                    self.list.retain(|group| !group.is_spent());
                }
                if self.list.len() >= MAX_GROUPS {
                    return Err(plugpipe_metrics::Error::LimitReached {
                        what: "groups with a job_name, instance or grouping_key of their own".into(),
                        limit: MAX_GROUPS,
                        todo: "use fewer different values of them and put what differs into labels, or remove the metrics of a group with clear_metrics and the same key",
                    }
.into());
                }
                let mut registry = Registry::with_seed(seed);
                registry.default_buckets = config.histogram_buckets.clone();
                (self.list.len(), OwnGroup::new(key.clone(), registry, Pending::from(self.forgotten)))
            }
        };
        group.registry.set_series_limit(MAX_SERIES.saturating_sub(series + self.series()));
        // A call that deletes the group says nothing of how it is pushed later.
        if config.push_mode != Mode::Delete {
            group.config = Some(config.clone());
        }
        Ok((place, group))
    }

    /// Takes a group out for good.
    pub fn remove(&mut self, key: &Group) -> Option<OwnGroup> {
        let place = self.list.iter().position(|group| group.key == *key)?;
        Some(self.list.remove(place))
    }

    /// Whether there is a group of that key.
    pub fn contains(&self, key: &Group) -> bool {
        self.list.iter().any(|group| group.key == *key)
    }

    /// Puts a group back after a call, unless it was made for the call and nothing came of it.
    pub fn put_back(&mut self, place: usize, group: OwnGroup) {
        if group.pending.is_used() || group.registry.families() > 0 {
            self.list.insert(place.min(self.list.len()), group);
        }
    }
}

const MAGIC: &[u8; 8] = b"ppgroups";
const VERSION: u8 = 2;

/// Appends all registries, and what of them is due: the magic and version; the number of groups; of
/// each, the plug's own first, 1 and its key, or 0 where nobody said one, both its counts, its
/// gateway without credentials (empty for the configuration's), and its registry's own snapshot; at
/// last a checksum. Numbers have 8 bytes, texts and snapshots their
/// length before them.
pub fn snapshot(registry: &Registry, pending: Pending, groups: &OwnGroups, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    put_number(out, 1 + groups.list.len() as u64);
    let own = groups.list.iter().map(|group| (Some(&group.key), group.pending, group.gateway(), &group.registry));
    let main = (groups.main_key.as_ref(), pending, String::new(), registry);
    for (key, pending, gateway, registry) in core::iter::once(main).chain(own) {
        out.push(u8::from(key.is_some()));
        if let Some(key) = key {
            put_bytes(out, key.job.as_bytes());
            put_number(out, key.labels.iter().len() as u64);
            for (name, value) in key.labels.iter() {
                put_bytes(out, name.as_str().as_bytes());
                put_bytes(out, value.as_bytes());
            }
        }
        put_number(out, pending.changes);
        put_number(out, pending.settled);
        put_bytes(out, gateway.as_bytes());
        let length = out.len();
        put_number(out, 0);
        registry.snapshot(out);
        let size = (out.len() - length - 8) as u64;
        if let Some(place) = out.get_mut(length..length + 8) {
            place.copy_from_slice(&size.to_le_bytes());
        }
    }
    let sum = checksum(out.get(start..).unwrap_or_default());
    put_number(out, sum);
}

/// Reads what [`snapshot`] wrote, or a registry's own snapshot, as versions before 1.1 wrote it:
/// then everything is due. Groups keep from `before` what no snapshot holds.
pub fn restore(bytes: &[u8], seed: u64, before: &OwnGroups) -> Result<(Registry, Pending, OwnGroups), Error> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let registry = Registry::restore(bytes, seed)?;
        let pending = Pending { changes: u64::from(!registry.is_empty()), ..Pending::default() };
        return Ok((registry, pending, OwnGroups::default()));
    };
    let Some((&VERSION, rest)) = rest.split_first() else {
        return Err(refused("it is of another version of this plug").into());
    };
    let Some((body, sum)) = rest.split_last_chunk::<8>() else { return Err(refused("it is too short").into()) };
    if checksum(bytes.get(..bytes.len() - 8).unwrap_or_default()) != u64::from_le_bytes(*sum) {
        return Err(refused("its checksum does not match: it was damaged or cut short").into());
    }
    let senseless = || Error::from(refused("what it holds makes no sense"));
    let mut input = body;
    let count = take_number(&mut input).ok_or_else(senseless)?;
    let mut first = None;
    let mut groups = OwnGroups::default();
    for _ in 0..count {
        let key = take_key(&mut input)?.ok_or_else(senseless)?;
        let (changes, settled) = (take_number(&mut input), take_number(&mut input));
        let (gateway, snapshot) = (take_bytes(&mut input), take_bytes(&mut input));
        let (Some(changes), Some(settled), Some(gateway), Some(snapshot)) = (changes, settled, gateway, snapshot)
        else {
            return Err(senseless());
        };
        let gateway = str::from_utf8(gateway).map_err(|_| senseless())?;
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
                group.gateway = gateway.map_err(|_| senseless())?;
                if let Some(known) = before.list.iter().find(|known| known.key == group.key) {
                    group.config = known.config.clone();
                    group.steps = known.steps.clone();
                    group.pending.tried = known.pending.tried;
                }
                groups.list.push(group);
            }
            _ => return Err(senseless()),
        }
    }
    let (registry, pending) = first.filter(|_| input.is_empty()).ok_or_else(senseless)?;
    Ok((registry, pending, groups))
}

/// The key of the next group: none within where nobody said one; none at all for what makes no
/// sense.
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

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
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
