//! `cfg` and `ctx` to [`Config`]. Every default stands here, once.
//!
//! A setting may stand in `cfg` or, for one call, in `ctx`; in either, nested in `prometheus_config` or flat at the top. Where it
//! stands twice, the more particular place wins: `cfg` < `cfg.prometheus_config` < `ctx` < `ctx.prometheus_config`. An empty
//! string or null means "not set", also over an outer setting.
//!
//! | key | form | default |
//! |---|---|---|
//! | `prometheus_url`, `gateway_url`, `grafana_url` | `http://` or `https://` URL, with any path the server lives under | none |
//! | `ruler_url`, `alertmanager_url`, `webhook_url` | the same | none |
//! | `webhook_format` | `alertmanager` or `plugpipe`: the body of webhooks | `alertmanager` |
//! | `webhook_secret` | text, in `cfg` only: signs webhooks | none |
//! | `grafana_org_id` | number: the organisation of Grafana | the credentials' own |
//! | `grafana_api` | `api`, or `k8s`: folders and dashboards as resources of `/apis`, which needs Grafana 12 | `api` |
//! | `job_name` | text, not empty | `plugpipe` |
//! | `instance` | text | none |
//! | `scrape_interval` | duration | `15s` |
//! | `timeout` | duration: for an operation that speaks to a server | `10s` |
//! | `push_timeout` | duration: for a push that follows a record | `1500ms` |
//! | `connect_timeout` | duration | `1s` |
//! | `max_response_bytes` | whole number, 1 to 1 GiB | 16 MiB |
//! | `retry_attempts` | number, 1 to 10: for an operation that speaks to a server | 3 |
//! | `retry_delay`, `max_retry_delay` | duration: the longest wait before the second attempt, and before any | `100ms`, `2s` |
//! | `prometheus_auth`, `gateway_auth`, `grafana_auth`, … | see [`crate::http::auth`] | none |
//! | `histogram_buckets` | list of numbers, rising | [`Buckets::default`] |
//! | `grouping_key` | object: labels of the group beyond job and instance | none |
//! | `push_policy` | `on_record`, `manual` or `interval` | `on_record` |
//! | `push_interval` | duration: for the policy `interval` | `15s` |
//! | `push_mode` | `replace` or `add`; in `ctx` also `delete` | `replace` |
//! | `push_gzip` | true or false: compress what is pushed | false |
//! | `preflight` | true or false: look whether the gateway would refuse a push | for `push_metrics` true, else false |
//! | `detect_resets` | true or false: list the counters that the first push to a group does not raise | false |
//! | `defer_push` | true or false: a push that is due is only said to be (`push_due`), for a host that then asks for `push_recorded` | false |
//! | `delete_on_cleanup` | true or false: `cleanup` deletes the groups that were pushed | true |
//! | `mock_mode` | true or false: reach no server | false |
//! | `own_metrics` | true or false: expose `plugpipe_monitoring_*` too | false |
//! | `remote_write_url`, `otlp_url` | URL, with the receiver's path | none |
//! | `remote_write_version` | `auto`, `2.0` or `1.0` | `auto` |
//! | `remote_write_timeout` | duration: for one request, and then no further one | `10s` |
//! | `remote_write_capacity` | whole number, 1 to 1,073,741,824: values kept for a receiver that is away | 100,000 |
//! | `external_labels` | names and texts, put on what is remote-written | none |
//! | `default_metrics` | true or false, in `cfg` only: register [`crate::catalog`] | false |
//!
//! The names of all settings are plug.yaml's; an unknown one is a warning: see [`crate::known`].

mod remote;

use core::time::Duration;

pub use remote::Remote;

use crate::error::{Error, excerpt};
use crate::fields::{self, Fields};
use crate::http::{Credentials, Limits, Retry, Url, auth, redacted};
use crate::json::{Json, Object, Writer};
use crate::known;
use crate::registry::{Buckets, LabelName, Labels};
use crate::servers::pushgateway::{Group, Mode};
use crate::servers::webhook::{self, SigningKey};
use crate::time::parse_duration;

