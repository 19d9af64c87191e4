//! `send_alerts`, `resolve_alerts` and `notify_webhook`: alerts that a pipe raises by itself, to Alertmanager or to a webhook.

use super::{Answer, Call};
use crate::NAME;
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::http::{Url, redacted};
use crate::json::{Json, Writer};
use crate::registry::{LabelName, Labels};
use crate::servers::alertmanager::{self, Alert, pairs, write_labels};
use crate::servers::webhook::{self, Notification};

/// More alerts than this in one call are a mistake.
const MAX_ALERTS: usize = 10_000;

/// The year 2500, in nanoseconds since the Unix epoch: alerts and silences begin and end before it.
pub(super) const MAX_MOMENT: u64 = 16_725_225_600_000_000_000;

/// `send_alerts`: tells Alertmanager of alerts that hold. To be repeated while they do.
pub(super) fn send(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let alerts = read_alerts(call)?;
    post(call, answer, &alerts, "alerts_sent")
}

/// `resolve_alerts`: tells Alertmanager that alerts have ended, now where they do not say when.
pub(super) fn resolve(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let mut alerts = read_alerts(call)?;
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
pub(super) fn webhook(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let alerts = read_alerts(call)?;
    let url = match call.ctx.some("webhook_url") {
        Some(_) => webhook_url(&call.ctx)?,
        None => call.config.webhook_url.clone(),
    };
    let url = url.ok_or(Error::NotConfigured {
        field: "webhook_url",
        todo: "name the receiver, for example {\"webhook_url\": \"https://alerts.example.com/hook\"}",
    })?;
    let receiver = call.ctx.text_or_none("receiver", "a receiver's name")?;
    deliver(call, answer, &url, &alerts, receiver.as_deref(), None)?;
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

/// `alerts`, a list; or one alert, whose fields stand at the top.
fn read_alerts(call: &Call) -> Result<Vec<Alert>, Error> {
    let alerts = match call.ctx.some("alerts") {
        None => vec![read_alert(&call.ctx, call.unix_nanos)?],
        Some(Json::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let path = format!("alerts[{index}]");
                match item {
                    Json::Object(map) => read_alert(&Fields::new(map, &path), call.unix_nanos),
                    other => Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
                }
            })
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(Error::invalid("alerts", format!("expected a list, got {}", fields::kind_of(other))));
        }
    };
    match alerts.len() {
        0 => Err(Error::missing("alerts", "at least one alert")),
        count if count > MAX_ALERTS => {
            Err(Error::invalid("alerts", format!("{count} alerts are given; one call takes {MAX_ALERTS}")))
        }
        _ => Ok(alerts),
    }
}

/// `{alert_name, severity, labels, annotations, starts_at, ends_at, generator_url}`, or with the API's own names.
fn read_alert(fields: &Fields, now_unix_nanos: u64) -> Result<Alert, Error> {
    let utf8 = fields.some("utf8").and_then(fields::flag).unwrap_or(false);
    let given = fields.labels("labels", utf8)?;
    let mut labels: Vec<(LabelName, Box<str>)> =
        given.iter().map(|(name, value)| (name.clone(), value.into())).collect();
    for (field, label) in [("alert_name", "alertname"), ("severity", "severity")] {
        match (fields.text_or_none(field, "text")?, given.get(label)) {
            (None, _) => {}
            (Some(own), None) => labels.push((LabelName::new(label, "labels")?, own.into())),
            (Some(own), Some(same)) if own == same => {}
            (Some(own), Some(other)) => {
                return Err(Error::invalid(
                    fields.path(field),
                    format!("is {own:?}, but labels.{label} is {other:?}; give it once"),
                ));
            }
        }
    }
    // To Alertmanager, a label without a value is none.
    labels.retain(|(_, value)| !value.is_empty());
    if !labels.iter().any(|(name, _)| name.as_str() == "alertname") {
        return Err(Error::missing(fields.path("alert_name"), "the alert's name"));
    }
    let alert = Alert {
        labels: Labels::of(labels, &fields.path("labels"))?,
        annotations: fields.labels("annotations", utf8)?,
        starts_at: instant(fields, &["starts_at", "startsAt"], now_unix_nanos)?,
        ends_at: instant(fields, &["ends_at", "endsAt"], now_unix_nanos)?,
        generator_url: fields.any(&["generator_url", "generatorURL"]).and_then(|(_, url)| fields::scalar(url)),
    };
    match (alert.starts_at, alert.ends_at) {
        (Some(start), Some(end)) if end < start => Err(Error::invalid(fields.path("ends_at"), "lies before starts_at")),
        _ => Ok(alert),
    }
}

/// A moment between the years 1970 and 2500, in nanoseconds since the Unix epoch; under the first
/// of these names.
pub(super) fn instant(fields: &Fields, keys: &[&str], now_unix_nanos: u64) -> Result<Option<u64>, Error> {
    let Some(moment) = fields.moment(keys, now_unix_nanos)? else { return Ok(None) };
    moment.unix_nanos().filter(|nanos| *nanos < MAX_MOMENT).map(Some).ok_or_else(|| {
        let path = fields.any(keys).map(|(key, _)| fields.path(key)).unwrap_or_default();
        Error::invalid(path, "expected a moment between the years 1970 and 2500")
    })
}
