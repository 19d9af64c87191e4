//! Webhooks: alert notifications in the format of Alertmanager (version 4) or of the published
//! Python plug, signed if a secret is configured.
//!
//! The URL may come from a pipe's author. The host's egress policy decides which origins are
//! allowed; link-local addresses and cloud metadata services are rejected here in any case.

use core::fmt;
use core::net::IpAddr;

use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::alertmanager::{Alert, label_pairs, pairs};
use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url, redacted};
use plugpipe_contract::responses::{FormerRule, LabelPairs};
use plugpipe_contract::time::rfc3339;
use plugpipe_metrics::registry::Labels;

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "the webhook", setting: "webhook_url" };

/// The header with the signature: hex HMAC-SHA256, named as in Grafana.
pub const SIGNATURE_HEADER: &str = "x-grafana-alerting-signature";

/// The header with the time of sending, in seconds since the Unix epoch; it is signed too.
pub const TIMESTAMP_HEADER: &str = "x-grafana-alerting-timestamp";

/// The end of a firing alert.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub use plugpipe_contract::settings::WebhookFormat as Format;

/// The key that signs bodies. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(String);

impl SigningKey {
    /// Creates a key.
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

/// A notification to send.
#[derive(Debug, Clone, Copy)]
pub struct Notification<'a> {
    /// All alerts; at least one.
    pub alerts: &'a [Alert],
    /// The receiver's name, as in Alertmanager.
    pub receiver: &'a str,
    /// A link to more information, or empty.
    pub external_url: &'a str,
    /// Now, in nanoseconds since the Unix epoch.
    pub now: u64,
}

/// The rule of an alert, as far as the alert tells it.
fn rule_of(alert: &Alert) -> FormerRule<'_> {
    FormerRule {
        alert: alert.labels.get("alertname").unwrap_or_default(),
        labels: label_pairs(&alert.labels),
        annotations: label_pairs(&alert.annotations),
        ..FormerRule::default()
    }
}

/// The body of Alertmanager's format.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version4<'a> {
    version: &'static str,
    group_key: String,
    truncated_alerts: u64,
    status: &'static str,
    receiver: &'a str,
    group_labels: LabelPairs<'a>,
    common_labels: LabelPairs<'a>,
    common_annotations: LabelPairs<'a>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    alerts: Vec<Version4Alert<'a>>,
}

/// An alert in that body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version4Alert<'a> {
    status: &'static str,
    labels: LabelPairs<'a>,
    annotations: LabelPairs<'a>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// The body of the Python plug's format.
#[derive(Serialize)]
struct PythonBody<'a> {
    alert_data: &'a FormerRule<'a>,
    timestamp: String,
    source: &'static str,
}

impl Notification<'_> {
    /// The body in the given format. `data` is for the Python plug's format; by default it is
    /// derived from the first alert.
    pub fn body(&self, format: Format, data: Option<&FormerRule>) -> Vec<u8> {
        match (format, data) {
            (Format::Alertmanager, _) => super::json(&self.version_4()),
            (Format::PlugPipe, Some(data)) => self.python(data),
            (Format::PlugPipe, None) => self.python(&self.alerts.first().map(rule_of).unwrap_or_default()),
        }
    }

    fn python(&self, alert_data: &FormerRule) -> Vec<u8> {
        let source = "plugpipe-prometheus-backend";
        super::json(&PythonBody { alert_data, timestamp: rfc3339(self.now), source })
    }

    fn version_4(&self) -> Version4<'_> {
        let name = self.alerts.iter().find_map(|alert| alert.labels.get("alertname")).unwrap_or_default();
        Version4 {
            version: "4",
            // Alertmanager's group key for grouping by alertname.
            group_key: format!("{{}}:{{alertname={name:?}}}"),
            truncated_alerts: 0,
            status: status(self.alerts.iter().all(|alert| alert.is_resolved(self.now))),
            receiver: self.receiver,
            group_labels: [("alertname", name)].into_iter().collect(),
            common_labels: self.common(|alert| &alert.labels),
            common_annotations: self.common(|alert| &alert.annotations),
            external_url: self.external_url,
            alerts: self.alerts.iter().map(|alert| self.alert(alert)).collect(),
        }
    }

    /// The labels or annotations common to all alerts.
    fn common(&self, of: fn(&Alert) -> &Labels) -> LabelPairs<'_> {
        let Some((first, others)) = self.alerts.split_first() else { return LabelPairs::default() };
        let is_common = |(name, value): &(&str, &str)| others.iter().all(|alert| of(alert).get(name) == Some(*value));
        pairs(of(first)).filter(is_common).collect()
    }

    fn alert<'a>(&self, alert: &'a Alert) -> Version4Alert<'a> {
        let resolved = alert.is_resolved(self.now);
        Version4Alert {
            status: status(resolved),
            labels: label_pairs(&alert.labels),
            annotations: label_pairs(&alert.annotations),
            starts_at: rfc3339(alert.starts_at.or(alert.ends_at).unwrap_or(self.now).min(self.now)),
            ends_at: alert.ends_at.filter(|_| resolved).map_or_else(|| NEVER.into(), rfc3339),
            generator_url: alert.generator_url.as_deref().unwrap_or_default(),
            fingerprint: format!("{:016x}", alert.fingerprint()),
        }
    }
}

fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

/// Sends a body, signed if there is a key, and returns the 2xx status.
pub fn send(
    client: &mut Client,
    url: &Url,
    body: Vec<u8>,
    key: Option<&SigningKey>,
    now_unix_nanos: u64,
) -> Result<u16, Error> {
    let mut headers = Vec::new();
    if let Some(key) = key {
        let seconds = now_unix_nanos / 1_000_000_000;
        headers.push((TIMESTAMP_HEADER, seconds.to_string()));
        headers.push((SIGNATURE_HEADER, key.sign(seconds, &body)));
    }
    // Receivers deduplicate alerts by fingerprint.
    let mut request = Request::new(Method::Post, url.clone()).with_body("application/json", body).repeatable();
    request.headers.extend(headers);
    let response = client.send(PEER, request)?;
    match response.status {
        200..=299 => Ok(response.status),
        _ => Err(super::refused(PEER, url, &response, "")),
    }
}

/// Rejects link-local addresses and the names and addresses of cloud metadata services.
pub fn check_target(url: &Url, field: &str) -> Result<(), Error> {
    // An origin always includes the port.
    let origin = url.origin();
    let host = origin.split_once("://").map_or(&*origin, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let name = matches!(&*host, "metadata" | "metadata.google.internal" | "metadata.goog" | "instance-data");
    let address = match host.parse() {
        Ok(IpAddr::V4(v4)) => Some(v4),
        Ok(IpAddr::V6(v6)) => {
            if v6.is_unicast_link_local() || host == "fd00:ec2::254" {
                return Err(rejected_target(url, field));
            }
            v6.to_ipv4_mapped()
        }
        Err(_) => None,
    };
    let metadata = address.is_some_and(|v4| v4.is_link_local() || v4.octets() == [100, 100, 100, 200]);
    if name || metadata { Err(rejected_target(url, field)) } else { Ok(()) }
}

fn rejected_target(url: &Url, field: &str) -> Error {
    Error::invalid(
        field,
        format!(
            "{} is a link-local address or a cloud metadata service, which cannot be a webhook; use another URL",
            redacted(url)
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

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
        serde_json::from_slice(&notification.body(format, None)).unwrap()
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
    fn only_equal_labels_are_common_and_all_alerts_must_have_ended() {
        let alerts = [alert("A", Some(2_000_000_000)), alert("B", None)];
        let mixed = body(&alerts, Format::Alertmanager);
        assert_eq!((&mixed["status"], &mixed["commonLabels"]), (&json!("firing"), &json!({"severity": "warning"})));
        assert_eq!(mixed["alerts"][0]["status"], "resolved");
        assert_eq!(mixed["alerts"][0]["endsAt"], "1970-01-01T00:00:02.000Z");
        assert_eq!(body(&alerts[..1], Format::Alertmanager)["status"], "resolved");
    }

    #[test]
    fn the_python_plugs_body_has_its_keys() {
        let labels = json!({"alertname": "a", "severity": "warning"});
        let expected = json!({
            "alert_data": {"alert": "a", "labels": labels, "annotations": {"summary": "s\"\n"}},
            "timestamp": "1970-01-01T00:00:05.000Z", "source": "plugpipe-prometheus-backend",
        });
        assert_eq!(body(&[alert("a", None)], Format::PlugPipe), expected);
    }

    #[test]
    fn a_signature_matches_that_of_openssl() {
        // printf '1700000000:{"a":1}' | openssl dgst -sha256 -hmac secret
        let key = SigningKey::new("secret".into());
        assert_eq!(
            key.sign(1_700_000_000, b"{\"a\":1}"),
            "4f0bff5cd8903c8149837f5187dd1ebbb1ba3fe7acd2a8b61cb3fb91e509a6ad"
        );
        assert!(!format!("{key:?}").contains("secret"));
    }

    #[test]
    fn metadata_services_are_rejected() {
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
