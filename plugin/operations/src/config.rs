//! Builds [`Config`] from the settings of `cfg` and `ctx`. All defaults are defined here;
//! [`Settings`] defines the settings and their values.

mod remote;
#[cfg(feature = "schema")]
pub mod schema;

use core::time::Duration;
use serde_json::value::RawValue;
use std::sync::OnceLock;

pub use plugpipe_contract::settings::PushPolicy;
pub use remote::Remote;

use crate::error::Error;
use crate::http::{Credentials, Limits, Retry, Url, redacted};
use crate::registry::{Buckets, LabelName, Labels};
use crate::servers::pushgateway::{Group, Mode};
use crate::servers::webhook::{self, SigningKey};
use plugpipe_contract::document::{Both, Document, NOT_REPLACED, Request};
use plugpipe_contract::responses::Metadata;
use plugpipe_contract::scalar;
use plugpipe_contract::settings::{
    Compatibility, Configuration, ConfigurationOnly, GrafanaApi, OfRequest, OtlpTemporality, Setting, Settings,
};

/// The default of `instance` in 1.0.0.
const FORMER_INSTANCE: &str = "plugpipe-instance";

/// The value of `compatibility` for callers of 1.0.0.
pub(crate) const FORMER_VERSION: &str = "1.0.0";

/// A server that 1.0.0 assumed where the configuration mentioned none.
pub(crate) struct FormerServer {
    /// The setting of its URL.
    pub(crate) setting: &'static str,
    /// The variable that 1.0.0 read. The plug has no environment; its host may have.
    pub(crate) environment: &'static str,
    /// The URL, without that variable.
    pub(crate) url: &'static str,
    place: fn(&mut Config) -> &mut Option<Url>,
}

/// The servers that 1.0.0 assumed.
pub(crate) static FORMER_SERVERS: [FormerServer; 3] = [
    FormerServer {
        setting: "gateway_url",
        environment: "PUSHGATEWAY_URL",
        url: "http://127.0.0.1:9091",
        place: |config| &mut config.gateway_url,
    },
    FormerServer {
        setting: "prometheus_url",
        environment: "PROMETHEUS_URL",
        url: "http://127.0.0.1:9090",
        place: |config| &mut config.prometheus_url,
    },
    FormerServer {
        setting: "grafana_url",
        environment: "GRAFANA_URL",
        url: "http://127.0.0.1:3000",
        place: |config| &mut config.grafana_url,
    },
];

const GROUPING_KEY: &str = "grouping_key";

/// Where settings may be nested.
pub(crate) const NESTED: &str = "prometheus_config";