/// The key of `cfg` alone that says the default buckets; in a `ctx`, `buckets` does.
const BUCKETS: &str = "histogram_buckets";

const GROUPING_KEY: &str = "grouping_key";

/// The largest number of bytes or values that a setting may name: more than an instance can hold.
const MAX_SIZE: usize = 1024 * 1024 * 1024;

/// Where settings may be nested.
const NESTED: &str = "prometheus_config";

/// What the plug was told about its surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where queries go.
    pub prometheus_url: Option<Url>,
    /// Where metrics are pushed; none for no pushes.
    pub gateway_url: Option<Url>,
    /// Where dashboards live.
    pub grafana_url: Option<Url>,
    /// Who evaluates rules, where it is not Prometheus itself.
    pub ruler_url: Option<Url>,
    /// Where alerts are sent, and silences made.
    pub alertmanager_url: Option<Url>,
    /// Who is notified, where a call names nobody.
    pub webhook_url: Option<Url>,
    /// The body of webhooks.
    pub webhook_format: webhook::Format,
    /// Signs webhooks.
    pub webhook_secret: Option<SigningKey>,
    /// The organisation of Grafana to speak for; none for the credentials' own.
    pub grafana_org_id: Option<u64>,
    /// Whether Grafana's folders and dashboards are asked for as resources.
    pub grafana_resources: bool,
    /// The job in the grouping key of pushes.
    pub job_name: String,
    /// The instance in the grouping key of pushes, where there is one.
    pub instance: Option<String>,
    /// How often Prometheus scrapes; as it was written.
    pub scrape_interval: String,
    /// For operations that speak to a server because somebody asked for that.
    pub timeout: Duration,
    /// For a push that follows a record.
    pub push_timeout: Duration,
    /// For any connection to be made.
    pub connect_timeout: Duration,
    /// The longest answer that is read.
    pub max_response_bytes: usize,
    /// For operations that somebody waits for; a push that follows a record is sent once.
    pub retry: Retry,
    /// What each server is sent beside requests.
    pub credentials: Credentials,
    /// For histograms that name no buckets of their own.
    pub histogram_buckets: Buckets,
    /// No server is reached; answers say `"mock": true`.
    pub mock: bool,
    /// The plug's metrics about itself are exposed too.
    pub own_metrics: bool,
    /// PlugPipe's own metrics are registered.
    pub default_metrics: bool,
    /// Remote write and OTLP.
    pub remote: Remote,
    /// Labels of the grouping key of pushes, beyond job and instance.
    pub grouping_key: Labels,
    /// When what was recorded is pushed.
    pub push_policy: PushPolicy,
    /// For [`PushPolicy::Interval`]: from one push to the next.
    pub push_interval: Duration,
    /// What a push does to what the group holds already.
    pub push_mode: Mode,
    /// What is pushed is compressed.
    pub push_gzip: bool,
    /// A push that nobody asked for by name is not made: the answer says that it is due, and the host sees to it.
    pub defer_push: bool,
    /// Whether a push is checked before it is sent; none for those only that somebody asked for.
    pub preflight: Option<bool>,
    /// Whether the counters of a group are compared before the first push to it.
    pub detect_resets: bool,
    /// The groups that were pushed are deleted by `cleanup`.
    pub delete_on_cleanup: bool,
}

