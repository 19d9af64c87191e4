//! `send_alerts`, `resolve_alerts` and `notify_webhook`: alerts that a pipe raises by itself, to Alertmanager or to a webhook.

use super::{Answer, Call, definition};
use crate::NAME;
use crate::error::Error;
use crate::fields::Fields;
use crate::http::{Url, redacted};
use crate::json::Writer;
use crate::registry::{LabelName, Labels};
use crate::servers::alertmanager::{self, Alert, pairs, write_labels};
use crate::servers::webhook::{self, Notification};
use crate::time::Timestamp;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{AlertFields, NotifyWebhook, SendAlerts};
use plugpipe_contract::scalar::Moment;

/// More alerts than this in one call are a mistake.
const MAX_ALERTS: usize = 10_000;

/// The year 2500, in nanoseconds since the Unix epoch: alerts and silences begin and end before it.
pub(super) const MAX_MOMENT: u64 = 16_725_225_600_000_000_000;

/// `send_alerts`: tells Alertmanager of alerts that hold. To be repeated while they do.
pub(super) fn send(
    call: &mut Call,
    Both(request, alert): &Both<SendAlerts, AlertFields>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    post(call, answer, &alerts, "alerts_sent")
}

/// `resolve_alerts`: tells Alertmanager that alerts have ended, now where they do not say when.
pub(super) fn resolve(
    call: &mut Call,
    Both(request, alert): &Both<SendAlerts, AlertFields>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let mut alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    for alert in &mut alerts {
        alert.ends_at = Some(alert.ends_at.map_or(call.unix_nanos, |end| end.min(call.unix_nanos)));
    }
    post(call, answer, &alerts, "alerts_resolved")
}

fn post(call: &mut Call, answer: &mut Answer, alerts: &[Alert], counted: &'static str) -> Result<(), Error> {
    let base = alertmanager_url(call)?;
    if call.config.mock {
        answer.flag("mock", true);
        answer.count(counted, 0);
    } else {
        alertmanager::post_alerts(&mut call.client(call.config.limits(), true), &base, alerts)?;
        answer.count(counted, alerts.len() as u64);
    }
    write_told(answer, alerts);
    Ok(())
}

/// `notify_webhook`: posts alerts to a webhook. `delivered` is true when the receiver said 2xx.
pub(super) fn webhook(
    call: &mut Call,
    Both(request, alert): &Both<NotifyWebhook, AlertFields>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let alerts = read_alerts(request.alerts.as_deref(), alert, call.unix_nanos)?;
    let url = call.config.webhook_url.clone().ok_or(Error::NotConfigured {
        field: "webhook_url",
        todo: "name the receiver, for example {\"webhook_url\": \"https://alerts.example.com/hook\"}",
    })?;
    deliver(call, answer, &url, &alerts, request.receiver.get(), None)?;
    write_told(answer, &alerts);
    Ok(())
}

/// Posts alerts to a webhook and writes `delivered`, `webhook_url` and the status. `receiver` is
/// this plug by default. `rule` is what the Python plug's format tells, an object as JSON; none for
/// the first alert's labels and annotations.
pub(super) fn deliver(
    call: &mut Call,
    answer: &mut Answer,
    url: &Url,
    alerts: &[Alert],
    receiver: Option<&str>,
    rule: Option<&str>,
) -> Result<(), Error> {
    webhook::check_target(url, "webhook_url")?;
    answer.text("webhook_url", &redacted(url));
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("delivered", false);
        return Ok(());
    }
    let (config, now) = (call.config, call.unix_nanos);
    let notification = Notification { alerts, receiver: receiver.unwrap_or(NAME), external_url: "", now };
    let own_rule = match rule {
        Some(_) => String::new(),
        None => alerts.first().map(alert_data).unwrap_or_else(|| "{}".into()),
    };
    let body = notification.body(config.webhook_format, rule.unwrap_or(&own_rule));
    let status =
        webhook::send(&mut call.client(config.limits(), true), url, body, config.webhook_secret.as_ref(), now)?;
    answer.flag("delivered", true);
    answer.flag("signed", config.webhook_secret.is_some());
    answer.count("http_status", status.into());
    Ok(())
}

/// An alert as the Python plug's format tells a rule.
fn alert_data(alert: &Alert) -> String {
    let mut data = Writer::new();
    data.text("alert", alert.labels.get("alertname").unwrap_or_default());
    write_labels(&mut data, "labels", pairs(&alert.labels));
    write_labels(&mut data, "annotations", pairs(&alert.annotations));
    data.finish()
}

fn write_told(answer: &mut Answer, alerts: &[Alert]) {
    answer.open_list("alerts");
    for alert in alerts {
        answer.open_item();
        answer.text("fingerprint", &format!("{:016x}", alert.fingerprint()));
        write_labels(answer, "labels", pairs(&alert.labels));
        answer.close();
    }
    answer.close_list();
}

/// The Alertmanager that is configured.
pub(super) fn alertmanager_url(call: &Call) -> Result<Url, Error> {
    call.config.alertmanager_url.clone().ok_or(Error::NotConfigured {
        field: "alertmanager_url",
        todo: "name an Alertmanager, for example {\"prometheus_config\": {\"alertmanager_url\": \"http://127.0.0.1:9093\"}}",
    })
}

/// The field `webhook_url`, where it is there.
pub(super) fn webhook_url(fields: &Fields) -> Result<Option<Url>, Error> {
    let Some(text) = fields.text_or_none("webhook_url", "a URL")? else { return Ok(None) };
    Url::parse(text.trim()).map(Some).map_err(|problem| Error::invalid(fields.path("webhook_url"), problem))
}

/// `alerts`, or without them the one whose fields stand beside.
fn read_alerts(alerts: Option<&[AlertFields]>, alert: &AlertFields, now: u64) -> Result<Vec<Alert>, Error> {
    let Some(alerts) = alerts else { return Ok(vec![read_alert(alert, now)?]) };
    match alerts.len() {
        0 => return Err(Error::missing("alerts", "at least one alert")),
        count if count > MAX_ALERTS => {
            return Err(Error::invalid("alerts", format!("{count} alerts are given; one call takes {MAX_ALERTS}")));
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
    // To Alertmanager, a label without a value is none.
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
        (Some(start), Some(end)) if end < start => Err(Error::invalid("ends_at", "lies before starts_at")),
        _ => Ok(alert),
    }
}

/// The first of these moments that is given, which lies between the years 1970 and 2500, in
/// nanoseconds since the Unix epoch.
pub(super) fn instant(given: &[(&str, &Moment)], now_unix_nanos: u64) -> Result<Option<u64>, Error> {
    let Some((field, given)) = given.iter().find(|(_, moment)| moment.is_given()) else { return Ok(None) };
    let moment = given.at(field, now_unix_nanos)?.and_then(Timestamp::unix_nanos);
    moment
        .filter(|nanos| *nanos < MAX_MOMENT)
        .map(Some)
        .ok_or_else(|| Error::invalid(*field, "expected a moment between the years 1970 and 2500"))
}
