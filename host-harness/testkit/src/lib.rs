//! Fixture servers on loopback: finds or fetches a Pushgateway, a Prometheus, an Alertmanager and a
//! VictoriaMetrics, starts and stops them.
//!
//! For `plugpipe-harness demo --stack` and the end-to-end tests, which need real servers.
//!
//! What this crate may do: run the programs it is given or has found, run `apt-get download` and
//! `dpkg -x` when asked to [fetch](Servers::fetch), and `apt-get update` with [lists of its
//! own](Servers::find_or_fetch_at_least), write below the folder of fetched servers and below
//! temporary folders of its own. What it may not do: install anything, ask for root, listen on
//! anything but `127.0.0.1`, name a package mirror (apt's own sources are used), or signal a
//! process it did not start.
//!
//! Everything here blocks. Call it from `tokio::task::spawn_blocking` in async code.
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
//! | to add | what to write |
//! |---|---|
//! | a program that is only found and fetched | a variant of [`Program`] and its names |
//! | a server that is started too | the above, an options type, and a `Launch` in `run.rs` |

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

    /// The file names it goes by, preferred first: Debian's, then that of the upstream release.
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

    /// The Debian packages that may carry it, in the order to try them.
    ///
    /// `promtool` is a package of its own in newer suites only; in older ones it comes with the
    /// server. It is tried first because apt knows at once, without the network, that a package
    /// does not exist.
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

    /// How to get this program, as a clause for the end of an error message.
    #[must_use]
    pub fn how_to_get(self) -> String {
        let names = self.file_names().join("` or `");
        // The last package is the one every suite has.
        let package = self.packages().last().copied().unwrap_or_default();
        format!(
            "on Debian or Ubuntu: `apt-get install {package}` as root; or put the program, named `{names}`, on PATH or into the folder \
             that PLUGPIPE_SERVERS names"
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

/// Why a server could not be found, fetched or started. Each message ends with what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// `apt-get` or `dpkg` is missing, so nothing can be fetched.
    #[error("{program} is not here, and it cannot be fetched: `{tool}` could not be run ({source}). Get it otherwise: {}", program.how_to_get())]
    NoTool {
        /// What was to be fetched.
        program: Program,
        /// The tool that could not be run.
        tool: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// apt knows none of the packages: usually its lists were never downloaded.
    #[error(
        "{program} is not here, and apt does not know the package `{package}`, which usually means that its package lists are missing. Run \
         `apt-get update` as root and try again, or get it otherwise: {}",
        program.how_to_get()
    )]
    UnknownPackage {
        /// What was to be fetched.
        program: Program,
        /// The last package that was tried.
        package: &'static str,
    },
    /// `apt-get download` or `dpkg -x` ran and failed.
    #[error(
        "{program} could not be fetched: `{command}` failed: {output}\nIf a file was not found on the mirror, the package lists are stale: run \
         `apt-get update` as root and try again. Or get it otherwise: {}",
        program.how_to_get()
    )]
    FetchFailed {
        /// What was to be fetched.
        program: Program,
        /// The command that failed.
        command: String,
        /// The end of what it printed.
        output: String,
    },
    /// The packages were fetched, but none has the program in it.
    #[error("{program} is not in the package `{package}` of this system's suite. Get it otherwise: {}", program.how_to_get())]
    NotInPackage {
        /// What was looked for.
        program: Program,
        /// The last package that was looked into.
        package: &'static str,
    },
    /// The file is there but does not run: another architecture, or a shared library that is
    /// missing.
    #[error(
        "{} does not run ({detail}). If it is for another architecture, or lacks a shared library, remove it and use one built for this \
         system",
        path.display()
    )]
    CannotRun {
        /// The program's file.
        path: PathBuf,
        /// The error of the system or program.
        detail: String,
    },
    /// The server ended before it was ready.
    #[error(
        "{program} ended with {status} before it was ready. Its command was `{command}`; the end of its log:\n{log}"
    )]
    EndedEarly {
        /// The server.
        program: Program,
        /// How it ended, as the system puts it: `exit status: 1`.
        status: String,
        /// The command line.
        command: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server did not become ready in time.
    #[error(
        "{program} did not say it is ready on {url} within {within:?}, and was stopped. Is the machine very busy? The end of its log:\n{log}"
    )]
    NotReady {
        /// The server.
        program: Program,
        /// The address that was asked.
        url: String,
        /// The timeout.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// Another process listens on the port.
    #[error(
        "{program} cannot listen on 127.0.0.1:{port}: the port is taken. Stop what listens there, or leave the port to be chosen"
    )]
    PortTaken {
        /// The server.
        program: Program,
        /// The port that was tried last.
        port: u16,
    },
    /// apt's sources lead to no archive that has Debian's newest suite.
    #[error(
        "apt's sources name no Debian mirror; on Debian that usually means that its package lists are missing: run `apt-get update` as root \
         and try again"
    )]
    NoMirror,
    /// No release that is new enough is here, and none could be fetched.
    #[error(
        "{program} {}.{} or newer is not here, and could not be fetched from Debian's suite `sid`: {problem}\nGet it otherwise: unpack an \
         upstream release of it into {}, so that the program is in a folder of its own in there, or put it on PATH",
        min_version.0,
        min_version.1,
        folder.display()
    )]
    NotNewEnough {
        /// What was looked for.
        program: Program,
        /// The minimum version, major and minor.
        min_version: (u32, u32),
        /// Where it would be kept.
        folder: PathBuf,
        /// Why it could not be fetched.
        problem: String,
    },
    /// A file or folder could not be used.
    #[error("could not {doing} {}: {source}. Check that the folder exists and may be written, and that the disk is not full", path.display())]
    File {
        /// What was being done: `create the folder`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl TestkitError {
    /// For `map_err`: an [`io::Error`] with what was being done and to which file.
    fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

/// How many lines of a log or of a command's output an error shows.
const SHOWN_LINES: usize = 20;

/// The last [`SHOWN_LINES`] lines of `text`, or a remark that there are none.
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
    fn each_program_says_how_to_get_it_by_package_and_by_hand() {
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
    fn promtool_is_installed_with_the_server_since_every_suite_has_that() {
        assert!(Program::Promtool.how_to_get().contains("apt-get install prometheus`"));
    }

    #[test]
    fn a_missing_package_is_answered_with_apt_get_update() {
        let text = TestkitError::UnknownPackage { program: Program::Pushgateway, package: "prometheus-pushgateway" }
            .to_string();
        assert!(text.contains("`apt-get update` as root"), "{text}");
        assert!(text.contains("apt-get install prometheus-pushgateway"), "{text}");
    }

    #[test]
    fn a_missing_tool_is_answered_with_the_other_ways() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        let text = TestkitError::NoTool { program: Program::Prometheus, tool: "apt-get", source }.to_string();
        assert!(text.contains("`apt-get` could not be run") && text.contains("on PATH"), "{text}");
    }

    #[test]
    fn a_release_that_is_too_old_is_answered_with_where_to_put_another() {
        let text = TestkitError::NotNewEnough {
            program: Program::Prometheus,
            min_version: (3, 0),
            folder: ".servers/newest".into(),
            problem: TestkitError::NoMirror.to_string(),
        }
        .to_string();
        assert!(text.starts_with("Prometheus 3.0 or newer is not here"), "{text}");
        assert!(text.contains("`apt-get update` as root") && text.contains("into .servers/newest"), "{text}");
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
