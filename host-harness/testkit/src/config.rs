//! Renders a Prometheus configuration of scrape jobs and rule files as YAML.
//!
//! For anything else, set the YAML text in [`PrometheusOptions`](super::PrometheusOptions).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use plugpipe_time::PrometheusDuration;

/// Scrape jobs, their interval, and rule files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeConfig {
    /// The scrape and rule evaluation interval, in whole milliseconds; at least one.
    pub interval: Duration,
    /// The scrape jobs, with unique names.
    pub jobs: Vec<ScrapeJob>,
    /// Absolute paths of rule files; the file name may be a glob.
    pub rule_files: Vec<PathBuf>,
}

impl ScrapeConfig {
    /// A configuration with this interval, without jobs and rules.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self { interval, jobs: Vec::new(), rule_files: Vec::new() }
    }

    /// Adds a scrape job.
    #[must_use]
    pub fn job(mut self, job: ScrapeJob) -> Self {
        self.jobs.push(job);
        self
    }

    /// Adds a rule file.
    #[must_use]
    pub fn rule_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.rule_files.push(file.into());
        self
    }

    /// Renders the configuration as YAML.
    ///
    /// The scrape timeout is omitted: Prometheus limits its default to the interval.
    #[must_use]
    pub fn render(&self) -> String {
        // For zero, Prometheus uses its default.
        let interval = PrometheusDuration::saturating(self.interval.max(Duration::from_millis(1)));
        let mut yaml = format!("global:\n  scrape_interval: {interval}\n  evaluation_interval: {interval}\n");
        if !self.rule_files.is_empty() {
            yaml.push_str("rule_files:\n");
            for file in &self.rule_files {
                line(&mut yaml, "  - ", &quoted(&file.to_string_lossy()));
            }
        }
        if !self.jobs.is_empty() {
            yaml.push_str("scrape_configs:\n");
            for job in &self.jobs {
                job.render(&mut yaml);
            }
        }
        yaml
    }
}

/// A scrape job with static targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeJob {
    /// The job's name, which becomes the `job` label.
    pub name: String,
    /// `host:port` of each target, without a scheme.
    pub targets: Vec<String>,
    /// Whether `job` and `instance` labels of the target override Prometheus's own. Needed for a
    /// Pushgateway, whose groups would otherwise be labeled `exported_job`.
    pub honor_labels: bool,
    /// The path to scrape, `/metrics` if `None`.
    pub metrics_path: Option<String>,
    /// The scrape protocols in order of preference, such as `OpenMetricsText1.0.0`; empty for the
    /// default. Not supported before Prometheus 2.49.
    pub protocols: Vec<String>,
}

impl ScrapeJob {
    /// A job with one target, `host:port`.
    #[must_use]
    pub fn new(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            targets: vec![target.into()],
            honor_labels: false,
            metrics_path: None,
            protocols: Vec::new(),
        }
    }

    /// Sets [`ScrapeJob::honor_labels`].
    #[must_use]
    pub fn honor_labels(mut self) -> Self {
        self.honor_labels = true;
        self
    }

    /// Sets the path to scrape.
    #[must_use]
    pub fn metrics_path(mut self, path: impl Into<String>) -> Self {
        self.metrics_path = Some(path.into());
        self
    }

    /// Adds a scrape protocol: see [`ScrapeJob::protocols`].
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    fn render(&self, yaml: &mut String) {
        line(yaml, "  - job_name: ", &quoted(&self.name));
        if self.honor_labels {
            line(yaml, "    honor_labels: ", "true");
        }
        if let Some(path) = &self.metrics_path {
            line(yaml, "    metrics_path: ", &quoted(path));
        }
        if !self.protocols.is_empty() {
            let protocols: Vec<String> = self.protocols.iter().map(|protocol| quoted(protocol)).collect();
            line(yaml, "    scrape_protocols: ", &format!("[{}]", protocols.join(", ")));
        }
        let targets: Vec<String> = self.targets.iter().map(|target| quoted(target)).collect();
        line(yaml, "    static_configs: ", &format!("[{{targets: [{}]}}]", targets.join(", ")));
    }
}

fn line(yaml: &mut String, key: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(yaml, "{key}{value}");
}

/// A double-quoted YAML scalar. Everything is quoted, because YAML interprets some plain words.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_config_renders_intervals_rules_and_jobs() {
        let config = ScrapeConfig::every(Duration::from_millis(200))
            .rule_file("/tmp/rules/*.yml")
            .job(ScrapeJob::new("pushgateway", "127.0.0.1:9091").honor_labels())
            .job(
                ScrapeJob { targets: vec!["a:1".into(), "b:2".into()], ..ScrapeJob::new("two", "") }
                    .metrics_path("/plug")
                    .protocol("PrometheusProto")
                    .protocol("OpenMetricsText1.0.0"),
            );
        assert_eq!(
            config.render(),
            r#"global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
rule_files:
  - "/tmp/rules/*.yml"
scrape_configs:
  - job_name: "pushgateway"
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:9091"]}]
  - job_name: "two"
    metrics_path: "/plug"
    scrape_protocols: ["PrometheusProto", "OpenMetricsText1.0.0"]
    static_configs: [{targets: ["a:1", "b:2"]}]
"#
        );
    }

    #[test]
    fn a_config_without_jobs_has_no_empty_lists() {
        assert_eq!(
            ScrapeConfig::every(Duration::from_secs(1)).render(),
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n"
        );
    }

    #[test]
    fn an_interval_is_never_zero() {
        assert!(ScrapeConfig::every(Duration::ZERO).render().contains("scrape_interval: 1ms"));
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\"b\\c\nd: #é"), r#""a\"b\\c\u000ad: #é""#);
    }
}
