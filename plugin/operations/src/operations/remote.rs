//! `remote_write_metrics` and `export_otlp`; and stale markers at `cleanup`.

use core::time::Duration;

use super::call::{Call, client};
use super::receivers::{Receiver, Receivers};
use super::together::refresh_all;
use crate::config::Config;
use crate::error::Error;
use crate::exposition::otlp as otlp_format;
use crate::http::{Client, Limits, redacted};
use crate::send_queue::Amounts;
use crate::servers::otlp;
use crate::servers::remote_write::Version;
use crate::{NAME, VERSION};
use plugpipe_contract::requests::NoFields;
use plugpipe_contract::responses::{EndedReceiver, OtlpExported, RemoteWritten, WrittenValues};

/// Writes recorded metrics, and values queued for an unavailable receiver.
pub fn write(call: &mut Call, _: &NoFields) -> Result<RemoteWritten, Error> {
    let config = call.config;
    if config.mock {
        return Ok(RemoteWritten { mock: true, ..RemoteWritten::default() });
    }
    let url = config.remote.write_url.as_ref().ok_or(Error::NotConfigured {
        field: "remote_write_url",
        todo: "set it to a receiver, for example {\"prometheus_config\": {\"remote_write_url\": \"http://127.0.0.1:9090/api/v1/write\"}}",
    })?;
    let now_ms = call.unix_nanos / 1_000_000;
    refresh_all(call.registry, call.groups, call.telemetry, config.own_metrics, now_ms)?;
    let receiver = call.receivers.of(url, call.unix_nanos)?;
    let external = &config.remote.external_labels;
    let mut parts = vec![(call.registry.read(now_ms), default_labels(config))];
    parts.extend(call.groups.list.iter().map(|group| {
        let labels = external.iter().map(|(name, value)| (name.as_str(), value));
        (group.part(now_ms).families, labels.collect())
    }));
    receiver.send_queue.add_all(&parts, now_ms);

    let limits = config.remote.write_limits(config.limits());
    let mut client = client(call.transport, call.circuits, call.jitter, call.exchange, config, limits, true);
    let delivery = receiver.deliver(&mut client, config.remote.write_version);
    receiver.send_queue.bound(config.remote.write_capacity);
    let (pending, dropped) = (receiver.send_queue.pending() as u64, receiver.send_queue.take_dropped());
    let lost = delivery.refused + dropped;
    call.telemetry.values_lost += lost;
    if let Some(error) = delivery.error {
        return Err(Error::Undelivered {
            cause: Box::new(Error::from(*error)),
            written: delivery.written.values(),
            pending,
            lost,
        });
    }
    if pending == 0 && config.gateway_url.is_none() {
        call.pending.settle();
        call.groups.list.iter_mut().for_each(|group| group.pending.settle());
    }
    let Amounts { samples, histograms, exemplars } = delivery.written;
    Ok(RemoteWritten {
        mock: false,
        written: WrittenValues { samples, histograms, exemplars },
        confirmed: Some(delivery.confirmed),
        version: Some(receiver.spoken.map_or("", Version::name)),
        requests: Some(delivery.requests),
        pending: Some(pending),
        dropped: Some(dropped).filter(|count| *count > 0),
        receiver: Some(redacted(url)),
    })
}

/// Labels added to series that do not have them: external labels, then those that a scrape would
/// add.
fn default_labels(config: &Config) -> Vec<(&str, &str)> {
    let own = [("job", config.job_name.as_str())].into_iter();
    let instance = config.instance.as_deref().map(|instance| ("instance", instance));
    let external = config.remote.external_labels.iter().map(|(name, value)| (name.as_str(), value));
    external.chain(own).chain(instance).collect()
}

/// Sends stale markers for all series to every receiver, each within [`CLEANUP_TIMEOUT`].
pub fn end_all(receivers: &mut Receivers, client: &mut Client, config: &Config) -> Vec<EndedReceiver> {
    let receivers: Vec<Receiver> = core::mem::take(&mut receivers.0);
    let unix_ms = client.transport.unix_nanos() / 1_000_000;
    client.limits = Limits { total: CLEANUP_TIMEOUT.min(config.remote.write_timeout), ..config.push_limits() };
    let mut responses = Vec::new();
    for mut receiver in receivers.into_iter().filter(|receiver| receiver.send_queue.is_in_use()) {
        let ended = receiver.send_queue.end_all(unix_ms);
        let delivery = receiver.deliver(client, config.remote.write_version);
        let pending = receiver.send_queue.pending() as u64;
        let lost = pending + delivery.refused + receiver.send_queue.take_dropped();
        responses.push(EndedReceiver {
            receiver: redacted(&receiver.url),
            series_ended: ended,
            delivered: pending == 0 && delivery.refused == 0,
            lost: Some(lost).filter(|count| *count > 0),
            error: delivery.error.map(|error| Error::from(*error).report()),
        });
    }
    responses
}

/// The timeout of `cleanup` per receiver.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Exports recorded metrics to an OTLP receiver.
pub fn export(call: &mut Call, _: &NoFields) -> Result<OtlpExported, Error> {
    let config = call.config;
    if config.mock {
        return Ok(OtlpExported { mock: true, ..OtlpExported::default() });
    }
    let url = config.remote.otlp_url.as_ref().ok_or(Error::NotConfigured {
        field: "otlp_url",
        todo: "set it to a receiver, for example {\"otlp_url\": \"http://127.0.0.1:9090/api/v1/otlp/v1/metrics\"}",
    })?;
    let now_ms = call.unix_nanos / 1_000_000;
    refresh_all(call.registry, call.groups, call.telemetry, config.own_metrics, now_ms)?;
    let external = || config.remote.external_labels.iter().map(|(name, value)| (name.as_str(), value));
    let mut resource = vec![("service.name", config.job_name.as_str())];
    resource.extend(config.instance.as_deref().map(|instance| ("service.instance.id", instance)));
    resource.extend(external());
    let mut resources = vec![(call.registry.read(now_ms), resource)];
    for group in call.groups.list.iter().filter(|group| !group.registry.is_empty()) {
        // Receivers map these two to job and instance; the key's other labels are attributes of the
        // data points.
        let mut resource = vec![("service.name", group.key.job.as_str())];
        resource.extend(group.key.labels.get("instance").map(|instance| ("service.instance.id", instance)));
        resource.extend(external());
        resources.push((group.part_of_resource(now_ms), resource));
    }
    let (body, points) = otlp_format::encode_all(&resources, (NAME, VERSION), call.unix_nanos);
    let exported = otlp::export(&mut call.client(config.limits(), true), url, body);
    call.telemetry.values_lost += exported.as_ref().map_or(points, |partial| partial.rejected);
    // Nothing is queued: the next export sends the current values.
    let partial = exported.map_err(|cause| Error::Undelivered {
        cause: Box::new(cause.into()),
        written: 0,
        pending: 0,
        lost: points,
    })?;
    Ok(OtlpExported {
        mock: false,
        data_points: points,
        accepted: Some(points.saturating_sub(partial.rejected)),
        rejected_data_points: Some(partial.rejected),
        message: (!partial.message.is_empty()).then(|| crate::error::excerpt(&partial.message, 1_000)),
        receiver: Some(redacted(url)),
    })
}
