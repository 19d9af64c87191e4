//! Jobs and outcomes as bytes, and what a worker has to carry a job out.
//!
//! A job holds all that its worker needs, credentials included. Its outcome has two parts: the
//! effect, which changes the recorder's state and is journalled, and what only answers tell.

use core::time::Duration;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::checking::HealthJob;
use super::converse::ConverseJob;
use super::deleting::DeleteJob;
use super::exporting::ExportJob;
use super::pushing::{PushEffect, PushJob, StatusJob};
use super::schedule::Found;
use super::wire::{LimitsWire, RetryWire};
use super::writing::{WriteEffect, WriteJob};
use super::{Moment, ResultOfRun};
use crate::config::Config;
use crate::error::{ClientError, Error};
use crate::http::{CarriedCredentials, Circuits, Client, Credentials, Exchange, Jitter, Limits, Retry, Transport};
use crate::known::Warnings;
use plugpipe_contract::response::{Response, ResponseWriter};
use plugpipe_contract::responses::HealthStatus;

/// Of jobs and outcomes. Both live no longer than the plug itself, but for the effects in journals.
const VERSION: u8 = 1;

/// What a worker is to do.
#[derive(Serialize, Deserialize)]
pub(super) enum Body {
    Converse(ConverseJob),
    Push(Box<PushJob>),
    Status(StatusJob),
    Delete(DeleteJob),
    Write(Box<WriteJob>),
    Export(ExportJob),
    Health(HealthJob),
}

/// A job.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) reach: Reach,
    pub(super) body: Body,
}

/// How servers are asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Reach {
    #[serde(with = "LimitsWire")]
    pub(super) limits: Limits,
    #[serde(with = "RetryWire")]
    pub(super) retry: Retry,
    /// Whether origins with an open circuit are asked all the same.
    pub(super) bypass_breaker: bool,
    pub(super) credentials: CarriedCredentials,
    /// Origins with an open circuit, and for how long.
    pub(super) circuits: Vec<(String, Duration)>,
    pub(super) unix_nanos: u64,
    pub(super) seed: u64,
}

/// How servers are asked, as state has it: without credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct How {
    /// Bounds of each request.
    #[serde(with = "LimitsWire")]
    pub limits: Limits,
    /// How often a request is sent.
    #[serde(with = "RetryWire")]
    pub retry: Retry,
    /// Whether somebody asked for it by name, so that an open circuit does not stop it.
    pub asked: bool,
    /// None for the configuration's, as after a restart.
    #[serde(skip)]
    pub credentials: Option<Rc<Credentials>>,
}

impl How {
    /// For what somebody asked for by name.
    pub fn asked(config: &Config) -> Self {
        Self {
            limits: config.limits(),
            retry: config.retry,
            asked: true,
            credentials: Some(Rc::new(config.credentials.clone())),
        }
    }

    /// For what follows a record: whoever waits for nothing but that is not kept waiting by attempts.
    pub fn unasked(config: &Config) -> Self {
        Self { limits: config.push_limits(), retry: Retry::ONCE, asked: false, ..Self::asked(config) }
    }

    /// Whether both ask in the same way, whatever their credentials.
    pub(super) fn shares(&self, other: &Self) -> bool {
        self.limits == other.limits && self.retry == other.retry && self.asked == other.asked
    }

    /// With the configuration's credentials, where a restart forgot them.
    pub(super) fn completed(&self, base: &Config) -> Self {
        let credentials = self.credentials.clone().unwrap_or_else(|| Rc::new(base.credentials.clone()));
        Self { credentials: Some(credentials), ..self.clone() }
    }

    pub(super) fn reach(&self, circuits: &Circuits, at: Moment) -> Reach {
        Reach {
            limits: self.limits,
            retry: self.retry,
            bypass_breaker: self.asked,
            credentials: self.credentials.as_deref().map(Into::into).unwrap_or_default(),
            circuits: circuits.open(at.since_epoch()),
            unix_nanos: at.unix_nanos,
            seed: at.seed,
        }
    }
}

/// What of an outcome changes the recorder's state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Effect {
    /// Origins that answered, or for how long their circuits are open.
    pub(super) circuits: Vec<(String, Option<Duration>)>,
    /// How long servers took, if any was asked.
    pub(super) exchanged: Option<Duration>,
    pub(super) what: What,
}

/// What of it is about the job itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum What {
    /// Nothing, or the job failed.
    #[default]
    Nothing,
    Push(PushEffect),
    /// What a conversation found that changes what is recorded.
    Found(Box<Found>),
    /// The group was deleted.
    Deleted,
    Written(WriteEffect),
    /// So many data points were lost.
    Exported(u64),
}

/// What answers tell of an outcome.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Members of the result, as JSON.
    pub members: String,
    /// Further members of the response's metadata, as a JSON object; empty if there are none.
    pub metadata: String,
    /// Why the job failed.
    pub report: Option<Report>,
    /// How a server is.
    pub health: Option<HealthStatus>,
    /// For the answer's warnings.
    pub warnings: Warnings,
    /// How often servers were asked.
    pub attempts: u32,
    /// How long that took.
    pub elapsed: Duration,
}

