//! Settings in the configuration and, for a single call, in a request.
//!
//! A setting may be given in `cfg` or in `ctx`; in either, nested in `prometheus_config` or flat at
//! the top. The more specific place takes precedence: `cfg` < `cfg.prometheus_config` < `ctx` <
//! `ctx.prometheus_config`.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::document::Both;
use crate::error::excerpt;
use crate::scalar::{self, Any, Bound, Exact, Flag, FromJson, Labels, Text, as_written};
use crate::url::Url;
use crate::written::{self, SCALAR_AS_WRITTEN, SETTING};

/// A setting as given in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Setting<T> {
    /// Not given: a less specific place applies.
    #[default]
    Absent,
    /// Null or empty text, which templates produce for unset variables: the default applies,
    /// whatever a less specific place sets.
    Unset,
    /// Set to this value.
    Set(T),
}

impl<T> Setting<T> {
    /// `None` if not given, `Some(None)` for the default.
    pub fn given(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Unset => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// Overrides `place` with this setting.
    pub fn put<U>(self, place: &mut U, default: &U, convert: impl FnOnce(T) -> U)
    where
        U: Clone,
    {
        match self {
            Self::Absent => {}
            Self::Unset => place.clone_from(default),
            Self::Set(value) => *place = convert(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Setting<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a setting")
            }

            fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Setting::Unset)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                T::deserialize(deserializer).map(Setting::Set)
            }
        }
        deserializer.deserialize_newtype_struct(SETTING, Read(PhantomData))
    }
}

/// Settings that a configuration and a request may contain.
///
/// Their defaults are those of the plug's `Config`.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "settings"))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Settings<'a> {
    /// Where queries go.
    pub prometheus_url: Setting<Url>,
    /// The Pushgateway; without one nothing is pushed.
    pub gateway_url: Setting<Url>,
    /// Where dashboards live.
    pub grafana_url: Setting<Url>,
    /// The server that evaluates rules, if not Prometheus.
    pub ruler_url: Setting<Url>,
    /// Where alerts are sent and silences are created.
    pub alertmanager_url: Setting<Url>,
    /// The webhook for calls that name none.
    pub webhook_url: Setting<Url>,
    /// A remote-write receiver, including its path.
    pub remote_write_url: Setting<Url>,
    /// An OTLP metrics receiver, including its path.
    pub otlp_url: Setting<Url>,
    /// Sent to the origin of the server's URL only.
    pub prometheus_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub gateway_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub grafana_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub remote_write_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub otlp_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub alertmanager_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub ruler_auth: Setting<Auth<'a>>,
    /// Sent to the origin of the server's URL only.
    pub webhook_auth: Setting<Auth<'a>>,
    /// For `scrape_config.endpoint_url`.
    pub endpoint_auth: Setting<Auth<'a>>,
    /// The job of pushed groups and remote-written series.
    pub job_name: Setting<Text<'a>>,
    /// The instance of pushed groups and remote-written series.
    pub instance: Setting<Text<'a>>,
    /// Additional labels of the grouping key.
    pub grouping_key: Setting<Labels<'a>>,
    /// An endpoint to scrape; also as `scrape_config.endpoint_url`.
    pub endpoint_url: Text<'a>,
    /// The fields of `scrape_endpoint`.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub scrape_config: Any<'a>,
    /// Prometheus's scrape interval.
    pub scrape_interval: Setting<Interval<'a>>,
    /// For an operation that sends requests to a server.
    pub timeout: Setting<Timeout>,
    /// For a push that follows a record.
    pub push_timeout: Setting<Timeout>,
    /// For establishing a connection.
    pub connect_timeout: Setting<Timeout>,
    /// The maximum size of a server's response.
    pub max_response_bytes: Setting<Between<1, MAX_SIZE>>,
    /// The maximum number of attempts of an operation that a caller waits for.
    pub retry_attempts: Setting<Between<1, 10>>,
    /// The maximum delay before the second attempt.
    pub retry_delay: Setting<Timeout>,
    /// The maximum delay before any attempt.
    pub max_retry_delay: Setting<Timeout>,
    /// When recorded metrics are pushed.
    pub push_policy: Setting<PushPolicy>,
    /// With the policy `interval`: the time between pushes.
    pub push_interval: Setting<Timeout>,
    /// How a push treats existing metrics of the group.
    pub push_mode: Setting<PushMode>,
    /// Whether pushes are compressed with gzip.
    pub push_gzip: Setting<Flag>,
    /// Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    /// only.
    pub preflight: Setting<Flag>,
    /// Whether to read the group before the first push to it, and list the counters that the push
    /// does not increase.
    pub detect_resets: Setting<Flag>,
    /// The body format of webhooks.
    pub webhook_format: Setting<WebhookFormat>,
    /// The Grafana organization.
    pub grafana_org_id: Setting<Organization>,
    /// The API for Grafana's folders and dashboards.
    pub grafana_api: Setting<GrafanaApi>,
    /// The remote-write protocol version.
    pub remote_write_version: Setting<RemoteWriteVersion>,
    /// For one remote-write request.
    pub remote_write_timeout: Setting<Timeout>,
    /// The maximum number of values queued for an unavailable receiver; the oldest are dropped.
    pub remote_write_capacity: Setting<Between<1, MAX_SIZE>>,
    /// The age at which values queued for an unavailable receiver are dropped.
    pub remote_write_max_age: Setting<Timeout>,
    /// Labels added to remote-written series.
    pub external_labels: Setting<Labels<'a>>,
    /// Whether OTLP exports are compressed with gzip.
    pub otlp_gzip: Setting<Flag>,
    /// What counters and histograms in OTLP exports count from.
    pub otlp_temporality: Setting<OtlpTemporality>,
    /// Attributes of the resource in OTLP exports, such as `deployment.environment.name`; they
    /// override external labels.
    pub resource_attributes: Setting<Labels<'a>>,
    /// Whether `plugpipe_monitoring_*` metrics are exposed too.
    pub own_metrics: Setting<Flag>,
    /// Whether to contact no server; results then have `mock`.
    pub mock_mode: Setting<Flag>,
}

