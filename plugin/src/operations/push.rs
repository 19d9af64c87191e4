//! `push_metrics`, `flush_metrics` and `delete_metrics`; the pushes that follow a record or come in intervals; and what `cleanup`
//! deletes.

use core::time::Duration;

use super::own_groups::{MAX_GROUPS, Pending, take_settled, tell_settled};
use super::{Answer, Call, resets};
use crate::config::{Config, PushPolicy};
use crate::error::{ClientError, Error};
use crate::exposition::negotiate::Format;
use crate::exposition::plain;
use crate::http::{Client, Failure, Limits, Response, Retry, Url, redacted};
use crate::json::Json;
use crate::registry::Kind;
use crate::servers::pushgateway::groups::{Abilities, Held, OwnFamily, groups, own_families};
use crate::servers::pushgateway::preflight::{self, Conflict, Target};
use crate::servers::pushgateway::{self, Body, Group, Mode};
use plugpipe_contract::requests::{NoFields, NoteExchange, PushMetrics};

/// The most groups that are remembered for `cleanup`: as many as there may be, and some that were
/// given up since.
const MAX_REMEMBERED: usize = 2 * MAX_GROUPS;

/// What is remembered of pushes.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    /// The URLs of the groups that a gateway accepted and that were not deleted since, each once.
    groups: Vec<Url>,
    /// Whether the running call's answer says already how its push went.
    said: bool,
    /// What the gateway that was asked last can do, and its origin.
    gateway: Option<(String, Abilities)>,
    /// The URLs of the groups whose counters were compared with those of the registry.
    pub(super) compared: Vec<Url>,
}

/// A push that the gateway accepted.
struct Sent {
    /// Native histograms of which only sum and count were sent, and why.
    downgraded: Option<(Vec<String>, String)>,
    /// Why the push was not checked before, though it should have been.
    unchecked: Option<String>,
    /// Totals of the group that the push did not raise.
    replaced: Vec<resets::Replaced>,
}

impl Sent {
    fn write_into(&self, answer: &mut Answer) {
        if let Some((metrics, reason)) = &self.downgraded {
            answer.texts("downgraded", metrics.iter().map(String::as_str));
            answer.text("downgrade_reason", reason);
        }
        if let Some(reason) = &self.unchecked {
            answer.text("preflight_skipped", reason);
        }
        resets::write_into(&self.replaced, answer);
    }
}

impl Pushes {
    /// Another call begins.
    pub(super) fn begin(&mut self) {
        self.said = false;
    }
}

/// How a push of a group went that the call is not about.
struct Other {
    group: String,
    outcome: Result<Sent, Error>,
}

/// Pushes groups with keys of their own, those that `wanted` picks by what is due, when it was
/// tried, and how the group is pushed.
fn push_others(call: &mut Call, asked: bool, wanted: &dyn Fn(&Pending, &Config) -> bool) -> Vec<Other> {
    let mut groups = core::mem::take(&mut call.groups.list);
    let mut others = Vec::new();
    for group in &mut groups {
        let config = group.config(call.base);
        let Some(gateway) = config.gateway_url.clone().filter(|_| wanted(&group.pending, &config)) else { continue };
        let Ok(key) = config.group() else { continue };
        let limits = if asked { config.limits() } else { config.push_limits() };
        let check = call.config.preflight.unwrap_or(asked);
        let outcome = send(&mut call.within(group, &config), &gateway, limits, asked, check);
        others.push(Other { group: redacted(&key.url(&gateway)), outcome });
    }
    call.groups.list = groups;
    others
}

/// Tells of the groups that were pushed beside the call's own.
fn write_others(others: &[Other], answer: &mut Answer) {
    if others.is_empty() {
        return;
    }
    answer.open_list("groups_pushed");
    for Other { group, outcome } in others {
        answer.open_item();
        answer.text("group", group);
        write_outcome(outcome, answer);
        answer.close();
    }
    answer.close_list();
}

/// The first push that failed.
fn first_error(others: Vec<Other>) -> Result<(), Error> {
    others.into_iter().find_map(|other| other.outcome.err()).map_or(Ok(()), Err)
}

