//! Runs soak tests. CI runs the same tests at a size that takes seconds.

use std::process::Command;
use std::time::Instant;

use crate::{output, root};

/// A soak test: the tests whose names begin with `filter`, and the variables that set their size.
pub struct Soak {
    /// The argument of `cargo xtask soak`.
    pub name: &'static str,
    /// Its description in docs/benchmarks.md.
    pub does: &'static str,
    filter: &'static str,
    sizes: &'static [(&'static str, &'static str)],
}

/// All soak tests.
pub const SOAKS: &[Soak] = &[
    Soak {
        name: "conversations",
        does: "5,000 conversations of each kind in one instance leave no host resource behind",
        filter: "host::resources::one_instance_holds",
        sizes: &[("PLUGPIPE_SOAK_CONVERSATIONS", "5000")],
    },
    Soak {
        name: "gateway",
        does: "1,000 pushes to a real Pushgateway",
        filter: "host::outbound::pushes_to_a_real_gateway",
        sizes: &[("PLUGPIPE_PUSHES", "1000")],
    },
    Soak {
        name: "kills",
        does: "200 times kill -9 under load, with pushes and remote writes, lose and repeat nothing; nor do 50 with a real Prometheus, or one at any point of 80 calls",
        filter: "host::kills::",
        sizes: &[
            ("PLUGPIPE_SOAK_CUT_ROUNDS", "40"),
            ("PLUGPIPE_SOAK_KILLS", "200"),
            ("PLUGPIPE_SOAK_PROMETHEUS_KILLS", "50"),
        ],
    },
    Soak {
        name: "load",
        does: "10,000 traps of recorder and workers, and 10,000 records that wait for their pushes: totals are exact",
        filter: "host::load::",
        sizes: &[("PLUGPIPE_SOAK_MIXED_TRAPS", "10000"), ("PLUGPIPE_SOAK_SHARED_PUSHES", "10000")],
    },
    Soak {
        name: "preflight",
        does: "4,000 random pushes, and as many by random plugs, are judged as by Pushgateway 1.5 and 1.11",
        filter: "servers::preflight::random_",
        sizes: &[("PLUGPIPE_SOAK_PREFLIGHT_ROUNDS", "4000")],
    },
    Soak {
        name: "python",
        does: "100,000 calls and 3,000 configurations of the Python package leave memory as it is",
        filter: "cli::python_host::requests_are_answered",
        sizes: &[("PLUGPIPE_SOAK_PYTHON_CALLS", "100000"), ("PLUGPIPE_SOAK_PYTHON_CONFIGURATIONS", "3000")],
    },
    Soak {
        name: "receiver-down",
        does: "a remote-write receiver is down for 5 minutes while serve is killed with SIGTERM and SIGKILL: a real Prometheus then has each sample once, in order",
        filter: "host::receiver_down::",
        sizes: &[("PLUGPIPE_SOAK_RECEIVER_DOWN_SECONDS", "300")],
    },
    Soak {
        name: "recovery",
        does: "10,000 traps and 200 times kill -9 lose nothing that was acknowledged",
        filter: "host::recovery::",
        sizes: &[("PLUGPIPE_RECOVERY_TRAPS", "10000"), ("PLUGPIPE_RECOVERY_KILLS", "200")],
    },
    Soak {
        name: "serve",
        does: "10,000,000 records beside 10,000 pushes to a gateway that fails every third one",
        filter: "host::soak::",
        sizes: &[("PLUGPIPE_SOAK_PUSHES", "10000"), ("PLUGPIPE_SOAK_RECORDS", "10000000")],
    },
    Soak {
        name: "workers",
        does: "8 gunicorn workers share a registry for 60 s, and for 60 s while they are killed",
        filter: "cli::python_host::processes_share_a_registry",
        sizes: &[("PLUGPIPE_SOAK_WORKERS_SECONDS", "60")],
    },
];

/// Runs a soak test and returns its row for docs/benchmarks.md.
///
/// # Errors
/// If there is no such test or it fails.
pub fn run(name: &str) -> Result<String, String> {
    let names: Vec<&str> = SOAKS.iter().map(|soak| soak.name).collect();
    let soak = SOAKS.iter().find(|soak| soak.name == name);
    let soak = soak.ok_or_else(|| format!("expected one of {}, got {name:?}", names.join(", ")))?;
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let date = git(&["log", "-1", "--date=short", "--format=%cd"])?;
    let started = Instant::now();
    let status = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["test", "--package", "plugpipe-harness", "--test", "e2e", soak.filter, "--", "--nocapture"])
        .envs(soak.sizes.iter().copied())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err(format!("{name}: the tests {} failed: {status}", soak.filter));
    }
    let seconds = started.elapsed().as_secs();
    Ok(format!("| {date} | {commit} | `cargo xtask soak {name}` | {}: passed in {seconds} s |", soak.does))
}

fn git(arguments: &[&str]) -> Result<String, String> {
    output(Command::new("git").args(arguments)).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_text;

    #[test]
    fn every_soak_test_reads_its_sizes() {
        for soak in SOAKS {
            let (module, test) = soak.filter.rsplit_once("::").unwrap();
            let module = module.replace("::", "/");
            let source = read_text(&root().join(format!("tests/e2e/{module}.rs"))).unwrap();
            assert!(source.contains(test), "{}: tests/e2e/{module}.rs has no {test}", soak.name);
            for (variable, _) in soak.sizes {
                assert!(source.contains(variable), "{}: {module}.rs does not read {variable}", soak.name);
            }
        }
    }
}