/// Settings for the configuration only.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ConfigurationOnly<'a> {
    /// Buckets of histograms that specify none.
    pub histogram_buckets: Setting<Vec<Bound>>,
    /// The key that signs webhooks.
    pub webhook_secret: Setting<Text<'a>>,
    /// Whether `cleanup` deletes pushed groups.
    pub delete_on_cleanup: Setting<Flag>,
    /// Whether PlugPipe's own metrics are registered.
    pub default_metrics: Setting<Flag>,
    /// The version whose defaults and members of results apply. With `1.0.0`, servers that are not
    /// mentioned are those of the Python plug (`gateway_url` is `http://127.0.0.1:9091`,
    /// `prometheus_url` `http://127.0.0.1:9090`, `grafana_url` `http://127.0.0.1:3000`; null is
    /// none), `instance` is `plugpipe-instance`, and a `${NAME}` that the host did not replace is
    /// text.
    pub compatibility: Setting<Compatibility>,
    /// For hosts: whether to write debug logs.
    #[cfg_attr(feature = "schema", schemars(with = "Flag"))]
    pub debug: Any<'a>,
    /// Accepted for compatibility with the Python plug; has no effect.
    pub enable_alerting: Any<'a>,
}

/// Members of configurations and requests that hold credentials, wherever they stand. They are not
/// written to files.
pub const SECRETS: [&str; 11] = [
    "alertmanager_auth",
    "endpoint_auth",
    "gateway_auth",
    "grafana_auth",
    "otlp_auth",
    "prometheus_auth",
    "remote_write_auth",
    "ruler_auth",
    "secure_json_data",
    "webhook_auth",
    "webhook_secret",
];