/// Puts what was recorded into this plug's group on the gateway, now, and says whether the gateway
/// took it; and what is due of groups with keys of their own into those. With such a key, that
/// group alone. With `dry_run` nothing is sent, and the answer says what the gateway would refuse.
pub(super) fn push(call: &mut Call, request: &PushMetrics, answer: &mut Answer) -> Result<(), Error> {
    call.pushes.said = true;
    if call.config.push_mode == Mode::Delete {
        return delete(call, &NoFields {}, answer);
    }
    let dry_run = request.dry_run.or(false);
    answer.count("series", call.registry.len() as u64);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("metric_pushed", false);
        return Ok(());
    }
    let gateway = gateway(call)?.clone();
    let is_unused = !call.pending.is_used() && call.registry.is_empty();
    if call.own && is_unused {
        let problem = format!(
            "nothing was recorded under {}; give the records the same job_name, instance and grouping_key, or leave them out here",
            super::own_groups::group_text(&call.config.group()?)
        );
        return Err(Error::invalid("job_name", problem));
    }
    if dry_run {
        return check_only(call, &gateway, answer);
    }
    let mut outcome = Ok(());
    // Nobody wants an empty group where all that was recorded has keys of its own.
    let mut pushed = !is_unused || call.groups.series() == 0;
    if pushed {
        let check = call.config.preflight.unwrap_or(true);
        match send(call, &gateway, call.config.limits(), true, check) {
            Ok(sent) => {
                answer.text("group", &redacted(&call.config.group()?.url(&gateway)));
                sent.write_into(answer);
            }
            Err(error) => outcome = Err(error),
        }
    }
    if !call.own {
        let others = push_others(call, true, &|pending, _| pending.is_due());
        pushed |= !others.is_empty();
        write_others(&others, answer);
        outcome = outcome.and(first_error(others));
    }
    // What failed is an error, and then nothing else is answered.
    answer.flag("metric_pushed", pushed);
    outcome
}

fn check_only(call: &mut Call, gateway: &Url, answer: &mut Answer) -> Result<(), Error> {
    let group = call.config.group()?;
    let limits = call.config.limits();
    let abilities = abilities(call, gateway, limits, true)?;
    let conflicts = conflicts(call, gateway, &group, limits, true, abilities)?;
    answer.flag("dry_run", true);
    answer.flag("metric_pushed", false);
    answer.flag("would_be_accepted", conflicts.is_empty());
    answer.text("group", &redacted(&group.url(gateway)));
    Error::Client(ClientError::PushConflict { origin: gateway.origin(), reply: None, conflicts })
        .write_conflicts(answer);
    Ok(())
}

/// Pushes what no gateway has accepted yet, of all groups, for hosts that are about to end. Nothing
/// to push, and a policy by which only `push_metrics` pushes, are fine too. With `dry_run` nothing
/// is pushed, and the answer says what would be lost.
pub(super) fn flush(call: &mut Call, request: &PushMetrics, answer: &mut Answer) -> Result<(), Error> {
    call.pushes.said = true;
    let dry_run = request.dry_run.or(false);
    let wanted = |pending: &Pending, config: &Config| !dry_run && pending.is_due() && pushes_itself(config);
    let gateway = call.config.gateway_url.clone().filter(|_| wanted(call.pending, call.config));
    let is_due = gateway.is_some() || (!call.own && any_other(call, &wanted));
    if is_due && call.config.defer_push {
        defer(call, &wanted, answer);
        write_unpushed(call.config, true, answer);
        return Ok(());
    }
    let mut outcome = Ok(());
    let mut pushed = is_due;
    if let Some(gateway) = gateway {
        match send(call, &gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false)) {
            Ok(sent) => sent.write_into(answer),
            Err(error) => outcome = Err(error),
        }
    }
    if !call.own {
        let others = push_others(call, false, &wanted);
        pushed &= others.iter().all(|other| other.outcome.is_ok());
        write_others(&others, answer);
        outcome = outcome.and(first_error(others));
    }
    answer.flag("metric_pushed", pushed);
    write_unpushed(call.config, call.pending.is_due() || (!call.own && call.groups.is_due()), answer);
    outcome
}

