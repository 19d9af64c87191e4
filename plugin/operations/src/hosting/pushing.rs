//! Pushing one group to a Pushgateway: what a job carries, and what its worker does. When a push is
//! due, and what its outcome changes, is for [`super::recorder`].

use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Ticket;
use super::wire::{group, shown_url, whole_url};
use super::worker::{How, Report, Told, Worker, failed, members};
use crate::config::Config;
use crate::error::{ClientError, Error, report_conflicts};
use crate::exposition::parse::{Families, Format, Limits as ParseLimits, parse};
use crate::http::{Failure, Response, Url, redacted};
use crate::operations::resets::{self, judged};
use crate::servers::pushgateway::groups::{Abilities, OwnFamily, StoredGroup, groups, own_families};
use crate::servers::pushgateway::preflight::{self, Conflict};
use crate::servers::pushgateway::{self, Body, Group, Mode};
use plugpipe_contract::responses::{PushOutcome, Pushed};

/// The most counters that a response lists of those that a push did not raise.
const MAX_REPLACED: usize = 20;

/// Where and how a group is pushed. Pushes with the same target share a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The gateway.
    #[serde(with = "shown_url")]
    pub gateway: Url,
    /// The group.
    #[serde(with = "group")]
    pub group: Group,
    /// Whether other metrics of the group stay.
    pub adds: bool,
    /// Whether the body is compressed.
    pub gzip: bool,
    /// Whether the gateway is asked before if it would refuse the push.
    pub check: bool,
    /// Whether the group's counters are compared before the first push.
    pub resets: bool,
    /// Whether the plug's metrics about itself are in it.
    pub own_metrics: bool,
    /// Whether an accepted push means that nothing is due any more.
    pub settles: bool,
    /// Whether nothing is pushed, and only said what would be refused.
    pub dry: bool,
    /// How the gateway is asked.
    pub how: How,
}

impl Target {
    /// The group of this configuration, at its gateway.
    pub fn of(config: &Config, gateway: &Url, base: &Config, asked: bool, own: bool) -> Result<Self, Error> {
        Ok(Self {
            gateway: gateway.clone(),
            group: config.group()?,
            adds: config.push_mode == Mode::Add,
            gzip: config.push_gzip,
            check: config.preflight.unwrap_or(asked),
            resets: config.detect_resets,
            own_metrics: config.own_metrics,
            // Not for the configuration's group at a gateway that the call alone named.
            settles: own || base.gateway_url.is_none() || config.gateway_url == base.gateway_url,
            dry: false,
            how: if asked { How::asked(config) } else { How::unasked(config) },
        })
    }

    /// Whether one body serves both. Credentials do not count: a replay, which has none, must come to
    /// the same.
    pub(super) fn shares(&self, other: &Self) -> bool {
        let own = |target: &Self| {
            let Self { adds, gzip, check, resets, own_metrics, settles, dry, .. } = *target;
            [adds, gzip, check, resets, own_metrics, settles, dry]
        };
        own(self) == own(other)
            && self.how.shares(&other.how)
            && self.group == other.group
            && (self.gateway == other.gateway || redacted(&self.gateway) == redacted(&other.gateway))
    }

    /// The group's URL.
    pub fn url(&self) -> Url {
        self.group.url(&self.gateway)
    }

    /// The lane of all that is done to the group.
    pub fn lane(&self) -> String {
        lane_of(&self.url())
    }

    /// Credentials and user, where a restart forgot them.
    pub(super) fn completed(&self, base: &Config) -> Self {
        let mut target = self.clone();
        if target.how.credentials.is_none() {
            target.how = target.how.completed(base);
            target.gateway = with_user(target.gateway, base);
        }
        target
    }
}

/// A gateway's URL with the user that the configuration says for it.
pub(super) fn with_user(url: Url, base: &Config) -> Url {
    match &base.gateway_url {
        Some(known) => url.with_credentials_of(known),
        None => url,
    }
}

/// The lane of a group, by its URL.
pub fn lane_of(group: &Url) -> String {
    format!("push:{}", redacted(group))
}

