//! What the plug is told about its surroundings: in its configuration and, for one call, in a
//! request.
//!
//! A setting may stand in `cfg` or in `ctx`; in either, nested in `prometheus_config` or flat at
//! the top. Where it stands twice, the more particular place wins:
//! `cfg` < `cfg.prometheus_config` < `ctx` < `ctx.prometheus_config`.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::document::Both;
use crate::error::excerpt;
use crate::scalar::{self, Any, Bound, Exact, Flag, FromJson, Labels, Text, as_written};
use crate::url::Url;
use crate::written::{self, SCALAR_AS_WRITTEN, SETTING};

/// A setting as one place says it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Setting<T> {
    /// Nothing is said: an outer place holds.
    #[default]
    Absent,
    /// Null, or an empty text, which is what a template leaves of something that is not set: the
    /// default holds, whatever an outer place says.
    Unset,
    /// This.
    Set(T),
}

impl<T> Setting<T> {
    /// The setting for a program: `None` if nothing is said, `Some(None)` for the default.
    pub fn given(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Unset => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// Puts the setting in the place of what held so far.
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

/// Settings that a configuration and a request may hold.
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
    /// Who evaluates rules, where that is not Prometheus.
    pub ruler_url: Setting<Url>,
    /// Where alerts are sent and silences made.
    pub alertmanager_url: Setting<Url>,
    /// Who is notified, where a call names nobody.
    pub webhook_url: Setting<Url>,
    /// A remote-write receiver, with its path.
    pub remote_write_url: Setting<Url>,
    /// An OTLP receiver of metrics, with its path.
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
    /// The job of pushes, and of remote-written series.
    pub job_name: Setting<Text<'a>>,
    /// The instance of pushes, and of remote-written series.
    pub instance: Setting<Text<'a>>,
    /// Further labels of the group of pushes.
    pub grouping_key: Setting<Labels<'a>>,
    /// An endpoint to scrape; `scrape_config.endpoint_url` too.
    pub endpoint_url: Text<'a>,
    /// What `scrape_endpoint` takes.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Object"))]
    pub scrape_config: Any<'a>,
    /// How often Prometheus scrapes.
    pub scrape_interval: Setting<Interval<'a>>,
    /// For an operation that speaks to a server.
    pub timeout: Setting<Timeout>,
    /// For a push that follows a record.
    pub push_timeout: Setting<Timeout>,
    /// For any connection to be made.
    pub connect_timeout: Setting<Timeout>,
    /// The longest answer of a server that is read.
    pub max_response_bytes: Setting<Between<1, MAX_SIZE>>,
    /// How often an operation that somebody waits for is tried.
    pub retry_attempts: Setting<Between<1, 10>>,
    /// The longest wait before the second attempt.
    pub retry_delay: Setting<Timeout>,
    /// The longest wait before any attempt.
    pub max_retry_delay: Setting<Timeout>,
    /// When what was recorded is pushed.
    pub push_policy: Setting<PushPolicy>,
    /// For the policy `interval`: from one push to the next.
    pub push_interval: Setting<Timeout>,
    /// What becomes of what the group holds.
    pub push_mode: Setting<PushMode>,
    /// Whether what is pushed is compressed.
    pub push_gzip: Setting<Flag>,
    /// Whether to look before a push if the gateway would refuse it; by default for `push_metrics`
    /// only.
    pub preflight: Setting<Flag>,
    /// Whether to read the group before the first push to it, and list the counters that the push
    /// does not raise.
    pub detect_resets: Setting<Flag>,
    /// The body of webhooks.
    pub webhook_format: Setting<WebhookFormat>,
    /// An organisation of Grafana.
    pub grafana_org_id: Setting<Organisation>,
    /// How Grafana's folders and dashboards are asked for.
    pub grafana_api: Setting<GrafanaApi>,
    /// The version of remote write to speak.
    pub remote_write_version: Setting<RemoteWriteVersion>,
    /// For one remote write.
    pub remote_write_timeout: Setting<Timeout>,
    /// Values kept for a receiver that is away.
    pub remote_write_capacity: Setting<Between<1, MAX_SIZE>>,
    /// Put on what is remote-written.
    pub external_labels: Setting<Labels<'a>>,
    /// Whether `plugpipe_monitoring_*` are exposed too.
    pub own_metrics: Setting<Flag>,
    /// Whether no server is reached; answers say `mock` then.
    pub mock_mode: Setting<Flag>,
}

/// Settings of a configuration only.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct ConfigurationOnly<'a> {
    /// For histograms that name none.
    pub histogram_buckets: Setting<Vec<Bound>>,
    /// Signs webhooks.
    pub webhook_secret: Setting<Text<'a>>,
    /// Whether `cleanup` deletes the groups that were pushed.
    pub delete_on_cleanup: Setting<Flag>,
    /// Whether PlugPipe's own metrics are registered.
    pub default_metrics: Setting<Flag>,
    /// For hosts: write debug logs.
    #[cfg_attr(feature = "schema", schemars(with = "Flag"))]
    pub debug: Any<'a>,
    /// Taken for the Python plug's sake, and without effect.
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

/// What a configuration holds beside flat settings.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct TopOfConfiguration<'a> {
    /// More settings, which win over flat ones.
    pub prometheus_config: Option<Box<OfConfiguration<'a>>>,
    /// What an alert has that a call does not say.
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::AlertConfig>"))]
    pub alert_config: Any<'a>,
}