/// Whether values have reached no gateway, and why.
fn write_unpushed(config: &Config, unpushed: bool, answer: &mut Answer) {
    answer.flag("unpushed", unpushed);
    if unpushed {
        answer.text("unpushed_reason", unpushed_reason(config));
    }
}

/// Why values have reached no gateway, as one of the manifest's codes.
fn unpushed_reason(config: &Config) -> &'static str {
    match () {
        () if config.mock => "mock_mode",
        () if config.gateway_url.is_none() => "no_gateway",
        () if config.push_policy == PushPolicy::Manual => "manual",
        () if config.push_mode == Mode::Delete => "delete_mode",
        () => "not_accepted",
    }
}

/// Deletes exactly this plug's group. What was recorded stays, and comes back with the first push
/// after something else was recorded.
pub(super) fn delete(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    call.pushes.said = true;
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let url = call.config.group()?.url(gateway(call)?);
    let outcomes = pushgateway::delete(&mut call.client(call.config.limits(), true), std::slice::from_ref(&url));
    outcomes.into_iter().collect::<Result<(), ClientError>>()?;
    call.pushes.groups.retain(|known| *known != url);
    settle(call);
    answer.flag("deleted", true);
    answer.text("group", &redacted(&url));
    Ok(())
}

/// Notes that nothing of the call's group is due; not for the configuration's group at a gateway
/// that the call alone named.
fn settle(call: &mut Call) {
    if call.own || call.base.gateway_url.is_none() || call.config.gateway_url == call.base.gateway_url {
        call.pending.settle();
    }
}

/// Pushes what was recorded, where a gateway is configured and the policy says so, and says in the record's answer how that
/// went.
pub(super) fn after_record(call: &mut Call, answer: &mut Answer) {
    call.pushes.said = true;
    if call.config.mock {
        answer.flag("mock", true);
    }
    let now = match call.config.push_policy {
        PushPolicy::OnRecord => true,
        PushPolicy::Manual => false,
        PushPolicy::Interval => interval_is_over(call.pending, call.config, call.transport.monotonic()),
    };
    let gateway = call.config.gateway_url.as_ref().filter(|_| now && pushes_itself(call.config)).cloned();
    match gateway {
        Some(_) if call.config.defer_push => defer(call, &|_, _| false, answer),
        Some(gateway) => unasked(call, &gateway, answer),
        None => answer.flag("metric_pushed", false),
    }
}

/// Pushes what the policy `interval` has let wait for long enough, of any group, with whatever call
/// comes next.
pub(super) fn overdue(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let now = call.transport.monotonic();
    let wanted = |pending: &Pending, config: &Config| {
        pending.is_due() && pushes_itself(config) && interval_is_over(pending, config, now)
    };
    let gateway = call.base.gateway_url.clone();
    let gateway = gateway.filter(|_| !call.pushes.said && wanted(call.pending, call.base));
    if call.base.defer_push {
        // One answer says once that a push is due; what this one does not say, the next one will.
        if !call.pushes.said && (gateway.is_some() || any_other(call, &wanted)) {
            defer(call, &wanted, answer);
        }
        return Ok(());
    }
    if let Some(gateway) = gateway {
        unasked(call, &gateway, answer);
    }
    let others = push_others(call, false, &wanted);
    write_others(&others, answer);
    Ok(())
}

/// Whether another group with a key of its own is wanted, and has a gateway.
fn any_other(call: &Call, wanted: &dyn Fn(&Pending, &Config) -> bool) -> bool {
    call.groups.list.iter().any(|group| {
        let config = group.config(call.base);
        config.gateway_url.is_some() && wanted(&group.pending, &config)
    })
}

/// Says that a push is due, for the host to have made elsewhere. Written so that the host finds it without reading the whole.
fn defer(call: &mut Call, wanted: &dyn Fn(&Pending, &Config) -> bool, answer: &mut Answer) {
    let now = Some(call.transport.monotonic());
    call.pending.tried = now;
    for group in &mut call.groups.list {
        if wanted(&group.pending, &group.config(call.base)) {
            group.pending.tried = now;
        }
    }
    answer.flag("metric_pushed", false);
    answer.flag("push_due", true);
}

