//! What a worker has to carry out a job: how servers are asked, and what answers are told of it.

use core::time::Duration;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::Moment;
use super::wire::{LimitsWire, RetryWire};
use crate::config::Config;
use crate::error::{ClientError, Error};
use crate::http::{CarriedCredentials, Circuits, Client, Credentials, Exchange, Jitter, Limits, Retry, Transport};
use crate::known::Warnings;
use plugpipe_contract::response::{Response, ResponseWriter};
use plugpipe_contract::responses::{FailedDelivery, HealthStatus, Notified, Webhook};

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
    pub(super) before: Vec<(String, Duration)>,
}

impl<'t> Worker<'t> {
    pub(super) fn new(reach: Reach, transport: &'t mut dyn Transport) -> Self {
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
}

/// What went wrong, told of a job.
pub(super) fn failed(error: impl Into<Error>) -> Told {
    Told { report: Some(Report::of(&error.into())), ..Told::default() }
}

/// The report for a job whose outcome is unknown.
pub(super) fn lost(repeatable: bool, why: &str) -> Told {
    let report = if repeatable {
        Report::new("interrupted", format!("the request was interrupted: {why}; repeat it"))
    } else {
        let problem = format!(
            "the request was interrupted, and the server may or may not have carried it out: {why}; check the server before you repeat it"
        );
        Report::new("unknown_outcome", problem)
    };
    Told { report: Some(report), ..Told::default() }
}

/// The same of a notification, whose failure is none of the request.
pub(super) fn lost_notification(why: &str) -> Told {
    let error = plugpipe_contract::responses::ErrorReport {
        error: format!("the notification was interrupted, and the receiver may or may not have it: {why}"),
        error_code: "unknown_outcome",
        ..plugpipe_contract::responses::ErrorReport::default()
    };
    let webhook = Webhook::Failed(FailedDelivery { delivered: false, error });
    Told { members: members(&Notified { webhook }), ..Told::default() }
}

/// The error of a conversation, where there is one.
pub(super) fn told_of(outcome: Result<(), ClientError>) -> Told {
    outcome.map_or_else(failed, |()| Told::default())
}
