//! The contents of a `prometheus.yml`. Unknown fields in `generate` are errors: they would silently
//! be missing from a file that others rely on, or might be secrets that do not belong there.

use serde::Deserialize;

use super::kubernetes::{KubernetesMonitors, SecretKey};
use crate::compound::{FlagOr, Named};
use crate::scalar::{Duration, Flag, Labels, OneOrMany, Text, Verbatim, Whole};

/// `generate_config`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct GenerateConfig<'a> {
    /// The environment whose defaults apply: `development`, `testing` or `production`.
    pub environment: Text<'a>,
    /// The oldest version of Prometheus to support; `2.42` by default.
    pub for_version: Text<'a>,
    /// The parts to write; by default all non-empty ones.
    pub parts: Option<Vec<Verbatim<'a>>>,
    /// The contents of the parts.
    pub generate: Option<GeneratedSections<'a>>,
    /// Whether to write resources of the Prometheus operator, one for each job, and their metadata.
    pub kubernetes: FlagOr<KubernetesMonitors<'a>>,
}

/// The contents of the parts of a `prometheus.yml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct GeneratedSections<'a> {
    /// Settings for all jobs.
    pub global: Option<GlobalSection<'a>>,
    /// The job of the plug; false omits it.
    pub plug: FlagOr<ScrapeJob<'a>>,
    /// The job of the Pushgateway; false omits it.
    pub gateway: FlagOr<ScrapeJob<'a>>,
    /// Other jobs.
    pub scrape: Option<Vec<ScrapeJob<'a>>>,
    /// Jobs that scrape `/federate` of other servers, each with `match`.
    pub federate: Option<Vec<ScrapeJob<'a>>>,
    /// Paths of rule files; in production `plugpipe_alerts.yml` by default.
    pub rule_files: Option<Vec<Verbatim<'a>>>,
    /// Alertmanagers that receive alerts.
    pub alertmanagers: Option<Vec<AlertmanagerTargets<'a>>>,
    /// Remote-write endpoints.
    pub remote_write: Option<Vec<RemoteEndpoint<'a>>>,
    /// Remote-read endpoints.
    pub remote_read: Option<Vec<RemoteEndpoint<'a>>>,
    /// The groups of a targets file.
    pub sd_targets: Option<Vec<TargetGroup<'a>>>,
}

/// Settings for all jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct GlobalSection<'a> {
    /// The scrape interval; by default the setting of that name, else the environment's default.
    pub scrape_interval: Duration,
    /// The scrape timeout, at most the interval.
    pub scrape_timeout: Duration,
    /// The rule evaluation interval; 15 seconds by default.
    pub evaluation_interval: Duration,
    /// Labels added to series and alerts sent to other systems.
    pub external_labels: Labels<'a>,
}

/// A scrape job. Its targets are listed in `targets`, or discovered by `file_sd` or `http_sd`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct ScrapeJob<'a> {
    /// The job's name.
    pub job: Text<'a>,
    /// Targets as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Labels of the listed targets.
    pub labels: Labels<'a>,
    /// Paths of targets files.
    pub file_sd: Option<Vec<Verbatim<'a>>>,
    /// URLs of service discovery endpoints.
    pub http_sd: Option<Vec<Verbatim<'a>>>,
    /// How often files and endpoints are reread.
    pub refresh_interval: Duration,
    /// The path of the metrics, such as `/metrics`.
    pub path: Text<'a>,
    /// `http` or `https`.
    pub scheme: Text<'a>,
    /// The scrape interval.
    pub interval: Duration,
    /// The scrape timeout, at most the interval.
    pub timeout: Duration,
    /// Whether labels from the target take precedence over the job's.
    pub honor_labels: Flag,
    /// Whether timestamps from the target are used.
    pub honor_timestamps: Flag,
    /// URL parameters, each a string or a list of strings.
    pub params: Named<'a, OneOrMany<Text<'a>>>,
    /// Scrape protocols, by Prometheus's names.
    pub protocols: Option<Vec<Verbatim<'a>>>,
    /// Whether native histograms are scraped.
    pub native_histograms: Flag,
    /// The maximum number of samples per scrape; 0 for no limit.
    pub sample_limit: Whole,
    /// Selectors such as `{job="plugpipe"}`: required in jobs of `federate`, not allowed in others.
    pub r#match: Option<Vec<Verbatim<'a>>>,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A token file on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// With `kubernetes` only: the Secret with the token.
    pub bearer_token_secret: Option<SecretKey<'a>>,
    /// TLS settings.
    pub tls: Option<TlsFiles<'a>>,
    /// The proxy's URL.
    pub proxy_url: Text<'a>,
}

/// A remote-write or remote-read endpoint.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["url"])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct RemoteEndpoint<'a> {
    /// Its URL.
    pub url: Text<'a>,
    /// A unique name.
    pub name: Text<'a>,
    /// The tenant, sent as `X-Scope-OrgID`.
    pub tenant: Text<'a>,
    /// Additional headers; they must not contain secrets.
    pub headers: Labels<'a>,
    /// The timeout of a request.
    pub timeout: Duration,
    /// Remote write only: `1.0` (the default) or `2.0`.
    pub protocol: Text<'a>,
    /// Remote write only: whether native histograms are sent.
    pub native_histograms: Flag,
    /// Remote write only: whether exemplars are sent.
    pub exemplars: Flag,
    /// Remote read only: whether to read time ranges that the local storage should cover.
    pub read_recent: Flag,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A token file on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// TLS settings.
    pub tls: Option<TlsFiles<'a>>,
    /// The proxy's URL.
    pub proxy_url: Text<'a>,
}

/// Alertmanagers, listed or discovered like the targets of a job.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct AlertmanagerTargets<'a> {
    /// Alertmanagers as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Paths of targets files.
    pub file_sd: Option<Vec<Verbatim<'a>>>,
    /// URLs of service discovery endpoints.
    pub http_sd: Option<Vec<Verbatim<'a>>>,
    /// How often files and endpoints are reread.
    pub refresh_interval: Duration,
    /// Labels of the listed Alertmanagers.
    pub labels: Labels<'a>,
    /// `http` or `https`.
    pub scheme: Text<'a>,
    /// The path prefix of their API.
    pub path_prefix: Text<'a>,
    /// The timeout of a request.
    pub timeout: Duration,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A token file on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// TLS settings.
    pub tls: Option<TlsFiles<'a>>,
    /// The proxy's URL.
    pub proxy_url: Text<'a>,
}

/// A group of a targets file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct TargetGroup<'a> {
    /// Targets as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Their labels. Names may begin with `__`.
    pub labels: Labels<'a>,
}

/// Basic authentication.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct BasicAuth<'a> {
    /// The user's name.
    pub username: Text<'a>,
    /// A file with the password, on the Prometheus server.
    pub password_file: Text<'a>,
}

/// TLS settings; files are on the Prometheus server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct TlsFiles<'a> {
    /// Trusted CA certificates.
    pub ca_file: Text<'a>,
    /// The client certificate; needs `key_file`.
    pub cert_file: Text<'a>,
    /// The client certificate's key.
    pub key_file: Text<'a>,
    /// The name to verify in the server's certificate.
    pub server_name: Text<'a>,
    /// Whether to skip verification of the server's certificate.
    pub insecure_skip_verify: Flag,
}