/// An error, as answers tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The stable word for programs.
    pub code: String,
    /// What people read.
    pub message: String,
    /// All of it, as members in JSON.
    pub members: String,
}

impl Report {
    /// Of an error.
    pub fn of(error: &Error) -> Self {
        let report = error.report();
        Self { code: report.error_code.into(), message: report.error.clone(), members: members(&report) }
    }

    /// Of what no error type knows.
    pub fn new(code: &'static str, message: String) -> Self {
        let report = plugpipe_contract::responses::ErrorReport {
            error: message,
            error_code: code,
            ..plugpipe_contract::responses::ErrorReport::default()
        };
        Self { code: code.into(), members: members(&report), message: report.error }
    }
}

/// A response as members of an object.
pub fn members(response: &impl Response) -> String {
    let mut writer = ResponseWriter::new();
    writer.add(response);
    writer.into_members()
}

/// What carries out one job.
pub(super) struct Worker<'t> {
    pub(super) transport: &'t mut dyn Transport,
    pub(super) circuits: Circuits,
    pub(super) jitter: Jitter,
    pub(super) exchange: Exchange,
    pub(super) credentials: Credentials,
    pub(super) limits: Limits,
    pub(super) retry: Retry,
    pub(super) bypass_breaker: bool,
    /// Until when circuits were open at first.
    before: Vec<(String, Duration)>,
}

impl<'t> Worker<'t> {
    fn new(reach: Reach, transport: &'t mut dyn Transport) -> Self {
        let now = transport.monotonic();
        let mut circuits = Circuits::default();
        for (origin, left) in &reach.circuits {
            circuits.open_circuit(origin, *left, now);
        }
        let before = reach.circuits.into_iter().map(|(origin, left)| (origin, now.saturating_add(left))).collect();
        Self {
            transport,
            circuits,
            jitter: Jitter::new(reach.seed),
            exchange: Exchange::default(),
            credentials: reach.credentials.into(),
            limits: reach.limits,
            retry: reach.retry,
            bypass_breaker: reach.bypass_breaker,
            before,
        }
    }

    pub(super) fn client(&mut self) -> Client<'_> {
        Client {
            transport: self.transport,
            circuits: &mut self.circuits,
            limits: self.limits,
            bypass_breaker: self.bypass_breaker,
            retry: self.retry,
            credentials: &self.credentials,
            exchange: &mut self.exchange,
            jitter: &mut self.jitter,
        }
    }

    /// The same for what only looks ahead, and costs no waits of its own.
    pub(super) fn client_once(&mut self) -> Client<'_> {
        Client { retry: Retry::ONCE, ..self.client() }
    }

    fn finish(self, what: What, told: Told) -> ResultOfRun {
        let now = self.transport.monotonic();
        let after = self.circuits.open(now);
        let mut circuits: Vec<(String, Option<Duration>)> = Vec::new();
        for (origin, left) in &after {
            let until = now.saturating_add(*left);
            if !self.before.iter().any(|(own, before)| own == origin && *before == until) {
                circuits.push((origin.clone(), Some(*left)));
            }
        }
        for (origin, _) in self.before {
            if !after.iter().any(|(own, _)| *own == origin) {
                circuits.push((origin, None));
            }
        }
        let Exchange { attempts, elapsed } = self.exchange;
        let effect = Effect { circuits, exchanged: (attempts > 0).then_some(elapsed), what };
        ResultOfRun { effect: encode(&effect), told: encode(&Told { attempts, elapsed, ..told }) }
    }
}

/// Carries out a job, and waits for servers.
pub fn run(job: &[u8], transport: &mut dyn Transport) -> ResultOfRun {
    let Some(Order { reach, body }) = decode(job) else {
        let told = Told {
            report: Some(Report::new("interrupted", "the job is none of this version of the plug".into())),
            ..Told::default()
        };
        return ResultOfRun { effect: encode(&Effect::default()), told: encode(&told) };
    };
    let now = reach.unix_nanos;
    let mut worker = Worker::new(reach, transport);
    let (what, told) = match body {
        Body::Converse(job) => {
            let (found, told) = job.run(now, &mut worker);
            (found.map_or(What::Nothing, What::Found), told)
        }
        Body::Push(job) => job.run(&mut worker),
        Body::Status(job) => job.run(&mut worker),
        Body::Delete(job) => job.run(&mut worker),
        Body::Write(job) => job.run(&mut worker),
        Body::Export(job) => job.run(&mut worker),
        Body::Health(job) => (What::Nothing, job.run(&mut worker)),
    };
    worker.finish(what, told)
}

/// What went wrong, told of a job.
pub(super) fn failed(error: impl Into<Error>) -> Told {
    Told { report: Some(Report::of(&error.into())), ..Told::default() }
}

/// The error of a conversation, where there is one.
pub(super) fn told_of(outcome: Result<(), ClientError>) -> Told {
    outcome.map_or_else(failed, |()| Told::default())
}

/// As bytes of this version.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Nothing that is written can fail: the output is memory, and all lengths are known.
    postcard::to_extend(value, vec![VERSION]).unwrap_or_default()
}

/// From bytes of this version; none for others.
pub(super) fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    postcard::take_from_bytes(rest).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}