/// When what was recorded is pushed, where there is a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushPolicy {
    /// With each record.
    OnRecord,
    /// When somebody asks for it.
    Manual,
    /// With the first call after [`Config::push_interval`], where something was recorded since the last push.
    Interval,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prometheus_url: None,
            gateway_url: None,
            grafana_url: None,
            ruler_url: None,
            alertmanager_url: None,
            webhook_url: None,
            webhook_format: webhook::Format::default(),
            webhook_secret: None,
            grafana_org_id: None,
            grafana_resources: false,
            job_name: "plugpipe".into(),
            instance: None,
            scrape_interval: "15s".into(),
            timeout: Duration::from_secs(10),
            // Ten records must not take two seconds with a gateway that is away: see http::circuit for the other half.
            push_timeout: Duration::from_millis(1_500),
            connect_timeout: Duration::from_secs(1),
            max_response_bytes: 16 * 1024 * 1024,
            retry: Retry::default(),
            credentials: Credentials::default(),
            histogram_buckets: Buckets::default(),
            mock: false,
            own_metrics: false,
            default_metrics: false,
            grouping_key: Labels::default(),
            push_policy: PushPolicy::OnRecord,
            push_interval: Duration::from_secs(15),
            push_mode: Mode::Replace,
            push_gzip: false,
            defer_push: false,
            preflight: None,
            detect_resets: false,
            // Who cleans up wants nothing left; who wants the last values to stay does not clean up.
            delete_on_cleanup: true,
            remote: Remote::default(),
        }
    }
}

impl Config {
    /// Reads a configuration from `cfg`.
    pub fn from_cfg(cfg: &Object) -> Result<Self, Error> {
        let mut config = Self::default();
        config.overlay("cfg", cfg)?;
        let mut grouping_key_path = String::new();
        for (path, map) in nested("cfg", cfg)? {
            let fields = Fields::new(map, &path);
            if let Some(buckets) = unless_unset(&fields, BUCKETS) {
                config.histogram_buckets = match buckets {
                    Some(buckets) => fields::buckets(buckets, &fields.path(BUCKETS))?,
                    None => Self::default().histogram_buckets,
                };
            }
            if let Some(secret) = setting(&fields, "webhook_secret", text)? {
                config.webhook_secret = secret.map(SigningKey::new);
            }
            if let Some(register) = setting(&fields, "default_metrics", flag)? {
                config.default_metrics = register.unwrap_or(false);
            }
            if let Some(delete) = setting(&fields, "delete_on_cleanup", flag)? {
                config.delete_on_cleanup = delete.unwrap_or(Self::default().delete_on_cleanup);
            }
            if fields.get(GROUPING_KEY).is_some() {
                grouping_key_path = fields.path(GROUPING_KEY);
            }
        }
        if config.instance.is_some() && config.grouping_key.get("instance").is_some() {
            let problem = "the instance of the grouping key is said in instance too; keep one of them";
            return Err(Error::invalid(format!("{grouping_key_path}.instance"), problem));
        }
        Ok(config)
    }

    /// Whether a member of a `ctx` is about the configuration.
    pub fn is_key(name: &str) -> bool {
        // What nearly every call has, and no setting is: not to be looked for in long lists.
        let plain = matches!(name, "operation" | "metric_name" | "metric_value" | "metric_type" | "labels");
        !plain && (name == NESTED || known::is_setting(name) || auth::is_key(name))
    }

    /// The configuration for one call: this one, with what `ctx` says over it; none if `ctx` says nothing of it.
    pub fn with_ctx(&self, ctx: &Object) -> Result<Option<Self>, Error> {
        if !ctx.iter().any(|(key, _)| Self::is_key(key)) {
            return Ok(None);
        }
        let mut config = self.clone();
        config.overlay("ctx", ctx)?;
        Ok(Some(config))
    }

    /// The group that this plug's pushes replace.
    pub fn group(&self) -> Result<Group, Error> {
        let mut labels: Vec<(LabelName, Box<str>)> =
            self.grouping_key.iter().map(|(name, value)| (name.clone(), value.into())).collect();
        if let Some(instance) = &self.instance {
            labels.push((LabelName::new("instance", GROUPING_KEY)?, instance.as_str().into()));
        }
        Ok(Group { job: self.job_name.clone(), labels: Labels::of(labels, GROUPING_KEY)? })
    }

