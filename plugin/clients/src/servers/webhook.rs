//! Webhooks: alerts told to whoever listens, in the body that Alertmanager sends (version 4) or in the one of the published Python
//! plug, signed where a secret is configured.
//!
//! The URL may come from a pipe's author. The host sends only to origins that it granted; what no webhook may ever be (a
//! link-local address, a cloud's metadata service) is refused here already.

use core::fmt;
use core::net::IpAddr;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::alertmanager::{Alert, pairs, write_labels};
use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url, redacted};
use plugpipe_contract::json::Writer;
use plugpipe_contract::time::rfc3339;

/// For errors.
pub const PEER: Peer = Peer { server: "the webhook", setting: "webhook_url" };

/// Holds the signature: hex HMAC-SHA256, under the name that Grafana gives it.
pub const SIGNATURE_HEADER: &str = "x-grafana-alerting-signature";

/// Holds the moment of sending, in seconds since the Unix epoch, which is signed too.
pub const TIMESTAMP_HEADER: &str = "x-grafana-alerting-timestamp";

/// When an alert that fires ended.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub use plugpipe_contract::settings::WebhookFormat as Format;

/// What signs bodies. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(String);

impl SigningKey {
    /// Signs with this text.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Hex HMAC-SHA256 of `<seconds>:<body>`.
    pub fn sign(&self, unix_seconds: u64, body: &[u8]) -> String {
        // HMAC takes keys of any length, so this is always a signer.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return String::new() };
        mac.update(unix_seconds.to_string().as_bytes());
        mac.update(b":");
        mac.update(body);
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            for digit in [byte >> 4, byte & 15] {
                hex.extend(char::from_digit(digit.into(), 16));
            }
        }
        hex
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// What is told.
#[derive(Debug, Clone, Copy)]
pub struct Notification<'a> {
    /// All alerts; at least one.
    pub alerts: &'a [Alert],
    /// Who is told: Alertmanager has a receiver's name here.
    pub receiver: &'a str,
    /// Where people see more: a URL, or empty.
    pub external_url: &'a str,
    /// Now, in nanoseconds since the Unix epoch.
    pub now: u64,
}

impl Notification<'_> {
    /// The body, in a format. `data` is what the Python plug's format tells: an object, as JSON.
    pub fn body(&self, format: Format, data: &str) -> String {
        let mut body = Writer::new();
        match format {
            Format::Alertmanager => self.write_version_4(&mut body),
            Format::PlugPipe => {
                body.raw("alert_data", data);
                body.text("timestamp", &rfc3339(self.now));
                body.text("source", "plugpipe-prometheus-backend");
            }
        }
        body.finish()
    }

    fn write_version_4(&self, body: &mut Writer) {
        let name = self.alerts.iter().find_map(|alert| alert.labels.get("alertname")).unwrap_or_default();
        body.text("version", "4");
        // Alertmanager's own form of a group by alertname.
        body.text("groupKey", &format!("{{}}:{{alertname={name:?}}}"));
        body.count("truncatedAlerts", 0);
        body.text("status", status(self.alerts.iter().all(|alert| alert.is_resolved(self.now))));
        body.text("receiver", self.receiver);
        write_labels(body, "groupLabels", Some(("alertname", name)));
        for (key, of) in COMMON {
            body.open(key);
            if let Some((first, others)) = self.alerts.split_first() {
                for (name, value) in pairs(of(first)) {
                    if others.iter().all(|alert| of(alert).get(name) == Some(value)) {
                        body.member(name, value);
                    }
                }
            }
            body.close();
        }
        body.text("externalURL", self.external_url);
        body.open_list("alerts");
        for alert in self.alerts {
            let resolved = alert.is_resolved(self.now);
            body.open_item();
            body.text("status", status(resolved));
            write_labels(body, "labels", pairs(&alert.labels));
            write_labels(body, "annotations", pairs(&alert.annotations));
            body.text("startsAt", &rfc3339(alert.starts_at.or(alert.ends_at).unwrap_or(self.now).min(self.now)));
            match alert.ends_at.filter(|_| resolved) {
                Some(end) => body.text("endsAt", &rfc3339(end)),
                None => body.text("endsAt", NEVER),
            }
            body.text("generatorURL", alert.generator_url.as_deref().unwrap_or_default());
            body.text("fingerprint", &format!("{:016x}", alert.fingerprint()));
            body.close();
        }
        body.close_list();
    }
}

/// Of an alert, what a body says once for all.
type Of = fn(&Alert) -> &plugpipe_metrics::registry::Labels;

const COMMON: [(&str, Of); 2] =
    [("commonLabels", |alert| &alert.labels), ("commonAnnotations", |alert| &alert.annotations)];

fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

/// Sends a body, signed if there is a key. Done when the receiver says 2xx; answers the status.
pub fn send(
    client: &mut Client,
    url: &Url,
    body: String,
    key: Option<&SigningKey>,
    now_unix_nanos: u64,
) -> Result<u16, Error> {
    let body = body.into_bytes();
    let mut headers = Vec::new();
    if let Some(key) = key {
        let seconds = now_unix_nanos / 1_000_000_000;
        headers.push((TIMESTAMP_HEADER, seconds.to_string()));
        headers.push((SIGNATURE_HEADER, key.sign(seconds, &body)));
    }
    // Who hears an alert twice knows it by its fingerprint.
    let mut request = Request::new(Method::Post, url.clone()).with_body("application/json", body).repeatable();
    request.headers.extend(headers);
    let response = client.send(PEER, request)?;
    match response.status {
        200..=299 => Ok(response.status),
        _ => Err(super::refused(PEER, url, &response, "")),
    }
}