/// `push_recorded`: the push that another instance said to be due, in an instance that was brought
/// up to it; told as a record tells its push. Groups with keys of their own that have waited for
/// long enough go out as after any call.
pub(super) fn recorded(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    call.pushes.said = true;
    let gateway = call.config.gateway_url.clone().filter(|_| pushes_itself(call.config));
    match gateway {
        Some(gateway) if call.pending.is_due() => unasked(call, &gateway, answer),
        // An earlier push took it along.
        Some(_) => answer.flag("metric_pushed", call.pending.is_used()),
        None => answer.flag("metric_pushed", false),
    }
    Ok(())
}

/// `note_exchange`: what another instance's exchange with servers came to, so that this one's own
/// metrics and its next push know. `elapsed_ms`; for a push `metric_pushed`; for a write or export
/// `values_lost`; and `settled`, which that instance says when it is asked with `tell`: the changes
/// up to which nothing is due in each group, because a gateway accepted them, or the group was
/// deleted.
pub(super) fn noted(call: &mut Call, request: &NoteExchange, answer: &mut Answer) -> Result<(), Error> {
    call.pushes.said = true;
    if request.tell.or(false) {
        tell_settled(call, answer);
        return Ok(());
    }
    if let Some(elapsed) = request.elapsed_ms.get() {
        call.telemetry.exchanged(Duration::from_millis(elapsed));
    }
    call.telemetry.values_lost += request.values_lost.get().unwrap_or(0);
    if let Some(pushed) = request.metric_pushed.get() {
        call.telemetry.pushes += u64::from(pushed);
        call.telemetry.push_failures += u64::from(!pushed);
    }
    take_settled(call, request.settled.as_deref().unwrap_or_default())?;
    answer.flag("noted", true);
    Ok(())
}

pub(super) fn pushes_itself(config: &Config) -> bool {
    !config.mock && config.push_policy != PushPolicy::Manual && config.push_mode != Mode::Delete
}

/// Whether the last push was tried an interval ago, or never.
fn interval_is_over(pending: &Pending, config: &Config, now: Duration) -> bool {
    pending.tried.is_none_or(|tried| now.saturating_sub(tried) >= config.push_interval)
}

/// A push that nobody asked for by name: it takes less time, and its failure is a part of the answer.
fn unasked(call: &mut Call, gateway: &Url, answer: &mut Answer) {
    let pushed = send(call, gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false));
    write_outcome(&pushed, answer);
}

/// How a push that nobody asked for by name went.
fn write_outcome(pushed: &Result<Sent, Error>, answer: &mut Answer) {
    answer.flag("metric_pushed", pushed.is_ok());
    match pushed {
        Ok(sent) => sent.write_into(answer),
        Err(error) => {
            let text = format!(
                "Failed to push metrics to gateway: {error}. The value stays recorded, and the next push of this process carries it."
            );
            answer.text("push_error", &text);
            answer.text("push_error_code", error.code());
            if let Some(origin) = error.origin() {
                answer.text("push_origin", origin);
            }
            error.write_conflicts(answer);
        }
    }
}

fn send(call: &mut Call, gateway: &Url, limits: Limits, bypass_breaker: bool, check: bool) -> Result<Sent, Error> {
    call.pending.tried = Some(call.transport.monotonic());
    let sent = try_to_send(call, gateway, limits, bypass_breaker, check);
    call.telemetry.pushes += u64::from(sent.is_ok());
    call.telemetry.push_failures += u64::from(sent.is_err());
    let sent = sent?;
    settle(call);
    Ok(sent)
}