    /// The same for another group. What the plug says of itself is part of the configuration's own.
    pub fn with_group(&self, group: &Group) -> Self {
        let mut labels: Vec<(LabelName, Box<str>)> = Vec::new();
        let mut instance = None;
        for (name, value) in group.labels.iter() {
            match name.as_str() {
                "instance" => instance = Some(value.to_owned()),
                _ => labels.push((name.clone(), value.into())),
            }
        }
        // They were checked where the group was made.
        let grouping_key = Labels::of(labels, GROUPING_KEY).unwrap_or_default();
        Self { job_name: group.job.clone(), instance, grouping_key, own_metrics: false, ..self.clone() }
    }

    /// The same for the plug's own group, under another key.
    pub fn with_main_group(&self, group: &Group) -> Self {
        Self { own_metrics: self.own_metrics, ..self.with_group(group) }
    }

    /// Bounds for an operation that somebody waits for.
    pub fn limits(&self) -> Limits {
        Limits {
            connect: self.connect_timeout.min(self.timeout),
            total: self.timeout,
            response_bytes: self.max_response_bytes,
        }
    }

    /// Bounds for a push that nobody asked for by name.
    pub fn push_limits(&self) -> Limits {
        Limits {
            connect: self.connect_timeout.min(self.push_timeout),
            total: self.push_timeout,
            response_bytes: self.max_response_bytes,
        }
    }

    fn overlay(&mut self, name: &str, settings: &Object) -> Result<(), Error> {
        let layers = nested(name, settings)?;
        self.credentials.overlay(&layers)?;
        for (path, map) in layers {
            let fields = Fields::new(map, &path);
            if let Some(url) = setting(&fields, "prometheus_url", url)? {
                self.prometheus_url = url;
            }
            if let Some(url) = setting(&fields, "gateway_url", url)? {
                self.gateway_url = url;
            }
            if let Some(url) = setting(&fields, "grafana_url", url)? {
                self.grafana_url = url;
            }
            if let Some(url) = setting(&fields, "ruler_url", url)? {
                self.ruler_url = url;
            }
            if let Some(url) = setting(&fields, "alertmanager_url", url)? {
                self.alertmanager_url = url;
            }
            if let Some(url) = setting(&fields, "webhook_url", url)? {
                self.webhook_url = url;
            }
            if let Some(format) = setting(&fields, "webhook_format", |value| webhook::Format::of(&text(value)?))? {
                self.webhook_format = format.unwrap_or_default();
            }
            if let Some(id) = setting(&fields, "grafana_org_id", organisation)? {
                self.grafana_org_id = id;
            }
            if let Some(api) = setting(&fields, "grafana_api", |value| one_of(value, &["api", "k8s"]))? {
                self.grafana_resources = api == Some(1);
            }
            let defaults = Self::default();
            self.overlay_pushes(&fields, name == "ctx", &defaults)?;
            if let Some(job) = setting(&fields, "job_name", text)? {
                self.job_name = job.unwrap_or(defaults.job_name);
            }
            if let Some(instance) = setting(&fields, "instance", text)? {
                self.instance = instance;
            }
            if let Some(interval) = setting(&fields, "scrape_interval", text)? {
                self.scrape_interval = interval.unwrap_or(defaults.scrape_interval);
                let read = duration(&Json::String(self.scrape_interval.as_str().into()));
                read.map_err(|problem| Error::invalid(fields.path("scrape_interval"), problem))?;
            }
            if let Some(timeout) = setting(&fields, "timeout", duration)? {
                self.timeout = timeout.unwrap_or(defaults.timeout);
            }
            if let Some(timeout) = setting(&fields, "push_timeout", duration)? {
                self.push_timeout = timeout.unwrap_or(defaults.push_timeout);
            }
            if let Some(timeout) = setting(&fields, "connect_timeout", duration)? {
                self.connect_timeout = timeout.unwrap_or(defaults.connect_timeout);
            }
            if let Some(bytes) = setting(&fields, "max_response_bytes", size)? {
                self.max_response_bytes = bytes.unwrap_or(defaults.max_response_bytes);
            }
            if let Some(attempts) = setting(&fields, "retry_attempts", attempts)? {
                self.retry.attempts = attempts.unwrap_or(defaults.retry.attempts);
            }
            if let Some(delay) = setting(&fields, "retry_delay", duration)? {
                self.retry.delay = delay.unwrap_or(defaults.retry.delay);
            }
            if let Some(delay) = setting(&fields, "max_retry_delay", duration)? {
                self.retry.max_delay = delay.unwrap_or(defaults.retry.max_delay);
            }
            if let Some(mock) = setting(&fields, "mock_mode", flag)? {
                self.mock = mock.unwrap_or(defaults.mock);
            }
            if let Some(own) = setting(&fields, "own_metrics", flag)? {
                self.own_metrics = own.unwrap_or(defaults.own_metrics);
            }
            self.remote.overlay(&fields)?;
        }
        Ok(())
    }

