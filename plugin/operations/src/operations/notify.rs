//! `send_alerts`, `resolve_alerts` and `notify_webhook`: alerts that a pipe sends to Alertmanager
//! or to a webhook.

use super::call::Call;
use super::definition;
use crate::NAME;
use crate::error::{ClientError, Error};
use crate::http::{Client, Url, redacted};
use crate::registry::{LabelName, Labels};
use crate::servers::alertmanager::{self, Alert, pairs};
use crate::servers::webhook::{self, Notification};
use crate::time::Timestamp;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{AlertFields, NotifyWebhook, SendAlerts};
use plugpipe_contract::responses::{AlertsResolved, AlertsSent, Delivery, FormerRule, Mock, SentAlert, SentAlerts};
use plugpipe_contract::scalar::Moment;

/// More alerts in one call are considered a mistake.
const MAX_ALERTS: usize = 10_000;

/// The year 2500, in nanoseconds since the Unix epoch: alerts and silences begin and end before it.
pub const MAX_MOMENT: u64 = 16_725_225_600_000_000_000;

/// `send_alerts`: sends firing alerts to Alertmanager. Repeat it while they fire.
pub fn send(
    call: &mut Call,
    Both(request, alert): &Both<SendAlerts, AlertFields>,
) -> Result<(AlertsSent, SentAlerts), Error> {
    let alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    let (Mock { mock }, alerts_sent) = post(call, &alerts)?;
    Ok((AlertsSent { mock, alerts_sent }, sent(&alerts)))
}

/// `resolve_alerts`: sends resolved alerts to Alertmanager; their end is now by default.
pub fn resolve(
    call: &mut Call,
    Both(request, alert): &Both<SendAlerts, AlertFields>,
) -> Result<(AlertsResolved, SentAlerts), Error> {
    let mut alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    for alert in &mut alerts {
        alert.ends_at = Some(alert.ends_at.map_or(call.unix_nanos, |end| end.min(call.unix_nanos)));
    }
    let (Mock { mock }, alerts_resolved) = post(call, &alerts)?;
    Ok((AlertsResolved { mock, alerts_resolved }, sent(&alerts)))
}

/// Sends alerts to Alertmanager and returns how many it accepted.
fn post(call: &mut Call, alerts: &[Alert]) -> Result<(Mock, u64), Error> {
    ask(call, |client, base| alertmanager::post_alerts(client, base, alerts).map(|()| alerts.len() as u64))
}

/// `notify_webhook`: posts alerts to a webhook.
pub fn webhook(
    call: &mut Call,
    Both(request, alert): &Both<NotifyWebhook, AlertFields>,
) -> Result<(Delivery, SentAlerts), Error> {
    let alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    let url = call.config.webhook_url.clone().ok_or(Error::NotConfigured {
        field: "webhook_url",
        todo: "set it to the receiver's URL, for example {\"webhook_url\": \"https://alerts.example.com/hook\"}",
    })?;
    let delivery = deliver(call, &url, &alerts, request.receiver.get(), None)?;
    Ok((delivery, sent(&alerts)))
}

/// Posts alerts to a webhook. `receiver` is this plug by default. `rule` is the alert data in the
/// Python plug's format; by default, the first alert's labels and annotations.
pub fn deliver(
    call: &mut Call,
    url: &Url,
    alerts: &[Alert],
    receiver: Option<&str>,
    rule: Option<&FormerRule>,
) -> Result<Delivery, Error> {
    webhook::check_target(url, "webhook_url")?;
    let (config, now) = (call.config, call.unix_nanos);
    let webhook_url = redacted(url);
    if config.mock {
        return Ok(Delivery { mock: true, webhook_url, ..Delivery::default() });
    }
    let notification = Notification { alerts, receiver: receiver.unwrap_or(NAME), external_url: "", now };
    let body = notification.body(config.webhook_format, rule);
    let key = config.webhook_secret.as_ref();
    let status = webhook::send(&mut call.client(config.limits(), true), url, body, key, now)?;
    Ok(Delivery { mock: false, webhook_url, delivered: true, signed: Some(key.is_some()), http_status: Some(status) })
}