/// The plug's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The Prometheus server for queries.
    pub prometheus_url: Option<Url>,
    /// The Pushgateway; without one, nothing is pushed.
    pub gateway_url: Option<Url>,
    /// Grafana.
    pub grafana_url: Option<Url>,
    /// The server that evaluates rules, if not Prometheus.
    pub ruler_url: Option<Url>,
    /// Where alerts are sent and silences are created.
    pub alertmanager_url: Option<Url>,
    /// The webhook for calls that name none.
    pub webhook_url: Option<Url>,
    /// The body format of webhooks.
    pub webhook_format: webhook::Format,
    /// The key that signs webhooks.
    pub webhook_secret: Option<SigningKey>,
    /// The Grafana organization; `None` for that of the credentials.
    pub grafana_org_id: Option<u64>,
    /// Whether to use Grafana's resource API for folders and dashboards.
    pub grafana_resources: bool,
    /// The job in the grouping key of pushes.
    pub job_name: String,
    /// The instance in the grouping key of pushes, if any.
    pub instance: Option<String>,
    /// Prometheus's scrape interval, as written.
    pub scrape_interval: String,
    /// The timeout of explicitly requested operations.
    pub timeout: Duration,
    /// The timeout of a push that follows a record.
    pub push_timeout: Duration,
    /// The timeout for establishing a connection.
    pub connect_timeout: Duration,
    /// The maximum size of a response.
    pub max_response_bytes: usize,
    /// Retries of explicitly requested operations; a push that follows a record is sent once.
    pub retry: Retry,
    /// The credentials and headers for each server.
    pub credentials: Credentials,
    /// Buckets of histograms that specify none.
    pub histogram_buckets: Buckets,
    /// Whether to contact no server; results then have `"mock": true`.
    pub mock: bool,
    /// Whether the plug's metrics about itself are exposed too.
    pub own_metrics: bool,
    /// Whether PlugPipe's own metrics are registered.
    pub default_metrics: bool,
    /// Settings of remote write and OTLP.
    pub remote: Remote,
    /// Labels of the grouping key of pushes, except job and instance.
    pub grouping_key: Labels,
    /// When recorded metrics are pushed.
    pub push_policy: PushPolicy,
    /// The time between pushes with [`PushPolicy::Interval`].
    pub push_interval: Duration,
    /// How a push treats existing metrics of the group.
    pub push_mode: Mode,
    /// Whether pushes are compressed with gzip.
    pub push_gzip: bool,
    /// Whether a push is checked before it is sent; none for those only that somebody asked for.
    pub preflight: Option<bool>,
    /// Whether the counters of a group are compared before the first push to it.
    pub detect_resets: bool,
    /// Whether `cleanup` deletes pushed groups.
    pub delete_on_cleanup: bool,
    /// The version whose defaults and members of results apply.
    pub compatibility: Compatibility,
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
            // Together with http::circuit, keeps ten records below two seconds if the gateway is
            // unreachable.
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
            preflight: None,
            detect_resets: false,
            // Callers of `cleanup` want nothing left; to keep the last values, do not call it.
            delete_on_cleanup: true,
            compatibility: Compatibility::default(),
            remote: Remote::default(),
        }
    }
}

