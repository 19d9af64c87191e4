//! `remote_write_metrics` and `export_otlp`: what is to be sent. [`crate::hosting`] sends it.

use std::rc::Rc;

use super::call::Call;
use super::deltas::State;
use super::own_groups::{self, OwnGroups, group_text};
use super::pushes::{Contents, PERIOD_MS};
use super::receivers::Kept;
use super::together::refresh_all;
use crate::config::Config;
use crate::error::Error;
use crate::exposition::otlp::{Export, Temporality, encode_all};
use crate::hosting::deleting::Settles;
use crate::hosting::exporting::ExportTask;
use crate::hosting::schedule::{Role, Want, Wanted};
use crate::hosting::worker::How;
use crate::hosting::writing::WriteTask;
use crate::http::redacted;
use crate::registry::{Kind, Registry};
use crate::servers::pushgateway::Group;
use crate::telemetry::{is_own, own_series};
use crate::{NAME, VERSION};
use plugpipe_contract::requests::Deliver;
use plugpipe_contract::response::Eventually;
use plugpipe_contract::responses::{OtlpExported, RemoteWritten};

/// Writes what is recorded, and what a receiver that was away has missed.
pub fn write(call: &mut Call, request: &Deliver) -> Result<Eventually<RemoteWritten>, Error> {
    let config = call.config;
    if config.mock {
        return Ok(Eventually::Now(RemoteWritten { mock: true, ..RemoteWritten::default() }));
    }
    let url = config.remote.write_url.as_ref().ok_or(Error::NotConfigured {
        field: "remote_write_url",
        todo: "set it to a receiver, for example {\"prometheus_config\": {\"remote_write_url\": \"http://127.0.0.1:9090/api/v1/write\"}}",
    })?;
    let now_ms = call.unix_nanos / 1_000_000;
    refresh_all(call.registry, call.groups, call.telemetry, false, now_ms)?;
    let contents = contents(call)?;
    let receiver = call.receivers.of(url, call.unix_nanos)?;
    let is_idle = receiver.send_queue.pending() == 0 && !receiver.send_queue.is_in_flight();
    if request.if_changed.or(false) && is_idle && call.pushes.is_delivered(url, &contents) {
        return Ok(Eventually::Now(RemoteWritten {
            unchanged: true,
            requests: Some(0),
            pending: Some(0),
            receiver: Some(redacted(url)),
            ..RemoteWritten::default()
        }));
    }
    let external = &config.remote.external_labels;
    let mut families = call.registry.read(now_ms);
    // A write that is repeated after a crash carries the values that it had. The plug's own metrics,
    // which begin again, would be others by then.
    families.retain(|family| !is_own(family.name));
    let mut parts = vec![(families, default_labels(config))];
    parts.extend(call.groups.list.iter().map(|group| {
        let labels = external.iter().map(|(name, value)| (name.as_str(), value));
        (group.part(now_ms).families, labels.collect())
    }));
    receiver.send_queue.add_all(&parts, now_ms);
    receiver.bound_behind(Kept::of(&config.remote), now_ms);
    let mut settles = Vec::new();
    if config.gateway_url.is_none() {
        settles.push((Settles(call.base.group()?), call.pending.changes()));
        let others = call.groups.list.iter();
        settles.extend(others.map(|group| (Settles(group.key.clone()), group.pending.changes())));
    }
    let how = How { limits: config.remote.write_limits(config.limits()), ..How::asked(config) };
    let mut task = WriteTask::new(url.clone(), how, &config.remote, settles);
    task.contents = Some(contents);
    call.next.wants.push(Want { role: Role::Talk, task: Ok(Wanted::Write(task)) });
    Ok(Eventually::Later)
}

/// Labels added to series that do not have them: external labels, then those that a scrape would
/// add.
fn default_labels(config: &Config) -> Vec<(&str, &str)> {
    let own = [("job", config.job_name.as_str())].into_iter();
    let instance = config.instance.as_deref().map(|instance| ("instance", instance));
    let external = config.remote.external_labels.iter().map(|(name, value)| (name.as_str(), value));
    external.chain(own).chain(instance).collect()
}

/// Exports what is recorded to an OTLP receiver.
pub fn export(call: &mut Call, request: &Deliver) -> Result<Eventually<OtlpExported>, Error> {
    let config = call.config;
    if config.mock {
        return Ok(Eventually::Now(OtlpExported { mock: true, ..OtlpExported::default() }));
    }
    let url = config.remote.otlp_url.as_ref().ok_or(Error::NotConfigured {
        field: "otlp_url",
        todo: "set it to a receiver, for example {\"otlp_url\": \"http://127.0.0.1:9090/api/v1/otlp/v1/metrics\"}",
    })?;
    let contents = contents(call)?;
    if request.if_changed.or(false) && call.pushes.is_delivered(url, &contents) {
        return Ok(Eventually::Now(OtlpExported {
            unchanged: true,
            receiver: Some(redacted(url)),
            ..OtlpExported::default()
        }));
    }
    let delta = config.remote.otlp_delta;
    if delta {
        call.pushes.deltas.open(url)?;
        if config.own_metrics {
            call.warn("own_metrics: the plug's own metrics are not exported as deltas; scrape or push them, or use otlp_temporality cumulative");
        }
    }
    let mut left_out = call.registry.names_of(Kind::GaugeHistogram);
    left_out.extend(call.groups.list.iter().flat_map(|group| group.registry.names_of(Kind::GaugeHistogram)));
    if let Some(first) = left_out.first() {
        let more = left_out.len() - 1;
        call.warn(format!(
            "{first}: OTLP has no gauge histograms; this one{} left out of the export; push it, let it be scraped or \
             remote-write it",
            if more > 0 { format!(" and {more} more are") } else { " is".into() }
        ));
    }
    let (how, config) = (How::asked(config), Some(Rc::new(config.clone())));
    let task = ExportTask { url: url.clone(), how, config, delta, contents };
    call.next.wants.push(Want { role: Role::Talk, task: Ok(Wanted::Export(task)) });
    Ok(Eventually::Later)
}

