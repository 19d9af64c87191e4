//! Carries out jobs: in a fresh instance that lives for one call, or as a file that the host writes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::bindings::exports::plugpipe::plug::hosting;
use crate::budget::{Budget, Share};
use crate::egress::{JobReach, Reach};
use crate::error::Error;
use crate::files::{self, Put};
use crate::limits::Limit;
use crate::store::{Factory, call_worker};

/// What a worker is expected to need as it starts.
const WORKER_BYTES: usize = 2 * 1024 * 1024;

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) outcome: hosting::Outcome,
    /// Whether the plug's instance was lost.
    pub(crate) crashed: bool,
    /// The memory that the outcome counts for.
    _share: Option<Share>,
}

impl Ended {
    pub(crate) fn lost(reason: impl Into<String>) -> Self {
        Self { outcome: hosting::Outcome::Lost(reason.into()), crashed: false, _share: None }
    }
}

/// A job for a worker.
pub(crate) struct Job {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: Room,
    pub(crate) reach: JobReach,
    pub(crate) limit: Duration,
}

/// The memory that a job counts for.
pub(crate) struct Room {
    /// For its bytes, and then for its outcome.
    bytes: Share,
    /// For its worker, until that counts for itself.
    worker: Share,
}

impl Room {
    /// Room for a job of so many bytes; none if the plug's memory has no more.
    pub(crate) fn of(budget: &Arc<Budget>, bytes: usize) -> Option<Self> {
        let mut room = Self { bytes: Share::of(budget), worker: Share::of(budget) };
        let fits = room.worker.grow(WORKER_BYTES) && room.bytes.grow(bytes);
        fits.then_some(room)
    }
}

/// Runs a job in a fresh instance.
pub(crate) async fn run(factory: Arc<Factory>, job: Job) -> Ended {
    match run_in_worker(&factory, job).await {
        Ok((result, share)) => Ended { outcome: hosting::Outcome::Ran(result), crashed: false, _share: Some(share) },
        Err(error) => Ended { crashed: true, ..Ended::lost(error.cause()) },
    }
}

async fn run_in_worker(factory: &Factory, job: Job) -> Result<(hosting::ResultOfRun, Share), Error> {
    let Job { bytes, room: Room { bytes: share, worker: room }, reach, limit } = job;
    drop(room);
    let mut worker = factory.worker(Reach::Job(reach), limit).await?;
    let result = call_worker!(&mut worker, limit, |exports, store| exports.hosting.call_run(store, &bytes))?;
    // The outcome is another copy of what the worker has.
    drop((bytes, share));
    let mut share = Share::of(&factory.budget);
    if !share.grow(result.effect.len().saturating_add(result.told.len())) {
        return Err(Error::Limit { limit: Limit::Memory(factory.limits.memory_bytes) });
    }
    Ok((result, share))
}

/// Writes a file, where that holds up nobody.
pub(crate) async fn put_file(file: hosting::File, folder: Option<PathBuf>, mark: Arc<str>) -> Ended {
    let hosting::File { folder: grant, name, content, expected } = file;
    let put = Put { name, content, expected };
    let done = match folder.filter(|_| grant == files::RULES) {
        None => Err(hosting::FileProblem::NotGranted),
        Some(folder) => match tokio::task::spawn_blocking(move || put.perform(&folder, &mark)).await {
            Ok(done) => done.map_err(hosting::FileProblem::Failed),
            Err(_) => return Ended::lost("the host is ending"),
        },
    };
    Ended { outcome: hosting::Outcome::FilePut(done), crashed: false, _share: None }
}
