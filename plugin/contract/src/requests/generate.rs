//! What goes into a `prometheus.yml`. Within `generate` a field that is not known is refused: it
//! would silently be missing in a file that others rely on, or be a secret that does not belong
//! there.

use serde::Deserialize;

use crate::compound::{FlagOr, Named};
use crate::scalar::{Duration, Flag, Labels, OneOrMany, Text, Verbatim, Whole};

/// `generate_config`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct GenerateConfig<'a> {
    /// `development`, `testing` or `production`: whose defaults hold.
    pub environment: Text<'a>,
    /// The oldest version of Prometheus that is to read it; `2.42` by default.
    pub for_version: Text<'a>,
    /// The parts that are written; by default all that have something in them.
    pub parts: Option<Vec<Verbatim<'a>>>,
    /// What stands in the parts.
    pub generate: Option<GeneratedSections<'a>>,
}

/// What stands in the parts of a `prometheus.yml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct GeneratedSections<'a> {
    /// What holds for all jobs.
    pub global: Option<GlobalSection<'a>>,
    /// The job of the plug; false leaves it out.
    pub plug: FlagOr<ScrapeJob<'a>>,
    /// The job of the Pushgateway; false leaves it out.
    pub gateway: FlagOr<ScrapeJob<'a>>,
    /// Other jobs.
    pub scrape: Option<Vec<ScrapeJob<'a>>>,
    /// Jobs that scrape `/federate` of other servers, each with `match`.
    pub federate: Option<Vec<ScrapeJob<'a>>>,
    /// Paths of rule files; in production `plugpipe_alerts.yml` by default.
    pub rule_files: Option<Vec<Verbatim<'a>>>,
    /// Alertmanagers to tell of alerts.
    pub alertmanagers: Option<Vec<AlertmanagerTargets<'a>>>,
    /// Where samples are written.
    pub remote_write: Option<Vec<RemoteEndpoint<'a>>>,
    /// Where older samples are read.
    pub remote_read: Option<Vec<RemoteEndpoint<'a>>>,
    /// The groups of a file of targets.
    pub sd_targets: Option<Vec<TargetGroup<'a>>>,
}

/// What holds for all jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct GlobalSection<'a> {
    /// Between scrapes; by default the setting of that name, else the environment's.
    pub scrape_interval: Duration,
    /// For one scrape, at most the interval.
    pub scrape_timeout: Duration,
    /// Between evaluations of rules; 15 seconds by default.
    pub evaluation_interval: Duration,
    /// Put on what leaves the server.
    pub external_labels: Labels<'a>,
}

/// A scrape job. Its targets are named in `targets`, or found through `file_sd` or `http_sd`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct ScrapeJob<'a> {
    /// The job's name.
    pub job: Text<'a>,
    /// Targets as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Labels of the targets that are named.
    pub labels: Labels<'a>,
    /// Files of targets, as paths.
    pub file_sd: Option<Vec<Verbatim<'a>>>,
    /// Endpoints that answer targets, as URLs.
    pub http_sd: Option<Vec<Verbatim<'a>>>,
    /// How often files and endpoints are read again.
    pub refresh_interval: Duration,
    /// The path of the metrics, such as `/metrics`.
    pub path: Text<'a>,
    /// `http` or `https`.
    pub scheme: Text<'a>,
    /// Between scrapes.
    pub interval: Duration,
    /// For one scrape, at most the interval.
    pub timeout: Duration,
    /// Whether labels of the target win over the job's own.
    pub honor_labels: Flag,
    /// Whether timestamps of the target count.
    pub honor_timestamps: Flag,
    /// Parameters of the URL, each with a text or a list of texts.
    pub params: Named<'a, OneOrMany<Text<'a>>>,
    /// Formats to ask for, by Prometheus's names.
    pub protocols: Option<Vec<Verbatim<'a>>>,
    /// Whether native histograms are scraped.
    pub native_histograms: Flag,
    /// The most samples of one scrape; 0 for no limit.
    pub sample_limit: Whole,
    /// Selectors such as `{job="plugpipe"}`: of a job in `federate`, which needs them, and of no
    /// other.
    pub r#match: Option<Vec<Verbatim<'a>>>,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A file with a token, on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// Certificates.
    pub tls: Option<TlsFiles<'a>>,
    /// A proxy to go through, as a URL.
    pub proxy_url: Text<'a>,
}

/// An endpoint of remote write or remote read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["url"])))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct RemoteEndpoint<'a> {
    /// Its URL.
    pub url: Text<'a>,
    /// A name, which no other one has.
    pub name: Text<'a>,
    /// Sent as `X-Scope-OrgID`.
    pub tenant: Text<'a>,
    /// Further headers, none of which is a secret.
    pub headers: Labels<'a>,
    /// For one request.
    pub timeout: Duration,
    /// To write only: `1.0` (the default) or `2.0`.
    pub protocol: Text<'a>,
    /// To write only: whether native histograms are sent.
    pub native_histograms: Flag,
    /// To write only: whether exemplars are sent.
    pub exemplars: Flag,
    /// To read only: whether samples are read that the server should have itself.
    pub read_recent: Flag,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A file with a token, on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// Certificates.
    pub tls: Option<TlsFiles<'a>>,
    /// A proxy to go through, as a URL.
    pub proxy_url: Text<'a>,
}

/// Alertmanagers, named or found as the targets of a job are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct AlertmanagerTargets<'a> {
    /// Alertmanagers as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Files of targets, as paths.
    pub file_sd: Option<Vec<Verbatim<'a>>>,
    /// Endpoints that answer targets, as URLs.
    pub http_sd: Option<Vec<Verbatim<'a>>>,
    /// How often files and endpoints are read again.
    pub refresh_interval: Duration,
    /// Labels of the Alertmanagers that are named.
    pub labels: Labels<'a>,
    /// `http` or `https`.
    pub scheme: Text<'a>,
    /// The path that they live under.
    pub path_prefix: Text<'a>,
    /// For one request.
    pub timeout: Duration,
    /// User and password.
    pub basic_auth: Option<BasicAuth<'a>>,
    /// A file with a token, on the Prometheus server.
    pub bearer_token_file: Text<'a>,
    /// Certificates.
    pub tls: Option<TlsFiles<'a>>,
    /// A proxy to go through, as a URL.
    pub proxy_url: Text<'a>,
}

/// A group of a file of targets.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct TargetGroup<'a> {
    /// Targets as `host:port`.
    pub targets: Option<Vec<Verbatim<'a>>>,
    /// Their labels. Names may begin with `__`.
    pub labels: Labels<'a>,
}

/// A user, and where the password is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct BasicAuth<'a> {
    /// The user's name.
    pub username: Text<'a>,
    /// A file with the password, on the Prometheus server.
    pub password_file: Text<'a>,
}

/// How a server's certificate is checked, and the client's own; files on the Prometheus server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub struct TlsFiles<'a> {
    /// Certificates of authorities that are trusted.
    pub ca_file: Text<'a>,
    /// The client's certificate; needs `key_file`.
    pub cert_file: Text<'a>,
    /// Its key.
    pub key_file: Text<'a>,
    /// The name that the server's certificate must have.
    pub server_name: Text<'a>,
    /// Whether any certificate is taken.
    pub insecure_skip_verify: Flag,
}