/// What is recorded now, to know later whether anything changed. The plug's own metrics, which
/// change with every call, do not count.
fn contents(call: &mut Call) -> Result<Contents, Error> {
    let now_ms = call.unix_nanos / 1_000_000;
    call.registry.expire(now_ms);
    let mut changes = vec![(group_text(&call.base.group()?), call.pending.changes())];
    let mut series = call.registry.len() - own_series(call.registry);
    for group in &mut call.groups.list {
        group.registry.expire(now_ms);
        changes.push((group_text(&group.key), group.pending.changes()));
        series += group.registry.len();
    }
    Ok(Contents { changes, series: series as u64, period: now_ms / PERIOD_MS })
}

/// A body of OTLP.
#[derive(Debug, Default)]
pub(crate) struct OtlpBody {
    pub(crate) bytes: Vec<u8>,
    /// How many data points it has.
    pub(crate) points: u64,
    /// How many series are left out of a delta because nobody knows since when they count.
    pub(crate) undated: u64,
}

/// All that is recorded as one body of OTLP.
pub(crate) fn otlp_body(registry: &Registry, groups: &OwnGroups, config: &Config, unix_nanos: u64) -> OtlpBody {
    let export = Export { scope: (NAME, VERSION), temporality: Temporality::Cumulative, unix_nanos };
    body_of(registry, groups, config, export)
}

/// What was counted between two states as one body of OTLP, with all else as it is now. The plug's
/// own metrics, which begin again with a crash, are left out.
pub(crate) fn delta_body(before: &State, now: &State, config: &Config) -> Result<OtlpBody, Error> {
    let read = |state: &State| own_groups::restore(&state.groups, now.unix_ms, &OwnGroups::default());
    let (mut registry, _, mut groups) = read(now)?;
    let earlier = if before.groups.is_empty() { None } else { Some(read(before)?) };
    let earlier_of = |key: Option<&Group>| {
        let (main, _, others) = earlier.as_ref()?;
        let other = || others.list.iter().find(|group| Some(&group.key) == key).map(|group| &group.registry);
        if others.main_key.as_ref() == key { Some(main) } else { other() }
    };
    let mut undated = registry.subtract(earlier_of(groups.main_key.as_ref()), before.unix_ms);
    for group in &mut groups.list {
        undated += group.registry.subtract(earlier_of(Some(&group.key)), before.unix_ms);
    }
    let unix_nanos = now.unix_ms.saturating_mul(1_000_000);
    let export = Export { scope: (NAME, VERSION), temporality: Temporality::Delta, unix_nanos };
    Ok(OtlpBody { undated, ..body_of(&registry, &groups, config, export) })
}

// Inlining it at its call sites would add kilobytes to the component.
#[inline(never)]
fn body_of(registry: &Registry, groups: &OwnGroups, config: &Config, export: Export) -> OtlpBody {
    let now_ms = export.unix_nanos / 1_000_000;
    let external = || {
        let (attributes, external) = (&config.remote.resource_attributes, &config.remote.external_labels);
        let is_own = |name: &str| attributes.iter().any(|(own, _)| own.as_str() == name);
        let external = external.iter().filter(move |(name, _)| !is_own(name.as_str()));
        attributes.iter().chain(external).map(|(name, value)| (name.as_str(), value))
    };
    let mut resource = vec![("service.name", config.job_name.as_str())];
    resource.extend(config.instance.as_deref().map(|instance| ("service.instance.id", instance)));
    resource.extend(external());
    let mut families = registry.read(now_ms);
    families.retain(|family| export.temporality == Temporality::Cumulative || !is_own(family.name));
    let mut resources = vec![(families, resource)];
    for group in groups.list.iter().filter(|group| !group.registry.is_empty()) {
        // Receivers make job and instance of these two; the key's other labels are attributes of
        // the points.
        let mut resource = vec![("service.name", group.key.job.as_str())];
        resource.extend(group.key.labels.get("instance").map(|instance| ("service.instance.id", instance)));
        resource.extend(external());
        resources.push((group.part_of_resource(now_ms), resource));
    }
    let (bytes, points) = encode_all(&resources, export);
    OtlpBody { bytes, points, undated: 0 }
}
