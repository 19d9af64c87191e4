//! Operations on all groups together: clear, refresh, expose and restore.

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

/// Restores a snapshot and returns the previous groups; on an error, nothing is changed.
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

/// Removes all families and series of all groups, re-registers the configured families, and returns
/// the number of removed series.
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

/// Removes all families and series of one group.
pub fn clear_one(registry: &mut Registry, pending: &mut Pending) -> usize {
    let removed = registry.clear();
    if removed > 0 {
        pending.mark();
    }
    removed
}

/// Expires series and, if enabled, publishes the plug's own metrics.
#[inline]
pub fn refresh(registry: &mut Registry, telemetry: &Telemetry, own_metrics: bool, now_ms: u64) -> Result<(), Error> {
    registry.expire(now_ms);
    if own_metrics { telemetry.publish(registry) } else { Ok(()) }
}

/// Refreshes all groups.
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

/// Refreshes and encodes the registry.
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

/// All recorded metrics.
pub struct All<'a> {
    /// The metrics of the plug's own group.
    pub registry: &'a mut Registry,
    /// The other groups.
    pub groups: &'a mut OwnGroups,
    /// The configuration.
    pub config: &'a Config,
    /// Whether the plug's metrics about itself are exposed too, which a call may request.
    pub own_metrics: bool,
    /// The steps that recorded the metrics of the plug's own group, if known.
    pub steps: Option<&'a Steps>,
}

/// Refreshes all groups and encodes them as one exposition. Metrics of the configured group do not
/// get the labels of its key.
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
        let no_steps = Steps::with_hasher(Default::default());
        let key = config.group()?;
        let origin = Box::new(|metric: &str| own_groups::origin(&key, steps.unwrap_or(&no_steps), metric));
        let others = groups.list.iter().map(|group| group.part(now_ms)).collect();
        let (bytes, choice) = exposition.encode_with(registry, origin, others, choice, now_ms, now_ms)?;
        (bytes.into(), choice)
    };
    telemetry.encoded_bytes += bytes.len() as u64;
    Ok((bytes, choice))
}

/// Remembers which step first recorded a metric, if the caller gives its step, and adds it to
/// errors about conflicting metrics.
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