/// A push that waits for its lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushTask {
    /// Who is to be told, and which part of the answer it is.
    pub owner: (Ticket, u32),
    /// The changes of the group when the push was asked for.
    pub version: u64,
    /// The series whose values are to go out.
    pub series: Vec<u32>,
    /// Where and how.
    pub target: Rc<Target>,
}

/// A body on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct PushJob {
    #[serde(with = "whole_url")]
    pub(super) gateway: Url,
    #[serde(with = "group")]
    pub(super) group: Group,
    pub(super) adds: bool,
    pub(super) gzip: bool,
    pub(super) check: bool,
    pub(super) compare: bool,
    pub(super) dry: bool,
    /// Whether it is asked what it can do in any case.
    pub(super) ask: bool,
    /// What the gateway can do, where that is known.
    pub(super) abilities: Option<Abilities>,
    /// Whether that was asked just now.
    pub(super) fresh: bool,
    pub(super) protobuf: bool,
    pub(super) content_type: String,
    /// Native histograms of which only sum and count are in the body.
    pub(super) downgraded: Vec<String>,
    /// What is pushed; the job carries it behind its order.
    #[serde(skip)]
    pub(super) bytes: Arc<Vec<u8>>,
}

/// What a push changes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct PushEffect {
    /// Whether the gateway took it.
    pub(super) accepted: bool,
    /// What the gateway can do, where it was asked.
    pub(super) abilities: Option<Abilities>,
    /// Whether the group's counters were compared.
    pub(super) compared: bool,
}

impl PushJob {
    pub(super) fn run(mut self, bytes: Vec<u8>, worker: &mut Worker) -> (PushEffect, Told) {
        self.bytes = bytes.into();
        let mut effect = PushEffect::default();
        let told = if self.dry { self.look_only(worker, &mut effect) } else { self.push(worker, &mut effect) };
        (effect, told)
    }

    fn push(&self, worker: &mut Worker, effect: &mut PushEffect) -> Told {
        let pushed = self.try_push(worker, effect);
        effect.accepted = pushed.is_ok();
        told_of_push(&pushed)
    }