/// Both kinds, where a configuration may nest them.
pub type OfConfiguration<'a> = Both<Settings<'a>, ConfigurationOnly<'a>>;

/// Members of a configuration other than flat settings.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TopOfConfiguration<'a> {
    /// Nested settings, which take precedence over flat ones.
    pub prometheus_config: Option<Box<OfConfiguration<'a>>>,
    /// Defaults for alerts.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Any<'a>,
}

/// A whole configuration.
pub type Configuration<'a> = Both<OfConfiguration<'a>, TopOfConfiguration<'a>>;

/// Members of a request that nest settings.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NestedSettings<'a> {
    /// Nested settings, which take precedence over flat ones.
    pub prometheus_config: Option<Box<Settings<'a>>>,
}

/// All settings of a request.
pub type OfRequest<'a> = Both<Settings<'a>, NestedSettings<'a>>;

/// Members that any request may have in addition to settings. They are for hosts and people; the
/// plug reads only the operation and the step.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
#[expect(missing_docs, reason = "members of PlugPipe's context, each named for what it is")]
pub struct Context<'a> {
    pub operation: Any<'a>,
    pub context: Any<'a>,
    pub metadata: Any<'a>,
    pub pipe: Any<'a>,
    pub pipe_name: Any<'a>,
    pub pipeline: Any<'a>,
    pub pipeline_id: Any<'a>,
    pub previous_step: Any<'a>,
    pub run_id: Any<'a>,
    pub step: Any<'a>,
    pub step_id: Any<'a>,
    pub step_name: Any<'a>,
    pub trace_id: Any<'a>,
}

crate::document::requests!(Configuration<'a>, ConfigurationOnly<'a>, Context<'a>, OfRequest<'a>);

/// When recorded metrics are pushed to a configured gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum PushPolicy {
    /// With each record.
    OnRecord,
    /// Only on request.
    Manual,
    /// With the first call after `push_interval` if something was recorded since the last push.
    Interval,
}

/// A version of the plug that callers were written for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Compatibility {
    /// The Python plug.
    #[serde(rename = "1.0.0")]
    V1,
    /// This one.
    #[default]
    #[serde(rename = "2.0.0")]
    V2,
}

/// How a push treats existing metrics of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum PushMode {
    /// Replaces all metrics of the group (`PUT`).
    Replace,
    /// Replaces metrics with the same names and keeps the others (`POST`).
    Add,
    /// Deletes the group and pushes nothing (`DELETE`). In a request only.
    Delete,
}

/// The body format of a webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Alertmanager's, version 4.
    #[default]
    Alertmanager,
    /// `{alert_data, timestamp, source}`, as sent by the published Python plug.
    PlugPipe,
}

/// The API for Grafana's folders and dashboards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum GrafanaApi {
    /// The API under `/api`.
    Api,
    /// The resource API under `/apis`, which needs Grafana 12 or later.
    K8s,
}

/// What counters and histograms in OTLP exports count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum OtlpTemporality {
    /// Their start.
    Cumulative,
    /// The last export that the receiver accepted.
    Delta,
}

/// A remote-write protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteWriteVersion {
    /// The version that the receiver supports.
    Auto,
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl FromJson<'_> for RemoteWriteVersion {
    fn from_json(json: &str) -> Result<Self, String> {
        match Text::from_json(json).ok().as_ref().and_then(Text::get).map(str::trim) {
            Some("auto") => Ok(Self::Auto),
            Some("2" | "2.0") => Ok(Self::Two),
            Some("1" | "1.0") => Ok(Self::One),
            _ => Err(format!("expected auto, 2.0 or 1.0, got {}", excerpt(written::shown(json), 100))),
        }
    }
}

/// The largest number of bytes or values that a setting accepts; more than fits in an instance.
pub const MAX_SIZE: u64 = 1024 * 1024 * 1024;

