//! Fixture servers on loopback: finds or fetches, starts and stops Pushgateway, Prometheus,
//! Alertmanager and VictoriaMetrics.
//!
//! Used by `plugpipe-harness demo --stack` and the end-to-end tests.
//!
//! This crate runs the programs that it is given or finds, runs `apt-get download` and `dpkg -x` to
//! [fetch](Servers::fetch) programs, runs `apt-get update` with [separate package
//! lists](Servers::find_or_fetch_at_least), and writes to the folder of fetched servers and to
//! temporary folders. It does not install anything, need root, listen on anything but `127.0.0.1`,
//! name a package mirror (it uses apt's sources), or signal processes that it did not start.
//!
//! All functions block. In async code, use `tokio::task::spawn_blocking`.
//!
//! ```no_run
//! use std::time::Duration;
//! use plugpipe_testkit::{Program, PrometheusOptions, PushgatewayOptions, ScrapeConfig, ScrapeJob, Servers};
//!
//! # fn main() -> Result<(), plugpipe_testkit::TestkitError> {
//! let servers = Servers::from_env_or(".servers");
//! let gateway = plugpipe_testkit::start_pushgateway(&servers.find_or_fetch(Program::Pushgateway)?, &PushgatewayOptions::default())?;
//! let scrape = ScrapeConfig::every(Duration::from_millis(200)).job(ScrapeJob::new("pushgateway", gateway.authority()).honor_labels());
//! let prometheus = plugpipe_testkit::start_prometheus(&servers.find_or_fetch(Program::Prometheus)?, &PrometheusOptions::scraping(&scrape))?;
//! println!("push to {}, query {}", gateway.url, prometheus.url);
//! prometheus.stop();
//! gateway.stop();
//! # Ok(())
//! # }
//! ```
//!
//! | to add | write |
//! |---|---|
//! | a program to find and fetch | a variant of [`Program`] and its names |
//! | a server to start | also an options type, and a `Launch` in `run.rs` |

#![deny(missing_docs)]

mod apt;
mod config;
mod run;
mod servers;
mod tool;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use config::{ScrapeConfig, ScrapeJob};
pub use run::{
    AlertmanagerOptions, PrometheusOptions, PushgatewayOptions, Running, VictoriaMetricsOptions, start_alertmanager,
    start_prometheus, start_pushgateway, start_victoria_metrics,
};
pub use servers::{Servers, version};

/// A program of the Prometheus family that this crate can find and fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// The Pushgateway; [`start_pushgateway`] starts it.
    Pushgateway,
    /// The Prometheus server; [`start_prometheus`] starts it.
    Prometheus,
    /// `promtool`, which checks configurations, rules and expositions. A tool, not a server.
    Promtool,
    /// The Alertmanager; [`start_alertmanager`] starts it.
    Alertmanager,
    /// VictoriaMetrics, single node; [`start_victoria_metrics`] starts it.
    VictoriaMetrics,
}

impl Program {
    /// Every program, in the order of the enum.
    pub const ALL: [Self; 5] =
        [Self::Pushgateway, Self::Prometheus, Self::Promtool, Self::Alertmanager, Self::VictoriaMetrics];

    /// Its file names in order of preference: Debian's, then upstream's.
    #[must_use]
    pub fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Pushgateway => &["prometheus-pushgateway", "pushgateway"],
            Self::Prometheus => &["prometheus"],
            Self::Promtool => &["promtool"],
            Self::Alertmanager => &["prometheus-alertmanager", "alertmanager"],
            Self::VictoriaMetrics => &["victoria-metrics", "victoria-metrics-prod"],
        }
    }

    /// The Debian packages that may contain it, in the order to try.
    ///
    /// `promtool` is a separate package only in newer suites; in older ones it is part of the
    /// server's. It is tried first because apt detects a missing package without the network.
    #[must_use]
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Pushgateway => &["prometheus-pushgateway"],
            Self::Prometheus => &["prometheus"],
            Self::Promtool => &["promtool", "prometheus"],
            Self::Alertmanager => &["prometheus-alertmanager"],
            Self::VictoriaMetrics => &["victoria-metrics"],
        }
    }

    /// Installation advice for error messages.
    #[must_use]
    pub fn how_to_get(self) -> String {
        let names = self.file_names().join("` or `");
        // Every suite has the last package.
        let package = self.packages().last().copied().unwrap_or_default();
        format!(
            "on Debian or Ubuntu, run `apt-get install {package}` as root; or put the program, named `{names}`, on PATH or in the folder \
             in PLUGPIPE_SERVERS"
        )
    }
}

/// The name of the product.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pushgateway => "Pushgateway",
            Self::Prometheus => "Prometheus",
            Self::Promtool => "promtool",
            Self::Alertmanager => "Alertmanager",
            Self::VictoriaMetrics => "VictoriaMetrics",
        })
    }
}