impl Config {
    /// The default configuration.
    fn defaults() -> &'static Self {
        static DEFAULTS: OnceLock<Config> = OnceLock::new();
        DEFAULTS.get_or_init(Self::default)
    }

    /// Reads a configuration from `cfg`.
    pub fn from_cfg(cfg: &Document) -> Result<Self, Error> {
        if is_for_former(cfg) {
            // It took what its host did not replace for text.
            cfg.keep_references();
        }
        let read = Configuration::from_document(cfg).map_err(|error| error.inside("cfg"))?;
        let Both(Both(flat, flat_only), top) = read;
        let path = format!("cfg.{NESTED}");
        let (nested, nested_only) = match top.prometheus_config.map(|nested| *nested) {
            Some(Both(settings, only)) => (Some(settings), Some(only)),
            None => (None, None),
        };
        let mut config = Self::default();
        for only in [Some(&flat_only), nested_only.as_ref()].into_iter().flatten() {
            only.compatibility.put(&mut config.compatibility, &Compatibility::default(), |version| version);
        }
        config.adopt_former_defaults();
        let layers = [Some(("cfg", flat)), nested.map(|nested| (&*path, nested))];
        let key_path = config.overlay(layers.into_iter().flatten().collect())?;
        config.overlay_configuration_only("cfg", flat_only)?;
        if let Some(only) = nested_only {
            config.overlay_configuration_only(&path, only)?;
        }
        if config.push_mode == Mode::Delete {
            // A configuration must not delete the group with each record.
            return Err(Error::invalid(format!("{}.push_mode", key_path.push_mode), "expected one of replace, add"));
        }
        let default_instance = config.is_former() && config.instance.as_deref() == Some(FORMER_INSTANCE);
        if default_instance && config.grouping_key.get("instance").is_some() {
            config.instance = None;
        }
        if config.instance.is_some() && config.grouping_key.get("instance").is_some() {
            let problem = "conflicts with the setting instance; give the instance only once";
            return Err(Error::invalid(format!("{}.{GROUPING_KEY}.instance", key_path.grouping_key), problem));
        }
        Ok(config)
    }

    /// What the Python plug did unless it was told otherwise.
    fn adopt_former_defaults(&mut self) {
        if !self.is_former() {
            return;
        }
        for server in &FORMER_SERVERS {
            *(server.place)(self) = Url::parse(server.url).ok();
        }
        self.instance = Some(FORMER_INSTANCE.into());
    }

    /// Whether results have the members of 1.0.0 too.
    pub fn is_former(&self) -> bool {
        self.compatibility == Compatibility::V1
    }

    /// The configuration for one call: this one, overridden by the settings in `ctx`.
    pub fn with_ctx(&self, ctx: &Document) -> Result<Self, Error> {
        let Both(flat, nested) = OfRequest::from_document(ctx).map_err(|error| error.inside("ctx"))?;
        let path = format!("ctx.{NESTED}");
        let mut config = self.clone();
        let layers = [Some(("ctx", flat)), nested.prometheus_config.map(|nested| (&*path, *nested))];
        config.overlay(layers.into_iter().flatten().collect())?;
        Ok(config)
    }

    /// The group that this plug pushes to.
    pub fn group(&self) -> Result<Group, Error> {
        let mut labels: Vec<(LabelName, Box<str>)> =
            self.grouping_key.iter().map(|(name, value)| (name.clone(), value.into())).collect();
        if let Some(instance) = &self.instance {
            labels.push((LabelName::new("instance", GROUPING_KEY)?, instance.as_str().into()));
        }
        Ok(Group { job: self.job_name.clone(), labels: Labels::of(labels, GROUPING_KEY)? })
    }

    /// The configuration for another group. The plug's metrics about itself belong only to the
    /// configured group.
    pub fn with_group(&self, group: &Group) -> Self {
        let mut labels: Vec<(LabelName, Box<str>)> = Vec::new();
        let mut instance = None;
        for (name, value) in group.labels.iter() {
            match name.as_str() {
                "instance" => instance = Some(value.to_owned()),
                _ => labels.push((name.clone(), value.into())),
            }
        }
        // The labels were validated when the group was created.
        let grouping_key = Labels::of(labels, GROUPING_KEY).unwrap_or_default();
        Self { job_name: group.job.clone(), instance, grouping_key, own_metrics: false, ..self.clone() }
    }

    /// The configuration for the plug's own group under another key.
    pub fn with_main_group(&self, group: &Group) -> Self {
        Self { own_metrics: self.own_metrics, ..self.with_group(group) }
    }

    /// Limits for an explicitly requested operation.
    pub fn limits(&self) -> Limits {
        Limits {
            connect: self.connect_timeout.min(self.timeout),
            total: self.timeout,
            response_bytes: self.max_response_bytes,
        }
    }

    /// Limits for an automatic push.
    pub fn push_limits(&self) -> Limits {
        Limits {
            connect: self.connect_timeout.min(self.push_timeout),
            total: self.push_timeout,
            response_bytes: self.max_response_bytes,
        }
    }

    /// Applies layers of settings with their paths, the most specific last.
    fn overlay(&mut self, layers: Vec<(&str, Settings)>) -> Result<Places, Error> {
        let borrowed: Vec<(&str, &Settings)> = layers.iter().map(|(path, settings)| (*path, settings)).collect();
        self.credentials.overlay(&borrowed)?;
        let mut places = Places::default();
        for (path, settings) in layers {
            if settings.push_mode != Setting::Absent {
                path.clone_into(&mut places.push_mode);
            }
            if settings.grouping_key != Setting::Absent {
                path.clone_into(&mut places.grouping_key);
            }
            self.take(path, settings)?;
        }
        Ok(places)
    }

    fn take(&mut self, path: &str, given: Settings) -> Result<(), Error> {
        let default = Self::defaults();
        for (setting, place) in [
            (given.prometheus_url, &mut self.prometheus_url),
            (given.gateway_url, &mut self.gateway_url),
            (given.grafana_url, &mut self.grafana_url),
            (given.ruler_url, &mut self.ruler_url),
            (given.alertmanager_url, &mut self.alertmanager_url),
            (given.webhook_url, &mut self.webhook_url),
            (given.remote_write_url, &mut self.remote.write_url),
            (given.otlp_url, &mut self.remote.otlp_url),
        ] {
            setting.put(place, &None, Some);
        }
        for (setting, place, default) in [
            (given.timeout, &mut self.timeout, default.timeout),
            (given.push_timeout, &mut self.push_timeout, default.push_timeout),
            (given.connect_timeout, &mut self.connect_timeout, default.connect_timeout),
            (given.retry_delay, &mut self.retry.delay, default.retry.delay),
            (given.max_retry_delay, &mut self.retry.max_delay, default.retry.max_delay),
            (given.push_interval, &mut self.push_interval, default.push_interval),
            (given.remote_write_timeout, &mut self.remote.write_timeout, default.remote.write_timeout),
            (given.remote_write_max_age, &mut self.remote.write_max_age, default.remote.write_max_age),
        ] {
            setting.put(place, &default, |timeout| timeout.0);
        }
        for (setting, place, default) in [
            (given.push_gzip, &mut self.push_gzip, default.push_gzip),
            (given.otlp_gzip, &mut self.remote.otlp_gzip, default.remote.otlp_gzip),
            (given.detect_resets, &mut self.detect_resets, default.detect_resets),
            (given.own_metrics, &mut self.own_metrics, default.own_metrics),
            (given.mock_mode, &mut self.mock, default.mock),
        ] {
            setting.put(place, &default, |flag| flag.or(default));
        }
        for (setting, place, default) in [
            (given.max_response_bytes, &mut self.max_response_bytes, default.max_response_bytes),
            (given.remote_write_capacity, &mut self.remote.write_capacity, default.remote.write_capacity),
        ] {
            // `MAX_SIZE` fits in an address.
            setting.put(place, &default, |size| size.0 as usize);
        }
        given.preflight.put(&mut self.preflight, &None, scalar::Flag::get);
        given.retry_attempts.put(&mut self.retry.attempts, &default.retry.attempts, |attempts| attempts.0 as u32);
        given.push_policy.put(&mut self.push_policy, &default.push_policy, |policy| policy);
        given.push_mode.put(&mut self.push_mode, &default.push_mode, |mode| mode);
        given.webhook_format.put(&mut self.webhook_format, &default.webhook_format, |format| format);
        given.grafana_org_id.put(&mut self.grafana_org_id, &None, |organization| Some(organization.0));
        given.grafana_api.put(&mut self.grafana_resources, &false, |api| api == GrafanaApi::K8s);
        let is_delta = |temporality| temporality == OtlpTemporality::Delta;
        given.otlp_temporality.put(&mut self.remote.otlp_delta, &default.remote.otlp_delta, is_delta);
        given.remote_write_version.put(&mut self.remote.write_version, &None, remote::version);
        given.job_name.put(&mut self.job_name, &default.job_name, |job| job.get().unwrap_or_default().to_owned());
        given.instance.put(&mut self.instance, &None, |instance| instance.to_owned());
        let interval = |interval: plugpipe_contract::settings::Interval| interval.0.to_owned().unwrap_or_default();
        given.scrape_interval.put(&mut self.scrape_interval, &default.scrape_interval, interval);
        let is_former = self.is_former();
        if let Some(labels) = given.grouping_key.given() {
            let path = format!("{path}.{GROUPING_KEY}");
            self.grouping_key =
                labels.map_or(Ok(Labels::default()), |labels| grouping_key(&labels, &path, is_former))?;
        }
        for (setting, place, name) in [
            (given.external_labels, &mut self.remote.external_labels, "external_labels"),
            (given.resource_attributes, &mut self.remote.resource_attributes, "resource_attributes"),
        ] {
            let Some(labels) = setting.given() else { continue };
            let path = format!("{path}.{name}");
            *place = labels.map_or(Ok(Labels::default()), |labels| read_labels(&labels, &path, is_former))?;
        }
        Ok(())
    }

    fn overlay_configuration_only(&mut self, path: &str, given: ConfigurationOnly) -> Result<(), Error> {
        let default = Self::defaults();
        match given.histogram_buckets {
            Setting::Absent => {}
            Setting::Unset => self.histogram_buckets.clone_from(&default.histogram_buckets),
            Setting::Set(bounds) => {
                self.histogram_buckets = buckets(&bounds, &format!("{path}.histogram_buckets"))?;
            }
        }
        given.webhook_secret.put(&mut self.webhook_secret, &None, |secret| secret.to_owned().map(SigningKey::new));
        for (setting, place, default) in [
            (given.default_metrics, &mut self.default_metrics, default.default_metrics),
            (given.delete_on_cleanup, &mut self.delete_on_cleanup, default.delete_on_cleanup),
        ] {
            setting.put(place, &default, |flag| flag.or(default));
        }
        Ok(())
    }

    /// The `monitoring_metadata` of every result, as JSON.
    pub fn metadata(&self) -> Box<RawValue> {
        let metadata = Metadata {
            job_name: &self.job_name,
            instance: self.instance.as_deref(),
            prometheus_url: self.prometheus_url.as_ref().map(redacted),
            gateway_url: self.gateway_url.as_ref().map(redacted),
            scrape_interval: &self.scrape_interval,
        };
        metadata.to_json()
    }
}