/// A whole number within bounds, which may be written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> FromJson<'_> for Between<MIN, MAX> {
    fn from_json(json: &str) -> Result<Self, String> {
        let text = Text::from_json(json)?;
        let number = text.get().and_then(|text| text.trim().parse().ok()).filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| {
            format!("expected a whole number from {MIN} to {MAX}, got {}", excerpt(written::shown(json), 100))
        })
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Between<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        as_written(deserializer)
    }
}

/// The id of a Grafana organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organization(pub u64);

impl FromJson<'_> for Organization {
    fn from_json(json: &str) -> Result<Self, String> {
        let text = Text::from_json(json)?;
        let number = text.get().and_then(|text| text.trim().parse().ok()).filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| {
            format!(
                "expected the id of an organization, a whole number from 1, got {}",
                excerpt(written::shown(json), 100)
            )
        })
    }
}

/// A timeout: more than zero and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(pub core::time::Duration);

impl FromJson<'_> for Timeout {
    fn from_json(json: &str) -> Result<Self, String> {
        let given = scalar::Duration::from_json(json)?.get().unwrap_or_default();
        // A day is longer than anyone waits for a response, and keeps deadline arithmetic far from
        // overflow.
        if given.is_zero() || given > core::time::Duration::from_secs(86_400) {
            return Err("expected a duration of more than 0 and at most a day".into());
        }
        Ok(Self(given))
    }
}

/// A [`Timeout`] that keeps its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval<'a>(pub Text<'a>);

impl<'a> FromJson<'a> for Interval<'a> {
    fn from_json(json: &'a str) -> Result<Self, String> {
        Timeout::from_json(json)?;
        Text::from_json(json).map(Self)
    }
}

impl FromJson<'_> for Url {
    fn from_json(json: &str) -> Result<Self, String> {
        let text = Text::from_json(json)?;
        // The URL may contain a password, so it is not repeated.
        Self::parse(text.get().unwrap_or_default().trim())
            .map_err(|problem| format!("{problem}; expected a URL such as http://127.0.0.1:9090"))
    }
}

crate::scalar::as_written_types!(as_written: RemoteWriteVersion, Organization, Timeout, Interval<'a>, Url);

/// Credentials and headers that are sent with requests to a server.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth<'a> {
    /// `user:password`, or a token.
    Text(Exact<'a>),
    /// Credentials by name.
    Fields(Box<AuthFields<'a>>),
}

/// Credentials by name: `username` and `password`, or a token; `headers` and a tenant with either,
/// or alone. Any other field is an error, so that no misspelled secret goes unused.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct AuthFields<'a> {
    /// `basic` or `bearer`; by default derived from the other fields.
    pub r#type: Exact<'a>,
    /// For `Authorization: Basic`.
    pub username: Exact<'a>,
    /// For `Authorization: Basic`.
    pub password: Exact<'a>,
    /// For `Authorization: Bearer`.
    pub token: Exact<'a>,
    /// Another name for `token`.
    pub api_key: Exact<'a>,
    /// Another name for `token`.
    pub api_token: Exact<'a>,
    /// Sent verbatim; they replace the plug's own headers of the same name.
    pub headers: Labels<'a>,
    /// Sent as `X-Scope-OrgID`.
    pub tenant: Exact<'a>,
    /// Another name for `tenant`.
    pub org_id: Exact<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Auth<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Auth<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or an object")
            }

            fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<Self::Value, E> {
                match json.starts_with('"') {
                    true => Exact::from_json(json).map(Auth::Text).map_err(E::custom),
                    false => {
                        let kind = written::kind_of(json);
                        Err(E::custom(format!("expected an object such as {{\"token\": …}}, got {kind}")))
                    }
                }
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, object: D) -> Result<Self::Value, D::Error> {
                AuthFields::deserialize(object).map(|fields| Auth::Fields(Box::new(fields)))
            }
        }
        deserializer.deserialize_newtype_struct(SCALAR_AS_WRITTEN, Read)
    }
}
