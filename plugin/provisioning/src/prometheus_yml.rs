//! Prometheus's configuration file: the syntax of its values, and the version that introduced each
//! feature. No I/O.
//!
//! Source: Prometheus's documentation of `prometheus.yml`, its release notes, and `promtool check
//! config` of 2.42 and 3.5.

mod fields;
pub mod generate;

use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::yaml::Yaml;
use plugpipe_contract::responses::{ScrapeJob, StaticTargets};
use plugpipe_contract::time::{parse_duration, prometheus_duration};
use plugpipe_contract::url::Url;

/// A Prometheus version: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl Version {
    /// The oldest supported version.
    pub const OLDEST: Self = Self(2, 42);
    /// `scrape_protocols`.
    pub const SCRAPE_PROTOCOLS: Self = Self(2, 49);
    /// `protobuf_message` of `remote_write`: remote write 2.0.
    pub const REMOTE_WRITE_2: Self = Self(2, 54);
    /// `PrometheusText1.0.0` among the scrape protocols.
    pub const TEXT_1_0: Self = Self(3, 0);
    /// `scrape_native_histograms`; older versions have a server flag instead.
    pub const NATIVE_HISTOGRAMS: Self = Self(3, 8);

    /// Parses `2.42`, `3`, `v3.5.3`. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || "expected a version of Prometheus from 2.42 on, such as 2.42 or 3.5".to_owned();
        let text = text.trim();
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.').map(|part| part.parse::<u16>().ok());
        let major = parts.next().flatten().ok_or_else(invalid)?;
        let minor = parts.next().unwrap_or(Some(0)).ok_or_else(invalid)?;
        Some(Self(major, minor)).filter(|version| *version >= Self::OLDEST).ok_or_else(invalid)
    }

    /// `2.42`.
    pub fn text(self) -> String {
        let Self(major, minor) = self;
        format!("{major}.{minor}")
    }
}

/// Scrape protocols by Prometheus's names, with the version that introduced them.
pub const PROTOCOLS: [(&str, Version); 5] = [
    ("PrometheusProto", Version::SCRAPE_PROTOCOLS),
    ("OpenMetricsText0.0.1", Version::SCRAPE_PROTOCOLS),
    ("OpenMetricsText1.0.0", Version::SCRAPE_PROTOCOLS),
    ("PrometheusText0.0.4", Version::SCRAPE_PROTOCOLS),
    ("PrometheusText1.0.0", Version::TEXT_1_0),
];

/// Parses a duration for a configuration. The error says what was expected.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).and_then(check_duration)
}

/// Checks a duration for a configuration: at least a millisecond, at most a year. The error says
/// what was expected.
pub fn check_duration(duration: Duration) -> Result<Duration, String> {
    if duration < Duration::from_millis(1) || duration > Duration::from_secs(365 * 86_400) {
        return Err("expected at least 1ms and at most 365d".into());
    }
    Ok(duration)
}

/// Checks a target, `host` or `host:port`. The error says what was expected, and repeats nothing
/// that could be a password.
pub fn check_target(text: &str) -> Result<(), String> {
    let expected = "expected host:port, without scheme and path";
    if text.contains(|sign: char| sign.is_control() || "/\\@?# ".contains(sign)) {
        return Err(expected.into());
    }
    let mut whole = "http://".to_owned();
    whole.push_str(text);
    Url::parse(&whole).map(|_| ()).map_err(|problem| format!("{problem}; {expected}"))
}

/// The entry of `scrape_configs` for a URL, whose query becomes `params`. User and password are
/// omitted: they belong in a file on the Prometheus server. A timeout longer than the interval,
/// which Prometheus rejects, is lowered to the interval.
pub fn scrape_config_for(url: &Url, interval: Duration, timeout: Duration, job: &str) -> ScrapeJob {
    let whole = url.path_and_query();
    let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let mut params: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        params.entry(percent_decode(name)).or_default().push(percent_decode(value));
    }
    ScrapeJob {
        job_name: job.to_owned(),
        scrape_interval: prometheus_duration(interval),
        scrape_timeout: prometheus_duration(timeout.min(interval)),
        metrics_path: if path.is_empty() { "/" } else { path }.to_owned(),
        params,
        scheme: url.scheme().to_owned(),
        static_configs: [StaticTargets { targets: [url.authority()] }],
    }
}

