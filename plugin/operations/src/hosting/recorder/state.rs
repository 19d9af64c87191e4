//! All state as bytes, and back.

use core::time::Duration;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::Recorder;
use crate::error::Error;
use crate::hosting::schedule::Schedule;
use crate::http::{Url, redacted};
use crate::operations::deltas::Deltas;
use crate::operations::own_groups::{self, Steps};
use crate::operations::pushes::Contents;
use crate::operations::receivers::{Receiver, Receivers};
use crate::operations::together;
use crate::operations::writers::Writers;
use crate::registry::{checksum, refused};
use crate::send_queue::{CarriedQueue, SendQueue};
use crate::servers::pushgateway::groups::Abilities;
use crate::servers::remote_write::Version;
use crate::telemetry::Telemetry;

const MAGIC: &[u8; 8] = b"pprecord";
const VERSION: u8 = 4;

/// What a journal replays exactly.
#[derive(Serialize, Deserialize)]
struct Exact {
    /// The registries, and what of them is due.
    groups: Vec<u8>,
    /// When a push of each was tried last, the plug's own first.
    tried: Vec<Option<u64>>,
    /// Who recorded what in each, sorted.
    steps: Vec<Vec<(String, String)>>,
    /// The changes of groups that were forgotten.
    forgotten: u64,
    schedule: Schedule,
    /// Groups to delete at cleanup.
    pushed: Vec<String>,
    /// Groups whose counters were compared.
    compared: Vec<String>,
    /// What is to be sent to remote-write receivers, and the version that each speaks.
    receivers: Vec<(String, Option<Version>, CarriedQueue)>,
    deltas: Deltas,
    writers: Writers,
}

/// What also changes with calls that are not journalled.
#[derive(Serialize, Deserialize)]
struct Approximate {
    circuits: Vec<(String, Duration)>,
    telemetry: Telemetry,
    gateway: Option<(String, Abilities)>,
    /// What receivers accepted last. Forgotten, it is sent once more.
    delivered: Vec<(String, Contents)>,
}

impl Recorder {
    /// Everything that is to survive a restart, versioned and checksummed. No secret and no
    /// configuration.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        // Nothing that is written can fail: the output is memory, and all lengths are known.
        for part in [self.exact_state(), postcard::to_allocvec(&self.approximate()).unwrap_or_default()] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(&part);
        }
        let sum = checksum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// The part of a snapshot that is the same after a journal was replayed.
    pub fn exact_state(&self) -> Vec<u8> {
        let mut groups = Vec::new();
        own_groups::snapshot(&self.registry, self.pending, &self.groups, &mut groups);
        let list = &self.groups.list;
        let exact = Exact {
            groups,
            tried: [self.pending.tried].into_iter().chain(list.iter().map(|group| group.pending.tried)).collect(),
            steps: [&self.steps].into_iter().chain(list.iter().map(|group| &group.steps)).map(sorted).collect(),
            forgotten: self.groups.forgotten(),
            schedule: self.schedule.journalled(),
            pushed: self.pushes.groups.iter().map(redacted).collect(),
            compared: self.pushes.compared.iter().map(redacted).collect(),
            receivers: self.receivers.0.iter().map(carried).collect(),
            deltas: self.pushes.deltas.clone(),
            writers: self.writers.clone(),
        };
        postcard::to_allocvec(&exact).unwrap_or_default()
    }

    fn approximate(&self) -> Approximate {
        Approximate {
            circuits: self.circuits.open(Duration::ZERO),
            telemetry: self.telemetry,
            gateway: self.pushes.gateway.clone(),
            delivered: self.pushes.delivered.clone(),
        }
    }

    /// Replaces everything but the configuration by a snapshot, or what was recorded by what
    /// `snapshot_metrics` answered. One that is damaged changes nothing.
    ///
    /// # Errors
    /// It is damaged, or of another version.
    pub fn restore(&mut self, snapshot: &[u8], seed: u64) -> Result<(), Error> {
        let Some(rest) = snapshot.strip_prefix(MAGIC) else { return self.restore_groups(snapshot, seed) };
        let Some((&VERSION, rest)) = rest.split_first() else {
            return Err(refused("it was written by another version of this plug").into());
        };
        let Some((body, sum)) = rest.split_last_chunk::<8>() else { return Err(refused("it is too short").into()) };
        if checksum(snapshot.get(..snapshot.len() - 8).unwrap_or_default()) != u64::from_le_bytes(*sum) {
            return Err(refused("its checksum does not match: it is damaged or truncated").into());
        }
        let (exact, approximate) = parts(body).ok_or_else(|| Error::from(refused("its contents are inconsistent")))?;
        let urls = |texts: &[String]| texts.iter().filter_map(|text| Url::parse(text).ok()).collect();
        self.restore_groups(&exact.groups, seed)?;
        let groups = &mut self.groups;
        groups.set_forgotten(exact.forgotten);
        let all = [(&mut self.pending, &mut self.steps)].into_iter();
        let all = all.chain(groups.list.iter_mut().map(|group| (&mut group.pending, &mut group.steps)));
        for ((pending, steps), (tried, names)) in all.zip(exact.tried.into_iter().zip(exact.steps)) {
            pending.tried = tried;
            *steps = Steps::with_hasher(FixedState::with_seed(seed));
            steps.extend(names.into_iter().map(|(name, step)| (name.into(), step.into())));
        }
        self.schedule = exact.schedule;
        (self.pushes.groups, self.pushes.compared) = (urls(&exact.pushed), urls(&exact.compared));
        let receiver = |(url, spoken, queue): (String, Option<Version>, CarriedQueue)| {
            let send_queue = SendQueue::from_carried(queue, FixedState::with_seed(seed));
            Some(Receiver { url: Url::parse(&url).ok()?, spoken, send_queue })
        };
        self.receivers = Receivers(exact.receivers.into_iter().filter_map(receiver).collect());
        (self.pushes.deltas, self.writers) = (exact.deltas, exact.writers);
        (self.pushes.gateway, self.pushes.delivered) = (approximate.gateway, approximate.delivered);
        self.telemetry = approximate.telemetry;
        self.circuits = crate::http::Circuits::default();
        for (origin, until) in approximate.circuits {
            self.circuits.open_circuit(&origin, until, Duration::ZERO);
        }
        Ok(())
    }

    fn restore_groups(&mut self, snapshot: &[u8], seed: u64) -> Result<(), Error> {
        together::restore(snapshot, seed, &self.config, &mut self.registry, &mut self.pending, &mut self.groups)?;
        self.place();
        Ok(())
    }
}

fn carried(receiver: &Receiver) -> (String, Option<Version>, CarriedQueue) {
    (redacted(&receiver.url), receiver.spoken, receiver.send_queue.carry(None))
}

fn sorted(steps: &Steps) -> Vec<(String, String)> {
    let mut names: Vec<_> = steps.iter().map(|(name, step)| (name.to_string(), step.to_string())).collect();
    names.sort_unstable();
    names
}

fn parts(body: &[u8]) -> Option<(Exact, Approximate)> {
    let (exact, rest) = part(body)?;
    let (approximate, rest) = part(rest)?;
    rest.is_empty().then_some(())?;
    Some((postcard::from_bytes(exact).ok()?, postcard::from_bytes(approximate).ok()?))
}

fn part(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}