/// Why a server could not be found, fetched or started. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// `apt-get` or `dpkg` is missing, so nothing can be fetched.
    #[error("{program} not found, and it cannot be fetched: cannot run `{tool}` ({source}). To install it: {}", program.how_to_get())]
    NoTool {
        /// The program to fetch.
        program: Program,
        /// The missing tool.
        tool: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// apt knows none of the packages, usually because its lists were never downloaded.
    #[error(
        "{program} not found, and apt does not know the package `{package}`, usually because its package lists are missing. Run \
         `apt-get update` as root and try again. To install it manually: {}",
        program.how_to_get()
    )]
    UnknownPackage {
        /// The program to fetch.
        program: Program,
        /// The last package that was tried.
        package: &'static str,
    },
    /// `apt-get download` or `dpkg -x` ran and failed.
    #[error(
        "cannot fetch {program}: `{command}` failed: {output}\nIf a file was not found on the mirror, the package lists are stale: run \
         `apt-get update` as root and try again. To install it manually: {}",
        program.how_to_get()
    )]
    FetchFailed {
        /// The program to fetch.
        program: Program,
        /// The command that failed.
        command: String,
        /// The end of its output.
        output: String,
    },
    /// The fetched packages do not contain the program.
    #[error("{program} is not in the package `{package}` of this system's suite. To install it: {}", program.how_to_get())]
    NotInPackage {
        /// The program.
        program: Program,
        /// The last package that was searched.
        package: &'static str,
    },
    /// The file exists but does not run, because of its architecture or a missing shared library.
    #[error(
        "{} does not run ({detail}). If it is for another architecture or a shared library is missing, replace it with one built for this \
         system",
        path.display()
    )]
    CannotRun {
        /// The program's file.
        path: PathBuf,
        /// The error of the system or program.
        detail: String,
    },
    /// The server exited before it was ready.
    #[error("{program} exited with {status} before it was ready. Command: `{command}`. End of its log:\n{log}")]
    EndedEarly {
        /// The server.
        program: Program,
        /// The exit status, such as `exit status: 1`.
        status: String,
        /// The command line.
        command: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server did not become ready in time.
    #[error(
        "{program} was not ready on {url} within {within:?} and was stopped. Is the machine overloaded? End of its log:\n{log}"
    )]
    NotReady {
        /// The server.
        program: Program,
        /// The URL of the readiness check.
        url: String,
        /// The timeout.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// Another process listens on the port.
    #[error(
        "{program} cannot listen on 127.0.0.1:{port}: address in use; stop the other process, or do not set a port"
    )]
    PortTaken {
        /// The server.
        program: Program,
        /// The port that was tried last.
        port: u16,
    },
    /// apt's sources have no archive with Debian's newest suite.
    #[error(
        "apt's sources have no Debian mirror; on Debian, its package lists are usually missing: run `apt-get update` as root \
         and try again"
    )]
    NoMirror,
    /// No release is new enough, and none could be fetched.
    #[error(
        "{program} {}.{} or newer not found, and it cannot be fetched from Debian's suite `sid`: {problem}\nTo install it manually, unpack \
         an upstream release into a subfolder of {}, or put it on PATH",
        min_version.0,
        min_version.1,
        folder.display()
    )]
    NotNewEnough {
        /// The program.
        program: Program,
        /// The minimum version, major and minor.
        min_version: (u32, u32),
        /// The folder of newest releases.
        folder: PathBuf,
        /// Why it could not be fetched.
        problem: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {source}. Check that the folder exists and is writable, and that the disk is not full", path.display())]
    File {
        /// The operation: `create the folder`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl TestkitError {
    /// For `map_err`: adds the operation and the path to an [`io::Error`].
    fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

/// Maximum number of lines of a log or a command's output in an error.
const SHOWN_LINES: usize = 20;

/// The last [`SHOWN_LINES`] lines of `text`, or `(nothing)`.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
    if shown.is_empty() { "(nothing)".to_owned() } else { shown.join("\n") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn installation_advice_covers_package_and_manual_installation() {
        for program in Program::ALL {
            let hint = program.how_to_get();
            assert!(hint.contains(&format!("apt-get install {}", program.packages().last().unwrap())), "{hint}");
            for name in program.file_names() {
                assert!(hint.contains(&format!("`{name}`")), "{hint}");
            }
            assert!(hint.contains("PATH") && hint.contains("PLUGPIPE_SERVERS"), "{hint}");
        }
    }

    #[test]
    fn promtool_is_installed_with_the_server() {
        assert!(Program::Promtool.how_to_get().contains("apt-get install prometheus`"));
    }

    #[test]
    fn a_missing_package_error_advises_apt_get_update() {
        let text = TestkitError::UnknownPackage { program: Program::Pushgateway, package: "prometheus-pushgateway" }
            .to_string();
        assert!(text.contains("`apt-get update` as root"), "{text}");
        assert!(text.contains("apt-get install prometheus-pushgateway"), "{text}");
    }

    #[test]
    fn a_missing_tool_error_advises_manual_installation() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        let text = TestkitError::NoTool { program: Program::Prometheus, tool: "apt-get", source }.to_string();
        assert!(text.contains("cannot run `apt-get`") && text.contains("on PATH"), "{text}");
    }

    #[test]
    fn an_outdated_release_error_names_the_folder() {
        let text = TestkitError::NotNewEnough {
            program: Program::Prometheus,
            min_version: (3, 0),
            folder: ".servers/newest".into(),
            problem: TestkitError::NoMirror.to_string(),
        }
        .to_string();
        assert!(text.starts_with("Prometheus 3.0 or newer not found"), "{text}");
        assert!(text.contains("`apt-get update` as root") && text.contains("subfolder of .servers/newest"), "{text}");
    }

    #[test]
    fn a_taken_port_is_named() {
        let text = TestkitError::PortTaken { program: Program::Pushgateway, port: 9091 }.to_string();
        assert!(text.starts_with("Pushgateway cannot listen on 127.0.0.1:9091"), "{text}");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_shown() {
        let log: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = tail(&log);
        assert_eq!(shown.lines().count(), SHOWN_LINES);
        assert!(shown.starts_with("line 80\n") && shown.ends_with("line 99"), "{shown}");
        assert_eq!(tail("one\n"), "one");
        assert_eq!(tail(""), "(nothing)");
    }
}
