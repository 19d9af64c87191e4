//! Carries out jobs: in a fresh instance that lives for one call, or as a file that the host writes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::bindings::exports::plugpipe::plug::hosting;
use crate::budget::Share;
use crate::egress::{JobReach, Reach};
use crate::error::Error;
use crate::files::{self, Put};
use crate::store::{Factory, call_worker};

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) outcome: hosting::Outcome,
    /// Whether the plug's instance was lost.
    pub(crate) crashed: bool,
}

impl Ended {
    pub(crate) fn lost(reason: impl Into<String>) -> Self {
        Self { outcome: hosting::Outcome::Lost(reason.into()), crashed: false }
    }
}

/// A job for a worker, with the memory that its bytes count for.
pub(crate) struct Job {
    pub(crate) bytes: Vec<u8>,
    pub(crate) share: Share,
    pub(crate) reach: JobReach,
    pub(crate) limit: Duration,
}

/// Runs a job in a fresh instance.
pub(crate) async fn run(factory: Arc<Factory>, job: Job) -> Ended {
    match run_in_worker(&factory, job).await {
        Ok(result) => Ended { outcome: hosting::Outcome::Ran(result), crashed: false },
        Err(error) => Ended { outcome: hosting::Outcome::Lost(error.cause()), crashed: true },
    }
}

async fn run_in_worker(factory: &Factory, job: Job) -> Result<hosting::ResultOfRun, Error> {
    let Job { bytes, share, reach, limit } = job;
    let mut worker = factory.worker(Reach::Job(reach), limit).await?;
    let result = call_worker!(&mut worker, limit, |exports, store| exports.hosting.call_run(store, &bytes));
    drop(share);
    result
}

/// Writes a file, where that holds up nobody.
pub(crate) async fn put_file(file: hosting::File, folder: Option<PathBuf>, mark: Arc<str>) -> Ended {
    let hosting::File { folder: grant, name, content, expected } = file;
    let put = Put { name, content, expected };
    let done = match folder.filter(|_| grant == files::RULES) {
        None => Err(format!("no folder {grant:?} was granted")),
        Some(folder) => match tokio::task::spawn_blocking(move || put.perform(&folder, &mark)).await {
            Ok(done) => done,
            Err(_) => return Ended::lost("the host is ending"),
        },
    };
    Ended { outcome: hosting::Outcome::FilePut(done), crashed: false }
}