/// Refuses what no webhook may be: link-local addresses, and names and addresses of clouds' metadata services. The error
/// says which.
pub fn check_target(url: &Url, field: &str) -> Result<(), Error> {
    // An origin always says its port.
    let origin = url.origin();
    let host = origin.split_once("://").map_or(&*origin, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let name = matches!(&*host, "metadata" | "metadata.google.internal" | "metadata.goog" | "instance-data");
    let address = match host.parse() {
        Ok(IpAddr::V4(v4)) => Some(v4),
        Ok(IpAddr::V6(v6)) => {
            if v6.is_unicast_link_local() || host == "fd00:ec2::254" {
                return Err(refuse_target(url, field));
            }
            v6.to_ipv4_mapped()
        }
        Err(_) => None,
    };
    let metadata = address.is_some_and(|v4| v4.is_link_local() || v4.octets() == [100, 100, 100, 200]);
    if name || metadata { Err(refuse_target(url, field)) } else { Ok(()) }
}

fn refuse_target(url: &Url, field: &str) -> Error {
    Error::invalid(
        field,
        format!(
            "{} is a link-local address or a cloud's metadata service, where no webhook is; name another URL",
            redacted(url)
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use plugpipe_metrics::registry::Labels;

    fn alert(name: &str, ends_at: Option<u64>) -> Alert {
        Alert {
            labels: Labels::new([("alertname", name), ("severity", "warning")], "labels").unwrap(),
            annotations: Labels::new([("summary", "s\"\n")], "annotations").unwrap(),
            starts_at: Some(1_000_000_000),
            ends_at,
            generator_url: None,
        }
    }

    fn body(alerts: &[Alert], format: Format) -> Value {
        let notification = Notification { alerts, receiver: "plugpipe", external_url: "", now: 5_000_000_000 };
        serde_json::from_str(&notification.body(format, "{\"alert\":\"a\"}")).unwrap()
    }

    #[test]
    fn a_body_is_alertmanagers_version_4() {
        assert_eq!(
            body(&[alert("Down", None)], Format::Alertmanager),
            json!({
                "version": "4", "groupKey": "{}:{alertname=\"Down\"}", "truncatedAlerts": 0, "status": "firing",
                "receiver": "plugpipe", "groupLabels": {"alertname": "Down"},
                "commonLabels": {"alertname": "Down", "severity": "warning"}, "commonAnnotations": {"summary": "s\"\n"},
                "externalURL": "",
                "alerts": [{
                    "status": "firing", "labels": {"alertname": "Down", "severity": "warning"},
                    "annotations": {"summary": "s\"\n"}, "startsAt": "1970-01-01T00:00:01.000Z",
                    "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                    "fingerprint": format!("{:016x}", alert("Down", None).fingerprint()),
                }],
            })
        );
    }

    #[test]
    fn what_differs_between_alerts_is_not_common_and_all_must_have_ended() {
        let alerts = [alert("A", Some(2_000_000_000)), alert("B", None)];
        let mixed = body(&alerts, Format::Alertmanager);
        assert_eq!((&mixed["status"], &mixed["commonLabels"]), (&json!("firing"), &json!({"severity": "warning"})));
        assert_eq!(mixed["alerts"][0]["status"], "resolved");
        assert_eq!(mixed["alerts"][0]["endsAt"], "1970-01-01T00:00:02.000Z");
        assert_eq!(body(&alerts[..1], Format::Alertmanager)["status"], "resolved");
    }

    #[test]
    fn the_python_plugs_body_has_its_keys() {
        let expected = json!({"alert_data": {"alert": "a"}, "timestamp": "1970-01-01T00:00:05.000Z", "source": "plugpipe-prometheus-backend"});
        assert_eq!(body(&[alert("a", None)], Format::PlugPipe), expected);
    }

    #[test]
    fn a_signature_is_what_other_tools_compute() {
        // printf '1700000000:{"a":1}' | openssl dgst -sha256 -hmac secret
        let key = SigningKey::new("secret".into());
        assert_eq!(
            key.sign(1_700_000_000, b"{\"a\":1}"),
            "4f0bff5cd8903c8149837f5187dd1ebbb1ba3fe7acd2a8b61cb3fb91e509a6ad"
        );
        assert!(!format!("{key:?}").contains("secret"));
    }

    #[test]
    fn metadata_services_are_no_webhooks() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:169.254.169.254]/",
            "http://100.100.100.200/",
            "http://metadata.google.internal./x",
            "http://METADATA/",
        ] {
            let error = check_target(&Url::parse(url).unwrap(), "webhook_url").unwrap_err();
            assert_eq!(error.field(), Some("webhook_url"), "{url}");
        }
        for url in ["http://127.0.0.1:1/", "https://hooks.example.com/x", "http://[::1]:1/", "http://10.0.0.1/"] {
            assert_eq!(check_target(&Url::parse(url).unwrap(), "webhook_url"), Ok(()), "{url}");
        }
    }
}