/// The entry as YAML for a `prometheus.yml`.
pub fn scrape_configs(job: &ScrapeJob) -> String {
    let text = |text: &String| Yaml::Text(text.clone());
    let texts = |texts: &[String]| Yaml::texts(texts.iter().cloned());
    let mut members = vec![
        ("job_name", text(&job.job_name)),
        ("scrape_interval", text(&job.scrape_interval)),
        ("scrape_timeout", text(&job.scrape_timeout)),
        ("metrics_path", text(&job.metrics_path)),
    ];
    if job.scheme != "http" {
        members.push(("scheme", text(&job.scheme)));
    }
    if !job.params.is_empty() {
        let params = job.params.iter().map(|(name, values)| (name.clone(), texts(values)));
        members.push(("params", Yaml::Map(params.collect())));
    }
    let of_targets = |group: &StaticTargets| Yaml::Map(vec![("targets".to_owned(), texts(&group.targets))]);
    members.push(("static_configs", Yaml::List(job.static_configs.iter().map(of_targets).collect())));
    let entry = Yaml::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
    Yaml::Map(vec![("scrape_configs".to_owned(), Yaml::List(vec![entry]))]).write()
}

/// Appends `path` to `base`, unless `base` ends with it already. Empty for the root.
pub fn join<'b>(base: &'b str, path: &str) -> Cow<'b, str> {
    let base = base.trim_end_matches('/');
    let path = path.trim_start_matches('/');
    match base.strip_suffix(path) {
        Some(rest) if path.is_empty() || rest.ends_with('/') => Cow::Borrowed(base),
        _ => Cow::Owned(format!("{base}/{path}")),
    }
}

/// Decodes a part of a query.
fn percent_decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_and_compared() {
        assert_eq!(Version::parse("v3.5.3"), Ok(Version(3, 5)));
        assert_eq!(Version::parse(" 3 "), Ok(Version(3, 0)));
        assert!(Version(2, 49) < Version::TEXT_1_0 && Version(3, 10) > Version::NATIVE_HISTOGRAMS);
        for text in ["", "new", "2.41", "1.8", "2", "2.x", "-1", "99999999"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn targets_are_hosts_with_ports() {
        for text in ["localhost:8080", "127.0.0.1:1", "[::1]:9", "h"] {
            assert_eq!(check_target(text), Ok(()), "{text}");
        }
        for text in ["", "http://h:1", "h:1/metrics", "u:secret@h", "h:x", "h:99999", "a b", "h\n", "[::1"] {
            let problem = check_target(text).unwrap_err();
            assert!(problem.contains("host:port") && !problem.contains("secret"), "{text}: {problem}");
        }
    }

    #[test]
    fn durations_are_written_as_prometheus_reads_them() {
        for (text, written) in
            [("15", "15s"), ("0.5", "500ms"), ("1m30s", "1m30s"), ("90", "1m30s"), ("1d", "1d"), ("1.5h", "1h30m")]
        {
            assert_eq!(prometheus_duration(read_duration(text).unwrap()), written);
        }
        for text in ["0", "0.0001", "366d", "soon"] {
            assert!(read_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_becomes_a_scrape_job() {
        let url = Url::parse("https://user:secret@h:8443/app/metrics?module=a%20b&module=c").unwrap();
        let job = scrape_config_for(&url, Duration::from_secs(5), Duration::from_secs(10), "app: one");
        let expected = r#"scrape_configs:
  - job_name: "app: one"
    scrape_interval: 5s
    scrape_timeout: 5s
    metrics_path: /app/metrics
    scheme: https
    params:
      module:
        - "a b"
        - c
    static_configs:
      - targets:
          - h:8443
"#;
        assert_eq!(scrape_configs(&job), expected);
        let second = Duration::from_secs(1);
        let root = scrape_config_for(&Url::parse("http://h").unwrap(), second, second, "j");
        assert_eq!((&*root.metrics_path, &*root.scheme), ("/", "http"));
        for (base, path, joined) in [
            ("/metrics", "/metrics", "/metrics"),
            ("/xmetrics", "/metrics", "/xmetrics/metrics"),
            ("", "metrics", "/metrics"),
            ("/a/", "", "/a"),
            ("/", "/", ""),
        ] {
            assert_eq!(join(base, path), joined);
        }
    }
}