fn try_to_send(
    call: &mut Call,
    gateway: &Url,
    limits: Limits,
    bypass_breaker: bool,
    check: bool,
) -> Result<Sent, Error> {
    let group = call.config.group()?;
    let natives = call.registry.names_of(Kind::NativeHistogram);
    let abilities = match () {
        // A gateway may have been replaced since it was asked.
        () if check => abilities(call, gateway, limits, bypass_breaker)?,
        () if natives.is_empty() && group.odd_name().is_none() => Abilities::default(),
        () => known_abilities(call, gateway, limits, bypass_breaker)?,
    };
    check_names(&group, abilities)?;
    let mut sent = Sent { downgraded: None, unchecked: None, replaced: Vec::new() };
    if check {
        match conflicts(call, gateway, &group, limits, bypass_breaker, abilities) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => {
                return Err(Error::Client(ClientError::PushConflict {
                    origin: gateway.origin(),
                    reply: None,
                    conflicts,
                }));
            }
            Err(error) => sent.unchecked = Some(tolerated(error)?),
        }
    }
    sent.replaced = resets::find(call, gateway, &group, limits, bypass_breaker);
    let (bytes, choice) = call.expose(plain(format(&natives, abilities)))?;
    if choice.format != Format::Protobuf && !natives.is_empty() {
        let reason = match abilities.version {
            Some((major, minor)) => format!(
                "the gateway is of version {major}.{minor}, and takes native histograms from 1.8 on: only their sum and count were sent"
            ),
            None => "the gateway does not say its version: only sum and count of native histograms were sent".into(),
        };
        sent.downgraded = Some((natives, reason));
    }
    let gzip = call.config.push_gzip;
    let bytes = if gzip { crate::http::gzip::compress(&bytes) } else { bytes };
    let body = Body { content_type: choice.content_type(), bytes, gzip };
    let adds = call.config.push_mode == Mode::Add;
    let url = group.url(gateway);
    match pushgateway::push(&mut call.client(limits, bypass_breaker), &url, adds, body) {
        Ok(()) => {}
        Err(error @ ClientError::Refused { status: 400, .. }) => {
            let found = conflicts(call, gateway, &group, limits, bypass_breaker, abilities).unwrap_or_default();
            return Err(explained(error, found).into());
        }
        Err(error) => return Err(error.into()),
    }
    remember(call, url);
    Ok(sent)
}