    fn overlay_pushes(&mut self, fields: &Fields, for_call: bool, defaults: &Self) -> Result<(), Error> {
        if let Some(given) = unless_unset(fields, GROUPING_KEY) {
            self.grouping_key = if given.is_some() { grouping_key(fields)? } else { Labels::default() };
        }
        if let Some(interval) = setting(fields, "push_interval", duration)? {
            self.push_interval = interval.unwrap_or(defaults.push_interval);
        }
        let policies = ["on_record", "manual", "interval"];
        if let Some(policy) = setting(fields, "push_policy", |value| one_of(value, &policies))? {
            self.push_policy = match policy {
                Some(1) => PushPolicy::Manual,
                Some(2) => PushPolicy::Interval,
                _ => PushPolicy::OnRecord,
            };
        }
        // A configuration that deletes the group with each record is nobody's wish.
        let modes: &[&'static str] = if for_call { &["replace", "add", "delete"] } else { &["replace", "add"] };
        if let Some(mode) = setting(fields, "push_mode", |value| one_of(value, modes))? {
            self.push_mode = match mode {
                Some(1) => Mode::Add,
                Some(2) => Mode::Delete,
                _ => Mode::Replace,
            };
        }
        if let Some(defer) = setting(fields, "defer_push", flag)? {
            self.defer_push = defer.unwrap_or(defaults.defer_push);
        }
        if let Some(gzip) = setting(fields, "push_gzip", flag)? {
            self.push_gzip = gzip.unwrap_or(defaults.push_gzip);
        }
        if let Some(preflight) = setting(fields, "preflight", flag)? {
            self.preflight = preflight;
        }
        if let Some(detect) = setting(fields, "detect_resets", flag)? {
            self.detect_resets = detect.unwrap_or(defaults.detect_resets);
        }
        Ok(())
    }

    /// What every answer's `monitoring_metadata` says, as JSON.
    pub fn metadata(&self) -> String {
        let mut metadata = Writer::new();
        metadata.text("job_name", &self.job_name);
        if let Some(instance) = &self.instance {
            metadata.text("instance", instance);
        }
        for (key, url) in [("prometheus_url", &self.prometheus_url), ("gateway_url", &self.gateway_url)] {
            if let Some(url) = url {
                metadata.text(key, &redacted(url));
            }
        }
        metadata.text("scrape_interval", &self.scrape_interval);
        metadata.finish()
    }
}

/// Settings, and the path under which a user knows them.
type Layer<'a> = (String, &'a Object<'a>);

/// The flat settings, then the nested ones.
fn nested<'a>(name: &str, settings: &'a Object<'a>) -> Result<Vec<Layer<'a>>, Error> {
    let mut layers = vec![(name.to_owned(), settings)];
    let path = format!("{name}.{NESTED}");
    match settings.get(NESTED) {
        None | Some(Json::Null) => {}
        Some(Json::Object(map)) => layers.push((path, map)),
        Some(other) => return Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
    }
    Ok(layers)
}

/// A setting: none if it is not there, `Some(None)` if it is there and null, or an empty text,
/// which is what a template leaves of something that is not set.
#[expect(clippy::option_option, reason = "absent, unset and set are three things")]
fn unless_unset<'a>(fields: &Fields<'a>, key: &str) -> Option<Option<&'a Json<'a>>> {
    fields.get(key).map(|value| match value {
        Json::Null => None,
        Json::String(text) if text.trim().is_empty() => None,
        value => Some(value),
    })
}