    fn try_push(&self, worker: &mut Worker, effect: &mut PushEffect) -> Result<PushOutcome, Error> {
        let abilities = match self.abilities {
            Some(abilities) if self.fresh || !self.check => abilities,
            // A gateway may have been replaced since it was asked.
            _ if self.check || self.ask => self.ask_abilities(worker, effect)?,
            _ if self.group.odd_name().is_some() => self.ask_abilities(worker, effect)?,
            _ => Abilities::default(),
        };
        check_names(&self.group, abilities)?;
        let mut outcome = PushOutcome::default();
        if self.check {
            match self.conflicts(worker, abilities) {
                Ok(conflicts) if conflicts.is_empty() => {}
                Ok(conflicts) => {
                    let origin = self.gateway.origin();
                    return Err(ClientError::PushConflict { origin, reply: None, conflicts }.into());
                }
                Err(error) => outcome.preflight_skipped = Some(tolerated(error)?),
            }
        }
        if self.compare {
            outcome.replaced = self.replaced(worker, effect);
            outcome.counters_replaced = Some(outcome.replaced.len() as u64).filter(|count| *count > 0);
            outcome.replaced.truncate(MAX_REPLACED);
        }
        if !self.downgraded.is_empty() {
            outcome.downgraded.clone_from(&self.downgraded);
            outcome.downgrade_reason = Some(match abilities.version {
                Some((major, minor)) => format!(
                    "the gateway has version {major}.{minor}, but native histograms need 1.8: only their sum and count were sent"
                ),
                None => {
                    "the gateway does not report its version: only sum and count of native histograms were sent".into()
                }
            });
        }
        let bytes = if self.gzip { crate::http::gzip::compress(&self.bytes).into() } else { Arc::clone(&self.bytes) };
        let body = Body { content_type: self.content_type.clone(), bytes, gzip: self.gzip };
        match pushgateway::push(&mut worker.client(), &self.group.url(&self.gateway), self.adds, body) {
            Ok(()) => Ok(outcome),
            Err(error @ ClientError::Refused { status: 400, .. }) => {
                let found = self.conflicts(worker, abilities).unwrap_or_default();
                Err(explained(error, found).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn look_only(&self, worker: &mut Worker, effect: &mut PushEffect) -> Told {
        let found = match self.abilities.filter(|_| self.fresh) {
            Some(abilities) => Ok(abilities),
            None => self.ask_abilities(worker, effect),
        };
        match found.and_then(|abilities| self.conflicts(worker, abilities)) {
            Err(error) => failed(error),
            Ok(conflicts) => {
                let looked = Pushed {
                    dry_run: true,
                    would_be_accepted: Some(conflicts.is_empty()),
                    group: Some(redacted(&self.group.url(&self.gateway))),
                    ..Pushed::default()
                };
                let outcome = PushOutcome {
                    metric_pushed: Some(false),
                    conflicts: Some(report_conflicts(&conflicts)),
                    ..PushOutcome::default()
                };
                Told { members: members(&(looked, outcome)), ..Told::default() }
            }
        }
    }

    fn ask_abilities(&self, worker: &mut Worker, effect: &mut PushEffect) -> Result<Abilities, Error> {
        let abilities = ask_abilities(worker, &self.gateway)?;
        effect.abilities = Some(abilities);
        Ok(abilities)
    }

    /// What is pushed, as it is read by the gateway.
    fn families(&self) -> Result<Families<'_>, Error> {
        let format = if self.protobuf { Format::Protobuf } else { Format::Text };
        parse(&self.bytes, format, &unlimited())
            .map_err(|error| Error::invalid("push", format!("the metrics to push cannot be parsed: {error}")))
    }

    /// What the gateway would refuse.
    fn conflicts(&self, worker: &mut Worker, abilities: Abilities) -> Result<Vec<Conflict>, Error> {
        let families = self.families()?;
        look(worker, &self.gateway, &mut |held, own| {
            let unchecked = abilities.unchecked;
            let target = preflight::Target { group: &self.group, adds: self.adds, held, own, unchecked };
            preflight::check(&judged(&families), &target)
        })
    }

    /// The counters of the group that this push does not raise; none where the gateway does not
    /// say: a push never fails for this.
    fn replaced(
        &self,
        worker: &mut Worker,
        effect: &mut PushEffect,
    ) -> Vec<plugpipe_contract::responses::ReplacedCounter> {
        let request = pushgateway::groups_request(&self.gateway);
        let url = request.url.clone();
        let Ok(response) = worker.client_once().send(pushgateway::PEER, request) else { return Vec::new() };
        effect.compared = true;
        let text = String::from_utf8_lossy(&response.body);
        let (Ok(stored), Ok(families)) = (groups(&url, &response, &text), self.families()) else { return Vec::new() };
        let own = stored.iter().filter(|stored| stored.is(&self.group));
        own.flat_map(|stored| resets::compare(&families, &self.group, stored, self.adds)).collect()
    }
}

/// How a push went, for answers: as members of a result, and as an error for whoever asked by name.
fn told_of_push(pushed: &Result<PushOutcome, Error>) -> Told {
    match pushed {
        Ok(outcome) => {
            let outcome = PushOutcome { metric_pushed: Some(true), ..outcome.clone() };
            Told { members: members(&outcome), ..Told::default() }
        }
        Err(error) => told_of_failure(error),
    }
}

/// How a push failed.
pub fn told_of_failure(error: &Error) -> Told {
    let outcome = failed_outcome(error);
    Told { members: members(&outcome), report: Some(Report::of(error)), ..Told::default() }
}

/// How a push failed, as a part of a result.
pub fn failed_outcome(error: &Error) -> PushOutcome {
    PushOutcome {
        metric_pushed: Some(false),
        push_error: Some(format!(
            "Failed to push metrics to gateway: {error}. The value stays recorded, and the next push sends it."
        )),
        push_error_code: Some(error.code()),
        push_origin: error.origin().map(str::to_owned),
        conflicts: error.conflicts(),
        ..PushOutcome::default()
    }
}

/// A push that was not made, or of which nobody knows.
pub(super) fn told_of_problem(code: &'static str, message: String) -> Told {
    let outcome = PushOutcome {
        metric_pushed: Some(false),
        push_error: Some(message.clone()),
        push_error_code: Some(code),
        ..PushOutcome::default()
    };
    Told { members: members(&outcome), report: Some(Report::new(code, message)), ..Told::default() }
}

/// A question for what a gateway can do.
#[derive(Serialize, Deserialize)]
pub(super) struct StatusJob {
    #[serde(with = "whole_url")]
    pub(super) gateway: Url,
}

impl StatusJob {
    pub(super) fn run(self, worker: &mut Worker) -> (Option<PushEffect>, Told) {
        match ask_abilities(worker, &self.gateway) {
            Ok(abilities) => {
                (Some(PushEffect { abilities: Some(abilities), ..PushEffect::default() }), Told::default())
            }
            Err(error) => (None, told_of_failure(&error)),
        }
    }
}

/// Asks the gateway what it can do.
fn ask_abilities(worker: &mut Worker, gateway: &Url) -> Result<Abilities, Error> {
    let response = worker.client_once().send(pushgateway::PEER, pushgateway::status_request(gateway))?;
    Ok(Abilities::read(&response))
}

/// Decides from the groups that a gateway holds, and from what it exposes itself.
type Judge<'j> = &'j mut dyn FnMut(&[StoredGroup], &[OwnFamily]) -> Vec<Conflict>;

/// Asks the gateway what it holds.
fn look(worker: &mut Worker, gateway: &Url, judge: Judge) -> Result<Vec<Conflict>, Error> {
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let mut client = worker.client_once();
    let text = |response: &Response| String::from_utf8_lossy(&response.body).into_owned();
    let response = client.send(pushgateway::PEER, request)?;
    let held_text = text(&response);
    let held = groups(&url, &response, &held_text)?;
    // Asked for last: some of the gateway's metrics are there from the first request on. They may
    // live under another path, where nobody looks for them.
    let response = client.send(pushgateway::PEER, pushgateway::metrics_request(gateway))?;
    let own_text = text(&response);
    let own = if response.status == 200 { own_families(&own_text) } else { Vec::new() };
    Ok(judge(&held, &own))
}

/// Refuses a label's name that the gateway would misread.
fn check_names(group: &Group, abilities: Abilities) -> Result<(), Error> {
    match group.odd_name() {
        Some(name) if !abilities.utf8 && abilities.version.is_some() => {
            let problem = "this gateway supports only names of letters, digits and _; start it with --push.enable-utf8-names, or rename the label";
            Err(Error::invalid(format!("grouping_key.{name}"), problem))
        }
        _ => Ok(()),
    }
}

/// Why a push goes out unchecked, where the gateway is there and may take it all the same.
fn tolerated(error: Error) -> Result<String, Error> {
    match error {
        Error::Client(
            ClientError::Refused { .. }
            | ClientError::BadAnswer { .. }
            | ClientError::Unanswered { failure: Failure::TooLong { .. }, .. },
        ) => Ok(error.to_string()),
        error => Err(error),
    }
}

/// A gateway's refusal, with what was found to be its reason.
fn explained(error: ClientError, conflicts: Vec<Conflict>) -> ClientError {
    match error {
        ClientError::Refused { origin, reply, .. } if !conflicts.is_empty() => {
            ClientError::PushConflict { origin, reply: Some(reply), conflicts }
        }
        error => error,
    }
}

/// Limits for what the plug wrote itself.
pub fn unlimited() -> ParseLimits {
    let unlimited = usize::MAX;
    ParseLimits {
        bytes: unlimited,
        samples: unlimited,
        families: unlimited,
        labels: unlimited,
        all_labels: unlimited,
        name_bytes: unlimited,
        value_bytes: unlimited,
        help_bytes: unlimited,
        ..ParseLimits::default()
    }
}

/// How long a push may take in all: a look ahead, the push, and a look at why it was refused.
pub(super) fn limit_of(target: &Target) -> Duration {
    target.how.limits.total.saturating_mul(if target.check || target.dry || target.resets { 8 } else { 4 })
}