/// Where settings stand of which more is checked than each by itself.
#[derive(Debug, Default)]
struct Places {
    push_mode: String,
    grouping_key: String,
}

/// Whether a configuration asks for the behavior of 1.0.0.
fn is_for_former(cfg: &Document) -> bool {
    let asks = |settings: &Document| {
        settings.read_field::<Compatibility>("compatibility").ok() == Some(Some(Compatibility::V1))
    };
    let nested = cfg.get(NESTED).and_then(|nested| Document::parse(nested).ok());
    asks(cfg) || nested.is_some_and(|nested| asks(&nested))
}

/// Labels except job and instance; names may be any UTF-8 text if the gateway supports that.
fn grouping_key(given: &scalar::Labels, path: &str, keeps_references: bool) -> Result<Labels, Error> {
    let labels = read_labels(given, path, keeps_references)?;
    if labels.get("job").is_some() {
        return Err(Error::invalid(format!("{path}.job"), "the job of the grouping key must be set by job_name"));
    }
    Ok(labels)
}

/// Validates labels whose values are settings.
fn read_labels(given: &scalar::Labels, path: &str, keeps_references: bool) -> Result<Labels, Error> {
    if let Some((name, _)) = given.iter().find(|(_, value)| !keeps_references && value.contains("${")) {
        return Err(Error::invalid(format!("{path}.{name}"), NOT_REPLACED));
    }
    let labels = given.iter().map(|(name, value)| Ok((label_name(name, true, path)?, value.into())));
    Ok(Labels::of(labels.collect::<Result<Vec<_>, Error>>()?, path)?)
}

/// Validates a label name; with `utf8`, any text that does not begin with `__`.
pub fn label_name(name: &str, utf8: bool, path: &str) -> Result<LabelName, Error> {
    Ok(if utf8 { LabelName::new_utf8(name, path) } else { LabelName::new(name, path) }?)
}

/// Validates bucket bounds. A final `+Inf` is optional.
pub fn buckets(bounds: &[scalar::Bound], path: &str) -> Result<Buckets, Error> {
    let last = bounds.len().saturating_sub(1);
    if let Some(index) = bounds.iter().take(last).position(|bound| bound.0.is_infinite()) {
        return Err(Error::invalid(format!("{path}[{index}]"), "only the last bound may be +Inf"));
    }
    let bounds: Vec<f64> = bounds.iter().map(|bound| bound.0).collect();
    Ok(Buckets::new(&bounds, path)?)
}

#[cfg(test)]
mod tests;
