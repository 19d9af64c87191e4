//! What concerns the plug's own group and those with keys of their own together: clearing them,
//! bringing them up to the time, exposing them as one, restoring them.

use std::borrow::Cow;

use super::own_groups::{self, OwnGroups, Pending, Steps};
use crate::config::Config;
use plugpipe_metrics::Error::Conflict;

use crate::error::{Error, excerpt};
use crate::exposition::Exposition;
use crate::exposition::negotiate::Choice;
use crate::registry::Registry;
use crate::servers::pushgateway::Group;
use crate::telemetry::Telemetry;
use plugpipe_contract::scalar::Verbatim;

/// Takes over what a snapshot holds, and returns the groups that were there before; on an error
/// nothing has changed.
pub fn restore(
    snapshot: &[u8],
    seed: u64,
    config: &Config,
    registry: &mut Registry,
    pending: &mut Pending,
    groups: &mut OwnGroups,
) -> Result<OwnGroups, Error> {
    let (restored, due, others) = own_groups::restore(snapshot, seed, groups)?;
    let tried = pending.tried;
    *registry = restored;
    let before = core::mem::replace(groups, others);
    *pending = due;
    pending.tried = tried;
    registry.default_buckets = config.histogram_buckets.clone();
    for group in &mut groups.list {
        group.registry.default_buckets = config.histogram_buckets.clone();
    }
    Ok(before)
}

/// Forgets all families and series of all groups, and returns how many series there were; the
/// configured families are there again.
pub fn clear(
    registry: &mut Registry,
    groups: &mut OwnGroups,
    config: &Config,
    pending: &mut Pending,
) -> Result<usize, Error> {
    let mut removed = clear_one(registry, pending);
    removed += groups.list.iter_mut().map(|group| clear_one(&mut group.registry, &mut group.pending)).sum::<usize>();
    if config.default_metrics {
        crate::catalog::register(registry)?;
    }
    Ok(removed)
}

/// The same for one group.
pub fn clear_one(registry: &mut Registry, pending: &mut Pending) -> usize {
    let removed = registry.clear();
    if removed > 0 {
        pending.mark();
    }
    removed
}

/// Brings a registry up to the time.
#[inline]
pub fn refresh(registry: &mut Registry, telemetry: &Telemetry, own_metrics: bool, now_ms: u64) -> Result<(), Error> {
    registry.expire(now_ms);
    if own_metrics { telemetry.publish(registry) } else { Ok(()) }
}

/// Brings all groups up to the time.
#[inline]
pub fn refresh_all(
    registry: &mut Registry,
    groups: &mut OwnGroups,
    telemetry: &mut Telemetry,
    own_metrics: bool,
    now_ms: u64,
) -> Result<(), Error> {
    for group in &mut groups.list {
        group.registry.expire(now_ms);
    }
    (telemetry.other_series, telemetry.other_dropped) = (groups.series() as u64, groups.dropped());
    refresh(registry, telemetry, own_metrics, now_ms)
}

/// Brings the registry up to the time, and writes it.
pub fn expose<'e>(
    registry: &mut Registry,
    exposition: &'e mut Exposition,
    telemetry: &mut Telemetry,
    own_metrics: bool,
    choice: Choice,
    now_ms: u64,
) -> Result<(Cow<'e, [u8]>, Choice), Error> {
    refresh(registry, telemetry, own_metrics, now_ms)?;
    let (bytes, choice) = exposition.encode(registry, choice, now_ms)?;
    telemetry.encoded_bytes += bytes.len() as u64;
    Ok((bytes, choice))
}

/// All that was recorded.
pub struct All<'a> {
    /// What was recorded under the plug's own key.
    pub registry: &'a mut Registry,
    /// What was recorded under others.
    pub groups: &'a mut OwnGroups,
    /// The configuration.
    pub config: &'a Config,
    /// Whether the plug's metrics about itself are exposed too: a call may ask for that.
    pub own_metrics: bool,
    /// Who recorded what under the configuration's key, where that is known.
    pub steps: Option<&'a Steps>,
}

/// Brings all groups up to the time, and writes them as one exposition. What was recorded under the
/// configuration's key carries none of its labels.
#[inline]
pub fn expose_all<'e>(
    all: All<'_>,
    exposition: &'e mut Exposition,
    telemetry: &mut Telemetry,
    choice: Choice,
    now_ms: u64,
) -> Result<(Cow<'e, [u8]>, Choice), Error> {
    let All { registry, groups, config, own_metrics, steps } = all;
    refresh_all(registry, groups, telemetry, own_metrics, now_ms)?;
    let (bytes, choice) = if groups.series() == 0 {
        exposition.encode(registry, choice, now_ms)?
    } else {
        let nobody = Steps::with_hasher(Default::default());
        let key = config.group()?;
        let origin = Box::new(|metric: &str| own_groups::origin(&key, steps.unwrap_or(&nobody), metric));
        let others = groups.list.iter().map(|group| group.part(now_ms)).collect();
        let (bytes, choice) = exposition.encode_with(registry, origin, others, choice, now_ms, now_ms)?;
        (bytes.into(), choice)
    };
    telemetry.encoded_bytes += bytes.len() as u64;
    Ok((bytes, choice))
}

/// Remembers which step recorded a metric first, where the caller names its steps; and says it in
/// an error about a metric that is something else already.
#[inline]
pub fn note_steps(
    outcome: Result<(), Error>,
    step: Option<Verbatim>,
    names: Vec<String>,
    key: impl FnOnce() -> Result<Group, Error>,
    registry: &Registry,
    steps: &mut Steps,
) -> Result<(), Error> {
    let step = step.as_ref().map(|step| &*step.0);
    match (outcome, step) {
        (Err(Error::Metrics(Conflict { metric, problem })), step) => {
            let mut problem = format!("{problem} (group {}", own_groups::origin(&key()?, steps, &metric));
            if let Some(step) = step {
                problem.push_str(&format!("; now step {:?}", excerpt(step, 100)));
            }
            problem.push(')');
            Err(Conflict { metric, problem }.into())
        }
        (Ok(()), Some(step)) => {
            for name in names.iter().filter(|name| registry.family(name).is_some()) {
                if !steps.contains_key(name.as_str()) {
                    steps.insert(name.as_str().into(), excerpt(step, 100).into());
                }
            }
            Ok(())
        }
        (outcome, _) => outcome,
    }
}