/// Reads a setting: none if it is not there, `Some(None)` if it is there and empty.
#[expect(clippy::option_option, reason = "absent, unset and set are three things")]
fn setting<T>(
    fields: &Fields,
    key: &str,
    read: impl Fn(&Json) -> Result<T, String>,
) -> Result<Option<Option<T>>, Error> {
    match unless_unset(fields, key) {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(value)) => {
            if let Json::String(text) = value {
                replaced(text).map_err(|problem| Error::invalid(fields.path(key), problem))?;
            }
            read(value).map(|value| Some(Some(value))).map_err(|problem| Error::invalid(fields.path(key), problem))
        }
    }
}

/// Refuses a text with a `${NAME}` in it.
fn replaced(text: &str) -> Result<(), String> {
    if text.contains("${") {
        return Err(format!("{:?} {}", excerpt(text, 100), auth::NOT_REPLACED));
    }
    Ok(())
}

/// Labels beyond job and instance; a name may be any text, where the gateway takes that.
fn grouping_key(fields: &Fields) -> Result<Labels, Error> {
    let labels = labels(fields, GROUPING_KEY)?;
    if labels.get("job").is_some() {
        let path = format!("{}.job", fields.path(GROUPING_KEY));
        return Err(Error::invalid(path, "the job of the grouping key is said in job_name"));
    }
    Ok(labels)
}

/// Labels whose values are settings.
fn labels(fields: &Fields, key: &str) -> Result<Labels, Error> {
    let labels = fields.labels(key, true)?;
    for (name, value) in labels.iter() {
        replaced(value).map_err(|problem| Error::invalid(format!("{}.{name}", fields.path(key)), problem))?;
    }
    Ok(labels)
}

/// Which of these words it is.
fn one_of(value: &Json, words: &[&str]) -> Result<usize, String> {
    let given = value.as_str().map(str::trim);
    words
        .iter()
        .position(|word| given == Some(word))
        .ok_or_else(|| format!("expected one of {}, got {}", words.join(", "), excerpt(&value.shown(), 100)))
}

fn url(value: &Json) -> Result<Url, String> {
    let text = text(value)?;
    let expected = "expected a URL such as http://127.0.0.1:9090";
    // What could be a password is not repeated.
    Url::parse(text.trim()).map_err(|problem| format!("{problem}; {expected}"))
}

fn text(value: &Json) -> Result<String, String> {
    fields::scalar(value).ok_or_else(|| format!("expected text, got {}", fields::kind_of(value)))
}

fn duration(value: &Json) -> Result<Duration, String> {
    let duration = parse_duration(&text(value)?)?;
    // A day is longer than anyone waits for an answer, and keeps all arithmetic on deadlines far from its bounds.
    if duration.is_zero() || duration > Duration::from_secs(86_400) {
        return Err("expected more than nothing and at most a day".into());
    }
    Ok(duration)
}

fn size(value: &Json) -> Result<usize, String> {
    let number = text(value)?.trim().parse().ok().filter(|number| (1..=MAX_SIZE).contains(number));
    number.ok_or_else(|| format!("expected a whole number from 1 to {MAX_SIZE}, got {}", excerpt(&value.shown(), 100)))
}

fn attempts(value: &Json) -> Result<u32, String> {
    let number = text(value)?.trim().parse().ok().filter(|number| (1..=10).contains(number));
    number.ok_or_else(|| format!("expected a whole number from 1 to 10, got {}", excerpt(&value.shown(), 100)))
}

fn organisation(value: &Json) -> Result<u64, String> {
    let number = text(value)?.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("expected an organisation's number, got {}", excerpt(&value.shown(), 100)))
}

fn flag(value: &Json) -> Result<bool, String> {
    fields::flag(value).ok_or_else(|| format!("expected true or false, got {}", excerpt(&value.shown(), 100)))
}

#[cfg(test)]
mod tests;