/// Puts text 0.0.4 that is not the registry's into a group, for somebody who asked for that by name. `families` is what the text
/// says. Why it was not checked before, though it should have been.
pub(super) fn push_text(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    families: &[preflight::Family],
    text: &[u8],
) -> Result<Option<String>, Error> {
    let limits = call.config.limits();
    let abilities = abilities(call, gateway, limits, true)?;
    check_names(group, abilities)?;
    let adds = call.config.push_mode == Mode::Add;
    let check = |call: &mut Call| {
        look(call, gateway, limits, true, &mut |_, held, own| {
            let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
            Ok(preflight::check(families, &target))
        })
    };
    let mut unchecked = None;
    if call.config.preflight.unwrap_or(true) {
        match check(call) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => {
                return Err(Error::Client(ClientError::PushConflict {
                    origin: gateway.origin(),
                    reply: None,
                    conflicts,
                }));
            }
            Err(error) => unchecked = Some(tolerated(error)?),
        }
    }
    let gzip = call.config.push_gzip;
    let bytes = if gzip { crate::http::gzip::compress(text) } else { text.to_vec() };
    let body = Body { content_type: plain(Format::Text004).content_type(), bytes, gzip };
    let url = group.url(gateway);
    let pushed = pushgateway::push(&mut call.client(limits, true), &url, adds, body);
    call.telemetry.pushes += u64::from(pushed.is_ok());
    call.telemetry.push_failures += u64::from(pushed.is_err());
    match pushed {
        Ok(()) => remember(call, url),
        Err(error @ ClientError::Refused { status: 400, .. }) => {
            let found = check(call).unwrap_or_default();
            return Err(explained(error, found).into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(unchecked)
}

/// Refuses a label's name that the gateway would misread.
fn check_names(group: &Group, abilities: Abilities) -> Result<(), Error> {
    match group.odd_name() {
        Some(name) if !abilities.utf8 && abilities.version.is_some() => {
            let problem = "this gateway takes names of letters, digits and _ only; start it with --push.enable-utf8-names, or rename the label";
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

/// Keeps a group's URL for `cleanup`.
fn remember(call: &mut Call, url: Url) {
    if call.pushes.groups.len() < MAX_REMEMBERED && !call.pushes.groups.contains(&url) {
        call.pushes.groups.push(url);
    }
}

fn format(natives: &[String], abilities: Abilities) -> Format {
    if !natives.is_empty() && abilities.takes_native_histograms() { Format::Protobuf } else { Format::Text004 }
}

/// What the gateway can do, as it said when it was asked last.
fn known_abilities(call: &mut Call, gateway: &Url, limits: Limits, bypass_breaker: bool) -> Result<Abilities, Error> {
    match &call.pushes.gateway {
        Some((origin, abilities)) if *origin == gateway.origin() => Ok(*abilities),
        _ => abilities(call, gateway, limits, bypass_breaker),
    }
}

/// Asks the gateway what it can do.
fn abilities(call: &mut Call, gateway: &Url, limits: Limits, bypass_breaker: bool) -> Result<Abilities, Error> {
    let request = pushgateway::status_request(gateway);
    let mut client = call.client(limits, bypass_breaker);
    client.retry = Retry::ONCE;
    let response = client.send(pushgateway::PEER, request)?;
    let abilities = Abilities::read(&response);
    call.pushes.gateway = Some((gateway.origin(), abilities));
    Ok(abilities)
}

/// What the gateway would refuse of what is recorded.
fn conflicts(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    limits: Limits,
    bypass_breaker: bool,
    abilities: Abilities,
) -> Result<Vec<Conflict>, Error> {
    look(call, gateway, limits, bypass_breaker, &mut |call, held, own| {
        if call.config.own_metrics {
            call.telemetry.publish(call.registry)?;
        }
        let families = call.registry.read(call.unix_nanos / 1_000_000);
        let adds = call.config.push_mode == Mode::Add;
        let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
        Ok(preflight::check(&preflight::of(&families), &target))
    })
}

/// Decides from the groups that a gateway holds, and from what it exposes itself.
type Judge<'j> = &'j mut dyn FnMut(&mut Call, &[Held], &[OwnFamily]) -> Result<Vec<Conflict>, Error>;

/// Asks the gateway what it holds.
fn look(
    call: &mut Call,
    gateway: &Url,
    limits: Limits,
    bypass_breaker: bool,
    judge: Judge,
) -> Result<Vec<Conflict>, Error> {
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let mut client = call.client(limits, bypass_breaker);
    // The push itself is repeated; what only looks ahead costs no waits of its own.
    client.retry = Retry::ONCE;
    let text = |response: &Response| String::from_utf8_lossy(&response.body).into_owned();
    let response = client.send(pushgateway::PEER, request)?;
    let held_text = text(&response);
    let json = Json::parse(&held_text);
    let held = groups(&url, &response, &json)?;
    // Asked for last: some of the gateway's metrics are there from the first request on. They may live under another path,
    // where nobody looks for them.
    let response = client.send(pushgateway::PEER, pushgateway::metrics_request(gateway))?;
    let own_text = text(&response);
    let own = if response.status == 200 { own_families(&own_text) } else { Vec::new() };
    judge(call, &held, &own)
}

pub(super) fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "name a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}

/// Deletes every group that was pushed, where the configuration says so, side by side and within one push's time; and tells in
/// the answer of `cleanup`.
pub(super) fn clean(pushes: &mut Pushes, client: &mut Client, config: &Config, answer: &mut Answer) {
    let groups = core::mem::take(&mut pushes.groups);
    if groups.is_empty() {
        return;
    }
    let outcomes = if config.delete_on_cleanup { pushgateway::delete(client, &groups) } else { Vec::new() };
    let names: Vec<String> = groups.iter().map(redacted).collect();
    let deleted = names.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    answer.texts("groups_deleted", deleted.map(|(name, _)| name.as_str()));
    answer.open_list("groups_left");
    for (index, name) in names.iter().enumerate() {
        let outcome = outcomes.get(index);
        if matches!(outcome, Some(Ok(()))) {
            continue;
        }
        answer.open_item();
        answer.text("group", name);
        if let Some(Err(error)) = outcome {
            Error::from(error.clone()).write_into(answer);
        }
        answer.close();
    }
    answer.close_list();
}