/// All of a configuration.
pub type Configuration<'a> = Both<OfConfiguration<'a>, TopOfConfiguration<'a>>;

/// What a request holds beside flat settings.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct NestedSettings<'a> {
    /// More settings, which win over flat ones.
    pub prometheus_config: Option<Box<Settings<'a>>>,
}

/// All of a request's settings.
pub type OfRequest<'a> = Both<Settings<'a>, NestedSettings<'a>>;

/// What any request may hold beside settings. All of it is for hosts and people; the plug reads the
/// operation and the step.
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

/// When what was recorded is pushed, where there is a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum PushPolicy {
    /// With each record.
    OnRecord,
    /// When somebody asks for it.
    Manual,
    /// With the first call after `push_interval`, where something was recorded since the last push.
    Interval,
}

/// What a push does to what the group holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum PushMode {
    /// All of it goes (`PUT`).
    Replace,
    /// Metrics of the same names go, the others stay (`POST`).
    Add,
    /// The group is deleted, and nothing comes (`DELETE`). In a request only.
    Delete,
}

/// Which body a receiver of webhooks understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Alertmanager's, version 4.
    #[default]
    Alertmanager,
    /// `{alert_data, timestamp, source}`, as the published Python plug sends it.
    PlugPipe,
}

/// How Grafana's folders and dashboards are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum GrafanaApi {
    /// Below `/api`.
    Api,
    /// As resources of `/apis`, which needs Grafana 12 or later.
    K8s,
}

/// A version of remote write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteWriteVersion {
    /// The one that the receiver speaks.
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

/// The largest number of bytes or values that a setting may name: more than an instance can hold.
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

/// The number of an organisation of Grafana.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organisation(pub u64);

impl FromJson<'_> for Organisation {
    fn from_json(json: &str) -> Result<Self, String> {
        let text = Text::from_json(json)?;
        let number = text.get().and_then(|text| text.trim().parse().ok()).filter(|number| *number > 0);
        number
            .map(Self)
            .ok_or_else(|| format!("expected an organisation's number, got {}", excerpt(written::shown(json), 100)))
    }
}

/// How long to wait for something: more than nothing, and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(pub core::time::Duration);

impl FromJson<'_> for Timeout {
    fn from_json(json: &str) -> Result<Self, String> {
        let given = scalar::Duration::from_json(json)?.get().unwrap_or_default();
        // A day is longer than anyone waits for an answer, and keeps all arithmetic on deadlines
        // far from its bounds.
        if given.is_zero() || given > core::time::Duration::from_secs(86_400) {
            return Err("expected more than nothing and at most a day".into());
        }
        Ok(Self(given))
    }
}

/// A [`Timeout`] whose text counts.
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
        // What could be a password is not repeated.
        Self::parse(text.get().unwrap_or_default().trim())
            .map_err(|problem| format!("{problem}; expected a URL such as http://127.0.0.1:9090"))
    }
}

crate::scalar::as_written_types!(as_written: RemoteWriteVersion, Organisation, Timeout, Interval<'a>, Url);

/// What is sent to a server beside requests.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth<'a> {
    /// `user:password`, or a token.
    Text(Exact<'a>),
    /// By name.
    Fields(Box<AuthFields<'a>>),
}

/// Credentials by name. `username` and `password`, or a token; `headers` and a tenant go with
/// either, or alone. Any other field is an error: what was meant as a secret is not to go unused.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct AuthFields<'a> {
    /// `basic` or `bearer`; without it the other fields tell.
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
    /// Sent as they are, in place of the plug's own of that name.
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