fn sent(alerts: &[Alert]) -> SentAlerts {
    let sent = |alert: &Alert| SentAlert {
        fingerprint: format!("{:016x}", alert.fingerprint()),
        labels: pairs(&alert.labels).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    SentAlerts { alerts: alerts.iter().map(sent).collect() }
}

/// Sends a request to the configured Alertmanager; in `mock_mode`, returns the default.
pub fn ask<T: Default>(
    call: &mut Call,
    ask: impl FnOnce(&mut Client, &Url) -> Result<T, ClientError>,
) -> Result<(Mock, T), Error> {
    let (config, mock) = (call.config, call.config.mock);
    let base = config.alertmanager_url.as_ref().ok_or(Error::NotConfigured {
        field: "alertmanager_url",
        todo: "set it to Alertmanager's URL, for example {\"prometheus_config\": {\"alertmanager_url\": \"http://127.0.0.1:9093\"}}",
    })?;
    let response = if mock { T::default() } else { ask(&mut call.client(config.limits(), true), base)? };
    Ok((Mock { mock }, response))
}

/// Reads `alerts` or, without them, the single alert at the top level.
fn read_alerts(alerts: Option<&[AlertFields]>, alert: &AlertFields, now: u64) -> Result<Vec<Alert>, Error> {
    let Some(alerts) = alerts else { return Ok(vec![read_alert(alert, now)?]) };
    match alerts.len() {
        0 => return Err(Error::missing("alerts", "at least one alert")),
        count if count > MAX_ALERTS => {
            return Err(Error::invalid("alerts", format!("expected at most {MAX_ALERTS} alerts, got {count}")));
        }
        _ => {}
    }
    let read = |(index, alert)| read_alert(alert, now).map_err(|error| error.within(&format!("alerts[{index}]")));
    alerts.iter().enumerate().map(read).collect()
}

fn read_alert(fields: &AlertFields, now: u64) -> Result<Alert, Error> {
    let utf8 = fields.utf8.or(false);
    let given = definition::labels(&fields.labels, utf8, "labels")?;
    let mut labels: Vec<(LabelName, Box<str>)> =
        given.iter().map(|(name, value)| (name.clone(), value.into())).collect();
    for (field, own, label) in
        [("alert_name", &fields.alert_name, "alertname"), ("severity", &fields.severity, "severity")]
    {
        match (own.get(), given.get(label)) {
            (None, _) => {}
            (Some(own), None) => labels.push((LabelName::new(label, "labels")?, own.into())),
            (Some(own), Some(same)) if own == same => {}
            (Some(own), Some(other)) => {
                let problem = format!("is {own:?}, but labels.{label} is {other:?}; give it once");
                return Err(Error::invalid(field, problem));
            }
        }
    }
    // Alertmanager treats an empty label as missing.
    labels.retain(|(_, value)| !value.is_empty());
    if !labels.iter().any(|(name, _)| name.as_str() == "alertname") {
        return Err(Error::missing("alert_name", "the alert's name"));
    }
    let alert = Alert {
        labels: Labels::of(labels, "labels")?,
        annotations: definition::labels(&fields.annotations, utf8, "annotations")?,
        starts_at: instant(&[("starts_at", &fields.starts_at), ("startsAt", &fields.starts_at_of_api)], now)?,
        ends_at: instant(&[("ends_at", &fields.ends_at), ("endsAt", &fields.ends_at_of_api)], now)?,
        generator_url: fields.generator_url.to_owned().or_else(|| fields.generator_url_of_api.to_owned()),
    };
    match (alert.starts_at, alert.ends_at) {
        (Some(start), Some(end)) if end < start => Err(Error::invalid("ends_at", "is before starts_at")),
        _ => Ok(alert),
    }
}

/// The first given timestamp, in nanoseconds since the Unix epoch. It must be between 1970 and
/// 2500.
pub fn instant(given: &[(&str, &Moment)], now_unix_nanos: u64) -> Result<Option<u64>, Error> {
    let Some((field, given)) = given.iter().find(|(_, moment)| moment.is_given()) else { return Ok(None) };
    let moment = given.at(field, now_unix_nanos)?.and_then(Timestamp::unix_nanos);
    moment
        .filter(|nanos| *nanos < MAX_MOMENT)
        .map(Some)
        .ok_or_else(|| Error::invalid(*field, "expected a time between the years 1970 and 2500"))
}
